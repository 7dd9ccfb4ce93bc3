"""The actions "Allocate now" and "Dry run" of a block time's page."""

from dataclasses import replace
from datetime import UTC, datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html

from blockalloc.allocation import service
from blockalloc.allocation.explanation import Explanation, InTheWay, findings_of
from blockalloc.contract import warnings
from blockalloc.contract.messages import Caller, FillCall, Outcome
from blockalloc.models import BlockTime, Request
from blockalloc.models.scope import Scope, scope_of
from blockalloc.pages.columns import times
from blockalloc.pages.frame import page, page_of_block_time
from blockalloc.pages.subjects import Subjects, subjects
from blockalloc.pages.what_would_help import offers, with_primary
from blockalloc.pages.why import took_most
from blockalloc.remedies import helping
from blockalloc.remedies.budget import Budget
from blockalloc.remedies.kinds import Kind
from blockalloc.reports.decision import report
from blockalloc.site_time import site_zone
from blockalloc.upkeep import mending
from blockalloc.upkeep.proposals import changes
from scheduling import wording

_SECONDS = 1.0  # for plans of what would help
_COUNTED = "counted"  # the way to treat privileges that is not the back end's


def allocate(request: HttpRequest, time: BlockTime, caller: Caller) -> HttpResponse:
    """Allocate, exchange and load again; the block time's page says what was done. Raises Refusal."""
    call = FillCall(time.pk, _ignores_privileges(request))
    done = service.allocate(call, caller, mender=mending.mender())
    outcome, result = done.outcome, done.result
    wanted, spares = time.blockRequest.numMachines, result.spares if result else 0
    number = f"The class has {wording.allocated(outcome.allocated, wanted, spares)} now"
    changed = result.changes() if result else ""
    text = ". ".join(filter(None, [number, changed and f"{changed[0].upper()}{changed[1:]}", done.said]))
    if outcome.unallocated:
        why = result.stopped_by() if result else ""
        because = f" Why not more: {why}." if why else ""
        messages.warning(request, f"{text}.{because} The history below has the details.")
    elif outcome.warning:
        messages.warning(request, f"{text}. Warning {outcome.warning[0]}: {_warning(outcome, wanted)}.")
    else:
        messages.success(request, f"{text}.")
    return page_of_block_time(time)


def dry_run(request: HttpRequest, time: BlockTime, caller: Caller) -> HttpResponse:
    """The page that says what `allocate` would do. Nothing is written but its record. Raises Refusal."""
    planned = service.dry_run(FillCall(time.pk, _ignores_privileges(request)), caller, mender=mending.mender())
    outcome, result, wanted = planned.outcome, planned.result, time.blockRequest.numMachines
    findings = findings_of(result) if result else None
    helps = helping.of_result(result, caller, Budget(_SECONDS), mending.mender()) if result else []
    in_the_way = _in_the_way(planned.explanation, scope_of(request.user))
    found, proposals = report(findings) if findings else None, changes(result) if result else []
    why = _why_not_more(planned.explanation, outcome, wanted)
    texts = [why, *(found.texts if found else ()), *(each.why for each in proposals)]
    named = subjects(request, [*texts, *(f"{each.kind} {each.id}" for each in in_the_way)])
    context = {
        "time": time,
        "outcome": outcome,
        "level": "watch" if outcome.unallocated else "good",
        "changes": result is not None and result.changed,
        "why": why,
        "most": took_most(found) if outcome.unallocated else "",
        "number": wording.allocated(outcome.allocated, wanted, result.spares if result else 0),
        "possible": wording.could_be_allocated(outcome.allocated, wanted),
        "warning": _warning(outcome, wanted),
        "said": planned.said,
        "proposals": proposals,
        "explanation": planned.explanation,
        "in_the_way": [(each, _booked_for(each, named), _times(each)) for each in in_the_way],
        "subjects": named,
        "offers": with_primary(
            offers(request, time, [each for each in helps if each.kind is not Kind.FEWER], outcome.allocated)
        ),
        "report": found,
        "decision_id": planned.decision_id,
        "zone": site_zone(),
    }
    return page(request, "blockalloc/dry_run.html", f"Dry run: {time.blockRequest.name}", **context)


def _why_not_more(explanation: Explanation | None, outcome: Outcome, wanted: int) -> str:
    """What ended the search, else the warning in words; "" for neither."""
    return explanation.stopped_by if explanation and explanation.stopped_by else _warning(outcome, wanted)


def _warning(outcome: Outcome, wanted: int) -> str:
    return warnings.in_words(outcome.warning[0], outcome.allocated, wanted) if outcome.warning else ""


def _booked_for(booking: InTheWay, named: Subjects) -> str:
    """What a booking is for: a class by its name, with a link; a request by its user."""
    linked = named.linked(f"{booking.kind} {booking.id}")
    subject = named.of.get((booking.kind, booking.id))
    is_named = subject is not None and bool(subject.name)
    return linked if is_named or not booking.name else format_html("{} ({})", linked, booking.name)


def _times(booking: InTheWay) -> str:
    """When it is."""
    start, end = (datetime.fromtimestamp(instant, UTC) for instant in (booking.start, booking.end))
    return times(start, end) or ""


def _ignores_privileges(request: HttpRequest) -> bool:
    return request.POST.get("privileges") != _COUNTED


def _in_the_way(why: Explanation | None, scope: Scope) -> list[InTheWay]:
    """The bookings in the way, without the names that the person may not see."""
    bookings = list(why.remedies.in_the_way) if why and why.remedies else []
    if not scope.is_limited:
        return bookings
    ids = {kind: [each.id for each in bookings if each.kind == kind] for kind in ("request", "block time")}
    users = Request.objects.filter(pk__in=ids["request"], user__affiliation=scope.affiliation_id)
    times = BlockTime.objects.within(scope).filter(pk__in=ids["block time"])
    visible = {("request", id_) for id_ in users.values_list("pk", flat=True)}
    visible |= {("block time", id_) for id_ in times.values_list("pk", flat=True)}
    return [
        each if (each.kind, each.id) in visible else replace(each, name="of another affiliation") for each in bookings
    ]
