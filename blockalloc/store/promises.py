"""What is promised to somebody at a time: reservations, blocks, claims, site maintenance.

This is what others change while a call is at work. It is read in one statement, so that all of it
is of one moment, and read again before anything is written. What only some sites have costs another
statement: load times of images whose block computers have no reload request, reloads that a block gave up.
"""

from collections import defaultdict
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from blockalloc.store import loads, planned_reloads, times
from blockalloc.store.claims import CLAIM, HELD, margin
from blockalloc.store.sql import Rows, Select, listed_ids, split_ids
from scheduling.facts import Holding, Maintenance, OrphanedReload, Reservation
from scheduling.occupancy import PENDING, RELOAD, RELOADING, held_from, is_reload
from scheduling.windows import HOUR

_ALL = "1 = 1"
_RESERVATION, _HOLDING, _CLAIM, _HELD, _MAINTENANCE, _OVERDUE, _CHOSEN = range(1, 8)
# A block whose computers have no reload request begins to hold them by the load time of an image: 255 minutes at most.
_LEAD = 5 * HOUR
_SLACK = 3 * HOUR  # what SQL narrows by is wider than what is judged: a change of the clock
_RELOAD_MINUTES = 10  # as VCL has it for a new image; only for an image that is gone

# Block requests are joined from the left, so that MariaDB begins with the block times that are not over: of requests
# there are as many as there ever were.
# Columns: kind, key, four whole numbers, text, start, end, reload start, computer, image, memory, node, planned
# reload start, minutes of reload.
_SQL = f"""
SELECT {_RESERVATION}, r.id, q.id, q.stateid, q.laststateid, q.userid, '', q.start, q.`end`, NULL,
       r.computerid, r.imageid, COALESCE(i.minram, 0), r.managementnodeid, NULL, 0
FROM request q JOIN reservation r ON r.requestid = q.id LEFT JOIN image i ON i.id = r.imageid
WHERE q.start < %s AND (q.`end` > %s OR q.start > %s) AND {{reserved}}
UNION ALL
SELECT {_HOLDING}, b.blockTimeid, r.groupid, t.skip, b.reloadrequestid, 0, COALESCE(r.status, ''), t.start, t.`end`,
       q.start, b.computerid, b.imageid, COALESCE(i.minram, 0), 0, p.start, COALESCE(i.reloadtime, {_RELOAD_MINUTES})
FROM blockTimes t JOIN blockComputers b ON b.blockTimeid = t.id LEFT JOIN blockRequest r ON r.id = t.blockRequestid
LEFT JOIN request q ON q.id = b.reloadrequestid LEFT JOIN image i ON i.id = b.imageid
LEFT JOIN {planned_reloads.TABLE} p
  ON p.block_time_id = b.blockTimeid AND p.computer_id = b.computerid AND p.request_id = b.reloadrequestid
WHERE (t.start < %s OR q.start < %s OR p.start < %s) AND t.`end` > %s AND {{held}}
UNION ALL
SELECT {_CLAIM}, 0, 0, 0, 0, 0, procid, expires, NULL, NULL, computerid, 0, 0, 0, NULL, 0
FROM semaphore WHERE expires >= %s AND procid NOT LIKE %s
UNION ALL
SELECT {_HELD}, 0, 0, 0, 0, 0, GROUP_CONCAT(computerid), expires, NULL, NULL, 0, 0, 0, 0, NULL, 0
FROM semaphore WHERE expires >= %s AND procid LIKE %s AND procid <> %s GROUP BY expires
UNION ALL
SELECT {_MAINTENANCE}, 0, allowreservations, 0, 0, 0, '', start, `end`, NULL, 0, 0, 0, 0, NULL, 0
FROM sitemaintenance WHERE `end` > %s
UNION ALL
SELECT {_OVERDUE}, r.id, q.id, q.stateid, q.laststateid, q.userid, '', q.start, q.`end`, NULL,
       r.computerid, r.imageid, COALESCE(i.minram, 0), r.managementnodeid, NULL, 0
FROM request q JOIN reservation r ON r.requestid = q.id LEFT JOIN image i ON i.id = r.imageid
WHERE q.stateid = {RELOAD} AND q.laststateid = {RELOAD} AND q.start <= %s AND q.`end` <= %s AND {{reserved}}
  AND NOT EXISTS (SELECT 1 FROM blockComputers b WHERE b.computerid = r.computerid AND b.reloadrequestid = q.id)
UNION ALL
SELECT {_CHOSEN}, 0, c.currentimageid, EXISTS (
           SELECT 1 FROM blockComputers b JOIN blockTimes t ON t.id = b.blockTimeid
           WHERE b.computerid = c.id AND (b.imageid = c.currentimageid OR c.stateid = {RELOADING}) AND t.`end` > %s
       ), 0, 0, '', NULL, NULL, NULL, c.id, 0, 0, 0, NULL, 0
FROM computer c WHERE c.id IN ({{chosen}})
"""


class Chosen(NamedTuple):
    """What a chosen computer holds: the id of its image; and whether members of a class wait for it already.

    Those of a block time that has the computer for that image, or for what is being loaded.
    """

    image_id: int
    awaited: bool


@dataclass(frozen=True, slots=True)
class Promises:
    """The promises of a stretch of time.

    `claimed` are computers that a live semaphore keeps from this call, `own_claims` those that it
    has claimed itself with time enough left. `held` says until when another call of ours keeps the
    front end off a computer, `live` until when anybody's semaphore but this call's does. `rivals` are our other
    calls in flight, by call id, with what they have claimed. `chosen` are the computers that were asked about.
    """

    reservations: list[Reservation]
    holdings: list[Holding]
    orphans: list[OrphanedReload]
    maintenances: list[Maintenance]
    claimed: frozenset[int]
    own_claims: frozenset[int]
    held: Mapping[int, int]
    live: Mapping[int, int]
    rivals: Mapping[str, frozenset[int]]
    chosen: Mapping[int, Chosen]


class Only(NamedTuple):
    """What is asked for when not all is: promises of some computers, and those that a block time has itself."""

    computers: Collection[int]
    block_time_id: int


def select(
    low: int, high: int, clock: int, call_id: str, only: Only | None = None, chosen: Collection[int] = ()
) -> Select:
    """The statement for all promises between `low` and `high`; with `only`, other computers' bookings are left out.

    Semaphores that are live at `clock` and maintenances are always told, and what the `chosen` computers hold. What
    the call `call_id` itself holds is left out. All are Unix seconds.
    """
    begin, end = times.to_local(low), times.to_local(high)
    sql = _SQL.format(reserved=_ALL, held=_ALL, chosen=listed_ids(chosen))
    if only is not None:
        held = f"(b.computerid IN ({listed_ids(only.computers)}) OR b.blockTimeid = {int(only.block_time_id)})"
        sql = _SQL.format(
            reserved=f"r.computerid IN ({listed_ids(only.computers)})", held=held, chosen=listed_ids(chosen)
        )
    holdings = [times.to_local(high + _LEAD), end, times.to_utc(high), begin]
    semaphores = [times.to_utc(clock), f"{HELD}%"]
    held_by_others = [*semaphores, f"{HELD}{call_id}"]
    overdue = [begin, begin]
    not_over = times.to_local(clock - _SLACK)
    return Select(sql, [end, begin, begin, *holdings, *semaphores, *held_by_others, begin, *overdue, not_over])


def made_of(rows: Rows, clock: int, now: int, call_id: str) -> Promises:
    """The promises that the statement's rows tell of, as a call made at `now` sees them at `clock`."""
    # In the order of their ids, which is the order in which they were made.
    rows.sort(key=lambda row: (row[0], row[1]))
    claims = [(row[6], times.known(times.from_utc(row[7])), row[10]) for row in _of(rows, _CLAIM)]
    own = f"{CLAIM}{call_id}"
    held = _latest(
        (computer, times.known(times.from_utc(row[7]))) for row in _of(rows, _HELD) for computer in split_ids(row[6])
    )
    reservations = [_reservation(*row[2:14]) for row in _of(rows, _RESERVATION)]
    named = {(row[4], row[10]) for row in _of(rows, _HOLDING)}
    overdue = [_reservation(*row[2:14]) for row in _of(rows, _OVERDUE)]
    return Promises(
        reservations,
        _holdings(list(_of(rows, _HOLDING)), now),
        _orphans([*reservations, *overdue], named, clock),
        [Maintenance(_instant(row[7]), _instant(row[8]), row[2]) for row in _of(rows, _MAINTENANCE)],
        claimed=frozenset(computer for procid, _, computer in claims if procid != own),
        own_claims=frozenset(
            computer for procid, expires, computer in claims if procid == own and expires >= clock + margin()
        ),
        held=held,
        live=_latest([*held.items(), *((computer, expires) for procid, expires, computer in claims if procid != own)]),
        rivals=_by_call((procid, computer) for procid, _, computer in claims if procid != own),
        chosen={row[10]: Chosen(row[2], bool(row[3])) for row in _of(rows, _CHOSEN)},
    )


def _latest(moments: Iterable[tuple[int, int]]) -> dict[int, int]:
    """(computer, instant) as computer -> the latest of its instants."""
    found: dict[int, int] = {}
    for computer, moment in moments:
        found[computer] = max(moment, found.get(computer, moment))
    return found


def _by_call(claims: Iterable[tuple[str, int]]) -> dict[str, frozenset[int]]:
    """(procid, computer) of our calls in flight as call id -> computers."""
    found: dict[str, set[int]] = defaultdict(set)
    for procid, computer in claims:
        if procid.startswith(CLAIM):
            found[procid.removeprefix(CLAIM)].add(computer)
    return {call_id: frozenset(computers) for call_id, computers in found.items()}


def _of(rows: Iterable[tuple[Any, ...]], kind: int) -> Iterable[tuple[Any, ...]]:
    return (row for row in rows if row[0] == kind)


def _reservation(
    request: int, state: int, last_state: int, user: int, _text: str, start: times.Stored, end: times.Stored,
    _reload: None, computer: int, image: int, ram: int, node: int,
) -> Reservation:  # fmt: skip
    return Reservation(request, state, last_state, user, _instant(start), _instant(end), computer, image, ram, node)


def _holdings(rows: Sequence[tuple[Any, ...]], now: int) -> list[Holding]:
    """Of the rows' own reload requests, our records of those that are gone, and else the load time of the image."""
    unknown = {row[11]: row[15] for row in rows if row[9] is None and row[14] is None}
    seconds = loads.estimates(unknown, now)
    return [_holding(seconds, *row[1:]) for row in rows]


def _holding(
    seconds: Mapping[int, int], block_time: int, group: int | None, skip: int, _reload: int, _none: int, status: str,
    start: times.Stored, end: times.Stored, reload: times.Stored, computer: int, image: int, ram: int, _node: int,
    planned: times.Stored, _minutes: int,
) -> Holding:  # fmt: skip
    begins = _instant(start)
    taken = held_from(begins, times.from_local(reload), times.from_utc(planned), seconds.get(image, 0))
    return Holding(block_time, computer, image, ram, begins, _instant(end), taken, group, skip, status)


def _orphans(
    reservations: Iterable[Reservation], named: Container[tuple[int, int]], clock: int
) -> list[OrphanedReload]:
    """The reloads of ours that no block computer names any more (SPEC 8.15).

    `named` are the (reload request, computer) of the block computers that were read.
    """
    unnamed = [
        found
        for found in reservations
        if is_reload(found.state_id, found.last_state_id) and (found.request_id, found.computer_id) not in named
    ]
    ours = planned_reloads.recorded({found.request_id for found in unnamed})
    keyed = [((found.request_id, found.computer_id), found) for found in unnamed]
    return [_orphan(found, ours[key], clock) for key, found in keyed if key in ours]


def _orphan(found: Reservation, block_time_id: int, clock: int) -> OrphanedReload:
    """One that waits begins however late its management node comes to it. One at work is over in a while."""
    at_work = found.state_id == PENDING
    end = max(found.end, clock + found.end - found.start) if at_work else None
    return OrphanedReload(block_time_id, found.request_id, found.computer_id, found.image_ram, found.start, end)


def _instant(value: times.Stored) -> int:
    return times.known(times.from_local(value))
