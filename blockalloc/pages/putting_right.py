"""The action "Put right now": what would be done about each computer, and doing it; for one block time or several."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from blockalloc.contract.messages import Caller, Refusal
from blockalloc.models import BlockTime
from blockalloc.pages.frame import page, page_of_block_time, require_permission, staff_caller, why_refused
from blockalloc.pages.subjects import subjects
from blockalloc.reports.upkeep import held_computers
from blockalloc.upkeep import staff
from blockalloc.upkeep.staff import Proposed

PERMISSION = "blockalloc.put_right_blocktime"
_MOST = 20  # block times on a page: each takes a plan of its own


def put_right(request: HttpRequest, time: BlockTime, caller: Caller) -> HttpResponse:
    """Put one block time right; its page says what was done. Raises Refusal."""
    done = staff.put_right(time.pk, caller)
    add = messages.success if done.is_complete else messages.warning
    add(request, f"{_sentence(done.text)}.")
    return page_of_block_time(time)


def put_right_too(request: HttpRequest, time: BlockTime, caller: Caller) -> None:
    """Put right a block time that the next page need not be about: the message has its name, or why it was refused."""
    name = f"{time.blockRequest.name}, {time}"
    try:
        done = staff.put_right(time.pk, caller)
    except Refusal as refusal:
        messages.error(request, f"{name}: nothing was done: {why_refused(refusal)}.")
    else:
        add = messages.success if done.is_complete else messages.warning
        add(request, f"{name}: {done.text}.")


def details(request: HttpRequest, time: BlockTime, caller: Caller) -> Mapping[str, object]:
    """What would be done, for the page on which it is confirmed."""
    proposed = _proposed(time.pk, caller)
    return {"proposed": proposed, "subjects": subjects(request, _texts(proposed))}


def held(_request: HttpRequest, time: BlockTime, _caller: Caller) -> Mapping[str, object]:
    """The computers that are held now, for the page on which the holds are stopped."""
    return {"held": held_computers(time.pk), "shows_held": True}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A block time for which something is to be done."""

    time: BlockTime
    proposed: Proposed


@require_http_methods(["GET", "HEAD", "POST"])
@require_permission("blockalloc.view_blocktime")
def put_right_several(request: HttpRequest) -> HttpResponse:
    """The block times of the next hours for which something is to be done; POST does it for those that were chosen.

    Raises PermissionDenied.
    """
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    caller = staff_caller(request)
    if request.method == "POST":
        chosen = [int(id_) for id_ in request.POST.getlist("block_time") if id_.isdecimal() and len(id_) < 10]
        return _put_right_chosen(request, _visible(request, chosen[:_MOST]), caller)
    times = _visible(request, staff.to_put_right())
    candidates = [Candidate(time, _proposed(time.pk, caller)) for time in times[:_MOST]]
    texts = [text for each in candidates for text in _texts(each.proposed)]
    context = {"candidates": candidates, "more": max(len(times) - _MOST, 0), "subjects": subjects(request, texts)}
    context["changes"] = any(each.proposed.changes for each in candidates)
    return page(request, "blockalloc/put_right.html", "Put right now", **context)


def _put_right_chosen(request: HttpRequest, times: Iterable[BlockTime], caller: Caller) -> HttpResponse:
    for time in times:
        put_right_too(request, time, caller)
    return HttpResponseRedirect(reverse("admin:today"))


def _visible(request: HttpRequest, ids: Iterable[int]) -> list[BlockTime]:
    times = BlockTime.objects.visible_to(request.user).select_related("blockRequest").filter(pk__in=list(ids))
    return list(times.order_by("start", "pk"))


def _texts(proposed: Proposed) -> list[str]:
    """The reasons in it."""
    return [proposed.stopped_by, *(each.why for each in proposed.proposals)]


def _proposed(block_time_id: int, caller: Caller) -> Proposed:
    try:
        return staff.proposed(block_time_id, caller)
    except Refusal as refusal:
        return Proposed((), {}, "", obstacle=why_refused(refusal))


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}"
