"""The parts that pages are made of: icons, and short host names."""

from django import template

from blockalloc.pages.icons import icon
from blockalloc.pages.short_names import short_names

register = template.Library()
register.simple_tag(icon)


@register.filter
def short_name(hostname: str) -> str:
    """A host name without the site's domain."""
    return short_names().of(hostname)
