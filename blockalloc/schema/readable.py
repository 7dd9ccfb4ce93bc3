"""Tables and columns that are there, but that the account may not read: the server's lists leave them out."""

from collections.abc import Iterator, Mapping

from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper

# Numbers of MariaDB's errors: no right on the database, the table, the column.
_REFUSED = {1044, 1142, 1143}


def unreadable(connection: BaseDatabaseWrapper, missing: Mapping[str, list[str]]) -> Iterator[str]:
    """Those of the tables and columns (`table.column`) that the account may not read.

    `missing` are tables that the server does not list, each with no columns, or with the columns that it does not list.
    """
    if connection.vendor != "mysql":
        return
    for table, columns in missing.items():
        if not columns and _is_refused(connection, table, "1"):
            yield table
        yield from (
            f"{table}.{column}"
            for column in columns
            if _is_refused(connection, table, connection.ops.quote_name(column))
        )


def _is_refused(connection: BaseDatabaseWrapper, table: str, column: str) -> bool:
    # Without any right on a table, the server does not even say whether it is there.
    sql = f"SELECT {column} FROM {connection.ops.quote_name(table)} WHERE 0 = 1"  # noqa: S608 - names are our own
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql)
    except DatabaseError as error:
        return error.args[0] in _REFUSED if error.args else False
    return False
