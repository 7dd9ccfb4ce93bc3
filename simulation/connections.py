"""Connections to a VCL database like those of other programs: each statement is committed at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

_LOCK_WAIT, _SQLITE_BUSY = 1205, "locked"


class Blocked(Exception):
    """The statement would have to wait for somebody else's lock: it was not executed."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of a statement: rows of a SELECT, else the number of rows changed and the id of a new one."""

    rows: Sequence[tuple[Any, ...]]
    changed: int
    new_id: int


class Connection(Protocol):
    """A connection that commits each statement. `send` raises Blocked where it would have to wait for a lock."""

    def send(self, sql: str, params: Sequence[Any] = ()) -> Answer:
        """Send one statement."""

    def close(self) -> None:
        """End the connection."""


class MariaDBConnection:
    """Like the PHP client's: autocommit, REPEATABLE READ. It waits `wait` seconds for locks; 0: not at all."""

    def __init__(self, socket: str, database: str, wait: int = 0) -> None:
        import MySQLdb

        self.errors = MySQLdb.OperationalError
        self._raw = MySQLdb.connect(
            user="root", unix_socket=socket, database=database, autocommit=True, charset="utf8mb4"
        )
        self.send(f"SET time_zone = '+00:00', tx_isolation = 'REPEATABLE-READ', innodb_lock_wait_timeout = {wait:d}")

    def send(self, sql: str, params: Sequence[Any] = ()) -> Answer:
        """Send one statement."""
        cursor = self._raw.cursor()
        try:
            cursor.execute(sql, list(params) or None)
            rows = cursor.fetchall() if cursor.description else ()
            return Answer(rows, cursor.rowcount, cursor.lastrowid)
        except self.errors as error:
            if error.args[0] == _LOCK_WAIT:
                raise Blocked from error
            raise
        finally:
            cursor.close()

    def close(self) -> None:
        """End the connection."""
        self._raw.close()


class SQLiteConnection:
    """The same for the demo's database, where a writer has to wait for every transaction of ours."""

    def __init__(self, path: str, wait: int = 0) -> None:
        import sqlite3

        self.errors = sqlite3.OperationalError
        self._raw = sqlite3.connect(path, timeout=wait, isolation_level=None)
        self._raw.execute("PRAGMA foreign_keys = ON")  # rows are deleted with the rows they refer to, as on MariaDB

    def send(self, sql: str, params: Sequence[Any] = ()) -> Answer:
        """Send one statement."""
        try:
            cursor = self._raw.execute(sql.replace("%s", "?"), list(params))
        except self.errors as error:
            if _SQLITE_BUSY in str(error):
                raise Blocked from error
            raise
        rows = cursor.fetchall()
        return Answer(rows, cursor.rowcount, cursor.lastrowid or 0)

    def close(self) -> None:
        """End the connection."""
        self._raw.close()
