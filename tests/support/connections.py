"""Connections to the test database beside the one that the service uses, and that one for doubles."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connection

from simulation.connections import Answer


class DjangoConnection:
    """Django's own connection as one of `simulation.connections`: no other client, but nothing is faster.

    For tests whose doubles take turns with the service. What is sent inside a transaction is committed with it.
    """

    def send(self, sql: str, params: Sequence[Any] = ()) -> Answer:
        """Send one statement."""
        with connection.cursor() as cursor:
            cursor.execute(sql, list(params))
            rows = cursor.fetchall() if cursor.description else ()
            return Answer(rows, cursor.rowcount, cursor.lastrowid or 0)

    def close(self) -> None:
        """Leave it to Django."""


def shared_database() -> str:
    """The URL of the test's database, as other processes reach it."""
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return f"mysql://root@localhost/{name}?unix_socket={connection.settings_dict['OPTIONS']['unix_socket']}"


@contextmanager
def another_connection() -> Iterator[Any]:
    """A cursor on another connection, in a transaction of its own."""
    other = connection.copy(alias="other")
    try:
        other.ensure_connection()
        other.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)
        with other.cursor() as cursor:
            yield cursor
    finally:
        other.close()
