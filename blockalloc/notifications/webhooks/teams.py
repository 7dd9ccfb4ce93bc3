"""Messages for Microsoft Teams: an adaptive card, as Workflows take it ("when a Teams webhook request is received").

Texts are text runs, in which nothing is markup. Only links are in Markdown, and their texts are our own.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from blockalloc.notifications.letter import Letter
from blockalloc.notifications.webhooks.paragraphs import Body, Line, Paragraph, Run, fitted, markdown_link, plain

_LONGEST = 27_000  # bytes: a message has 28 KB, and the workflow adds some
_COLOURS = {True: "attention", False: "good", None: "default"}


def body(letter: Letter) -> Body:
    """The message for a letter."""
    heading = _rich([Run(plain(letter.subject), bold=True)], size="large")

    def render(paragraphs: Sequence[Paragraph]) -> Body:
        card = {
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
            "type": "AdaptiveCard",
            "version": "1.2",
            "fallbackText": plain(letter.subject),
            "msteams": {"width": "Full"},
            "body": [heading, *map(_container, paragraphs)],
        }
        attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
        return {"type": "message", "attachments": [attachment]}

    return fitted(letter, render, lambda message: len(json.dumps(message)) <= _LONGEST)


def _container(paragraph: Paragraph) -> dict[str, Any]:
    first, *others = paragraph.lines
    items = [*_elements(first, _COLOURS[paragraph.trouble]), *(item for line in others for item in _elements(line))]
    return {"type": "Container", "separator": True, "items": items}


def _elements(line: Line, colour: str = "default") -> Iterator[dict[str, Any]]:
    texts = [run for run in line if not run.link]
    if texts:
        yield _rich(texts, colour=colour)
    for run in line:
        if run.link:
            yield {"type": "TextBlock", "text": markdown_link(run), "wrap": True, "spacing": "none"}


def _rich(line: Line, size: str = "default", colour: str = "default") -> dict[str, Any]:
    return {"type": "RichTextBlock", "spacing": "small", "inlines": [_text_run(run, size, colour) for run in line]}


def _text_run(run: Run, size: str, colour: str) -> dict[str, Any]:
    weight = "bolder" if run.bold else "default"
    return {"type": "TextRun", "text": run.text, "size": size, "color": colour, "weight": weight}
