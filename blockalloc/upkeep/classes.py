"""Keeps a closing row for each class that takes place: VCL deletes its own rows when a class is over (SPEC 9)."""

import logging
from collections.abc import Sequence
from typing import NamedTuple

from django.db import DatabaseError, transaction

from blockalloc.store import closing_rows as store
from blockalloc.store.closing_rows import Begun, Closing, Row
from blockalloc.store.sql import waiting_at_most
from scheduling.upkeep.usage import usage
from scheduling.windows import MINUTE

log = logging.getLogger(__name__)

_AFTER = 5 * MINUTE  # the second count of ready machines
_IN_TIME = 2 * MINUTE  # a look that comes later than this says nothing about the moment any more
_PRUNE_AT_ONCE = 1000
_SECONDS_TO_WRITE = 2.0


class ClassLook(NamedTuple):
    """What a look sees of a block time that takes place; `wanted`, `had` and `ready` are machines."""

    block_time_id: int
    start: int
    end: int
    wanted: int
    had: int
    ready: int


def note_classes(looks: Sequence[ClassLook], now: int) -> None:
    """Keep the closing rows: of classes that have begun by this look at `now` (Unix seconds), and of those now over.

    `looks` are the block times that have begun; others don't matter. One statement where nothing changes. What can't be
    written now is written by a later look.
    """
    begun = {each.block_time_id: each for each in looks if each.start <= now}
    rows = {row.block_time_id: row for row in store.rows(begun, now)}
    new = [_begun(each, now) for id_, each in begun.items() if id_ not in rows and now < each.end]
    five = {
        id_: begun[id_].ready
        for id_, row in rows.items()
        if id_ in begun and row.lacks_after_five and not row.closed and _is_at(row.start + _AFTER, now)
    }
    over = [row for row in rows.values() if not row.closed and row.end <= now]
    if not (new or five or over):
        return
    try:
        with waiting_at_most(lambda: _SECONDS_TO_WRITE), transaction.atomic():
            _write(new, five, over, now)
    except DatabaseError as error:
        log.warning("closing rows of classes could not be written, the next look will try again: %s", error)


def _write(new: Sequence[Begun], five: dict[int, int], over: Sequence[Row], now: int) -> None:
    if new:
        store.add(new)
        store.past(now).remove(_PRUNE_AT_ONCE)
    if five:
        store.set_after_five(five)
    if over:
        uses = store.uses(over)
        used = [(row, usage(uses[row.block_time_id], row.start, row.end)) for row in over]
        store.close([Closing(row.block_time_id, each.peak, each.mean) for row, each in used])


def _begun(look: ClassLook, now: int) -> Begun:
    return Begun(
        block_time_id=look.block_time_id,
        start=look.start,
        end=look.end,
        wanted=look.wanted,
        had=look.had,
        ready_at_start=look.ready if _is_at(look.start, now) else None,
        ready_after_five=look.ready if _is_at(look.start + _AFTER, now) else None,
    )


def _is_at(moment: int, now: int) -> bool:
    return moment <= now <= moment + _IN_TIME
