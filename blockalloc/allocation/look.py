"""The part of a call that writes nothing: read the facts for an order, and plan."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from django.db import transaction

from blockalloc import clock
from blockalloc.allocation.result import Result, outcome_of
from blockalloc.allocation.validation import Order, order_of
from blockalloc.contract import refusals
from blockalloc.contract.messages import Call, Caller
from blockalloc.store import snapshot
from blockalloc.store.snapshot import Question, Snapshot
from scheduling import mending, planner
from scheduling.facts import Site
from scheduling.mending import Mending
from scheduling.plan import Plan


@dataclass(frozen=True, slots=True)
class Look:
    """An order, what was read for it in one transaction, and the plan."""

    order: Order
    seen: Snapshot
    plan: Plan


# Says in a transaction what is to change about the computers that a block time has (SPEC 9.2, 9.3).
Mender = Callable[[Order], Mending]


def look(order: Order, caller: Caller, now: int, call_id: str = "") -> Look:
    """Read the facts for an order, and plan; in the caller's transaction. `now` is the time of the call, Unix seconds.

    `call_id` names a call that claims computers. What can't be loaded again is given up. Raises Refusal 11.
    """
    seen = without_given_up(snapshot.read(question_of(order, caller, now, call_id)), order)
    plan = make_plan(seen.site, order)
    if order.mending and plan.not_loaded:
        order = replace(order, mending=order.mending.without_hope(plan.not_loaded, seen.site, order.block))
        seen = without_given_up(seen, order)
        plan = make_plan(seen.site, order)
    if plan.had_before < plan.wanted and not (order.ignore_privileges or seen.site.members):
        raise refusals.no_members(order.block.group_id)
    return Look(order, seen, plan)


def make_plan(site: Site, order: Order) -> Plan:
    """The plan for an order; `site` is without the computers that are given up."""
    return planner.make_plan(site, order.block, ignore_privileges=order.ignore_privileges, mending=order.mending)


def without_given_up(seen: Snapshot, order: Order) -> Snapshot:
    """The snapshot as if the block time did not have the computers that are given up."""
    if order.mending is None:
        return seen
    return replace(seen, site=mending.without_given_up(seen.site, order.block, order.mending))


def dry_run(call: Call, caller: Caller, now: int, mender: Mender | None = None) -> Result:
    """Check and plan at `now` (Unix seconds); write nothing and claim nothing. Raises Refusal."""
    with transaction.atomic():
        order = order_of(call, caller, now)
        if mender:
            order = replace(order, mending=mender(order))
        looked = look(order, caller, now)
    plan, site, order = looked.plan, looked.seen.site, looked.order
    outcome = outcome_of(plan, plan.machines, order.block.block_time_id, plan.allocated)
    gone = mending.exchanged(site, order.block, order.mending, plan.machines) if order.mending else {}
    return Result(
        outcome, plan.machines, plan, site, order, looked.seen.rosters, again=plan.again, given_up=gone,
        spares=plan.spares,
    )  # fmt: skip


def look_ahead(order: Order, caller: Caller, now: int, seconds: int) -> Site:
    """The facts for an order whose block is extended, so that it could start up to `seconds` later."""
    later = replace(order, block=replace(order.block, end=order.block.end + seconds))
    with transaction.atomic():
        return snapshot.read(question_of(later, caller, now)).site


def question_of(order: Order, caller: Caller, now: int, call_id: str = "") -> Question:
    """The question put to the snapshot. `now` is the time of the call; expiry is judged by the current time."""
    return Question(order.block, now, clock.now(), caller.user_id, call_id, order.ignore_privileges)
