"""Django's own connection as one of `simulation.connections`: no other client, but nothing is faster.

For tests whose doubles take turns with the service. What is sent inside a transaction is committed with it.
"""

from collections.abc import Sequence
from typing import Any

from django.db import connection

from simulation.connections import Answer


class DjangoConnection:
    """The connection that Django uses in this thread."""

    def send(self, sql: str, params: Sequence[Any] = ()) -> Answer:
        """Send one statement."""
        with connection.cursor() as cursor:
            cursor.execute(sql, list(params))
            rows = cursor.fetchall() if cursor.description else ()
            return Answer(rows, cursor.rowcount, cursor.lastrowid or 0)

    def close(self) -> None:
        """Leave it to Django."""
