"""A letter as paragraphs of plain text for chat programs, and cut to what such a program takes."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from blockalloc.notifications import wording
from blockalloc.notifications.letter import Item, Letter, Section
from blockalloc.notifications.writing_out import labelled

LONGEST_TEXT = 500  # characters of one piece of text
_BRIEF_LINES = 10  # of a section

# Control characters and line ends: what comes from a name must not begin a line of its own. Surrogates have no UTF-8.
_GAPS = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


class Run(NamedTuple):
    """Text that looks the same throughout. One with the address `link` is our own: no name is in the text of a link."""

    text: str
    bold: bool = False
    link: str = ""


Line = Sequence[Run]


class Paragraph(NamedTuple):
    """Lines that belong together. `trouble`: whether its first line is bad news or good; None: neither."""

    lines: Sequence[Line]
    trouble: bool | None = None


Body = dict[str, Any]


def fitted(letter: Letter, render: Callable[[Sequence[Paragraph]], Body], fits: Callable[[Body], bool]) -> Body:
    """The rendered letter, with as much of it as fits: everything, else the first lines, else of the first ones only.

    Where even those don't fit, it is what remains of no paragraph at all: `render` adds the subject by itself.
    """
    for candidate in _shorter_and_shorter(letter):
        body = render(candidate)
        if fits(body):
            break
    return body


def plain(text: str, longest: int = LONGEST_TEXT) -> str:
    """Text in one line, with "…" in place of what is too long."""
    line = _GAPS.sub(" ", text).strip()
    return line if len(line) <= longest else f"{line[: longest - 1].rstrip()}…"


def markdown_link(run: Run) -> str:
    """A run with a link in Markdown."""
    return f"[{run.text}]({run.link.replace('(', '%28').replace(')', '%29')})"


def _shorter_and_shorter(letter: Letter) -> Iterator[Sequence[Paragraph]]:
    opening = [Paragraph([[Run(plain(letter.opening))]])] if letter.opening else []
    yield [*opening, *(_of_item(each, letter.at) for each in letter.items), *map(_of_section, letter.sections)]
    brief = [*map(_of_item_in_brief, letter.items), *(_of_section(each, _BRIEF_LINES) for each in letter.sections)]
    yield [*opening, *brief]
    shown = len(brief)
    while shown:
        shown = shown * 3 // 4
        yield [*opening, *brief[:shown], Paragraph([[Run(f"… and {len(brief) - shown} more")]])]
    yield []


def _of_item(item: Item, at: int) -> Paragraph:
    texts = [_facts(item, at), *(f"{label}: {text}" for label, text in labelled(item))]
    lines = [*_of_item_in_brief(item).lines]
    return Paragraph([lines[0], *([Run(plain(text))] for text in texts), *lines[1:]], item.kind.is_trouble)


def _of_item_in_brief(item: Item) -> Paragraph:
    lines = [[Run(plain(named_headline(item)), bold=True)]]
    links = [Run("Open the class", link=item.link)] if item.link else []
    if item.week:
        links += [*([Run(" · ")] if links else []), Run("This week", link=item.week)]
    if links:
        lines.append(links)
    return Paragraph(lines, item.kind.is_trouble)


def named_headline(item: Item) -> str:
    """What has happened, and to which class."""
    return f"{item.name} · {item.headline}"


def _facts(item: Item, at: int) -> str:
    ready = "" if item.ready is None else f", {item.ready} ready"
    return " · ".join(
        text
        for text in (
            wording.hours(item.start, item.end, at),
            item.image,
            item.group,
            f"{item.usable} of {item.wanted} machines{' foreseen' if item.kind.is_of_forecast else ''}{ready}",
        )
        if text
    )


def _of_section(section: Section, most: int | None = None) -> Paragraph:
    shown = section.lines[:most]
    lines: list[Line] = [[Run(plain(section.title), bold=True)]]
    lines += [[Run(f"• {plain(text)} "), *([Run("Open", link=link)] if link else [])] for text, link in shown]
    if len(shown) < len(section.lines):
        lines.append([Run(f"… and {len(section.lines) - len(shown)} more")])
    return Paragraph(lines)
