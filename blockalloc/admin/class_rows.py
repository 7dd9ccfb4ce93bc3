"""The columns of lists that say how far a class is: its machines and its state, as on "Today" and on its own page.

The numbers are those of `reports.readiness`, read once for all rows of a page, and kept on the row as one text: the
rows of an inline table get their columns from their query.
"""

import json
from collections.abc import Collection
from typing import NamedTuple

from django.db.models import Model, QuerySet
from django.utils.html import format_html

from blockalloc import clock
from blockalloc.models import BlockTime
from blockalloc.pages.block_days import WATCH, in_short, signal_of
from blockalloc.pages.class_figure import NEEDS_A_LOOK, figure
from blockalloc.pages.columns import column, fact, signal
from blockalloc.reports.forecasts import needs_forecast
from blockalloc.reports.readiness import BlockTimeReadiness, read
from scheduling.wording import and_spares


class ClassRow(NamedTuple):
    """What a list says of a class.

    `machines` is the number that matters most, `what` it is of, and `more` are others: `17 of 20`, `usable`,
    `18 allocated, 6 ready`. `level` and `label` are its signal, `words` the reason for it.

    `is_whole`: every machine that it wants is usable, and none of its computers has failed. `has_computers`, `has_all`:
    whether it has any computers, and as many machines as it wants, usable or not. `is_up_to_forecast`: nobody has asked
    for its computers yet, and nothing but the forecast can say that it is to be watched.
    """

    machines: str = ""
    what: str = ""
    more: str = ""
    level: str = "plain"
    label: str = ""
    words: str = ""
    is_whole: bool = True
    has_computers: bool = False
    has_all: bool = False
    is_up_to_forecast: bool = False

    def as_text(self) -> str:
        """The row as a text that `of_text` reads."""
        return json.dumps(self)

    @classmethod
    def of_text(cls, text: str) -> "ClassRow":
        """The row of a text; of "" that of a class that has gone since."""
        return cls(*json.loads(text)) if text else cls()


def class_row(of: BlockTimeReadiness, now: int) -> ClassRow:
    """The row of a class at `now` (Unix seconds)."""
    numbers = of.readiness.numbers
    machines, what, more = _machines(of, now)
    label, words = signal_of(of, now)
    return ClassRow(
        machines,
        what,
        more,
        of.readiness.signal.level,
        label,
        _reason(of, words, now),
        is_whole=not numbers.missing and not numbers.count("failed"),
        has_computers=bool(numbers.computers),
        has_all=numbers.allocated >= numbers.wanted,
        is_up_to_forecast=_is_up_to_forecast(of, now),
    )


def _machines(of: BlockTimeReadiness, now: int) -> tuple[str, str, str]:
    """The figure of a class, what it is of, and what else is known; of one that is closed, what it had."""
    numbers = of.readiness.numbers
    if of.is_current_or_upcoming(now):
        it = figure(of)
        return it.of_wanted, it.what, ", ".join(it.more)
    if not numbers.computers:
        return f"{numbers.wanted}", "wanted", ""
    return f"{numbers.allocated} of {numbers.wanted}{and_spares(numbers.spares)}", "allocated", ""


def _is_up_to_forecast(of: BlockTimeReadiness, now: int) -> bool:
    """Whether its state is to be watched if it is foreseen to be short, as `reports.forecasts.with_outlook` has it."""
    ready = of.readiness
    is_released = ready.released >= ready.wanted
    return needs_forecast(of, now) and not ready.computers and not is_released and ready.signal.level == "plain"


def _reason(of: BlockTimeReadiness, words: str, now: int) -> str:
    """Why its state is what it is: of a class with computers the first reason in a few words, as on "This week"."""
    ready = of.readiness
    if not ready.computers or not of.is_current_or_upcoming(now):
        return words
    return in_short(ready.signal.words, ready.numbers.failed) if ready.signal.level in NEEDS_A_LOOK else ""


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


@column("Machines")
def machines(time: BlockTime) -> str | None:
    """`17 of 20 usable`, and below it what else is known: `18 allocated, 6 ready`."""
    row = class_row_of(time)
    if not row.machines:
        return None
    more = format_html(' <span class="quiet under">{}</span>', row.more) if row.more else ""
    return format_html('<span class="nowrap"><b>{}</b> {}</span>{}', row.machines, row.what, more)


@column("State")
def state(time: BlockTime) -> str | None:
    """The state in the colour of its level, the reason for it, and what is to be done about it."""
    row = class_row_of(time)
    if not row.label:
        return None
    is_foreseen_short = row.is_up_to_forecast and str(getattr(time, "foreseen", "")).startswith("watch:")
    level, label = ("watch", WATCH) if is_foreseen_short else (row.level, row.label)
    address = getattr(time, "put_right", "")
    action = format_html(' <a class="button small" href="{}">Put right now</a>', address) if address else ""
    # The edge of the signal is enough to see.
    reason = format_html('<span class="visually-hidden">:</span> {}', row.words) if row.words else ""
    return format_html("{}{}{}", signal(level, label), reason, action)
