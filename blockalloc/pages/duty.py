"""The page for the person on duty: is everything ready today?"""

from django.http import HttpRequest, HttpResponse

from blockalloc import clock
from blockalloc.models import BlockTime, ClassHeld, Decision
from blockalloc.models.scope import scope_of
from blockalloc.pages.block_days import Classes, clock_time, day_name, days, today_of
from blockalloc.pages.foreseen import of_this_week
from blockalloc.pages.frame import page, require_permission
from blockalloc.pages.putting_right import PERMISSION as PUT_RIGHT
from blockalloc.reports.forecasts import Forecasts
from blockalloc.reports.upkeep import NEVER, heartbeat

REFRESH_SECONDS = 30


@require_permission("blockalloc.view_blocktime")
def today(request: HttpRequest) -> HttpResponse:
    """The classes of today and those that are on, the ones at risk first, and what is over last."""
    now = clock.now()
    first = today_of(now)
    forecasts = Forecasts(now, scope_of(request.user))
    classes = Classes(
        times=BlockTime.objects.visible_to(request.user),
        closing_rows=ClassHeld.objects.visible_to(request.user),
        decisions=Decision.objects.visible_to(request.user),
        links_decisions=request.user.has_perm("blockalloc.view_decision"),
        forecasts=forecasts,
    )
    context = {
        "days": days(first, 1, classes, now),
        "ahead": of_this_week(forecasts),
        "updated": clock_time(now),
        "keep_ready": heartbeat(now) or NEVER,
        "may_put_right": request.user.has_perm(PUT_RIGHT),
        "refresh_seconds": REFRESH_SECONDS,
    }
    return page(request, "blockalloc/today.html", f"Today, {day_name(first, first)}", **context)
