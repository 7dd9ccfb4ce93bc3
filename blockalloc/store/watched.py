"""The rows that say what block times of the next hours need (SPEC 9), in a fixed number of statements.

Times in rows are as the database gives them.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from blockalloc.models import Decision, Watch
from blockalloc.store import times
from blockalloc.store.claims import HELD, UPKEEP_HOLD
from blockalloc.store.readiness import SELECT_COMPUTERS, ComputerRow, computer_rows
from blockalloc.store.sql import Select, Value, fetch, fetch_together, listed_ids
from scheduling.state_ids import COMPLETE, DELETED, FAILED, PENDING, RELOAD
from scheduling.upkeep.target import RecordedCall
from scheduling.vcl_names import ACCEPTED
from scheduling.windows import HOUR

_SLACK = 3 * HOUR  # what SQL narrows by is wider than what is judged: a change of the clock
_WATCH, _DECISIONS = Watch._meta.db_table, Decision._meta.db_table


class BlockTimeRow(NamedTuple):
    """A block time, its block request and what keep_ready remembers of it (None: it never looked at it)."""

    id: int
    start: times.Stored
    end: times.Stored
    processed: int
    skip: int
    request_id: int
    name: str
    status: str
    expires: times.Stored
    machines: int
    group_id: int | None
    processing: int
    image_id: int
    image: str
    reload_minutes: int
    further_images: str | None  # ids, of a cluster
    first_seen: times.Stored
    processing_seen: times.Stored
    tried: times.Stored
    holds_stopped: times.Stored
    noted: str | None
    at_risk: str | None
    sure: float | None  # the probability that all its machines are ready, as a look has said last
    complete_since: times.Stored


_BLOCK_TIMES = f"""
SELECT t.id, t.start, t.`end`, t.processed, t.skip, r.id, r.name, r.status, r.expireTime, r.numMachines, r.groupid,
       r.processing, r.imageid, COALESCE(i.prettyname, ''), COALESCE(i.reloadtime, 10),
       (SELECT GROUP_CONCAT(s.imageid) FROM imagemeta m JOIN subimages s ON s.imagemetaid = m.id
        WHERE m.id = i.imagemetaid AND m.subimages = 1),
       w.first_seen, w.processing_seen, w.tried, w.holds_stopped, w.noted, w.at_risk, w.ready, w.complete_since
FROM blockTimes t JOIN blockRequest r ON r.id = t.blockRequestid
LEFT JOIN image i ON i.id = r.imageid LEFT JOIN {_WATCH} w ON w.block_time_id = t.id
WHERE {{which}} ORDER BY t.start, t.id
"""
_UPCOMING = f"t.start < %s AND t.`end` > %s AND t.skip = 0 AND r.status = '{ACCEPTED}'"


class BookingRow(NamedTuple):
    """A request for a computer of a block time, other than the reload that the block computer names."""

    block_time_id: int
    computer_id: int
    request_id: int
    state_id: int
    last_state_id: int
    start: times.Stored
    end: times.Stored
    image_id: int
    is_member: int
    node_seen: times.Stored


_BOOKINGS = f"""
SELECT b.blockTimeid, b.computerid, q.id, q.stateid, q.laststateid, q.start, q.`end`, v.imageid,
       r.groupid IS NULL OR EXISTS (
           SELECT 1 FROM usergroupmembers m WHERE m.userid = q.userid AND m.usergroupid = r.groupid),
       (SELECT n.lastcheckin FROM managementnode n WHERE n.id = v.managementnodeid)
FROM blockTimes t JOIN blockRequest r ON r.id = t.blockRequestid JOIN blockComputers b ON b.blockTimeid = t.id
JOIN reservation v ON v.computerid = b.computerid JOIN request q ON q.id = v.requestid AND q.id <> b.reloadrequestid
WHERE t.id IN ({{block_times}}) AND q.stateid NOT IN ({COMPLETE}, {FAILED}, {DELETED}) AND q.start < t.`end`
  AND (q.`end` > %s OR q.stateid = {RELOAD} OR (q.stateid = {PENDING} AND q.laststateid = {RELOAD}))
"""


class SemaphoreRow(NamedTuple):
    """A semaphore row of a computer. `is_hold`: ours, and stops the front end only; `is_upkeep`: keep_ready's."""

    computer_id: int
    expires: times.Stored
    is_hold: int
    is_upkeep: int


_SEMAPHORES = "SELECT computerid, expires, procid LIKE %s, procid LIKE %s FROM semaphore"


class CallRow(NamedTuple):
    """A call about a block time that came to something; `parameters` is JSON, `wanted`, `spares` as in `Decision`."""

    block_time_id: int
    action: str
    wanted: int | None
    parameters: str
    spares: int | None


_CALLS = f"""
SELECT block_time_id, action, wanted, parameters, spares FROM {_DECISIONS}
WHERE block_time_id IN ({{block_times}}) AND outcome NOT IN (%s, %s)
  AND (action IN (%s, %s, %s, %s, %s) OR (action = %s AND spares IS NOT NULL)) ORDER BY id
"""
_OF_CALLS: tuple[Value, ...] = (
    Decision.REFUSED,
    Decision.FAILED,
    Decision.ALLOCATE,
    Decision.RELEASE,
    Decision.RELEASE_SOME,
    Decision.SKIP,
    Decision.UNSKIP,
    Decision.KEEP_READY,
)


class Watched(NamedTuple):
    """The rows about block times."""

    computers: Sequence[ComputerRow]
    bookings: Sequence[BookingRow]
    semaphores: Sequence[SemaphoreRow]
    calls: Sequence[CallRow]


def upcoming(now: int, seconds: int) -> list[BlockTimeRow]:
    """The block times that are to take place and that begin within so many seconds, or are on; the next ones first."""
    sql = _BLOCK_TIMES.format(which=_UPCOMING)
    limits = [times.to_local(now + seconds + _SLACK), times.to_local(now - _SLACK)]
    return [*map(BlockTimeRow._make, fetch(sql, limits))]


def block_time(block_time_id: int) -> BlockTimeRow | None:
    """One block time, whatever its state; None when it is gone."""
    return next(map(BlockTimeRow._make, fetch(_BLOCK_TIMES.format(which="t.id = %s"), [block_time_id])), None)


def block_times(block_time_ids: Collection[int]) -> list[BlockTimeRow]:
    """These block times, whatever their state, as far as there are any. One statement, none for none."""
    if not block_time_ids:
        return []
    sql = _BLOCK_TIMES.format(which=f"t.id IN ({listed_ids(block_time_ids)})")
    return [*map(BlockTimeRow._make, fetch(sql))]


def read(block_time_ids: Collection[int], now: int) -> Watched:
    """What decides whether these block times are ready, at `now` (Unix seconds)."""
    listed = listed_ids(block_time_ids)
    computers, bookings, semaphores, calls = fetch_together(
        [
            (Select(SELECT_COMPUTERS.format(block_times=listed)), list),
            (Select(_BOOKINGS.format(block_times=listed), [times.to_local(now - _SLACK)]), list),
            (Select(_SEMAPHORES, [f"{HELD}%", f"{UPKEEP_HOLD}%"]), list),
            (Select(_CALLS.format(block_times=listed), _OF_CALLS), list),
        ]
    )
    return Watched(
        computer_rows(computers),
        [*map(BookingRow._make, bookings)],
        [*map(SemaphoreRow._make, semaphores)],
        [*map(CallRow._make, calls)],
    )


def calls(block_time_ids: Collection[int]) -> Mapping[int, list[RecordedCall]]:
    """Block time -> the calls about it that came to something, in their order; one statement."""
    rows = fetch(_CALLS.format(block_times=listed_ids(block_time_ids)), _OF_CALLS)
    return recorded_calls(map(CallRow._make, rows))


def recorded_calls(rows: Iterable[CallRow]) -> Mapping[int, list[RecordedCall]]:
    """The same of rows that were read."""
    calls: dict[int, list[RecordedCall]] = defaultdict(list)
    for row in rows:
        spares = row.spares or 0
        if row.action == "release some":
            calls[row.block_time_id].append(RecordedCall(row.action, row.wanted or 0, spares=spares))
        elif row.action != "allocate":
            calls[row.block_time_id].append(RecordedCall(row.action, spares=spares))
        elif row.wanted is not None:  # without: an answer that was given before
            ignore = json.loads(row.parameters or "{}").get("ignoreprivileges", True)
            calls[row.block_time_id].append(RecordedCall(row.action, row.wanted, bool(ignore), spares))
    return calls
