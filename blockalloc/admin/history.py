"""The decisions about a block time or a block request, on its page."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from blockalloc.admin import decisions
from blockalloc.models import BlockRequest, BlockTime, Decision

_SHOWN = 20


def history_of_time(request: HttpRequest, time: BlockTime) -> dict[str, Any]:
    """The latest decisions about a block time, for `blockalloc/history.html`. Nothing for who may not see them."""
    return _history(request, {"block_time_id": time.pk}, {"block_time": time.pk})


def history_of_request(request: HttpRequest, asked: BlockRequest) -> dict[str, Any]:
    """The same about all times of a block request."""
    return _history(request, {"block_request_id": asked.pk}, {"q": asked.name})


def _history(request: HttpRequest, about: Mapping[str, int], query: Mapping[str, object]) -> dict[str, Any]:
    if not request.user.has_perm("blockalloc.view_decision"):
        return {}
    found = Decision.objects.filter(**about).defer(*decisions.HEAVY).order_by("-pk")[:_SHOWN]
    address = reverse("admin:blockalloc_decision_changelist", query=query)
    latest = next((each for each in found if each.action == Decision.ALLOCATE and each.allocated is not None), None)
    short = latest is not None and (latest.allocated or 0) < (latest.wanted or 0)
    return {
        "shows_history": True,
        "history": list(map(_row, found)),
        "history_address": address,
        "why_short": _address(latest) if latest and short else "",
    }


def _row(decision: Decision) -> dict[str, str]:
    """A line of the table: the same words as in the list of decisions."""
    columns = ("started", "action", "outcome", "machines", "who", "door", "text", "block_start")
    row: dict[str, str] = {name: getattr(decisions, name)(decision) for name in columns}
    return row | {"address": _address(decision)}


def _address(decision: Decision) -> str:
    return reverse("admin:blockalloc_decision_change", args=[decision.pk])
