"""The rows above those of classes with computers: classes that have none, with what is foreseen of them."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from django.urls import reverse

from blockalloc.pages.timeline import drawing
from blockalloc.pages.timeline.axis import WEEK, Axis, Hours
from blockalloc.pages.timeline.choices import Choices
from blockalloc.pages.timeline.drawing import BARE, FORESEEN, RELEASED, SHORT, Bar
from blockalloc.pages.timeline.row import Row
from blockalloc.pages.timeline.words import FOREIGN_NAME, Reader, counted, joined, page_of, span, times_of
from blockalloc.reports.classes_ahead import ClassAhead, classes_ahead
from blockalloc.reports.forecasts import NOT_CHECKED, Forecasts

_MOST = 60  # rows
_RELEASED, _NO_COMPUTERS = "released", "No computers"


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
        """The heading above the rows: nothing is foreseen of a class that was released, or that is on."""
        if self.kinds == {RELEASED}:
            return "Classes whose computers were released"
        if BARE in self.kinds:
            return "Classes without computers"
        if RELEASED in self.kinds:
            return "Classes without computers: foreseen or released"
        return "Classes that have no computers yet, with the machines foreseen for them"


class _Shown(NamedTuple):
    """A class as the person sees it. `is_due`: it is on, or somebody has asked for its machines, and it has none."""

    of: ClassAhead
    is_own: bool
    is_due: bool

    @property
    def is_released(self) -> bool:
        foreseen = self.of.foreseen
        return foreseen is not None and not foreseen.machines and not foreseen.missing

    @property
    def is_short(self) -> bool:
        return self.of.foreseen is not None and self.of.foreseen.missing > 0

    @property
    def is_unchecked(self) -> bool:
        return self.of.foreseen is None and not self.is_due

    @property
    def kind(self) -> str:
        """The kind of its bar; of a class of others nothing is said."""
        if not self.is_own:
            return FORESEEN
        if self.of.foreseen is None:
            return BARE
        return SHORT if self.is_short else RELEASED if self.is_released else FORESEEN

    @property
    def number(self) -> str:
        """`48 of 50`: the machines that it has, or will have; or that it was released, or not checked."""
        if self.of.foreseen is None:
            return f"0 of {self.of.machines}" if self.is_due else NOT_CHECKED
        return _RELEASED if self.is_released else f"{self.of.foreseen.machines} of {self.of.foreseen.requested}"

    @property
    def words(self) -> str:
        """What there is to say of it."""
        if self.of.foreseen is None:
            return _NO_COMPUTERS.lower() if self.is_due else NOT_CHECKED
        return self.of.foreseen.words


def ahead(forecasts: Forecasts, chosen: Choices, axis: Axis, reader: Reader) -> Ahead:
    """The classes of the axis that are on or to come and have no computers.

    First come those that are on, asked for already, or will be short, last those that were released.
    """
    of_days = [
        each
        for each in classes_ahead(forecasts, axis.first, axis.last, chosen.lab)
        if _is_chosen(each, chosen, is_own=_owns(each, reader))
    ]
    in_view = [each for each in of_days if each.start < axis.end and each.end > axis.start]
    classes = [_Shown(each, _owns(each, reader), _is_due(each, forecasts.now)) for each in in_view]
    series: dict[int, list[_Shown]] = {}
    for shown in classes:
        series.setdefault(shown.of.request_id, []).append(shown)
    rows = sorted(series.values(), key=_place)
    return Ahead(
        [_row(each, axis) for each in rows[:_MOST]],
        _summary(classes),
        max(len(rows) - _MOST, 0),
        [Hours(each.start, each.end) for each in of_days],
        {shown.kind for row in rows[:_MOST] for shown in row},
    )


def _owns(each: ClassAhead, reader: Reader) -> bool:
    return reader.scope.affiliation_id in (None, each.affiliation_id)


def _is_chosen(each: ClassAhead, chosen: Choices, *, is_own: bool) -> bool:
    """Whether the filters leave it; they reveal nothing about another affiliation's classes."""
    if chosen.image is None and chosen.block is None:
        return True
    return is_own and chosen.image in (None, each.image_id) and chosen.block in (None, each.request_id)


def _is_due(each: ClassAhead, now: int) -> bool:
    return each.foreseen is None and (each.is_asked or each.start <= now)


def _place(classes: Sequence[_Shown]) -> tuple[bool, bool]:
    """Where the row of a series comes among the others."""
    needs_a_look = any(each.is_own and (each.is_short or each.is_due) for each in classes)
    return not needs_a_look, all(each.kind == RELEASED for each in classes)


def _row(classes: Sequence[_Shown], axis: Axis) -> Row:
    first, is_own = classes[0].of, classes[0].is_own
    return Row(
        key=f"ahead-{first.request_id}",
        name=first.name if is_own else FOREIGN_NAME.capitalize(),
        address=reverse("admin:blockalloc_blockrequest_change", args=[first.request_id]) if is_own else None,
        about=_about(classes, axis),
        signals=_signals(classes) if is_own else [],
        drawing=drawing.line(axis, [[_bar(each)] for each in classes]),
    )


def _about(classes: Sequence[_Shown], axis: Axis) -> str:
    """The hours of a class, and what is foreseen of it; of several classes, their number."""
    if len(classes) > 1 or axis.zoom == WEEK:
        return counted(len(classes), "class", "classes")
    (only,) = classes
    hours = times_of(only.of.start, only.of.end)
    if not only.is_own:
        return hours
    machines = " machines" if only.number[0].isdigit() else ""
    return f"{hours} · {only.number}{machines}"


def _signals(classes: Sequence[_Shown]) -> list[tuple[str, str]]:
    now = [(_NO_COMPUTERS, "watch")] if any(each.is_due for each in classes) else []
    ahead = [("Will be short", "watch")] if any(each.is_short for each in classes) else []
    return now + ahead


def _bar(shown: _Shown) -> Bar:
    of, time = shown.of, span(shown.of.start, shown.of.end)
    if not shown.is_own:
        return Bar(FORESEEN, of.start, of.end, "", joined(FOREIGN_NAME, time, "it has no computers yet"), None)
    title = joined(of.name, time, of.image, shown.words)
    return Bar(shown.kind, of.start, of.end, shown.number, title, page_of("blocktime", of.id))


def _summary(classes: Sequence[_Shown]) -> str:
    """`3 classes have no computers yet: 1 of them will be short and 2 of them were not checked.`

    Classes of other affiliations are counted apart: whether they will be short is not said.
    """
    own = [each for each in classes if each.is_own]
    return " ".join(filter(None, [_summary_of(own), _summary_of_others(len(classes) - len(own))]))


def _summary_of(classes: Sequence[_Shown]) -> str:
    if not classes:
        return ""
    due = sum(each.is_due for each in classes)
    short = sum(each.is_short for each in classes)
    unchecked = sum(each.is_unchecked for each in classes)
    released = sum(each.is_released for each in classes)
    said = [
        f"{due} of them {'is' if due == 1 else 'are'} on or asked for already" if due else "",
        f"{short} of them will be short" if short else "",
        f"{_were(unchecked)} {NOT_CHECKED}" if unchecked else "",
    ]
    words = " and ".join(filter(None, said))
    if released:
        rest = words or ("none of the others will be short" if released < len(classes) else "")
        words = joined(f"{_were(released)} released", rest)
    yet = "" if released else " yet"
    return f"{_have_none(len(classes), '', yet)}: {words or 'none of them will be short'}."


def _were(number: int) -> str:
    return f"{number} of them {'was' if number == 1 else 'were'}"


def _summary_of_others(number: int) -> str:
    return f"{_have_none(number, ' of other affiliations', ' yet')}." if number else ""


def _have_none(number: int, whose: str, yet: str) -> str:
    return f"{counted(number, 'class', 'classes')}{whose} {'has' if number == 1 else 'have'} no computers{yet}"
