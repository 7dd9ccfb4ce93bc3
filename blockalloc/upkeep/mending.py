"""What one block time needs, carried out by claim and confirm, as any allocation (SPEC 9.1 to 9.3)."""

from contextlib import nullcontext
from dataclasses import replace
from typing import NamedTuple

from django.conf import settings

from blockalloc import clock
from blockalloc.allocation.claim_and_confirm import ClaimAndConfirm
from blockalloc.allocation.journal import Journal
from blockalloc.allocation.look import Mender
from blockalloc.allocation.result import Result, assignments
from blockalloc.allocation.validation import Order
from blockalloc.contract.messages import Caller, FillCall, Refusal
from blockalloc.contract.refusals import BUSY
from blockalloc.measures import calls, looks
from blockalloc.models import Decision
from blockalloc.store import times, watches
from blockalloc.upkeep import reading
from blockalloc.upkeep.actions import Action
from blockalloc.upkeep.reading import LoadTimes, Watch
from scheduling import wording
from scheduling.mending import GivenUp, Mending
from scheduling.reloads.outlook import Outlook
from scheduling.upkeep.condition import SILENT_NODE, Condition, Kind
from scheduling.upkeep.needs import Needs, needs
from scheduling.upkeep.target import Target
from scheduling.windows import MINUTE
from scheduling.withdrawal import is_withdrawable

_SECONDS = 5.0  # to wait for other calls: the next look comes in a minute
# While there is time, a block time for which nothing could be had is tried again less often.
_SOON, _PAUSE = 90 * MINUTE, 5 * MINUTE


class NothingToDo(Exception):
    """Somebody else has done what the block time needed, or it needs it no longer."""


class Mended(NamedTuple):
    """What was done for a block time, None when nothing is on record; and what is to be expected of it then."""

    action: Action | None
    outlook: Outlook | None


def mend(
    watch: Watch, caller: Caller, load_times: LoadTimes, *, staff: bool = False, times_only: bool = False
) -> Mended:
    """Do what the block time needs now.

    `times_only`: it needs nothing but other times for its reloads. `staff`: a person asks for it: recorded even if
    nothing could be done. Raises Refusal; nothing was written then but, for staff, the record of the refusal.
    """
    target = watch.facts.target
    call = FillCall(watch.facts.id, target.ignore_privileges, machines=target.machines)
    journal = _Journal(watch, caller, call, quiet=not staff)
    changes = _for_target(watch, load_times, staff=staff, times_only=times_only)
    with journal.recording_failures() if staff else nullcontext():
        try:
            seconds = min(_SECONDS, settings.VCL_GUARD_WAIT_SECONDS)
            with calls.counted(caller.door) as counted:
                try:
                    answer = ClaimAndConfirm(call, caller, journal, changes, seconds).run()
                except NothingToDo:
                    counted.outcome = None
                    return Mended(None, None)
                counted.outcome = calls.outcome_of(answer.outcome)
        except Refusal as refusal:
            if not staff and refusal.code != BUSY:
                journal.note_refusal(refusal)
            raise
    assert answer.result is not None, "only idempotency keys are answered without a result"
    if answer.result.changed:
        looks.count_changes(*numbers_of_changes(answer.result))
    journal.prune(answer.decision_id)
    outlook = answer.result.plan.outlook
    if answer.decision_id is None:
        return Mended(None, outlook)
    is_complete = not answer.outcome.unallocated
    return Mended(
        Action(watch.facts.id, text_of(answer.result, watch.facts.block.machines), answer.decision_id, is_complete),
        outlook,
    )


def is_worth_trying(watch: Watch, now: int) -> bool:
    """Whether to look for computers: not at once again where there were none, and there is time (Unix seconds)."""
    tried = times.from_utc(watch.row.tried)
    soon = watch.facts.block.start - now < _SOON
    return tried is None or soon or not 0 <= now - tried < _PAUSE


def mender() -> Mender:
    """For a person's "Allocate now": exchange and load again what will not be ready, for the machines of the call.

    A computer that is of no use is given up even if it is too late to load another one: it must not count.
    """

    def changes(order: Order) -> Mending:
        now = clock.now()
        watch = reading.one(order.block.block_time_id, now)
        if watch is None:
            return Mending()
        target = Target(order.block.machines, order.ignore_privileges)
        needed = needs(watch.facts._replace(target=target), now, is_asked_by_staff=True)
        if needed.too_late:
            needed = replace(needed, give_up=[each for each in needed.conditions if each.kind is Kind.LOST])
        return mending_of(needed)

    return changes


def mending_of(needed: Needs) -> Mending:
    """The changes to the computers that a block time has."""
    return Mending(
        {each.computer.id: _given_up(each) for each in needed.give_up},
        {each.computer.id: each.node_id for each in needed.again},
        {each.computer.id: each.why for each in needed.again if each.why},
    )


def text_of(result: Result, wanted: int) -> str:
    """What came of it, in words. `wanted`: the machines that the series of the class wants."""
    outcome = result.outcome
    asked = outcome.allocated + outcome.unallocated
    number = f"{wording.of_asked(outcome.allocated, asked, wanted)}{result.and_spares()}"
    return "; ".join(filter(None, (result.changes() or result.taken(), number, result.stopped_by())))


def _for_target(looked: Watch, load_times: LoadTimes, *, staff: bool, times_only: bool) -> Mender:
    """The changes, in the call's transaction: by then another look may have made them, or staff released the class."""
    target, guide = looked.facts.target, looked.facts.guide

    def changes(order: Order) -> Mending:
        now = clock.now()
        watch = reading.one(order.block.block_time_id, now, load_times)
        if watch is None or watch.facts.target != target:
            raise NothingToDo
        facts = watch.facts._replace(guide=guide)
        needed = needs(facts, now, hours=settings.VCL_KEEP_READY_HOURS, is_asked_by_staff=staff)
        if needed.is_met != times_only:
            raise NothingToDo
        return mending_of(needed)

    return changes


def _given_up(each: Condition) -> GivenUp:
    computer = each.computer
    assert each.why is not None, "a computer is given up for a reason"
    # A reload that waits on a silent node can be had from another one, if it can be withdrawn there.
    waits = each.why.rule == SILENT_NODE and each.node_id is None
    may_return = waits and is_withdrawable(computer.facts.reload_start or 0, int(computer.facts.preload), clock.now())
    return GivenUp(each.hostname, computer.facts.image_id, computer.reload_id, each.why, may_return)


def numbers_of_changes(result: Result) -> tuple[int, int, int]:
    """How many computers were exchanged, loaded again and added."""
    taken = len(assignments(result.machines)) - result.spares * len(result.order.block.images)
    replaced = min(len(result.given_up), taken)
    return replaced, len(result.again), taken - replaced


class _Journal(Journal):
    """Records what changed; what could not be done only when that is news."""

    def __init__(self, watch: Watch, caller: Caller, call: FillCall, *, quiet: bool) -> None:
        super().__init__(Decision.KEEP_READY, caller, call.parameters())
        self._watch = watch
        self._quiet = quiet

    def note_refusal(self, refusal: Refusal) -> None:
        """Record why nothing can be done for the block time, if that is news."""
        if watches.note(self._watch.facts.id, refusal.text, self.now):
            self.record_refusal(refusal)

    def record_result(self, result: Result) -> int | None:
        """Record the result, and what has to be remembered of it."""
        id_ = self._watch.facts.id
        if result.changed:
            watches.count(id_, *numbers_of_changes(result), self.now)
            return super().record_result(result)
        if not result.outcome.unallocated and not result.changes():
            return None  # what was to be done about its computers is no longer
        is_news = watches.note(id_, text_of(result, self._watch.facts.block.machines), self.now)
        return super().record_result(result) if is_news or not self._quiet else None
