"""What is to be done about computers, and when they are loaded."""

from collections.abc import Sequence
from datetime import datetime

from django import template

from blockalloc.pages.alike import Change, changes
from blockalloc.site_time import instant_to_local
from blockalloc.upkeep.proposals import Proposal

register = template.Library()


@register.filter
def load_time(moment: datetime, first: datetime) -> str:
    """`08:27` in site time; with the day, if it is not that of `first`."""
    local = instant_to_local(moment)
    day = "" if local.date() == instant_to_local(first).date() else f"{local:%a} {local.day} {local:%b} "
    return f"{day}{local:%H:%M}"


@register.filter
def alike(proposals: Sequence[Proposal]) -> list[Change]:
    """Proposals about computers, those that are alike as one."""
    return changes(proposals)
