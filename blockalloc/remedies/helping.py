"""The use case: what would help a class, the least harmful first. Nothing is written."""

from collections.abc import Iterator

from blockalloc.allocation.look import Mender, dry_run
from blockalloc.allocation.result import Result
from blockalloc.contract.messages import Caller, FillCall, Refusal
from blockalloc.remedies.beyond import beyond, fewer, later
from blockalloc.remedies.budget import Budget
from blockalloc.remedies.kinds import Help, Kind, Remedy
from blockalloc.upkeep import mending, reading, staff
from blockalloc.upkeep.reading import Watch
from scheduling.readiness import ASKED_AHEAD
from scheduling.upkeep.needs import Needs, needs
from scheduling.wording import plural

_AHEAD_OF_ITS_TURN = ", ahead of its turn: classes that are asked for later get what is left"


def of_class(block_time_id: int, caller: Caller, now: int, *, seconds: float, is_thorough: bool = True) -> Help | None:
    """What would help a block time at `now` (Unix seconds); None when it is gone, over, or not to take place.

    Plans are made for up to `seconds`, and what was not tried then is left out. `is_thorough`: look for a later start
    as well, which takes the longest.
    """
    watch = reading.one(block_time_id, now)
    if watch is None or not watch.facts.block.block_status.is_current_or_upcoming(now):
        return None
    needed, wanted = needs(watch.facts, now, is_asked_by_staff=True), watch.facts.block.machines
    has = staff.seen_now(block_time_id, now).numbers.usable
    if needed.too_late:
        return Help(wanted, has, obstacle="what is loaded from now on would be ready after the middle of the class")
    is_lowered = watch.facts.target.machines < wanted
    if not is_lowered and (obstacle := staff.obstacle_to(watch)):
        return Help(wanted, has, obstacle=obstacle)
    budget = Budget(seconds)
    mender = mending.mender() if is_lowered else lambda _order: mending.mending_of(needed)
    call = FillCall(block_time_id, watch.facts.target.ignore_privileges, machines=wanted)
    try:
        result = dry_run(call, caller, now, mender)
    except Refusal as refusal:
        return Help(wanted, has, obstacle=f"{refusal.text} (error {refusal.code})")
    found = [*_at_once(watch, needed, result, has, now, is_lowered=is_lowered)]
    found += of_result(result, caller, budget, mender, is_thorough=is_thorough)
    return Help(wanted, has, tuple(sorted(found, key=lambda each: each.rank)), is_complete=not budget.is_exceeded)


def of_result(
    result: Result, caller: Caller, budget: Budget, mender: Mender | None, *, is_thorough: bool = False
) -> list[Remedy]:
    """What would help beyond a dry run that leaves the class short; nothing when it is not."""
    if not result.outcome.unallocated:
        return []
    found = [*beyond(result, caller, budget, mender), *fewer(result)]
    if is_thorough:
        found += later(result, caller, budget)
    return sorted(found, key=lambda each: each.rank)


def _at_once(watch: Watch, needed: Needs, result: Result, has: int, now: int, *, is_lowered: bool) -> Iterator[Remedy]:
    """What one of the staff's actions does now."""
    gain = max(result.outcome.allocated - has, 0)
    if is_lowered:
        if gain:
            yield Remedy(Kind.ALLOCATE, gain, _lowered(watch))
    elif staff.stopped_images(watch):
        yield Remedy(Kind.PUT_RIGHT, gain, "let the image be loaded again, although too many of its loads have failed")
    elif not needed.is_met and (words := _changes(result, has_some=bool(watch.facts.computers))):
        is_early = not watch.facts.computers and watch.facts.block.start - now > ASKED_AHEAD
        yield Remedy(Kind.PUT_RIGHT, gain, f"{words}{_AHEAD_OF_ITS_TURN if is_early else ''}")


def _lowered(watch: Watch) -> str:
    target, wanted = watch.facts.target, watch.facts.block.machines
    if target.is_released:
        return "allocate again what was released"
    return f"allocate for all {wanted}: it was to have {plural(target.machines, 'machine')}"


def _changes(result: Result, *, has_some: bool) -> str:
    """`replace 1 computer that will not be ready, load 1 computer again and take 2 more computers that are free now`.

    `has_some`: the class has computers.
    """
    replaced, again, added = mending.numbers_of_changes(result)
    more = "more computer" if has_some else "computer"
    parts = [
        f"replace {plural(replaced, 'computer')} that will not be ready" if replaced else "",
        f"load {plural(again, 'computer')} again" if again else "",
        f"take {plural(added, more)} that {'is' if added == 1 else 'are'} free now" if added else "",
    ]
    given = [part for part in parts if part]
    return " and ".join(filter(None, [", ".join(given[:-1]), *given[-1:]]))
