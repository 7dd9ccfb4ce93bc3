"""The decisions about a block time or a block request, on its page: sentences, the latest first."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from django.http import HttpRequest
from django.urls import reverse

from blockalloc import clock
from blockalloc.admin import decisions
from blockalloc.contract.warnings import record_in_words
from blockalloc.models import BlockRequest, BlockTime, Decision
from blockalloc.pages.class_page.moments import moment
from blockalloc.pages.short_names import short_names
from blockalloc.pages.vcl_words import in_plain_words
from blockalloc.upkeep.passes import DOOR as KEEP_READY
from scheduling.wording import and_spares, of_wanted

_SHOWN, _AT_ONCE = 20, 5  # events of a page, and those of them that are not folded
_LONG = 240  # characters of a text that is not folded

_DID = {
    Decision.ALLOCATE: "asked for computers",
    Decision.DRY_RUN: "tried out an allocation (dry run)",
    Decision.RELEASE: "released its computers",
    Decision.RELEASE_SOME: "released some of its computers",
    Decision.SKIP: "skipped it",
    Decision.UNSKIP: "no longer skips it",
    Decision.HOLDING: "changed whether its computers are held",
}
_THROUGH = {KEEP_READY: "", "admin": "the staff’s pages"}


class Event(NamedTuple):
    """A decision as a sentence: `when` `who` `did` it, with which `outcome` (HTML) and `result`.

    `address` is the page of the decision, `through` the door and `client` the address of the caller ("" where there is
    none). `text` says why, or what was done; `beginning` is what one sees of a long one, "" for others. `class_start`
    is the class that it is about, on the page of a series.
    """

    address: str
    when: str
    who: str
    did: str
    outcome: str
    result: str
    through: str
    client: str
    text: str
    beginning: str
    class_start: str


def block_time_history(request: HttpRequest, time: BlockTime) -> dict[str, Any]:
    """The latest decisions about a block time, as context of `blockalloc/history.html`; empty without permission."""
    return _history(request, {"block_time_id": time.pk}, {"block_time": time.pk})


def block_request_history(request: HttpRequest, block_request: BlockRequest) -> dict[str, Any]:
    """The same about all block times of a block request."""
    return _history(request, {"block_request_id": block_request.pk}, {"q": block_request.name}, names_class=True)


def _history(
    request: HttpRequest, about: Mapping[str, int], query: Mapping[str, object], *, names_class: bool = False
) -> dict[str, Any]:
    if not request.user.has_perm("blockalloc.view_decision"):
        return {}
    latest = list(Decision.objects.filter(**about).defer(*decisions.HEAVY).order_by("-pk")[:_SHOWN])
    address = reverse("admin:blockalloc_decision_changelist", query=query)
    allocations = (
        each
        for each in latest
        if each.action in (Decision.ALLOCATE, Decision.KEEP_READY) and each.allocated is not None
    )
    allocation = next(allocations, None)
    short = allocation is not None and (allocation.allocated or 0) < (allocation.wanted or 0)
    now = clock.now()
    events = [_event(each, now, names_class=names_class) for each in latest]
    return {
        "shows_history": True,
        "history": events,
        "history_now": events[:_AT_ONCE],
        "history_before": events[_AT_ONCE:],
        "history_address": address,
        "why_short": _address(allocation) if allocation and short else "",
    }


def _event(of: Decision, now: int, *, names_class: bool) -> Event:
    text = record_in_words(of.code, of.text, of.allocated, of.wanted)
    starts = moment(int(of.block_start.timestamp()), now) if names_class and of.block_start else ""
    return Event(
        address=_address(of),
        when=moment(int(of.started.timestamp()), now),
        who=of.person or (KEEP_READY if of.door == KEEP_READY else of.caller),
        did=_did(of),
        outcome=decisions.outcome(of),
        result=_result(of),
        through=_THROUGH.get(of.door, of.door),
        client=of.address,
        text=text,
        beginning=short_names().in_text(f"{in_plain_words(text)[:_LONG].rpartition(' ')[0]} …")
        if len(text) > _LONG
        else "",
        class_start=starts,
    )


def _did(of: Decision) -> str:
    if of.action == Decision.KEEP_READY:
        return "put it right" if of.person else "looked after it"
    return _DID.get(of.action, of.action)


def _result(of: Decision) -> str:
    """The machines that the class had after it; "" where it says nothing of them."""
    if of.allocated is None or of.wanted is None:
        return ""
    return f"{of_wanted(of.allocated, of.wanted)}{and_spares(of.spares or 0)}"


def _address(decision: Decision) -> str:
    return reverse("admin:blockalloc_decision_change", args=[decision.pk])


def _beginning(text: str) -> str:
    """What is seen of a long text that is folded."""
    return short_names().in_text(f"{in_plain_words(text)[:_LONG].rpartition(' ')[0]} …")
