"""What would help a class that lacks machines even when all is done for it that can be done at once."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from django.db import transaction

from blockalloc.allocation.look import Mender, dry_run, look_ahead
from blockalloc.allocation.result import Result
from blockalloc.contract.messages import Caller, FillCall, Refusal
from blockalloc.remedies.budget import Budget
from blockalloc.remedies.kinds import Kind, Named, Other, Remedy
from blockalloc.store import forecast_facts
from blockalloc.upkeep import reading
from blockalloc.upkeep.reading import Watch
from scheduling import remedies
from scheduling.forecast.engine import beside, forecast
from scheduling.remedies_tried import Gain, Trial
from scheduling.upkeep.condition import Condition
from scheduling.upkeep.needs import needs
from scheduling.upkeep.releasing import is_free, is_in_use, least_missed
from scheduling.upkeep.spares import spares, to_give_back
from scheduling.windows import MINUTE
from scheduling.withdrawal import is_withdrawable
from scheduling.wording import plural

IDLE_AFTER = 15 * MINUTE  # members who come late have come by then
_MOST_CLASSES = 5  # in the way that are looked at, those with the most computers


def beyond(result: Result, caller: Caller, budget: Budget, mender: Mender | None) -> Iterator[Remedy]:
    """What would bring the class of `result`, which is short, more machines; as far as the budget goes."""
    order = result.order
    trial = Trial.of(result.site, order.block, order.mending, ignore_privileges=order.ignore_privileges)
    if not trial.missing:
        return
    yield from _of_other_classes(trial, budget)
    if budget.allows() and (gain := trial.without_orphans()).machines:
        number = plural(len(gain.computers), "reload")
        yield Remedy(Kind.RELOADS, gain.machines, f"withdraw {number} that an edited class has left behind")
    if budget.allows() and (gain := trial.back_in_service()).machines:
        yield Remedy(Kind.SERVICE, gain.machines, computers=_named(gain, trial))
    if not order.ignore_privileges and budget.allows():
        yield from _without_privileges(result, caller, mender)


def later(result: Result, caller: Caller, budget: Budget) -> Iterator[Remedy]:
    """The first start at which the class could have all its machines, if it is to come and one is found in time."""
    order, now = result.order, result.site.now
    if order.block.start <= now or not budget.allows():
        return
    ahead = look_ahead(order, caller, now, remedies.HORIZON)
    start = remedies.earliest_start(
        ahead,
        order.block,
        result.plan.load_seconds,
        ignore_privileges=order.ignore_privileges,
        go_on=budget.allows,
    )
    if start is not None and budget.allows() and _is_free_beside_classes_to_come(result, start):
        all_ = f"all {plural(order.block.machines, 'machine')}"
        yield Remedy(Kind.LATER, result.outcome.unallocated, all_, start=start)


def _is_free_beside_classes_to_come(result: Result, start: int) -> bool:
    """Whether the class could begin then without a machine of classes for which nobody has asked yet."""
    order, now = result.order, result.site.now
    block = replace(order.block, start=start, end=start + order.block.end - order.block.start)
    with transaction.atomic():
        facts = forecast_facts.read(now, block.end)
    own = order.block.block_time_id
    classes = [each for each in facts.classes if each.id != own]
    rows = [row for row in facts.site.block_computers if row.block_time_id != own]
    others = replace(facts, site=replace(facts.site, block_computers=rows), classes=classes)
    made = beside(others, forecast(others), block, ignore_privileges=order.ignore_privileges)
    return not made.missing


def fewer(result: Result) -> Iterator[Remedy]:
    """What can be had at this time, where that is something."""
    if result.outcome.allocated and result.order.block.start > result.site.now:
        yield Remedy(Kind.FEWER, words=f"{plural(result.outcome.allocated, 'machine')} could be allocated at this time")


def _of_other_classes(trial: Trial, budget: Budget) -> Iterator[Remedy]:
    in_the_way = [each.id for each in remedies.in_the_way(trial.plan) if each.kind == "block time"][:_MOST_CLASSES]
    if not in_the_way or not budget.allows():
        return
    watches = {watch.facts.id: watch for watch in reading.several(in_the_way, trial.site.now)}
    for id_ in in_the_way:
        if id_ in watches and budget.allows():
            yield from _of_other_class(trial, watches[id_])


def _of_other_class(trial: Trial, watch: Watch) -> Iterator[Remedy]:
    facts, now = watch.facts, trial.site.now
    conditions = needs(facts, now).conditions
    kind, candidates = _to_spare(watch, conditions, now)
    gain = trial.without(facts.id, [each.computer.id for each in candidates if _is_free_then(each, now)])
    if kind is not None and gain.machines:
        used = sum(map(is_in_use, conditions))
        other = Other(facts.id, facts.name, len(conditions), used, facts.block.start)
        yield Remedy(kind, gain.machines, computers=_named(gain, trial), other=other)


def _to_spare(watch: Watch, conditions: Sequence[Condition], now: int) -> tuple[Kind | None, Sequence[Condition]]:
    """The computers that another class could do without, those that it misses least first, and why."""
    facts = watch.facts
    if not facts.block.block_status.is_current_or_upcoming(now):
        return Kind.LEFT_OVER, conditions
    if spares(facts):
        return Kind.SPARES, to_give_back(facts, conditions)
    if now >= facts.block.start + IDLE_AFTER:
        return Kind.IDLE, [each for each in least_missed(conditions) if is_free(each)]
    return None, ()


def _is_free_then(each: Condition, now: int) -> bool:
    """Whether the computer is free once it is released: a load that has begun, or is about to, goes on."""
    facts = each.computer.facts
    return not facts.reload_state or is_withdrawable(facts.reload_start or 0, int(facts.preload), now)


def _without_privileges(result: Result, caller: Caller, mender: Mender | None) -> Iterator[Remedy]:
    """What the class could have if any computer counted that can run the image."""
    block = result.order.block
    try:
        free = dry_run(FillCall(block.block_time_id, True, machines=block.machines), caller, result.site.now, mender)
    except Refusal:  # the class has changed meanwhile: nothing can be said of it
        return
    if (gain := free.outcome.allocated - result.outcome.allocated) > 0:
        yield Remedy(Kind.PRIVILEGES, gain)


def _named(gain: Gain, trial: Trial) -> list[Named]:
    found = [trial.site.computers[id_] for id_ in gain.computers]
    return sorted((Named(each.id, each.hostname, each.state) for each in found), key=lambda each: each.hostname)
