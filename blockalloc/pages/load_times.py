"""How long an image took to load in the last 12 months, and whether plans may trust the estimate."""

from collections.abc import Sequence

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from blockalloc import clock
from blockalloc.models import Image
from blockalloc.pages import load_drawing
from blockalloc.pages.columns import duration, link_to
from blockalloc.pages.frame import needs, page
from blockalloc.store import loads, rows, snapshot
from scheduling.load_statistics import Month, Statistics, statistics
from scheduling.reload_plan import RELOAD_MARGIN
from scheduling.windows import MINUTE

_NAMES = {50: "Half", 75: "Three of four", 90: "Nine of ten", 95: "95 of 100", 100: "All"}


@require_safe
@needs("blockalloc.view_image")
def load_times(request: HttpRequest, image_id: int) -> HttpResponse:
    """The page of an image."""
    found = rows.images(image_id)
    if not found:
        raise Http404("no such image")
    image, now = found[0].image, clock.now()
    taken = loads.read(image.id, now)
    lost = loads.lost(image.id, now)
    estimate = snapshot.load_seconds(image, now)
    facts = statistics(taken, estimate)
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
    )


def _trust(facts: Statistics, estimate: int) -> str:
    """How the estimate compares with what was seen, for who decides whether to rely on it."""
    margin = f"{RELOAD_MARGIN // MINUTE} minutes, the room that a reload gets"
    window = f"{duration(estimate + RELOAD_MARGIN)} (the estimate and {margin})"
    longer = f"{_part(facts.longer, facts.number)} took longer than the estimate"
    if not facts.late:
        but = f" But {facts.stuck_late:,} others got stuck, and would not have been." if facts.stuck_late else ""
        in_time = f"None of them took longer than {window}: each would have been ready when its block began."
        return f"{longer}. {in_time}{but}"
    late = f"{_part(facts.late, facts.number)} took longer than {window}"
    return f"{longer}. {late}: a block that began then would have found the computer still loading."


def _others(facts: Statistics, lost: loads.Lost) -> list[tuple[int, str]]:
    """The loads that do not count, by why."""
    some = "all" if facts.stuck_late == facts.stuck else f"{facts.stuck_late:,}"
    late = f"; {some} of them would have been late for a block" if facts.stuck_late else ""
    found = [
        (facts.too_short, "took 2 minutes or less: the computer held the image, none was needed"),
        (facts.stuck, f"took 30 minutes or more: something was stuck{late}"),
        (lost.failed, "failed"),
        (lost.unfinished, "have no end in the log"),
    ]
    return [(number, why) for number, why in found if number]


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
    """The months with bars as long as their times."""
    longest = max((month.slow for month in months), default=0)
    return [
        (
            month.month,
            month.number,
            duration(month.median),
            load_drawing.bar(month.median, longest),
            duration(month.slow),
            load_drawing.bar(month.slow, longest),
        )
        for month in months
    ]


def _part(part: int, whole: int) -> str:
    """`12 of 240 loads (5 %)`."""
    return f"{part:,} of {whole:,} load{'' if whole == 1 else 's'} ({_percent(part, whole)})"


def _percent(part: int, whole: int) -> str:
    """Never 0 % of some, nor 100 % of not all."""
    share = 100 * part / whole
    if 0 < share < 0.1:
        return "less than 0.1 %"
    if 99.9 < share < 100:
        return "more than 99.9 %"
    return f"{share:.0f} %" if share in (0, 100) else f"{share:.1f} %"
