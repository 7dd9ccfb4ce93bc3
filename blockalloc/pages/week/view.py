"""The page "This week": what is on, day by day, what will be short, and which images are near their limit."""

from datetime import date

from django.http import HttpRequest, HttpResponse

from blockalloc import clock
from blockalloc.pages import labs
from blockalloc.pages.block_days import DAY, classes_of, clock_time, day_name, of_days, today_of
from blockalloc.pages.foreseen import ahead
from blockalloc.pages.frame import page, require_permission
from blockalloc.pages.putting_right import PERMISSION as PUT_RIGHT
from blockalloc.pages.week.capacity import capacity
from blockalloc.pages.week.columns import columns
from blockalloc.reports.upkeep import NEVER, heartbeat_of
from blockalloc.store import background

_DAYS = 7
_REFRESH_SECONDS = 30


@require_permission("blockalloc.view_blocktime")
def week(request: HttpRequest) -> HttpResponse:
    """The week of the date in the address (`?from=2026-11-30`), by default of today, day by day."""
    now = clock.now()
    today = today_of(now)
    day = _date(request.GET.get("from", "")) or today
    monday = day - day.weekday() * DAY
    looks = background.read()
    classes = classes_of(request, now, looks)
    by_day = of_days(monday, _DAYS, classes, now, closed=False)
    shown = {each.id for of_day in by_day.values() for each in of_day.block_times}
    shown |= {each.block_time_id for of_day in by_day.values() for each, _ in of_day.over}
    days = columns(by_day, today, now)
    wanted = capacity([*by_day], today, shown, now, is_foreseen=not classes.forecasts.problem) if shown else None
    context = {
        "columns": days,
        "capacity": wanted,
        # Each cell is as wide as the column of its day.
        "strip": [(row, list(zip(row.peaks, days, strict=True))) for row in wanted.rows] if wanted else [],
        "ahead": ahead(classes.forecasts, monday, monday + _DAYS * DAY),
        "updated": clock_time(now),
        "keep_ready": heartbeat_of(looks, now) or NEVER,
        "may_put_right": request.user.has_perm(PUT_RIGHT),
        "refresh_seconds": _REFRESH_SECONDS,
        "before": monday - _DAYS * DAY,
        "after": monday + _DAYS * DAY,
        "is_past": today >= monday + _DAYS * DAY,
        "is_this_week": monday <= today < monday + _DAYS * DAY,
        "labs": labs.choice(request),
        "lab": labs.chosen(request),
    }
    return page(request, "blockalloc/week.html", f"Week of {day_name(monday, today)}", **context)


def _date(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    # The page links to the weeks before and after, which the ends of the calendar don't have.
    return day if day.year in range(1971, 9999) else None
