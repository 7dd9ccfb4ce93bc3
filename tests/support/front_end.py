"""VCL's front end, as `simulation` has it, beside the service: on Django's test database and the class site."""

from collections.abc import Callable, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from simulation.connections import Connection, MariaDBConnection, SQLiteConnection
from simulation.front_end.candidates import Wish
from simulation.front_end.reserving import Reserving
from simulation.front_end.session import FrontEnd
from tests.support.sites.class_site import IMAGE, NODE, ZONE

ON_MARIADB = connection.vendor == "mysql"
# Some orders of steps are possible only with locks on rows.
between_locks = pytest.mark.skipif(not ON_MARIADB, reason="SQLite has one lock for all who write")


def connect(wait: int = 0) -> Connection:
    """A connection to the database that Django uses, as somebody else's, which waits this many seconds for locks."""
    settings = connection.settings_dict
    if connection.vendor == "sqlite":
        return SQLiteConnection(settings["NAME"], wait)
    return MariaDBConnection(settings["OPTIONS"]["unix_socket"], settings["NAME"], wait)


def a_wish(computers: Sequence[int], start: int, end: int, *, user: int = 1, **changes: Any) -> Wish:
    """What a user of the class site asks for: the image of the class, for hours in Unix seconds."""
    about = {"image": IMAGE, "revision": IMAGE, "node": NODE, **changes}
    return Wish(computers, start, end, user=user, **about)


def reserving(
    connection: Connection, wish: Wish, procid: str, clock: Callable[[], float], **promise: float
) -> Reserving:  # fmt: skip
    """A user of the class site who is reserving a computer."""
    return Reserving(FrontEnd(connection, clock, ZoneInfo(ZONE)), wish, procid, **promise)
