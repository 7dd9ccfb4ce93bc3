"""Classes about to begin, or on, that have fewer machines than they want; and why, as far as rows and records tell."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile

from blockalloc.inspection import words
from blockalloc.inspection.facts import BlockTime, Facts
from blockalloc.inspection.findings import Finding
from blockalloc.inspection.records import History, Record
from blockalloc.models import Decision
from blockalloc.store.times import to_local
from scheduling.block_status import BlockStatus
from scheduling.machines import whole_machines
from scheduling.readiness import ASKED_AHEAD
from scheduling.state_ids import FAILED
from scheduling.what_happened import NO_RECORD
from scheduling.windows import MINUTE
from scheduling.wording import plural

MARGIN = 2 * MINUTE  # and has an answer so long after that

_WHO_TAKES_AWAY = (
    "the back end takes a computer out of all blocks when a load or a reservation fails on it; VCL's pages, when staff "
    "edit or skip"
)

Short = tuple[BlockTime, int]  # and the machines that it has
Computers = Mapping[int, Mapping[int, int]]  # block time -> computer -> image


def is_due(time: BlockTime, now: int) -> bool:
    """Whether a block time should have its machines by now: until it is over."""
    status = BlockStatus(bool(time.skip), time.status, time.end, time.expires)
    return status.is_current_or_upcoming(now) and time.start <= now + ASKED_AHEAD - MARGIN


def short(facts: Facts) -> list[Short]:
    """The block times that have fewer machines than they want."""
    computers = _computers(facts)
    shortages = []
    for time in facts.times.values():
        if is_due(time, facts.now):
            images = [time.image_id, *facts.subimages.get(time.image_id, ())]
            machines = whole_machines(images, Counter(computers[time.id].values()))
            if machines < time.machines:
                shortages.append((time, machines))
    return shortages


def findings(facts: Facts, shortages: Sequence[Short], history: History) -> Iterator[Finding]:
    """A finding for each of them, with why."""
    computers = _computers(facts)
    for time, machines in shortages:
        why = "; ".join(_why(time, computers[time.id], history))
        text = f"{words.block_time(time)} has {machines} of the {time.machines} machines that it wants: {why}"
        subject = {"block_time": time.id, "machines": machines, "wanted": time.machines}
        yield Finding("short_class", subject, text, repairable=False)


def _computers(facts: Facts) -> Computers:
    computers: dict[int, dict[int, int]] = defaultdict(dict)
    for each in facts.block_computers:
        computers[each.block_time_id][each.computer_id] = each.image_id
    return computers


def _why(time: BlockTime, own: Mapping[int, int], history: History) -> Iterator[str]:
    """All known reasons, what happened last first."""
    records = history.of.get(time.id, ())
    release, since = _last_release(records)
    calls = [record for record in since if record.action in (Decision.ALLOCATE, Decision.KEEP_READY)]
    reasons = [
        *_of_releases(release, calls),
        *_of_some_released(since),
        *_of_losses(time, own, since, history, released=release is not None),
        *_of_calls(time, calls),
    ]
    if time.processing:
        reasons.append("a management node is marked as asking for it at this moment")
    yield from reasons or _of_rows(time, history, any_calls=bool(calls))


def _of_releases(release: Record | None, calls: Sequence[Record]) -> Iterator[str]:
    if release is not None and not any(call.allocated for call in calls):
        done = "released" if release.action == Decision.RELEASE else "skipped"
        yield f"it was {done} by {words.plain(release.who)} at {to_local(release.at)}"


def _of_some_released(records: Sequence[Record]) -> Iterator[str]:
    """The releases of some of its computers since somebody asked for machines last."""
    since = takewhile(lambda record: record.action != Decision.ALLOCATE, reversed(records))
    for record in reversed([each for each in since if each.action == Decision.RELEASE_SOME]):
        if record.outcome == Decision.DONE:
            computers = plural(len(record.given_up), "computer")
            yield f"{computers} of it released by {words.plain(record.who)} at {to_local(record.at)}"


def _of_losses(
    time: BlockTime, own: Mapping[int, int], calls: Sequence[Record], history: History, *, released: bool
) -> Iterator[str]:
    """Computers that it was given and does not have any more, those that it gave up aside.

    Planned reloads of before a release can't be distinguished from those after it: then only the records of calls say.
    """
    given = set() if released else set(history.planned.get(time.id, ()))
    for call in calls:
        given = (given - set(call.given_up)) | set(call.chosen)
    gone = sorted(given - own.keys())
    failed = [id_ for id_ in gone if id_ in history.computers and history.computers[id_].state_id == FAILED]
    if failed:
        yield f"taken away after failed loads: {_names(failed, history)}"
    if others := [id_ for id_ in gone if id_ not in failed]:
        yield f"not in it any more: {_names(others, history)} ({_WHO_TAKES_AWAY})"


def _names(ids: Sequence[int], history: History) -> str:
    return words.some(
        [history.computers[id_].hostname if id_ in history.computers else f"computer {id_}" for id_ in ids]
    )


def _of_calls(time: BlockTime, calls: Sequence[Record]) -> Iterator[str]:
    """What the last call came to, when it was not all that was wanted."""
    if not calls:
        return
    last = calls[-1]
    at = to_local(last.at)
    if last.outcome in (Decision.REFUSED, Decision.FAILED):
        yield f"the last call for it, at {at}, {'was refused' if last.outcome == Decision.REFUSED else 'failed'}" + (
            f": {words.plain(last.text)}" if last.text else ""
        )
    elif last.allocated is None:
        yield f"keep_ready loads nothing more for it since {at}: {words.plain(last.text)}"
    elif last.wanted is not None:
        if last.allocated < last.wanted:
            reason = f" ({words.plain(last.text)})" if last.text else ""
            yield f"the last call for it, at {at}, could allocate {last.allocated} of {last.wanted}{reason}"
        if last.wanted < time.machines:
            yield f"the last call for it, at {at}, asked for {last.wanted} only"


def _of_rows(time: BlockTime, history: History, *, any_calls: bool) -> Iterator[str]:
    """When no record explains it."""
    if any_calls:
        yield "it had them all; what became of them is not on record"
    elif not time.processed:
        yield "nobody has asked for them (processed = 0)"
    elif history.kept:
        yield f"it is marked as processed, and {NO_RECORD}"
    else:
        yield "they were asked for (processed = 1); why they are missing is not on record: our own tables are not made"


def _last_release(records: Sequence[Record]) -> tuple[Record | None, Sequence[Record]]:
    """When staff took its computers away last, and the records after that; None and all of them when they did not."""
    for place in range(len(records) - 1, -1, -1):
        record = records[place]
        if record.action in (Decision.RELEASE, Decision.SKIP) and record.outcome == Decision.DONE:
            return record, records[place + 1 :]
    return None, records
