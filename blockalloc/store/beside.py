"""The block times that hold computers, beside the one that has just got some: see scheduling.holds."""

from typing import NamedTuple

from blockalloc.store import times
from blockalloc.store.sql import Value, fetch, split_ids
from scheduling.holds import HeldBlock
from scheduling.occupancy import RELOADING
from scheduling.windows import HOUR

_SLACK = 3 * HOUR  # what SQL narrows by is wider than what is judged: a change of the clock

_SQL = f"""
SELECT t.id, t.start, t.`end`, GROUP_CONCAT(b.computerid),
       GROUP_CONCAT(CASE WHEN c.currentimageid = b.imageid OR c.stateid = {RELOADING} THEN b.computerid END)
FROM blockTimes t JOIN blockComputers b ON b.blockTimeid = t.id JOIN computer c ON c.id = b.computerid
WHERE t.`end` > %s
GROUP BY t.id, t.start, t.`end`
UNION ALL
SELECT 0, NULL, NULL, GROUP_CONCAT(computerid), NULL FROM semaphore WHERE expires < %s
"""


class Beside(NamedTuple):
    """The block times, and the computers on which somebody left a semaphore row that is past."""

    blocks: list[HeldBlock]
    expired: frozenset[int]


NOTHING = Beside([], frozenset())


def read(clock: int) -> Beside:
    """All block times that are not over at `clock` (Unix seconds) and have computers."""
    blocks, expired = [], frozenset[int]()
    params: list[Value] = [times.to_local(clock - _SLACK), times.to_utc(clock)]
    for id_, start, end, computers, loaded in fetch(_SQL, params):
        if id_ == 0:
            expired = frozenset(split_ids(computers))
            continue
        begins, ends = (times.known(times.from_local(value)) for value in (start, end))
        if ends > clock:
            blocks.append(HeldBlock(id_, begins, ends, frozenset(split_ids(computers)), frozenset(split_ids(loaded))))
    return Beside(blocks, expired)
