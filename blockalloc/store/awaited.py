"""How many computers other classes still have to get at the hours of a block: spares must not take them (SPEC 6)."""

from blockalloc.store.sql import fetch
from blockalloc.store.times import to_local
from scheduling.facts import Block
from scheduling.vcl_names import ACCEPTED
from scheduling.windows import HOUR

_BEFORE, _AFTER = 2 * HOUR, HOUR  # reloads begin before a class; local times may be off by a change of the clock

_WANTED = f"""
SELECT r.numMachines * (1 + (SELECT COUNT(*) FROM imagemeta m JOIN subimages s ON s.imagemetaid = m.id
                             WHERE m.id = i.imagemetaid AND m.subimages = 1)),
       (SELECT COUNT(*) FROM blockComputers b WHERE b.blockTimeid = t.id)
FROM blockTimes t JOIN blockRequest r ON r.id = t.blockRequestid JOIN image i ON i.id = r.imageid
WHERE t.start < %s AND t.`end` > %s AND t.`end` > %s AND t.skip = 0 AND r.status = '{ACCEPTED}' AND t.id <> %s
  AND i.platformid = %s
"""


def computers(block: Block, now: int) -> int:
    """How many computers other classes still lack that overlap with the block and could use the same ones.

    Which ones they may use is not looked at, but for their platform. One statement. `now` in Unix seconds.
    """
    hours = [to_local(block.end + _AFTER), to_local(block.start - _BEFORE), to_local(now)]
    rows = fetch(_WANTED, [*hours, block.block_time_id, block.images[0].platform_id])
    return sum(max(wanted - present, 0) for wanted, present in rows)
