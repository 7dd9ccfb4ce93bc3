"""The tables that a database has, as values of the types in `facts`, so that both can be compared."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from blockalloc.schema.facts import Column, Index

_COLUMNS = {
    "mysql": "SELECT table_name, column_name, column_type, is_nullable = 'YES', column_default, extra "
    "FROM information_schema.columns WHERE table_schema = DATABASE() ORDER BY table_name, ordinal_position",
    "sqlite": "SELECT m.name, c.name, c.type, NOT c.`notnull`, c.dflt_value, '' "
    "FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' ORDER BY m.name, c.cid",
}
# SQLite's list of indexes lacks the key that it numbers rows by: it is added, as the primary key.
_INDEXES = {
    "mysql": "SELECT table_name, index_name, non_unique = 0, column_name FROM information_schema.statistics "
    "WHERE table_schema = DATABASE() ORDER BY table_name, index_name, seq_in_index",
    "sqlite": "SELECT m.name, i.name, i.`unique`, c.name FROM sqlite_master m JOIN pragma_index_list(m.name) i "
    "JOIN pragma_index_info(i.name) c WHERE m.type = 'table' AND i.partial = 0 AND c.name IS NOT NULL "
    "UNION ALL SELECT m.name, 'PRIMARY', 1, c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c "
    "WHERE m.type = 'table' AND c.pk = 1 AND c.type = 'INTEGER'",
}
_ENGINES = (
    "SELECT table_name, engine FROM information_schema.tables "
    "WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE'"
)


@dataclass(frozen=True, slots=True)
class PresentTable:
    """A table of the database. `engine` is the storage engine, "" on SQLite, which has one."""

    columns: Mapping[str, Column]  # by name in lower case: column names ignore case
    indexes: Sequence[Index]
    engine: str = ""


def present_tables(connection: BaseDatabaseWrapper) -> Mapping[str, PresentTable]:
    """All tables of the database by `folded` name, in two or three statements."""
    columns: dict[str, dict[str, Column]] = defaultdict(dict)
    indexes: dict[tuple[str, str, bool], list[str]] = defaultdict(list)
    for table, name, kind, null, default, extra in _fetch(connection, _COLUMNS[connection.vendor]):
        columns[folded(connection, table)][name.lower()] = Column(name, kind, bool(null), default, extra)
    for table, name, unique, column in _fetch(connection, _INDEXES[connection.vendor]):
        indexes[folded(connection, table), name, bool(unique)].append(column.lower())
    engines = dict(_fetch(connection, _ENGINES)) if connection.vendor == "mysql" else {}
    engines = {folded(connection, table): engine for table, engine in engines.items()}
    return {
        table: PresentTable(
            table_columns,
            [Index(name, unique, tuple(listed)) for (of, name, unique), listed in indexes.items() if of == table],
            engines.get(table) or "",
        )
        for table, table_columns in columns.items()
    }


def folded(connection: BaseDatabaseWrapper, name: str) -> str:
    """A table's name as it is looked up: in lower case where the database ignores case."""
    return name.lower() if connection.features.ignores_table_name_case else name


def _fetch(connection: BaseDatabaseWrapper, sql: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())
