"""Draws what classes asked for, had and used, as SVG. Positions are in per cent; colours are in semester.css."""

from collections.abc import Sequence
from math import ceil, log10

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from blockalloc.reports.semester import Line

_HEIGHT, _TOP, _BOTTOM = 240, 12, 24  # px: the whole drawing, above the bars, below them
_FIELD = _HEIGHT - _TOP - _BOTTOM
_LEFT = 5.0  # per cent, for the numbers of the scale
_LABELS = 9  # at most, along the axis
_STEPS = 4  # of the scale
# The bars of a period: CSS class, place and width as parts of the period's width.
_BARS = (("asked", 0.08, 0.42), ("had", 0.14, 0.30), ("used", 0.54, 0.34))


def chart(drawn: Sequence[Line], label: str) -> SafeString:
    """Bars for each period, in their order. `label` is for screen readers."""
    top = _top(max(max(_values(line).values()) for line in drawn))
    width = (100 - _LEFT) / len(drawn)
    scale = [(round(_TOP + _FIELD * (1 - step / _STEPS), 1), f"{top * step // _STEPS:,}") for step in range(_STEPS + 1)]
    every = ceil(len(drawn) / _LABELS)
    return format_html(
        '<svg class="semester-chart" width="100%" height="{}" role="img" aria-label="{}">{}{}{}</svg>',
        _HEIGHT,
        label,
        format_html_join(
            "",
            '<line class="step" x1="{}%" x2="100%" y1="{}" y2="{}"/><text class="scale" x="{}%" y="{}">{}</text>',
            ((_LEFT, y, y, _LEFT - 0.5, y + 4, number) for y, number in scale),
        ),
        format_html_join(
            "", "{}", ((_bars(line, _LEFT + place * width, width, top),) for place, line in enumerate(drawn))
        ),
        format_html_join(
            "",
            '<text class="period" x="{}%" y="{}">{}</text>',
            (
                (f"{_LEFT + (place + 0.5) * width:.3f}", _HEIGHT - 6, line.name)
                for place, line in enumerate(drawn)
                if place % every == 0
            ),
        ),
    )


def _bars(line: Line, left: float, width: float, top: int) -> SafeString:
    values = _values(line)
    bars = [
        (name, f"{left + place * width:.3f}", f"{_TOP + _FIELD - height:.1f}", f"{part * width:.3f}", height)
        for name, place, part in _BARS
        if (height := round(_FIELD * values[name] / top, 1))
    ]
    return format_html(
        "<g><title>{}</title>{}</g>",
        f"{line.name}: {values['asked']:,} computers asked for, {values['had']:,} allocated, "
        f"{values['used']:,} used at the peak",
        format_html_join("", '<rect class="{}" x="{}%" y="{}" width="{}%" height="{}"/>', bars),
    )


def _values(line: Line) -> dict[str, int]:
    """Computers, of the same classes in each bar: those whose use was counted."""
    figures = line.figures
    return {"asked": figures.counted_wanted, "had": figures.counted_had, "used": figures.used}


def _top(most: int) -> int:
    """The end of the scale: the next number whose quarters are round."""
    step: int = 10 ** max(int(log10(max(most, 1))) - 1, 0)
    return next(each * step * _STEPS for each in range(1, 26) if each * step * _STEPS >= most)
