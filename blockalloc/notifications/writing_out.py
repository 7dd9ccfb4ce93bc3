"""Letters as plain text and as HTML, for mail programs."""

import textwrap
from collections.abc import Iterator, Sequence

from django.template.loader import render_to_string

from blockalloc.notifications import wording
from blockalloc.notifications.letter import Item, Letter
from scheduling.news.kinds import Kind
from scheduling.wording import plural

COLUMNS = 76  # so that a quoted line still fits into 80
_LABEL = 8  # columns for "Why:" and the like
LABELS = {
    Kind.SHORT: "Machines missing",
    Kind.AT_RISK: "At risk",
    Kind.NOT_READY: "Not ready",
    Kind.MENDED: "Complete",
    Kind.READY: "Ready",
    Kind.FORESEEN: "Machines will be missing",
    Kind.FORESEEN_OVER: "Will be complete",
}


def as_text(letter: Letter) -> str:
    """The letter as plain text, in lines of at most 76 columns; an address stays in one line, however long."""
    blocks = [_filled(letter.opening)] if letter.opening else []
    blocks += ["\n".join(_item(item, letter.at)) for item in letter.items]
    blocks += ["\n".join(_section(section.title, section.lines)) for section in letter.sections]
    return "\n\n\n".join([*blocks, _foot(letter)])


def as_html(letter: Letter) -> str:
    """The letter as HTML: tables and inline styles, which mail programs understand; no pictures, nothing to load."""
    items = [
        {
            "item": item,
            "label": LABELS[item.kind],
            "level": "bad" if item.kind.is_trouble else "good",
            "hours": wording.hours(item.start, item.end, letter.at),
            "rows": labelled(item),
            "numbers": numbers(item),
        }
        for item in letter.items
    ]
    return render_to_string("blockalloc/mail/letter.html", {"letter": letter, "items": items})


def labelled(item: Item) -> list[tuple[str, str]]:
    """What is said of a class below its headline: (label, text)."""
    rows = [
        ("Why", item.why),
        ("Since", item.since),
        ("Tried" if item.kind.is_trouble else "Done", item.tried),
        ("Before", " ".join(item.earlier)),
        ("To do", item.advice),
    ]
    return [(label, text) for label, text in rows if text]


def numbers(item: Item) -> str:
    """`20 machines wanted, 18 usable, 15 ready. Ubuntu 22.04, for CS101@Local, owner jdoe@NCSU.`"""
    has = "foreseen" if item.kind.is_of_forecast else "usable"
    parts = [f"{plural(item.wanted, 'machine')} wanted", f"{item.usable} {has}"]
    parts += [f"{item.ready} ready"] if item.ready is not None else []
    about = [item.image, f"for {item.group}" if item.group else "", f"owner {item.owner}" if item.owner else ""]
    described = ", ".join(filter(None, about))
    return f"{', '.join(parts)}.{f' {described}.' if described else ''}"


def _item(item: Item, at: int) -> Iterator[str]:
    yield _filled(item.name)
    yield _filled(wording.hours(item.start, item.end, at))
    yield ""
    yield _filled(item.headline)
    yield ""
    for label, text in labelled(item):
        yield _filled(text, f"{label}:".ljust(_LABEL), " " * _LABEL)
    if item.link:
        yield f"{'Class:'.ljust(_LABEL)}{item.link}"
    if item.week:
        yield f"{'Week:'.ljust(_LABEL)}{item.week}"
    yield ""
    yield _filled(numbers(item))


def _section(title: str, lines: Sequence[tuple[str, str]]) -> Iterator[str]:
    yield title
    yield "-" * len(title)
    for text, address in lines:
        yield _filled(text, "* ", "  ")
        if address:
            yield f"  {address}"


def _foot(letter: Letter) -> str:
    lines = ["-- ", _filled(letter.reason)] if letter.reason else ["-- "]
    if letter.preferences:
        lines.append(f"Choose what you get: {letter.preferences}")
    if letter.unsubscribe:
        lines.append(f"Unsubscribe: {letter.unsubscribe}")
    return "\n".join(lines) + "\n"


def _filled(text: str, first: str = "", others: str = "") -> str:
    return textwrap.fill(
        text, COLUMNS, initial_indent=first, subsequent_indent=others, break_long_words=False, break_on_hyphens=False
    )
