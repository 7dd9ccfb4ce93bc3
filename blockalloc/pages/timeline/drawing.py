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

from blockalloc.pages.timeline.axis import WEEK, Axis

ROW, HEAD = 34, 34  # heights, px; timeline.css has them too
NARROWEST = 1008  # px; the minimum width in timeline.css
_LONGEST = 60  # characters in a bar; its frame cuts off a longer text
_WIDTH_FOR_TEXT = 26  # px; a narrower bar has no text
_LEAST = 0.15  # per cent: a narrower bar would be invisible

BLOCK, FOREIGN, LEAD, USER, RELOAD = "block", "foreign", "lead", "user", "reload"
FORESEEN, SHORT = "foreseen", "short"


class _Shape(NamedTuple):
    """The place of a kind of bar in its row (px), the radius of its corners (px), and its pattern."""

    top: int
    height: int
    radius: int
    pattern: str | None = None


# Classes above, reservations of users and reloads below: a reservation during a class hides neither.
_SHAPES = {
    BLOCK: _Shape(2, 16, 0),
    FOREIGN: _Shape(2, 16, 0, "timeline-dots"),
    LEAD: _Shape(2, 16, 0, "timeline-stripes"),
    USER: _Shape(19, 14, 6),
    RELOAD: _Shape(19, 14, 0, "timeline-stripes"),
    FORESEEN: _Shape(7, 20, 0, "timeline-hatch"),
    SHORT: _Shape(7, 20, 0, "timeline-double-hatch"),
}

LEGEND = (
    (LEAD, "lead time: the computers of a class load"),
    (BLOCK, "class"),
    (FOREIGN, "another affiliation's class"),
    (USER, "reservation of a user"),
    (RELOAD, "reload for no class"),
)
LEGEND_AHEAD = (
    (FORESEEN, "foreseen: a class that has no computers yet"),
    (SHORT, "foreseen: it will be short"),
)


@dataclass(frozen=True, slots=True)
class Bar:
    """A booking of a computer, or a class to come. `address`: its page, if there is one that the person may see."""

    kind: str
    start: int
    end: int
    text: str
    title: str
    address: str | None


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

_BAR = '<svg class="bar {}" x="{}%" y="{}" width="{}%" height="{}"><rect width="100%" height="100%" rx="{}"{}/>{}</svg>'


def head(axis: Axis, bands: Sequence[Band], now: int, days: Sequence[str | None]) -> SafeString:
    """The axis, and what all rows share: ticks, maintenances, the line at `now`. `days` are addresses of its days."""
    addresses = dict(zip(axis.days, days, strict=True))
    return format_html(
        '<svg class="axis" width="100%" height="{}" role="group" aria-label="Hours">'
        '<defs>{}<symbol id="timeline-grid">{}{}{}</symbol></defs>{}{}{}</svg>',
        HEAD,
        SafeString(_PATTERNS),
        format_html_join("", '<line class="tick{}" x1="{}%" x2="{}%" y1="0" y2="{}"/>', _lines(axis)),
        _bands(axis, bands, ROW),
        _now(axis, now, ROW, ""),
        _labels(axis, addresses),
        _bands(axis, bands, HEAD, top=HEAD - 6),
        # Not over the name of a day: there, the legend is enough.
        _now(axis, now, HEAD, "now" if axis.zoom != WEEK and axis.position(now) > 8 else ""),
    )


def line(axis: Axis, bars: Iterable[Bar]) -> SafeString:
    """The bars of one row."""
    return format_html(
        '<svg class="line" width="100%" height="{}"><use href="#timeline-grid" width="100%" height="{}"/>{}</svg>',
        ROW,
        ROW,
        SafeString("".join(_bar(axis, bar) for bar in bars)),
    )


def sample(kind: str) -> SafeString:
    """A bar for the legend."""
    return format_html(
        '<svg class="sample" width="26" height="16" aria-hidden="true">{}</svg>',
        _box(kind, "0", 0, "100", SafeString("")),
    )


def band_sample() -> SafeString:
    """A maintenance for the legend."""
    return format_html(
        '<svg class="sample band" width="26" height="16" aria-hidden="true">{}</svg>',
        SafeString(
            '<rect class="ground" width="26" height="16"/><rect fill="url(#timeline-cross)" width="26" height="16"/>'
        ),
    )


def _bar(axis: Axis, bar: Bar) -> SafeString:
    left, right = axis.position(bar.start), axis.position(bar.end)
    width = max(right - left, _LEAST)
    box = _box(bar.kind, f"{min(left, 100 - width):.3f}", _SHAPES[bar.kind].top, f"{width:.3f}", _text(bar, width))
    title = conditional_escape(bar.title)
    if bar.address is None:
        return SafeString(f"<g><title>{title}</title>{box}</g>")
    return SafeString(f'<a href="{conditional_escape(bar.address)}"><title>{title}</title>{box}</a>')


def _box(kind: str, left: str, top: int, width: str, text: SafeString) -> SafeString:
    shape = _SHAPES[kind]
    fill = f' fill="url(#{shape.pattern})"' if shape.pattern else ""
    return SafeString(_BAR.format(kind, left, top, width, shape.height, shape.radius, fill, text))


def _text(bar: Bar, width: float) -> SafeString:
    """The text in a bar that is wide enough for some characters."""
    if not bar.text or width / 100 * NARROWEST < _WIDTH_FOR_TEXT:
        return SafeString("")
    text = conditional_escape(Truncator(bar.text).chars(_LONGEST) if len(bar.text) > _LONGEST else bar.text)
    return SafeString(f'<text x="5" y="{_SHAPES[bar.kind].height - 4}">{text}</text>')


def _lines(axis: Axis) -> Iterable[tuple[str, str, str, int]]:
    for tick in axis.ticks:
        position = f"{axis.position(tick.instant):.3f}"
        yield " midnight" if tick.day else "", position, position, ROW


def _labels(axis: Axis, addresses: dict[date, str | None]) -> SafeString:
    """The hours along the axis, and above them the days."""
    hours = format_html_join(
        "",
        '<svg x="{}%" overflow="visible"><line class="tick{}" y1="{}" y2="{}"/>'
        '<text class="hour" x="3" y="{}">{}</text></svg>',
        (
            (f"{axis.position(tick.instant):.3f}", " midnight" if tick.day else "", 0 if tick.day else 18, HEAD, 30,
             tick.label)
            for tick in axis.ticks
        ),
    )  # fmt: skip
    days = format_html_join(
        "",
        '<svg x="{}%" overflow="visible">{}</svg>',
        (
            (
                f"{axis.position(tick.instant):.3f}",
                _day(axis, f"{tick.day:%a} {tick.day.day} {tick.day:%b}", addresses[tick.day]),
            )
            for tick in axis.ticks
            if tick.day
        ),
    )
    return format_html("{}{}", hours, days)


def _day(axis: Axis, name: str, address: str | None) -> SafeString:
    text = format_html('<text class="day" x="3" y="14">{}</text>', name)
    return format_html('<a href="{}">{}</a>', address, text) if axis.zoom == WEEK and address else text


def _bands(axis: Axis, bands: Sequence[Band], height: int, top: int = 0) -> SafeString:
    return format_html_join(
        "",
        '<svg class="band" x="{}%" y="{}" width="{}%" height="{}"><title>{}</title>'
        '<rect class="ground" width="100%" height="100%"/>'
        '<rect fill="url(#timeline-cross)" width="100%" height="100%"/></svg>',
        (
            (
                f"{axis.position(band.start):.3f}",
                top,
                f"{max(axis.position(band.end) - axis.position(band.start), _LEAST):.3f}",
                height - top,
                band.title,
            )
            for band in bands
        ),
    )


def _now(axis: Axis, now: int, height: int, text: str) -> SafeString:
    if not axis.shows(now):
        return SafeString("")
    label = format_html('<text class="now" x="3" y="10">{}</text>', text) if text else ""
    return format_html(
        '<svg x="{}%" overflow="visible"><line class="now" y1="0" y2="{}"/>{}</svg>',
        f"{axis.position(now):.3f}",
        height,
        label,
    )
