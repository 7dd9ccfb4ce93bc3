"""The load times of an image in the last 12 months, and how good the estimate is that reloads are planned with."""

from collections.abc import Iterator, Sequence
from datetime import datetime

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
    return page(
        request,
        "blockalloc/load_times.html",
        f"Load times of {image.name}",
        image=link_to(Image, image.id, image.name),
        estimate=duration(estimate),
        reload_minutes=image.reload_minutes,
        facts=facts,
        trust=_trust(facts, estimate) if facts.number else "",
        others=_others(facts, lost),
        percentiles=[(_NAMES[percent], percent, duration(seconds)) for percent, seconds in facts.percentiles],
        histogram=_histogram(facts, estimate),
        months=_months(facts.months),
        csv=reverse("admin:load_times_csv", args=[image.id])
        if request.user.has_perm("blockalloc.view_computer")
        else "",
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


def _trust(facts: Statistics, estimate: int) -> str:
    """How the estimate compares with the loads, for people who decide whether to rely on it."""
    margin = f"the margin of {RELOAD_MARGIN // MINUTE} minutes"
    window = f"{duration(estimate + RELOAD_MARGIN)} (the estimate and {margin})"
    longer = f"{_part(facts.longer, facts.number)} took longer than the estimate"
    if not facts.late:
        stuck = f" But {facts.stuck_late:,} others got stuck, and took longer." if facts.stuck_late else ""
        in_time = f"None of them took longer than {window}, for which reloads are planned."
        return f"{longer}. {in_time}{stuck}"
    late = f"{_part(facts.late, facts.number)} took longer than {window}, for which reloads are planned"
    return f"{longer}. {late}: each of these would have left one computer of a class loading at its start."


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


def _part(part: int, whole: int) -> str:
    """`12 of 240 past loads (5 %)`."""
    return f"{part:,} of {whole:,} past load{'' if whole == 1 else 's'} ({_percent(part, whole)})"


def _percent(part: int, whole: int) -> str:
    """A share in per cent: 0 % only of none, 100 % only of all."""
    share = 100 * part / whole
    if 0 < share < 0.1:
        return "less than 0.1 %"
    if 99.9 < share < 100:
        return "more than 99.9 %"
    return f"{share:.0f} %" if share in (0, 100) else f"{share:.1f} %"
