"""One allocation: claim, then confirm (SPEC 8.7).

First transaction: check the call, read the facts, plan, claim the chosen computers. From its
commit on, VCL's front end and our other callers keep off them. Second transaction: look again;
if something was lost to somebody who was faster, plan once more and claim what is new; else write
everything. What is lost after that makes the answer short, never wrong. Each transaction holds
the guard, so of our own calls only one is at work at any time.
"""

import logging
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from django.conf import settings
from django.db import Error

from blockalloc import clock
from blockalloc.allocation import validation
from blockalloc.allocation.holding import hold_computers
from blockalloc.allocation.journal import Journal
from blockalloc.allocation.look import Look, Mender, look, make_plan, question_of, without_given_up
from blockalloc.allocation.result import Answer, Result, assignments, outcome_of
from blockalloc.allocation.validation import Order
from blockalloc.contract import refusals
from blockalloc.contract.messages import Call, Caller, Refusal
from blockalloc.measures import calls, guard
from blockalloc.store import claims, commit, snapshot
from blockalloc.store.guard import Deadline, guarded
from blockalloc.store.promises import Only
from blockalloc.store.release import give_up
from blockalloc.store.snapshot import Question, Snapshot
from blockalloc.store.turns import turn
from scheduling.confirmation import standing, still_free, still_to_load
from scheduling.facts import Site
from scheduling.machines import computers_by_image, whole_machines
from scheduling.mending import exchanged
from scheduling.plan import Machine, Plan
from scheduling.reasons import Reason
from scheduling.reload_plan import Moved

log = logging.getLogger(__name__)

# Seconds between two looks at whether other calls in flight are done.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0
_SECONDS_TO_FREE_CLAIMS = 2.0  # of a call that failed, whose own deadline may be over


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """A call with its plan, between the transaction that claims the computers and the one that confirms them.

    `earlier_holds`: until when (Unix seconds) holds of earlier calls are on some of the computers. While these are
    claimed, the holds live as long as the claim.
    """

    order: Order
    site: Site
    plan: Plan
    call_id: str
    rosters: frozenset[int]
    earlier_holds: Mapping[int, int] = field(default_factory=dict)

    @property
    def to_load(self) -> list[Machine]:
        """The reloads that the plan writes: of new machines, and of computers that the block time has."""
        return [*self.plan.machines, *self.plan.again]

    @property
    def computer_ids(self) -> set[int]:
        """The computers of the plan."""
        return {each.computer.id for each in assignments(self.to_load)}

    def machines_with(self, machines: Sequence[Machine]) -> int:
        """Whole machines that the block has with these, never more than wanted."""
        return min(self._whole_machines_with(machines), self.order.block.machines)

    def spares_with(self, machines: Sequence[Machine]) -> int:
        """How many of these machines the block has as spares."""
        return min(max(self._whole_machines_with(machines) - self.order.block.machines, 0), self.plan.spares)

    def _whole_machines_with(self, machines: Sequence[Machine]) -> int:
        block = self.order.block
        computers = computers_by_image(self.site, block, without=self.plan.not_loaded)
        computers.update(each.image.id for each in assignments(machines))
        return whole_machines(block.image_ids, computers)


@dataclass(frozen=True, slots=True)
class Step:
    """What a transaction leaves: the answer, or a planned call for the next transaction to confirm."""

    answer: Answer | None = None
    to_confirm: PlannedCall | None = None


class _Rival(Exception):
    """Other calls are in flight: about the same block (`same`), or with claims on computers that this one lacks."""

    def __init__(self, *, same: bool) -> None:
        super().__init__()
        self.same = same


class _TooSlow(Exception):
    """Claims may run out before the rows are committed; then the front end would not see either of them."""


class ClaimAndConfirm:
    """One call of one caller on its way through the transactions; `journal` keeps its record.

    `mender` says what is to change about the computers that the block time has. `seconds` is how long the call may wait
    for others, by default VCL_GUARD_WAIT_SECONDS.
    """

    def __init__(
        self, call: Call, caller: Caller, journal: Journal, mender: Mender | None = None, seconds: float | None = None
    ) -> None:
        self._call = call
        self._caller = caller
        self._journal = journal
        self._mender = mender
        self._now = journal.now
        self._token = uuid.uuid4().hex
        self._seconds = settings.VCL_GUARD_WAIT_SECONDS if seconds is None else seconds
        self._deadline = Deadline(self._seconds)
        self._last_claimed: PlannedCall | None = None  # its claims may be committed: freed when the call fails

    def run(self) -> Answer:
        """Allocate. Raises Refusal; nothing was written then."""
        try:
            answer = self._until_unrivalled()
        except BaseException:  # also when the process is to stop: the claims would keep others off until they expire
            self._free_claims()
            raise
        finally:
            guard.observe_wait(self._deadline.waited)
        calls.count_machines(self._caller.door, answer.outcome)
        return answer

    # --- The rounds -----------------------------------------------------------------------------

    def _until_unrivalled(self) -> Answer:
        """Run the rounds; while another call in flight could change the answer, wait and start over.

        Two calls about the same block would be answered twice: Refusal 205 when the other one does not end in time.
        For computers that other calls have claimed and may give back, the call waits half of its time.
        """
        pause = _FIRST_PAUSE
        while True:
            patient = self._deadline.left() > self._seconds / 2
            try:
                with turn(self._deadline):
                    return self._rounds(patient=patient)
            except _Rival as rival:
                self._journal.count_wait()
                if rival.same and self._deadline.left() <= 0:
                    raise refusals.busy() from rival
                time.sleep(min(pause, self._deadline.left()))
                pause = min(2 * pause, _LONGEST_PAUSE)

    def _rounds(self, *, patient: bool) -> Answer:
        """Claim, confirm, and once more when something was lost: the last round writes what is left.

        A transaction may be tried again: what it leaves behind is in its return value alone.
        """
        step = guarded(lambda: self._claim(patient=patient), self._deadline, self._journal.count_retry)
        if step.to_confirm:
            step = self._next_round(step.to_confirm, may_replan=True)
        if step.to_confirm:
            self._journal.count_retry()
            step = self._next_round(step.to_confirm, may_replan=False)
        assert step.answer is not None, "a round that may not plan again claims nothing new"
        return step.answer

    def _next_round(self, planned: PlannedCall, *, may_replan: bool) -> Step:
        """A confirming transaction; one that was too slow is repeated. Refusal 205 when time is up."""
        while True:
            try:
                return guarded(
                    lambda: self._confirm(planned, may_replan=may_replan), self._deadline, self._journal.count_retry
                )
            except _TooSlow as slow:
                self._journal.count_retry()
                log.warning("call %s was held up while it wrote, and looks again", planned.call_id)
                if self._deadline.left() <= 0:
                    raise refusals.busy() from slow

    # --- The transactions -----------------------------------------------------------------------

    def _claim(self, *, patient: bool) -> Step:
        """First transaction: check the call, look, claim. It answers when there is nothing to claim."""
        if earlier := self._journal.earlier_outcome():
            return Step(Answer(earlier))
        order = self._with_mending(validation.order_of(self._call, self._caller, self._now))
        subject = self._subject_of(order)
        call_id = f"{subject or 'new'}.{self._token}"
        looked = look(order, self._caller, self._now, call_id)
        _give_way(looked, subject, patient=patient)
        planned = PlannedCall(looked.order, looked.seen.site, looked.plan, call_id, looked.seen.rosters)
        if not planned.to_load:
            return Step(self._write(planned, [], [], {}, looked.seen, planned.plan.moved))
        return Step(to_confirm=self._claimed(planned, looked.seen))

    def _confirm(self, planned: PlannedCall, *, may_replan: bool) -> Step:
        """Look again and write. With `may_replan`, plan and claim anew when something was lost."""
        # By the time of the call (SPEC 3). Times, image or machines that staff have edited since count as edited later.
        validation.must_still_be_fillable(planned.order, self._now)
        planned = self._mended_again(planned)
        order, chosen = planned.order, planned.computer_ids
        question = self._question(planned)
        moved = {each.computer_id for each in planned.plan.moved}
        read = snapshot.read_again(planned.site, question, Only(chosen | moved, order.block.block_time_id), chosen)
        seen = without_given_up(read, order)
        # A claim that ran out while the call waited keeps nobody off: its computer counts as lost.
        lapsed = chosen - seen.promises.own_claims
        without_lapsed = replace(seen.site, claimed=seen.site.claimed | lapsed)
        plan = planned.plan
        kept, lost = standing(
            without_lapsed,
            order.block,
            plan.machines,
            ignore_privileges=order.ignore_privileges,
            spares=plan.spares,
        )
        again, lost_again = still_to_load(without_lapsed, order.block, plan.again)
        if lapsed and not (may_replan or kept or again):
            raise refusals.busy()  # its own claims ran out, twice, and nothing is left to write
        not_loaded = {**plan.not_loaded, **lost_again}
        planned = replace(planned, site=seen.site, plan=replace(plan, not_loaded=not_loaded))
        # Less than was planned: something was lost to others, or the block time was released meanwhile. Spares that
        # were lost are not made up for.
        if may_replan and planned.machines_with(kept) < planned.plan.allocated:
            return Step(to_confirm=self._planned_again(planned, question))
        movable = still_free(without_lapsed, order.block, planned.plan.moved)
        answer = self._write(planned, kept, again, lost | lost_again, seen, movable)
        if (kept or again) and claims.too_slow(seen.read_at, clock.now()):
            raise _TooSlow
        return Step(answer)

    # --- Steps of a transaction -----------------------------------------------------------------

    def _claimed(self, planned: PlannedCall, seen: Snapshot) -> PlannedCall:
        """Claim the computers of a plan."""
        holds = {id_: seen.promises.holds[id_] for id_ in planned.computer_ids if id_ in seen.promises.holds}
        claimed = replace(planned, earlier_holds={**holds, **planned.earlier_holds})
        self._last_claimed = claimed  # before its commit: that can be done, and the answer be lost
        claims.claim(claimed.call_id, assignments(claimed.to_load), claimed.earlier_holds, seen.read_at)
        return claimed

    def _planned_again(self, planned: PlannedCall, question: Question) -> PlannedCall:
        """Plan on facts about all computers, any of which may be the next choice, and claim the chosen ones."""
        seen = without_given_up(snapshot.read_again(planned.site, question), planned.order)
        plan = make_plan(seen.site, planned.order)
        return self._claimed(replace(planned, site=seen.site, plan=plan), seen)

    def _write(
        self, planned: PlannedCall, machines: Sequence[Machine], again: Sequence[Machine], lost: Mapping[int, Reason],
        seen: Snapshot, moved: Sequence[Moved],
    ) -> Answer:  # fmt: skip
        """Write the machines, with their block when it is new and kept; hold their computers; write the record.

        Computers that are given up go first: one of them may have been chosen again. `again`: the reloads of computers
        that the block time has; `moved`: those that only begin at another time.
        """
        order, owner = planned.order, planned.site.reload_user_id
        block_time_id = order.block.block_time_id
        if order.management_node_id is not None and (machines or order.keep_empty):
            request_id, block_time_id = commit.write_block(order.block, order.management_node_id, owner)
            order = replace(order, names=replace(order.names, request_id=request_id))
        given_up = exchanged(planned.site, order.block, order.mending, machines) if order.mending else {}
        give_up(block_time_id, {id_: each.reload_id for id_, each in given_up.items()}, seen.read_at)
        commit.write_machines(block_time_id, machines, owner, self._now)
        commit.write_again(block_time_id, again, owner, self._now)
        commit.move_reloads(moved, seen.read_at)
        if self._last_claimed:
            self._hold(self._last_claimed, block_time_id, [*machines, *again], seen)
        outcome = outcome_of(planned.plan, machines, block_time_id, planned.machines_with(machines))
        result = Result(
            outcome, machines, planned.plan, planned.site, order, planned.rosters, lost, again, given_up,
            spares=planned.spares_with(machines),
        )  # fmt: skip
        return Answer(outcome, result, self._journal.record_result(result))

    def _with_mending(self, order: Order) -> Order:
        return replace(order, mending=self._mender(order)) if self._mender else order

    def _mended_again(self, planned: PlannedCall) -> PlannedCall:
        """The planned call with only those of its changes that are still to be made: people may have come meanwhile."""
        before = planned.order.mending
        if self._mender is None or before is None:
            return planned
        still = before.only(self._mender(planned.order))
        again = [each for each in planned.plan.again if each.assignments[0].computer.id in still.again]
        # A reload that can be withdrawn no longer must not get a second one beside it.
        machines = [
            each for each in planned.plan.machines if not still.excluded & {a.computer.id for a in each.assignments}
        ]
        plan = replace(planned.plan, machines=machines, again=again)
        return replace(planned, order=replace(planned.order, mending=still), plan=plan)

    def _hold(self, claimed: PlannedCall, block_time_id: int, machines: Sequence[Machine], seen: Snapshot) -> None:
        """Keep the front end off what was written, as long as it may have listed it before; give up other claims."""
        block, earlier = claimed.order.block, claimed.earlier_holds
        decided = hold_computers(claimed.call_id, block, block_time_id, machines, earlier, seen)
        written = {each.computer.id for each in assignments(machines)}
        if not (claimed.computer_ids <= decided.expires.keys() and earlier.keys() <= written):
            claims.release(claimed.call_id, earlier, {*decided.expires, *decided.substitutes})

    def _subject_of(self, order: Order) -> str:
        """What the call is about: its block time, or what the journal says of a new block.

        Two calls about the same never run at the same time.
        """
        return str(order.block.block_time_id or self._journal.subject)

    def _question(self, planned: PlannedCall) -> Question:
        return question_of(planned.order, self._caller, self._now, planned.call_id)

    def _free_claims(self) -> None:
        """Free the claims of a call that failed, so that its retry has the computers to choose from.

        When the last COMMIT was done and only its answer was lost, no claims are left; holds on computers that an
        earlier call had held end when those would have.
        """
        claimed = self._last_claimed
        if claimed is None:
            return
        try:
            guarded(lambda: claims.release(claimed.call_id, claimed.earlier_holds), Deadline(_SECONDS_TO_FREE_CLAIMS))
        except (Error, Refusal) as error:
            log.warning("claims of the failed call %s stay until they expire: %s", claimed.call_id, error)


def _give_way(looked: Look, subject: str, *, patient: bool) -> None:
    """Raise _Rival when other calls in flight could change the answer of this one."""
    plan, rivals = looked.plan, looked.seen.promises.rivals
    changes = plan.had_before < plan.wanted or looked.order.mending is not None
    if changes and subject and any(rival.startswith(f"{subject}.") for rival in rivals):
        raise _Rival(same=True)
    if patient and rivals and plan.allocated < plan.wanted and _may_get_more(looked, rivals):
        raise _Rival(same=False)


def _may_get_more(looked: Look, rivals: Mapping[str, frozenset[int]]) -> bool:
    """Whether more machines could be had if the claims of other calls were given back, or were for other hours."""
    order, site = looked.order, looked.seen.site
    free = replace(site, claimed=site.claimed - frozenset().union(*rivals.values()))
    plan = make_plan(free, order)
    return plan.allocated > looked.plan.allocated
