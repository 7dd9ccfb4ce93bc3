"""VCL's tables of the test database: emptied, filled with a case's rows, read back."""

import datetime
import functools
import itertools
import zoneinfo
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from django.db import connection, transaction

from blockalloc.schema import base_rows, tables
from tests.support.checksums import checksums
from tests.support.vcl_versions import fitted, version_of

Row = dict[str, Any]
_Alike = tuple[tuple[tuple[str, ...], tuple[tuple[Any, ...], ...]], ...]
# Logs are not compared, nor are claims, which are this service's own way to keep others off.
NOT_COMPARED = {"loginlog", "xmlrpcLog", "semaphore"}
_checksums: dict[tuple[str, _Alike], int] = {}  # of tables that have these rows


def load(rows: Mapping[str, Sequence[Row]], time_zone: str) -> None:
    """Replace all rows of VCL's tables, and our planned reloads. It commits.

    TIMESTAMP columns of `rows` are local times of `time_zone`.
    """
    assert not connection.in_atomic_block, "rows are committed: the test needs django_db(transaction=True)"
    ready = _ready(rows, time_zone)
    with connection.constraint_checks_disabled():
        with transaction.atomic():
            there = _make_room(ready, ["blockalloc_planned_reload"])
        _restart_ids()
        with transaction.atomic():
            _fill(ready, there)


def replace(rows: Mapping[str, Sequence[Row]], time_zone: str) -> None:
    """Replace all rows of VCL's tables, in the transaction that there is. Foreign keys must not be checked meanwhile.

    New rows are numbered on from those that were there before.
    """
    ready = _ready(rows, time_zone)
    _fill(ready, _make_room(ready))


def empty(names: Collection[str]) -> None:
    """Delete all rows of tables; one statement finds those with rows. Foreign keys must not be checked meanwhile."""
    quote = connection.ops.quote_name
    questions = ", ".join(f"EXISTS (SELECT 1 FROM {quote(name)})" for name in names)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {questions}")
        filled = cursor.fetchone()
        for name in itertools.compress(names, filled):
            cursor.execute(f"DELETE FROM {quote(name)}")


def insert(table: str, rows: Iterable[Row], time_zone: str) -> None:
    """Insert rows; columns left out take the default of the schema."""
    _insert(table, _alike(table, rows, time_zone))


def change(changes: Mapping[str, Mapping[str, Any]], time_zone: str) -> None:
    """Make the changes that others made before a call: {"update"|"insert"|"delete": {table: rows}}."""
    with connection.constraint_checks_disabled(), connection.cursor() as cursor:
        for table, rows in changes.get("insert", {}).items():
            insert(table, rows, time_zone)
        for table, rows in changes.get("update", {}).items():
            for row in rows:
                keys = [name for name in _key(table) if name in row]
                values = {name: value for name, value in row.items() if name not in keys}
                sets = ", ".join(f"`{name}` = %s" for name in values)
                stored = [_stored(table, name, value, time_zone) for name, value in values.items()]
                where = " AND ".join(f"`{name}` = %s" for name in keys)
                cursor.execute(f"UPDATE `{table}` SET {sets} WHERE {where}", [*stored, *(row[name] for name in keys)])
        for table, rows in changes.get("delete", {}).items():
            for row in rows:
                where = " AND ".join(f"`{name}` = %s" for name in row)
                cursor.execute(f"DELETE FROM `{table}` WHERE {where}", list(row.values()))


def read(leave_out: Collection[str] = NOT_COMPARED) -> dict[str, list[Row]]:
    """All rows of VCL's tables but those to `leave_out`; times as text."""
    rows = {}
    with connection.cursor() as cursor:
        for name in tables():
            if name in leave_out:
                continue
            cursor.execute(f"SELECT * FROM `{name}`")
            columns = [column[0] for column in cursor.description]
            rows[name] = [dict(zip(columns, map(_plain, row), strict=True)) for row in cursor.fetchall()]
    return rows


def newest_id(table: str) -> int:
    """The highest id of a table."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT MAX(id) FROM `{table}`")
        return int(cursor.fetchone()[0])


def key_of(table: str, row: Row) -> tuple[Any, ...]:
    """The primary key of a row; the whole row where the table has none."""
    return tuple(row.get(name) for name in _key(table)) or tuple(sorted((k, str(v)) for k, v in row.items()))


def _key(table: str) -> Sequence[str]:
    return tables()[table].primary_key


def _ready(rows: Mapping[str, Sequence[Row]], time_zone: str) -> dict[str, _Alike]:
    return {name: _alike(name, table_rows, time_zone) for name, table_rows in rows.items()}


def _alike(table: str, rows: Iterable[Row], time_zone: str) -> _Alike:
    """The rows as they are stored: for each choice of columns, their values."""
    alike: dict[tuple[str, ...], list[tuple[Any, ...]]] = {}
    version = version_of(connection)
    instants = _timestamps(table, version)
    for row in rows:
        row = fitted(row, table, version)
        values = tuple(
            _utc(value, time_zone) if name in instants and value is not None else value for name, value in row.items()
        )
        alike.setdefault(tuple(row), []).append(values)
    return tuple((columns, tuple(values)) for columns, values in alike.items())


def _insert(table: str, alike: _Alike) -> None:
    with connection.cursor() as cursor:
        for columns, values in alike:
            names = ", ".join(f"`{name}`" for name in columns)
            marks = ", ".join(["%s"] * len(columns))
            cursor.executemany(f"INSERT INTO `{table}` ({names}) VALUES ({marks})", values)


def _make_room(ready: Mapping[str, _Alike], others: Collection[str] = ()) -> set[str]:
    """Empty VCL's tables and others, but not those that have the rows already, whose names are given.

    That is asked of the tables of what VCL can do, which are nearly always the same; it costs less than to write them.
    """
    known = {
        name: number for name in base_rows() if (number := _checksums.get((name, ready.get(name, ())))) is not None
    }
    there = {name for name, number in checksums(known).items() if number == known[name]}
    empty([name for name in (*tables(), *others) if name not in there])
    return there


def _fill(ready: Mapping[str, _Alike], there: Collection[str]) -> None:
    for name, alike in ready.items():
        if name not in there:
            _insert(name, alike)
    new = [name for name in base_rows() if name in ready and (name, ready[name]) not in _checksums]
    _checksums.update({(name, ready[name]): number for name, number in checksums(new).items()})


def _restart_ids() -> None:
    """New rows are numbered on from the highest id of the case. On MariaDB this commits."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            names = list(tables())
            cursor.execute(f"DELETE FROM sqlite_sequence WHERE name IN ({', '.join(['%s'] * len(names))})", names)
            return
        for name in ("blockRequest", "blockTimes", "request", "reservation"):
            cursor.execute(f"ALTER TABLE `{name}` AUTO_INCREMENT = 1")


def _stored(table: str, column: str, value: Any, time_zone: str) -> Any:
    """A TIMESTAMP column is an instant: its local time becomes UTC, the zone of the session."""
    if value is None or column not in _timestamps(table, version_of(connection)):
        return value
    return _utc(value, time_zone)


def _utc(value: str, time_zone: str) -> str:
    if value.startswith("0000"):
        return value
    local = datetime.datetime.fromisoformat(value).replace(tzinfo=zoneinfo.ZoneInfo(time_zone))
    return local.astimezone(datetime.UTC).strftime("%Y-%m-%d %H:%M:%S")


@functools.cache
def _timestamps(table: str, version: str) -> frozenset[str]:
    return frozenset(column.name for column in tables(version)[table].columns if column.kind == "timestamp")


def _plain(value: Any) -> Any:
    if isinstance(value, datetime.datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    return value.isoformat() if isinstance(value, datetime.date) else value
