"""The part of a call that writes nothing: read the facts for an order, and plan."""

from dataclasses import dataclass, replace

from django.db import transaction

from blockalloc import clock
from blockalloc.allocation.result import Result, outcome_of
from blockalloc.allocation.validation import Order, order_of
from blockalloc.contract import refusals
from blockalloc.contract.messages import Call, Caller
from blockalloc.store import snapshot
from blockalloc.store.snapshot import Question, Snapshot
from scheduling import planner
from scheduling.facts import Site
from scheduling.plan import Plan


@dataclass(frozen=True, slots=True)
class Look:
    """An order, what was read for it in one transaction, and the plan."""

    order: Order
    seen: Snapshot
    plan: Plan


def look(order: Order, caller: Caller, now: int, call_id: str = "") -> Look:
    """Read the facts for an order, and plan; in the caller's transaction. `now` is the time of the call, Unix seconds.

    `call_id` names a call that claims computers. Raises Refusal 11.
    """
    seen = snapshot.read(question_of(order, caller, now, call_id))
    plan = planner.make_plan(seen.site, order.block, ignore_privileges=order.ignore_privileges)
    if plan.had_before < plan.wanted and not (order.ignore_privileges or seen.site.members):
        raise refusals.no_members(order.block.group_id)
    return Look(order, seen, plan)


def dry_run(call: Call, caller: Caller, now: int) -> Result:
    """Check and plan at `now` (Unix seconds); write nothing and claim nothing. Raises Refusal."""
    with transaction.atomic():
        looked = look(order_of(call, caller, now), caller, now)
    plan, order = looked.plan, looked.order
    outcome = outcome_of(plan, plan.machines, order.block.block_time_id, plan.allocated)
    return Result(outcome, plan.machines, plan, looked.seen.site, order, looked.seen.rosters)


def look_ahead(order: Order, caller: Caller, now: int, seconds: int) -> Site:
    """The facts for an order whose block is extended, so that it could start up to `seconds` later."""
    later = replace(order, block=replace(order.block, end=order.block.end + seconds))
    with transaction.atomic():
        return snapshot.read(question_of(later, caller, now)).site


def question_of(order: Order, caller: Caller, now: int, call_id: str = "") -> Question:
    """The question put to the snapshot. `now` is the time of the call; expiry is judged by the current time."""
    return Question(order.block, now, clock.now(), caller.user_id, call_id, order.ignore_privileges)
