"""Site time in templates."""

from datetime import UTC, datetime

from django import template

from blockalloc import clock
from blockalloc.pages.class_page.moments import hours, moment
from blockalloc.pages.columns import when
from blockalloc.site_time import instant_to_local

register = template.Library()


@register.filter
def site_clock(instant: int) -> str:
    """Unix seconds as site time."""
    return when(datetime.fromtimestamp(instant, UTC))


@register.filter
def short_clock(instant: int) -> str:
    """The same, with the year only if it is another one: `Mon 30 Nov 09:00`."""
    return moment(instant, clock.now())


@register.simple_tag
def clock_hours(start: int, end: int) -> str:
    """From one to the other, both in Unix seconds: `Mon 30 Nov 09:00–11:00`."""
    return hours(start, end, clock.now())


@register.filter
def day_and_time(moment: datetime) -> str:
    """An aware time as site time, without the year: `Mon 30 Nov 09:00`."""
    local = instant_to_local(moment)
    return f"{local:%a} {local.day} {local:%b %H:%M}"
