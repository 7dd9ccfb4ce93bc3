"""Site time in templates."""

from datetime import UTC, datetime

from django import template

from blockalloc.pages.columns import when

register = template.Library()


@register.filter
def site_clock(instant: int) -> str:
    """Unix seconds as site time."""
    return when(datetime.fromtimestamp(instant, UTC))
