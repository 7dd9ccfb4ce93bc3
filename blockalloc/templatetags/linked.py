"""Texts with links to the classes and reloads that they name."""

from django import template
from django.utils.html import conditional_escape

from blockalloc.pages.subjects import Subjects

register = template.Library()


@register.filter
def linked(text: str, subjects: Subjects | None) -> str:
    """The text with links, by the `subjects` of the page; without them, the text."""
    return subjects.linked(str(text)) if isinstance(subjects, Subjects) else conditional_escape(text)
