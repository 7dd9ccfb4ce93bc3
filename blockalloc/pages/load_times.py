"""The load times of an image in the last 12 months, and how good the estimate is that reloads are planned with."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.views.decorators.http import require_safe

from blockalloc import clock
from blockalloc.models import Image
from blockalloc.pages import load_drawing
from blockalloc.pages.columns import duration, link_to
from blockalloc.pages.csv_export import csv_response
from blockalloc.pages.frame import page, require_permission
from blockalloc.site_time import site_zone
from blockalloc.store import loads, rows, snapshot
from scheduling.load_statistics import Month, Statistics, statistics
from scheduling.reload_plan import RELOAD_MARGIN
from scheduling.windows import MINUTE

_LOAD_COLUMNS = ("begun", "seconds", "computer", "management_node", "ending", "counts", "why_not")
_NAMES = {50: "Half", 75: "Three of four", 90: "Nine of ten", 95: "95 of 100", 100: "All"}


@require_safe
@require_permission("blockalloc.view_image")
def load_times(request: HttpRequest, image_id: int) -> HttpResponse:
    """The page. Raises Http404 when there is no such image."""
    image_rows = rows.images(image_id)
    if not image_rows:
        raise Http404("no such image")
    image, now = image_rows[0].image, clock.now()
    counted = loads.read(image.id, now)
    lost = loads.lost(image.id, now)
    estimate = snapshot.load_seconds(image, now)
    facts = statistics(counted, estimate)
    others = _others(facts, lost)
    can_export = (facts.number or others) and request.user.has_perm("blockalloc.view_computer")
    return page(
        request,
        "blockalloc/load_times.html",
        f"Load times of {image.name}",
        image=link_to(Image, image.id, image.name),
        estimate=duration(estimate),
        reload_minutes=image.reload_minutes,
        facts=facts,
        fits=_fits(facts),
        trust=_trust(facts, estimate) if facts.number else "",
        others=others,
        percentiles=[(_NAMES[percent], percent, duration(seconds)) for percent, seconds in facts.percentiles],
        histogram=_histogram(facts, estimate),
        months=_months(facts.months),
        csv=reverse("admin:load_times_csv", args=[image.id]) if can_export else "",
    )


@require_safe
@require_permission("blockalloc.view_image")
@require_permission("blockalloc.view_computer")
def load_times_csv(request: HttpRequest, image_id: int) -> HttpResponseBase:
    """Each of these loads as CSV. Raises Http404 when there is no such image."""
    image_rows = rows.images(image_id)
    if not image_rows:
        raise Http404("no such image")
    return csv_response(f"loads-of-image-{image_id}.csv", _LOAD_COLUMNS, _loads(image_rows[0].image.id))


def _loads(image_id: int) -> Iterator[list[object]]:
    zone = site_zone()
    for load in loads.each(image_id, clock.now()):
        begun = None if load.begun is None else datetime.fromtimestamp(load.begun, zone)
        why = load.why_it_does_not_count
        yield [begun, load.seconds, load.computer, load.node, load.ending, "no" if why else "yes", why]


def _fits(facts: Statistics) -> bool:
    """Whether no more loads took longer than planned than VCL_READY_TARGET allows of classes."""
    return facts.late + facts.stuck_late <= (1 - settings.VCL_READY_TARGET) * (facts.number + facts.stuck)


def _trust(facts: Statistics, estimate: int) -> str:
    """How many loads took longer than a reload has time for, for people who decide whether to rely on the estimate."""
    of = f"of {facts.number + facts.stuck:,} loads"
    stuck = f"{facts.stuck_late:,} {of} got stuck" if facts.stuck_late else ""
    late = f"{facts.late:,} {of} took longer than planned" if facts.late else ""
    beyond = ", ".join(filter(None, (stuck, late)))
    found = f"{beyond}; all others fit the plan" if beyond else f"All {facts.number:,} loads fit the plan"
    plan = f"{duration(estimate + RELOAD_MARGIN)}: the estimate and a margin of {RELOAD_MARGIN // MINUTE} minutes"
    allowed = f"{100 * (1 - settings.VCL_READY_TARGET):.3g} %"
    more = "" if _fits(facts) else f" That is more than {allowed}, the share that the target allows."
    return f"{found}, in which each load has {plan}.{more}"


def _others(facts: Statistics, lost: loads.Lost) -> list[tuple[int, str]]:
    """The loads that do not count: their number, and the reason."""
    some = "all" if facts.stuck_late == facts.stuck else f"{facts.stuck_late:,}"
    late = f"; {some} of them would have been late for a class" if facts.stuck_late else ""
    reasons = [
        (facts.too_short, "took 2 minutes or less: the computer had the image already, none was needed"),
        (facts.stuck, f"took 30 minutes or more: something was stuck{late}"),
        (lost.failed, "failed"),
        (lost.unfinished, "have no end in the log"),
    ]
    return [(number, why) for number, why in reasons if number]


def _histogram(facts: Statistics, estimate: int) -> str:
    if not facts.bins:
        return ""
    most = max(facts.bins, key=lambda each: each.number)
    label = (
        f"Histogram of {facts.number:,} loads, from {load_drawing.clock(facts.bins[0].low)} to "
        f"{load_drawing.clock(facts.bins[-1].high)} minutes. Most of them, {most.number:,}, took "
        f"{load_drawing.clock(most.low)} to {load_drawing.clock(most.high)} minutes."
    )
    marks = [(estimate, f"estimate {load_drawing.clock(estimate)}")]
    late = estimate + RELOAD_MARGIN
    if late <= facts.bins[-1].high:
        marks.append((late, f"late from {load_drawing.clock(late)}"))
    return load_drawing.histogram(facts.bins, marks, label)


def _months(months: Sequence[Month]) -> list[tuple[str, int, str, str, str, str]]:
    """The months: name, loads, median and 90th percentile, each of these with a bar."""
    longest = max((month.slow for month in months), default=0)
    return [
        (
            f"{datetime.strptime(month.month, '%Y-%m'):%b %Y}",
            month.number,
            duration(month.median),
            load_drawing.bar(month.median, longest),
            duration(month.slow),
            load_drawing.bar(month.slow, longest),
        )
        for month in months
    ]
