"""Checks whether the service can work on a database and its VCL tables."""

from collections import defaultdict
from collections.abc import Iterator

from django.core.management.base import CommandError
from django.db.backends.base.base import BaseDatabaseWrapper

from blockalloc.schema.facts import tables
from blockalloc.schema.readable import unreadable

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

_COLUMNS = {
    "mysql": "SELECT table_name, column_name, data_type FROM information_schema.columns "
    "WHERE table_schema = DATABASE()",
    "sqlite": "SELECT m.name, c.name, c.type FROM sqlite_master m JOIN pragma_table_info(m.name) c "
    "WHERE m.type = 'table'",
}


class SchemaMismatch(CommandError):
    """The database has tables with VCL's names that are not VCL 2.5's. `problems` has one line for each difference."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        listed = "\n  ".join(problems)
        super().__init__(
            f"This database has VCL's tables, but not as VCL 2.5 has them:\n  {listed}\n"
            "Nothing was changed. Upgrade VCL's database first, or name an empty one in DATABASE_URL."
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
    problems = list(_problems(connection))
    if problems:
        raise SchemaMismatch(problems)


def _problems(connection: BaseDatabaseWrapper) -> Iterator[str]:
    existing = _existing(connection)
    for name in sorted(NEEDED, key=str.lower):
        kinds = existing.get(_folded(connection, name))
        if kinds is None:
            yield f"table {name} is missing"
            continue
        for column in tables()[name].columns:
            kind = kinds.get(column.name.lower())
            if kind is None:
                yield f"column {name}.{column.name} is missing"
            elif connection.vendor == "mysql" and {kind, column.kind} == {"datetime", "timestamp"}:
                # VCL 2.4 stored local times in columns that have instants now: as instants they would be hours off.
                yield f"column {name}.{column.name} is a {kind}, not a {column.kind}"


def _existing(connection: BaseDatabaseWrapper) -> dict[str, dict[str, str]]:
    """Table -> column (in lower case: column names ignore case) -> type, of all tables of the database."""
    columns: dict[str, dict[str, str]] = defaultdict(dict)
    with connection.cursor() as cursor:
        cursor.execute(_COLUMNS[connection.vendor])
        for table, column, kind in cursor.fetchall():
            columns[_folded(connection, table)][column.lower()] = kind.lower()
    return columns


def _folded(connection: BaseDatabaseWrapper, name: str) -> str:
    return name.lower() if connection.features.ignores_table_name_case else name
