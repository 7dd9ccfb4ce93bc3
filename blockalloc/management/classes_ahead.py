"""What `check_classes --forecast` adds: classes of the next days that will lack machines, by the forecast."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import QuerySet

from blockalloc.forecasting import freshness
from blockalloc.management.plugin import Figure, Status
from blockalloc.models import BlockTime
from blockalloc.site_time import site_zone
from blockalloc.store import forecasts
from blockalloc.store.forecasts import Kept
from scheduling.windows import DAY
from scheduling.wording import plural

_LISTED, _LONGEST = 12, 300  # classes in lines of their own; characters


@dataclass(frozen=True, slots=True)
class Ahead:
    """The classes that begin within `days` and will lack machines, by start, with their names by block time.

    `unknown`: why the forecast says nothing, "" when it does.
    """

    days: int
    short: Sequence[Kept] = ()
    names: Mapping[int, str] = field(default_factory=dict)
    unknown: str = ""

    @property
    def status(self) -> Status:
        """A class that will lack machines, or a forecast that nobody checks, is for somebody to look at this week."""
        return Status.WARNING if self.short or self.unknown else Status.OK

    @property
    def summary(self) -> str:
        """What follows in the first line."""
        if self.unknown:
            return f"; {self.unknown}"
        number = len(self.short)
        named = f": {self._briefly(self.short[0])}" if number else ""
        classes = "1 class" if number == 1 else f"{number or 'no'} classes"
        return f"; {classes} of {plural(self.days, 'day')} will lack machines{named}"

    @property
    def lines(self) -> list[str]:
        """A line for each class."""
        more = len(self.short) - _LISTED
        lines = [
            f"forecast: {self._briefly(each)}{f': {each.why}' if each.why else ''}"[:_LONGEST]
            for each in self.short[:_LISTED]
        ]
        return [*lines, *([f"and {more} more of the forecast"] if more > 0 else [])]

    @property
    def figures(self) -> list[Figure]:
        """How many classes, and machines, for graphs; nothing where the forecast says nothing."""
        if self.unknown:
            return []
        missing = sum(each.missing for each in self.short)
        return [Figure("foreseen", len(self.short), warning="0"), Figure("foreseen_missing", missing)]

    def _briefly(self, each: Kept) -> str:
        start = f"{datetime.fromtimestamp(each.start, site_zone()):%a %Y-%m-%d %H:%M}"
        machines = f"{each.machines} of {plural(each.requested, 'machine')}"
        return f"{self.names[each.block_time_id]}, {start}: {machines}"[:_LONGEST]


def read(asked: QuerySet[BlockTime], now: int, days: int) -> Ahead:
    """Of the block times of `asked` that begin within `days` days of `now` (Unix seconds). Three statements at most."""
    run = forecasts.last_run()
    if not freshness.is_current(run, now):
        return Ahead(days, unknown=freshness.in_words(run, now))
    short = forecasts.short_between(now, now + days * DAY)
    of = asked.filter(pk__in=[each.block_time_id for each in short])
    names = dict(of.values_list("pk", "blockRequest__name")) if short else {}
    return Ahead(days, [each for each in short if each.block_time_id in names], names)
