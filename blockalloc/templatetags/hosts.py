"""Host names on pages, without the domain where that is the site's; times beside them."""

from collections.abc import Sequence
from datetime import datetime

from django import template

from blockalloc.pages.alike import Change, changes
from blockalloc.site_time import instant_to_local
from blockalloc.upkeep.proposals import Proposal

register = template.Library()


@register.filter
def short_host(hostname: str) -> str:
    """The host name without its domain."""
    return hostname if hostname.replace(".", "").isdecimal() else hostname.partition(".")[0]


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
