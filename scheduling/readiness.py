"""Whether a block time is ready: whether its class can begin in time, by the state of each of its computers now.

Facts in, words out: the person on duty reads a signal, which says how bad it is and what is wrong.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from scheduling import class_numbers, what_happened, wording
from scheduling.class_numbers import ClassNumbers, late_loads, numbers_of
from scheduling.machines import whole_machines
from scheduling.ready_computer import (
    BUSY_STATES,
    BlockFacts,
    ComputerFacts,
    ComputerReadiness,
    Fault,
    State,
    computer_readiness,
)
from scheduling.reload_plan import RELOAD_MARGIN
from scheduling.what_happened import EMPTY, Record
from scheduling.windows import HOUR, MINUTE
from scheduling.wording import plural, span

ASKED_AHEAD = class_numbers.ASKED_AHEAD

_AS_LIKELY_AS_NOT = 0.5

Level = Literal["good", "watch", "bad", "plain"]
LEVELS: tuple[Level, ...] = ("bad", "watch", "good", "plain")  # the worst first


@dataclass(frozen=True, slots=True)
class Signal:
    """How bad it is, and what is wrong, the worst first. `plain`: nothing is to be done about it.

    `is_risk`: it is bad that machines may be late, whether or not others are missing or have failed.
    """

    level: Level
    words: tuple[str, ...]
    is_risk: bool = field(default=False, compare=False)

    def __str__(self) -> str:
        return "; ".join(self.words)


class Sureness(NamedTuple):
    """How sure it is that a class to come has all its machines ready: a probability, its target, and words.

    `is_current`: whether keep_ready has said so in its last looks; otherwise it was said longer ago.
    """

    ready: float
    target: float
    words: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class Readiness:
    """How ready a block time is: its numbers, its computers, and what is wrong.

    `left` are the seconds until it starts, below 0 once it has begun. `sureness`: what was said of the class last, None
    where nothing was. `released`: the wanted machines for which nobody asks, as staff have released them on purpose.
    `late`: the computers (ids) that are expected to be ready after the start only.
    """

    numbers: ClassNumbers
    left: int
    signal: Signal
    computers: Sequence[ComputerReadiness] = ()
    sureness: Sureness | None = None
    released: int = 0
    late: frozenset[int] = frozenset()

    @property
    def wanted(self) -> int:
        """The machines that its block request wants."""
        return self.numbers.wanted

    @property
    def allocated(self) -> int:
        """The machines that it has, without spares."""
        return self.numbers.allocated

    @property
    def ready(self) -> int:
        """The machines that are ready."""
        return self.numbers.ready

    @property
    def in_words(self) -> str:
        """`18 of 20 machines and 2 spares, 15 ready, 1 late`."""
        of = self.numbers
        late = f", {of.late} late" if of.late else ""
        return f"{wording.allocated(of.allocated, of.wanted, of.spares)}, {of.ready} ready{late}"

    def count(self, *states: State) -> int:
        """How many computers are in these states."""
        return self.numbers.count(*states)


def readiness(
    block: BlockFacts, computers: Sequence[ComputerFacts], now: int, zone: ZoneInfo, record: Record = EMPTY,
    at_risk: str = "", sureness: Sureness | None = None,
) -> Readiness:  # fmt: skip
    """How ready the block time is at `now` (Unix seconds); `zone` is that of the times in its words.

    `record` says what happened to it; it matters when the block time lacks machines, or is skipped. `at_risk`: which
    computers may be late, by the last look of keep_ready; `sureness`: what was said of the class last.
    """
    judged = [computer_readiness(computer, block, now) for computer in computers]
    plan_is_known = sureness is not None and sureness.is_current
    numbers = numbers_of(block, judged, now, plan_is_known=plan_is_known)
    view = _View(block, now, zone, record, judged, numbers, at_risk, sureness)
    to_have = 0 if record.is_released_for_good and not judged else record.machines(block.machines)
    late = frozenset(each.facts.id for each in late_loads(block.start, judged, plan_is_known=plan_is_known))
    return Readiness(
        numbers, block.start - now, _signal(view), judged, sureness, released=block.machines - to_have, late=late
    )


def has_all(block: BlockFacts, computers: Sequence[ComputerFacts]) -> bool:
    """Whether the block time has all its machines, ready or not."""
    return _machines(block, computers) >= block.machines


def _machines(block: BlockFacts, computers: Iterable[ComputerFacts]) -> int:
    by_image = Counter(each.image_id for each in computers)
    return whole_machines(block.image_ids, by_image) if by_image else 0  # most of a term's block times have none yet


# --- The signal ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _View:
    """What the signal is made of."""

    block: BlockFacts
    now: int
    zone: ZoneInfo
    record: Record
    computers: Sequence[ComputerReadiness]
    numbers: ClassNumbers
    at_risk: str = ""
    sureness: Sureness | None = None

    @property
    def left(self) -> int:
        return self.block.start - self.now

    @property
    def plan_is_known(self) -> bool:
        """Whether keep_ready has just said when the loads that wait will end."""
        return self.sureness is not None and self.sureness.is_current

    @property
    def has_loaded_all(self) -> bool:
        """Whether all machines are ready and no reload is to come; until then others may use the computers."""
        waiting = (each.facts.reload_start for each in self.computers)
        return self.numbers.ready >= self.block.machines and not any(start and start > self.now for start in waiting)

    @property
    def why_short(self) -> str:
        """What happened to it, so that machines are missing; "" where nothing is known."""
        return "; ".join(what_happened.why_short(self.block, self.numbers.allocated, self.record, self.now, self.zone))

    def of(self, *states: State) -> list[ComputerReadiness]:
        return [each for each in self.computers if each.state in states]

    def has_enough_without(self, computers: Collection[ComputerReadiness]) -> bool:
        """Whether spares make up for these computers, and for those that have failed."""
        gone = {each.facts.id for each in [*computers, *self.of("failed")]}
        left = [each.facts for each in self.computers if each.facts.id not in gone]
        return _machines(self.block, left) >= self.block.machines


class _Problem(NamedTuple):
    """One thing that is wrong."""

    level: Level
    words: str


def _signal(view: _View) -> Signal:
    """The signal of a block time: of all that is wrong, the worst decides."""
    if closed := _closed(view):
        return Signal("plain", (closed,))
    if not view.computers:
        return _without_computers(view)
    at_risk, unsure = _at_risk(view), _unsure(view)
    risks = [*at_risk, *unsure]
    late = _late(view)
    problems = [
        *_missing(view),
        *_faults(view),
        *late,
        *_overdue(view),
        *_long_loads(view),
        *_outdated(view),
        *risks,
    ]
    if view.left > ASKED_AHEAD:  # there is time to put it right, and the back end has not even asked
        problems = [_Problem("watch", problem.words) for problem in problems]
    if not problems:
        return Signal("good", (_all_well(view),))
    problems.sort(key=lambda problem: LEVELS.index(problem.level))
    worst, *_ = problems
    # What an allocation said hours before is put right by keep_ready, which plans the class anew in its next looks.
    told = [*late, *at_risk, *(unsure if _is_to_be_believed(view) else ())]
    is_risk = worst.level == "bad" and any(each.level == "bad" for each in told)
    return Signal(worst.level, tuple(problem.words for problem in problems), is_risk)


def _closed(view: _View) -> str:
    """Why nothing is to be done about the block time (any more); "" when it is to take place."""
    block = view.block
    match block.block_status.obstacle_to_taking_place(view.now):
        case "skipped":
            return what_happened.skipped(view.record, view.now, view.zone)
        case "not accepted":
            return f"request {block.status}"
        case "over":
            return "over"
        case "expired":
            return "request expired"
    return ""


def _without_computers(view: _View) -> Signal:
    early = view.left > ASKED_AHEAD
    begins = f"begins in {span(view.left)}" if view.left > 0 else f"began {span(-view.left)} ago"
    why, released = view.why_short, view.record.is_released
    if not view.block.processed and not why:
        return _never_asked_for(view, begins)
    text = f"no computers, {begins}{f': {why}' if why else ''}"
    level: Level
    if view.block.processed or view.record.is_released_for_good:
        level = "watch" if early or released else "bad"
    elif released:  # a skip that was undone on VCL's pages
        level, text = "plain" if early else "watch", f"{text}; the back end has not asked yet"
    else:  # somebody has asked before the back end did, and has none
        level = "watch" if early or not _is_too_late(view) else "bad"
    return Signal(level, (text,))


def _never_asked_for(view: _View, begins: str) -> Signal:
    if view.left > ASKED_AHEAD:
        return Signal("plain", (f"not asked for yet, {begins}",))
    if _is_too_late(view):
        return Signal("bad", (f"never asked for, {begins}: too late to load all in time",))
    return Signal("watch", (f"never asked for, {begins}",))


def _is_too_late(view: _View) -> bool:
    """Whether it is too late to load all machines by the start, or very nearly."""
    # Warning 13 (reload_plan.is_late), but given earlier: that one is about computers that a call has just allocated,
    # here somebody has yet to notice and to make the call. So the last moment counts as too late, and so does an hour.
    block = view.block
    return view.left <= max(HOUR, block.load_seconds + RELOAD_MARGIN + MINUTE * block.machines)


def _missing(view: _View) -> list[_Problem]:
    of = view.numbers
    if of.allocated >= of.wanted:
        return []
    why = view.why_short
    # What staff have taken away on purpose is no trouble: nobody is to be told of it.
    level: Level = "watch" if of.allocated >= view.record.machines(of.wanted) else "bad"
    return [_Problem(level, f"{wording.missing(of.missing, of.wanted, of.failed)}{f': {why}' if why else ''}")]


def _faults(view: _View) -> list[_Problem]:
    by_fault: dict[Fault, list[str]] = {}
    for each in view.of("failed"):
        assert each.fault is not None, "each failed computer has its fault"
        by_fault.setdefault(each.fault, []).append(each.facts.hostname)
    texts = [
        f"{wording.computers(names)} {fault.one if len(names) == 1 else fault.many}"
        for fault, names in by_fault.items()
    ]
    if view.has_enough_without(()):
        return [_Problem("watch", text) for text in texts]
    if texts:
        texts[-1] += f": {wording.usable(view.numbers.usable, view.numbers.wanted)}"
    return [_Problem("bad", text) for text in texts]


def _late(view: _View) -> list[_Problem]:
    """Loads that are not done when the block begins."""
    late = late_loads(view.block.start, view.computers, plan_is_known=view.plan_is_known)
    if not late or view.has_enough_without(late):
        return []
    expected = f"expected {_clock_time(max(each.ready_at or 0 for each in late), view)}"
    if view.left <= 0:
        begun = f"began {span(-view.left)} ago"
        return [_Problem("bad", f"{plural(len(late), 'computer')} not loaded, {begun} ({expected})")]
    return [_Problem("bad", f"{plural(len(late), 'load')} will end after the start ({expected})")]


def _overdue(view: _View) -> list[_Problem]:
    overdue = view.of("overdue")
    if not overdue:
        return []
    since = view.now - min(each.facts.reload_start or view.now for each in overdue)
    what = f"{'reload' if len(overdue) == 1 else 'reloads'} of {_names(overdue)}"
    busy = [each for each in overdue if each.facts.has_user or each.facts.state in BUSY_STATES]
    why = f" ({_names(busy)} still in use)" if busy else ""
    return [_Problem("watch", f"{what} should have begun {span(since)} ago{why}")]


def _long_loads(view: _View) -> list[_Problem]:
    """Loads that have used up the margin that is planned for them: they may be stuck."""
    usual = view.block.load_seconds
    latest_start = view.now - usual - RELOAD_MARGIN
    loading = [each for each in view.of("loading") if each.begun is not None and each.begun < latest_start]
    if not loading:
        return []
    longest = view.now - min(each.begun or view.now for each in loading)
    verb = "has" if len(loading) == 1 else "have"
    return [_Problem("watch", f"{_names(loading)} {verb} been loading for {span(longest)} (usual: {span(usual)})")]


def _outdated(view: _View) -> list[_Problem]:
    outdated = [each for each in view.computers if each.old_revision and each.is_ready]
    if not outdated:
        return []
    verb = "holds" if len(outdated) == 1 else "hold"
    return [_Problem("watch", f"{_names(outdated)} {verb} an old revision of the image")]


def _at_risk(view: _View) -> list[_Problem]:
    """What keep_ready expects to be late, where nothing else says that something is wrong."""
    if not view.at_risk or view.of("failed"):
        return []
    return [_Problem("bad" if view.left <= HOUR else "watch", f"may be late: {view.at_risk}")]


def _is_to_be_believed(view: _View) -> bool:
    """Whether that the class is unsure has just been said, or there is no time left to put it right."""
    return view.sureness is None or view.sureness.is_current or view.left <= HOUR


def _unsure(view: _View) -> list[_Problem]:
    """That it is less sure than it should be, where nothing else says that something is wrong."""
    sureness = view.sureness
    if sureness is None or sureness.ready >= sureness.target or view.of("failed") or view.at_risk:
        return []
    if view.has_loaded_all:  # what was said before has come true
        return []
    return [_Problem("bad" if sureness.ready < _AS_LIKELY_AS_NOT else "watch", sureness.words)]


def _all_well(view: _View) -> str:
    wanted, ready = view.block.machines, view.numbers.ready
    in_use = len(view.of("in use"))
    used = f", {plural(in_use, 'computer')} in use" if in_use else ""
    sure = f"; {view.sureness.words}" if view.sureness and not view.has_loaded_all else ""
    if ready >= wanted:
        return (f"all {plural(wanted, 'machine')} ready" if wanted != 1 else "the machine is ready") + used + sure
    last = max((each.ready_at for each in view.computers if each.ready_at is not None), default=view.block.start)
    return f"{wording.of_wanted(ready, wanted)} ready, all by {_clock_time(last, view)}{used}{_not_yet(view)}{sure}"


def _not_yet(view: _View) -> str:
    """Why computers that have the image now are not ready."""
    texts = []
    if booked := view.numbers.count("booked before"):
        texts.append(f"{plural(booked, 'computer')} booked for others before")
    if view.left > ASKED_AHEAD and (loaded := view.numbers.count("loaded")):
        texts.append(f"{plural(loaded, 'computer')} loaded now, which others may still use")
    return f" ({', '.join(texts)})" if texts else ""


# --- Words --------------------------------------------------------------------------------------


def _clock_time(instant: int, view: _View) -> str:
    """`09:06` in site time; `Tue 09:06` when that is not on the day on which the block time begins."""
    local, begins = (datetime.fromtimestamp(moment, view.zone) for moment in (instant, view.block.start))
    return f"{local:%H:%M}" if local.date() == begins.date() else f"{local:%a %H:%M}"


def _names(computers: Sequence[ComputerReadiness]) -> str:
    return wording.computers([each.facts.hostname for each in computers])
