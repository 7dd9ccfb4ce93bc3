"""Checks whether the service can work on a database and its VCL tables."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from django.core.management.base import CommandError
from django.db.backends.base.base import BaseDatabaseWrapper

from blockalloc.schema.facts import forms, tables
from blockalloc.schema.readable import unreadable
from blockalloc.schema.versions import SUPPORTED, unsupported

# Tables that have models for the sake of completeness: no rule reads them and nothing writes them.
NOT_NEEDED = frozenset(
    {
        "adminlevel",
        "changelog",
        "IMtype",
        "loginlog",
        "serverrequest",
        "vmprofile",
        "vmtype",
        "xmlrpcLog",
    }
)
_OUR_TABLES = ("blockalloc_", "django_", "auth_", "sqlite_")
OLDEST_MARIADB = (10, 5)  # the first whose INSERT returns the ids of all rows
NEEDED = frozenset(tables()) - NOT_NEEDED
_TIMES = frozenset({"datetime", "timestamp"})

# Rows of VCL's are inserted into these.
_INSERTED = frozenset(
    {
        *("blockComputers", "blockRequest", "blockTimes", "blockWebDate", "blockWebTime"),
        *("request", "reservation", "semaphore"),
    }
)

# Whether an INSERT has to give a value of the column is the last one.
_COLUMNS = {
    "mysql": "SELECT table_name, column_name, data_type, is_nullable = 'NO' AND column_default IS NULL "
    "AND extra NOT LIKE '%auto_increment%' AND extra NOT LIKE '%GENERATED%' "
    "FROM information_schema.columns WHERE table_schema = DATABASE()",
    "sqlite": "SELECT m.name, c.name, c.type, c.`notnull` AND c.dflt_value IS NULL AND c.pk = 0 "
    "FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'",
}


class _Present(NamedTuple):
    """A column of the database; `needs_value`: a row can't be inserted without a value for it."""

    kind: str
    needs_value: bool


class SchemaMismatch(CommandError):
    """The database has tables with VCL's names that are not those of a supported version.

    `problems` has one line for each difference; `looks_like` is the version, "" when it can't be told.
    """

    def __init__(self, problems: list[str], looks_like: str = "") -> None:
        self.problems = problems
        self.looks_like = looks_like
        listed = "\n  ".join(problems)
        version = f": it looks like {looks_like}" if looks_like else ""
        super().__init__(
            f"This database has VCL's tables, but not as VCL {SUPPORTED} has them{version}.\n  {listed}\n"
            "Nothing was changed. Upgrade VCL first (its database with mysql/update-vcl.sql, which VCL comes with), or "
            "name an empty database in DATABASE_URL."
        )


def check_server(connection: BaseDatabaseWrapper) -> None:
    """Raise CommandError unless the service's SQL is written for this server."""
    if connection.vendor != "mysql":
        return
    # Attributes of the MySQL backend only.
    is_mariadb: bool = getattr(connection, "mysql_is_mariadb", False)
    version: tuple[int, ...] = getattr(connection, "mysql_version", ())
    if not is_mariadb or version < OLDEST_MARIADB:
        name = "MariaDB" if is_mariadb else "MySQL"
        number = ".".join(map(str, version))
        raise CommandError(
            f"The database server is {name} {number}: MariaDB 10.5 or newer is needed. Nothing was changed."
        )


def check_readable(connection: BaseDatabaseWrapper) -> None:
    """Raise CommandError when VCL's tables or columns of them seem to be missing because the account may not read them.

    The server lists only what an account has a right on: to one without rights, VCL's database looks like an empty one.
    """
    existing = _existing(connection)
    missing: dict[str, list[str]] = {}
    for name in sorted(NEEDED, key=str.lower):
        kinds = existing.get(_folded(connection, name))
        columns = [column.name for column in tables()[name].columns if kinds and column.name.lower() not in kinds]
        if columns or not kinds:
            missing[name] = columns
    refused = list(unreadable(connection, missing))
    if refused:
        more = f" and {len(refused) - 5} more" if refused[5:] else ""
        raise CommandError(
            f"The database account may not read VCL's tables: it lacks SELECT on {', '.join(refused[:5])}{more}. "
            "Nothing was changed. manage.py print_grants migrating prints the GRANTs for migrate, print_grants running "
            "those for the service."
        )


def vcl_tables_in(connection: BaseDatabaseWrapper) -> set[str]:
    """The names of VCL's tables, needed or not, that the database has."""
    existing = _existing(connection)
    return {name for name in tables() if _folded(connection, name) in existing}


def check_empty(connection: BaseDatabaseWrapper) -> None:
    """Raise CommandError when a database without VCL's tables has those of another program.

    A wrong name in DATABASE_URL must not put a VCL site beside somebody's web shop.
    """
    foreign = sorted(name for name in _existing(connection) if not name.lower().startswith(_OUR_TABLES))
    if foreign:
        raise CommandError(
            f"This database has none of VCL's tables, but has others: {', '.join(foreign[:5])}. Nothing was changed. "
            "Name VCL's database in DATABASE_URL, or an empty one."
        )


def check_adoptable(connection: BaseDatabaseWrapper) -> None:
    """Raise SchemaMismatch unless every needed table is there with all columns. Changes nothing."""
    existing = _existing(connection)
    problems = list(_problems(connection, existing))
    if problems:
        raise SchemaMismatch(problems, unsupported({name.lower(): columns for name, columns in existing.items()}))


def _problems(connection: BaseDatabaseWrapper, existing: Mapping[str, Mapping[str, _Present]]) -> Iterator[str]:
    for name in sorted(NEEDED, key=str.lower):
        present = existing.get(_folded(connection, name))
        if present is None:
            yield f"table {name} is missing"
            continue
        for column in tables()[name].columns:
            there = present.get(column.name.lower())
            kinds = {form.kind for form in forms(name, column.name)}
            if there is None:
                yield f"column {name}.{column.name} is missing"
            elif connection.vendor == "mysql" and there.kind in _TIMES - kinds and kinds & _TIMES:
                # A local time where an instant is due would be hours off, and the other way round.
                yield f"column {name}.{column.name} is a {there.kind}, not a {column.kind}"
        if name in _INSERTED:
            known = {column.name.lower() for column in tables()[name].columns}
            for column_name in sorted(column for column in present if present[column].needs_value):
                if column_name not in known:
                    yield f"column {name}.{column_name} has no default, and no row that this service adds has it"


def _existing(connection: BaseDatabaseWrapper) -> dict[str, dict[str, _Present]]:
    """Table -> column (in lower case: column names ignore case) -> what it is like, of all tables of the database."""
    columns: dict[str, dict[str, _Present]] = defaultdict(dict)
    with connection.cursor() as cursor:
        cursor.execute(_COLUMNS[connection.vendor])
        for table, column, kind, needs_value in cursor.fetchall():
            columns[_folded(connection, table)][column.lower()] = _Present(kind.lower(), bool(needs_value))
    return columns


def _folded(connection: BaseDatabaseWrapper, name: str) -> str:
    return name.lower() if connection.features.ignores_table_name_case else name
