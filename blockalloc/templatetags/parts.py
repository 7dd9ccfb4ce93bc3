"""The parts that pages are made of: icons, and short host names."""

import re
from itertools import zip_longest

from django import template
from django.utils.html import escape, format_html, format_html_join, strip_tags
from django.utils.safestring import SafeString

from blockalloc.pages.icons import icon
from blockalloc.pages.short_names import short_names

register = template.Library()
_ADDRESS = re.compile(r"([\w.+-]{1,24}@[\w-]+(?:\.[\w-]+){1,3})")
register.simple_tag(icon)


@register.filter
def short_name(hostname: str) -> str:
    """A host name without the site's domain."""
    return short_names().of(hostname)


@register.filter
def whole_addresses(text: str) -> SafeString:
    """A text of a mail in which mail addresses stay on one line, unless they are longer than a phone is wide."""
    parts = _ADDRESS.split(text)
    whole = [format_html('<span style="white-space:nowrap;">{}</span>', each) for each in parts[1::2]]
    pairs = zip_longest(map(escape, parts[::2]), whole, fillvalue="")
    return format_html_join("", "{}{}", pairs)


@register.filter
def begins_with_name(words: str) -> bool:
    """Whether words begin with the name of a computer or the like (it has a digit or a dot), which stays as it is."""
    first = strip_tags(words).partition(" ")[0]
    return re.search(r"\D\d|\w\.\w", first) is not None
