"""When the reloads of block computers were planned to begin, and which reloads are ours (SPEC 8.15).

The back end deletes a reload request when the computer is loaded. From then on only this table says since when the
computer belongs to its block. The front end deletes block computers and leaves their reload requests: this table says
which of those are ours.
"""

import logging
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from django.db import transaction

from blockalloc.models import PlannedReload
from blockalloc.store.past import Past
from blockalloc.store.sql import execute, fetch, insert, listed_ids, waiting_at_most
from blockalloc.store.times import to_utc
from scheduling.windows import DAY

log = logging.getLogger(__name__)

TABLE = PlannedReload._meta.db_table
_SECONDS_TO_PRUNE = 2.0

_IS_PAST = f"""
{TABLE}.start < %s AND NOT EXISTS (SELECT 1 FROM request q WHERE q.id = {TABLE}.request_id)
AND NOT EXISTS (SELECT 1 FROM blockComputers b WHERE b.blockTimeid = {TABLE}.block_time_id
                AND b.computerid = {TABLE}.computer_id AND b.reloadrequestid = {TABLE}.request_id)
"""


class Planned(NamedTuple):
    """The reload of a computer, planned to begin at `start` (Unix seconds)."""

    request_id: int
    computer_id: int
    start: int


def remember(block_time_id: int, planned: Sequence[Planned]) -> None:
    """Keep when these reloads begin, in the transaction that writes them.

    A record of the same ids is of a database that has been restored since: it counts for nothing.
    """
    insert(
        TABLE,
        ["block_time_id", "computer_id", "request_id", "start"],
        [[block_time_id, each.computer_id, each.request_id, to_utc(each.start)] for each in planned],
        replace=True,
    )


def move(starts: Mapping[int, int]) -> None:
    """Keep that these reloads begin at other times (request -> Unix seconds), in the transaction that moves them."""
    if not starts:
        return
    case = " ".join(["WHEN %s THEN %s"] * len(starts))
    values = [value for id_, start in starts.items() for value in (id_, to_utc(start))]
    execute(f"UPDATE {TABLE} SET start = CASE request_id {case} END WHERE request_id IN ({listed_ids(starts)})", values)


def recorded(request_ids: Collection[int]) -> dict[tuple[int, int], int]:
    """(request, computer) -> block time, of the reloads of ours among these requests.

    Costs no statement when there are none.
    """
    if not request_ids:
        return {}
    sql = f"SELECT request_id, computer_id, block_time_id FROM {TABLE} WHERE request_id IN ({listed_ids(request_ids)})"
    return {(request, computer): block_time for request, computer, block_time in fetch(sql)}


def prune(now: int, at_most: int) -> None:
    """Remove up to so many of the oldest records of which neither the block computer nor the request is left.

    A record that can't be removed now is removed another time: no answer waits for it, and none fails.
    """
    try:
        with waiting_at_most(lambda: _SECONDS_TO_PRUNE), transaction.atomic():
            past(now).remove(at_most)
    except Exception as error:
        log.warning("records of reloads that are over could not be removed, they will be another time: %s", error)


def past(now: int) -> Past:
    """Records of reloads that were to begin a day ago, of which neither the block computer nor the request is left."""
    return Past(TABLE, _IS_PAST, [to_utc(now - DAY)], since=f"{TABLE}.start", looks_elsewhere=True)
