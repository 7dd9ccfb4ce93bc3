"""Draws load times as SVG. Positions are in per cent; colours are in load_times.css."""

from collections.abc import Sequence

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from scheduling.load_statistics import Bin
from scheduling.windows import MINUTE

_HEIGHT, _TOP, _BOTTOM = 220, 22, 24  # px: the whole drawing, above the bars, below them
_FIELD = _HEIGHT - _TOP - _BOTTOM
_LABELS = 10  # at most, along the axis


def histogram(bins: Sequence[Bin], marks: Sequence[tuple[int, str]], label: str) -> SafeString:
    """A bar for each bin. `marks` are vertical lines: (seconds, text). `label` is for screen readers."""
    low = bins[0].low
    width = max([bins[-1].high, *(seconds + MINUTE for seconds, _ in marks)]) - low

    def place(seconds: int) -> str:
        return f"{100 * (seconds - low) / width:.3f}"

    most = max(each.number for each in bins)
    bars = (
        (
            place(each.low),
            _TOP + _FIELD - round(_FIELD * each.number / most, 1),
            f"{100 * (each.high - each.low) / width - 0.15:.3f}",
            round(_FIELD * each.number / most, 1),
            f"{clock(each.low)} to {clock(each.high)} min: {each.number:,}",
        )
        for each in bins
        if each.number
    )
    return format_html(
        '<svg class="histogram" width="100%" height="{}" role="img" aria-label="{}">{}'
        '<line class="foot" x1="0" x2="100%" y1="{}" y2="{}"/>{}{}</svg>',
        _HEIGHT,
        label,
        format_html_join(
            "",
            '<rect class="loads" x="{}%" y="{}" width="{}%" height="{}"><title>{}</title></rect>',
            bars,
        ),
        _TOP + _FIELD,
        _TOP + _FIELD,
        format_html_join(
            "",
            '<text class="minutes{}" x="{}%" y="{}">{}</text>',
            (
                ("" if seconds > low else " first", place(seconds), _HEIGHT - 8, clock(seconds))
                for seconds in _minutes(low, low + width)
            ),
        ),
        format_html_join(
            "",
            '<line class="mark mark{}" x1="{}%" x2="{}%" y1="14" y2="{}"/>'
            '<text class="mark" x="{}%" y="11"{}>{}</text>',
            (
                (number, place(at), place(at), _TOP + _FIELD, place(at), _side(100 * (at - low) / width), text)
                for number, (at, text) in enumerate(marks)
            ),
        ),
    )


def bar(part: int, whole: int) -> SafeString:
    """A bar in a table: 100 px for `whole`, less for a `part` of it."""
    return format_html(
        '<svg class="share" width="100" height="10" aria-hidden="true"><rect width="{}" height="10"/></svg>',
        round(100 * part / whole) if whole else 0,
    )


def clock(seconds: int) -> str:
    """Seconds as minutes: `9:30`."""
    return f"{seconds // MINUTE}:{seconds % MINUTE:02}"


def _side(place: float) -> SafeString:
    """The attribute that puts a text near the right edge to the left of its position."""
    return SafeString(' text-anchor="end"' if place > 60 else "")


def _minutes(low: int, high: int) -> range:
    """Full minutes to label on the axis, in seconds."""
    minutes = max(-(-(high - low) // MINUTE // _LABELS), 1)
    step = minutes * MINUTE
    return range(-(-low // step) * step, high, step)
