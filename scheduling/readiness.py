"""Is it ready? Whether a class can begin in time, by what each of its computers is at this moment.

Facts in, words out: the person on duty reads a signal with what is wrong and what it means.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from scheduling.plan import machines_of
from scheduling.ready_computer import (
    BUSY_STATES,
    BlockFacts,
    ComputerFacts,
    ComputerReadiness,
    Fault,
    State,
    computer_readiness,
)
from scheduling.reload_plan import ROOM
from scheduling.windows import HOUR, MINUTE

ASKED_AHEAD = 6 * HOUR  # so long before the start the back end asks for a block time's computers (SPEC 1)
ACCEPTED = "accepted"

Level = Literal["good", "watch", "bad", "plain"]
LEVELS: tuple[Level, ...] = ("bad", "watch", "good", "plain")  # the worst first


@dataclass(frozen=True, slots=True)
class Signal:
    """How bad it is, and what is wrong, the worst first. `plain`: nothing is to be done about it."""

    level: Level
    words: tuple[str, ...]

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
    if not computers:  # most of a term's block times
        return 0
    return machines_of(block.image_ids, Counter(each.facts.image_id for each in computers))


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
    busy = [each for each in found if each.facts.has_user or each.facts.state in BUSY_STATES]
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
