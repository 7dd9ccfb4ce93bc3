"""Texts with plain words and with links to the classes and reloads that they name; host names without the domain."""

from django import template

from blockalloc.pages.short_names import short_names
from blockalloc.pages.subjects import Subjects
from blockalloc.pages.vcl_words import in_plain_words

register = template.Library()


@register.filter
def linked(text: str, subjects: Subjects | None) -> str:
    """The text in plain words, with links, by the `subjects` of the page; without them, the text in plain words."""
    words = in_plain_words(str(text))
    return subjects.linked(words) if isinstance(subjects, Subjects) else short_names().in_text(words)
