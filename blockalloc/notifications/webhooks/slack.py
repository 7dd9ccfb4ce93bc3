"""Messages for Slack's incoming webhooks: a plain text for notifications, and blocks.

Blocks are rich text, in which nothing is markup. In the plain text, `&`, `<` and `>` are escaped, so that nothing in
a name becomes a link or calls a channel (<!channel>).
"""

from collections.abc import Sequence
from typing import Any

from blockalloc.notifications.letter import Letter
from blockalloc.notifications.webhooks.paragraphs import Body, Line, Paragraph, Run, fitted, plain

# Slack's limits: 50 blocks a message, 150 characters in a header. It has one for all text of a message too, does not
# say which, and has refused messages somewhat above this one.
_BLOCKS = 50
_HEADER = 150
_CHARACTERS = 12_000
_TEXT = 3000
_SIGNS = {True: "⚠ ", False: "✓ ", None: ""}


def body(letter: Letter) -> Body:
    """The message for a letter."""
    header = {"type": "plain_text", "text": plain(letter.subject, _HEADER), "emoji": False}

    def render(paragraphs: Sequence[Paragraph]) -> Body:
        blocks = [{"type": "header", "text": header}, *map(_block, paragraphs)]
        return {"text": _text(letter), "blocks": blocks, "unfurl_links": False}

    return fitted(letter, render, _fits)


def _fits(message: Body) -> bool:
    return len(message["blocks"]) <= _BLOCKS and _length(message["blocks"]) <= _CHARACTERS


def _length(part: Any) -> int:
    """How many characters of text, and of addresses, there are."""
    if isinstance(part, dict):
        return sum(len(part[name]) for name in ("text", "url") if isinstance(part.get(name), str)) + sum(
            _length(inner) for inner in part.values()
        )
    return sum(map(_length, part)) if isinstance(part, list) else 0


def _text(letter: Letter) -> str:
    lines = [plain(letter.subject), *(plain(item.headline) for item in letter.items)]
    text = "\n".join(map(escaped, lines))
    return text if len(text) <= _TEXT else escaped(plain(letter.subject))


def escaped(text: str) -> str:
    """Text in which Slack finds no link, no mention and no other control sequence."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _block(paragraph: Paragraph) -> dict[str, Any]:
    elements: list[dict[str, Any]] = []
    for number, line in enumerate(paragraph.lines):
        elements += [_text_element(Run("\n"))] if number else []
        elements += _of_line(line, "" if number else _SIGNS[paragraph.trouble])
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": elements}]}


def _of_line(line: Line, sign: str) -> list[dict[str, Any]]:
    first, *others = line
    return [_element(first._replace(text=f"{sign}{first.text}")), *map(_element, others)]


def _element(run: Run) -> dict[str, Any]:
    return {"type": "link", "url": run.link, "text": run.text} if run.link else _text_element(run)


def _text_element(run: Run) -> dict[str, Any]:
    return {"type": "text", "text": run.text, **({"style": {"bold": True}} if run.bold else {})}
