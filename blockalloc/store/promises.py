"""What is promised to somebody at a time: reservations, blocks, claims, site maintenance.

This is what others change while a call is at work. It is read in one statement, so that all of it
is of one moment, and read again before anything is written.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from blockalloc.store import times
from blockalloc.store.claims import CLAIM, HELD, margin
from blockalloc.store.sql import Rows, Select, ids
from scheduling.facts import Holding, Maintenance, Reservation

_ALL = "1 = 1"
_RESERVATION, _HOLDING, _CLAIM, _HELD, _MAINTENANCE = range(1, 6)

# Block requests are joined from the left, so that MariaDB begins with the block times that are not over: of requests
# there are as many as there ever were.
# Columns: kind, key, four whole numbers, text, start, end, reload start, computer, image, memory, node.
_SQL = f"""
SELECT {_RESERVATION}, r.id, q.id, q.stateid, q.laststateid, q.userid, '', q.start, q.`end`, NULL,
       r.computerid, r.imageid, COALESCE(i.minram, 0), r.managementnodeid
FROM request q JOIN reservation r ON r.requestid = q.id LEFT JOIN image i ON i.id = r.imageid
WHERE q.start < %s AND (q.`end` > %s OR q.start > %s) AND {{reserved}}
UNION ALL
SELECT {_HOLDING}, b.blockTimeid, r.groupid, t.skip, 0, 0, COALESCE(r.status, ''), t.start, t.`end`, q.start,
       b.computerid, b.imageid, COALESCE(i.minram, 0), 0
FROM blockTimes t JOIN blockComputers b ON b.blockTimeid = t.id LEFT JOIN blockRequest r ON r.id = t.blockRequestid
LEFT JOIN request q ON q.id = b.reloadrequestid LEFT JOIN image i ON i.id = b.imageid
WHERE (t.start < %s OR q.start < %s) AND t.`end` > %s AND {{held}}
UNION ALL
SELECT {_CLAIM}, 0, 0, 0, 0, 0, procid, expires, NULL, NULL, computerid, 0, 0, 0
FROM semaphore WHERE expires >= %s AND procid NOT LIKE %s
UNION ALL
SELECT {_HELD}, 0, 0, 0, 0, 0, GROUP_CONCAT(computerid), NULL, NULL, NULL, 0, 0, 0, 0
FROM semaphore WHERE expires >= %s AND procid LIKE %s
UNION ALL
SELECT {_MAINTENANCE}, 0, allowreservations, 0, 0, 0, '', start, `end`, NULL, 0, 0, 0, 0
FROM sitemaintenance WHERE `end` > %s
"""


@dataclass(frozen=True, slots=True)
class Promises:
    """The promises of a stretch of time.

    `claimed` are computers that a live semaphore keeps from this call, `own_claims` those that it
    has claimed itself with time enough left, `held` those on which an earlier call of ours keeps the
    front end off. `rivals` are our other calls in flight, by call id, with what they have claimed.
    """

    reservations: list[Reservation]
    holdings: list[Holding]
    maintenances: list[Maintenance]
    claimed: frozenset[int]
    own_claims: frozenset[int]
    held: frozenset[int]
    rivals: Mapping[str, frozenset[int]]


class Only(NamedTuple):
    """What is asked for when not all is: promises of some computers, and those that a block time has itself."""

    computers: Collection[int]
    block_time_id: int


def select(low: int, high: int, clock: int, only: Only | None = None) -> Select:
    """The statement for all promises between `low` and `high`; with `only`, other computers' bookings are left out.

    Semaphores that are live at `clock` and maintenances are always told. All are Unix seconds.
    """
    begin, end = times.to_local(low), times.to_local(high)
    sql = _SQL.format(reserved=_ALL, held=_ALL)
    if only is not None:
        listed = ", ".join(map(str, only.computers)) or "0"
        held = f"(b.computerid IN ({listed}) OR b.blockTimeid = {int(only.block_time_id)})"
        sql = _SQL.format(reserved=f"r.computerid IN ({listed})", held=held)
    semaphores = [times.to_utc(clock), f"{HELD}%"]
    return Select(sql, [end, begin, begin, end, end, begin, *semaphores, *semaphores, begin])


def made_of(rows: Rows, clock: int, call_id: str) -> Promises:
    """The promises that the statement's rows tell of, as a call sees them at `clock`."""
    # In the order of their ids, which is the order in which they were made.
    rows.sort(key=lambda row: (row[0], row[1]))
    claims = [(row[6], times.known(times.from_utc(row[7])), row[10]) for row in _of(rows, _CLAIM)]
    own = f"{CLAIM}{call_id}"
    return Promises(
        [_reservation(*row[2:]) for row in _of(rows, _RESERVATION)],
        [_holding(*row[1:]) for row in _of(rows, _HOLDING)],
        [Maintenance(_instant(row[7]), _instant(row[8]), row[2]) for row in _of(rows, _MAINTENANCE)],
        claimed=frozenset(computer for procid, _, computer in claims if procid != own),
        own_claims=frozenset(
            computer for procid, expires, computer in claims if procid == own and expires >= clock + margin()
        ),
        held=frozenset().union(*(ids(row[6]) for row in _of(rows, _HELD))),
        rivals=_by_call((procid, computer) for procid, _, computer in claims if procid != own),
    )


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


def _holding(
    block_time: int, group: int | None, skip: int, _zero: int, _none: int, status: str, start: times.Stored,
    end: times.Stored, reload: times.Stored, computer: int, image: int, ram: int, _node: int,
) -> Holding:  # fmt: skip
    begins = _instant(start)
    reload_start = times.from_local(reload)
    # A row whose reload request is gone holds its computer from the block's start (SPEC 4, rule 8).
    held_from = begins if reload_start is None else min(reload_start, begins)
    return Holding(block_time, computer, image, ram, begins, _instant(end), held_from, group, skip, status)


def _instant(value: times.Stored) -> int:
    return times.known(times.from_local(value))
