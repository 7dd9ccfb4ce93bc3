"""Site time in templates."""

from datetime import UTC, datetime

from django import template

from blockalloc.pages.columns import when
from blockalloc.site_time import instant_to_local

register = template.Library()


@register.filter
def site_clock(instant: int) -> str:
    """Unix seconds as site time."""
    return when(datetime.fromtimestamp(instant, UTC))


@register.filter
def day_and_time(moment: datetime) -> str:
    """An aware time as site time, without the year: `Mon 30 Nov 09:00`."""
    local = instant_to_local(moment)
    return f"{local:%a} {local.day} {local:%b %H:%M}"
