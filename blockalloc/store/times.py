"""Times as the database gives and takes them, to and from Unix seconds.

DATETIME columns hold local times of the site, TIMESTAMP columns instants in UTC (the session's
time zone). MariaDB's driver gives naive datetimes and None for a zero date, SQLite gives text.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

from blockalloc.site_time import site_zone

Stored = datetime | str | None
_FORMAT = "%Y-%m-%d %H:%M:%S"


def from_local(value: Stored) -> int | None:
    """Unix seconds of a DATETIME value; None for NULL and for a zero date (SPEC 3).

    A local time that comes twice is its first occurrence, a skipped one the instant an hour later.
    """
    naive = shown(value)
    return None if naive is None else _local_instant(naive, site_zone())


LocalReader = Callable[[Stored], int | None]


def local_reader() -> LocalReader:
    """`from_local` for many rows, which share a few times: it converts each of them once."""
    return cache(from_local)


@lru_cache(maxsize=10_000)  # thousands of rows share a few hundred times: most begin and end on a quarter of an hour
def _local_instant(naive: datetime, zone: ZoneInfo) -> int:
    return int(naive.replace(tzinfo=zone).timestamp())


def latest(value: Stored) -> int | None:
    """Unix seconds of the last instant at which the site's clock showed a DATETIME value; None as in from_local.

    For what must not be taken for older than it may be: a local time that comes twice is its second occurrence.
    """
    naive = shown(value)
    if naive is None:
        return None
    return max(int(naive.replace(tzinfo=site_zone(), fold=fold).timestamp()) for fold in (0, 1))


def from_utc(value: Stored) -> int | None:
    """Unix seconds of a TIMESTAMP value; None for NULL and for a zero date."""
    naive = shown(value)
    return None if naive is None else int(naive.replace(tzinfo=UTC).timestamp())


def to_local(instant: int) -> str:
    """What a DATETIME column stores for an instant."""
    return datetime.fromtimestamp(instant, site_zone()).strftime(_FORMAT)


def told(instant: int) -> str:
    """An instant for people: as the site's clock shows it."""
    return f"{to_local(instant)} local time"


def to_utc(instant: int) -> str:
    """What a TIMESTAMP column stores for an instant."""
    return datetime.fromtimestamp(instant, UTC).strftime(_FORMAT)


def is_storable(instant: int) -> bool:
    """Whether an instant comes back unchanged: not so in the second occurrence of a repeated hour."""
    return from_local(to_local(instant)) == instant


def known(instant: int | None) -> int:
    """The instant of a column that can't be empty; 0 (1970) where it holds a zero date all the same."""
    return instant or 0


def shown(value: Stored) -> datetime | None:
    """A DATETIME value as the site's clock showed it, without a zone; None for NULL and for a zero date."""
    if value is None or isinstance(value, datetime):
        return value
    return None if value.startswith("0000") else datetime.fromisoformat(value)
