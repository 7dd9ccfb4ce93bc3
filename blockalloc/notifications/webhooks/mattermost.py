"""Messages for Mattermost's incoming webhooks: text in Markdown, in which nothing in a name is markup or a mention."""

import re
from collections.abc import Sequence

from blockalloc.notifications.letter import Letter
from blockalloc.notifications.webhooks.paragraphs import Body, Line, Paragraph, Run, fitted, markdown_link, plain

_LONGEST = 16_000  # characters: a post has 16383 (PostMessageMaxRunesV2), longer texts become several posts
_SIGNS = {True: "⚠ ", False: "✓ ", None: ""}

_ZERO_WIDTH_SPACE = "\u200b"
# The first ones are text after a backslash, both in Mattermost's browser and in its mobile client. A backslash is not,
# before letters, in the browser; the others would be HTML, entities and formulas.
_MARKUP = str.maketrans(
    {each: f"\\{each}" for each in "`*_[]#>|~"} | {"&": "&amp;", "<": "&lt;", "\\": "&#92;", "$": "&#36;"}
)
# A mention begins with @, but not within a word: addresses such as jdoe@NCSU stay as they are. @all, @here and
# @channel are found in the text as it was sent, whatever stands before them.
_MENTION = re.compile(r"(?<![^\W_])@")
# Of emoji (:fire:) and of addresses (https://…), not of times (9:00).
_COLON = re.compile(r"(?<!\d):(?=\S)|:(?=[^\d\s])")


def body(letter: Letter) -> Body:
    """The message for a letter."""

    def render(paragraphs: Sequence[Paragraph]) -> Body:
        return {"text": "\n\n".join([f"#### {escaped(plain(letter.subject))}", *map(_paragraph, paragraphs)])}

    return fitted(letter, render, lambda message: len(message["text"]) <= _LONGEST)


def escaped(text: str) -> str:
    """Text that looks the same in Mattermost, and does nothing there."""
    quiet = _COLON.sub(f":{_ZERO_WIDTH_SPACE}", _MENTION.sub(f"@{_ZERO_WIDTH_SPACE}", text))
    return quiet.translate(_MARKUP)


def _paragraph(paragraph: Paragraph) -> str:
    # Two spaces at the end of a line keep the next one a line of its own.
    return "  \n".join([_SIGNS[paragraph.trouble] + _line(paragraph.lines[0]), *map(_line, paragraph.lines[1:])])


def _line(line: Line) -> str:
    text = "".join(map(_run, line))
    # A character without width before it keeps a text from being a list or a heading (1. 1) - + =).
    return text if text[:1].isalpha() or text.startswith(("**", "•", "[")) else f"{_ZERO_WIDTH_SPACE}{text}"


def _run(run: Run) -> str:
    if run.link:
        return markdown_link(run)
    return f"**{escaped(run.text)}**" if run.bold else escaped(run.text)
