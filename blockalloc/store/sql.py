"""Plain SQL for the hot path: one statement in, rows out.

Statements are written so that MariaDB and SQLite read them alike; backticks quote names.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

Value = int | float | str | bytes | None
BETWEEN = ";\n"  # statements that are sent together
ALL_ROWS = 2**62  # rows; a limit keeps a subquery a table

_seconds_left: ContextVar[Callable[[], float] | None] = ContextVar("seconds_left", default=None)


Rows = list[tuple[Any, ...]]


class Select(NamedTuple):
    """A SELECT that is still to be sent."""

    sql: str
    params: Sequence[Value] = ()


def fetch(sql: str, params: Sequence[Value] = ()) -> Rows:
    """All rows of a SELECT."""
    with connection.cursor() as cursor:
        cursor.execute(_bounded(sql), list(params))
        return list(cursor.fetchall())


def fetch_together(reads: Sequence[tuple[Select, Callable[[Rows], Any]]]) -> list[Any]:
    """What each function makes of the rows of its SELECT. It must send no statement itself.

    MariaDB gets the SELECTs together, and works on the next while the rows of the last are worked on here.
    """
    if connection.vendor != "mysql":
        return [from_rows(fetch(select.sql, select.params)) for select, from_rows in reads]
    results = []
    with connection.cursor() as cursor:
        together = BETWEEN.join(_bounded(select.sql.strip()) for select, _ in reads)
        cursor.execute(together, [value for select, _ in reads for value in select.params])
        for _, from_rows in reads:
            results.append(from_rows(list(cursor.fetchall())))
            cursor.nextset()
    return results


def listed_ids(ids: Iterable[int]) -> str:
    """Ids as SQL, for `IN (…)`: they may be more than a statement takes as parameters. 0, which no row has, if none."""
    return ", ".join(str(int(id_)) for id_ in ids) or "0"


def split_ids(concatenated: str | None) -> list[int]:
    """The ids that GROUP_CONCAT put together: of many rows that is much less to send and to read."""
    ids: list[int] = json.loads(f"[{concatenated or ''}]")
    return ids


def placeholders(number: int) -> str:
    """So many parameters of a statement, for `IN (…)` and `VALUES (…)`."""
    return ", ".join(["%s"] * number)


def part_of_union(row: type[NamedTuple], kind: int, columns: Mapping[str, str], tables: str) -> str:
    """A SELECT of the rows of one kind, for a UNION ALL of several kinds that come as the same NamedTuple.

    Its first field is the kind. `columns` are other fields and what they are in SQL, `tables` is the rest of the
    statement, from FROM on. Fields that this kind does not have are NULL.
    """
    kind_field, *fields = row._fields
    assert kind_field == "kind"
    assert columns.keys() <= set(fields), "a column is none of the row's fields"
    return f"SELECT {kind}, {', '.join(columns.get(field, 'NULL') for field in fields)} {tables}"


def execute(sql: str, params: Sequence[Value] = (), *, wait: bool = True) -> int:
    """Run a statement that changes rows; returns how many.

    Without `wait`, one that meets a row which somebody else has locked fails at once (MariaDB's error 1205).
    """
    with connection.cursor() as cursor:
        cursor.execute(_bounded(sql, wait=wait), list(params))
        return int(cursor.rowcount)


def insert(
    table: str, columns: Sequence[str], rows: Sequence[Sequence[Value]], *,
    returning: bool = False, wait: bool = True, replace: bool = False, if_new: bool = False,
) -> list[int]:  # fmt: skip
    """Insert all rows in one statement. With `returning`, their ids in the order of the rows.

    `wait` is as in `execute`. With `replace`, rows with the same key go before; with `if_new`, they stay, and those
    given are left out.
    """
    sql, values = _insertion("REPLACE" if replace else _ignoring() if if_new else "INSERT", table, columns, rows)
    if not returning:
        execute(sql, values, wait=wait)
        return []
    # Ids of one statement grow with its rows, whatever order RETURNING gives them in.
    return sorted(int(id_) for (id_,) in fetch(f"{sql} RETURNING id", values))


def insert_new(table: str, columns: Sequence[str], rows: Sequence[Sequence[Value]]) -> int:
    """Insert all rows in one statement but those whose key is there already; how many were inserted."""
    return execute(*_insertion(_ignoring(), table, columns, rows))


def _ignoring() -> str:
    return "INSERT IGNORE" if connection.vendor == "mysql" else "INSERT OR IGNORE"


def _insertion(
    verb: str, table: str, columns: Sequence[str], rows: Sequence[Sequence[Value]]
) -> tuple[str, list[Value]]:
    names = ", ".join(f"`{column}`" for column in columns)
    row_values = ", ".join([f"({placeholders(len(columns))})"] * len(rows))
    values = [value for row in rows for value in row]
    return f"{verb} INTO `{table}` ({names}) VALUES {row_values}", values


def keys_as_table(keys: QuerySet[Any]) -> RawSQL:
    """The keys as a table of their own, for `pk__in`: looked up before any row is read, by an index that has it all.

    A plain subquery MariaDB makes a part of the outer one: it reads whole rows, by key, to look into each.
    """
    sql, params = keys.order_by().values("pk")[:ALL_ROWS].query.sql_with_params()
    return RawSQL(f"SELECT pk FROM ({sql}) AS pks", params)  # noqa: S611 - the ORM's own


@contextmanager
def waiting_at_most(left: Callable[[], float]) -> Iterator[None]:
    """Let no statement inside wait longer for locks of others than `left` says when it is sent (seconds).

    To be entered outside a transaction: SQLite waits when one begins.
    """
    before, usual = _seconds_left.set(left), None
    try:
        usual = _set_sqlite_wait(int(left() * 1000))
        yield
    finally:
        _seconds_left.reset(before)
        if usual is not None:
            _set_sqlite_wait(usual)


def _bounded(sql: str, *, wait: bool = True) -> str:
    """The statement with a limit to its waits, for MariaDB: sent along with it, it costs no statement of its own."""
    left, settings = _seconds_left.get(), {}
    if connection.vendor != "mysql":
        return sql
    if left is not None:
        seconds = max(int(left()), 1)  # 0 would mean not to wait at all
        settings = {"innodb_lock_wait_timeout": seconds, "lock_wait_timeout": seconds}
    if not wait:
        settings["innodb_lock_wait_timeout"] = 0
    listed = ", ".join(f"{name} = {value}" for name, value in settings.items())
    return f"SET STATEMENT {listed} FOR {sql}" if settings else sql


def _set_sqlite_wait(milliseconds: int) -> int | None:
    """Set how long SQLite waits for a lock; what was set before. None on another database, and in a transaction."""
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        return None
    connection.ensure_connection()
    raw = connection.connection
    (before,) = raw.execute("PRAGMA busy_timeout").fetchone()
    raw.execute(f"PRAGMA busy_timeout = {milliseconds}")
    return int(before)
