"""Site time in templates."""

from datetime import UTC, datetime

from django import template

from blockalloc import clock
from blockalloc.pages.class_page.moments import hours
from blockalloc.pages.columns import moment

register = template.Library()


@register.filter
def site_clock(instant: int) -> str:
    """Unix seconds as site time, with the year only if it is not this one: `Mon 30 Nov 09:00`."""
    return moment(datetime.fromtimestamp(instant, UTC))


@register.filter
def day_and_time(instant: datetime | None) -> str:
    """The same of an aware time; "" for None."""
    return "" if instant is None else moment(instant)


@register.simple_tag
def clock_hours(start: int, end: int) -> str:
    """From one to the other, both in Unix seconds: `Mon 30 Nov 09:00–11:00`."""
    return hours(start, end, clock.now())
