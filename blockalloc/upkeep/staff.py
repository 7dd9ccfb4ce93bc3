"""What staff do about the upkeep of a block time: "Put right now", "Stop holding", "Hold again" (SPEC 9)."""

from collections import Counter
from collections.abc import Callable, Container, Mapping, Sequence
from typing import NamedTuple

from django.conf import settings

from blockalloc import clock
from blockalloc.allocation.journal import Journal
from blockalloc.allocation.look import dry_run
from blockalloc.contract import refusals
from blockalloc.contract.messages import Caller, FillCall
from blockalloc.models import BlockTime, Decision
from blockalloc.reports import readiness
from blockalloc.site_time import site_zone
from blockalloc.store import rows, upkeep_holds, watches
from blockalloc.store.guard import Deadline, guarded
from blockalloc.upkeep import loads, mending, reading, trust
from blockalloc.upkeep.proposals import Proposal, proposals
from blockalloc.upkeep.reading import LoadTimes, Watch
from scheduling import wording
from scheduling.class_numbers import ClassNumbers
from scheduling.readiness import Readiness
from scheduling.ready_computer import State
from scheduling.upkeep.condition import Condition, Kind
from scheduling.upkeep.needs import Needs, needs
from scheduling.windows import HOUR

NOTHING = "nothing has to be done"
TRUSTED = "its image may be loaded again"
_EXPECTED = {Kind.ON_ITS_WAY: "expected in time"}
# In the words of the pages: what is loaded is not said to be ready.
_STATES: dict[State, str] = {"loaded": "loaded", "booked before": "loaded now, booked for others before"}

Work = Callable[[int], str]  # in a transaction at this time (Unix seconds); what was done, in words


class Proposed(NamedTuple):
    """What "Put right now" would do for a block time: about its computers, and the machines that it would have then.

    `others`: how many computers stay as they are, by what is to be expected of them. `machines`: those that it would
    have, in words; those that it can use, if nothing would be done; "" where that is not known. `obstacle`: why nothing
    would be done, "" when something was tried. `stopped_by`: why machines would be missing. `changes`: whether anything
    would be other than before; what was tried may come to nothing.
    """

    proposals: Sequence[Proposal]
    others: Mapping[str, int]
    machines: str
    obstacle: str = ""
    stopped_by: str = ""
    changes: bool = False


class Done(NamedTuple):
    """What was done about a block time, in words; whether it has all its machines then."""

    text: str
    is_complete: bool


def put_right(block_time_id: int, caller: Caller) -> Done:
    """Do now what keep_ready would do for one block time.

    What was stopped because its image failed to load goes on. Raises Refusal; nothing was done then.
    """
    watch = _watch(block_time_id)
    needed = needs(watch.facts, clock.now(), is_asked_by_staff=True)
    if stopped := stopped_images(watch):
        _trust(block_time_id, caller, stopped)
    if obstacle := obstacle_to(watch) or (_nothing(needed) if needed.is_met else ""):
        if stopped:
            return Done(f"{TRUSTED}; {obstacle}", is_complete=True)
        return Done(obstacle, obstacle == NOTHING)
    action = mending.mend(watch, caller, LoadTimes(), staff=True).action
    return Done(action.text, action.is_complete) if action else Done(NOTHING, is_complete=True)


def to_put_right() -> list[int]:
    """The ids of the block times of the next hours for which keep_ready would do something now, the next ones first."""
    now, hours = clock.now(), settings.VCL_KEEP_READY_HOURS
    watches_ = reading.upcoming(now, hours * HOUR, LoadTimes())
    return [each.facts.id for each in watches_ if not needs(each.facts, now, hours=hours).is_met]


def proposed(block_time_id: int, caller: Caller) -> Proposed:
    """What `put_right` would do now. Nothing is written. Raises Refusal."""
    watch, now = _watch(block_time_id), clock.now()
    target = watch.facts.target
    needed = needs(watch.facts, now, is_asked_by_staff=True)
    seen = seen_now(block_time_id, now)
    stopped = stopped_images(watch)
    if (obstacle := obstacle_to(watch) or (_nothing(needed) if needed.is_met else "")) and not stopped:
        usable = _usable(seen.numbers, target.machines)
        return Proposed(_unchanged(needed, ()), _others(needed, (), seen), usable, obstacle)
    call = FillCall(block_time_id, target.ignore_privileges, machines=target.machines)
    result = dry_run(call, caller, now, lambda _order: mending.mending_of(needed))
    changed = proposals(result)
    ids = {each.computer_id for each in changed}
    return Proposed(
        [*changed, *_unchanged(needed, ids)],
        _others(needed, ids, seen),
        wording.of_asked(result.outcome.allocated, target.machines, watch.facts.block.machines),
        stopped_by=result.stopped_by(),
        changes=result.changed or bool(stopped),
    )


def stop_holding(block_time_id: int, caller: Caller) -> str:
    """Keep VCL's front end off none of the block time's computers any more; returns what was done, in words.

    Until `hold_again`, people can take them while they load, and VCL's pages can change them. Raises Refusal.
    """

    def work(now: int) -> str:
        stopped = watches.stop_holds(block_time_id, now)
        watch = _watch(block_time_id)
        upkeep_holds.remove({each.id for each in watch.facts.computers})
        return "its computers are no longer held while they load" if stopped else "its holds were stopped already"

    return _recorded(Decision.HOLDING, block_time_id, caller, work)


def hold_again(block_time_id: int, caller: Caller) -> str:
    """Hold the block time's computers again, from the next look on; returns what was done, in words. Raises Refusal."""

    def work(_now: int) -> str:
        allowed = watches.allow_holds(block_time_id)
        return "its computers are held again while they load" if allowed else "its holds were not stopped"

    return _recorded(Decision.HOLDING, block_time_id, caller, work)


def _trust(block_time_id: int, caller: Caller, images: Sequence[int]) -> None:
    """Let images be loaded again, whatever has failed before."""

    def work(now: int) -> str:
        loads.trust(images, now)
        return TRUSTED

    _recorded(Decision.KEEP_READY, block_time_id, caller, work)


def _recorded(action: str, block_time_id: int, caller: Caller, work: Work) -> str:
    journal = Journal(action, caller, {"blockTimeid": block_time_id})

    def transaction() -> tuple[str, int]:
        row = rows.block_time(block_time_id)
        if row is None:
            raise refusals.unknown_block_time("blockTimeid", block_time_id)
        text = work(clock.now())
        return text, journal.record_action(text, row)

    with journal.recording_failures():
        text, decision_id = guarded(transaction, Deadline(), journal.count_retry)
    journal.prune(decision_id)
    return text


def _watch(block_time_id: int) -> Watch:
    watch = reading.one(block_time_id, clock.now())
    if watch is None:
        raise refusals.unknown_block_time("blockTimeid", block_time_id)
    return watch


def seen_now(block_time_id: int, now: int) -> Readiness:
    """What the pages say of the class."""
    found = readiness.read(BlockTime.objects.filter(pk=block_time_id), now, people=False)
    if not found:
        raise refusals.unknown_block_time("blockTimeid", block_time_id)
    return found[0].readiness


def obstacle_to(watch: Watch) -> str:
    """Why there is nothing to put right, whatever the computers do."""
    block, now = watch.facts.block, clock.now()
    if doubt := trust.look(now).doubt:
        return f"the site's clock is in doubt: {doubt}"
    match block.block_status.obstacle_to_taking_place(now):
        case "over":
            return "the class is over"
        case "expired":
            return "its block request has expired"
        case "skipped" | "not accepted" as status:
            return f"the class does not take place: it is {status}"
    if watch.facts.target.is_released:
        return "its computers were released: to give it others, use “Allocate now”"
    return ""


def stopped_images(watch: Watch) -> list[int]:
    """The images of the class of which nothing more is loaded, since too many loads have failed (SPEC 9.7)."""
    stops = loads.image_stops({watch.facts.id: watch.facts.target.machines}, clock.now())
    return [id_ for id_ in watch.image_ids if id_ in stops]


# --- Words --------------------------------------------------------------------------------------


def _nothing(needed: Needs) -> str:
    if needed.too_late:
        return "what is loaded from now on would be ready after the middle of the class"
    return NOTHING


def _unchanged(needed: Needs, changed: Container[int]) -> list[Proposal]:
    """The computers about which nothing is done although they may be late, or will not be ready."""
    action = "nothing" if needed.too_late else "nothing yet: there is still time, or no other one would be ready sooner"
    return [
        Proposal(each.computer.id, each.hostname, action, each.why.describe(site_zone()))
        for each in needed.conditions
        if each.why and each.computer.id not in changed
    ]


def _others(needed: Needs, changed: Container[int], seen: Readiness) -> Mapping[str, int]:
    states = {each.facts.id: each.state for each in seen.computers}
    others = [each for each in needed.conditions if not each.why and each.computer.id not in changed]
    # A template would look up the method `items` as a key of a Counter.
    return dict(Counter(_expected(each, states.get(each.computer.id, "in use")) for each in others))


def _usable(of: ClassNumbers, asked: int) -> str:
    fewer = f"; the last call asked for {asked}" if asked != of.wanted else ""
    return f"{wording.usable(of.usable, of.wanted)}{fewer}"


def _expected(each: Condition, state: State) -> str:
    """What is to be expected of a computer that stays as it is; `state` is that of the pages."""
    if each.kind is not Kind.READY:
        return _EXPECTED.get(each.kind, str(each.kind.value))
    return _STATES.get(state, "in use")  # whatever state its user, or the staff, have put it into
