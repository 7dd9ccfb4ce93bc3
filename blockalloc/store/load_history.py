"""How the loads of a computer went, and what it loads next: by VCL's logs and requests.

A reservation's own load log has the steps of its load, and goes when VCL removes the reservation. What is over is
told by the log of requests; reloads for blocks leave nothing there. Instants are Unix seconds.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from blockalloc.store import times
from blockalloc.store.sql import fetch
from scheduling.occupancy import PENDING, RELOAD

SHOWN = 50
_NEW = 13  # VCL's state of a user's reservation that no back end has begun
# Steps of VCL's load log after which a load is over, by how it ended.
_READY = frozenset({"nodeready", "reserved", "imageloadcomplete"})
_FAILED = frozenset({"loadimagefailed", "failed"})

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
    told = _by_steps(fetch(_STEPS, [computer_id, computer_id]))
    logs = {log for log, _ in told}
    past = [_past(*row[1:]) for row in fetch(_PAST, [computer_id]) if row[0] not in logs]
    return sorted([*(load for _, load in told), *past], key=lambda load: load.start, reverse=True)[:SHOWN]


def next_load(computer_id: int, now: int) -> NextLoad | None:
    """The next load that is planned, or the one that is at work."""
    found = [_next(*row) for row in fetch(_NEXT, [computer_id, times.to_local(now)])]
    # A user's reservation that should have begun is at the back end's mercy; a reload stays due.
    return min((load for load in found if load.reload or load.start > now), key=lambda load: load.start, default=None)


def _by_steps(rows: Iterable[tuple[Any, ...]]) -> list[tuple[int | None, Load]]:
    """(log, load) of each reservation that has steps."""
    found: dict[int, list[tuple[Any, ...]]] = {}
    for row in rows:
        if times.from_local(row[6]) is not None:
            found.setdefault(row[0], []).append(row)
    return [(steps[0][1], _told(steps)) for steps in found.values()]


def _told(steps: list[tuple[Any, ...]]) -> Load:
    """A load by its steps: over at the first step that says so."""
    _, _, image_id, image, _, _, first = steps[0]
    begun = times.known(times.from_local(first))
    last = next((step for step in steps if step[4] in _READY | _FAILED), None)
    if last is None:
        return Load(begun, image_id, image, None, steps[-1][5], failed=False, at_work=True)
    seconds = times.known(times.from_local(last[6])) - begun
    return Load(begun, image_id, image, seconds, last[5], failed=last[4] in _FAILED)


def _past(
    image_id: int, image: str, start: times.Stored, loaded: times.Stored, ending: str, nowfuture: str
) -> Load:  # fmt: skip
    begun, done = times.known(times.from_local(start)), times.from_local(loaded)
    ahead = nowfuture != "now" or (done is not None and done < begun)
    seconds = None if done is None or ahead else done - begun
    return Load(begun, image_id, image, seconds, ending, failed=ending == "failed", ahead=ahead)


def _next(
    request: int, state: int, start: times.Stored, image_id: int, image: str, node: str | None,
    block_time: int | None, block_start: times.Stored, block: str | None, affiliation: int | None, holds_it: int | None,
) -> NextLoad:  # fmt: skip
    begins, block_begins = (times.known(times.from_local(value)) for value in (start, block_start))
    return NextLoad(
        request, state != _NEW, state == PENDING, begins, image_id, image, node or "", bool(holds_it), block_time,
        block_begins, block or "", affiliation,
    )  # fmt: skip
