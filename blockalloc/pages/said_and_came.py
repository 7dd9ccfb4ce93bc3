"""The page that compares what was said of classes with what came."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from blockalloc import clock
from blockalloc.models.scope import scope_of
from blockalloc.pages.frame import page, require_permission
from blockalloc.reports.calibration import by_bins, by_name, report, seats


@require_safe
@require_permission("blockalloc.view_blocktime")
def said_and_came(request: HttpRequest) -> HttpResponse:
    """The page, of the classes that the person may see."""
    answer = report(clock.now(), scope_of(request.user))
    said = answer.said
    tables = [
        ("By what was said", "Probability", by_bins(said.all)),
        ("By image", "Image", by_name(said.by_image)),
        ("By management node", "Management node", by_name(said.by_node)),
    ]
    return page(
        request,
        "blockalloc/said_and_came.html",
        "Said and came",
        answer=answer,
        seats=seats(said),
        tables=[table for table in tables if table[2]],
    )
