"""The holds of keep_ready: VCL's front end keeps off computers that wait for their load or are loading (SPEC 9.4).

As in store.claims no statement waits for a lock.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from blockalloc.models import Watch
from blockalloc.store.claims import HELD, UPKEEP_HOLD
from blockalloc.store.sql import Value, execute, fetch, insert, listed_ids
from blockalloc.store.times import to_local, to_utc
from scheduling.state_ids import COMPLETE, DELETED, FAILED, PENDING, RELOAD

_COLUMNS = ("computerid", "imageid", "imagerevisionid", "managementnodeid", "expires", "procid")


class Hold(NamedTuple):
    """A computer to be held, and what the row has to name. `node_id` 0: any management node."""

    computer_id: int
    image_id: int
    revision_id: int
    node_id: int


_FREE = f"""
SELECT c.id, (SELECT MIN(n.id) FROM managementnode n) FROM computer c
WHERE c.id IN ({{computers}}) AND c.currentimageid <> CASE c.id {{images}} END
  AND EXISTS (SELECT 1 FROM blockComputers b LEFT JOIN {Watch._meta.db_table} w ON w.block_time_id = b.blockTimeid
              WHERE b.computerid = c.id AND w.holds_stopped IS NULL)
  AND NOT EXISTS (SELECT 1 FROM blockComputers b JOIN blockTimes t ON t.id = b.blockTimeid
                  WHERE b.computerid = c.id AND b.imageid = c.currentimageid AND t.`end` > %s)
  AND NOT EXISTS (SELECT 1 FROM semaphore s WHERE s.computerid = c.id AND s.expires >= %s
                    AND (s.procid NOT LIKE %s OR s.expires > %s))
  AND NOT EXISTS (
      SELECT 1 FROM reservation v JOIN request q ON q.id = v.requestid
      WHERE v.computerid = c.id AND q.start <= %s AND q.`end` > %s
        AND q.stateid NOT IN ({COMPLETE}, {FAILED}, {DELETED}, {RELOAD})
        AND NOT (q.stateid = {PENDING} AND q.laststateid = {RELOAD}))
"""
# No row that expires before ours stays beside it: the front end would overlook ours.
_REPLACED = "DELETE FROM semaphore WHERE computerid IN ({computers}) AND (expires < %s OR procid LIKE %s)"
_REMOVED = "DELETE FROM semaphore WHERE computerid IN ({computers}) AND procid LIKE %s"


def hold(holds: Sequence[Hold], look_id: str, now: int, seconds: int) -> int:
    """Hold those of the computers that are nobody's at `now` and do not have the image loaded; returns how many.

    Nor is one held that has the image of another class loaded: the front end would send that one's members on to
    computers of others (SPEC 8.7). Where a call has a hold that lives longer, that one stays. In the caller's
    transaction, which has the guard. `look_id` identifies the look.
    """
    if not holds:
        return 0
    free = _free(holds, now, now + seconds)
    rows: list[list[Value]] = [
        [
            each.computer_id,
            each.image_id,
            each.revision_id,
            each.node_id or free[each.computer_id],
            to_utc(now + seconds),
            UPKEEP_HOLD + look_id,
        ]
        for each in holds
        if each.computer_id in free
    ]
    if rows:
        execute(_REPLACED.format(computers=listed_ids(free)), [to_utc(now), f"{HELD}%"], wait=False)
        insert("semaphore", _COLUMNS, rows, wait=False)
    return len(rows)


def remove(computer_ids: Collection[int]) -> None:
    """Remove the holds of keep_ready on these computers."""
    if computer_ids:
        execute(_REMOVED.format(computers=listed_ids(computer_ids)), [f"{UPKEEP_HOLD}%"], wait=False)


def _free(holds: Sequence[Hold], now: int, until: int) -> dict[int, int]:
    """Computer -> some management node."""
    images = " ".join(f"WHEN {each.computer_id:d} THEN {each.image_id:d}" for each in holds)
    sql = _FREE.format(computers=listed_ids(each.computer_id for each in holds), images=images)
    return dict(fetch(sql, [to_local(now), to_utc(now), f"{HELD}%", to_utc(until), to_local(now), to_local(now)]))
