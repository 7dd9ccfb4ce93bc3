"""The row of the last look of keep_ready, with what the next one has to know of the site's clock.

Several hosts write the same row, and the last one wins. Each judges the rows that VCL has written since the look that
it read here: what is lost when two of them look at the same moment, the next look finds again.
"""

import logging
from typing import NamedTuple

from blockalloc.models import Heartbeat
from blockalloc.store import times
from blockalloc.store.sql import Value, execute, fetch, insert, waiting_at_most
from scheduling.upkeep.trust import Memory

log = logging.getLogger(__name__)

_TABLE = Heartbeat._meta.db_table
_ID = 1
_SECONDS_TO_WRITE = 2.0


class _Row(NamedTuple):
    """A row of _READ."""

    at: times.Stored
    host: str
    zone: str
    newest: str
    proved: times.Stored
    doubted: times.Stored


_READ = f"SELECT `at`, host, zone, newest, proved, doubted FROM {_TABLE} WHERE id = {_ID}"


def read() -> Memory | None:
    """What is remembered from the last look; None before the first one."""
    for row in map(_Row._make, fetch(_READ)):
        moments = times.from_utc(row.proved), times.from_utc(row.doubted)
        return Memory(times.from_utc(row.at) or 0, row.host, row.zone, times.wall_time(row.newest or None), *moments)
    return None


def write(memory: Memory, *, doubt: str, milliseconds: int, block_times: int) -> None:
    """Write the row of a look: it took so long, looked at so many block times, and changed nothing because of `doubt`.

    One statement, but for the first look. A row that can't be written is logged: the look itself was made.
    """
    columns: dict[str, Value] = {
        "at": times.to_utc(memory.at),
        "host": memory.host,
        "milliseconds": milliseconds,
        "block_times": block_times,
        "doubt": doubt,
        "zone": memory.zone,
        "newest": times.stored_wall_time(memory.newest) if memory.newest else "",
        "proved": times.to_utc_or_null(memory.proved),
        "doubted": times.to_utc_or_null(memory.doubted),
    }
    assignments = ", ".join(f"`{column}` = %s" for column in columns)
    try:
        with waiting_at_most(lambda: _SECONDS_TO_WRITE):
            if not execute(f"UPDATE {_TABLE} SET {assignments} WHERE id = {_ID}", [*columns.values()]):
                insert(_TABLE, ["id", *columns], [[_ID, *columns.values()]], replace=True)
    except Exception as error:
        log.warning("the look could not be recorded: %s", error)
