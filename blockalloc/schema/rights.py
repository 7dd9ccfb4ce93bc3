"""Which rights on the database its accounts need: for running, for migrating, for going back, for indexes.

All statements that the service sends to VCL's tables keep to `WRITTEN`: a test watches every one of them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from django.apps import apps
from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.recorder import MigrationRecorder

from blockalloc.schema.facts import tables
from blockalloc.schema.suggested import SUGGESTED

# VCL's tables that the service writes, and how. It reads all others, and alters none.
WRITTEN: Mapping[str, tuple[str, ...]] = {
    "blockComputers": ("INSERT", "UPDATE", "DELETE"),
    "blockRequest": ("INSERT", "UPDATE"),
    "blockTimes": ("INSERT", "UPDATE", "DELETE"),
    "blockWebDate": ("INSERT",),
    "blockWebTime": ("INSERT",),
    "request": ("INSERT", "UPDATE", "DELETE"),
    "reservation": ("INSERT", "UPDATE", "DELETE"),
    "semaphore": ("INSERT", "UPDATE", "DELETE"),
}
_PREFIX = "blockalloc_"  # of our own tables, and of no other's
_ROWS = ("INSERT", "UPDATE", "DELETE")
_TABLES = ("CREATE", "ALTER", "INDEX", "REFERENCES")


class Purpose(StrEnum):
    """What an account of the database is for."""

    RUNNING = "running"
    MIGRATING = "migrating"
    GOING_BACK = "going-back"
    INDEXING = "indexing"


@dataclass(frozen=True, slots=True)
class Right:
    """Privileges on a table; on all tables of the database if `table` is ""."""

    privileges: tuple[str, ...]
    table: str = ""


def migrations_table() -> str:
    """Where Django notes which migrations are applied."""
    return str(MigrationRecorder.Migration._meta.db_table)


def own_tables() -> tuple[str, ...]:
    """Our tables and Django's, all that `migrate` makes beside VCL's, in the order of their names."""
    models = apps.get_models(include_auto_created=True)
    of_models = {model._meta.db_table for model in models if model._meta.managed}
    of_cache = str(settings.CACHES["default"]["LOCATION"])
    return tuple(sorted({*of_models, of_cache, migrations_table()}))


def own_tables_in(connection: BaseDatabaseWrapper) -> list[str]:
    """Those of them that the database has, and tables of ours that only another version of the service knows.

    The one in which Django notes the migrations is the last.
    """
    present = set(connection.introspection.table_names())
    found = {name for name in present if name.startswith(_PREFIX)} | set(own_tables())
    foreign = {name.lower() for name in tables()}
    found = {name for name in found & present if name.lower() not in foreign}
    return sorted(found, key=lambda name: (name == migrations_table(), name))


def needed(purpose: Purpose) -> Iterator[Right]:
    """The rights that an account needs for a purpose, and no more.

    MariaDB takes rights on a table that is not there only if CREATE is among them: those for running can be granted
    when `migrate` has made all tables, those for migrating and for going back at any time.
    """
    if purpose is Purpose.INDEXING:
        yield from (Right(("INDEX",), table) for table in sorted({index.table for index in SUGGESTED}))
        return
    yield Right(("SELECT",))
    if purpose is Purpose.RUNNING:
        yield from (Right(privileges, table) for table, privileges in WRITTEN.items())
        # Which migrations are applied is for `migrate` alone to write.
        yield from (Right(_ROWS, table) for table in own_tables() if table != migrations_table())
    else:
        more = ("DROP",) if purpose is Purpose.GOING_BACK else ()
        yield from (Right((*_TABLES, *more, *_ROWS), table) for table in own_tables())


def revocable(purpose: Purpose) -> Iterator[Right]:
    """What to take away when the purpose is over: of the rights for going back, those that migrating does not need."""
    for right in needed(purpose):
        if purpose is not Purpose.GOING_BACK:
            yield right
        elif "DROP" in right.privileges:
            yield Right(("DROP",), right.table)
