"""The report of a semester: what classes asked for, had and used, by series, image, month or owner."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import reduce
from typing import NamedTuple

from blockalloc.models import ClassHeld
from blockalloc.models.querysets import ClassHeldQuerySet
from blockalloc.models.scope import Scope
from blockalloc.site_time import local_to_instant
from blockalloc.store import semester as store
from blockalloc.store.semester import Classes, Figures, Group

SERIES, IMAGE, MONTH, OWNER = "series", "image", "month", "owner"
BY = (SERIES, IMAGE, MONTH, OWNER)
_DAY, _WEEK = timedelta(days=1), timedelta(days=7)
_WEEKS_DRAWN = 27  # a longer period is drawn by months
_MONTHS = 6  # of the report that nobody asked otherwise of


class Asked(NamedTuple):
    """What the report is about: classes that begin on a day from `first` to `last`, of one series, image or owner."""

    first: date
    last: date
    by: str
    series: int | None = None
    image: int | None = None
    owner: str | None = None


class Line(NamedTuple):
    """A group of the report. `first` and `last` are days: those of a month, else those of the whole report."""

    key: int | str
    name: str
    figures: Figures
    first: date
    last: date


class Report(NamedTuple):
    """The lines, their sum, and the same by weeks or months (`drawn`). `about` names the one series, image or owner.

    `unseen`: classes that had machines, by the decisions, and have no closing row; None when nobody asked for it.
    """

    lines: list[Line]
    total: Figures
    drawn: list[Line]
    is_by_week: bool
    unseen: int | None
    about: str


def last_months(today: date) -> tuple[date, date]:
    """The last six months, with the current one: from the first of a month to today."""
    month = today.year * 12 + today.month - 1 - (_MONTHS - 1)
    return date(month // 12, month % 12 + 1, 1), today


def half_years(today: date) -> list[tuple[date, date]]:
    """The half year of the calendar before the current one, and that."""
    july, year = date(today.year, 7, 1), today.year
    spring, fall = (date(year, 1, 1), july - _DAY), (july, date(year, 12, 31))
    return [spring, fall] if today >= july else [(date(year - 1, 7, 1), date(year - 1, 12, 31)), spring]


def report(asked: Asked, scope: Scope, now: int, *, unseen: bool = False) -> Report:
    """The report of classes in the scope that are over at `now` (Unix seconds). Two statements at most.

    With `unseen`, classes without a closing row are counted, in one statement more, which reads all decisions.
    """
    classes = _classes(asked, scope, now)
    months = list(_months(asked.first, asked.last))
    is_by_week = (asked.last - asked.first).days < _WEEKS_DRAWN * 7
    periods = list(_weeks(asked.first, asked.last)) if is_by_week else months
    drawn = _by_period(classes, periods)
    if asked.by == MONTH:
        found = drawn if periods is months else _by_period(classes, months)
        lines = [_line_of_month(group, *months[int(group.key)]) for group in found]
    else:
        found = store.groups(classes, asked.by)
        lines = [Line(group.key, _name(group, asked.by), group.figures, asked.first, asked.last) for group in found]
    figures = {int(group.key): group.figures for group in drawn}
    label = "{0.day} {0:%b}" if is_by_week else "{0:%b %Y}"
    return Report(
        lines=lines,
        total=reduce(Figures.plus, (line.figures for line in lines), Figures()),
        drawn=[
            Line(place, label.format(first), figures.get(place, Figures()), first, last)
            for place, (first, last) in enumerate(periods)
        ],
        is_by_week=is_by_week,
        unseen=store.without_closing_row(classes) if unseen else None,
        about=_about(asked, found),
    )


def rows(asked: Asked, scope: Scope, now: int) -> ClassHeldQuerySet:
    """The closing rows of these classes, by start."""
    classes = _classes(asked, scope, now)
    first, last, end = (datetime.fromtimestamp(each, UTC) for each in (classes.first, classes.last, now))
    found = ClassHeld.objects.within(scope).filter(start__gte=first, start__lt=last, end__lte=end)
    chosen = {"block_request_id": asked.series, "image_id": asked.image, "owner": asked.owner}
    return found.filter(**{name: value for name, value in chosen.items() if value is not None}).order_by("start", "pk")


def _classes(asked: Asked, scope: Scope, now: int) -> Classes:
    first, last = _midnight(asked.first), _midnight(asked.last + _DAY)
    return Classes(scope, first, last, now, asked.series, asked.image, asked.owner)


def _by_period(classes: Classes, periods: list[tuple[date, date]]) -> list[Group]:
    return store.by_period(classes, [_midnight(last + _DAY) for _, last in periods])


def _line_of_month(group: Group, first: date, last: date) -> Line:
    return Line(f"{first:%Y-%m}", f"{first:%B %Y}", group.figures, first, last)


def _name(group: Group, by: str) -> str:
    if by == SERIES:
        return group.block_name or f"series {group.key}"
    return group.image_name or f"image {group.key}" if by == IMAGE else str(group.key)


def _about(asked: Asked, found: list[Group]) -> str:
    """The names of what the report is limited to; "" when it is not."""
    parts = []
    if asked.series is not None:
        parts.append(f"series {next((each.block_name for each in found), asked.series)}")
    if asked.image is not None:
        parts.append(f"image {next((each.image_name for each in found), asked.image)}")
    if asked.owner is not None:
        parts.append(f"owner {asked.owner}")
    return ", ".join(parts)


def _months(first: date, last: date) -> Iterator[tuple[date, date]]:
    """The months of the site's calendar, the first and the last as far as they belong to the period."""
    begin = first
    while begin <= last:
        following = date(begin.year + begin.month // 12, begin.month % 12 + 1, 1)
        yield begin, min(following - _DAY, last)
        begin = following


def _weeks(first: date, last: date) -> Iterator[tuple[date, date]]:
    """The same of weeks, which begin on Mondays."""
    begin = first
    while begin <= last:
        following = begin - begin.weekday() * _DAY + _WEEK
        yield begin, min(following - _DAY, last)
        begin = following


def _midnight(day: date) -> int:
    return int(local_to_instant(datetime(day.year, day.month, day.day)).timestamp())
