"""How the loads of a computer went, and what it loads next: by VCL's logs and requests.

A reservation's own load log has the steps of its load, and goes when VCL removes the reservation. What is over is
in the log of requests; reloads for blocks leave nothing there. Instants are Unix seconds.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from blockalloc.store import times
from blockalloc.store.sql import fetch
from scheduling.state_ids import PENDING, RELOAD

SHOWN = 50
_NEW = 13  # VCL's state of a user's reservation that no back end has begun
# Steps of VCL's load log after which a load is over, by how it ended.
_READY = frozenset({"nodeready", "reserved", "imageloadcomplete"})
_FAILED = frozenset({"loadimagefailed", "failed"})


class _Step(NamedTuple):
    """A row of _STEPS."""

    reservation_id: int
    log_id: int | None
    image_id: int
    image: str
    name: str
    pretty_name: str
    at: times.Stored


class _Past(NamedTuple):
    """A row of _PAST."""

    log_id: int
    image_id: int
    image: str
    start: times.Stored
    loaded: times.Stored
    ending: str
    nowfuture: str


class _Next(NamedTuple):
    """A row of _NEXT."""

    request_id: int
    state_id: int
    start: times.Stored
    image_id: int
    image: str
    node: str | None
    block_time_id: int | None
    block_start: times.Stored
    block: str | None
    affiliation_id: int | None
    holds_it: int | None


_STEPS = """
SELECT v.id, q.logid, v.imageid, COALESCE(i.prettyname, ''), s.loadstatename, COALESCE(s.prettyname, s.loadstatename),
       l.timestamp
FROM computerloadlog l JOIN computerloadstate s ON s.id = l.loadstateid JOIN reservation v ON v.id = l.reservationid
JOIN request q ON q.id = v.requestid LEFT JOIN image i ON i.id = v.imageid
WHERE l.computerid = %s AND v.computerid = %s
ORDER BY l.id
"""

_PAST = f"""
SELECT l.id, s.imageid, COALESCE(i.prettyname, ''), l.start, l.loaded, l.ending, l.nowfuture
FROM sublog s JOIN log l ON l.id = s.logid LEFT JOIN image i ON i.id = s.imageid
WHERE s.computerid = %s AND l.wasavailable = 1
ORDER BY l.start DESC, l.id DESC LIMIT {SHOWN}
"""

_NEXT = f"""
SELECT q.id, q.stateid, q.start, v.imageid, COALESCE(i.prettyname, ''), n.hostname, b.blockTimeid, t.start, r.name,
       u.affiliationid, c.imagerevisionid = v.imagerevisionid
FROM reservation v JOIN request q ON q.id = v.requestid JOIN computer c ON c.id = v.computerid
LEFT JOIN image i ON i.id = v.imageid LEFT JOIN managementnode n ON n.id = v.managementnodeid
LEFT JOIN blockComputers b ON b.computerid = v.computerid AND b.reloadrequestid = q.id
LEFT JOIN blockTimes t ON t.id = b.blockTimeid LEFT JOIN blockRequest r ON r.id = t.blockRequestid
LEFT JOIN user u ON u.id = r.ownerid
WHERE v.computerid = %s
  AND (q.stateid = {RELOAD} OR (q.stateid = {PENDING} AND q.laststateid = {RELOAD})
       OR (q.stateid = {_NEW} AND q.`end` > %s))
"""


@dataclass(frozen=True, slots=True)
class Load:
    """A load of the computer. `seconds` is None when it isn't known how long it took. `ahead`: before it was needed.

    `ending` is VCL's word or step for how it ended; `failed` whether that was in failure.
    """

    start: int
    image_id: int
    image: str
    seconds: int | None
    ending: str
    failed: bool
    at_work: bool = False
    ahead: bool = False


@dataclass(frozen=True, slots=True)
class NextLoad:
    """What the computer loads next. `for_block` and what follows say of the block that it is for."""

    request_id: int
    reload: bool
    begun: bool
    start: int
    image_id: int
    image: str
    node: str
    holds_it: bool
    block_time_id: int | None
    block_start: int
    block: str
    affiliation_id: int | None


def loads(computer_id: int) -> list[Load]:
    """The last loads, the newest first."""
    by_steps = _by_steps(map(_Step._make, fetch(_STEPS, [computer_id, computer_id])))
    logs = {log_id for log_id, _ in by_steps}
    past = [_past_load(row) for row in map(_Past._make, fetch(_PAST, [computer_id])) if row.log_id not in logs]
    return sorted([*(load for _, load in by_steps), *past], key=lambda load: load.start, reverse=True)[:SHOWN]


def next_load(computer_id: int, now: int) -> NextLoad | None:
    """The next load that is planned, or the one that is at work."""
    rows = map(_Next._make, fetch(_NEXT, [computer_id, times.to_local(now)]))
    # A user's reservation that should have begun is at the back end's mercy; a reload stays due.
    due = [load for load in map(_next_load, rows) if load.reload or load.start > now]
    return min(due, key=lambda load: load.start, default=None)


def _by_steps(rows: Iterable[_Step]) -> list[tuple[int | None, Load]]:
    """(log, load) of each reservation that has steps."""
    steps_of: dict[int, list[_Step]] = defaultdict(list)
    for row in rows:
        if times.from_local(row.at) is not None:
            steps_of[row.reservation_id].append(row)
    return [(steps[0].log_id, _load_of_steps(steps)) for steps in steps_of.values()]


def _load_of_steps(steps: Sequence[_Step]) -> Load:
    """A load is over at the first step that says so."""
    first = steps[0]
    start = times.from_local(first.at) or 0
    last = next((step for step in steps if step.name in _READY | _FAILED), None)
    if last is None:
        ending = steps[-1].pretty_name
        return Load(start, first.image_id, first.image, None, ending, failed=False, at_work=True)
    seconds = (times.from_local(last.at) or 0) - start
    return Load(start, first.image_id, first.image, seconds, last.pretty_name, failed=last.name in _FAILED)


def _past_load(row: _Past) -> Load:
    start, loaded = times.from_local(row.start) or 0, times.from_local(row.loaded)
    ahead = row.nowfuture != "now" or (loaded is not None and loaded < start)
    seconds = None if loaded is None or ahead else loaded - start
    return Load(start, row.image_id, row.image, seconds, row.ending, failed=row.ending == "failed", ahead=ahead)


def _next_load(row: _Next) -> NextLoad:
    return NextLoad(
        request_id=row.request_id,
        reload=row.state_id != _NEW,
        begun=row.state_id == PENDING,
        start=times.from_local(row.start) or 0,
        image_id=row.image_id,
        image=row.image,
        node=row.node or "",
        holds_it=bool(row.holds_it),
        block_time_id=row.block_time_id,
        block_start=times.from_local(row.block_start) or 0,
        block=row.block or "",
        affiliation_id=row.affiliation_id,
    )
