"""When management nodes checked in, as `managementnode.lastcheckin` has it: an instant, or a local time.

VCL 2.5.1 fills a TIMESTAMP with the database's NOW(). In VCL 2.4.2 and 2.5 the column is a DATETIME, and a node writes
the time that its own clock shows, in the zone of its host, which is that of the site. Which of the two a database has
is looked up when a connection is made, by one short statement, and holds as long as the connection: up to a minute.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper

from blockalloc import clock
from blockalloc.site_time import site_zone

_KIND = (
    "SELECT data_type FROM information_schema.columns "
    "WHERE table_schema = DATABASE() AND table_name = 'managementnode' AND column_name = 'lastcheckin'"
)
_AHEAD = 5 * 60  # seconds by which a node's clock may be ahead of ours
_LOCAL = "check_ins_are_local"  # the attribute in which a connection of Django's keeps the answer


def look(*, connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Find out how the database keeps check-ins: a receiver of Django's signal that a connection was made.

    When it can't be found out there is no connection either: read as the wrong one, times would be hours off.
    """
    setattr(connection, _LOCAL, False)
    if connection.vendor != "mysql":
        return
    try:
        with connection.cursor() as cursor:
            cursor.execute(_KIND)
            setattr(connection, _LOCAL, any(kind == "datetime" for (kind,) in cursor.fetchall()))
    except DatabaseError:
        connection.close()
        raise


def are_local(connection: BaseDatabaseWrapper) -> bool:
    """Whether the column has local times. Where there is no such column (yet), it has instants.

    Connects if need be: a statement's values may be made before there is a connection. Raises DatabaseError then.
    """
    if connection.vendor == "mysql" and connection.connection is None:
        connection.ensure_connection()
    local: bool = getattr(connection, _LOCAL, False)
    return local


def instant(stored: datetime, connection: BaseDatabaseWrapper) -> int:
    """Unix seconds of a value of the column (naive).

    A local time that comes twice, when summer time ends, is its second occurrence once that has come: a node that
    checks in every few seconds must not seem silent for an hour, nor one that fell silent seem alive.
    """
    if not are_local(connection):
        return int(stored.replace(tzinfo=UTC).timestamp())
    zone = site_zone()
    first, second = sorted(int(stored.replace(tzinfo=zone, fold=fold).timestamp()) for fold in (0, 1))
    return second if second <= clock.now() + _AHEAD else first


def stored(checked_in: int, connection: BaseDatabaseWrapper) -> datetime:
    """What the column holds (naive) for a check-in at an instant (Unix seconds)."""
    zone = site_zone() if are_local(connection) else UTC
    return datetime.fromtimestamp(checked_in, zone).replace(tzinfo=None, fold=0)


def limit(since: int, connection: BaseDatabaseWrapper) -> datetime:
    """What the column has to be greater than for a check-in after `since` (Unix seconds), a little before now.

    In the hour that comes twice, a comparison of local times takes a node for alive that fell silent in its first
    occurrence. One that is alive must not seem silent in the minutes after the clock was put back, when it writes
    smaller values than before: the limit is then as long before now's local time as `since` is before now.
    """
    now = clock.now()
    return min(stored(since, connection), stored(now, connection) - timedelta(seconds=now - since))
