"""Draws the timeline as SVG.

Positions along the axis are in per cent, so that a drawing is as wide as the page allows. Colours are in timeline.css;
shapes and patterns, by which the kinds of bars can be told apart without colours, are here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from blockalloc.pages.timeline.axis import HOURS, WEEK, Axis

HEAD = 34  # px; the height of the axis
LANE, _GAP = 24, 4  # px; the height of a bar, and what is around it
_USUAL, _PHONE = 1100, 370  # px; how wide the axis is on a desk, and on a phone
_LONGEST = 60  # characters in a bar; its frame cuts off a longer text
_WIDTH_FOR_TEXT = 26  # px; a narrower bar has no text
_CHARACTER, _INDENT = 7.2, 10  # px; how wide a character is in the mean, and what is beside the text
_LEAST = 0.15  # per cent: a narrower bar would be invisible
_LABEL_OF_NOW_FITS = 92  # per cent: up to here it is on the right of its line, also on a phone

BLOCK, FOREIGN, LEAD, USER, RELOAD = "block", "foreign", "lead", "user", "reload"
FORESEEN, SHORT, BARE, RELEASED = "foreseen", "short", "bare", "released"


class _Shape(NamedTuple):
    """The height of a kind of bar (px), the radius of its corners (px), and its pattern."""

    height: int
    radius: int
    pattern: str | None = None


# Reservations of users and reloads are lower, and below the classes: see `_lanes`.
_SHAPES = {
    BLOCK: _Shape(24, 3),
    FOREIGN: _Shape(24, 3, "timeline-dots"),
    LEAD: _Shape(24, 0, "timeline-stripes"),
    USER: _Shape(20, 10),
    RELOAD: _Shape(20, 0, "timeline-stripes"),
    FORESEEN: _Shape(24, 3, "timeline-hatch"),
    SHORT: _Shape(24, 3, "timeline-double-hatch"),
    BARE: _Shape(24, 3),
    RELEASED: _Shape(24, 3),
}
_OF_CLASSES = frozenset({BLOCK, FOREIGN, LEAD, FORESEEN, SHORT, BARE, RELEASED})

LEGEND = (
    (LEAD, "lead time: computers load for a class"),
    (BLOCK, "class"),
    (FOREIGN, "another affiliation's class"),
    (USER, "reservation of a user"),
    (RELOAD, "reload for no class"),
)
LEGEND_AHEAD = (
    (FORESEEN, "foreseen: a class that has no computers yet"),
    (SHORT, "foreseen: it will be short"),
    (BARE, "no computers, and none foreseen"),
    (RELEASED, "released: nobody will ask for its computers"),
)


@dataclass(frozen=True, slots=True)
class Bar:
    """A booking of computers, or a class to come. `address`: its page, if there is one that the person may see."""

    kind: str
    start: int
    end: int
    text: str
    title: str
    address: str | None
    overlaps: bool = False  # with another class, or with a reservation of somebody who is not in the class


class _Room(NamedTuple):
    """Where a booking begins, and what is free beside it: up to where on its left and on its right (per cent).

    `text` is how wide the text is that may stand at the end of the free part on the left (px).
    """

    begins: float
    left: float
    right: float
    text: float


class Band(NamedTuple):
    """A site maintenance, across all computers."""

    start: int
    end: int
    title: str


_PATTERNS = """\
<pattern id="timeline-stripes" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">\
<rect class="paper" width="6" height="6"/><line class="ink" x1="0" y1="0" x2="0" y2="6" stroke-width="3"/></pattern>\
<pattern id="timeline-dots" width="6" height="6" patternUnits="userSpaceOnUse">\
<rect class="paper" width="6" height="6"/><circle class="ink" cx="2" cy="2" r="1"/></pattern>\
<pattern id="timeline-cross" width="9" height="9" patternUnits="userSpaceOnUse" patternTransform="rotate(-45)">\
<line class="ink" x1="0" y1="0" x2="0" y2="9" stroke-width="2"/></pattern>\
<pattern id="timeline-hatch" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(-45)">\
<rect class="paper" width="8" height="8"/><line class="ink" x1="0" y1="0" x2="0" y2="8" stroke-width="2"/></pattern>\
<pattern id="timeline-double-hatch" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">\
<rect class="paper" width="8" height="8"/><path class="ink" d="M0 0V8M0 0H8" stroke-width="2"/></pattern>"""


def head(axis: Axis, bands: Sequence[Band], now: int, days: Sequence[str | None]) -> SafeString:
    """The axis, with the patterns of all bars; `days` are addresses of its days."""
    addresses = dict(zip(axis.days, days, strict=True))
    return format_html(
        '<svg class="axis" width="100%" height="{}" role="group" aria-label="Hours"><defs>{}</defs>{}{}{}</svg>',
        HEAD,
        SafeString(_PATTERNS),
        _labels(axis, addresses),
        _bands(axis, bands, f"{HEAD - 6}", f"{6}"),
        _label_of_now(axis, now),
    )


def grid(axis: Axis, bands: Sequence[Band]) -> SafeString:
    """What is behind all rows: the hours and the maintenances."""
    lines = format_html_join("", '<line class="tick{}" x1="{}%" x2="{}%" y1="0" y2="100%"/>', _lines(axis))
    return format_html(
        '<svg class="grid" width="100%" height="100%" aria-hidden="true">{}{}</svg>',
        lines,
        _bands(axis, bands, "0", "100%"),
    )


def line_of_now(axis: Axis, now: int) -> SafeString:
    """The line at `now`, before all rows; nothing where it is not in view."""
    line = _at_now(axis, now, SafeString('<line class="now" y1="0" y2="100%"/>'))
    if not line:
        return line
    return format_html('<svg class="over" width="100%" height="100%" aria-hidden="true">{}</svg>', line)


def line(axis: Axis, bookings: Iterable[Sequence[Bar]]) -> SafeString:
    """The bookings of one row, each of one bar or of several that follow each other; by start, as the Tab key goes."""
    shown = [bars for bars in bookings if bars[0].start < axis.end and bars[-1].end > axis.start]
    lanes = _lanes(shown)
    height = _GAP + (LANE + _GAP) * max(len(lanes), 1)
    tops = {id(bars): _GAP + (LANE + _GAP) * number for number, lane in enumerate(lanes) for bars in lane}
    rooms = _rooms(lanes, axis)
    drawn = "".join(
        _bar(axis, bar, tops[id(bars)], rooms[id(bars)])
        for bars in sorted(shown, key=_hours)
        for bar in bars
        if bar.start < axis.end and bar.end > axis.start
    )
    return SafeString(f'<svg class="line" width="100%" height="{height}">{drawn}</svg>')


def _rooms(lanes: Iterable[Sequence[Sequence[Bar]]], axis: Axis) -> dict[int, _Room]:
    """What is free beside each booking in its lane, by the booking's id()."""
    rooms = {}
    for lane in lanes:
        for before, bars, following in zip([None, *lane[:-1]], lane, [*lane[1:], None], strict=True):
            rooms[id(bars)] = _Room(
                axis.position(bars[0].start),
                axis.position(before[-1].end) if before else 0.0,
                axis.position(following[0].start) if following else 100.0,
                _needed(before[-1].text) if before else 0.0,
            )
    return rooms


def _lanes(bookings: Iterable[Sequence[Bar]]) -> list[list[Sequence[Bar]]]:
    """The bookings in as few lanes as they need, those of classes in the upper ones."""
    of_classes: list[Sequence[Bar]] = []
    others: list[Sequence[Bar]] = []
    for bars in sorted(bookings, key=_hours):
        (of_classes if bars[-1].kind in _OF_CLASSES else others).append(bars)
    return [*_stacked(of_classes), *_stacked(others)]


def _stacked(bookings: Iterable[Sequence[Bar]]) -> list[list[Sequence[Bar]]]:
    """The bookings (by start) in lanes in which none begins before the last one ends."""
    lanes: list[list[Sequence[Bar]]] = []
    for bars in bookings:
        lane = next((each for each in lanes if each[-1][-1].end <= bars[0].start), None)
        if lane is None:
            lanes.append([bars])
        else:
            lane.append(bars)
    return lanes


def _hours(bars: Sequence[Bar]) -> tuple[int, int]:
    return bars[0].start, bars[-1].end


def sample(kind: str) -> SafeString:
    """A bar for the legend."""
    shape = _SHAPES[kind]
    fill = f' fill="url(#{shape.pattern})"' if shape.pattern else ""
    return SafeString(
        f'<svg class="sample bar {kind}" width="26" height="16" aria-hidden="true">'
        f'<rect x="1" y="1" width="24" height="14" rx="{min(shape.radius, 7)}"{fill}/></svg>'
    )


def band_sample() -> SafeString:
    """A maintenance for the legend."""
    return SafeString(
        '<svg class="sample band" width="26" height="16" aria-hidden="true">'
        '<rect class="ground" width="26" height="16"/><rect fill="url(#timeline-cross)" width="26" height="16"/></svg>'
    )


def _bar(axis: Axis, bar: Bar, top: int, room: _Room) -> str:
    """A bar. A text that is too long for it is on its right, or else on its left, where there is room for it."""
    left, right = axis.position(bar.start), axis.position(bar.end)
    width = max(right - left, _LEAST)
    shape = _SHAPES[bar.kind]
    fill = f' fill="url(#{shape.pattern})"' if shape.pattern else ""
    kind = f"{bar.kind} overlaps" if bar.overlaps else bar.kind
    begin = min(left, 100 - width)
    after, before = _where_outside(bar.text, width, begin + width, room)
    outside = f"{after}{before}"
    box = (
        f'<title>{conditional_escape(bar.title)}</title><svg class="bar {kind}" x="{begin:.2f}%" '
        f'y="{top}" width="{width:.2f}%" height="{shape.height}"><rect width="100%" height="100%" rx="{shape.radius}"'
        f"{fill}/>{_text(bar, width, outside)}</svg>"
    )
    box += _beside(bar, after, begin + width, top, 'x="5"') if after else ""
    box += _beside(bar, before, min(room.begins, begin), top, 'x="-5" text-anchor="end"') if before else ""
    if bar.address is None:
        return f"<g>{box}</g>"
    return f'<a href="{conditional_escape(bar.address)}">{box}</a>'


def _beside(bar: Bar, windows: str, position: float, top: int, anchor: str) -> str:
    """The text of a bar beside it; `windows` are the CSS classes for those in which it is there."""
    return (
        f'<svg class="beside {bar.kind}{windows}" x="{position:.2f}%" y="{top}" overflow="visible">'
        f'<text {anchor} y="{_SHAPES[bar.kind].height // 2 + 4}">{_shortened(bar.text)}</text></svg>'
    )


def _where_outside(text: str, width: float, end: float, room: _Room) -> tuple[str, str]:
    """The CSS classes for the windows, wide and narrow ones, in which the text is after the bar, and before it.

    `width` and `end` are those of the bar (per cent).
    """
    after = before = ""
    needed = _needed(text)
    for name, px in ((" if-wide", _USUAL), (" if-narrow", _PHONE)):
        if not text or width / 100 * px >= needed:
            continue
        if needed <= (room.right - end) / 100 * px:
            after += name
        elif needed + room.text <= (room.begins - room.left) / 100 * px:
            before += name
    return after, before


def _needed(text: str) -> float:
    """How wide a text is, with what is around it (px)."""
    return _INDENT + _CHARACTER * min(len(text), _LONGEST)


def _text(bar: Bar, width: float, outside: str) -> str:
    """The text in a bar that is wide enough for some characters; not in windows in which it is `outside`."""
    if not bar.text or width / 100 * _USUAL < _WIDTH_FOR_TEXT:
        return ""
    hidden = f' class="{outside.replace("if-", "not-if-").strip()}"' if outside else ""
    return f'<text{hidden} x="6" y="{_SHAPES[bar.kind].height // 2 + 4}">{_shortened(bar.text)}</text>'


def _shortened(text: str) -> str:
    return conditional_escape(Truncator(text).chars(_LONGEST) if len(text) > _LONGEST else text)


def _lines(axis: Axis) -> Iterable[tuple[str, str, str]]:
    for tick in axis.ticks:
        position = f"{axis.position(tick.instant):.2f}"
        yield " midnight" if tick.day else "", position, position


def _labels(axis: Axis, addresses: dict[date, str | None]) -> SafeString:
    """The hours along the axis; of a week, its days above them. Below the hours of a day is room for now."""
    is_week = axis.zoom == WEEK
    hours = format_html_join(
        "",
        '<svg x="{}%" overflow="visible"><line class="tick{}" y1="{}" y2="{}"/>'
        '<text class="hour{}" x="3" y="{}">{}<tspan class="minutes">{}</tspan></text></svg>',
        (
            (f"{axis.position(tick.instant):.2f}", " midnight" if tick.day else "",
             18 if is_week and not tick.day else 0, HEAD,
             _importance(axis, tick.hour), 30 if is_week else 14, tick.label[:2], tick.label[2:])
            for tick in axis.ticks
        ),
    )  # fmt: skip
    days = format_html_join(
        "",
        '<svg x="{}%" overflow="visible">{}</svg>',
        (
            (f"{axis.position(tick.instant):.2f}", _day(tick.day, addresses[tick.day]))
            for tick in axis.ticks
            if tick.day and is_week
        ),
    )
    return format_html("{}{}", hours, days)


def _importance(axis: Axis, hour: int) -> str:
    """The CSS class of an hour that is left out on a phone."""
    return "" if hour % (2 if axis.zoom == HOURS else 4) == 0 and axis.zoom != WEEK else " wide-only"


def _day(day: date, address: str | None) -> SafeString:
    name = format_html(
        '<text class="day" x="3" y="14">{}<tspan class="wide-only"> {}</tspan></text>',
        f"{day:%a} {day.day}",
        f"{day:%b}",
    )
    return format_html('<a href="{}">{}</a>', address, name) if address else name


def _bands(axis: Axis, bands: Sequence[Band], top: str, height: str) -> SafeString:
    return format_html_join(
        "",
        '<svg class="band" x="{}%" y="{}" width="{}%" height="{}"><title>{}</title>'
        '<rect class="ground" width="100%" height="100%"/>'
        '<rect fill="url(#timeline-cross)" width="100%" height="100%"/></svg>',
        (
            (
                f"{axis.position(band.start):.2f}",
                top,
                f"{max(axis.position(band.end) - axis.position(band.start), _LEAST):.2f}",
                height,
                band.title,
            )
            for band in bands
            if band.start < axis.end and band.end > axis.start
        ),
    )


def _label_of_now(axis: Axis, now: int) -> SafeString:
    """The word, and the beginning of the line; below the hours, so that it crosses none of them.

    The axis of a week has no room for it below the hours: there the legend is enough.
    """
    if axis.zoom == WEEK:
        return SafeString("")
    place = 'x="-4" text-anchor="end"' if axis.position(now) > _LABEL_OF_NOW_FITS else 'x="4"'
    line = f'<line class="now" y1="18" y2="{HEAD}"/><text class="now" {place} y="30">now</text>'
    return _at_now(axis, now, SafeString(line))


def _at_now(axis: Axis, now: int, drawn: SafeString) -> SafeString:
    """What is drawn at now; nothing where that is not in view."""
    if not axis.shows(now):
        return SafeString("")
    return format_html('<svg class="at-now" x="{}%" overflow="visible">{}</svg>', f"{axis.position(now):.2f}", drawn)
