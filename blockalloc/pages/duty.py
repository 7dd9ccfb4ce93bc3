"""The pages for the person on duty: is everything ready today, and this week?"""

from datetime import date

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from blockalloc import clock
from blockalloc.models import BlockTime, ClassHeld, Decision
from blockalloc.models.scope import scope_of
from blockalloc.pages import labs
from blockalloc.pages.block_days import DAY, Classes, clock_time, counts, day_name, days, of_days, today_of
from blockalloc.pages.class_cards import cards
from blockalloc.pages.foreseen import ahead, of_this_week
from blockalloc.pages.frame import page, require_permission
from blockalloc.pages.putting_right import PERMISSION as PUT_RIGHT
from blockalloc.reports.forecasts import Forecasts
from blockalloc.reports.readiness import BlockTimeReadiness
from blockalloc.reports.upkeep import NEVER, heartbeat, looked
from scheduling.windows import HOUR

REFRESH_SECONDS = 30
HIDDEN_SECONDS = 120  # while the tab is hidden, for the number in its title and icon
MOST_IN_ICON = 9


@require_permission("blockalloc.view_blocktime")
def today(request: HttpRequest) -> HttpResponse:
    """The classes of today and those that are on, the ones at risk first, and what is over last.

    With `?lab=` in the address, those of a lab.
    """
    now = clock.now()
    day, lab = today_of(now), labs.chosen(request)
    classes = _classes(request, now, lab)
    of_day = of_days(day, 1, classes, now)[day]
    found = cards(of_day, day, now, classes.decisions if classes.links_decisions else classes.decisions.none())
    at_risk = sum(each.level == "bad" for each in found.first)
    number, *rest = counts(of_day, now, is_today=True)
    choice = labs.choice(request)
    context = {
        "labs": choice,
        "lab_query": labs.query(request),
        "number": number,
        "counts": rest,
        "cards": found,
        "at_risk": at_risk,
        "icon": _icon(at_risk, len(found.first)),
        "ahead": of_this_week(classes.forecasts, lab),
        "updated": clock_time(now),
        "keep_ready": looked(now, is_missed=any(_is_near(each, now) for each in of_day.block_times)),
        "may_put_right": request.user.has_perm(PUT_RIGHT),
        "refresh_seconds": REFRESH_SECONDS,
        "hidden_seconds": HIDDEN_SECONDS,
    }
    name = f"Today, {day_name(day, day)}{f': {choice.name}' if choice.name else ''}"
    return page(request, "blockalloc/today.html", name, **context)


def _is_near(block_time: BlockTimeReadiness, now: int) -> bool:
    """Whether keep_ready would look at the class now."""
    return block_time.is_current_or_upcoming(now) and block_time.readiness.left <= settings.VCL_KEEP_READY_HOURS * HOUR


def _icon(at_risk: int, first: int) -> str:
    """The static file of the page's icon: the number of classes at risk, a dot when some are to be watched."""
    if at_risk:
        return (
            f"blockalloc/icons/at-risk-{min(at_risk, MOST_IN_ICON)}{'-or-more' if at_risk > MOST_IN_ICON else ''}.svg"
        )
    return "blockalloc/icons/watch.svg" if first else "blockalloc/logo.svg"


@require_permission("blockalloc.view_blocktime")
def week(request: HttpRequest) -> HttpResponse:
    """The week of the date in the address (`?from=2026-11-30`), by default of today, day by day."""
    day = _date(request.GET.get("from", "")) or today_of(clock.now())
    return _days(request, day - day.weekday() * DAY, 7, "blockalloc/week.html")


def _days(request: HttpRequest, first: date, number: int, template: str) -> HttpResponse:
    now = clock.now()
    name = day_name(first, today_of(now))
    classes = _classes(request, now)
    context = {
        "days": days(first, number, classes, now),
        "ahead": ahead(classes.forecasts, first, first + number * DAY),
        "updated": clock_time(now),
        "keep_ready": heartbeat(now) or NEVER,
        "may_put_right": request.user.has_perm(PUT_RIGHT),
        "refresh_seconds": REFRESH_SECONDS,
        "before": first - number * DAY,
        "after": first + number * DAY,
    }
    return page(request, template, f"Week of {name}", **context)


def _classes(request: HttpRequest, now: int, lab: int | None = None) -> Classes:
    """The classes that the person may see, of all labs or of one."""
    return Classes(
        times=BlockTime.objects.visible_to(request.user).in_lab(lab),
        closing_rows=ClassHeld.objects.visible_to(request.user).in_lab(lab),
        decisions=Decision.objects.visible_to(request.user).in_lab(lab),
        links_decisions=request.user.has_perm("blockalloc.view_decision"),
        forecasts=Forecasts(now, scope_of(request.user)),
    )


def _date(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    # The pages link to the weeks before and after, which the ends of the calendar don't have.
    return day if day.year in range(1971, 9999) else None
