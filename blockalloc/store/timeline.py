"""What computers are booked for in a stretch of time, for the timeline: a fixed number of statements.

Instants are Unix seconds; ids are those of VCL's rows.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from blockalloc.store import loads, times
from blockalloc.store.rows import full_name
from blockalloc.store.sql import fetch, listed_ids
from scheduling.occupancy import PENDING, RELOAD, is_occupying, occupied_from
from scheduling.windows import HOUR

# What SQL narrows by is wider than what is shown: a change of the clock; and a reload that begins in the time shown
# may be for a block that starts after it (255 minutes of load, 255 machines, two minutes each).
_SLACK = 3 * HOUR
_LEAD = 24 * HOUR

# Removed computers are shown while blocks hold them: somebody counts on these.
_COMPUTERS = """
SELECT c.id, c.hostname, s.name, c.deleted FROM computer c JOIN state s ON s.id = c.stateid
WHERE (c.deleted = 0 OR c.id IN (SELECT computerid FROM blockComputers))
"""

_OF_GROUP = """
AND c.id IN (
    SELECT r.subid FROM resourcegroupmembers m JOIN resource r ON r.id = m.resourceid
    JOIN resourcetype y ON y.id = r.resourcetypeid WHERE y.name = 'computer' AND m.resourcegroupid = %s
)
"""

_HELD = """
SELECT b.computerid, t.id, t.start, t.`end`, t.skip, r.id, r.name, r.status, b.imageid, {names},
       u.affiliationid, q.id, q.start, p.start
FROM blockTimes t JOIN blockComputers b ON b.blockTimeid = t.id JOIN blockRequest r ON r.id = t.blockRequestid
LEFT JOIN request q ON q.id = b.reloadrequestid LEFT JOIN user u ON u.id = r.ownerid
LEFT JOIN blockalloc_planned_reload p
    ON p.block_time_id = t.id AND p.computer_id = b.computerid AND p.request_id = b.reloadrequestid {joins}
WHERE t.start < %s AND t.`end` > %s
"""

_RESERVED = """
SELECT v.computerid, q.id, q.stateid, q.laststateid, q.start, q.`end`, v.imageid, {names}
FROM request q JOIN reservation v ON v.requestid = q.id {joins}
WHERE q.start < %s AND q.`end` > %s
"""


class _Held(NamedTuple):
    """A row of _HELD."""

    computer_id: int
    block_time_id: int
    start: times.Stored
    end: times.Stored
    skip: int
    request_id: int
    name: str
    status: str
    image_id: int
    image: str
    group: str
    group_affiliation: str
    affiliation_id: int | None
    reload_id: int | None
    reload_start: times.Stored
    planned: times.Stored


class _Reserved(NamedTuple):
    """A row of _RESERVED."""

    computer_id: int
    request_id: int
    state_id: int
    last_state_id: int
    start: times.Stored
    end: times.Stored
    image_id: int
    state: str
    image: str
    user: str
    affiliation: str

    @property
    def is_reload(self) -> bool:
        """Whether it is a reload that is still to come or at work."""
        return self.state_id == RELOAD or (self.state_id == PENDING and self.last_state_id == RELOAD)


# Names are for the computers that are shown, and no use for choosing these.
_HELD_NAMES = {
    "names": "COALESCE(i.prettyname, ''), COALESCE(g.name, ''), COALESCE(a.name, '')",
    "joins": """LEFT JOIN image i ON i.id = b.imageid
        LEFT JOIN usergroup g ON g.id = r.groupid LEFT JOIN affiliation a ON a.id = g.affiliationid""",
}
_RESERVED_NAMES = {
    "names": "s.name, COALESCE(i.prettyname, ''), u.unityid, COALESCE(a.name, '')",
    "joins": """JOIN state s ON s.id = q.stateid JOIN user u ON u.id = q.userid
        LEFT JOIN affiliation a ON a.id = u.affiliationid LEFT JOIN image i ON i.id = v.imageid""",
}
_NO_HELD_NAMES = {"names": "'', '', ''", "joins": ""}
_NO_RESERVED_NAMES = {"names": "'', '', '', ''", "joins": ""}

# Which of these reloads a block time has a computer for, and which are ours (SPEC 8.15). The column reloadrequestid has
# no index: the way to the block is by the computer.
_WHOSE = """
SELECT 'block', computerid, reloadrequestid FROM blockComputers
WHERE computerid IN ({computers}) AND reloadrequestid IN ({requests})
UNION SELECT 'ours', computer_id, request_id FROM blockalloc_planned_reload WHERE request_id IN ({requests})
"""
_TO_LOAD = "SELECT id, reloadtime FROM image WHERE id IN ({images})"

_CLOSED = (
    "SELECT start, `end`, allowreservations, COALESCE(reason, '') FROM sitemaintenance WHERE start < %s AND `end` > %s"
)


class Machine(NamedTuple):
    """A computer with VCL's word for what it is doing."""

    id: int
    hostname: str
    state: str
    removed: bool


@dataclass(frozen=True, slots=True)
class Held:
    """A computer that a block time has. `reload_id` and `reload_start` are None when no reload is there (any more).

    `planned` is when its reload was to begin by our record, None without one; `load_seconds` how long its image takes
    to load, which matters where nothing else tells when it is taken.
    """

    computer_id: int
    block_time_id: int
    start: int
    end: int
    skip: bool
    request_id: int
    name: str
    status: str
    image_id: int
    image: str
    group: str
    affiliation_id: int | None  # of the block request's owner
    reload_id: int | None
    reload_start: int | None
    planned: int | None
    load_seconds: int = 0

    @property
    def needs_load_time(self) -> bool:
        """Whether neither a reload nor our record says since when the computer is taken."""
        return self.reload_start is None and self.planned is None

    @property
    def begins(self) -> int:
        """When the computer is taken for it: its reload included (SPEC 8.15)."""
        return occupied_from(self.start, self.reload_start, self.planned, self.load_seconds)


@dataclass(frozen=True, slots=True)
class Reserved:
    """A computer of a request: a user's, or a reload. `for_block`: the reload is for a block, one after this time.

    `left_behind`: it is a reload of ours, but no block time has the computer for it any more.
    """

    computer_id: int
    request_id: int
    reload: bool
    state: str
    start: int
    end: int
    image_id: int
    image: str
    user: str
    for_block: bool = False
    left_behind: bool = False


class Closed(NamedTuple):
    """A site maintenance. `open`: users may reserve all the same."""

    start: int
    end: int
    open: bool
    reason: str


class Bookings(NamedTuple):
    """What computers are booked for."""

    held: list[Held]
    reserved: list[Reserved]


def machines(group_id: int | None) -> list[Machine]:
    """The site's computers, or those of a resource group; in no order."""
    sql, params = (_COMPUTERS, []) if group_id is None else (_COMPUTERS + _OF_GROUP, [group_id])
    return [Machine(id_, name, state, bool(removed)) for id_, name, state, removed in fetch(sql, params)]


class LoadTimes:
    """How long images take to load, as plans reckon: each is looked up once, and only when it is asked for."""

    def __init__(self, now: int) -> None:
        self._now = now
        self._known: dict[int, int] = {}

    def of(self, images: Collection[int]) -> Mapping[int, int]:
        """Image id -> seconds."""
        new = set(images) - self._known.keys()
        if new:
            self._known |= loads.estimates(dict(fetch(_TO_LOAD.format(images=listed_ids(sorted(new))))), self._now)
        return self._known


def bookings(start: int, end: int, computers: Sequence[int], load_times: LoadTimes) -> Bookings:
    """What takes place between `start` and `end` on these computers."""
    held = _all_held(start, end, _on(_HELD.format(**_HELD_NAMES), "b.computerid", computers), load_times)
    reserved = _all_reserved(start, end, held, _on(_RESERVED.format(**_RESERVED_NAMES), "v.computerid", computers))
    return Bookings(held, _with_blocks(reserved))


def bookings_of_all(start: int, end: int, load_times: LoadTimes, block: int | None = None) -> Bookings:
    """What takes place then on any computer, without names; with `block` that block request's times only."""
    if block is not None:
        return Bookings(_all_held(start, end, _on(_HELD.format(**_NO_HELD_NAMES), "r.id", [block]), load_times), [])
    held = _all_held(start, end, _HELD.format(**_NO_HELD_NAMES), load_times)
    return Bookings(held, _all_reserved(start, end, held, _RESERVED.format(**_NO_RESERVED_NAMES)))


def _all_held(start: int, end: int, sql: str, load_times: LoadTimes) -> list[Held]:
    instant_of = times.local_reader()
    rows = fetch(sql, [times.to_local(end + _SLACK + _LEAD), times.to_local(start - _SLACK)])
    all_held = _with_load_times([_held(row, instant_of) for row in map(_Held._make, rows)], load_times)
    return [held for held in all_held if held.begins < end and held.end > start]


def _held(row: _Held, instant_of: times.LocalReader) -> Held:
    return Held(
        row.computer_id,
        row.block_time_id,
        instant_of(row.start) or 0,
        instant_of(row.end) or 0,
        bool(row.skip),
        row.request_id,
        row.name,
        row.status,
        row.image_id,
        row.image,
        full_name(row.group, row.group_affiliation),
        row.affiliation_id,
        row.reload_id,
        instant_of(row.reload_start),
        times.from_utc(row.planned),
    )


def _with_load_times(all_held: list[Held], load_times: LoadTimes) -> list[Held]:
    """With the load times of the images of those of which nothing else says since when they are taken."""
    images = {held.image_id for held in all_held if held.needs_load_time}
    if not images:
        return all_held
    seconds = load_times.of(images)
    return [
        replace(held, load_seconds=seconds.get(held.image_id, 0)) if held.needs_load_time else held for held in all_held
    ]


def _all_reserved(start: int, end: int, held: Iterable[Held], sql: str) -> list[Reserved]:
    """Without the reloads of the block computers in `held`: those are shown with their blocks."""
    instant_of = times.local_reader()
    rows = map(_Reserved._make, fetch(sql, [times.to_local(end + _SLACK), times.to_local(start - _SLACK)]))
    all_reserved = (
        _reserved(row, instant_of) for row in rows if row.is_reload or is_occupying(row.state_id, row.last_state_id)
    )
    of_blocks = {(row.computer_id, row.reload_id) for row in held}
    return [
        row
        for row in all_reserved
        if row.start < end and row.end > start and not (row.reload and (row.computer_id, row.request_id) in of_blocks)
    ]


def _reserved(row: _Reserved, instant_of: times.LocalReader) -> Reserved:
    return Reserved(
        row.computer_id,
        row.request_id,
        row.is_reload,
        row.state,
        instant_of(row.start) or 0,
        instant_of(row.end) or 0,
        row.image_id,
        row.image,
        full_name(row.user, row.affiliation),
    )


def _with_blocks(reserved: list[Reserved]) -> list[Reserved]:
    """With whose the reloads are.

    Those of adopted reservations may be for blocks that begin after the time shown. Those of ours that VCL has taken
    from their block, by an edit of its request, are there until they are withdrawn.
    """
    reloads = [row for row in reserved if row.reload]
    computers, requests = (
        listed_ids(row.computer_id for row in reloads),
        listed_ids(row.request_id for row in reloads),
    )
    whose: dict[str, set[tuple[int, int]]] = {"block": set(), "ours": set()}
    for kind, computer, request in fetch(_WHOSE.format(computers=computers, requests=requests)):
        whose[kind].add((computer, request))
    left_behind = whose["ours"] - whose["block"]
    return [
        replace(row, for_block=key in whose["block"], left_behind=key in left_behind) if row.reload else row
        for row in reserved
        for key in [(row.computer_id, row.request_id)]
    ]


def closed(start: int, end: int) -> list[Closed]:
    """The site maintenances between two instants."""
    rows = fetch(_CLOSED, [times.to_local(end + _SLACK), times.to_local(start - _SLACK)])
    maintenances = (
        Closed(times.from_local(starts) or 0, times.from_local(ends) or 0, bool(is_open), reason)
        for starts, ends, is_open, reason in rows
    )
    return sorted(each for each in maintenances if each.start < end and each.end > start)


def _on(sql: str, column: str, ids: Iterable[int]) -> str:
    """The statement, narrowed to some rows."""
    return f"{sql} AND {column} IN ({listed_ids(ids)})"
