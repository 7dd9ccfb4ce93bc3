"""The page that compares predictions of classes with how they began."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from blockalloc import clock
from blockalloc.models.scope import scope_of
from blockalloc.pages.frame import page, require_permission
from blockalloc.reports.calibration import by_bins, by_name, changed, report, seats


@require_safe
@require_permission("blockalloc.view_blocktime")
def predictions(request: HttpRequest) -> HttpResponse:
    """The page, of the classes that the person may see."""
    answer = report(clock.now(), scope_of(request.user))
    said = answer.said
    tables = [
        ("By prediction", "Probability", by_bins(said.all)),
        ("By image", "Image", by_name(said.by_image)),
        ("By management node", "Management node", by_name(said.by_node)),
    ]
    return page(
        request,
        "blockalloc/predictions.html",
        "Predictions and outcomes",
        answer=answer,
        seats=seats(said),
        predicted=max(said.all.at_allocation.all.classes, said.all.last.all.classes),
        changes=[changed(change) for change in answer.changes],
        tables=[table for table in tables if table[2]],
    )
