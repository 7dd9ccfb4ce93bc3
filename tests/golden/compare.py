"""Compares the results of a call with the recording; yields differences in words, none when equal."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from django.db import connection

from blockalloc.schema import tables
from tests.golden.tables import Row, key_of
from tests.support.vcl_versions import fitted, version_of

_ZERO = "0000-00-00 00:00:00"
# Recordings hold the block's start there; right is its end.
_SKIPPED_COLUMNS = {("blockWebTime", "endhour"), ("blockWebTime", "endminute"), ("blockWebTime", "endmeridian")}


def answers(expected: dict[str, Any], got: object) -> Iterator[str]:
    """Differences between the recorded answer and ours. `got` is a value or an xmlrpc.client.Fault."""
    code = getattr(got, "faultCode", None)
    if "crash" in expected:
        return  # any orderly error will do
    if "fault" in expected:
        wanted = expected["fault"]["faultCode"]
        if code != wanted:
            yield f"answer: recorded fault {wanted}, here {got!r}"
        return
    if _numbers(expected["response"]) != _numbers(got):
        yield f"answer: recorded {expected['response']!r}, here {got!r}"


def rows(
    expected: dict[str, Any], before: dict[str, list[Row]], after: dict[str, list[Row]], skip: "Skip"
) -> Iterator[str]:
    """Differences between the recorded changes of rows and ours."""
    added, changed, removed = _changes(before, after)
    wanted = {table: [_whole(table, row) for row in rows_] for table, rows_ in (expected.get("new_rows") or {}).items()}
    yield from _multisets("new rows", _renumbered(wanted), _renumbered(added), skip)
    if expected.get("changed"):
        yield from _multisets("changed", expected["changed"], changed, skip)
    elif changed:
        yield f"changed: nothing in the recording, here {changed}"
    yield from _multisets("removed", expected.get("removed") or {}, removed, skip)


class Skip:
    """Values that a case exempts from comparison: columns left to chance, equal computers."""

    def __init__(self, scenario: dict[str, Any]) -> None:
        self._columns = set(_SKIPPED_COLUMNS)
        for path in scenario.get("nondeterministic", []):
            match = re.search(r"new_rows\.(\w+|\*)\[\*\]\.(\w+)", path)
            if match and match[1] != "*":
                self._columns.add((match[1], match[2]))
        self._alike = {
            row["id"]: (row.get("RAM"), row.get("procspeed"), row.get("procnumber"), row.get("network"))
            for row in scenario["tables"].get("computer", [])
        } if scenario.get("ties") else {}  # fmt: skip

    def value(self, table: str, column: str, value: Any) -> Any:
        """The value to compare."""
        if (table, column) in self._columns:
            return None
        if column == "computerid":
            return self._alike.get(value, value)
        return None if value == _ZERO else value


def _multisets(what: str, wanted: dict[str, list[Row]], got: dict[str, list[Row]], skip: Skip) -> Iterator[str]:
    for table in sorted({*wanted, *got}):
        left = Counter(_frozen(table, row, skip) for row in wanted.get(table, []))
        right = Counter(_frozen(table, row, skip) for row in got.get(table, []))
        if left != right:
            lines = [*_shown("recorded", left - right), *_shown("here", right - left)]
            yield "\n".join([f"{what}: {table}", *lines])


def _frozen(table: str, row: Row, skip: Skip) -> tuple[tuple[str, Any], ...]:
    drop = {"id"} if table == "reservation" else set()
    return tuple(sorted((k, str(skip.value(table, k, v))) for k, v in row.items() if k not in drop))


def _shown(where: str, rows: Counter[Any]) -> Iterator[str]:
    for row in rows.elements():
        yield f"  only {where}: " + ", ".join(f"{name}={value}" for name, value in row if value != "None")


def _renumbered(rows_by_table: dict[str, list[Row]]) -> dict[str, list[Row]]:
    """The rows with new requests numbered in the order of (start, lowest computer), and references to them, too."""
    computers: dict[int, list[int]] = {}
    for row in rows_by_table.get("reservation", []):
        computers.setdefault(row["requestid"], []).append(row["computerid"])
    ordered = sorted(
        rows_by_table.get("request", []), key=lambda row: (row["start"], min(computers.get(row["id"], [0])))
    )
    number = {row["id"]: f"new {place}" for place, row in enumerate(ordered, start=1)}
    result = {}
    for table, rows_ in rows_by_table.items():
        column = {"request": "id", "reservation": "requestid", "blockComputers": "reloadrequestid"}.get(table)
        result[table] = [{**row, column: number.get(row[column], row[column])} if column else row for row in rows_]
    return result


def _changes(
    before: dict[str, list[Row]], after: dict[str, list[Row]]
) -> tuple[dict[str, list[Row]], dict[str, list[Row]], dict[str, list[Row]]]:
    added: dict[str, list[Row]] = {}
    changed: dict[str, list[Row]] = {}
    removed: dict[str, list[Row]] = {}
    for table in after:
        old = {key_of(table, row): row for row in before[table]}
        new = {key_of(table, row): row for row in after[table]}
        added_rows = [row for key, row in new.items() if key not in old]
        gone = [row for key, row in old.items() if key not in new]
        other = [row for key, row in new.items() if key in old and old[key] != row]
        for target, rows_ in ((added, added_rows), (removed, gone), (changed, other)):
            if rows_:
                target[table] = rows_
    return added, changed, removed


def _whole(table: str, row: Row) -> Row:
    """A recorded row with the columns that it leaves out, as the schema's defaults."""
    version = version_of(connection)
    defaults = {column.name: column.default for column in tables(version)[table].columns}
    plain = {name: None if text in (None, "NULL") else str(text).strip("'") for name, text in defaults.items()}
    return {**plain, **fitted(row, table, version)}


def _numbers(value: object) -> object:
    """Answers compare by value: 2, 2.0 and "2" are one."""
    if not isinstance(value, dict):
        return value
    return {
        key: float(item) if key not in ("status", "errormsg", "warningmsg") and _is_number(item) else item
        for key, item in value.items()
    }


def _is_number(item: object) -> bool:
    return isinstance(item, int | float) or (isinstance(item, str) and item.isdigit())
