"""Reloads that must not begin: withdrawn, or postponed, in the caller's transaction that holds the guard (SPEC 9.7).

Their block computers stay. A management node may take a reload up at any moment: the statements decide which have not
begun.
"""

from collections.abc import Collection, Mapping

from blockalloc.store.sql import Value, execute, listed_ids
from blockalloc.store.times import to_local
from blockalloc.store.withdrawal import withdraw
from scheduling.state_ids import RELOAD
from scheduling.withdrawal import HEAD_START

_NAMES_NONE = "UPDATE blockComputers SET reloadrequestid = 0 WHERE {which}"
_NAMES_IT = (
    "UPDATE blockComputers SET reloadrequestid = %s WHERE computerid = %s AND reloadrequestid = 0 AND blockTimeid = %s"
)
_POSTPONE = """
UPDATE request SET `end` = CASE WHEN `end` < %s THEN %s ELSE `end` END, start = %s
WHERE id IN ({requests}) AND stateid = %s AND laststateid = %s AND start > %s AND start < %s
"""


def withdraw_reloads(block_time_id: int, reloads: Mapping[int, int], now: int) -> int:
    """Withdraw reloads that have not begun; their computers stay in the block time, without a reload.

    `reloads` is computer -> reload request; returns how many were withdrawn.
    """
    if not reloads:
        return 0
    which = " OR ".join(
        f"(computerid = {computer:d} AND reloadrequestid = {id_:d})" for computer, id_ in reloads.items()
    )
    execute(_NAMES_NONE.format(which=f"blockTimeid = {block_time_id:d} AND ({which})"))
    left = withdraw({(id_, computer) for computer, id_ in reloads.items()}, now).left
    for id_, computer in left:
        execute(_NAMES_IT, [id_, computer, block_time_id])
    return len(reloads) - len(left)


def postpone(request_ids: Collection[int], start: int, end: int, now: int) -> int:
    """Let reloads that would begin before `start` begin then; they end at `end` or later. Returns how many.

    Those that a management node may have read already are left alone. Unix seconds.
    """
    if not request_ids:
        return 0
    late = to_local(end)
    limits: list[Value] = [late, late, to_local(start), RELOAD, RELOAD, to_local(now + HEAD_START), to_local(start)]
    return execute(_POSTPONE.format(requests=listed_ids(request_ids)), limits)
