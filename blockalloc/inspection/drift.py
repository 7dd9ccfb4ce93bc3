"""Where a database's tables differ from those of VCL, and whether our own are there."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from django.apps import apps
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Model

from blockalloc.inspection.findings import Finding
from blockalloc.models import Guard
from blockalloc.schema import VERSIONS, Column, Table, forms, tables
from blockalloc.schema.adopt import NEEDED
from blockalloc.schema.ddl import sqlite_type
from blockalloc.schema.present import PresentTable, folded, present_tables
from blockalloc.schema.readable import unreadable
from blockalloc.schema.versions import SUPPORTED, unsupported
from blockalloc.store.inspection_rows import READS

_INTEGERS = ("tinyint", "smallint", "mediumint", "int", "bigint")
_TEXTS = ("varchar", "text", "mediumtext", "longtext")
# What statements look rows up by, primary keys aside. Without one they are right all the same, and slow.
READ_BY: Mapping[str, Collection[tuple[str, ...]]] = {
    "blockComputers": [("computerid",)],
    "blockTimes": [("blockRequestid",), ("start",), ("end",)],
    "imagerevision": [("imageid",)],
    "log": [("imageid",), ("start",)],
    "request": [("stateid",), ("start",), ("end",)],
    "reservation": [("requestid",), ("computerid",)],
    "semaphore": [("computerid",), ("expires",), ("procid",)],
    "sublog": [("logid",)],
    "user": [("unityid", "affiliationid")],
    "usergroupmembers": [("usergroupid",)],
}

_HIDDEN = "may not be read by the database account: manage.py print_grants running prints the GRANTs"


class Drift:
    """The tables that a database has, beside those that it should have."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self._connection = connection
        self._present = present_tables(connection)

    def is_readable(self) -> bool:
        """Whether everything is there that an inspection reads of the rows."""
        return all(
            (there := self._table(table)) and all(name.lower() in there.columns for name in names)
            for table, names in READS.items()
        )

    def has(self, table: str) -> bool:
        """Whether the database has a table of this name."""
        return self._table(table) is not None

    def own_tables(self) -> frozenset[str]:
        """The tables of this service that are there, with all their columns."""
        return frozenset(
            model._meta.db_table
            for model in _own_models()
            if (there := self._table(model._meta.db_table))
            and all(str(field.column).lower() in there.columns for field in model._meta.concrete_fields)
        )

    def obstacle_to_repairs(self) -> str:
        """Why repairs can't hold the guard, or would be left half done when they fail in the middle; "" when not."""
        if not self.is_readable():
            return "tables or columns are missing that the rows are judged by"
        if not self._table(Guard._meta.db_table):
            return "our own tables are missing: run manage.py migrate first"
        without = [finding.subject["table"] for finding in self._engines()]
        return f"there are no transactions in {', '.join(without)}: convert them to InnoDB first" if without else ""

    def findings(self) -> Iterator[Finding]:
        """All differences, tables that are needed first."""
        hidden = set(unreadable(self._connection, {name: [] for name in self._missing()}))
        if hidden == set(tables()):
            text = (
                "the database account may read none of VCL's tables: manage.py print_grants running prints the GRANTs"
            )
            yield Finding("schema_drift", {"tables": []}, text, repairable=False)
            return
        if not any(map(self._table, tables())):
            text = "this database has no table of VCL: DATABASE_URL names another one, or VCL was never installed in it"
            yield Finding("schema_drift", {"tables": []}, text, repairable=False)
            return
        if version := unsupported({name.lower(): table.columns for name, table in self._present.items()}):
            text = f"the tables look like those of {version}: this service works on those of VCL {SUPPORTED}"
            yield Finding("schema_drift", {"version": version}, text, repairable=False)
        for name in sorted(tables(), key=lambda name: (name not in NEEDED, name.lower())):
            there = self._table(name)
            if there is None:
                yield _finding(name, _HIDDEN if name in hidden else "is missing")
                continue
            yield from _of_columns(tables()[name], there, self._connection.vendor)
            if name in NEEDED:
                yield from _of_indexes(tables()[name], there)
        yield from self._engines()
        yield from self._own_tables()

    def _missing(self) -> list[str]:
        """Those of VCL's tables that the server does not list."""
        return [name for name in tables() if not self._table(name)]

    def _table(self, name: str) -> PresentTable | None:
        return self._present.get(folded(self._connection, name))

    def _engines(self) -> Iterator[Finding]:
        for name in [*sorted(NEEDED, key=str.lower), *_own_names()]:
            there = self._table(name)
            if there and there.engine not in ("", "InnoDB"):
                wrong = f"is kept by {there.engine}, not InnoDB: it has no transactions, and nothing is promised there"
                yield _finding(name, wrong)

    def _own_tables(self) -> Iterator[Finding]:
        executor = MigrationExecutor(self._connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes("blockalloc"))
        names = [f"{migration.app_label}.{migration.name}" for migration, _ in plan]
        if names:
            text = f"our own tables are not all made ({', '.join(names)} not applied): run manage.py migrate"
            yield Finding("schema_drift", {"migrations": names}, text, repairable=False)
            return
        for name in _own_names():
            if not self._table(name):
                yield Finding("schema_drift", {"table": name}, f"our own table {name} is missing", repairable=False)


def _own_models() -> list[type[Model]]:
    return [model for model in apps.get_app_config("blockalloc").get_models() if model._meta.managed]


def _own_names() -> list[str]:
    return [model._meta.db_table for model in _own_models()]


def _of_columns(table: Table, there: PresentTable, vendor: str) -> Iterator[Finding]:
    for column in table.columns:
        actual = there.columns.get(column.name.lower())
        if actual is None:
            if _in_each_version(table.name, column.name):
                yield _finding(table.name, "is missing", column=column.name)
            continue
        wrong = [_difference(form, actual, vendor) for form in forms(table.name, column.name)]
        if all(wrong):
            yield _finding(table.name, wrong[0], column=column.name)


def _in_each_version(table: str, column: str) -> bool:
    return all(any(each.name == column for each in tables(version)[table].columns) for version in VERSIONS)


def _difference(wanted: Column, actual: Column, vendor: str) -> str:
    """What a column can't hold that a version's can; "" when it holds all of it."""
    if vendor == "sqlite":
        fits = actual.type.upper() == sqlite_type(wanted)
        kind = sqlite_type(wanted)
    else:
        fits, kind = holds(actual, wanted), wanted.type
    if not fits:
        return f"is {actual.type}, not {kind}"
    return "does not take NULL" if wanted.null and not actual.null else ""


def holds(actual: Column, wanted: Column) -> bool:
    """Whether every value of a column of VCL can be in the actual column, and means the same there."""
    if wanted.kind in _INTEGERS and actual.kind in _INTEGERS:
        return _range(actual)[0] <= _range(wanted)[0] and _range(actual)[1] >= _range(wanted)[1]
    if wanted.kind in _TEXTS and actual.kind in _TEXTS:
        ranks = _TEXTS.index(actual.kind) - _TEXTS.index(wanted.kind)
        return ranks > 0 or (ranks == 0 and _length(actual) >= _length(wanted))
    if wanted.kind == "enum":
        return actual.kind == "enum" and set(actual.words) >= set(wanted.words)
    return actual.kind == wanted.kind


def _range(column: Column) -> tuple[int, int]:
    bits = 8 * (1, 2, 3, 4, 8)[_INTEGERS.index(column.kind)]
    return (0, 2**bits - 1) if "unsigned" in column.type else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def _length(column: Column) -> int:
    return int(column.type.split("(")[1].split(")")[0]) if column.kind == "varchar" else 0


def _of_indexes(table: Table, there: PresentTable) -> Iterator[Finding]:
    key = tuple(name.lower() for name in table.primary_key)
    if key and not any(index.unique and index.columns == key for index in there.indexes):
        yield _finding(table.name, "is not unique: two rows with the same key can be in it", index=table.primary_key)
    for names in READ_BY.get(table.name, ()):
        lowered = tuple(name.lower() for name in names)
        if not any(index.columns[: len(names)] == lowered for index in there.indexes):
            yield _finding(table.name, "has no index: reading by it is slow", index=names)


def _finding(table: str, wrong: str, column: str = "", index: Iterable[str] = ()) -> Finding:
    listed = list(index)
    subject: dict[str, Any] = {"table": table}
    name = f"table {table}"
    if column:
        subject["column"], name = column, f"column {table}.{column}"
    elif listed:
        subject["index"], name = listed, f"{table} ({', '.join(listed)})"
    text = f"{name} {wrong}" + ("" if _is_needed(table) else " (nothing here reads that table)")
    return Finding("schema_drift", subject, text, repairable=False)


def _is_needed(table: str) -> bool:
    return table in NEEDED or table not in tables()
