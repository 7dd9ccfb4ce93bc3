"""The page *Plan a series*: is a series of dates possible, before anybody books it?"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils.html import format_html, format_html_join
from django.views.decorators.http import require_safe

from blockalloc import clock
from blockalloc.contract.messages import Refusal
from blockalloc.models import BlockTime
from blockalloc.models.scope import scope_of
from blockalloc.pages.columns import link_to, signal
from blockalloc.pages.csv_export import csv_response
from blockalloc.pages.frame import page, require_permission
from blockalloc.pages.plan_series_form import PlanForm
from blockalloc.series import service
from blockalloc.series.answer import Collision, PlannedDate, SeriesPlan, Status
from blockalloc.series.dates import local

PERMISSION = "blockalloc.dry_run_blocktime"
_CSV = "csv"
_LEVELS = {Status.POSSIBLE: "good", Status.SHORT: "watch", Status.CLOSED: "bad", Status.PAST: "plain"}
_HEADINGS = ("Date", "From", "To", "Machines wanted", "Machines possible", "Status", "Why not more", "What would help")


@require_safe
@require_permission(PERMISSION)
def plan_series(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """The form, and the plan of what was entered; with `format=csv` the plan as a table. The address has all of it."""
    form = PlanForm(request.GET or None, scope=scope_of(request.user), now=clock.now())
    plan = _plan(form, request)
    if plan and request.GET.get("format") == _CSV:
        return csv_response("series.csv", _HEADINGS, map(_csv_row, plan.dates))
    csv = urlencode([*((name, each) for name, values in request.GET.lists() for each in values), ("format", _CSV)])
    return page(
        request, "blockalloc/plan_series.html", "Plan a series",
        form=form, csv=f"?{csv}" if plan else "", **(plan_context(request, plan) if plan else {}),
    )  # fmt: skip


def _plan(form: PlanForm, request: HttpRequest) -> SeriesPlan | None:
    """The plan; None for a form that is empty or not in order, which says what is wrong then."""
    if not form.is_valid():
        return None
    try:
        return service.plan(form.question(), scope_of(request.user), door="admin")
    except Refusal as refusal:
        form.note(refusal)
        return None


# --- A plan, here and on the page of a block request ------------------------------------------------


def plan_context(request: HttpRequest, plan: SeriesPlan) -> dict[str, Any]:
    """What the template of a plan shows."""
    links = request.user.has_perm("blockalloc.view_blocktime")
    first_short = next((each for each in plan.dates if each.suggestions), None)
    return {
        "plan": plan,
        "level": "good" if plan.is_possible else "watch",
        "rows": [{**_row(each, links=links), "is_first_short": each is first_short} for each in plan.dates],
        "vcl_page": vcl_page(),
    }


def vcl_page() -> str:
    """The address of VCL's own page where series are made and requests decided upon; "" where it is not known."""
    return f"{settings.VCL_FRONT_END_URL}?mode=blockAllocations" if settings.VCL_FRONT_END_URL else ""


def _row(each: PlannedDate, *, links: bool) -> dict[str, Any]:
    first, last = local(each.start), local(each.end)
    day = f"{last:%a} {last.day} {last:%b} " if first.date() != last.date() else ""
    return {
        "day": _day(each.start),
        "hours": f"{first:%H:%M}{' to ' if day else '–'}{day}{last:%H:%M}",
        "level": _LEVELS[each.status],
        "wanted": each.wanted,
        "possible": each.possible,
        "machines": "" if each.status == Status.PAST else f"{each.possible} of {each.wanted}",
        "what": _what(each, links=links),
        "suggestions": each.suggestions,
        "is_searched": each.is_searched,
    }


def _day(instant: int) -> str:
    """`Mon 30 Nov`, with the year if that is not this one."""
    day = local(instant)
    year = "" if day.year == local(clock.now()).year else f" {day.year}"
    return f"{day:%a} {day.day} {day:%b}{year}"


def _what(each: PlannedDate, *, links: bool) -> str:
    """The status and why, with links to the classes in the way."""
    label = {Status.POSSIBLE: "Possible", Status.SHORT: "Short", Status.CLOSED: "Closed", Status.PAST: "Past"}[
        each.status
    ]
    parts = [each.reason] if each.reason else []
    if each.collisions:
        parts.append(format_html("collides with {}", _in_a_row(each, links=links)))
    why = format_html_join("; ", "{}", ((part,) for part in parts))
    return format_html("{} {}", signal(_LEVELS[each.status], label), why)


def _in_a_row(each: PlannedDate, *, links: bool) -> str:
    names: Sequence[str] = [_collision(one, links=links) for one in each.named]
    if each.not_named:
        names = [*names, f"{each.not_named} more"]
    if len(names) == 1:
        return names[0]
    return format_html("{} and {}", format_html_join(", ", "{}", ((name,) for name in names[:-1])), names[-1])


def _collision(one: Collision, *, links: bool) -> str:
    is_class = one.kind == "block time" and not one.is_hidden
    return link_to(BlockTime, one.id, one.label) if is_class and links else one.label


def _csv_row(each: PlannedDate) -> Sequence[object]:
    first, last = local(each.start), local(each.end)
    helps = "; ".join(suggestion.words for suggestion in each.suggestions)
    days = (
        f"{first:%Y-%m-%d}",
        f"{first:%H:%M}",
        f"{last:%H:%M}" if first.date() == last.date() else f"{last:%Y-%m-%d %H:%M}",
    )
    return (*days, each.wanted, each.possible, str(each.status), each.why, helps)
