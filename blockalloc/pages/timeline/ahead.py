"""The rows above the computers: classes that have no computers, with what is foreseen of them."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from django.urls import reverse

from blockalloc.pages.timeline import drawing
from blockalloc.pages.timeline.axis import WEEK, Axis, Hours
from blockalloc.pages.timeline.choices import Choices
from blockalloc.pages.timeline.drawing import FORESEEN, RELEASED, SHORT, Bar
from blockalloc.pages.timeline.row import Row
from blockalloc.pages.timeline.words import FOREIGN_NAME, Reader, counted, joined, page_of, span, times_of
from blockalloc.reports.classes_ahead import ClassAhead, classes_ahead
from blockalloc.reports.forecasts import Forecasts

_MOST = 60  # rows
_RELEASED = "released"


class Ahead(NamedTuple):
    """The rows, and them in a sentence; "" for none. `more` series are not shown.

    `kinds` are those of the bars in the rows. `hours` are those of all classes of the days, whether in view or not.
    """

    rows: Sequence[Row]
    summary: str
    more: int
    hours: Sequence[Hours]
    kinds: Collection[str]

    @property
    def heading(self) -> str:
        """The heading above the rows: nothing is foreseen of a class that was released."""
        if self.kinds == {RELEASED}:
            return "Classes whose computers were released"
        if RELEASED in self.kinds:
            return "Classes without computers: foreseen or released"
        return "Classes that have no computers yet, with the machines foreseen for them"


def ahead(forecasts: Forecasts, chosen: Choices, axis: Axis, reader: Reader) -> Ahead:
    """The classes of the axis that are to come and have no computers: first those that will be short, last released."""
    of_days = [
        each
        for each in classes_ahead(forecasts, axis.first, axis.last, chosen.lab)
        if _is_chosen(each, chosen, is_own=_owns(each, reader))
    ]
    classes = [each for each in of_days if each.start < axis.end and each.end > axis.start]
    series: dict[int, list[ClassAhead]] = {}
    for each in classes:
        if each.foreseen is not None:
            series.setdefault(each.request_id, []).append(each)
    kinds = {id_: {_kind(each, is_own=_owns(each, reader)) for each in classes_} for id_, classes_ in series.items()}
    ids = sorted(series, key=lambda id_: (SHORT not in kinds[id_], kinds[id_] == {RELEASED}))
    return Ahead(
        [_row(series[id_], axis, reader) for id_ in ids[:_MOST]],
        _summary(classes, reader),
        max(len(ids) - _MOST, 0),
        [Hours(each.start, each.end) for each in of_days],
        {kind for id_ in ids[:_MOST] for kind in kinds[id_]},
    )


def _owns(each: ClassAhead, reader: Reader) -> bool:
    return reader.scope.affiliation_id in (None, each.affiliation_id)


def _is_chosen(each: ClassAhead, chosen: Choices, *, is_own: bool) -> bool:
    """Whether the filters leave it; they reveal nothing about another affiliation's classes."""
    if chosen.image is None and chosen.block is None:
        return True
    return is_own and chosen.image in (None, each.image_id) and chosen.block in (None, each.request_id)


def _row(classes: Sequence[ClassAhead], axis: Axis, reader: Reader) -> Row:
    first = classes[0]
    is_own = _owns(first, reader)
    bars = [_bar(each, is_own=is_own) for each in classes]
    name = first.name if is_own else FOREIGN_NAME.capitalize()
    address = reverse("admin:blockalloc_blockrequest_change", args=[first.request_id]) if is_own else None
    is_short = any(bar.kind == SHORT for bar in bars)
    return Row(
        key=f"ahead-{first.request_id}",
        name=name,
        address=address,
        about=_about(classes, axis, is_own=is_own),
        signals=[("Will be short", "watch")] if is_short else [],
        drawing=drawing.line(axis, [[bar] for bar in bars]),
    )


def _about(classes: Sequence[ClassAhead], axis: Axis, *, is_own: bool) -> str:
    """The hours of a class, and what is foreseen of it; of several classes, their number."""
    first = classes[0]
    if len(classes) > 1 or axis.zoom == WEEK:
        return counted(len(classes), "class", "classes")
    if not is_own or first.foreseen is None:
        return times_of(first.start, first.end)
    if _is_released(first):
        return f"{times_of(first.start, first.end)} · {_RELEASED}"
    return f"{times_of(first.start, first.end)} · {first.foreseen.machines} of {first.foreseen.requested} machines"


def _bar(each: ClassAhead, *, is_own: bool) -> Bar:
    time = span(each.start, each.end)
    if not is_own or each.foreseen is None:
        return Bar(FORESEEN, each.start, each.end, "", joined(FOREIGN_NAME, time, "it has no computers yet"), None)
    foreseen = each.foreseen
    title = joined(each.name, time, each.image, foreseen.words)
    kind = _kind(each, is_own=is_own)
    text = _RELEASED if kind == RELEASED else f"{foreseen.machines} of {foreseen.requested}"
    return Bar(kind, each.start, each.end, text, title, page_of("blocktime", each.id))


def _kind(each: ClassAhead, *, is_own: bool) -> str:
    """The kind of its bar; of a class of others nothing is said."""
    if not is_own or each.foreseen is None:
        return FORESEEN
    return SHORT if each.foreseen.missing else RELEASED if _is_released(each) else FORESEEN


def _summary(classes: Sequence[ClassAhead], reader: Reader) -> str:
    """`3 classes have no computers yet: 1 of them will be short and 2 of them were not checked.`

    Classes of other affiliations are counted apart: whether they will be short is not said.
    """
    own = [each for each in classes if _owns(each, reader)]
    return " ".join(filter(None, [_summary_of(own), _summary_of_others(len(classes) - len(own))]))


def _summary_of(classes: Sequence[ClassAhead]) -> str:
    if not classes:
        return ""
    short = sum(each.foreseen is not None and each.foreseen.missing > 0 for each in classes)
    unchecked = sum(each.foreseen is None for each in classes)
    released = sum(_is_released(each) for each in classes)
    said = [
        f"{short} of them will be short" if short else "",
        f"{unchecked} of them {'was' if unchecked == 1 else 'were'} not checked" if unchecked else "",
    ]
    words = " and ".join(filter(None, said))
    if released:
        rest = words or ("none of the others will be short" if released < len(classes) else "")
        words = joined(f"{released} of them {'was' if released == 1 else 'were'} released", rest)
    return f"{_have_none(len(classes), '', ' yet' if not released else '')}: {words or 'none of them will be short'}."


def _is_released(each: ClassAhead) -> bool:
    return each.foreseen is not None and not each.foreseen.machines and not each.foreseen.missing


def _summary_of_others(number: int) -> str:
    return f"{_have_none(number, ' of other affiliations', ' yet')}." if number else ""


def _have_none(number: int, whose: str, yet: str) -> str:
    return f"{counted(number, 'class', 'classes')}{whose} {'has' if number == 1 else 'have'} no computers{yet}"
