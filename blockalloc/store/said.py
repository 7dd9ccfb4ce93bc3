"""What was last said of block times to come: by a look of keep_ready, and when their computers were chosen."""

from collections.abc import Collection
from typing import NamedTuple

from blockalloc.models import Decision, Heartbeat, Watch
from blockalloc.store.decisions import Said
from blockalloc.store.sql import Value, fetch, listed_ids
from blockalloc.store.times import from_utc, to_utc
from blockalloc.store.watches import Seen

_BY_LOOK, _BY_CALL = 0, 1
_SEEN = f"""
SELECT {_BY_LOOK}, w.block_time_id, w.ready, w.late, 0, w.outlook_at, '',
       CASE WHEN h.id IS NULL THEN '' ELSE w.at_risk END
FROM {Watch._meta.db_table} w LEFT JOIN {Heartbeat._meta.db_table} h ON h.id = 1 AND h.`at` > %s
WHERE w.block_time_id IN ({{ids}})
"""
# A call whose idempotency key was known has chosen no computers: its record has neither `had` nor `ready`.
_SAID = f"""
SELECT {_BY_CALL}, d.block_time_id, d.ready, d.late, d.allocated, d.started, d.action, ''
FROM {Decision._meta.db_table} d WHERE d.ready IS NOT NULL AND d.id IN (
    SELECT MAX(x.id) FROM {Decision._meta.db_table} x
    WHERE x.block_time_id IN ({{ids}}) AND x.action NOT IN (%s, %s)
      AND x.outcome NOT IN (%s, %s) AND NOT (x.action = %s AND x.had IS NULL AND x.ready IS NULL)
    GROUP BY x.block_time_id
)
"""


class Last(NamedTuple):
    """Block time -> what looks have seen of it; block time -> what was said when its computers were last changed."""

    seen: dict[int, Seen]
    decided: dict[int, Said]


def last(block_time_ids: Collection[int], since: int, decided: Collection[int]) -> Last:
    """What is known of these block times, and what was decided about those in `decided`. One statement at most.

    What is at risk, if the last look was after `since` (Unix seconds); how sure it is, whenever that was said.
    """
    parts: list[str] = []
    values: list[Value] = []
    if block_time_ids:
        parts.append(_SEEN.format(ids=listed_ids(block_time_ids)))
        values.append(to_utc(since))
    if decided:
        parts.append(_SAID.format(ids=listed_ids(decided)))
        values += [Decision.DRY_RUN, Decision.HOLDING, Decision.REFUSED, Decision.FAILED, Decision.ALLOCATE]
    found = Last({}, {})
    for kind, id_, ready, late, machines, at, action, at_risk in (
        fetch("UNION ALL".join(parts), values) if parts else ()
    ):
        if kind == _BY_LOOK:
            found.seen[id_] = Seen(at_risk, ready, late, from_utc(at))
        else:
            is_allocation = action == Decision.ALLOCATE
            found.decided[id_] = Said(ready, late or 0.0, machines or 0, from_utc(at) or 0, is_allocation)
    return found
