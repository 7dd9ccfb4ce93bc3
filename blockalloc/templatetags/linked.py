"""Texts with plain words and with links to the classes and reloads that they name; host names without the domain."""

from django import template
from django.utils.html import conditional_escape

from blockalloc.pages.subjects import Subjects
from blockalloc.pages.vcl_words import in_plain_words

register = template.Library()


@register.filter
def linked(text: str, subjects: Subjects | None) -> str:
    """The text in plain words, with links, by the `subjects` of the page; without them, the text in plain words."""
    words = in_plain_words(str(text))
    return subjects.linked(words) if isinstance(subjects, Subjects) else conditional_escape(words)
