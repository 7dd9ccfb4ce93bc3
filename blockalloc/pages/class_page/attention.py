"""What needs attention in a class: its computers in trouble, what is wrong with each, and what is done about it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from django.conf import settings

from blockalloc.pages.class_page.moments import clock_time
from blockalloc.pages.class_page.seats import Short, by_name
from blockalloc.pages.vcl_words import in_plain_words
from blockalloc.reports.readiness import BlockTimeReadiness
from blockalloc.reports.upkeep import BlockTimeUpkeep
from scheduling.ready_computer import BUSY_STATES, ComputerReadiness
from scheduling.windows import HOUR, MINUTE
from scheduling.wording import plural, span

_NAMES = 8  # of computers in a line; the seats show them all
_OF_NOTE = 120  # characters of VCL's notes on a computer
_SEVERAL = 2  # lines of which the same is said: it is said once
_RECENT = 10 * MINUTE  # keep_ready tries again after five
_NOT_RUNNING = "keep_ready is not running"


class Named(NamedTuple):
    """A computer in a line: `name` is `hostname` as pages show it, `note` the beginning of VCL's notes on it."""

    computer_id: int
    hostname: str
    name: str
    note: str = ""


class Matter(NamedTuple):
    """A line: `computers` and `more` that are not named, what is `wrong` with them, and what is `done` about it.

    `level` is that of a signal, `icon` what the computers do. A line about what is missing names no computers.
    """

    level: str
    icon: str
    computers: Sequence[Named]
    more: int
    wrong: str
    done: str

    @property
    def noted(self) -> Sequence[Named]:
        """The computers on which VCL has notes."""
        return [each for each in self.computers if each.note]


class Matters(NamedTuple):
    """The lines, the worst first; `done` is what is done about several of them, "" for nothing in common."""

    lines: Sequence[Matter]
    done: str

    @property
    def is_trouble(self) -> bool:
        """Whether any of them is more than worth knowing."""
        return any(each.level != "plain" for each in self.lines)


class _View(NamedTuple):
    """What the lines are made of; `now` in Unix seconds. `notes` are VCL's on computers (ids)."""

    class_: BlockTimeReadiness
    kept: BlockTimeUpkeep
    now: int
    short: Short
    notes: Mapping[int, str]

    @property
    def has_enough(self) -> bool:
        """Whether spares make up for the computers that failed."""
        return self.class_.readiness.numbers.missing == 0

    @property
    def keeper(self) -> str:
        """What keep_ready does about machines that the class lacks."""
        left, others = self.class_.readiness.left, self._others
        if not self.kept.is_alive:
            return f"Nobody is looking for {others}: {_NOT_RUNNING}"
        if left > settings.VCL_KEEP_READY_HOURS * HOUR:
            return f"keep_ready looks after the class from {settings.VCL_KEEP_READY_HOURS} h before its start"
        if self.kept.tried is not None and self.now - self.kept.tried <= _RECENT:
            tried = clock_time(self.kept.tried, self.now)
            return f"keep_ready found no {others.removeprefix('an')} at {tried}, and keeps looking"
        return f"keep_ready looks for {others} every minute"

    @property
    def _others(self) -> str:
        """What is looked for: `another computer`, `other computers`; not for what was released on purpose."""
        ready = self.class_.readiness
        on_purpose = min(ready.released, max(ready.wanted - ready.allocated, 0))
        return "another computer" if ready.numbers.missing - on_purpose <= 1 else "other computers"


def matters(
    class_: BlockTimeReadiness, kept: BlockTimeUpkeep, now: int, short: Short, notes: Mapping[int, str]
) -> Matters:
    """What needs attention in a class that is on or to come; nothing of any other.

    `notes` are what VCL's administrators wrote about its computers (ids): they say why one has failed.
    """
    if not class_.is_current_or_upcoming(now) or not class_.readiness.computers:
        return Matters((), "")
    view = _View(class_, kept, now, short, notes)
    found = [*_failed(view), *_missing(view), *_late(view), *_overdue(view), *_booked(view), *_outdated(view)]
    found.sort(key=lambda each: ("bad", "watch", "plain").index(each.level))
    if sum(each.done == view.keeper for each in found) < _SEVERAL:
        return Matters(found, "")
    return Matters([each._replace(done="") if each.done == view.keeper else each for each in found], view.keeper)


def _failed(view: _View) -> list[Matter]:
    by_fault: dict[tuple[str, str], list[ComputerReadiness]] = {}
    for each in view.class_.readiness.computers:
        if each.state == "failed" and each.fault is not None:
            by_fault.setdefault((each.fault.one, each.fault.many), []).append(each)
    level, done = ("watch", "Spares make up for it") if view.has_enough else ("bad", view.keeper)
    return [
        _with_notes(view, _matter(view, level, "failed", found, in_plain_words(one if len(found) == 1 else many), done))
        for (one, many), found in by_fault.items()
    ]


def _with_notes(view: _View, matter: Matter) -> Matter:
    noted = [each._replace(note=_in_one_line(view.notes.get(each.computer_id, ""))) for each in matter.computers]
    return matter._replace(computers=noted)


def _in_one_line(note: str) -> str:
    """The beginning of a note, which may have many lines: the page of the computer has all of it."""
    text = " ".join(note.split())
    return text if len(text) <= _OF_NOTE else f"{text[: _OF_NOTE - 1].rstrip()}…"


def _missing(view: _View) -> list[Matter]:
    ready = view.class_.readiness
    lacking = ready.wanted - ready.allocated
    released = min(ready.released, lacking)
    found = []
    if lacking > released:
        number = plural(lacking - released, "machine")
        verb = "is" if lacking - released == 1 else "are"
        found.append(Matter("bad", "missing", (), 0, f"{number} {verb} not allocated", view.keeper))
    if released:
        verb, them = ("is", "it") if released == 1 else ("are", "them")
        wrong = f"{plural(released, 'machine')} {verb} no longer asked for, since computers were released"
        found.append(Matter("watch", "missing", (), 0, wrong, f"“Allocate now” asks for {them} again"))
    return found


def _late(view: _View) -> list[Matter]:
    late = _of(view, lambda each: each.facts.id in view.class_.readiness.late)
    if not late:
        return []
    start, last = view.class_.start, max(each.ready_at or 0 for each in late)
    by, up_to = ("about", "") if len(late) == 1 else ("by about", "up to ")
    wrong = f"will be ready {by} {clock_time(last, start)}, {up_to}{span(last - start)} after the start"
    return [_matter(view, "bad", "loading", late, wrong, _exchanged(view, len(late)))]


def _exchanged(view: _View, number: int) -> str:
    """What keep_ready does about computers that will be late."""
    if not view.kept.is_alive:
        return f"{_NOT_RUNNING}, so {'it is' if number == 1 else 'they are'} not exchanged"
    return f"keep_ready exchanges {'it' if number == 1 else 'them'} where another computer would be ready sooner"


def _overdue(view: _View) -> list[Matter]:
    overdue = _of(view, lambda each: each.state == "overdue" and each.facts.id not in view.class_.readiness.late)
    busy = [each for each in overdue if each.facts.has_user or each.facts.state in BUSY_STATES]
    idle = [each for each in overdue if each not in busy]
    found = []
    if busy:
        verb = "is" if len(busy) == 1 else "are"
        found.append(_matter(view, "watch", "in-use", busy, f"{verb} still in use, and should be loading",
                             "Loaded when the user has left, unless keep_ready exchanges it before"))  # fmt: skip
    if idle:
        since = view.now - min(each.facts.reload_start or view.now for each in idle)
        found.append(_matter(view, "watch", "waiting", idle, f"should have begun to load {span(since)} ago",
                             "The management node has not begun: see its log if this goes on"))  # fmt: skip
    return found


def _booked(view: _View) -> list[Matter]:
    booked = _of(view, lambda each: each.state == "booked before" and each.facts.id not in view.class_.readiness.late)
    if not booked:
        return []
    start = view.class_.start
    until = clock_time(max(each.facts.booked_until or 0 for each in booked), start)
    by = clock_time(max(each.ready_at or 0 for each in booked), start)
    verb = "has" if len(booked) == 1 else "have"
    wrong = f"{verb} the image now, but others use {'it' if len(booked) == 1 else 'them'} until {until}"
    return [_matter(view, "plain", "waiting", booked, wrong, f"Loaded again after them, by {by}")]


def _outdated(view: _View) -> list[Matter]:
    old = _of(view, lambda each: each.old_revision and each.is_ready)
    verb = "holds" if len(old) == 1 else "hold"
    wrong = f"{verb} an old revision of the image"
    again = "it is" if len(old) == 1 else "they are"
    done = "Loaded again while there is time" if view.kept.is_alive else f"{_NOT_RUNNING}, so {again} not loaded again"
    return [_matter(view, "watch", "loaded", old, wrong, done)] if old else []


def _of(view: _View, fits: Callable[[ComputerReadiness], bool]) -> list[ComputerReadiness]:
    return [each for each in view.class_.readiness.computers if fits(each)]


def _matter(
    view: _View, level: str, icon: str, computers: Iterable[ComputerReadiness], wrong: str, done: str
) -> Matter:
    names = sorted((each.facts for each in computers), key=lambda each: by_name(each.hostname))
    named = [Named(each.id, each.hostname, view.short(each.hostname)) for each in names[:_NAMES]]
    return Matter(level, icon, named, len(names) - len(named), wrong, done)
