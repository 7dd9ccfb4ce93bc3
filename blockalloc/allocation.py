"""One allocation call: claim, then confirm (SPEC 8.7).

First transaction: check the call, read the facts, plan, claim the chosen computers. From its
commit on, VCL's front end and our other callers keep off them. Second transaction: look again;
if something was lost to somebody who was faster, plan once more and claim what is new; else write
everything. What is lost after that makes the answer short, never wrong. Each transaction holds
the guard, so of our own calls only one is at it at any time.
"""

import logging
import uuid
from collections.abc import Callable, Sequence

from django.db import DatabaseError, transaction

from blockalloc import clock, refusals
from blockalloc.calls import Caller, Outcome
from blockalloc.checks import Order
from blockalloc.store import claims, commit, snapshot
from blockalloc.store.guard import Deadline, guarded
from blockalloc.store.snapshot import Question
from scheduling import planner
from scheduling.confirmation import held_images, standing
from scheduling.facts import Site
from scheduling.plan import Assignment, Machine, Plan, whole_machines

log = logging.getLogger(__name__)

LATE = (13, "possibly insufficient time to load machines")
NOTHING = (14, "unable to allocate any machines")


class Remembered(Exception):
    """The call was made before, with the same idempotency key; `outcome` is what was answered."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__()
        self.outcome = outcome


class AllocationCall:
    """One call of one caller. `check` gives the order or raises Refusal; it runs inside the guard.

    `before` runs first in every transaction, `after` in the one that writes, with the outcome:
    the idempotency key hooks in there.
    """

    def __init__(
        self,
        check: Callable[[int], Order],
        caller: Caller,
        before: Callable[[int], None] = lambda now: None,
        after: Callable[[Outcome, int], None] = lambda outcome, now: None,
    ) -> None:
        self._check = check
        self._caller = caller
        self._before = before
        self._after = after
        self._id = uuid.uuid4().hex
        self._now = clock.now()
        self._deadline = Deadline()
        self._claimed: set[int] = set()
        self._order: Order
        self._site: Site
        self.plan: Plan
        self.machines: Sequence[Machine] = ()  # what was written; of a dry run what would be

    def dry_run(self) -> Outcome:
        """Check and plan, write nothing and claim nothing."""
        with transaction.atomic():
            self._look()
        self.machines = self.plan.machines
        return self._outcome(self._order.block.block_time_id, self.plan.allocated)

    def run(self) -> Outcome:
        """Allocate. Raises Refusal; nothing was written then."""
        try:
            return self._in_rounds()
        except BaseException:
            self._give_up()
            raise

    def _in_rounds(self) -> Outcome:
        rounds = (self._claim, lambda: self._confirm(exchange=True), lambda: self._confirm(exchange=False))
        for attempt in rounds:
            outcome = guarded(attempt, self._deadline)
            if outcome is not None:
                return outcome
            # Only now is the transaction with the claims committed.
            self._claimed.update(found.computer.id for found in _assignments(self.plan.machines))
        raise AssertionError("the last round writes what it has")

    def hostname(self, computer_id: int) -> str:
        """The name of a computer of the site as the plan saw it."""
        return self._site.computers[computer_id].hostname

    # --- the transactions -----------------------------------------------------------------------

    def _look(self) -> None:
        """Check the call, read the facts, plan."""
        self._order = self._check(self._now)
        self._site = snapshot.read_site(self._question())
        self._make_plan()
        if self.plan.had < self.plan.wanted and not (self._order.ignore_privileges or self._site.members):
            raise refusals.no_members(self._order.block.group_id)

    def _claim(self) -> Outcome | None:
        """First transaction. Gives the outcome when there is nothing to confirm."""
        self._before(self._now)
        self._look()
        if not self.plan.machines:
            return self._write(self._order.block.block_time_id, [])
        claims.purge(clock.now())
        self._claim_computers()
        return None

    def _confirm(self, *, exchange: bool) -> Outcome | None:
        """Look again and write; with `exchange`, plan anew when something was lost, and give None."""
        self._before(self._now)
        self._site = snapshot.read_again(self._site, self._question())
        block, ignore = self._order.block, self._order.ignore_privileges
        kept = standing(self._site, block, self.plan.machines, ignore_privileges=ignore)
        if exchange and self._is_short_of(kept):
            self._make_plan()
            self._claim_computers()
            return None
        return self._write(block.block_time_id, kept)

    def _is_short_of(self, kept: Sequence[Machine]) -> bool:
        """Whether machines of the plan were lost that are still wanted."""
        return len(kept) < len(self.plan.machines) and self._total(kept) < self._order.block.machines

    def _write(self, block_time_id: int, machines: Sequence[Machine]) -> Outcome:
        """Write the machines, with their block when it is new and kept, and hold their computers."""
        order = self._order
        owner = self._site.reload_user_id
        if order.new_block is not None and (machines or order.keep_empty):
            block_time_id = commit.write_block(order.new_block, owner)
        commit.write_machines(block_time_id, machines, owner, self._now)
        self._hold(machines)
        self.machines = machines
        outcome = self._outcome(block_time_id, self._total(machines))
        self._after(outcome, self._now)
        return outcome

    # --- pieces ---------------------------------------------------------------------------------

    def _question(self) -> Question:
        order = self._order
        return Question(order.block, self._now, clock.now(), self._caller.user_id, self._id, order.ignore_privileges)

    def _make_plan(self) -> None:
        order = self._order
        self.plan = planner.plan(self._site, order.block, ignore_privileges=order.ignore_privileges)

    def _claim_computers(self) -> None:
        new = [found for found in _assignments(self.plan.machines) if found.computer.id not in self._claimed]
        if new:
            claims.claim(self._id, new, clock.now())

    def _hold(self, machines: Sequence[Machine]) -> None:
        held = [found.computer.id for found in _assignments(machines)]
        if held:
            claims.hold(self._id, held, clock.now())
        if self._claimed - set(held):
            claims.release(self._id)

    def _give_up(self) -> None:
        """Free the claims of a call that failed, so that its retry finds the computers free."""
        if not self._claimed:
            return
        try:
            claims.release(self._id)
        except DatabaseError:
            log.exception("claims of a failed call stay until they expire")

    def _total(self, machines: Sequence[Machine]) -> int:
        """Whole machines of the block with these, never more than wanted."""
        held = held_images(self._site, self._order.block)
        held.update(found.image.id for found in _assignments(machines))
        return min(whole_machines(self._order.block.images, held), self._order.block.machines)

    def _outcome(self, block_time_id: int, allocated: int) -> Outcome:
        unallocated = self.plan.wanted - allocated
        if not self.machines and not unallocated:
            return Outcome("completed", allocated, unallocated, block_time_id)
        if not self.machines:
            return Outcome("warning", allocated, unallocated, block_time_id, NOTHING)
        if self.plan.late:
            return Outcome("warning", allocated, unallocated, block_time_id, LATE)
        return Outcome("success", allocated, unallocated, block_time_id)


def _assignments(machines: Sequence[Machine]) -> list[Assignment]:
    return [assignment for machine in machines for assignment in machine.assignments]
