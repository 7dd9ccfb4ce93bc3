"""The decisions about a block time or a block request, on its page."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from blockalloc.admin import decisions
from blockalloc.models import BlockRequest, BlockTime, Decision

_SHOWN = 20


def block_time_history(request: HttpRequest, time: BlockTime) -> dict[str, Any]:
    """The latest decisions about a block time, as context of `blockalloc/history.html`; empty without permission."""
    return _history(request, {"block_time_id": time.pk}, {"block_time": time.pk})


def block_request_history(request: HttpRequest, block_request: BlockRequest) -> dict[str, Any]:
    """The same about all block times of a block request."""
    return _history(request, {"block_request_id": block_request.pk}, {"q": block_request.name})


def _history(request: HttpRequest, about: Mapping[str, int], query: Mapping[str, object]) -> dict[str, Any]:
    if not request.user.has_perm("blockalloc.view_decision"):
        return {}
    latest = Decision.objects.filter(**about).defer(*decisions.HEAVY).order_by("-pk")[:_SHOWN]
    address = reverse("admin:blockalloc_decision_changelist", query=query)
    allocations = (
        each
        for each in latest
        if each.action in (Decision.ALLOCATE, Decision.KEEP_READY) and each.allocated is not None
    )
    allocation = next(allocations, None)
    short = allocation is not None and (allocation.allocated or 0) < (allocation.wanted or 0)
    return {
        "shows_history": True,
        "history": list(map(_row, latest)),
        "history_address": address,
        "why_short": _address(allocation) if allocation and short else "",
    }


def _row(decision: Decision) -> dict[str, str]:
    """A line of the table, in the words of the list of decisions."""
    columns = ("started", "action", "outcome", "machines", "who", "door", "text", "block_start")
    row: dict[str, str] = {name: getattr(decisions, name)(decision) for name in columns}
    return row | {"address": _address(decision)}


def _address(decision: Decision) -> str:
    return reverse("admin:blockalloc_decision_change", args=[decision.pk])
