"""The roster of a class: to print, to copy, and as CSV."""

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from blockalloc import clock
from blockalloc.models.scope import scope_of
from blockalloc.pages import csv_export
from blockalloc.pages.frame import page, require_permission, visible_block_time
from blockalloc.reports import roster as reports

_COLUMNS = ("computer", "address", "private address", "state", "image now", "used by")


@require_permission("blockalloc.view_blocktime")
def roster(request: HttpRequest, block_time_id: int) -> HttpResponse:
    """The page. Raises Http404 for a block time that the person may not see."""
    time, now = visible_block_time(request, block_time_id), clock.now()
    rows = reports.roster(time, scope_of(request.user), now)
    # A column that is empty for each computer only takes room on paper.
    has_private = any(row.private_address for row in rows)
    context = {"time": time, "rows": rows, "has_private": has_private, "now": now}
    return page(request, "blockalloc/roster.html", f"Roster: {time.blockRequest.name}", **context)


@require_permission("blockalloc.view_blocktime")
def roster_csv(request: HttpRequest, block_time_id: int) -> HttpResponseBase:
    """The same as CSV. Raises Http404 for a block time that the person may not see."""
    time = visible_block_time(request, block_time_id)
    rows = reports.roster(time, scope_of(request.user), clock.now())
    lines = ((row.hostname, row.address, row.private_address, row.state, row.image, row.used_by) for row in rows)
    return csv_export.csv_response(f"roster-{time.pk}.csv", _COLUMNS, lines)
