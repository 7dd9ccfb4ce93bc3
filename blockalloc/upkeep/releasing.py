"""Staff take some of its computers from a class and leave it the others: in one transaction, with its record."""

from collections import Counter
from collections.abc import Collection, Sequence
from typing import NamedTuple

from blockalloc import clock
from blockalloc.allocation.journal import Journal
from blockalloc.contract import refusals
from blockalloc.contract.messages import Caller
from blockalloc.contract.staff_reason import with_reason
from blockalloc.models import Decision
from blockalloc.store import news, rows
from blockalloc.store.guard import Deadline, guarded
from blockalloc.store.release import Released, give_up, set_processed
from blockalloc.upkeep import reading
from blockalloc.upkeep.reading import Watch
from scheduling import wording
from scheduling.machines import whole_machines
from scheduling.upkeep.condition import Condition
from scheduling.upkeep.needs import needs
from scheduling.upkeep.releasing import is_free, least_missed
from scheduling.upkeep.spares import spares
from scheduling.upkeep.target import Target


class Choice(NamedTuple):
    """The computers of a class from which some are to be chosen, those that it misses least first.

    `machines` are those that it is to have now.
    """

    computers: Sequence[Condition]
    machines: int


class Done(NamedTuple):
    """What was done, in words; whether any computer was released."""

    text: str
    is_done: bool


def choice(block_time_id: int) -> Choice:
    """The computers that may be chosen. Raises Refusal 8 when there is no such block time."""
    watch = _watch(block_time_id)
    return Choice(least_missed(needs(watch.facts, clock.now()).conditions), watch.facts.target.machines)


def release_some(
    block_time_id: int, free: Collection[int], in_use: Collection[int], caller: Caller, reason: str = ""
) -> Done:
    """Take computers (ids) from a block time, and withdraw their reloads where possible.

    From now on it is to have as many machines as it has left: neither the back end nor keep_ready asks for others until
    somebody allocates again (SPEC 9.1). Of `free` those stay that a member uses by now, or that somebody is reserving;
    those of `in_use` go all the same. Raises Refusal 8 when there is no such block time, 205 when other calls take too
    long; nothing was done then.
    """
    parameters: dict[str, object] = {"blockTimeid": block_time_id, **({"reason": reason} if reason else {})}
    journal = Journal(Decision.RELEASE_SOME, caller, parameters)

    def transaction() -> tuple[Done, int]:
        row, now = rows.block_time(block_time_id), clock.now()
        watch = _watch(block_time_id)
        chosen, stay = _chosen(needs(watch.facts, now).conditions, free, in_use)
        parameters["computers"] = sorted(each.computer.id for each in chosen)
        kept = f"in use by now, so left in the class: {_names(stay)}" if stay else ""
        if not chosen:
            text = f"no computer was released; {kept or 'the class has none of those that were chosen'}"
            return Done(text, is_done=False), journal.record_action(text, row, Decision.REFUSED)
        released = _release(block_time_id, chosen, now)
        left = _left(watch, chosen)
        set_processed(block_time_id)
        news.forget(block_time_id)
        text = "; ".join(filter(None, [str(released), f"machines left: {left.machines}", kept]))
        said, numbers = with_reason(text, reason), _numbers(watch, left)
        return Done(text, is_done=True), journal.record_action(said, row, Decision.DONE, **numbers)

    with journal.recording_failures():
        done, decision_id = guarded(transaction, Deadline(), journal.count_retry)
    journal.prune(decision_id)
    return done


def _watch(block_time_id: int) -> Watch:
    watch = reading.one(block_time_id, clock.now())
    if watch is None:
        raise refusals.unknown_block_time("blockTimeid", block_time_id)
    return watch


def _chosen(
    conditions: Sequence[Condition], free: Collection[int], in_use: Collection[int]
) -> tuple[list[Condition], list[Condition]]:
    """Those that go, and those of `free` that stay, since they are no longer free."""
    gone = [each for each in conditions if each.computer.id in in_use]
    asked = [each for each in conditions if each.computer.id in free and each not in gone]
    return [*gone, *filter(is_free, asked)], [each for each in asked if not is_free(each)]


def _release(block_time_id: int, chosen: Sequence[Condition], now: int) -> Released:
    reloads = {each.computer.id: each.computer.reload_id for each in chosen}
    withdrawn = give_up(block_time_id, reloads, now)
    by_name = sorted(chosen, key=lambda each: each.hostname)
    loading = [each.hostname for each in by_name if (each.computer.reload_id, each.computer.id) in withdrawn.left]
    return Released([each.hostname for each in by_name], loading, withdrawn.requests)


def _left(watch: Watch, chosen: Sequence[Condition]) -> Target:
    """What the class is to have without these: its machines, or those that it was to have if they are fewer."""
    gone = {each.computer.id for each in chosen}
    images = Counter(each.facts.image_id for each in watch.facts.computers if each.id not in gone)
    machines, target = whole_machines(watch.image_ids, images), watch.facts.target
    wanted = min(machines, target.machines)
    return target._replace(machines=wanted, spares=min(machines - wanted, target.spares))


def _numbers(watch: Watch, left: Target) -> dict[str, int]:
    """The columns of the record: see upkeep.target."""
    images = Counter(each.facts.image_id for each in watch.facts.computers)
    had = min(whole_machines(watch.image_ids, images), watch.facts.target.machines)
    given_back = spares(watch.facts) - left.spares
    numbers = {"wanted": left.machines, "had": had, "allocated": left.machines}
    return {**numbers, "spares": -given_back} if given_back > 0 else numbers


def _names(computers: Sequence[Condition]) -> str:
    return wording.computers([each.hostname for each in computers])
