"""When the loops other than keep_ready were last at work, and on which host."""

import socket
from typing import NamedTuple

from blockalloc.models import LoopSeen
from blockalloc.store import times
from blockalloc.store.sql import execute, fetch, insert

_TABLE = LoopSeen._meta.db_table


class Seen(NamedTuple):
    """The last round of a loop: Unix seconds, and the host's name."""

    at: int
    host: str


def seen(name: str, now: int) -> None:
    """Note that a loop begins a round. One statement, but for the first time. The last of several hosts wins."""
    host, at = socket.gethostname(), times.to_utc(now)
    if not execute(f"UPDATE {_TABLE} SET host = %s, `at` = %s WHERE name = %s", [host, at, name]):
        insert(_TABLE, ["name", "host", "at"], [[name, host, at]], replace=True)


def last_seen() -> dict[str, Seen]:
    """The last round of each loop, by its name. One statement."""
    rows = fetch(f"SELECT name, `at`, host FROM {_TABLE}")
    return {name: Seen(times.from_utc(at) or 0, host) for name, at, host in rows}
