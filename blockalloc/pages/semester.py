"""The report of a semester: what classes asked for, had and used, as a page and as CSV."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from operator import itemgetter
from typing import NamedTuple

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.views.decorators.http import require_safe

from blockalloc import clock
from blockalloc.models.scope import scope_of
from blockalloc.pages import semester_drawing
from blockalloc.pages.block_days import today_of
from blockalloc.pages.columns import NOTHING
from blockalloc.pages.csv_export import csv_response
from blockalloc.pages.frame import page, require_permission
from blockalloc.pages.semester_query import SORTS, SemesterQuery
from blockalloc.reports.semester import IMAGE, MONTH, OWNER, SERIES, Line, Report, half_years, last_months, report, rows
from blockalloc.store.semester import Figures
from scheduling.windows import HOUR

SHOWN = 300  # lines of the table; the CSV has all
_TITLES = {SERIES: "Series", IMAGE: "Image", MONTH: "Month", OWNER: "Owner"}
_SORT_VALUES: Mapping[str, Callable[[Figures], float | None]] = {
    "classes": lambda figures: figures.classes,
    "short": lambda figures: figures.short,
    "wanted": lambda figures: figures.wanted,
    "had": lambda figures: figures.had,
    "ready": lambda figures: figures.ready,
    "share": lambda figures: figures.share_ready,
    "used": lambda figures: figures.used,
    "hours": lambda figures: figures.seconds,
    "machine_hours": lambda figures: figures.machine_seconds,
    "used_hours": lambda figures: figures.used_seconds,
    "utilisation": lambda figures: figures.utilisation,
}
_HEADINGS = (
    *("", "Classes", "Short", "Machines asked for", "Machines allocated", "Machines ready at the start"),
    *("Ready at the start", "Computers used at the peak", "Class hours", "Machine-hours", "Computer-hours used"),
    "Utilisation",
)
_GROUP_COLUMNS = (
    *("classes", "classes_short", "machines_asked_for", "machines_allocated", "machines_ready_at_start"),
    *("machines_asked_for_where_looked_at", "share_ready_at_start", "computers_used_at_peak", "class_hours"),
    *("machine_hours", "computer_hours_where_counted", "computer_hours_used", "utilisation"),
    *("classes_not_looked_at", "classes_use_not_counted"),
)
_CLASS_COLUMNS = {
    **{name: name for name in ("start", "end")},
    **{"class": "block_name", "block_time_id": "block_time_id", "block_request_id": "block_request_id"},
    **{"image": "image_name", "user_group": "user_group", "owner": "owner", "machines_asked_for": "wanted"},
    **{"machines_allocated": "had", "machines_ready_at_start": "ready_at_start"},
    **{"machines_ready_after_5_min": "ready_after_five", "computers_used_at_peak": "used_at_peak"},
    **{"computers_used_in_the_mean": "used_in_the_mean", "computers_replaced": "replaced"},
    **{"computers_loaded_again": "loaded_again", "computers_added": "added", "asked_by": "asked_by"},
}


class _Column(NamedTuple):
    """The heading of a column: its title, where it sorts, and how the table is sorted by it now (for aria-sort)."""

    title: str
    address: str
    order: str


@require_safe
@require_permission("blockalloc.view_blocktime")
def semester(request: HttpRequest) -> HttpResponse:
    """The page, of the classes that the person may see."""
    now = clock.now()
    today = today_of(now)
    query = SemesterQuery.of(request.GET.dict(), today)
    found = report(query.asked, scope_of(request.user), now, unseen=query.unseen)
    lines = _sorted(found.lines, query.sort)
    return page(
        request,
        "blockalloc/semester.html",
        "Semester",
        query=query,
        report=found,
        tabs=[(title, query.link(by=by, sort=None), by == query.asked.by) for by, title in _TITLES.items()],
        periods=_periods(query, today),
        columns=_columns(query),
        lines=[(line.name, _link(query, line), _titled(line.figures)) for line in lines[:SHOWN]],
        left_out=max(len(lines) - SHOWN, 0),
        total=_titled(found.total),
        figures=_figures(found.total),
        chart=_chart(found),
        drawn=[(line.name, line.figures.classes - line.figures.uncounted, line.figures) for line in found.drawn],
        unit="week" if found.is_by_week else "month",
        unlimited=query.link(series=None, image=None, owner=None, by=None) if found.about else "",
        count_unseen=query.link(unseen=1),
        kept={name: value for name, value in query.given.items() if name not in ("from", "to")},
        csv=reverse("admin:semester_csv") + query.link(),
        csv_of_classes=reverse("admin:semester_csv") + query.link(rows="classes"),
    )


@require_safe
@require_permission("blockalloc.view_blocktime")
def semester_csv(request: HttpRequest) -> HttpResponseBase:
    """A row for each group of the report; with `rows=classes`, for each class. Status 400 for bad parameters."""
    now = clock.now()
    query = SemesterQuery.of(request.GET.dict(), today_of(now))
    kind = request.GET.get("rows", "groups")
    problems = list(query.problems)
    if kind not in ("groups", "classes"):
        problems.append(f"rows: “{kind[:40]}” is none of groups, classes.")
    if problems:
        return HttpResponse("\n".join(problems), status=400, content_type="text/plain; charset=utf-8")
    asked, scope = query.asked, scope_of(request.user)
    name = f"{kind}-{asked.first}-{asked.last}.csv"
    if kind == "classes":
        values = rows(asked, scope, now).values_list(*_CLASS_COLUMNS.values()).iterator(chunk_size=2000)
        return csv_response(name, list(_CLASS_COLUMNS), values)
    lines = _sorted(report(asked, scope, now).lines, query.sort)
    return csv_response(name, [asked.by, f"{asked.by}_id", *_GROUP_COLUMNS], _csv_rows(lines))


def _csv_rows(lines: list[Line]) -> Iterator[list[object]]:
    for line in lines:
        of = line.figures
        hours = [round(seconds / HOUR, 2) for seconds in (of.seconds, of.machine_seconds, of.counted_seconds)]
        yield [
            *(line.name, line.key, of.classes, of.short, of.wanted, of.had, of.ready, of.ready_of),
            *(_rounded(of.share_ready), of.used, *hours, round(of.used_seconds / HOUR, 2)),
            *(_rounded(of.utilisation), of.unlooked, of.uncounted),
        ]


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 4)


# --- The table ------------------------------------------------------------------------------------


def _sorted(lines: list[Line], sort: str) -> list[Line]:
    """In the order that was asked for; lines without the number come last. By name, months are by their dates."""
    name = sort.removeprefix("-")
    by_name = sorted(lines, key=lambda line: (line.first, line.name.casefold(), str(line.key)))
    if name == "name":
        return by_name[::-1] if sort.startswith("-") else by_name
    value = _SORT_VALUES[name]
    known = [(number, line) for line in by_name if (number := value(line.figures)) is not None]
    unknown = [line for line in by_name if value(line.figures) is None]
    known.sort(key=itemgetter(0), reverse=sort.startswith("-"))
    return [*(line for _, line in known), *unknown]


def _columns(query: SemesterQuery) -> list[_Column]:
    """Names are sorted from A on first, numbers from the largest on."""
    columns = []
    for name, title in zip(SORTS, (_TITLES[query.asked.by], *_HEADINGS[1:]), strict=True):
        order = {name: "ascending", f"-{name}": "descending"}.get(query.sort, "")
        first, other = (name, f"-{name}") if name == "name" else (f"-{name}", name)
        columns.append(_Column(title, query.link(sort=other if query.sort == first else first), order))
    return columns


def _link(query: SemesterQuery, line: Line) -> str:
    """What the line consists of: a series and an image by month, an owner and a month by series; "" for no owner."""
    if not line.key:
        return ""
    if query.asked.by == MONTH:
        return query.link(from_=line.first, to=line.last, by=SERIES, sort=None)
    return query.link(**{query.asked.by: line.key}, by=SERIES if query.asked.by == OWNER else MONTH, sort=None)


def _cells(figures: Figures) -> list[str]:
    return [
        *(f"{number:,}" for number in (figures.classes, figures.short, figures.wanted, figures.had)),
        f"{figures.ready:,} of {figures.ready_of:,}" if figures.ready_of else NOTHING,
        _percent(figures.share_ready),
        f"{figures.used:,}" if figures.uncounted < figures.classes else NOTHING,
        *(_hours(seconds) for seconds in (figures.seconds, figures.machine_seconds)),
        _of_hours(figures.used_seconds, figures.counted_seconds) if figures.counted_seconds else NOTHING,
        _percent(figures.utilisation),
    ]


def _titled(figures: Figures) -> list[tuple[str, str]]:
    """The cells with the headings of their columns, for windows that are too narrow for a head."""
    return [*zip(_HEADINGS[1:], _cells(figures), strict=True)]


def _figures(total: Figures) -> list[tuple[str, str]]:
    """What one wants to know first: name and value."""
    return [
        ("Classes short of machines", f"{total.short:,} of {total.classes:,}"),
        ("Machines ready at the start" + _of(total.ready, total.ready_of), _percent(total.share_ready)),
        ("Machine-hours", _hours(total.machine_seconds)),
        ("Utilisation", _percent(total.utilisation)),
    ]


def _of(part: int, whole: int) -> str:
    """` (676 of 700)`; "" of none."""
    return f" ({part:,} of {whole:,})" if whole else ""


def _of_hours(part: float, whole: float) -> str:
    """`8.0 of 16.0`."""
    return f"{_hours(part)} of {_hours(whole)}"


def _hours(seconds: float) -> str:
    return f"{seconds / HOUR:,.1f}" if seconds < 100 * HOUR else f"{seconds / HOUR:,.0f}"


def _percent(share: float | None) -> str:
    """100 % only of all, 0 % only of none."""
    if share is None:
        return NOTHING
    if share > 0.999 and share < 1:
        return "99.9 %"
    return f"{100 * share:.1f} %" if 0 < share < 1 else f"{100 * share:.0f} %"


# --- Beside it ------------------------------------------------------------------------------------


def _periods(query: SemesterQuery, today: date) -> list[tuple[str, str, bool]]:
    """Usual periods: the name, the address, and whether the report is of it."""
    named = [("Last six months", last_months(today))]
    named += [(f"{first:%B} to {last:%B %Y}", (first, last)) for first, last in half_years(today)]
    return [
        (name, query.link(from_=first, to=last), (first, last) == (query.asked.first, query.asked.last))
        for name, (first, last) in named
    ]


def _chart(found: Report) -> str:
    """Of the classes whose use was counted; "" without any."""
    if found.total.uncounted == found.total.classes:
        return ""
    unit = "week" if found.is_by_week else "month"
    most = max(found.drawn, key=lambda line: line.figures.counted_wanted)
    label = (
        f"Bars for {len(found.drawn)} {unit}s, from {found.drawn[0].name} to {found.drawn[-1].name}: computers asked "
        f"for, allocated and used at the peak. The {unit} in which most were asked for, "
        f"{most.figures.counted_wanted:,}, is that of {most.name}: {most.figures.counted_had:,} allocated, "
        f"{most.figures.used:,} used. "
        "The table below has all numbers."
    )
    return semester_drawing.chart(found.drawn, label)
