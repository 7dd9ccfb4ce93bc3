"""The parts that pages are made of: icons, and short host names."""

import re

from django import template
from django.utils.html import strip_tags

from blockalloc.pages.icons import icon
from blockalloc.pages.short_names import short_names

register = template.Library()
register.simple_tag(icon)


@register.filter
def short_name(hostname: str) -> str:
    """A host name without the site's domain."""
    return short_names().of(hostname)


@register.filter
def begins_with_name(words: str) -> bool:
    """Whether words begin with the name of a computer or the like (it has a digit or a dot), which stays as it is."""
    first = strip_tags(words).partition(" ")[0]
    return re.search(r"\D\d|\w\.\w", first) is not None
