"""Plans of single dates beside all accepted classes and beside the other dates of the series."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from blockalloc.series.around import LEAD, Around
from blockalloc.series.bookings import Bookings
from blockalloc.series.dates import Date
from blockalloc.series.question import Wish
from scheduling.facts import BlockComputer, Site
from scheduling.forecast.engine import beside
from scheduling.forecast.facts import ClassForecast, ForecastFacts
from scheduling.reload_plan import adopted
from scheduling.shared import Shared
from scheduling.windows import overlap

Planned = Mapping[Date, ClassForecast]


class Planner:
    """Plans the dates that a series has, or might have. `plans` counts them: each takes as long as a call's."""

    def __init__(self, facts: ForecastFacts, wish: Wish) -> None:
        self.facts, self.wish = facts, wish
        self.plans = 0
        self._numbers = {date: number for number, date in enumerate(wish.dates, start=1)}
        self._shared = Shared(facts.site)
        self._around = Around(facts, self._shared)
        self._needed = wish.machines * len(wish.images)
        self._shortest = -adopted(0, 0, facts.load_seconds.get(wish.images[0].id, 0)).start  # seconds before a start

    def plan_all(self, dates: Iterable[Date]) -> dict[Date, ClassForecast]:
        """One date after the other, each beside those before it."""
        planned: dict[Date, ClassForecast] = {}
        for date in dates:
            planned[date] = self.plan(date, planned)
        return planned

    def plan(self, date: Date, own: Planned, site: Site | None = None) -> ClassForecast:
        """What a date could have beside the dates `own` of the series; as if the site were `site`, if given."""
        self.plans += 1
        facts, shared = (self.facts, self._shared) if site is None else (replace(self.facts, site=site), None)
        others = [*self._around.at(date.start, date.end), *self._near(date, own)]
        ignore = self.wish.ignore_privileges
        return beside(facts, others, self.wish.block(date), ignore_privileges=ignore, shared=shared)

    def plan_on(self, site: Site, date: Date, dates: Iterable[Date]) -> ClassForecast:
        """What a date of the series `dates` could have on another site, when all others have their plans there as well.

        Accepted classes and dates before it may lack machines themselves: what is free then is theirs first.
        """
        other = Planner(replace(self.facts, site=site), self.wish)
        planned = other.plan_all(together(date, dates))
        self.plans += other.plans
        return planned[date]

    def may_be_free(self, date: Date) -> bool:
        """Whether enough computers may be free then, as far as what is booked already goes."""
        return self._free_at_most(date) >= self._needed

    def is_hopeful(self, date: Date, own: Planned) -> bool:
        """Whether enough computers may be free then, before a plan says so."""
        if not self.may_be_free(date):
            return False
        rows = [row for each in self._around.at(date.start, date.end) for row in each.computers]
        rows += [row for each in self._near(date, own) for row in each.computers]
        return self._free_at_most(date, rows) >= self._needed

    def _free_at_most(self, date: Date, rows: Iterable[BlockComputer] = ()) -> int:
        return self._bookings.free_at_most(date.start - self._shortest, date.end, rows)

    def _near(self, date: Date, own: Planned) -> Sequence[ClassForecast]:
        """The other dates that may want computers at the same time, as classes with ids of their own: below 0.

        They are numbered as in the series, and dates that it might have after them.
        """
        near = []
        for place, (other, forecast) in enumerate(own.items(), start=1):
            if other != date and overlap(date.start - LEAD, date.end, other.start - LEAD, other.end):
                number = self._numbers.get(other, len(self._numbers) + place)
                near.append(_with_id(forecast, -number))
        return near

    @cached_property
    def _bookings(self) -> Bookings:
        return Bookings(self.facts.site, self._shared, self.wish.images)

    @property
    def fit(self) -> frozenset[int]:
        """The computers that can run the images at all."""
        return self._bookings.fit


def together(date: Date, dates: Iterable[Date]) -> list[Date]:
    """The dates that may have to do with a date, and it, in their order."""
    found, last = [date], date.end
    for each in sorted(other for other in dates if other.start >= date.start and other != date):
        if each.start - LEAD < last:
            found, last = [*found, each], max(last, each.end)
    first = date.start - LEAD
    for each in sorted((other for other in dates if other.start < date.start), reverse=True):
        if first < each.end:
            found, first = [*found, each], min(first, each.start - LEAD)
    return sorted(found)


def _with_id(forecast: ClassForecast, id_: int) -> ClassForecast:
    asked = forecast.asked
    block = replace(asked.block, block_time_id=id_)
    rows = [row._replace(block_time_id=id_) for row in forecast.computers]
    return replace(forecast, asked=asked._replace(block=block), computers=rows)
