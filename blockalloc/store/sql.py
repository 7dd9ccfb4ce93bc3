"""Plain SQL for the hot path: one statement in, rows out.

Statements are written so that MariaDB and SQLite read them alike; backticks quote names.
"""

from collections.abc import Sequence
from typing import Any

from django.db import connection

Value = int | str | None


def fetch(sql: str, params: Sequence[Value] = ()) -> list[tuple[Any, ...]]:
    """All rows of a SELECT."""
    with connection.cursor() as cursor:
        cursor.execute(sql, list(params))
        return list(cursor.fetchall())


def execute(sql: str, params: Sequence[Value] = ()) -> int:
    """Run a statement that changes rows; returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(sql, list(params))
        return int(cursor.rowcount)


def insert(
    table: str, columns: Sequence[str], rows: Sequence[Sequence[Value]], *, returning: bool = False
) -> list[int]:
    """Insert all rows in one statement. With `returning`, their ids in the order of the rows."""
    names = ", ".join(f"`{column}`" for column in columns)
    marks = ", ".join([f"({', '.join(['%s'] * len(columns))})"] * len(rows))
    sql = f"INSERT INTO `{table}` ({names}) VALUES {marks}"
    values = [value for row in rows for value in row]
    if not returning:
        execute(sql, values)
        return []
    # Ids of one statement grow with its rows, whatever order RETURNING gives them in.
    return sorted(int(id_) for (id_,) in fetch(f"{sql} RETURNING id", values))
