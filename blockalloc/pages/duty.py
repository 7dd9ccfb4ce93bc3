"""The pages for the person on duty: is everything ready today, and this week?"""

from datetime import date

from django.http import HttpRequest, HttpResponse

from blockalloc import clock
from blockalloc.models import BlockTime
from blockalloc.pages.block_days import DAY, clock_with_seconds, day_name, days, today_of
from blockalloc.pages.frame import needs, page

REFRESH_SECONDS = 30


@needs("blockalloc.view_blocktime")
def today(request: HttpRequest) -> HttpResponse:
    """Everything of today and what is on now, those at risk first."""
    return _days(request, today_of(clock.now()), 1, "blockalloc/today.html")


@needs("blockalloc.view_blocktime")
def week(request: HttpRequest) -> HttpResponse:
    """A week, day by day: that of the day in the address (`?from=2026-11-30`), else this one."""
    this = today_of(clock.now())
    day = _asked_for(request.GET.get("from", "")) or this
    return _days(request, day - day.weekday() * DAY, 7, "blockalloc/week.html")


def _days(request: HttpRequest, first: date, number: int, template: str) -> HttpResponse:
    now = clock.now()
    this = today_of(now)
    name = day_name(first, this)
    context = {
        "days": days(first, number, BlockTime.objects.visible_to(request.user), now),
        "updated": clock_with_seconds(now),
        "refresh_seconds": REFRESH_SECONDS,
        "before": first - number * DAY,
        "after": first + number * DAY,
    }
    return page(request, template, f"Today, {name}" if number == 1 else f"Week of {name}", **context)


def _asked_for(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    # The ends of the calendar have no week beside them.
    return day if day.year in range(1971, 9999) else None
