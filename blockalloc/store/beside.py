"""The block times that hold computers, beside the one that has just got some: see scheduling.holds."""

from typing import NamedTuple

from blockalloc.store import times
from blockalloc.store.sql import fetch, part_of_union, split_ids
from scheduling.holds import BlockTimeComputers
from scheduling.state_ids import RELOADING
from scheduling.windows import HOUR

_SLACK = 3 * HOUR  # what SQL narrows by is wider than what is judged: a change of the clock

_BLOCK_TIME, _EXPIRED = 1, 2


class _Row(NamedTuple):
    """A block time with its computers, or all computers with an expired semaphore row; the ids are lists."""

    kind: int
    block_time_id: int
    start: times.Stored
    end: times.Stored
    computer_ids: str
    loaded_ids: str


_SQL = " UNION ALL ".join([
    part_of_union(
        _Row, _BLOCK_TIME, {
            "block_time_id": "t.id", "start": "t.start", "end": "t.`end`",
            "computer_ids": "GROUP_CONCAT(b.computerid)",
            "loaded_ids": f"""GROUP_CONCAT(
                CASE WHEN c.currentimageid = b.imageid OR c.stateid = {RELOADING} THEN b.computerid END
            )""",
        },
        """
        FROM blockTimes t JOIN blockComputers b ON b.blockTimeid = t.id JOIN computer c ON c.id = b.computerid
        WHERE t.`end` > %s
        GROUP BY t.id, t.start, t.`end`""",
    ),
    part_of_union(_Row, _EXPIRED, {"computer_ids": "GROUP_CONCAT(computerid)"}, "FROM semaphore WHERE expires < %s"),
])  # fmt: skip


class Beside(NamedTuple):
    """The block times, and the computers on which somebody left a semaphore row that is past."""

    blocks: list[BlockTimeComputers]
    expired: frozenset[int]


NOTHING = Beside([], frozenset())


def read(now: int) -> Beside:
    """All block times that are not over at `now` (Unix seconds, of the transaction) and have computers."""
    blocks, expired = [], frozenset[int]()
    for row in map(_Row._make, fetch(_SQL, [times.to_local(now - _SLACK), times.to_utc(now)])):
        computers, loaded = frozenset(split_ids(row.computer_ids)), frozenset(split_ids(row.loaded_ids))
        if row.kind == _EXPIRED:
            expired = computers
        elif (end := times.from_local(row.end) or 0) > now:
            blocks.append(
                BlockTimeComputers(row.block_time_id, times.from_local(row.start) or 0, end, computers, loaded)
            )
    return Beside(blocks, expired)
