"""The databases that are measured: each site has one of its own, on a private MariaDB server or in a file."""

import re
import sqlite3
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count, islice
from pathlib import Path
from typing import Any

from tests.support.servers.mariadb_server import PrivateMariaDB

Value = int | str | None
MARIADB, SQLITE = "MariaDB", "SQLite"
# As on the server of a site of this size: rows and indexes are in memory. A rush opens 500 connections and more.
SERVER_ARGUMENTS = ["--innodb-buffer-pool-size=2G", "--performance-schema=OFF", "--max-connections=700"]

_ROWS_AT_ONCE = 10_000
_numbers = count(1)


class Database(ABC):
    """One database. Statements name their parameters as %(name)s, and are written so that both kinds read them."""

    kind: str
    url: str

    @abstractmethod
    def connect(self) -> "Connection":
        """A new connection, in UTC, that commits on demand."""

    @abstractmethod
    def load(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Value]]) -> None:
        """Put many rows into a table, fast."""

    @abstractmethod
    def analyze(self) -> None:
        """Update the statistics of the tables, as on a server that has run for long."""


class Connection:
    """A bare connection of the driver."""

    def __init__(self, raw: Any, *, mariadb: bool) -> None:
        self.raw = raw
        self._mariadb = mariadb
        self._cursor = raw.cursor()

    def run(self, sql: str, params: Mapping[str, object] | None = None) -> list[tuple[Any, ...]]:
        """Run a statement; the rows that it gives."""
        if self._mariadb:
            self._cursor.execute(sql, params)
        else:
            self._cursor.execute(re.sub(r"%\((\w+)\)s", r":\1", sql), dict(params or {}))
        return list(self._cursor.fetchall()) if self._cursor.description else []

    def insert(self, table: str, columns: str, rows: Sequence[Sequence[object]]) -> list[int]:
        """Insert rows with one statement; their ids, where the table has any."""
        names = ", ".join(f"`{name}`" for name in columns.split())
        mark = "%s" if self._mariadb else "?"
        marks = f"({', '.join([mark] * len(columns.split()))})"
        sql = f"INSERT INTO `{table}` ({names}) VALUES {', '.join([marks] * len(rows))}"  # noqa: S608 - our own names
        self._cursor.execute(sql, [value for row in rows for value in row])
        # For several rows MariaDB returns the first id, SQLite the last.
        first = self._cursor.lastrowid - (0 if self._mariadb else len(rows) - 1)
        return list(range(first, first + len(rows)))

    def commit(self) -> None:
        """End the transaction."""
        self.raw.commit()

    def close(self) -> None:
        """Give the connection back."""
        self.raw.close()


class OnMariaDB(Database):
    """A database on the private server."""

    kind = MARIADB

    def __init__(self, server: PrivateMariaDB) -> None:
        self.name = f"vcl{next(_numbers)}"
        server.execute(f"CREATE DATABASE {self.name} CHARACTER SET latin1")  # as VCL makes it
        self.server = server
        self.url = server.url(self.name)

    def connect(self) -> Connection:
        """A new connection, in UTC."""
        import MySQLdb

        raw = MySQLdb.connect(
            unix_socket=self.server.socket, user="root", database=self.name, charset="utf8mb4", local_infile=1
        )
        connection = Connection(raw, mariadb=True)
        connection.run("SET time_zone = '+00:00'")
        return connection

    def load(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Value]]) -> None:
        """LOAD DATA from a file that is written for it."""
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".tsv") as file:
            file.writelines("\t".join(["\\N" if v is None else str(v) for v in row]) + "\n" for row in rows)
            file.flush()
            connection = self.connect()
            connection.run("SET foreign_key_checks = 0, unique_checks = 0, sql_mode = 'STRICT_ALL_TABLES'")
            names = ", ".join(f"`{name}`" for name in columns)
            connection.run(f"LOAD DATA LOCAL INFILE '{file.name}' INTO TABLE `{table}` ({names})")
            connection.commit()
            connection.close()

    def analyze(self) -> None:
        """ANALYZE TABLE for all of them."""
        connection = self.connect()
        tables = ", ".join(f"`{name}`" for (name,) in connection.run("SHOW TABLES"))
        connection.run(f"ANALYZE TABLE {tables}")
        connection.close()


class OnSQLite(Database):
    """A database in a file."""

    kind = SQLITE

    def __init__(self, path: Path) -> None:
        self.path = path
        self.url = f"sqlite:///{path}"

    def connect(self) -> Connection:
        """A new connection."""
        return Connection(sqlite3.connect(self.path, timeout=60), mariadb=False)

    def load(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Value]]) -> None:
        """Many rows in one transaction."""
        connection = self.connect()
        names = ", ".join(f"`{name}`" for name in columns)
        sql = f"INSERT INTO `{table}` ({names}) VALUES ({', '.join('?' * len(columns))})"  # noqa: S608 - our own names
        left = iter(rows)
        while batch := list(islice(left, _ROWS_AT_ONCE)):
            connection.raw.executemany(sql, batch)
        connection.commit()
        connection.close()

    def analyze(self) -> None:
        """ANALYZE."""
        connection = self.connect()
        connection.run("ANALYZE")
        connection.commit()
        connection.close()


class Databases:
    """Makes new databases; the server is started when the first one needs it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._server: PrivateMariaDB | None = None

    def new(self, kind: str) -> Database:
        """An empty database. Raises MariaDBUnavailable."""
        if kind == SQLITE:
            return OnSQLite(self._directory / f"site{next(_numbers)}.sqlite3")
        if self._server is None:
            self._server = PrivateMariaDB()
            self._server.start(SERVER_ARGUMENTS)
        return OnMariaDB(self._server)

    def drop(self, database: Database) -> None:
        """Remove a database: a run makes many of them, and the server has them in memory."""
        if isinstance(database, OnMariaDB):
            database.server.execute(f"DROP DATABASE {database.name}")
        elif isinstance(database, OnSQLite):
            database.path.unlink()

    def stop(self) -> None:
        """Stop the server, if there is one."""
        if self._server is not None:
            self._server.stop()


@contextmanager
def private_databases() -> Iterator[Databases]:
    """Databases for one run, removed without a trace at its end."""
    with tempfile.TemporaryDirectory(prefix="bench-calls-") as directory:
        databases = Databases(Path(directory))
        try:
            yield databases
        finally:
            databases.stop()
