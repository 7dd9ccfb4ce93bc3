"""The columns of lists that say how far a class is: machines, whole ones, as on its own page.

The numbers are those of `reports.readiness`, read once for all rows of a page, and kept on the row as one text: the
rows of an inline table get their columns from their query.
"""

import json
from collections.abc import Collection
from typing import Any, NamedTuple

from django.db.models import Model, QuerySet
from django.utils.html import format_html

from blockalloc import clock
from blockalloc.models import BlockTime
from blockalloc.pages.columns import column, fact, signal, strong
from blockalloc.reports.readiness import BlockTimeReadiness, read
from scheduling import wording

# Of a class that lacks machines; the text goes on with the reason.
_LACKING = ("no computers", "never asked for")


class ClassRow(NamedTuple):
    """What a list says of a class. `lacks`: the beginning of the status, if machines are missing, else "".

    `is_whole`: every machine that it wants is usable, and none of its computers has failed. `has_computers`, `has_all`:
    whether it has any computers, and as many machines as it wants, usable or not. `level`: that of the class's signal.
    """

    allocated: str
    ready: str
    lacks: str
    status: str
    is_whole: bool
    has_computers: bool = False
    has_all: bool = False
    level: str = "plain"

    def as_text(self) -> str:
        """The row as a text that `of_text` reads."""
        return json.dumps(self)

    @classmethod
    def of_text(cls, text: str) -> "ClassRow":
        """The row of a text; of "" that of a class that has gone since."""
        return cls(*json.loads(text)) if text else cls("", "", "", "", is_whole=True)


def class_row(of: BlockTimeReadiness, now: int) -> ClassRow:
    """The row of a class at `now` (Unix seconds)."""
    numbers, words = of.readiness.numbers, str(of.readiness.signal)
    allocated = f"{numbers.allocated} of {numbers.wanted}{wording.and_spares(numbers.spares)}"
    is_whole = not numbers.missing and not numbers.count("failed")
    more: dict[str, Any] = {
        "has_computers": bool(numbers.computers),
        "has_all": numbers.allocated >= numbers.wanted,
        "level": of.readiness.signal.level,
    }
    if not of.is_current_or_upcoming(now):
        return ClassRow(allocated, "", "", words, is_whole, **more)
    ready = str(numbers.ready)
    if not numbers.computers:
        what, comma, why = words.partition(", ") if words.startswith(_LACKING) else ("", "", words)
        return ClassRow(allocated, ready, what, f"{comma}{why}", is_whole, **more)
    if numbers.missing:
        missing = wording.missing(numbers.missing, numbers.wanted, numbers.failed)
        return ClassRow(allocated, ready, missing, "", is_whole, **more)
    return ClassRow(allocated, ready, "", "complete", is_whole, **more)


def class_rows(keys: Collection[int]) -> dict[int, ClassRow]:
    """Block time id -> its row; in a fixed number of statements."""
    return rows_of(BlockTime.objects.filter(pk__in=keys)) if keys else {}


def rows_of(times: QuerySet[BlockTime]) -> dict[int, ClassRow]:
    """The same of the block times of a query."""
    now = clock.now()
    return {each.id: class_row(each, now) for each in read(times, now)}


def class_row_of(row: Model) -> ClassRow:
    """What the list says of the class in a row of it."""
    return ClassRow.of_text(fact(row, "class_row"))


@column("Machines allocated")
def allocated(time: BlockTime) -> str:
    """The machines that the block time has and wants, and its spares."""
    return class_row_of(time).allocated


@column("Machines ready")
def ready(time: BlockTime) -> str:
    """How many of them are ready; nothing for a class that is over, or does not take place."""
    return class_row_of(time).ready


@column("Machines")
def machines(time: BlockTime) -> str:
    """Both in one: `18 of 20, 6 ready`; the second only where there is something to be ready."""
    row = class_row_of(time)
    ready = f", {row.ready} ready" if row.ready and row.has_computers else ""
    return format_html('<span class="nowrap"><b>{}</b>{}</span>', row.allocated, ready)


@column("Status")
def state(time: BlockTime) -> str:
    """The status in the colour of its level, and what is to be done about it."""
    row = class_row_of(time)
    what, comma, why = (row.lacks or row.status).partition("," if not row.lacks else " (")
    address = getattr(time, "put_right", "")
    action = format_html(' <a class="button small" href="{}">Put right now</a>', address) if address else ""
    rest = f"{comma}{why}{row.status if row.lacks else ''}"
    if rest.startswith(","):  # the edge of the signal is enough to see
        rest = format_html('<span class="visually-hidden">,</span>{}', rest[1:])
    return format_html("{}{}{}", signal(_level(row), what), rest, action)


def _level(row: ClassRow) -> str:
    """The level of the status alone: that machines are missing, or that none is. Other problems are on other pages."""
    if row.lacks or row.level == "plain":
        return row.level
    return "good" if row.is_whole and row.level == "good" else "plain"


@column("Status")
def status(time: BlockTime) -> str:
    """The status, with a shortage in bold."""
    row = class_row_of(time)
    address = getattr(time, "put_right", "")
    action = format_html(' <a href="{}">Put right now</a>', address) if address else ""
    return format_html("{}{}{}", strong(row.lacks) if row.lacks else "", row.status, action)
