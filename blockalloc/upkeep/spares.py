"""Gives spares back: when their class has been complete for a while, or when another class needs computers (SPEC 9.5).

The transaction reads the rows of the class again and judges them anew.
"""

from collections.abc import Sequence

from blockalloc import clock
from blockalloc.allocation.journal import Journal
from blockalloc.contract.messages import Caller
from blockalloc.models import Decision
from blockalloc.store import heartbeat, rows, watches
from blockalloc.store.guard import Deadline, guarded
from blockalloc.store.release import give_up
from blockalloc.upkeep import reading
from blockalloc.upkeep.actions import Action
from blockalloc.upkeep.reading import LoadTimes, Watch
from scheduling import wording
from scheduling.upkeep.needs import Needs, needs
from scheduling.upkeep.spares import are_due, complete_since, spares, to_give_back
from scheduling.windows import overlap
from scheduling.wording import plural

_SECONDS = 5.0  # to wait for other calls: the next look comes in a minute
_COMPLETE = "the class has been complete for 15 minutes"

Looks = Sequence[tuple[Watch, Needs]]


def note_complete(looks: Looks, now: int) -> None:
    """Remember since when classes with spares are complete. No statement where no class has any."""
    watched = [each for each in looks if each[0].facts.target.spares or each[0].facts.complete_since is not None]
    if not watched:
        return
    last = heartbeat.read()
    before = {watch.facts.id: watch.facts.complete_since for watch, _ in watched}
    since = {
        watch.facts.id: complete_since(watch.facts, needed.conditions, last.at if last else None, now)
        for watch, needed in watched
    }
    watches.set_complete_since({id_: moment for id_, moment in since.items() if moment != before[id_]})


def to_be_given_back(looks: Looks, now: int) -> list[tuple[Watch, int | None]]:
    """The classes that are to give their spares back now; with the block time that needs computers, where one does."""
    wanting = [watch for watch, needed in looks if needed.missing and watch.row.tried is not None]
    given: list[tuple[Watch, int | None]] = []
    for watch, needed in looks:
        if are_due(watch.facts, needed.conditions, now):
            given.append((watch, None))
        elif spares(watch.facts) and (other := next((each for each in wanting if _overlap(watch, each)), None)):
            given.append((watch, other.facts.id))
    return given


def give_back(watch: Watch, wanting: int | None, caller: Caller, load_times: LoadTimes) -> Action | None:
    """Give the spares of the class back; None when there are none any more, or it needs them again. Raises Refusal."""
    id_ = watch.facts.id
    journal = Journal(Decision.KEEP_READY, caller, {"blockTimeid": id_})

    def transaction() -> Action | None:
        now = clock.now()
        seen = reading.one(id_, now, load_times)
        if seen is None:
            return None
        conditions, machines = needs(seen.facts, now).conditions, spares(seen.facts)
        if wanting is None and not are_due(seen.facts, conditions, now):
            return None
        gone = to_give_back(seen.facts, conditions)
        if not gone:
            return None
        give_up(id_, {each.computer.id: each.computer.reload_id for each in gone}, now)
        why = _COMPLETE if wanting is None else f"block time {wanting} has too few computers"
        names = wording.computers([each.hostname for each in gone])
        text = f"{plural(machines, 'spare')} given back, because {why}: {names}"
        wanted = seen.facts.target.machines  # all are there: else there would be no spares
        row = rows.block_time(id_)
        return Action(id_, text, journal.record_action(text, row, wanted=wanted, allocated=wanted, spares=-machines))

    action = guarded(transaction, Deadline(_SECONDS))
    journal.prune(action.decision_id if action else None)
    return action


def _overlap(watch: Watch, other: Watch) -> bool:
    one, two = watch.facts.block, other.facts.block
    return watch.facts.id != other.facts.id and overlap(one.start, one.end, two.start, two.end)
