"""What would help on a date that is not possible, and with the whole series. Each advice has been planned.

A search makes a limited number of plans, for each date and for all of them together, and takes a limited time. Starts
that cannot do for want of free computers are passed over without a plan.
"""

import time as clock
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, time, timedelta
from itertools import islice
from typing import NamedTuple

from blockalloc.series import changes
from blockalloc.series.dates import Date, local
from blockalloc.series.planner import Planned, Planner, together
from blockalloc.site_time import local_to_instant
from scheduling.facts import Site
from scheduling.forecast.facts import ClassForecast

SECONDS = 10.0  # that a search takes, but for the plan that it is at
MOST_PLANS = 100  # that are made for advice on single dates, and as many again for the whole series
_FIRST, _FEWEST = 12, 3  # plans for the first date and for another one, while there are any left
_PLACES_TRIED = (0, 1, 2, 4, 8, 16)  # among the hours of a day that may do, the nearest first
_DAYS_TRIED = 2
_EARLIEST, _LATEST = time(7), time(22)  # local; hours that people come at
_STEP = timedelta(minutes=15)
_STEPS_A_DAY = 24 * 4
_SATURDAY = 5  # Monday is 0
_OTHER_DAYS = (1, -1, 2, -2, 3, -3, 4, -4)  # by which a whole series is moved


class Advice(NamedTuple):
    """Something that would help, by its `kind`: a date with `machines` then.

    "hour" and "day": at another `date`; "fewer": with no more machines; "service": with `computers` back in service;
    "mapping": with the image mapped to the group `group_id` of computers, of which it has `computers` then; "series":
    with all dates at other times, `dates`, of which `date` is the first.
    """

    kind: str
    machines: int
    date: Date
    computers: Sequence[int] = ()
    group_id: int = 0
    dates: Sequence[Date] = ()


class Searched(NamedTuple):
    """The advice on dates, and those of them for which no plan was left."""

    advice: dict[Date, list[Advice]]
    not_searched: list[Date]


class Search:
    """Looks for what would help a series, once its dates are planned (`planned`)."""

    def __init__(self, planner: Planner, planned: Planned, seconds: float = SECONDS) -> None:
        self._planner, self._planned = planner, planned
        self._until = clock.monotonic() + seconds
        site, images = planner.facts.site, planner.wish.images
        self._now = site.now
        self._shift: timedelta | None = None  # by which another hour was found last
        self._idle = changes.out_of_service(site, images, planner.fit)
        self._unmapped = changes.unmapped(site, images, planner.fit)

    def _is_over(self) -> bool:
        """Whether there is no time left."""
        return clock.monotonic() >= self._until

    # --- Single dates -----------------------------------------------------------------------------

    def of_dates(self, bad: Sequence[Date]) -> Searched:
        """What would help on each of the dates."""
        advice: dict[Date, list[Advice]] = {}
        first, not_searched = self._planner.plans, []
        for number, date in enumerate(bad):
            left = MOST_PLANS - (self._planner.plans - first)
            if left <= 0 or self._is_over():
                not_searched.append(date)
                continue
            share = max(left // (len(bad) - number), _FEWEST if number else _FIRST)
            advice[date] = list(self._of_date(date, min(share, left)))
        return Searched(advice, not_searched)

    def _of_date(self, date: Date, share: int) -> Iterator[Advice]:
        """Advice on a date, from about `share` plans."""
        had = self._planned[date].machines
        if had:
            yield Advice("fewer", had, date)
        last = self._planner.plans + share
        kinds: list[Callable[[Date], Iterator[Advice | None]]] = [
            self._hour,
            self._day,
            self._service,
            self._mappings,
        ]
        for kind in kinds:
            for advice in kind(date):
                if advice is not None:
                    yield advice
                if self._planner.plans >= last or self._is_over():
                    return

    def _hour(self, date: Date) -> Iterator[Advice | None]:
        """A near start on the same day: the nearest few are tried one by one, then ones further off.

        Between one that does and the last one that does not, the rest of the plans look for a nearer one.
        """
        if (again := self._shifted_as_before(date)) is not None:
            yield again
            return
        others, tried, short = _Ahead(self._hopeful(date, _hours_of_day(date))), 0, -1
        for place in _PLACES_TRIED:
            if (other := others.at(place)) is None:
                return
            tried += 1
            if self._has_all(other, date):
                break
            short = place
            yield None
        else:
            return
        while place - short > 1 and tried < len(_PLACES_TRIED):
            tried, middle = tried + 1, (place + short) // 2
            nearer = others.at(middle)
            if nearer is not None and self._has_all(nearer, date):
                place, other = middle, nearer
            else:
                short = middle
        self._shift = _local(other).begins - _local(date).begins
        yield Advice("hour", self._planner.wish.machines, other)

    def _shifted_as_before(self, date: Date) -> Advice | None:
        """At the hours that were found for the date before, if they do for this one too: one plan at most."""
        if self._shift is None:
            return None
        there = _local(date)
        begins = there.begins + self._shift
        if begins.date() != there.begins.date() or not there.is_at_day(begins):
            return None
        hopeful = self._hopeful(date, [there.moved(begins)])
        found = next((other for other in hopeful if self._has_all(other, date)), None)
        return Advice("hour", self._planner.wish.machines, found) if found else None

    def _day(self, date: Date) -> Iterator[Advice | None]:
        """The first of the next days on which all machines can be had at the same hours."""
        for other in islice(self._hopeful(date, _days_after(date)), _DAYS_TRIED):
            if self._has_all(other, date):
                yield Advice("day", self._planner.wish.machines, other)
                return
            yield None

    def _hopeful(self, date: Date, others: Iterable[Date]) -> Iterator[Date]:
        """Other dates to come that may do in the place of a date."""
        own = self._without(date)
        return (
            each
            for each in others
            if each.start > self._now and each not in own and self._planner.is_hopeful(each, own)
        )

    def _has_all(self, other: Date, date: Date) -> bool:
        """Whether another date can have all machines, without the one in whose place it is.

        Dates of the series that are near it, and before it, may have more themselves then.
        """
        own = self._without(date)
        if self._planner.plan(other, own).missing:
            return False
        near = together(other, own)
        return len(near) == 1 or not self._planner.plan_all(near)[other].missing

    def _without(self, date: Date) -> Planned:
        return {each: forecast for each, forecast in self._planned.items() if each != date}

    def _service(self, date: Date) -> Iterator[Advice | None]:
        """With computers back in service: no more of them than it takes, if that can be said."""
        if not self._idle:
            return
        helped = self._planner.plan(date, self._planned, self._in_service(self._idle))
        gain = helped.machines - self._planned[date].machines
        if gain <= 0:
            yield None
            return
        used = sorted({row.computer_id for row in helped.computers} & self._idle)
        few = used[: gain * len(self._planner.wish.images)]
        if len(few) < len(used):
            yield None
            again = self._planner.plan(date, self._planned, self._in_service(few))
            used = few if again.machines >= helped.machines else used
        sure = self._planner.plan_on(self._in_service(used), date, self._planned)
        gains = sure.machines > self._planned[date].machines
        yield Advice("service", sure.machines, date, used) if gains else None

    def _in_service(self, computers: Sequence[int] | frozenset[int]) -> Site:
        return changes.back_in_service(self._planner.facts.site, computers)

    def _mappings(self, date: Date) -> Iterator[Advice | None]:
        """With the image mapped to a further group: the first that brings something."""
        for each in self._unmapped:
            site = changes.mapped_to(self._planner.facts.site, self._planner.wish.images, [each.group_id])
            helped = self._planner.plan(date, self._planned, site)
            if helped.machines > self._planned[date].machines:
                helped = self._planner.plan_on(site, date, self._planned)
            if helped.machines > self._planned[date].machines:
                yield Advice("mapping", helped.machines, date, _further(helped, self._planner.fit), each.group_id)
                return
            yield None

    # --- The whole series -------------------------------------------------------------------------

    def of_all(self, dates: Sequence[Date]) -> Advice | None:
        """The nearest other time for all dates at which each has all its machines; None: not found."""
        first = self._planner.plans
        for shifted in _shifts(dates):
            if self._planner.plans - first >= MOST_PLANS or self._is_over():
                return None
            if shifted[0].start > self._now and self._is_possible(shifted):
                return Advice("series", self._planner.wish.machines, shifted[0], dates=shifted)
        return None

    def _is_possible(self, dates: Sequence[Date]) -> bool:
        if not all(map(self._planner.may_be_free, dates)) or not all(
            self._planner.is_hopeful(each, {}) for each in dates
        ):
            return False
        planned: dict[Date, ClassForecast] = {}
        for date in dates:
            planned[date] = self._planner.plan(date, planned)
            if planned[date].missing or self._is_over():
                return False
        return True


class _Ahead:
    """The elements of an iterator by their places; no more of them are made than are asked for."""

    def __init__(self, others: Iterator[Date]) -> None:
        self._others = others
        self._made: list[Date] = []

    def at(self, place: int) -> Date | None:
        """The element at a place; None behind the last."""
        self._made += islice(self._others, max(place + 1 - len(self._made), 0))
        return self._made[place] if place < len(self._made) else None


def _further(forecast: ClassForecast, fit: frozenset[int]) -> list[int]:
    return sorted({row.computer_id for row in forecast.computers} - fit)


# --- Other dates ------------------------------------------------------------------------------------


class _Local(NamedTuple):
    """A date as clocks show it: when it begins, and for how long it lasts."""

    begins: datetime
    length: timedelta

    def moved(self, begins: datetime) -> Date:
        """The same length from another time on."""
        ends = begins + self.length
        return Date(*(int(local_to_instant(each).timestamp()) for each in (begins, ends)))

    def is_at_day(self, begins: datetime) -> bool:
        """Whether it is at hours that people come at, if it begins then."""
        earliest, latest = (datetime.combine(begins.date(), each) for each in (_EARLIEST, _LATEST))
        return earliest <= begins and begins + self.length <= latest


def _local(date: Date) -> _Local:
    begins, ends = (local(each).replace(tzinfo=None, fold=0) for each in date)
    return _Local(begins, ends - begins)


def _hours_of_day(date: Date) -> Iterator[Date]:
    """The same length on the quarter hours of the day, the nearest first."""
    there = _local(date)
    yield from map(there.moved, _other_starts(there))


def _other_starts(there: _Local) -> list[datetime]:
    midnight = datetime.combine(there.begins.date(), time(0))
    starts = (midnight + number * _STEP for number in range(_STEPS_A_DAY))
    possible = [each for each in starts if each != there.begins and there.is_at_day(each)]
    return sorted(possible, key=lambda each: abs(each - there.begins))


def _days_after(date: Date) -> Iterator[Date]:
    """The same hours on the next days of the week."""
    there = _local(date)
    for number in range(1, 7):
        begins = there.begins + timedelta(days=number)
        if _suits(begins, there):
            yield there.moved(begins)


def _suits(begins: datetime, there: _Local) -> bool:
    """Whether a class can move there: to a Saturday or a Sunday only from such a day."""
    return begins.weekday() < _SATURDAY or there.begins.weekday() >= _SATURDAY


def _shifts(dates: Sequence[Date]) -> Iterator[list[Date]]:
    """The whole series at other hours of its days, the nearest first; then on other days, at its hours."""
    series = [_local(each) for each in dates]
    for start in _other_starts(series[0]):
        by = start - series[0].begins
        if all(each.is_at_day(each.begins + by) for each in series):
            yield [each.moved(each.begins + by) for each in series]
    for days in _OTHER_DAYS:
        by = timedelta(days=days)
        if all(_suits(each.begins + by, each) for each in series):
            yield [each.moved(each.begins + by) for each in series]
