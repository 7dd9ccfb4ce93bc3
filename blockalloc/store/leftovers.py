"""What keep_ready lets go (SPEC 9.5): block times and reloads that may be left over, and what takes them away.

Both statements of a look read rows of all block times; with the id of one, its rows alone. Statements that write name
what they rely on, as in store.repairs.
"""

from collections.abc import Sequence
from typing import NamedTuple

from blockalloc.store import times
from blockalloc.store.planned_reloads import TABLE as PLANNED_RELOADS
from blockalloc.store.sql import ALL_ROWS, Select, Value, execute, fetch
from scheduling.state_ids import RELOAD
from scheduling.upkeep.leftovers import LeftBlockTime, LeftReload
from scheduling.vcl_names import ACCEPTED, RELOAD_USER

_NOT_TO_TAKE_PLACE = f"(t.skip <> 0 OR r.status <> '{ACCEPTED}')"

# The ids come from two indexes; all block times of a term would be many.
_BLOCK_TIMES = f"""
SELECT t.id, t.start, t.`end`, t.skip, t.processed, r.status,
       (SELECT COUNT(*) FROM blockComputers c WHERE c.blockTimeid = t.id)
FROM (
    SELECT id FROM blockTimes WHERE `end` <= %s
    UNION
    SELECT t.id FROM (SELECT DISTINCT blockTimeid FROM blockComputers) b
    JOIN blockTimes t ON t.id = b.blockTimeid JOIN blockRequest r ON r.id = t.blockRequestid
    WHERE {_NOT_TO_TAKE_PLACE}
) k
JOIN blockTimes t ON t.id = k.id JOIN blockRequest r ON r.id = t.blockRequestid
"""
_ONE_BLOCK_TIME = """
SELECT t.id, t.start, t.`end`, t.skip, t.processed, r.status,
       (SELECT COUNT(*) FROM blockComputers c WHERE c.blockTimeid = t.id)
FROM blockTimes t JOIN blockRequest r ON r.id = t.blockRequestid WHERE t.id = %s
"""

_WAITING = f"q.stateid = {RELOAD} AND q.laststateid = {RELOAD}"
_EARLY = f"""
SELECT 0, t.id, q.id, b.computerid, '', q.start, q.preload
FROM request q JOIN blockComputers b ON b.reloadrequestid = q.id JOIN blockTimes t ON t.id = b.blockTimeid
JOIN blockRequest r ON r.id = t.blockRequestid
WHERE {_WAITING} AND q.preload = 0 AND t.skip = 0 AND r.status = '{ACCEPTED}' AND t.start > %s
"""
# Hardly any reload has lost its block computer: all others are left out first, by its key, before the other
# tables are joined (the limit keeps the subquery a table). At the end all block times are searched for it.
_ORPHANED = f"""
SELECT 1, o.block_time_id, o.id, o.computer_id, COALESCE(c.hostname, ''), o.start, o.preload
FROM (
    SELECT q.id, q.userid, q.start, q.preload, p.block_time_id, p.computer_id
    FROM request q JOIN {PLANNED_RELOADS} p ON p.request_id = q.id
    LEFT JOIN blockComputers b
      ON b.blockTimeid = p.block_time_id AND b.computerid = p.computer_id AND b.reloadrequestid = p.request_id
    WHERE {_WAITING} AND q.start > %s AND b.blockTimeid IS NULL
    LIMIT {ALL_ROWS}
) o
JOIN reservation v ON v.requestid = o.id AND v.computerid = o.computer_id
JOIN user u ON u.id = o.userid JOIN affiliation a ON a.id = u.affiliationid LEFT JOIN computer c ON c.id = o.computer_id
WHERE u.unityid = '{RELOAD_USER.unityid}' AND a.name = '{RELOAD_USER.affiliation}'
  AND NOT EXISTS (SELECT 1 FROM blockComputers b WHERE b.reloadrequestid = o.id AND b.computerid = o.computer_id)
"""
_RELOADS = f"{_EARLY} UNION ALL {_ORPHANED}"
_EARLY_OF_ONE = f"{_EARLY} AND t.id = %s"


class _BlockTime(NamedTuple):
    """A row of _BLOCK_TIMES."""

    id: int
    start: times.Stored
    end: times.Stored
    skip: int
    processed: int
    status: str
    computers: int


class _Reload(NamedTuple):
    """A row of _RELOADS."""

    is_orphaned: int
    block_time_id: int
    request_id: int
    computer_id: int
    hostname: str
    start: times.Stored
    preload: int


def block_times(now: int, ahead: int) -> list[LeftBlockTime]:
    """The block times that end at most `ahead` seconds after `now` or are over, and those with computers in vain."""
    return _as_facts(fetch(_BLOCK_TIMES, [times.to_local(now + ahead)]))


def block_time(block_time_id: int) -> LeftBlockTime | None:
    """A block time as it is now; None when it is gone."""
    return next(iter(_as_facts(fetch(_ONE_BLOCK_TIME, [block_time_id]))), None)


def _as_facts(rows: Sequence[tuple[Value, ...]]) -> list[LeftBlockTime]:
    return [
        LeftBlockTime(
            id=row.id,
            start=times.from_local(row.start) or 0,
            end=times.from_local(row.end) or 0,
            over=times.latest_from_local(row.end) or 0,
            wall_end=times.wall_time(row.end),
            skip=bool(row.skip),
            status=row.status,
            processed=bool(row.processed),
            computers=row.computers,
        )
        for row in map(_BlockTime._make, rows)
    ]


def reloads(now: int) -> list[LeftReload]:
    """Waiting reloads: of ours those without a block computer, and of classes to come those with `preload` 0."""
    return _as_reloads(fetch(_RELOADS, [times.to_local(now)] * 2))


def early_reloads(block_time_id: int, now: int) -> list[LeftReload]:
    """The waiting reloads with `preload` 0 of a class to come."""
    return _as_reloads(fetch(_EARLY_OF_ONE, [times.to_local(now), block_time_id]))


def orphaned_reloads(now: int) -> list[LeftReload]:
    """The waiting reloads of ours without a block computer."""
    return _as_reloads(fetch(_ORPHANED, [times.to_local(now)]))


def _as_reloads(rows: Sequence[tuple[Value, ...]]) -> list[LeftReload]:
    return [
        LeftReload(
            row.block_time_id,
            row.request_id,
            row.computer_id,
            row.hostname,
            times.from_local(row.start) or 0,
            row.preload,
            is_orphaned=bool(row.is_orphaned),
        )
        for row in map(_Reload._make, rows)
    ]


_MARK_PROCESSED = f"""
UPDATE blockTimes SET processed = 1
WHERE id = %s AND processed = 0 AND `end` = %s
  AND (skip <> 0 OR EXISTS (SELECT 1 FROM blockRequest r WHERE r.id = blockTimes.blockRequestid
                            AND r.status <> '{ACCEPTED}'))
"""


def mark_processed(time: LeftBlockTime) -> int:
    """Mark a block time that does not take place as processed; returns how many rows were changed."""
    assert time.wall_end is not None
    return execute(_MARK_PROCESSED, [time.id, times.stored_wall_time(time.wall_end)])


def end_of(time: LeftBlockTime) -> Select:
    """The condition that a block time still ends when it did, for `release`."""
    assert time.wall_end is not None
    end = times.stored_wall_time(time.wall_end)
    return Select("EXISTS (SELECT 1 FROM blockTimes t WHERE t.id = %s AND t.`end` = %s)", [time.id, end])


def not_to_take_place(block_time_id: int) -> Select:
    """The condition that a block time is skipped, or its request is not accepted, for `release`."""
    tables = "blockTimes t JOIN blockRequest r ON r.id = t.blockRequestid"
    return Select(f"EXISTS (SELECT 1 FROM {tables} WHERE t.id = %s AND {_NOT_TO_TAKE_PLACE})", [block_time_id])
