"""Messages for Matrix, as matrix-hookshot's generic webhooks take them: plain text, and the same as HTML."""

import json
import re
from collections.abc import Sequence
from html import escape

from blockalloc.notifications.letter import Letter
from blockalloc.notifications.webhooks.paragraphs import Body, Line, Paragraph, Run, fitted, plain

# A Matrix event has 65,536 bytes, and matrix-hookshot puts the message into it twice: as what is shown, and as what
# it received.
_LONGEST = 28_000
_SIGNS = {True: "⚠ ", False: "✓ ", None: ""}
_ROOM = re.compile(r"@(?=room)", re.IGNORECASE)  # "@room" in a text calls everybody in the room


def body(letter: Letter) -> Body:
    """The message for a letter."""
    subject = quiet(plain(letter.subject))

    def render(paragraphs: Sequence[Paragraph]) -> Body:
        return {
            "text": "\n\n".join([subject, *map(_as_text, paragraphs)]),
            "html": f"<h4>{escape(subject)}</h4>" + "".join(map(_as_html, paragraphs)),
        }

    return fitted(letter, render, lambda message: len(json.dumps(message)) <= _LONGEST)


def quiet(text: str) -> str:
    """Text that calls nobody."""
    return _ROOM.sub("@\u200b", text)


def _as_text(paragraph: Paragraph) -> str:
    return _SIGNS[paragraph.trouble] + "\n".join(
        "".join(quiet(run.text) + (f" ({run.link})" if run.link else "") for run in line) for line in paragraph.lines
    )


def _as_html(paragraph: Paragraph) -> str:
    return f"<p>{_SIGNS[paragraph.trouble]}{'<br>'.join(map(_line_as_html, paragraph.lines))}</p>"


def _line_as_html(line: Line) -> str:
    return "".join(map(_run_as_html, line))


def _run_as_html(run: Run) -> str:
    text = escape(quiet(run.text))
    if run.link:
        return f'<a href="{escape(run.link)}">{text}</a>'
    return f"<strong>{text}</strong>" if run.bold else text
