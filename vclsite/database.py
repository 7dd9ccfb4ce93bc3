"""The database connection that the service needs, made from a DATABASE_URL."""

from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

# A transaction of ours is idle for the time it takes to plan. One that is idle for longer belongs to a host that
# died: the server cannot see that, and would keep the guard locked for hours.
_LONGEST_PAUSE_IN_TRANSACTION = 60  # seconds
# A connection that is silent for longer than a request may take is dead.
_WORK_SECONDS = 60  # on top of the wait for a lock
_CONNECT_SECONDS = 10
_FORM = (
    "use mysql://user:password@host/database (MariaDB) or sqlite:////path/to/file; in a password, write @ as %40, "
    "/ as %2F, # as %23, ? as %3F, : as %3A, % as %25"
)
# While no database is known: nothing can be read or written, and nothing is created by mistake.
NO_DATABASE: dict[str, Any] = {"ENGINE": "django.db.backends.dummy"}

_LONGEST_LIST = 2**30  # bytes, the most that MariaDB takes; it cuts off longer ones, by default after a million

# TIMESTAMP columns (semaphore.expires, managementnode.lastcheckin) are instants: with the session
# in UTC they can be read and written without the server's time zone tables. DATETIME columns are
# the site's local times whatever the session says. The server's sql_mode does not count. NO_ZERO_DATE is left out: with
# it MariaDB refuses rows of `reservation`, whose default is a zero date (error 1978). So is ONLY_FULL_GROUP_BY: MariaDB
# knows of no columns that depend on others, and the ORM would have to group by all of them.
_SESSION = "time_zone = '+00:00', sql_mode = 'STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'"


def database(url: str, wait_seconds: int = 20, setting: str = "DATABASE_URL") -> dict[str, Any]:
    """Django's DATABASES entry for `url` (mysql://… or sqlite:///…).

    No statement waits longer than `wait_seconds` for somebody else's lock. Raises ImproperlyConfigured for a URL that
    is malformed or of another kind of database; the text names the `setting` that the URL comes from.
    """
    settings = _parsed(url, setting)
    defaults = {
        "django.db.backends.mysql": _mysql_options(wait_seconds),
        "django.db.backends.sqlite3": _sqlite_options(wait_seconds),
    }
    engine = settings["ENGINE"]
    if engine not in defaults:
        raise ImproperlyConfigured(f"{setting} asks for {engine!r}: {_FORM}")
    own: dict[str, Any] = settings.get("OPTIONS", {})
    if "init_command" in own:  # times would be read in another zone, and rows cut to fit
        raise ImproperlyConfigured(f"{setting} sets init_command: the service needs its own. Leave it out.")
    settings["OPTIONS"] = defaults[engine] | own
    if engine.endswith("mysql"):
        settings["OPTIONS"].setdefault("conv", _conversions())
    # A server that was restarted must not cost the next call its connection.
    settings["CONN_HEALTH_CHECKS"] = engine.endswith("mysql")
    return settings


def _parsed(url: str, setting: str) -> dict[str, Any]:
    """The settings in the URL. No error quotes any of it: the mistake is most often a character of the password."""
    try:
        parts = urlsplit(url)
        # dj_database_url gives a TypedDict; the options are not part of its type.
        settings: dict[str, Any] = {**dj_database_url.parse(url, conn_max_age=60)}
    except (ValueError, KeyError):
        raise ImproperlyConfigured(f"{setting} is not the URL of a database: {_FORM}") from None
    with_server = not settings["ENGINE"].endswith("sqlite3")
    if with_server and (parts.fragment or "@" in parts.path + parts.query):
        raise ImproperlyConfigured(f"{setting}: a character of the password is not written as %…: {_FORM}")
    if not with_server and not (Path(settings["NAME"]).is_absolute() or ":memory:" in url):
        # Which file that is would depend on the folder in which a command is run.
        raise ImproperlyConfigured(f"{setting} names no file by its full path (four slashes): {_FORM}")
    if with_server and not settings["NAME"]:
        raise ImproperlyConfigured(f"{setting} names no database on its server: {_FORM}")
    return settings


def _sqlite_options(wait_seconds: int) -> dict[str, Any]:
    # The write lock is taken when the transaction begins. In the default mode, concurrent calls
    # fail with "database is locked" when they go from reading to writing.
    return {
        "transaction_mode": "IMMEDIATE",
        "timeout": wait_seconds,
        "init_command": "PRAGMA journal_mode=WAL;",
    }


def _mysql_options(wait_seconds: int) -> dict[str, Any]:
    waits = {
        "innodb_lock_wait_timeout": wait_seconds,  # for rows
        "lock_wait_timeout": wait_seconds,  # for tables: somebody may be altering one
        "idle_transaction_timeout": _LONGEST_PAUSE_IN_TRANSACTION,
    }
    limits = ", ".join(f"{name} = {seconds}" for name, seconds in waits.items())
    return {
        "init_command": f"SET {_SESSION}, group_concat_max_len = {_LONGEST_LIST}, {limits}",
        "isolation_level": "read committed",
        "charset": "utf8mb4",
        "connect_timeout": _CONNECT_SECONDS,
        "read_timeout": wait_seconds + _WORK_SECONDS,
        "write_timeout": wait_seconds + _WORK_SECONDS,
    }


def _conversions() -> dict[Any, Any]:
    """The driver's conversions: Django's, but whole numbers become ints, and times are read faster.

    MariaDB gives decimals for a column of signed and unsigned numbers (in a UNION, in COALESCE), and for a sum of
    whole numbers.
    """
    from django.db.backends.mysql.base import django_conversions  # the driver may not be installed beside SQLite
    from MySQLdb.constants import FIELD_TYPE

    return {
        **django_conversions,
        FIELD_TYPE.NEWDECIMAL: _number,
        FIELD_TYPE.DECIMAL: _number,
        FIELD_TYPE.DATETIME: _moment,
        FIELD_TYPE.TIMESTAMP: _moment,
    }


def _moment(text: str) -> datetime | None:
    """A naive datetime, in a tenth of the time that the driver's own function takes. None for a zero date."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _number(text: str) -> int | Decimal:
    return Decimal(text) if "." in text else int(text)
