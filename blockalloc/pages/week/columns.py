"""The columns of the week: a day with its classes, each in a small block, by start."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

from django.urls import reverse
from django.utils.safestring import SafeString

from blockalloc.pages.block_days import (
    RELEASED,
    OfDay,
    announced,
    can_be_helped,
    can_be_put_right,
    day_name,
    hours_of,
    in_short,
    overview,
    signal_of,
)
from blockalloc.pages.class_figure import figure
from blockalloc.pages.classes_over import Over
from blockalloc.pages.icons import icon
from blockalloc.pages.linked import linked
from blockalloc.reports.forecasts import Foreseen
from blockalloc.reports.readiness import BlockTimeReadiness
from blockalloc.site_time import site_zone
from scheduling.class_numbers import ClassNumbers
from scheduling.readiness import LEVELS, Level
from scheduling.wording import allocated, span

_ANY = 987654321  # an id in the address of a page, for which those of the classes are put in
_PAGE = "admin:blockalloc_blocktime_change"


class Drawing(NamedTuple):
    """What blocks have in common: the address of a class's page, for the id `_ANY`, and the icons of the levels."""

    page: str
    icons: Mapping[Level, str]


@dataclass(frozen=True, slots=True)
class Block:
    """A class in its column.

    `level` and `label` are its signal; `short` is the reason for it in a few words, `words` all of them. `number` says
    how many machines ("17 of 20 usable", "48 of 50 foreseen"), "" where nobody knows; `counts` says more, of one with
    computers. `is_struck`: it does not take place, or its computers were taken away on purpose. `start` (Unix seconds)
    and the id are its place in the column. `links`: the ids of the classes that `words` name.
    """

    block_time_id: int
    start: int
    name: str
    group: str
    image: str
    address: str
    hours: str
    number: str
    level: Level
    icon: str
    label: str
    short: str
    words: str
    left: str = ""
    counts: str = ""
    is_over: bool = False
    is_on: bool = False
    is_struck: bool = False
    can_be_put_right: bool = False
    can_be_helped: bool = False
    links: Mapping[str, int] = field(default_factory=dict)

    @property
    def key(self) -> SafeString:
        """The id as it is in ids of elements: to format and to escape it hundreds of times takes long."""
        return SafeString(f"{self.block_time_id}")

    @property
    def about(self) -> str:
        """When it begins or ends, and for whom it is."""
        parts = (self.left[:1].upper() + self.left[1:], f"For {self.group}" if self.group else "")
        return " ".join(f"{part}." for part in parts if part)

    @property
    def kind(self) -> SafeString:
        """Its CSS classes."""
        when = " over" if self.is_over else " on" if self.is_on else ""
        return SafeString(f"{self.level}{when}{' struck' if self.is_struck else ''}")

    @property
    def linked_words(self) -> str:
        """`words` with links to the classes that they name."""
        return linked(self.words, self.links) if self.links else self.words

    @property
    def announcement(self) -> str:
        """The text that screen readers get when the signal changes."""
        return announced(self.name, self.hours, self.label, self.words)


@dataclass(frozen=True, slots=True)
class Column:
    """A day of the site's calendar with its classes. `is_open`: its fold is open at first, where days are folds."""

    day: date
    heading: str
    overview: str
    blocks: Sequence[Block]
    is_today: bool
    is_past: bool
    is_open: bool


def columns(by_day: Mapping[date, OfDay], today: date, now: int) -> list[Column]:
    """The columns of these days at `now` (Unix seconds)."""
    # Once, since there are hundreds of classes.
    drawing = Drawing(reverse(_PAGE, args=[_ANY]), {level: icon(level) for level in LEVELS})
    blocks = {day: _blocks(day, of_day, now, drawing) for day, of_day in by_day.items()}
    opened = _opened(blocks, today)
    return [
        Column(
            day=day,
            heading=f"{'Today, ' if day == today else ''}{day_name(day, today)}",
            overview=overview(of_day, now, is_today=day == today),
            blocks=blocks[day],
            is_today=day == today,
            is_past=day < today,
            is_open=day == opened,
        )
        for day, of_day in by_day.items()
    ]


def _opened(blocks: Mapping[date, Sequence[Block]], today: date) -> date | None:
    """Today; in another week the first day on which something is wrong, or the first with classes."""
    if today in blocks:
        return today
    wrong = (day for day, of_day in blocks.items() if any(each.level in ("bad", "watch") for each in of_day))
    return next(wrong, next((day for day, of_day in blocks.items() if of_day), None))


def _blocks(day: date, of_day: OfDay, now: int, drawing: Drawing) -> list[Block]:
    foreseen = of_day.forecast.foreseen
    found = [_block(each, day, now, foreseen.get(each.id), drawing) for each in of_day.block_times]
    found += [_over(each, day, address, drawing) for each, address in of_day.over]
    return sorted(found, key=lambda each: (each.start, each.block_time_id))


# --- A class of VCL's rows ----------------------------------------------------------------------


def _block(block_time: BlockTimeReadiness, day: date, now: int, foreseen: Foreseen | None, drawing: Drawing) -> Block:
    label, words = signal_of(block_time, now)
    ready = block_time.readiness
    is_open = block_time.is_current_or_upcoming(now)
    short = in_short(ready.signal.words, ready.numbers.failed) if ready.signal.level in ("bad", "watch") else ""
    if block_time.skip and words:
        short = words
    return Block(
        block_time_id=block_time.id,
        start=block_time.start,
        name=block_time.block,
        group=block_time.group,
        image=block_time.image,
        address=drawing.page.replace(str(_ANY), str(block_time.id)),
        hours=SafeString(hours_of(_local(block_time.start), _local(block_time.end), day)),
        number=SafeString(_number(block_time, foreseen) if is_open else ""),
        level=ready.signal.level,
        icon=drawing.icons[ready.signal.level],
        label=label,
        short=short,
        words=words,
        left=_left(block_time, now) if is_open else "",
        counts=_counts(ready.numbers) if ready.computers else "",
        is_over=block_time.end <= now,
        is_on=is_open and block_time.start <= now,
        is_struck=block_time.skip or short.startswith(RELEASED),
        can_be_put_right=can_be_put_right(block_time, now),
        can_be_helped=can_be_helped(block_time, now),
        links=foreseen.links if foreseen else {},
    )


def _number(block_time: BlockTimeReadiness, foreseen: Foreseen | None) -> str:
    """`17 of 20 usable`, as on "Today"; by the forecast `48 of 50 foreseen`, or `50 foreseen`; else `20 wanted`.

    Nothing for a class that was released, as its short words say.
    """
    of = figure(block_time, foreseen)
    if foreseen is not None and not block_time.readiness.computers:
        if block_time.readiness.released >= foreseen.requested:
            return ""
        if foreseen.machines >= foreseen.requested:
            return f"{foreseen.machines} foreseen"
    return f"{of.of_wanted} {of.what}"


def _counts(of: ClassNumbers) -> str:
    """`18 of 20 machines allocated, 17 usable, 6 ready; computers: 6 loaded, 7 loading`."""
    late = f", {of.late} late" if of.late else ""
    machines = f"{allocated(of.allocated, of.wanted, of.spares)} allocated, {of.usable} usable, {of.ready} ready{late}"
    return f"{machines}; {_computers(of)}"


def _computers(of: ClassNumbers) -> str:
    """`computers: 6 loaded, 7 loading, 4 waiting, 1 failed`: each computer is in one of these."""
    by_state = (
        ("in use", of.count("in use")),
        ("loaded", of.count("loaded")),
        ("loading", of.count("loading")),
        ("waiting", of.to_load),
        ("failed", of.count("failed")),
    )
    return f"computers: {', '.join(f'{number} {state}' for state, number in by_state if number)}"


def _left(block_time: BlockTimeReadiness, now: int) -> str:
    left = block_time.readiness.left
    return f"starts in {span(left)}" if left > 0 else f"on, ends in {span(block_time.end - now)}"


# --- One that is over ---------------------------------------------------------------------------


def _over(over: Over, day: date, address: str, drawing: Drawing) -> Block:
    number = f"{over.had} of {over.wanted} allocated" if over.had is not None and over.wanted is not None else ""
    is_released = over.words.startswith(RELEASED)
    if over.ready_at_start is not None and not is_released:
        short = f"{over.ready_at_start} ready at the start"
    else:
        short = over.words.partition("; ")[0] if over.is_skipped or is_released else ""
    return Block(
        block_time_id=over.block_time_id,
        start=over.start,
        name=over.name,
        group=over.group,
        image=over.image,
        address=address,
        hours=SafeString(hours_of(_local(over.start), _local(over.end), day)),
        number="" if over.is_skipped else number,
        level="plain",
        icon=drawing.icons["plain"],
        label=over.label,
        short=short,
        words=over.words,
        is_over=True,
        is_struck=over.is_skipped or is_released,
    )


def _local(instant: int) -> datetime:
    return datetime.fromtimestamp(instant, site_zone())
