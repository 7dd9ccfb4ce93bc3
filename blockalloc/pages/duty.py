"""The page for the person on duty: is everything ready today?"""

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from blockalloc import clock
from blockalloc.pages import labs
from blockalloc.pages.block_days import classes_of, clock_time, counts, day_name, of_days, today_of
from blockalloc.pages.class_cards import cards
from blockalloc.pages.foreseen import of_this_week
from blockalloc.pages.frame import page, require_permission
from blockalloc.pages.putting_right import PERMISSION as PUT_RIGHT
from blockalloc.reports.readiness import BlockTimeReadiness
from blockalloc.reports.upkeep import is_at_work, looked
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
    day, lab = today_of(now), labs.choice(request)
    classes = classes_of(request, now)
    of_day = of_days(day, 1, classes, now)[day]
    found = cards(of_day, day, now, classes.decisions if classes.links_decisions else classes.decisions.none())
    number, *rest = counts(of_day, now, is_today=True)
    keep_ready = looked(now, is_missed=any(_is_near(each, now) for each in of_day.block_times))
    context = {
        "labs": lab,
        "lab_query": labs.query(request),
        "number": number,
        "counts": rest,
        "cards": found,
        "at_risk": found.of("bad"),
        "icon": _icon(found.of("bad"), found.of("watch")),
        "ahead": of_this_week(classes.forecasts, labs.chosen(request)),
        "updated": clock_time(now),
        "keep_ready": keep_ready,
        "puts_right_first": not is_at_work(keep_ready),
        "may_put_right": request.user.has_perm(PUT_RIGHT),
        "refresh_seconds": REFRESH_SECONDS,
        "hidden_seconds": HIDDEN_SECONDS,
    }
    name = f"Today, {day_name(day, day)}{f': {lab.name}' if lab.name else ''}"
    return page(request, "blockalloc/today.html", name, **context)


def _is_near(block_time: BlockTimeReadiness, now: int) -> bool:
    """Whether keep_ready would look at the class now."""
    return block_time.is_current_or_upcoming(now) and block_time.readiness.left <= settings.VCL_KEEP_READY_HOURS * HOUR


def _icon(at_risk: int, to_watch: int) -> str:
    """The static file of the page's icon: the number of classes at risk, a dot when some are to be watched."""
    if at_risk:
        more = "-or-more" if at_risk > MOST_IN_ICON else ""
        return f"blockalloc/icons/at-risk-{min(at_risk, MOST_IN_ICON)}{more}.svg"
    return "blockalloc/icons/watch.svg" if to_watch else "blockalloc/logo.svg"
