"""What can be put right without harm: each repair a transaction of its own, which holds the guard.

Rows may have changed since they were found: a repair looks again before it writes. What VCL changes at the same moment
is left alone by the statements themselves, see store.repairs.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from django.db import connection

from blockalloc import clock
from blockalloc.inspection.drift import Drift
from blockalloc.inspection.findings import Finding
from blockalloc.inspection.leftovers import is_stuck
from blockalloc.inspection.reading import form_end
from blockalloc.inspection.reloads import is_deletable
from blockalloc.store import repairs, times
from blockalloc.store.guard import Deadline, guarded
from blockalloc.store.withdrawal import withdraw
from scheduling.block_status import is_expired, is_left_over
from scheduling.withdrawal import is_withdrawable

Subject = Mapping[str, Any]


def obstacle() -> str:
    """Why nothing can be repaired in this database; "" when it can be."""
    return Drift(connection).obstacle_to_repairs()


def proposed(finding: Finding) -> str:
    """What `repair` does about a repairable finding, in words."""
    subject = finding.subject
    if finding.kind == "orphaned_reload":
        return f"delete reload request {subject['request']} and its reservations"
    if finding.kind == "abandoned_reload":
        return f"withdraw reload request {subject['request']} of {_computers(len(subject['computers']))}"
    if finding.kind == "early_reload":
        return f"set preload = 1 on reload request {subject['request']}"
    if finding.kind == "ended_block_time":
        return f"delete block time {subject['block_time']} with {_computers(len(subject['computers']))}"
    return f"set processing = 0 on block request {subject['block_request']}"


def _computers(number: int) -> str:
    return "1 computer" if number == 1 else f"{number} computers"


def repair(finding: Finding) -> bool:
    """Put a repairable finding right. False: the rows have changed meanwhile, and were left alone.

    Raises Refusal 205 when the guard can't be had in time; nothing was written then.
    """
    assert finding.repairable
    work = REPAIRS[finding.kind]
    return guarded(lambda: work(finding.subject, clock.now()), Deadline()) > 0


def _delete_reload(subject: Subject, now: int) -> int:
    seen = repairs.reload(subject["request"])
    if seen is None:
        return 0
    start, requested = times.from_local(seen.start) or 0, times.latest_from_local(seen.asked) or 0
    if not is_deletable(start, seen.preload, requested, now, is_empty=bool(seen.is_empty)):
        return 0
    return repairs.delete_reload(subject["request"], seen)


class Cleared(NamedTuple):
    """How many rows were cleared away: block times that were deleted, block requests that were completed."""

    block_times: int
    requests: int


def clear_block_time(block_time_id: int, now: int) -> Cleared:
    """What the back end does at the end of a block time, if it is left over; one that is not accepted keeps its status.

    In the caller's transaction, which holds the guard.
    """
    seen = repairs.block_time(block_time_id)
    if seen is None:
        return Cleared(0, 0)
    start, end = times.from_local(seen.start) or 0, times.from_local(seen.end) or 0
    if not is_left_over(start, end, times.latest_from_local(seen.end) or 0, now):
        return Cleared(0, 0)
    deleted = repairs.delete_block_time(block_time_id, seen)
    expires = times.from_local(seen.expires)
    has_expired = bool(deleted and expires and is_expired(expires, now))
    return Cleared(deleted, repairs.complete(seen) if has_expired else 0)


def _clear_block_time(subject: Subject, now: int) -> int:
    return clear_block_time(subject["block_time"], now).block_times


def _keep_until_start(subject: Subject, now: int) -> int:
    seen = repairs.reload(subject["request"])
    if seen is None or not is_withdrawable(times.from_local(seen.start) or 0, seen.preload, now):
        return 0
    return repairs.keep_until_start({subject["request"]: str(seen.start)}, now)


def _withdraw(subject: Subject, now: int) -> int:
    id_ = subject["request"]
    without_row = repairs.computers_without_row(id_)
    withdrawn = withdraw([(id_, computer) for computer in subject["computers"] if computer in without_row], now)
    return withdrawn.requests + withdrawn.reservations


def _end_processing(subject: Subject, now: int) -> int:
    rows = repairs.block_request(subject["block_request"])
    if not rows:
        return 0
    spans = [
        (times.from_local(row.start) or 0, times.from_local(row.end) or 0) for row in rows if row.start is not None
    ]
    last_end = form_end(rows[0].last_day, rows[0].last_minute)
    if not is_stuck(spans, last_end, times.from_local(rows[0].expires) or 0, now):
        return 0
    return repairs.end_processing(subject["block_request"])


REPAIRS: Mapping[str, Callable[[Subject, int], int]] = {
    "abandoned_reload": _withdraw,
    "early_reload": _keep_until_start,
    "ended_block_time": _clear_block_time,
    "orphaned_reload": _delete_reload,
    "stuck_processing": _end_processing,
}
