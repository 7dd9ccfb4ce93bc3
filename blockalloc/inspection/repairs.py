"""What can be put right without harm: each repair a transaction of its own, which holds the guard.

Rows may have changed since they were found: a repair looks again before it writes, and its statements name what they
rely on, so that what VCL changes at the same moment is left alone.
"""

from collections.abc import Callable, Mapping
from typing import Any

from django.db import connection

from blockalloc import clock
from blockalloc.inspection.drift import Drift
from blockalloc.inspection.facts import ACCEPTED, instant
from blockalloc.inspection.findings import Finding
from blockalloc.inspection.leftovers import is_stale, is_stuck
from blockalloc.inspection.reloads import is_deletable
from blockalloc.store import times
from blockalloc.store.guard import Deadline, guarded
from blockalloc.store.sql import execute, fetch
from scheduling.occupancy import RELOAD

Subject = Mapping[str, Any]

_RELOAD = """
SELECT start, daterequested, NOT EXISTS (SELECT 1 FROM reservation WHERE requestid = request.id)
FROM request WHERE id = %s
"""
_DELETE_RELOAD = """
DELETE FROM request
WHERE id = %s AND stateid = %s AND laststateid = %s AND start = %s
  AND NOT EXISTS (SELECT 1 FROM blockComputers WHERE reloadrequestid = request.id)
"""
_DELETE_EMPTY_RELOAD = """
DELETE FROM request
WHERE id = %s AND stateid = %s AND laststateid = %s
  AND NOT EXISTS (SELECT 1 FROM blockComputers WHERE reloadrequestid = request.id)
  AND NOT EXISTS (SELECT 1 FROM reservation WHERE requestid = request.id)
"""
_DELETE_BLOCK_COMPUTERS = """
DELETE FROM blockComputers
WHERE blockTimeid = %s AND EXISTS (SELECT 1 FROM blockTimes t WHERE t.id = %s AND t.`end` = %s)
"""
_TIMES = """
SELECT r.expireTime, t.start, t.`end`
FROM blockRequest r LEFT JOIN blockTimes t ON t.blockRequestid = r.id
WHERE r.id = %s
"""
_END_PROCESSING = "UPDATE blockRequest SET processing = 0 WHERE id = %s AND processing <> 0 AND status = %s"


def obstacle() -> str:
    """Why nothing can be repaired in this database; "" when it can be."""
    return Drift(connection).obstacle_to_repairs()


def proposed(finding: Finding) -> str:
    """What `repair` does about a repairable finding, in words."""
    subject = finding.subject
    if finding.kind == "orphaned_reload":
        return f"delete reload request {subject['request']} and its reservations"
    if finding.kind == "stale_block_computer":
        return f"delete the {len(subject['computers'])} rows of block time {subject['block_time']} in blockComputers"
    return f"set processing = 0 on block request {subject['block_request']}"


def repair(finding: Finding) -> bool:
    """Put a repairable finding right. False: the rows have changed meanwhile, and were left alone.

    Raises Refusal 205 when the guard can't be had in time; nothing was written then.
    """
    assert finding.repairable
    work = _REPAIRS[finding.kind]
    return guarded(lambda: work(finding.subject, clock.now()), Deadline()) > 0


def _delete_reload(subject: Subject, now: int) -> int:
    id_ = subject["request"]
    deleted = 0
    for start, requested, is_empty in fetch(_RELOAD, [id_]):
        requested_at = times.known(times.latest(requested))
        if is_deletable(instant(start), requested_at, now, is_empty=bool(is_empty)):
            waiting = [id_, RELOAD, RELOAD]
            deleted = (
                execute(_DELETE_EMPTY_RELOAD, waiting) if is_empty else execute(_DELETE_RELOAD, [*waiting, str(start)])
            )
    if deleted:  # the foreign key has deleted these, where the database has it
        execute("DELETE FROM reservation WHERE requestid = %s", [id_])
    return deleted


def _delete_block_computers(subject: Subject, now: int) -> int:
    id_ = subject["block_time"]
    deleted = 0
    for start, end in fetch("SELECT start, `end` FROM blockTimes WHERE id = %s", [id_]):
        if is_stale(instant(start), instant(end), now):
            deleted = execute(_DELETE_BLOCK_COMPUTERS, [id_, id_, str(end)])
    return deleted


def _end_processing(subject: Subject, now: int) -> int:
    id_ = subject["block_request"]
    rows = fetch(_TIMES, [id_])
    spans = [(instant(start), instant(end)) for _, start, end in rows if start is not None]
    if not rows or not is_stuck(spans, instant(rows[0][0]), now):
        return 0
    return execute(_END_PROCESSING, [id_, ACCEPTED])


_REPAIRS: Mapping[str, Callable[[Subject, int], int]] = {
    "orphaned_reload": _delete_reload,
    "stale_block_computer": _delete_block_computers,
    "stuck_processing": _end_processing,
}
