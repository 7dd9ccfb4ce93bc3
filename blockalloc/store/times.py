"""Times as the database gives and takes them, to and from Unix seconds.

DATETIME columns of VCL's hold local times of the site, TIMESTAMP columns instants in UTC (the session's time zone).
MariaDB's driver gives naive datetimes and None for a zero date, SQLite gives text. A column that is never NULL may
hold a zero date all the same: where there must be an instant, `from_local(value) or 0` (1970) is one.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

from django.db import connection

from blockalloc import check_ins
from blockalloc.site_time import site_zone

Stored = datetime | str | None
_FORMAT = "%Y-%m-%d %H:%M:%S"


def from_local(value: Stored) -> int | None:
    """Unix seconds of a DATETIME value; None for NULL and for a zero date (SPEC 3).

    A local time that comes twice is its first occurrence, a skipped one the instant an hour later.
    """
    wall = wall_time(value)
    return None if wall is None else _local_instant(wall, site_zone())


LocalReader = Callable[[Stored], int | None]


def local_reader() -> LocalReader:
    """`from_local` for many rows, which share a few times: it converts each of them once."""
    return cache(from_local)


@lru_cache(maxsize=10_000)  # thousands of rows share a few hundred times: most begin and end on a quarter of an hour
def _local_instant(wall: datetime, zone: ZoneInfo) -> int:
    return int(wall.replace(tzinfo=zone).timestamp())


def latest_from_local(value: Stored) -> int | None:
    """Unix seconds of the last instant at which the site's clock showed a DATETIME value; None as in from_local.

    For what must not be taken for older than it may be: a local time that comes twice is its second occurrence.
    """
    wall = wall_time(value)
    if wall is None:
        return None
    return max(int(wall.replace(tzinfo=site_zone(), fold=fold).timestamp()) for fold in (0, 1))


def from_utc(value: Stored) -> int | None:
    """Unix seconds of a TIMESTAMP value; None for NULL and for a zero date."""
    moment = wall_time(value)
    return None if moment is None else int(moment.replace(tzinfo=UTC).timestamp())


def from_check_in(value: Stored) -> int | None:
    """Unix seconds of a `managementnode.lastcheckin`, of any version of VCL; None as in from_utc."""
    moment = wall_time(value)
    return None if moment is None else check_ins.instant(moment, connection)


def from_check_in_seconds(seconds: int | None) -> int | None:
    """The same of a value that the database has counted as seconds since 1970, as if it were in UTC."""
    if seconds is None or not check_ins.are_local(connection):
        return seconds
    return check_ins.instant(datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None), connection)


def check_in_limit(since: int) -> str:
    """What a `lastcheckin` has to be greater than when the node checked in after `since` (SPEC 4)."""
    return stored_wall_time(check_ins.limit(since, connection))


def to_local(instant: int) -> str:
    """What a DATETIME column stores for an instant."""
    return stored_wall_time(datetime.fromtimestamp(instant, site_zone()))


def text(instant: int) -> str:
    """An instant for people: as the site's clock shows it."""
    return f"{to_local(instant)} local time"


def to_utc(instant: int) -> str:
    """What a TIMESTAMP column stores for an instant."""
    return stored_wall_time(datetime.fromtimestamp(instant, UTC))


def to_utc_or_null(instant: int | None) -> str | None:
    """What a TIMESTAMP column stores for an instant, or for none."""
    return None if instant is None else to_utc(instant)


def stored_wall_time(wall: datetime) -> str:
    """What a column stores for the date and time of day that a clock shows."""
    return wall.strftime(_FORMAT)


def is_storable(instant: int) -> bool:
    """Whether an instant comes back unchanged: not so in the second occurrence of a repeated hour."""
    return from_local(to_local(instant)) == instant


def wall_time(value: Stored) -> datetime | None:
    """A DATETIME value as the site's clock showed it, without a zone; None for NULL and for a zero date."""
    if value is None or isinstance(value, datetime):
        return value
    return None if value.startswith("0000") else datetime.fromisoformat(value)
