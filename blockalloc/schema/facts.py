"""The tables of the supported versions of VCL as typed values, read from our copies of their descriptions."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True, slots=True)
class Column:
    """A column. `type`, `default` and `extra` are SQL as MariaDB's information_schema gives it."""

    name: str
    type: str
    null: bool
    default: str | None  # None: no default, which is not the same as "NULL"
    extra: str = ""

    @property
    def kind(self) -> str:
        """The type without width, words and sign: `smallint`, `varchar`, `enum`, `datetime` …"""
        return self.type.split("(")[0].split(" ")[0]

    @property
    def words(self) -> tuple[str, ...]:
        """The words of an enum."""
        return tuple(re.findall(r"'([^']*)'", self.type)) if self.kind == "enum" else ()

    @property
    def auto_increment(self) -> bool:
        """Whether the database numbers the rows."""
        return self.extra == "auto_increment"


@dataclass(frozen=True, slots=True)
class Index:
    """An index over some columns; the primary key is the one named PRIMARY."""

    name: str
    unique: bool
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A column whose values are those of a column of another table."""

    column: str
    table: str
    target: str
    on_update: str
    on_delete: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its columns, indexes and foreign keys."""

    name: str
    columns: tuple[Column, ...]
    indexes: tuple[Index, ...]
    foreign_keys: tuple[ForeignKey, ...]

    @property
    def primary_key(self) -> tuple[str, ...]:
        """The columns of the primary key; none for a table without one."""
        return next((index.columns for index in self.indexes if index.name == "PRIMARY"), ())


# The versions whose tables the service works on, oldest first. Each can be an upgraded site: what differs then from a
# new one (the width with which numbers are shown, indexes that nothing here needs) makes no difference here.
VERSIONS = ("2.4.2", "2.5", "2.5.1")
NEWEST = VERSIONS[-1]
_FILES = {"2.4.2": "vcl-2.4.2-tables.json", "2.5": "vcl-2.5-tables.json", "2.5.1": "vcl-2.5-tables.json"}
# In these columns alone 2.5 differs from 2.5.1.
_OF_2_5 = {
    ("computerloadlog", "id"): Column("id", "int(12) unsigned", False, None, "auto_increment"),
    ("image", "maxinitialtime"): Column("maxinitialtime", "smallint(5) unsigned", False, "0"),
    ("managementnode", "lastcheckin"): Column("lastcheckin", "datetime", True, "NULL"),
    ("resourcegroup", "name"): Column("name", "varchar(50)", False, "''"),
}


@cache
def tables(version: str = NEWEST) -> Mapping[str, Table]:
    """All tables of a version of VCL, one of VERSIONS, by name."""
    described = {name: _table(name, facts) for name, facts in _read(_FILES[version]).items()}
    if version != "2.5":
        return described
    return {
        name: replace(table, columns=tuple(_OF_2_5.get((name, column.name), column) for column in table.columns))
        for name, table in described.items()
    }


def columns(table: str) -> tuple[str, ...]:
    """The names of a table's columns in the newest version, in order."""
    return tuple(column.name for column in tables()[table].columns)


@cache
def forms(table: str, column: str) -> tuple[Column, ...]:
    """A column as the versions of VCL have it, the newest first, each form once; none if no version has it."""
    found = [each for version in reversed(VERSIONS) for each in tables(version)[table].columns if each.name == column]
    return tuple(dict.fromkeys(found))


@cache
def base_rows() -> Mapping[str, list[dict[str, Any]]]:
    """The rows that every new VCL site begins with, by table; columns left out have their default."""
    rows: dict[str, list[dict[str, Any]]] = _read("vcl-2.5-base-rows.json")
    return rows


def _read(name: str) -> Any:
    return json.loads(files(__package__).joinpath(name).read_text(encoding="utf-8"))


def _table(name: str, facts: dict[str, Any]) -> Table:
    return Table(
        name=name,
        columns=tuple(Column(**column) for column in facts["columns"]),
        indexes=tuple(Index(index["name"], index["unique"], tuple(index["columns"])) for index in facts["indexes"]),
        foreign_keys=tuple(_foreign_key(key) for key in facts["foreign_keys"]),
    )


def _foreign_key(facts: dict[str, str]) -> ForeignKey:
    table, target = facts["references"].split(".")
    return ForeignKey(facts["column"], table, target, facts["on_update"], facts["on_delete"])
