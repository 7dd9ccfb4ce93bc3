"""What repairs read and write, in the caller's transaction that holds the guard.

Statements that write name what they rely on, as it was read: a row that VCL changes at the same moment is left alone.
They return how many rows they changed.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from blockalloc.store import times
from blockalloc.store.inspection_rows import FORM_END
from blockalloc.store.planned_reloads import TABLE as PLANNED_RELOADS
from blockalloc.store.sql import Value, execute, fetch, listed_ids
from scheduling.state_ids import RELOAD
from scheduling.vcl_names import ACCEPTED


class Reload(NamedTuple):
    """A reload request. `is_empty`: it has no reservation."""

    start: times.Stored
    preload: int
    asked: times.Stored
    is_empty: int


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


def reload(request_id: int) -> Reload | None:
    """The request as it is now; None when it is gone."""
    return next(map(Reload._make, fetch(_RELOAD, [request_id])), None)


def delete_reload(request_id: int, seen: Reload) -> int:
    """Delete a reload that still waits, with its reservations, unless a block computer names it."""
    waiting: list[Value] = [request_id, RELOAD, RELOAD]
    if seen.is_empty:
        deleted = execute(_DELETE_EMPTY_RELOAD, waiting)
    else:
        deleted = execute(_DELETE_RELOAD, [*waiting, str(seen.start), seen.preload])
    if deleted:  # the foreign key has deleted these, where the database has it
        execute("DELETE FROM reservation WHERE requestid = %s", [request_id])
    return deleted


# The class must still be to come: the same as for the finding.
_KEEP_UNTIL_START = """
UPDATE request SET preload = 1
WHERE id IN ({requests}) AND stateid = %s AND laststateid = %s AND preload = 0 AND ({starts}) AND EXISTS (
    SELECT 1 FROM blockComputers b JOIN blockTimes t ON t.id = b.blockTimeid
    JOIN blockRequest r ON r.id = t.blockRequestid
    WHERE b.reloadrequestid = request.id AND t.skip = 0 AND r.status = %s AND t.start > %s)
"""


def keep_until_start(starts: Mapping[int, str], now: int) -> int:
    """Let reloads of classes to come, which still wait, begin at their starts and not 35 minutes before.

    `starts` are the requests with their starts, as they are stored.
    """
    by_start: dict[str, list[int]] = defaultdict(list)
    for request_id, start in starts.items():
        by_start[start].append(request_id)
    conditions = " OR ".join(f"(start = %s AND id IN ({listed_ids(ids)}))" for ids in by_start.values())
    sql = _KEEP_UNTIL_START.format(requests=listed_ids(starts), starts=conditions)
    return execute(sql, [RELOAD, RELOAD, *by_start, ACCEPTED, times.to_local(now)])


_WITHOUT_ROW = f"""
SELECT p.computer_id FROM {PLANNED_RELOADS} p
WHERE p.request_id = %s AND NOT EXISTS (
    SELECT 1 FROM blockComputers b WHERE b.computerid = p.computer_id AND b.reloadrequestid = p.request_id)
"""


def computers_without_row(request_id: int) -> set[int]:
    """The computers for which the request is on our record, and that no block time has by it."""
    return {computer for (computer,) in fetch(_WITHOUT_ROW, [request_id])}


class BlockTime(NamedTuple):
    """A block time; `request_id` is the id of its block request, `expires` None when that is gone."""

    start: times.Stored
    end: times.Stored
    request_id: int
    expires: times.Stored


_BLOCK_TIME = """
SELECT t.start, t.`end`, t.blockRequestid, r.expireTime
FROM blockTimes t LEFT JOIN blockRequest r ON r.id = t.blockRequestid WHERE t.id = %s
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


def block_time(block_time_id: int) -> BlockTime | None:
    """The block time as it is now; None when it is gone."""
    return next(map(BlockTime._make, fetch(_BLOCK_TIME, [block_time_id])), None)


def delete_block_time(block_time_id: int, seen: BlockTime) -> int:
    """Delete a block time that still ends when it did, with its computers."""
    end = str(seen.end)
    execute(_DELETE_BLOCK_COMPUTERS, [block_time_id, block_time_id, end])
    return execute(_DELETE_BLOCK_TIME, [block_time_id, end])


def complete(seen: BlockTime) -> int:
    """Mark the block request of a block time as completed, unless it has others or is not accepted (any more)."""
    return execute(_COMPLETE, [seen.request_id, ACCEPTED, str(seen.expires)])


class BlockRequest(NamedTuple):
    """A block time of a block request, or a block request without any: then `start` and `end` are None.

    `last_day` and `last_minute` are FORM_END.
    """

    expires: times.Stored
    last_day: object
    last_minute: int | None
    start: times.Stored
    end: times.Stored


_BLOCK_REQUEST = f"""
SELECT r.expireTime,
       {FORM_END}, t.start, t.`end`
FROM blockRequest r LEFT JOIN blockTimes t ON t.blockRequestid = r.id
WHERE r.id = %s
"""
_END_PROCESSING = "UPDATE blockRequest SET processing = 0 WHERE id = %s AND processing <> 0 AND status = %s"


def block_request(request_id: int) -> list[BlockRequest]:
    """The block request with each of its block times; empty when it is gone."""
    return [*map(BlockRequest._make, fetch(_BLOCK_REQUEST, [request_id]))]


def end_processing(request_id: int) -> int:
    """Take away the mark that the block request is being processed, when it has it and is accepted."""
    return execute(_END_PROCESSING, [request_id, ACCEPTED])
