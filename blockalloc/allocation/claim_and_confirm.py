"""One allocation call: claim, then confirm (SPEC 8.7).

First transaction: check the call, read the facts, plan, claim the chosen computers. From its
commit on, VCL's front end and our other callers keep off them. Second transaction: look again;
if something was lost to somebody who was faster, plan once more and claim what is new; else write
everything. What is lost after that makes the answer short, never wrong. Each transaction holds
the guard, so of our own calls only one is at it at any time.
"""

import logging
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from django.conf import settings
from django.db import Error, transaction

from blockalloc import clock
from blockalloc.allocation import validation
from blockalloc.allocation.validation import Order
from blockalloc.contract import refusals
from blockalloc.contract.messages import LATE, NOTHING, Caller, Outcome, Refusal
from blockalloc.store import beside, claims, commit, snapshot
from blockalloc.store.guard import Deadline, guarded
from blockalloc.store.promises import Chosen, Only
from blockalloc.store.snapshot import Question, Snapshot
from blockalloc.store.turns import turn
from scheduling import planner
from scheduling.confirmation import held_images, standing
from scheduling.facts import Site
from scheduling.holds import HeldBlock, holds
from scheduling.plan import Assignment, Machine, Plan, whole_machines
from scheduling.reasons import Reason

log = logging.getLogger(__name__)

# Seconds between two looks at whether other calls in flight are done.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0
_SECONDS_TO_GIVE_UP = 2.0  # for freeing the claims of a call that failed, whose own deadline may be over

_NO_TIME = Reason("no_time", "others changed what the call had seen, twice: call again")


class Remembered(Exception):
    """The call was made before, with the same idempotency key; `outcome` is what was answered."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__()
        self.outcome = outcome


@dataclass(frozen=True, slots=True)
class _Stage:
    """What a transaction has claimed and the next one has to confirm.

    `held` says of the claimed computers until when an earlier call had held them; as long as they are claimed these
    rows live longer.
    """

    order: Order
    site: Site
    plan: Plan
    call_id: str
    rosters: frozenset[int]
    held: Mapping[int, int] = field(default_factory=dict)


class _Rival(Exception):
    """Other calls are at work: about the same (`same`), or on computers that this one is short of."""

    def __init__(self, *, same: bool) -> None:
        super().__init__()
        self.same = same


class _TooSlow(Exception):
    """Claims may run out before the rows are committed; then the front end would not see either of them."""


class AllocationCall:
    """One call of one caller. `check` gives the order or raises Refusal; it runs inside the guard.

    `before` runs first, in the claiming transaction, `after` in the one that writes, with the
    outcome: the idempotency key hooks in there. `subject` tells apart what calls for new blocks are
    about; two calls about the same never run at the same time.
    """

    def __init__(
        self,
        check: Callable[[int], Order],
        caller: Caller,
        subject: str = "",
        before: Callable[[int], None] = lambda now: None,
        after: Callable[[Outcome, int], None] = lambda outcome, now: None,
    ) -> None:
        self._check = check
        self._caller = caller
        self._subject = subject
        self._before = before
        self._after = after
        self._token = uuid.uuid4().hex
        self._deadline = Deadline()
        self.record: Callable[[Result, AllocationCall], None] = lambda result, work: None
        self._claimed: _Stage | None = None  # of claims that may be committed
        self.now = self._now = clock.now()
        self.retries = 0  # transactions that were given up for another, and looks that were taken again
        self.waits = 0  # looks that found other calls at work

    def dry_run(self) -> "Result":
        """Check and plan, write nothing and claim nothing. Raises Refusal."""
        with transaction.atomic():
            stage, _ = self._look()
        outcome = _outcome(stage, stage.plan.machines, stage.order.block.block_time_id, stage.plan.allocated)
        return Result(outcome, stage.plan.machines, stage.plan, stage.site, stage.order, stage.rosters)

    def look_ahead(self, order: Order, seconds: int) -> Site:
        """The facts for an order that may as well begin up to so many seconds later."""
        block = replace(order.block, end=order.block.end + seconds)
        with transaction.atomic():
            return snapshot.read(self._question(replace(order, block=block), "")).site

    def run(self) -> "Result":
        """Allocate. Raises Refusal; nothing was written then."""
        try:
            return self._when_alone()
        except BaseException:
            self._give_up()
            raise

    def _in_rounds(self, *, patient: bool) -> "Result":
        """Claim, confirm, and once more when something was lost.

        A transaction may be tried again: it leaves nothing behind but what it returns.
        """
        found = guarded(lambda: self._claim(patient=patient), self._deadline, self._again)
        if isinstance(found, _Stage):
            found = self._next_round(found, exchange=True)
        if isinstance(found, _Stage):
            self._again()
            found = self._next_round(found, exchange=False)
        assert isinstance(found, Result)  # the last round writes what it has
        return found

    def _when_alone(self) -> "Result":
        """All rounds, once no other call in flight can spoil the answer.

        A call about the same would be answered twice: Refusal 205 when it does not end in time. For
        computers that other calls have claimed and may give back, half of the time is waited.
        """
        pause = _FIRST_PAUSE
        while True:
            patient = self._deadline.left() > settings.VCL_GUARD_WAIT_SECONDS / 2
            try:
                with turn(self._deadline):
                    return self._in_rounds(patient=patient)
            except _Rival as rival:
                self.waits += 1
                if rival.same and self._deadline.left() <= 0:
                    raise refusals.busy() from rival
                time.sleep(min(pause, self._deadline.left()))
                pause = min(2 * pause, _LONGEST_PAUSE)

    def _next_round(self, stage: _Stage, *, exchange: bool) -> "_Stage | Result":
        """A confirming transaction. One that was too slow is done again. Refusal 205 when time is up."""
        while True:
            try:
                return guarded(lambda: self._confirm(stage, exchange=exchange), self._deadline, self._again)
            except _TooSlow as slow:
                self._again()
                log.warning("call %s was held up while it wrote, and looks again", stage.call_id)
                if self._deadline.left() <= 0:
                    raise refusals.busy() from slow

    # --- the transactions -----------------------------------------------------------------------

    def _look(self) -> tuple[_Stage, Snapshot]:
        """Check the call, read the facts, plan."""
        order = self._check(self._now)
        call_id = f"{self._subject_of(order) or 'new'}.{self._token}"
        seen = snapshot.read(self._question(order, call_id))
        plan = planner.plan(seen.site, order.block, ignore_privileges=order.ignore_privileges)
        if plan.had < plan.wanted and not (order.ignore_privileges or seen.site.members):
            raise refusals.no_members(order.block.group_id)
        return _Stage(order, seen.site, plan, call_id, seen.rosters), seen

    def _claim(self, *, patient: bool) -> "_Stage | Result":
        """First transaction. Gives the result when there is nothing to confirm."""
        self._before(self._now)
        stage, seen = self._look()
        subject, plan = self._subject_of(stage.order), stage.plan
        rivals = seen.promises.rivals
        if plan.had < plan.wanted and subject and any(rival.startswith(f"{subject}.") for rival in rivals):
            raise _Rival(same=True)
        if patient and rivals and plan.allocated < plan.wanted and _may_get_more(stage, rivals):
            raise _Rival(same=False)
        if not stage.plan.machines:
            return self._write(stage, [], {}, seen)
        return self._claimed_by(stage, seen)

    def _claimed_by(self, stage: _Stage, seen: Snapshot) -> _Stage:
        """Claim what a stage has planned; the stage with what had been held of it."""
        chosen = _assignments(stage.plan.machines)
        held = seen.promises.held
        before = {found.computer.id: held[found.computer.id] for found in chosen if found.computer.id in held}
        stage = replace(stage, held={**before, **stage.held})
        self._claimed = stage  # before its commit: that can be done, and the answer be lost
        claims.claim(stage.call_id, chosen, stage.held, seen.clock)
        return stage

    def _confirm(self, stage: _Stage, *, exchange: bool) -> "_Stage | Result":
        """Look again and write. With `exchange`, plan and claim anew when something was lost."""
        order = stage.order
        validation.must_still_be_open(order, self._now)
        machines = stage.plan.machines
        question, chosen = self._question(order, stage.call_id), {found.computer.id for found in _assignments(machines)}
        seen = snapshot.read_again(stage.site, question, Only(chosen, order.block.block_time_id), chosen)
        # A claim that ran out while the call waited keeps nobody off: its computer counts as lost.
        lapsed = chosen - seen.promises.own_claims
        looked_at = replace(seen.site, claimed=seen.site.claimed | lapsed)
        kept, lost = standing(looked_at, order.block, machines, ignore_privileges=order.ignore_privileges)
        if lapsed and not (exchange or kept):
            raise refusals.busy()  # nobody has taken anything: this call was too slow, twice
        stage = replace(stage, site=seen.site)
        # Less than was planned: something was lost to others, or the block time was released meanwhile.
        if exchange and _total(stage, kept) < stage.plan.allocated:
            return self._plan_again(stage, question)
        result = self._write(stage, kept, lost, seen)
        if kept and claims.too_slow(seen.clock, clock.now()):
            raise _TooSlow
        return result

    def _plan_again(self, stage: _Stage, question: Question) -> _Stage:
        """Plan on facts about all computers, any of which may be the next choice, and claim the chosen ones."""
        seen = snapshot.read_again(stage.site, question)
        plan = planner.plan(seen.site, stage.order.block, ignore_privileges=stage.order.ignore_privileges)
        return self._claimed_by(replace(stage, site=seen.site, plan=plan), seen)

    def _write(
        self, stage: _Stage, machines: Sequence[Machine], lost: Mapping[int, Reason], seen: Snapshot
    ) -> "Result":
        """Write the machines, with their block when it is new and kept, and hold their computers."""
        order, owner = stage.order, stage.site.reload_user_id
        block_time_id = order.block.block_time_id
        if order.new_block is not None and (machines or order.keep_empty):
            request_id, block_time_id = commit.write_block(order.new_block, owner)
            order = replace(order, names=replace(order.names, request_id=request_id))
        commit.write_machines(block_time_id, machines, owner, self._now)
        if stage.plan.machines:
            self._hold(stage, block_time_id, machines, seen)
        outcome = _outcome(stage, machines, block_time_id, _total(stage, machines))
        result = Result(outcome, machines, stage.plan, stage.site, order, stage.rosters, lost)
        self._after(outcome, self._now)
        self.record(result, self)
        return result

    def _hold(self, stage: _Stage, block_time_id: int, machines: Sequence[Machine], seen: Snapshot) -> None:
        """Keep the front end off what was written, as long as it may have listed it before; give up other claims."""
        got, promised, block = _assignments(machines), seen.promises, stage.order.block
        # Most computers hold what nobody waits for: then no other block times need be read.
        awaited = any(_is_awaited(found, promised.chosen) for found in got)
        others = beside.read(seen.clock) if awaited else beside.NOTHING
        loaded = frozenset(found.computer.id for found in got if _holds_image(found, promised.chosen))
        computers = frozenset(found.computer.id for found in got)
        ours = HeldBlock(block_time_id, block.start, block.end, computers, loaded)
        held = {id_: max(ends, promised.held.get(id_, 0)) for id_, ends in stage.held.items()}
        decided = holds(ours, others.blocks, {**promised.held, **held}, seen.clock, claims.seconds())
        claims.hold(stage.call_id, decided)
        if decided.beside:
            there = claims.SemaphoreRows(promised.live, promised.held, others.expired)
            claims.hold_beside(stage.call_id, got[0], decided, there, clock.now())
        if len(decided.expires) < len(_assignments(stage.plan.machines)) or not stage.held.keys() <= computers:
            claims.release(stage.call_id, stage.held, {*decided.expires, *decided.beside})

    # --- pieces ---------------------------------------------------------------------------------

    def _again(self) -> None:
        self.retries += 1

    def _subject_of(self, order: Order) -> str:
        """What the call is about: its block time, or what `subject` says of a new block."""
        return str(order.block.block_time_id or self._subject)

    def _question(self, order: Order, call_id: str) -> Question:
        ignore = order.ignore_privileges
        return Question(order.block, self._now, clock.now(), self._caller.user_id, call_id, ignore)

    def _give_up(self) -> None:
        """Free the claims of a call that failed, so that its retry finds the computers free."""
        stage = self._claimed
        if stage is None:
            return
        try:
            guarded(lambda: claims.release(stage.call_id, stage.held), Deadline(_SECONDS_TO_GIVE_UP))
        except (Error, Refusal) as error:
            log.warning("claims of the failed call %s stay until they expire: %s", stage.call_id, error)


@dataclass(frozen=True, slots=True)
class Result:
    """What a call answers and took, and what explains it: plan, site and order.

    `lost` tells of planned computers that somebody else got. `rosters`: see Snapshot.
    """

    outcome: Outcome
    machines: Sequence[Machine]  # what was written; of a dry run what would be
    plan: Plan
    site: Site
    order: Order
    rosters: frozenset[int]
    lost: Mapping[int, Reason] = field(default_factory=dict)

    def stopped_by(self) -> str:
        """Why there are not more machines, in words; "" when none is missing."""
        if self.plan.shortfall:
            return self.plan.shortfall.told(self.site.zone)
        if self.outcome.unallocated and self.lost:
            return f"somebody else was faster: computers lost after they were chosen: {len(self.lost)}"
        return str(self.rest) if self.outcome.unallocated else ""

    @property
    def held(self) -> set[int]:
        """The computers that the block time had before."""
        own = self.order.block.block_time_id
        return {held.computer_id for held in self.site.holdings if held.block_time_id == own}

    @property
    def rest(self) -> Reason:
        """Why computers are not in the block that nothing else is said of."""
        if self.outcome.unallocated and self.plan.shortfall is None:
            return _NO_TIME
        return self.plan.rest


def _may_get_more(stage: _Stage, rivals: Mapping[str, frozenset[int]]) -> bool:
    """Whether more machines could be had if the claims of other calls were given back, or were for other hours."""
    site = replace(stage.site, claimed=stage.site.claimed - frozenset().union(*rivals.values()))
    plan = planner.plan(site, stage.order.block, ignore_privileges=stage.order.ignore_privileges)
    return plan.allocated > stage.plan.allocated


def _total(stage: _Stage, machines: Sequence[Machine]) -> int:
    """Whole machines of the block with these, never more than wanted."""
    block = stage.order.block
    held = held_images(stage.site, block)
    held.update(found.image.id for found in _assignments(machines))
    return min(whole_machines(block.images, held), block.machines)


def _outcome(stage: _Stage, machines: Sequence[Machine], block_time_id: int, allocated: int) -> Outcome:
    unallocated = stage.plan.wanted - allocated
    if not machines and not unallocated:
        return Outcome("completed", allocated, unallocated, block_time_id)
    if not machines:
        return Outcome("warning", allocated, unallocated, block_time_id, NOTHING)
    if stage.plan.late:
        return Outcome("warning", allocated, unallocated, block_time_id, LATE)
    return Outcome("success", allocated, unallocated, block_time_id)


def _holds_image(found: Assignment, holding: Mapping[int, Chosen]) -> bool:
    """Whether the computer holds the image, in whatever revision: so VCL's front end sees it (SPEC 8.7)."""
    now = holding.get(found.computer.id)
    return now is not None and now.image_id == found.image.id


def _is_awaited(found: Assignment, holding: Mapping[int, Chosen]) -> bool:
    """Whether members of a class, this one or another, wait for what the computer holds now."""
    now = holding.get(found.computer.id)
    return now is not None and (now.awaited or now.image_id == found.image.id)


def _assignments(machines: Sequence[Machine]) -> list[Assignment]:
    return [assignment for machine in machines for assignment in machine.assignments]
