"""What VCL's back end should have cleared away."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from blockalloc.inspection import words
from blockalloc.inspection.facts import Facts, Held
from blockalloc.inspection.findings import Finding
from scheduling.windows import HOUR, MINUTE

KEPT_FOR = HOUR  # how long after a block's end its computers may still be in its rows
PROCESSED_BEFORE = 6 * HOUR  # the back end processes a block time this long before its start
AT_WORK = 30 * MINUTE  # and is done by then


def is_stale(start: int, end: int, now: int) -> bool:
    """Whether the computers of a block time should be gone. Times that can't be (a zero date: 0) tell nothing."""
    return 0 < start < end < now - KEPT_FOR


def is_stuck(times: Iterable[tuple[int, int]], expires: int, now: int) -> bool:
    """Whether a back end has nothing to do for a block request with these block times (start, end).

    Times that can't be (a zero date: 0) tell nothing.
    """
    times = list(times)
    if expires <= 0 or any(start <= 0 or end <= 0 for start, end in times):
        return False
    moments = [expires, *(moment for start, end in times for moment in (start - PROCESSED_BEFORE, end))]
    return not any(moment <= now <= moment + AT_WORK for moment in moments)


def stale(facts: Facts) -> Iterator[Finding]:
    """Block times that are over and still hold computers: one finding for each."""
    by_time: dict[int, list[Held]] = defaultdict(list)
    for held in facts.held:
        if held.request_id is not None and is_stale(held.start, held.end, facts.now):
            by_time[held.block_time_id].append(held)
    for id_, all_held in by_time.items():
        subject = {"block_time": id_, "computers": [held.computer_id for held in all_held]}
        text = f"{words.block(all_held[0])} is over and still holds {words.some([*map(words.computer, all_held)])}"
        yield Finding("stale_block_computer", subject, text, repairable=True)


def stuck(facts: Facts) -> Iterator[Finding]:
    """Block requests marked as being processed at a time at which nobody processes them."""
    for request in facts.requests:
        if request.processing and is_stuck(request.times, request.expires, facts.now):
            name = f"block request {request.id} ({words.plain(request.name)})"
            text = f"{name} is marked as being processed; nothing was due within the last half hour"
            yield Finding("stuck_processing", {"block_request": request.id}, text, repairable=True)
