"""The drawings of icons.svg."""

from django.templatetags.static import static
from django.utils.html import format_html


def icon(name: str) -> str:
    """A drawing by its id: a state of a computer ("loaded"), or the level of a signal ("bad").

    It says nothing to screen readers: the text beside it does.
    """
    return format_html(
        '<svg class="icon" aria-hidden="true"><use href="{}#{}"/></svg>', static("blockalloc/icons.svg"), name
    )
