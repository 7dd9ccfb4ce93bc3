"""What VCL's back end should have cleared away."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from blockalloc.inspection import words
from blockalloc.inspection.facts import BlockComputer, Facts
from blockalloc.inspection.findings import Finding
from scheduling.block_status import is_left_over
from scheduling.readiness import ASKED_AHEAD
from scheduling.windows import MINUTE

AT_WORK = 30 * MINUTE  # a back end that has something to do is done by then


def is_stuck(times: Iterable[tuple[int, int]], last_end: int, expires: int, now: int) -> bool:
    """Whether a back end has nothing to do for a block request with these block times (start, end).

    `last_end` is the end of the last one, which the back end deletes at that moment; 0 where it is not known. Times
    that can't be (a zero date: 0) tell nothing.
    """
    times = list(times)
    if expires <= 0 or any(start <= 0 or end <= 0 for start, end in times):
        return False
    moments = [expires, last_end, *(moment for start, end in times for moment in (start - ASKED_AHEAD, end))]
    return not any(moment <= now <= moment + AT_WORK for moment in moments)


def ended(facts: Facts) -> Iterator[Finding]:
    """Block times that are over and still there, with their computers."""
    by_time: dict[int, list[BlockComputer]] = defaultdict(list)
    for row in facts.block_computers:
        by_time[row.block_time_id].append(row)
    for time in facts.times.values():
        if is_left_over(time.start, time.end, time.over, facts.now):
            block_computers = by_time[time.id]
            still = (
                f", and still holds {words.some([*map(words.computer, block_computers)])}" if block_computers else ""
            )
            subject = {
                "block_time": time.id,
                "computers": [row.computer_id for row in block_computers],
            }
            text = f"{words.block_time(time)} is over and was not cleared{still}"
            yield Finding("ended_block_time", subject, text, repairable=True)


def stuck(facts: Facts) -> Iterator[Finding]:
    """Block requests marked as being processed at a time at which nobody processes them."""
    for request in facts.requests:
        if request.processing and is_stuck(request.times, request.last_end, request.expires, facts.now):
            name = f"block request {request.id} ({words.plain(request.name)})"
            text = f"{name} is marked as being processed; nothing was due within the last half hour"
            yield Finding("stuck_processing", {"block_request": request.id}, text, repairable=True)
