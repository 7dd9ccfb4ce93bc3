"""What is promised to somebody at a time: reservations, blocks, claims, site maintenance.

This is what others change while a call is at work. It is read in one statement, so that all of it
is of one moment, and read again before anything is written. What only some sites have costs another
statement: load times of images whose block computers have no reload request, reloads that a block gave up.
"""

from collections import defaultdict
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple

from blockalloc.store import loads, planned_reloads, times
from blockalloc.store.claims import CLAIM, HELD, margin
from blockalloc.store.sql import Rows, Select, listed_ids, part_of_union, split_ids
from scheduling.facts import BlockComputer, Maintenance, OrphanedReload, Reservation
from scheduling.occupancy import is_reload, occupied_from
from scheduling.state_ids import PENDING, RELOAD, RELOADING
from scheduling.windows import HOUR

_ALL = "1 = 1"
_RESERVATION, _BLOCK_COMPUTER, _CLAIM, _HOLD, _MAINTENANCE, _OVERDUE, _CHOSEN = range(1, 8)
# A block whose computers have no reload request begins to hold them by the load time of an image: 255 minutes at most.
_LEAD = 5 * HOUR
_SLACK = 3 * HOUR  # what SQL narrows by is wider than what is judged: a change of the clock
_RELOAD_MINUTES = 10  # as VCL has it for a new image; only for an image that is gone


class _Row(NamedTuple):
    """A row of the statement. The parts below say which columns a kind of row has; the others are NULL."""

    kind: int
    id: int
    request_id: int
    state_id: int
    last_state_id: int
    user_id: int
    group_id: int | None
    skip: int
    status: str
    procid: str
    allow_reservations: int
    awaited: int
    start: times.Stored
    end: times.Stored
    reload_start: times.Stored
    planned: times.Stored
    computer_id: int
    computer_ids: str
    image_id: int
    image_ram: int
    node_id: int
    reload_minutes: int


_RESERVATION_COLUMNS = {
    "id": "r.id",
    "request_id": "q.id",
    "state_id": "q.stateid",
    "last_state_id": "q.laststateid",
    "user_id": "q.userid",
    "start": "q.start",
    "end": "q.`end`",
    "computer_id": "r.computerid",
    "image_id": "r.imageid",
    "image_ram": "COALESCE(i.minram, 0)",
    "node_id": "r.managementnodeid",
    "reload_minutes": f"COALESCE(i.reloadtime, {_RELOAD_MINUTES})",
}
_RESERVATION_TABLES = "FROM request q JOIN reservation r ON r.requestid = q.id LEFT JOIN image i ON i.id = r.imageid"

# Block requests are joined from the left, so that MariaDB begins with the block times that are not over: of requests
# there are as many as there ever were.
_SQL = " UNION ALL ".join([
    part_of_union(
        _Row, _RESERVATION, _RESERVATION_COLUMNS, f"""{_RESERVATION_TABLES}
        WHERE q.start < %s AND (q.`end` > %s OR q.start > %s) AND {{reserved}}""",
    ),
    part_of_union(
        _Row, _BLOCK_COMPUTER, {
            "id": "b.blockTimeid", "request_id": "b.reloadrequestid", "group_id": "r.groupid", "skip": "t.skip",
            "status": "COALESCE(r.status, '')", "start": "t.start", "end": "t.`end`", "reload_start": "q.start",
            "planned": "p.start", "computer_id": "b.computerid", "image_id": "b.imageid",
            "image_ram": "COALESCE(i.minram, 0)", "reload_minutes": f"COALESCE(i.reloadtime, {_RELOAD_MINUTES})",
        }, f"""
        FROM blockTimes t JOIN blockComputers b ON b.blockTimeid = t.id
        LEFT JOIN blockRequest r ON r.id = t.blockRequestid
        LEFT JOIN request q ON q.id = b.reloadrequestid LEFT JOIN image i ON i.id = b.imageid
        LEFT JOIN {planned_reloads.TABLE} p
          ON p.block_time_id = b.blockTimeid AND p.computer_id = b.computerid AND p.request_id = b.reloadrequestid
        WHERE (t.start < %s OR q.start < %s OR p.start < %s) AND t.`end` > %s AND {{kept}}""",
    ),
    part_of_union(
        _Row, _CLAIM, {"procid": "procid", "end": "expires", "computer_id": "computerid"},
        "FROM semaphore WHERE expires >= %s AND procid NOT LIKE %s",
    ),
    part_of_union(
        _Row, _HOLD, {"computer_ids": "GROUP_CONCAT(computerid)", "end": "expires"},
        "FROM semaphore WHERE expires >= %s AND procid LIKE %s AND procid <> %s GROUP BY expires",
    ),
    part_of_union(
        _Row, _MAINTENANCE, {"allow_reservations": "allowreservations", "start": "start", "end": "`end`"},
        "FROM sitemaintenance WHERE `end` > %s",
    ),
    part_of_union(
        _Row, _OVERDUE, _RESERVATION_COLUMNS, f"""{_RESERVATION_TABLES}
        WHERE q.stateid = {RELOAD} AND q.laststateid = {RELOAD} AND q.start <= %s AND q.`end` <= %s AND {{reserved}}
          AND NOT EXISTS (SELECT 1 FROM blockComputers b WHERE b.computerid = r.computerid AND b.reloadrequestid = q.id)
        """,
    ),
    part_of_union(
        _Row, _CHOSEN, {
            "computer_id": "c.id", "image_id": "c.currentimageid",
            "awaited": f"""EXISTS (
               SELECT 1 FROM blockComputers b JOIN blockTimes t ON t.id = b.blockTimeid
               WHERE b.computerid = c.id AND (b.imageid = c.currentimageid OR c.stateid = {RELOADING}) AND t.`end` > %s
            )""",
        },
        "FROM computer c WHERE c.id IN ({chosen})",
    ),
])  # fmt: skip


class LoadedImage(NamedTuple):
    """What a chosen computer holds: the id of its image; and whether members of a class wait for it already.

    Those of a block time that has the computer for that image, or for what is being loaded.
    """

    image_id: int
    awaited: bool


@dataclass(frozen=True, slots=True)
class Promises:
    """The promises of a stretch of time.

    `claimed` are computers that a live semaphore keeps from this call, `own_claims` those that it
    has claimed itself with time enough left. `holds` says until when another call of ours keeps the
    front end off a computer, `live` until when anybody's semaphore but this call's does. `rivals` are our other
    calls in flight, by call id, with what they have claimed. `chosen` are the computers that were asked about.
    """

    reservations: list[Reservation]
    block_computers: list[BlockComputer]
    orphans: list[OrphanedReload]
    maintenances: list[Maintenance]
    claimed: frozenset[int]
    own_claims: frozenset[int]
    holds: Mapping[int, int]
    live: Mapping[int, int]
    rivals: Mapping[str, frozenset[int]]
    chosen: Mapping[int, LoadedImage]


class Only(NamedTuple):
    """A part of the promises: those on some computers, and those of one block time."""

    computers: Collection[int]
    block_time_id: int


def select(
    low: int, high: int, read_at: int, call_id: str, only: Only | None = None, chosen: Collection[int] = ()
) -> Select:
    """The statement for all promises between `low` and `high`; with `only`, other computers' bookings are left out.

    Semaphores that are live at `read_at` and maintenances always come, and what the `chosen` computers hold. What
    the call `call_id` itself holds is left out. All are Unix seconds.
    """
    begin, end = times.to_local(low), times.to_local(high)
    reserved = kept = _ALL
    if only is not None:
        computers = listed_ids(only.computers)
        reserved = f"r.computerid IN ({computers})"
        kept = f"(b.computerid IN ({computers}) OR b.blockTimeid = {int(only.block_time_id)})"
    sql = _SQL.format(reserved=reserved, kept=kept, chosen=listed_ids(chosen))
    block_computers = [times.to_local(high + _LEAD), end, times.to_utc(high), begin]
    semaphores = [times.to_utc(read_at), f"{HELD}%"]
    holds_of_others = [*semaphores, f"{HELD}{call_id}"]
    overdue = [begin, begin]
    not_over = times.to_local(read_at - _SLACK)
    return Select(sql, [end, begin, begin, *block_computers, *semaphores, *holds_of_others, begin, *overdue, not_over])


class _Claim(NamedTuple):
    """The semaphore row of a claim, of ours or of the front end."""

    procid: str
    expires: int
    computer_id: int


def from_rows(rows: Rows, read_at: int, now: int, call_id: str) -> Promises:
    """The promises in the statement's rows, as a call made at `now` sees them at `read_at`."""
    by_kind = _by_kind(rows)
    instant_of = times.local_reader()
    reservations = _reservations(by_kind[_RESERVATION], instant_of)
    overdue = _reservations(by_kind[_OVERDUE], instant_of)
    named = {(row.request_id, row.computer_id) for row in by_kind[_BLOCK_COMPUTER]}
    holds = _latest(
        (id_, times.from_utc(row.end) or 0) for row in by_kind[_HOLD] for id_ in split_ids(row.computer_ids)
    )
    claims = [_Claim(row.procid, times.from_utc(row.end) or 0, row.computer_id) for row in by_kind[_CLAIM]]
    own = f"{CLAIM}{call_id}"
    others = [claim for claim in claims if claim.procid != own]
    return Promises(
        reservations,
        _block_computers(by_kind[_BLOCK_COMPUTER], instant_of, now),
        _orphans([*reservations, *overdue], named, read_at),
        [
            Maintenance(instant_of(row.start) or 0, instant_of(row.end) or 0, row.allow_reservations)
            for row in by_kind[_MAINTENANCE]
        ],
        claimed=frozenset(claim.computer_id for claim in others),
        own_claims=frozenset(
            claim.computer_id for claim in claims if claim.procid == own and claim.expires >= read_at + margin()
        ),
        holds=holds,
        live=_latest([*holds.items(), *((claim.computer_id, claim.expires) for claim in others)]),
        rivals=_by_call(others),
        chosen={row.computer_id: LoadedImage(row.image_id, bool(row.awaited)) for row in by_kind[_CHOSEN]},
    )


def _by_kind(rows: Rows) -> defaultdict[int, list[_Row]]:
    """The rows of each kind in the order of their ids, which is the order in which they were made."""
    by_kind: defaultdict[int, list[_Row]] = defaultdict(list)
    for row in map(_Row._make, rows):
        by_kind[row.kind].append(row)
    for kind in (_RESERVATION, _BLOCK_COMPUTER, _OVERDUE):
        by_kind[kind].sort(key=attrgetter("id"))
    return by_kind


def _latest(moments: Iterable[tuple[int, int]]) -> dict[int, int]:
    """(computer, instant) as computer -> the latest of its instants."""
    latest: dict[int, int] = {}
    for computer, moment in moments:
        latest[computer] = max(moment, latest.get(computer, moment))
    return latest


def _by_call(claims: Iterable[_Claim]) -> dict[str, frozenset[int]]:
    """The claims of our calls in flight as call id -> computers."""
    computers: dict[str, set[int]] = defaultdict(set)
    for claim in claims:
        if claim.procid.startswith(CLAIM):
            computers[claim.procid.removeprefix(CLAIM)].add(claim.computer_id)
    return {call_id: frozenset(ids) for call_id, ids in computers.items()}


def _reservations(rows: Iterable[_Row], instant_of: times.LocalReader) -> list[Reservation]:
    return [
        Reservation(
            row.request_id,
            row.state_id,
            row.last_state_id,
            row.user_id,
            instant_of(row.start) or 0,
            instant_of(row.end) or 0,
            row.computer_id,
            row.image_id,
            row.image_ram,
            row.node_id,
            row.reload_minutes,
        )
        for row in rows
    ]


def _block_computers(rows: Sequence[_Row], instant_of: times.LocalReader, now: int) -> list[BlockComputer]:
    """Of the rows' own reload requests, our records of those that are gone, and else the load time of the image."""
    unknown = {row.image_id: row.reload_minutes for row in rows if row.reload_start is None and row.planned is None}
    seconds = loads.estimates(unknown, now)
    block_computers = []
    for row in rows:
        start, planned = instant_of(row.start) or 0, times.from_utc(row.planned)
        taken = occupied_from(start, instant_of(row.reload_start), planned, seconds.get(row.image_id, 0))
        block_computers.append(
            BlockComputer(
                row.id,
                row.computer_id,
                row.image_id,
                row.image_ram,
                start,
                instant_of(row.end) or 0,
                taken,
                row.group_id,
                row.skip,
                row.status,
                row.request_id,
            )
        )
    return block_computers


def _orphans(
    reservations: Iterable[Reservation], named: Container[tuple[int, int]], read_at: int
) -> list[OrphanedReload]:
    """The reloads of ours that no block computer names any more (SPEC 8.15).

    `named` are the (reload request, computer) of the block computers that were read.
    """
    unnamed = [
        reload
        for reload in reservations
        if is_reload(reload.state_id, reload.last_state_id) and (reload.request_id, reload.computer_id) not in named
    ]
    ours = planned_reloads.recorded({reload.request_id for reload in unnamed})
    keyed = [((reload.request_id, reload.computer_id), reload) for reload in unnamed]
    return [_orphan(reload, ours[key], read_at) for key, reload in keyed if key in ours]


def _orphan(reload: Reservation, block_time_id: int, read_at: int) -> OrphanedReload:
    """One that waits begins however late its management node comes to it. One at work is over in a while."""
    at_work = reload.state_id == PENDING
    end = max(reload.end, read_at + reload.end - reload.start) if at_work else None
    return OrphanedReload(block_time_id, reload.request_id, reload.computer_id, reload.image_ram, reload.start, end)
