"""The database connection that the service needs, made from a DATABASE_URL."""

from typing import Any

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

# SQLite: take the write lock when the transaction begins. With the default mode, calls that
# run at once die with "database is locked" when they turn from reading to writing.
_SQLITE_OPTIONS = {"transaction_mode": "IMMEDIATE", "timeout": 20, "init_command": "PRAGMA journal_mode=WAL;"}

# TIMESTAMP columns (semaphore.expires, managementnode.lastcheckin) are instants: with the session
# in UTC they can be read and written without the server's time zone tables. DATETIME columns are
# the site's local times whatever the session says.
_MYSQL_OPTIONS = {
    "init_command": "SET time_zone = '+00:00', "
    "sql_mode = 'STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'",
    "isolation_level": "read committed",
    "charset": "utf8mb4",
}


def database(url: str) -> dict[str, Any]:
    """Django's DATABASES entry for `url` (mysql://… or sqlite:///…).

    Raises ImproperlyConfigured for a URL that is malformed or of another kind of database.
    """
    try:
        # dj_database_url gives a TypedDict; the options below are not part of its type.
        settings: dict[str, Any] = {**dj_database_url.parse(url, conn_max_age=60)}
    except (ValueError, KeyError) as error:
        raise ImproperlyConfigured(f"DATABASE_URL: {error}") from error
    defaults = {"django.db.backends.mysql": _MYSQL_OPTIONS, "django.db.backends.sqlite3": _SQLITE_OPTIONS}
    engine = settings["ENGINE"]
    if engine not in defaults:
        raise ImproperlyConfigured(
            f"DATABASE_URL asks for {engine!r}: use mysql://user:password@host/database (MariaDB) "
            "or sqlite:////path/to/file"
        )
    settings["OPTIONS"] = defaults[engine] | settings.get("OPTIONS", {})
    # A server that was restarted must not cost the next call its connection.
    settings["CONN_HEALTH_CHECKS"] = engine.endswith("mysql")
    return settings
