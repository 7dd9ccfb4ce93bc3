"""The pages for the person on duty: is everything ready today, and this week?"""

from datetime import date

from django.http import HttpRequest, HttpResponse

from blockalloc import clock
from blockalloc.models import BlockTime, ClassHeld, Decision
from blockalloc.models.scope import scope_of
from blockalloc.pages.block_days import DAY, Classes, clock_time, day_name, days, today_of
from blockalloc.pages.foreseen import ahead, of_this_week
from blockalloc.pages.frame import page, require_permission
from blockalloc.pages.putting_right import PERMISSION as PUT_RIGHT
from blockalloc.reports.forecasts import Forecasts
from blockalloc.reports.upkeep import NEVER, heartbeat

REFRESH_SECONDS = 30


@require_permission("blockalloc.view_blocktime")
def today(request: HttpRequest) -> HttpResponse:
    """The classes of today and those that are on, the ones at risk first, and what is over last."""
    return _days(request, today_of(clock.now()), 1, "blockalloc/today.html")


@require_permission("blockalloc.view_blocktime")
def week(request: HttpRequest) -> HttpResponse:
    """The week of the date in the address (`?from=2026-11-30`), by default of today, day by day."""
    day = _date(request.GET.get("from", "")) or today_of(clock.now())
    return _days(request, day - day.weekday() * DAY, 7, "blockalloc/week.html")


def _days(request: HttpRequest, first: date, number: int, template: str) -> HttpResponse:
    now = clock.now()
    name = day_name(first, today_of(now))
    forecasts = Forecasts(now, scope_of(request.user))
    classes = Classes(
        times=BlockTime.objects.visible_to(request.user),
        closing_rows=ClassHeld.objects.visible_to(request.user),
        decisions=Decision.objects.visible_to(request.user),
        links_decisions=request.user.has_perm("blockalloc.view_decision"),
        forecasts=forecasts,
    )
    context = {
        "days": days(first, number, classes, now),
        "ahead": of_this_week(forecasts) if number == 1 else ahead(forecasts, first, first + number * DAY),
        "updated": clock_time(now),
        "keep_ready": heartbeat(now) or NEVER,
        "may_put_right": request.user.has_perm(PUT_RIGHT),
        "refresh_seconds": REFRESH_SECONDS,
        "before": first - number * DAY,
        "after": first + number * DAY,
    }
    return page(request, template, f"Today, {name}" if number == 1 else f"Week of {name}", **context)


def _date(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    # The pages link to the weeks before and after, which the ends of the calendar don't have.
    return day if day.year in range(1971, 9999) else None
