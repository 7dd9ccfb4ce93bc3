"""Lets go of what is left over, in a transaction for each block time, with its record (SPEC 9.5).

The look itself takes two statements and no lock. Rows may have changed since: each transaction holds the guard, reads
the rows of its block time again and judges them anew.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterator
from time import monotonic

from django.conf import settings

from blockalloc import clock
from blockalloc.allocation.journal import Journal
from blockalloc.allocation.service import system_caller
from blockalloc.contract.messages import Caller, Refusal
from blockalloc.inspection.repairs import clear_block_time
from blockalloc.models import Decision
from blockalloc.store import leftovers as store
from blockalloc.store import repairs, rows, times
from blockalloc.store.guard import Deadline, guarded
from blockalloc.store.release import release
from blockalloc.store.withdrawal import withdraw
from blockalloc.upkeep.actions import Action
from scheduling.upkeep.leftovers import (
    MARKED_AHEAD,
    LeftBlockTime,
    Leftover,
    LeftReload,
    leftovers,
    orphaned_reloads,
)
from scheduling.upkeep.trust import Trust
from scheduling.wording import plural

log = logging.getLogger(__name__)

DOOR = "keep_ready"
_SECONDS = 5.0  # to wait for other calls: the next look comes in a minute
_AT_ONCE = 25  # block times in one look: those of a site with years of them wait their turn
SECONDS_IN_ALL = 10.0  # after which no further one is begun in this look: the classes to come wait for it


def let_go(now: int, trust: Trust) -> list[Action]:
    """Remove what is left over at `now` (Unix seconds), as far as the clock may be trusted; returns what was done.

    Nothing at all is done while the clock is in doubt. A block time that can't be had because of other calls is left
    to the next look, and so is what would take too long. Raises LookupError when the database has no calling account.
    """
    if trust.doubt:
        return []
    block_times, reloads = store.block_times(now, MARKED_AHEAD), store.reloads(now)
    left = [each.block_time_id for each in leftovers(block_times, reloads, now, trust)]
    orphans = bool(orphaned_reloads(reloads, now, trust))
    if not left and not orphans:
        return []
    caller, began = system_caller(DOOR), monotonic()
    actions = _at_once(lambda: _withdraw_orphans(caller, trust)) if orphans else []
    for id_ in left[:_AT_ONCE]:
        if monotonic() - began > SECONDS_IN_ALL:
            break
        actions += _at_once(_LetGo(id_, caller, trust).run)
    return actions


def _at_once(transaction: Callable[[], list[Action]]) -> list[Action]:
    """Run it under the guard; nothing is done when other calls take too long, or when it fails."""
    try:
        return guarded(transaction, Deadline(min(_SECONDS, settings.VCL_GUARD_WAIT_SECONDS)))
    except Refusal as refusal:
        log.warning("left to the next look: %s", refusal.text)
    except Exception:  # one that can't be removed must not keep the others, nor the classes to come, from anything
        log.exception("something that is left over could not be removed")
    return []


class _LetGo:
    """What is done about one block time, in its transaction."""

    def __init__(self, block_time_id: int, caller: Caller, trust: Trust) -> None:
        self._id = block_time_id
        self._caller = caller
        self._trust = trust

    def run(self) -> list[Action]:
        """Look at the rows again, and do what is still to be done."""
        now = clock.now()
        time, row = store.block_time(self._id), rows.block_time(self._id)
        if time is None:
            return []
        journal = Journal(Decision.KEEP_READY, self._caller, {"blockTimeid": self._id})
        left = leftovers([time], store.early_reloads(self._id, now), now, self._trust)
        text = "; ".join(text for each in left for text in self._carry_out(each, time, now))
        return [Action(self._id, text, journal.record_action(text, row))] if text else []

    def _carry_out(self, left: Leftover, time: LeftBlockTime, now: int) -> Iterator[str]:
        if left.why:
            released = release(
                time.id, now, only_if=store.end_of(time) if left.is_over else store.not_to_take_place(time.id)
            )
            if released.computers:
                yield f"{left.why}: {released}"
        if left.deletes and (cleared := clear_block_time(time.id, now)).block_times:
            request = ", and its block request completed" if cleared.requests else ""
            yield f"it is over, and no back end has cleared it: the block time was deleted{request}"
        elif left.marks and store.mark_processed(time):
            yield "it does not take place: marked as processed, or the back end would ask for it at its end"
        if early := {each.request_id: times.to_local(each.start) for each in left.early}:
            changed = repairs.keep_until_start(early, now)
            if changed:
                yield f"{plural(changed, 'reload')} kept until the planned start, not begun 35 minutes before (preload)"


def _withdraw_orphans(caller: Caller, trust: Trust) -> list[Action]:
    """Withdraw the reloads of ours whose block computers are gone, with a record for each block time."""
    now = clock.now()
    orphans = orphaned_reloads(store.orphaned_reloads(now), now, trust)
    withdrawn = withdraw({(each.request_id, each.computer_id) for each in orphans}, now)
    by_block_time: dict[int, list[LeftReload]] = defaultdict(list)
    for each in orphans:
        if (each.request_id, each.computer_id) not in withdrawn.left:
            by_block_time[each.block_time_id].append(each)
    actions = []
    for block_time_id, reloads in sorted(by_block_time.items()):
        names = sorted({each.hostname or f"computer {each.computer_id}" for each in reloads})
        text = f"reloads withdrawn, because it does not have their computers any more: {', '.join(names)}"
        journal = Journal(Decision.KEEP_READY, caller, {"blockTimeid": block_time_id})
        actions.append(Action(block_time_id, text, journal.record_action(text, rows.block_time(block_time_id))))
    return actions
