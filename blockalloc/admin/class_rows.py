"""The columns of lists that say how far a class is: machines, whole ones, as on its own page.

The numbers are those of `reports.readiness`, read once for all rows of a page, and kept on the row as one text: the
rows of an inline table get their columns from their query.
"""

import json
from collections.abc import Collection
from typing import NamedTuple

from django.db.models import Model
from django.utils.html import format_html

from blockalloc import clock
from blockalloc.models import BlockTime
from blockalloc.pages.columns import column, fact, strong
from blockalloc.reports.readiness import BlockTimeReadiness, read
from scheduling import wording

# Of a class that lacks machines; the text goes on with the reason.
_LACKING = ("no computers", "never asked for")


class ClassRow(NamedTuple):
    """What a list says of a class. `lacks`: the beginning of the status, if machines are missing, else "".

    `is_whole`: every machine that it wants is usable, and none of its computers has failed. `has_computers`, `has_all`:
    whether it has any computers, and as many machines as it wants, usable or not.
    """

    allocated: str
    ready: str
    lacks: str
    status: str
    is_whole: bool
    has_computers: bool = False
    has_all: bool = False

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
    more = {"has_computers": bool(numbers.computers), "has_all": numbers.allocated >= numbers.wanted}
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
    if not keys:
        return {}
    now = clock.now()
    return {each.id: class_row(each, now) for each in read(BlockTime.objects.filter(pk__in=keys), now)}


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


@column("Status")
def status(time: BlockTime) -> str:
    """The status, with a shortage in bold."""
    row = class_row_of(time)
    address = getattr(time, "put_right", "")
    action = format_html(' <a href="{}">Put right now</a>', address) if address else ""
    return format_html("{}{}{}", strong(row.lacks) if row.lacks else "", row.status, action)
