"""What the times of VCL's rows say of the site's clock: read in few statements, however long the tables are.

What VCL writes with the database's NOW(), which is the database server's local time in VCL's own sessions:
`request.daterequested` and `computerloadlog.timestamp`. What its front end writes with its own clock: `log.start`,
when somebody reserves for now. Reloads are left out: this service writes such rows itself.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from operator import attrgetter
from typing import NamedTuple

from django.db import DatabaseError, connection

from blockalloc import clock
from blockalloc.site_time import site_zone
from blockalloc.store import times
from blockalloc.store.sql import fetch, part_of_union
from scheduling.site_clock import FORTNIGHT, Facts, Login, Node, Row, same_hours
from scheduling.vcl_names import RELOAD_USER
from scheduling.windows import DAY
from scheduling.zones import QUARTER

_LOGIN_DAYS = 2
_OLDEST = "2000-01-01 00:00:00"  # zero dates are no history

_BY_PEOPLE = f"""
(u.unityid IS NULL OR a.name IS NULL OR u.unityid <> '{RELOAD_USER.unityid}' OR a.name <> '{RELOAD_USER.affiliation}')
"""

_REQUEST, _LOG, _LOAD, _NODE = range(1, 5)


class _Row(NamedTuple):
    """A row of the statement. The parts below say which columns a kind of row has; the others are NULL.

    `written` is when VCL wrote it, `start` that of a request's row in the log.
    """

    kind: int
    id: int
    written: times.Stored
    start: times.Stored
    nowfuture: str
    was_available: int
    user: str | None
    affiliation_id: int | None
    hostname: str
    checked_in: times.Stored


# Only the newest rows by id are searched: no index covers what the conditions look at.
_SQL = " UNION ALL ".join([
    part_of_union(
        _Row, _REQUEST, {
            "id": "id", "written": "daterequested", "start": "start", "nowfuture": "nowfuture",
            "was_available": "available",
        }, f"""FROM (
            SELECT q.id, q.daterequested, l.start, COALESCE(l.nowfuture, '') AS nowfuture,
                   COALESCE(l.wasavailable, 0) AS available
            FROM (SELECT id, userid, logid, daterequested FROM request ORDER BY id DESC LIMIT 2000) q
            LEFT JOIN user u ON u.id = q.userid LEFT JOIN affiliation a ON a.id = u.affiliationid
            LEFT JOIN log l ON l.id = q.logid
            WHERE {_BY_PEOPLE}
            ORDER BY q.id DESC LIMIT 50
        ) AS requests""",
    ),
    part_of_union(
        _Row, _LOG, {
            "id": "id", "written": "start", "was_available": "wasavailable", "user": "unityid",
            "affiliation_id": "affiliationid",
        }, f"""FROM (
            SELECT l.id, l.start, l.wasavailable, u.unityid, u.affiliationid
            FROM (SELECT id, userid, start, wasavailable, nowfuture FROM log ORDER BY id DESC LIMIT 500) l
            LEFT JOIN user u ON u.id = l.userid LEFT JOIN affiliation a ON a.id = u.affiliationid
            WHERE l.nowfuture = 'now' AND {_BY_PEOPLE}
            ORDER BY l.id DESC LIMIT 50
        ) AS logged""",
    ),
    part_of_union(
        _Row, _LOAD, {"id": "id", "written": "timestamp"},
        "FROM (SELECT id, timestamp FROM computerloadlog ORDER BY id DESC LIMIT 50) AS loads",
    ),
    part_of_union(
        _Row, _NODE, {"id": "id", "hostname": "hostname", "checked_in": "lastcheckin"}, "FROM managementnode"
    ),
])  # fmt: skip

_LOGINS = """
SELECT user, affiliationid, timestamp FROM loginlog
WHERE timestamp > %s AND passfail = 1 ORDER BY timestamp DESC LIMIT 1000
"""

_SILENT = "NOT EXISTS (SELECT 1 FROM log WHERE start > %s AND start <= %s AND nowfuture = 'now')"


def read(now: int, database_ahead: int = 0) -> Facts:
    """All facts at `now` (Unix seconds), while the database's clock is so many seconds ahead of this host's."""
    by_kind: dict[int, list[_Row]] = defaultdict(list)
    for row in sorted(map(_Row._make, fetch(_SQL)), key=attrgetter("id"), reverse=True):
        by_kind[row.kind].append(row)
    rows = [
        *_dated("request.daterequested", by_kind[_REQUEST]),
        *_dated("computerloadlog.timestamp", by_kind[_LOAD]),
        *_logged(by_kind[_LOG]),
    ]
    nodes = [Node(row.hostname, at) for row in by_kind[_NODE] if (at := times.from_check_in(row.checked_in))]
    nodes.sort(key=attrgetter("hostname"))
    logins = _logins(now) if any(row.user for row in rows) else []
    return Facts(now, site_zone(), rows, nodes, logins, database_ahead, _beside(by_kind[_REQUEST]))


def database_ahead() -> int:
    """How many seconds the database's clock is ahead of this host's (negative: behind); 0 on SQLite, which has none.

    The seconds that the statement itself takes count for no difference.
    """
    if connection.vendor != "mysql":
        return 0
    before = clock.now()
    ((stored,),) = fetch("SELECT UTC_TIMESTAMP()")
    after, theirs = clock.now(), times.from_utc(stored) or 0
    return min(theirs - before, 0) or max(theirs - after, 0)


def silent_days(now: int, seconds: int) -> Mapping[int, bool]:
    """Of each of the last fourteen days whether nobody reserved for now in so many seconds up to this time of day.

    Days before the first row of the log are left out.
    """
    wall = datetime.fromtimestamp(now, site_zone()).replace(tzinfo=None)
    spans = {days: same_hours(wall, days, seconds) for days in range(1, FORTNIGHT + 1)}
    columns = ", ".join([_SILENT] * len(spans))
    params = [times.stored_wall_time(moment) for span in spans.values() for moment in span]
    ((first, *silent),) = fetch(f"SELECT (SELECT MIN(start) FROM log WHERE start > %s), {columns}", [_OLDEST, *params])
    begun = times.wall_time(first)
    return {
        days: bool(quiet)
        for (days, (start, _)), quiet in zip(spans.items(), silent, strict=True)
        if begun and begun <= start
    }


def _dated(column: str, rows: Iterable[_Row]) -> Iterator[Row]:
    """What the database has dated."""
    for row in rows:
        if wall := times.wall_time(row.written):
            yield Row(wall, column, by_database=True)


def _logged(rows: Iterable[_Row]) -> Iterator[Row]:
    """Reservations for now. Of those that could not be had XML-RPC rounds the start down to a quarter of an hour."""
    for row in rows:
        if wall := times.wall_time(row.written):
            rough = not row.was_available and not (wall.minute * 60 + wall.second) % QUARTER
            user = _user(row.user, row.affiliation_id)
            yield Row(wall, "log.start", by_database=False, user=user, rough=rough)


def _logins(now: int) -> list[Login]:
    """Who signed in in the last two days. The table is none that everything else needs: without it there are none."""
    try:
        rows = fetch(_LOGINS, [times.to_utc(now - _LOGIN_DAYS * DAY)])
    except DatabaseError:
        return []
    return [Login(_user(name, affiliation), times.from_utc(at) or 0) for name, affiliation, at in rows]


def _user(name: str | None, affiliation: int | None) -> str:
    return f"{name.lower()}@{affiliation}" if name else ""


def _beside(requests: Iterable[_Row]) -> int | None:
    """How far the database's clock was ahead of the front end's when both dated the newest reservation for now."""
    for request in requests:
        requested, begun = times.wall_time(request.written), times.wall_time(request.start)
        if requested and begun and request.nowfuture == "now" and request.was_available:
            return round((requested - begun).total_seconds())
    return None
