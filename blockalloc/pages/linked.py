"""Words that name classes, with links to their pages."""

import re
from collections.abc import Mapping

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString


def class_link(block_time_id: int, name: str) -> SafeString:
    """A link to the page of a class."""
    return format_html('<a href="{}">{}</a>', reverse("admin:blockalloc_blocktime_change", args=[block_time_id]), name)


def linked(words: str, links: Mapping[str, int]) -> SafeString:
    """The words, where names of classes (name -> block time) are links to their pages."""
    if not links:
        return format_html("{}", words)
    names = "|".join(re.escape(name) for name in sorted(links, key=len, reverse=True))
    parts = re.split(rf"(?<!\w)({names})(?!\w)", words)  # texts and names by turns
    return format_html_join(
        "", "{}", ((class_link(links[part], part) if n % 2 else part,) for n, part in enumerate(parts))
    )
