"""Is it ready? What each computer of a block time is at this moment, and whether the class can begin in time.

Facts in, words out: the person on duty reads a signal with what is wrong and what it means.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from scheduling.occupancy import FAILED, PENDING, RELOAD
from scheduling.plan import machines_of
from scheduling.reload_plan import ROOM
from scheduling.rules import UNUSABLE_STATES
from scheduling.windows import HOUR, MINUTE

State = Literal["in use", "loaded", "loading", "waiting", "overdue", "failed"]
STATES: tuple[State, ...] = ("in use", "loaded", "loading", "waiting", "overdue", "failed")

ASKED_AHEAD = 6 * HOUR  # so long before the start the back end asks for a block time's computers (SPEC 1)
GRACE = 2 * MINUTE  # a management node looks for reloads every few seconds, and counts in rounded minutes
ACCEPTED = "accepted"
# Steps of VCL's `computerloadstate` that end a load badly; and those that come in between, or after the end, and
# tell nothing about it: a process of the back end logs "exited" whether it loaded the computer or not.
FAILED_STEPS = frozenset({"loadimagefailed", "failed"})
SILENT_STEPS = ("info", "WARNING", "exited", "repeat")
_BUSY = frozenset({"inuse", "reserved", "timeout"})


class ComputerFacts(NamedTuple):
    """A computer of a block time, and its reload. Instants are Unix seconds, an id is the row's id in VCL's table."""

    id: int
    hostname: str
    image_id: int  # what it is to hold
    production_id: int  # that image's production revision; 0: it has none
    state: str  # VCL's: "available", "reloading", "inuse" …
    deleted: bool
    current_image_id: int  # what it holds
    revision_id: int
    reload_state: int = 0  # of the reload request; 0 when that is gone
    reload_last_state: int = 0
    reload_start: int | None = None
    target_revision_id: int | None = None  # what the reload is to load
    step: str = ""  # the last step that the load log tells of the reload, without the silent ones
    load_begun: int | None = None  # its first step
    has_user: bool = False  # a user's reservation occupies it now


class BlockFacts(NamedTuple):
    """A block time. `image_ids` make one machine: one image or, with a cluster, one for each computer of it."""

    start: int
    end: int
    processed: bool
    skip: bool
    status: str  # of the block request
    expires: int
    machines: int
    image_ids: tuple[int, ...]
    load_seconds: int  # how long the image takes to load, as estimated


class Fault(NamedTuple):
    """What is wrong with a computer, as it is said of one and of several."""

    one: str
    many: str


@dataclass(frozen=True, slots=True)
class ComputerReadiness:
    """What a computer is. `ready_at` is when its load is expected to end, None where nothing is to be loaded.

    `fault` tells what is wrong with a failed one. `old_revision`: what it holds is no longer in production.
    """

    facts: ComputerFacts
    state: State
    ready_at: int | None = None
    begun: int | None = None  # when the load that is at work began
    fault: Fault | None = None
    old_revision: bool = False

    @property
    def is_ready(self) -> bool:
        """Whether it can be used, or is."""
        return self.state in ("loaded", "in use")


Level = Literal["good", "watch", "bad", "plain"]
LEVELS: tuple[Level, ...] = ("bad", "watch", "good", "plain")  # the worst first


@dataclass(frozen=True, slots=True)
class Signal:
    """How bad it is, and what is wrong, the worst first. `plain`: nothing is to be done about it."""

    level: Level
    words: tuple[str, ...]

    @property
    def at_risk(self) -> bool:
        """Whether somebody should look after it."""
        return self.level in ("bad", "watch")

    def __str__(self) -> str:
        return "; ".join(self.words)


@dataclass(frozen=True, slots=True)
class Readiness:
    """How ready a block time is: whole machines (a cluster counts once), and computers by what they are.

    `left` are the seconds until it starts, below 0 once it has begun.
    """

    wanted: int
    allocated: int
    ready: int
    left: int
    signal: Signal
    computers: Sequence[ComputerReadiness] = ()
    counts: Mapping[State, int] = field(default_factory=dict)

    def count(self, state: State) -> int:
        """How many computers are in this state."""
        return self.counts.get(state, 0)


def readiness(block: BlockFacts, computers: Sequence[ComputerFacts], now: int, zone: ZoneInfo) -> Readiness:
    """How ready the block time is at `now` (Unix seconds); `zone` is that of the times in its words."""
    found = [computer_readiness(computer, block, now) for computer in computers]
    view = _View(
        block,
        now,
        zone,
        found,
        allocated=_machines(block, found),
        ready=_machines(block, [each for each in found if each.is_ready]),
        possible=_machines(block, [each for each in found if each.state != "failed"]),
    )
    return Readiness(
        wanted=block.machines,
        allocated=view.allocated,
        ready=view.ready,
        left=block.start - now,
        signal=_signal(view),
        computers=found,
        counts=Counter(each.state for each in found),
    )


def _machines(block: BlockFacts, computers: Sequence[ComputerReadiness]) -> int:
    return machines_of(block.image_ids, Counter(each.facts.image_id for each in computers))


# --- One computer -------------------------------------------------------------------------------


def computer_readiness(computer: ComputerFacts, block: BlockFacts, now: int) -> ComputerReadiness:
    """What a computer of the block time is at `now`."""
    if fault := _unusable(computer):
        return ComputerReadiness(computer, "failed", fault=fault)
    holds = computer.revision_id in {computer.production_id, computer.target_revision_id} - {0, None}
    old = computer.revision_id != computer.production_id and computer.current_image_id == computer.image_id
    if _in_use(computer, holds=holds or old, on=block.start <= now < block.end):
        return ComputerReadiness(computer, "in use", old_revision=old)
    free = computer.state == "available"
    if free and holds:
        return ComputerReadiness(computer, "loaded", old_revision=old)
    if found := _by_reload(computer, block, now):
        return found
    # Nobody will load it any more. A revision that has been exchanged since is what the class was promised.
    if free and old:
        return ComputerReadiness(computer, "loaded", old_revision=True)
    text = "not hold the image, and nothing will load it"
    return ComputerReadiness(computer, "failed", fault=Fault(f"does {text}", f"do {text}"))


def _unusable(computer: ComputerFacts) -> Fault | None:
    if computer.deleted or computer.state == "deleted":
        return Fault("is deleted", "are deleted")
    if computer.state == "failed" and _load_failed(computer):
        return _LOAD_FAULT
    if computer.state in UNUSABLE_STATES:
        return Fault(f"is in state {computer.state}", f"are in state {computer.state}")
    return None


def _in_use(computer: ComputerFacts, *, holds: bool, on: bool) -> bool:
    """Whether a member of the class has it. `on`: the block time has begun.

    Before that, somebody on a computer that is still to be loaded is no member: his time is over before the reload.
    """
    somebody = computer.has_user or computer.state in _BUSY
    if on:
        return somebody
    to_load = computer.reload_state == RELOAD or _is_loading(computer)
    return somebody and holds and not to_load


def _by_reload(computer: ComputerFacts, block: BlockFacts, now: int) -> ComputerReadiness | None:
    """What its reload makes of a computer that does not hold the image; None when there is none any more."""
    if computer.reload_state == RELOAD:
        begins = block.start if computer.reload_start is None else computer.reload_start
        state: State = "waiting" if now <= begins + GRACE else "overdue"
        return ComputerReadiness(computer, state, ready_at=max(begins, now) + block.load_seconds)
    if _load_failed(computer):
        return ComputerReadiness(computer, "failed", fault=_LOAD_FAULT)
    if _is_loading(computer) or computer.state == "reloading":
        begun = computer.load_begun or computer.reload_start or now
        # One that takes longer than expected is not ready the next moment either.
        expected = max(begun + block.load_seconds, now + MINUTE)
        return ComputerReadiness(computer, "loading", ready_at=expected, begun=begun)
    return None


def _is_loading(computer: ComputerFacts) -> bool:
    return (computer.reload_state, computer.reload_last_state) == (PENDING, RELOAD)


def _load_failed(computer: ComputerFacts) -> bool:
    return computer.reload_state == FAILED or (_is_loading(computer) and computer.step in FAILED_STEPS)


_LOAD_FAULT = Fault("failed to load", "failed to load")

# --- The signal ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _View:
    """What the signal is made of. Machines: `possible` are those that no failed computer takes away."""

    block: BlockFacts
    now: int
    zone: ZoneInfo
    computers: Sequence[ComputerReadiness]
    allocated: int
    ready: int
    possible: int

    @property
    def left(self) -> int:
        return self.block.start - self.now

    def of(self, *states: State) -> list[ComputerReadiness]:
        return [each for each in self.computers if each.state in states]


_Problem = tuple[Level, str]


def _signal(view: _View) -> Signal:
    """The signal of a block time: of all that is wrong, the worst decides."""
    if closed := _closed(view):
        return Signal("plain", (closed,))
    if not view.computers:
        return _without_computers(view)
    problems = [*_missing(view), *_faults(view), *_late(view), *_overdue(view), *_long_loads(view), *_outdated(view)]
    if view.left > ASKED_AHEAD:  # there is time to put it right, and the back end has not even asked
        problems = [("watch", words) for _, words in problems]
    problems.sort(key=lambda problem: LEVELS.index(problem[0]))
    if not problems:
        return Signal("good", (_all_well(view),))
    return Signal(problems[0][0], tuple(words for _, words in problems))


def _closed(view: _View) -> str:
    """Why nothing is to be done about the block time (any more); "" when it is to take place."""
    block = view.block
    if block.skip:
        return "skipped"
    if block.status != ACCEPTED:
        return f"request {block.status}"
    if block.end <= view.now:
        return "over"
    return "request expired" if block.expires <= view.now else ""


def _without_computers(view: _View) -> Signal:
    block, left = view.block, view.left
    begins = f"begins in {span(left)}" if left > 0 else f"began {span(-left)} ago"
    if block.processed:
        return Signal("watch" if left > ASKED_AHEAD else "bad", (f"no computers found, {begins}",))
    if left > ASKED_AHEAD:
        return Signal("plain", (f"not processed yet, {begins}",))
    # From here on the last of the machines would not be loaded by the start (SPEC 6, warning 13).
    if left <= max(HOUR, block.load_seconds + ROOM + MINUTE * block.machines):
        return Signal("bad", (f"not processed, {begins}: too late to load all in time",))
    return Signal("watch", (f"not processed yet, {begins}",))


def _missing(view: _View) -> list[_Problem]:
    missing = view.block.machines - view.allocated
    if missing <= 0:
        return []
    return [("bad", f"{missing} of {_plural(view.block.machines, 'machine')} missing")]


def _faults(view: _View) -> list[_Problem]:
    by_fault: dict[Fault, list[str]] = {}
    for each in view.of("failed"):
        assert each.fault is not None, "each failed computer has its fault"
        by_fault.setdefault(each.fault, []).append(each.facts.hostname)
    told = [f"{_listed(names)} {fault.one if len(names) == 1 else fault.many}" for fault, names in by_fault.items()]
    if told:
        told[-1] += f": at most {view.possible} of {_plural(view.block.machines, 'machine')} can be had"
    return [("bad", words) for words in told]


def _late(view: _View) -> list[_Problem]:
    """Loads that are not done when the block begins."""
    loads = [each.ready_at for each in view.of("loading", "waiting", "overdue") if each.ready_at is not None]
    late = [ready_at for ready_at in loads if ready_at > view.block.start]
    if not late:
        return []
    expected = f"expected {_clock_time(max(late), view)}"
    if view.left <= 0:
        begun = f"began {span(-view.left)} ago"
        return [("bad", f"{_plural(len(late), 'computer')} not loaded, {begun} ({expected})")]
    return [("bad", f"{_plural(len(late), 'load')} will end after the start ({expected})")]


def _overdue(view: _View) -> list[_Problem]:
    found = view.of("overdue")
    if not found:
        return []
    since = view.now - min(each.facts.reload_start or view.now for each in found)
    what = f"{'reload' if len(found) == 1 else 'reloads'} of {_names(found)}"
    busy = [each for each in found if each.facts.has_user or each.facts.state in _BUSY]
    why = f" ({_names(busy)} still in use)" if busy else ""
    return [("watch", f"{what} should have begun {span(since)} ago{why}")]


def _long_loads(view: _View) -> list[_Problem]:
    """Loads that have used up the room that is planned for them: they may be stuck."""
    usual = view.block.load_seconds
    found = [each for each in view.of("loading") if each.begun is not None and view.now - each.begun > usual + ROOM]
    if not found:
        return []
    since = view.now - min(each.begun or view.now for each in found)
    verb = "has" if len(found) == 1 else "have"
    return [("watch", f"{_names(found)} {verb} been loading for {span(since)} (usual: {span(usual)})")]


def _outdated(view: _View) -> list[_Problem]:
    found = [each for each in view.computers if each.old_revision and each.is_ready]
    if not found:
        return []
    verb = "holds" if len(found) == 1 else "hold"
    return [("watch", f"{_names(found)} {verb} an old revision of the image")]


def _all_well(view: _View) -> str:
    wanted = view.block.machines
    in_use = len(view.of("in use"))
    used = f", {_plural(in_use, 'computer')} in use" if in_use else ""
    if view.ready >= wanted:
        return f"all {_plural(wanted, 'machine')} ready{used}" if wanted != 1 else f"the machine is ready{used}"
    last = max((each.ready_at for each in view.computers if each.ready_at is not None), default=view.block.start)
    return f"{view.ready} of {_plural(wanted, 'machine')} ready, all by {_clock_time(last, view)}{used}"


# --- Words --------------------------------------------------------------------------------------


def span(seconds: int) -> str:
    """How long something takes, as one says it: `40 s`, `38 min`, `2 h 10 min`, `30 h`, `3 days`."""
    if seconds < MINUTE:
        return f"{seconds} s"
    if seconds < HOUR:
        return f"{seconds // MINUTE} min"
    if seconds < 48 * HOUR:
        hours, minutes = divmod(seconds // MINUTE, 60)
        return f"{hours} h" + (f" {minutes} min" if minutes and hours < 10 else "")
    return f"{seconds // (24 * HOUR)} days"


def _clock_time(instant: int, view: _View) -> str:
    """`09:06`, on the site's clock; `Tue 09:06` when that is not on the day on which the block time begins."""
    local, begins = (datetime.fromtimestamp(moment, view.zone) for moment in (instant, view.block.start))
    return f"{local:%H:%M}" if local.date() == begins.date() else f"{local:%a %H:%M}"


def _names(computers: Sequence[ComputerReadiness]) -> str:
    return _listed([each.facts.hostname for each in computers])


def _listed(names: Sequence[str]) -> str:
    """The names of a few, and how many more there are."""
    if len(names) > 3:
        return f"{names[0]}, {names[1]} and {len(names) - 2} more"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _plural(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
