"""Host names on pages, without the domain where that is the site's; times beside them."""

from datetime import datetime

from django import template

from blockalloc.site_time import instant_to_local

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
