"""What can be put right without harm: each repair a transaction of its own, which holds the guard.

Rows may have changed since they were found: a repair looks again before it writes, and its statements name what they
rely on, so that what VCL changes at the same moment is left alone.
"""

from collections.abc import Callable, Mapping
from typing import Any

from django.db import connection

from blockalloc import clock
from blockalloc.inspection.drift import Drift
from blockalloc.inspection.facts import FORM_END, form_end, instant
from blockalloc.inspection.findings import Finding
from blockalloc.inspection.leftovers import is_left_over, is_stuck
from blockalloc.inspection.reloads import is_deletable
from blockalloc.store import times
from blockalloc.store.guard import Deadline, guarded
from blockalloc.store.sql import execute, fetch
from blockalloc.store.withdrawal import is_withdrawable, withdraw
from scheduling.block_status import is_expired
from scheduling.occupancy import RELOAD
from scheduling.vcl_names import ACCEPTED

Subject = Mapping[str, Any]

_RELOAD = """
SELECT start, preload, daterequested, NOT EXISTS (SELECT 1 FROM reservation WHERE requestid = request.id)
FROM request WHERE id = %s
"""
_DELETE_RELOAD = """
DELETE FROM request
WHERE id = %s AND stateid = %s AND laststateid = %s AND start = %s AND preload = %s
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
_DELETE_BLOCK_TIME = "DELETE FROM blockTimes WHERE id = %s AND `end` = %s"
_COMPLETE = """
UPDATE blockRequest SET status = 'completed'
WHERE id = %s AND status = %s AND expireTime = %s
  AND NOT EXISTS (SELECT 1 FROM blockTimes t WHERE t.blockRequestid = blockRequest.id)
"""
_ENDED = """
SELECT t.start, t.`end`, t.blockRequestid, r.expireTime
FROM blockTimes t LEFT JOIN blockRequest r ON r.id = t.blockRequestid WHERE t.id = %s
"""
_EARLY = "SELECT start, preload FROM request WHERE id = %s"
# The class must still be to come: the same as for the finding.
_KEEP_UNTIL_START = """
UPDATE request SET preload = 1
WHERE id = %s AND stateid = %s AND laststateid = %s AND preload = 0 AND start = %s AND EXISTS (
    SELECT 1 FROM blockComputers b JOIN blockTimes t ON t.id = b.blockTimeid
    JOIN blockRequest r ON r.id = t.blockRequestid
    WHERE b.reloadrequestid = request.id AND t.skip = 0 AND r.status = %s AND t.start > %s)
"""
_WITHOUT_ROW = """
SELECT p.computer_id FROM blockalloc_planned_reload p
WHERE p.request_id = %s AND NOT EXISTS (
    SELECT 1 FROM blockComputers b WHERE b.computerid = p.computer_id AND b.reloadrequestid = p.request_id)
"""
_TIMES = f"""
SELECT r.expireTime,
       {FORM_END}, t.start, t.`end`
FROM blockRequest r LEFT JOIN blockTimes t ON t.blockRequestid = r.id
WHERE r.id = %s
"""  # noqa: S608 - our own
_END_PROCESSING = "UPDATE blockRequest SET processing = 0 WHERE id = %s AND processing <> 0 AND status = %s"


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
    id_ = subject["request"]
    deleted = 0
    for start, preload, requested, is_empty in fetch(_RELOAD, [id_]):
        requested_at = times.known(times.latest(requested))
        if is_deletable(instant(start), preload, requested_at, now, is_empty=bool(is_empty)):
            waiting = [id_, RELOAD, RELOAD]
            deleted = (
                execute(_DELETE_EMPTY_RELOAD, waiting)
                if is_empty
                else execute(_DELETE_RELOAD, [*waiting, str(start), preload])
            )
    if deleted:  # the foreign key has deleted these, where the database has it
        execute("DELETE FROM reservation WHERE requestid = %s", [id_])
    return deleted


def _clear_block_time(subject: Subject, now: int) -> int:
    """What the back end does at the end of a block time; a request that is not accepted keeps its status."""
    id_ = subject["block_time"]
    deleted = 0
    for start, end, request, expires in fetch(_ENDED, [id_]):
        if not is_left_over(instant(start), instant(end), times.known(times.latest(end)), now):
            continue
        execute(_DELETE_BLOCK_COMPUTERS, [id_, id_, str(end)])
        deleted = execute(_DELETE_BLOCK_TIME, [id_, str(end)])
        if deleted and instant(expires) and is_expired(instant(expires), now):
            execute(_COMPLETE, [request, ACCEPTED, str(expires)])
    return deleted


def _keep_until_start(subject: Subject, now: int) -> int:
    id_ = subject["request"]
    changed = 0
    for start, preload in fetch(_EARLY, [id_]):
        if is_withdrawable(instant(start), preload, now):
            waiting = [id_, RELOAD, RELOAD, str(start)]
            changed = execute(_KEEP_UNTIL_START, [*waiting, ACCEPTED, times.to_local(now)])
    return changed


def _withdraw(subject: Subject, now: int) -> int:
    id_ = subject["request"]
    without_row = {computer for (computer,) in fetch(_WITHOUT_ROW, [id_])}
    withdrawn = withdraw([(id_, computer) for computer in subject["computers"] if computer in without_row], now)
    return withdrawn.requests + withdrawn.reservations


def _end_processing(subject: Subject, now: int) -> int:
    id_ = subject["block_request"]
    rows = fetch(_TIMES, [id_])
    if not rows:
        return 0
    spans = [(instant(start), instant(end)) for *_, start, end in rows if start is not None]
    expires, day, minute, *_ = rows[0]
    if not is_stuck(spans, form_end(day, minute), instant(expires), now):
        return 0
    return execute(_END_PROCESSING, [id_, ACCEPTED])


REPAIRS: Mapping[str, Callable[[Subject, int], int]] = {
    "abandoned_reload": _withdraw,
    "early_reload": _keep_until_start,
    "ended_block_time": _clear_block_time,
    "orphaned_reload": _delete_reload,
    "stuck_processing": _end_processing,
}
