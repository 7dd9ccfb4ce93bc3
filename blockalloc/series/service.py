"""The use case: is a series of dates possible, and if not, what would help? Nothing is written, held or recorded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db import transaction

from blockalloc import clock
from blockalloc.measures import calls
from blockalloc.models.scope import Scope
from blockalloc.series import names, question, reading, words
from blockalloc.series.answer import PlannedDate, SeriesPlan, Status, Suggestion
from blockalloc.series.dates import Date
from blockalloc.series.names import Names
from blockalloc.series.planner import Planned, Planner
from blockalloc.series.question import Question, Wish
from blockalloc.series.search import Advice, Search, Searched
from scheduling.facts import Site
from scheduling.forecast.facts import ClassForecast
from scheduling.remedies import InTheWay

EVERYTHING = Scope()


def plan(asked: Question, scope: Scope = EVERYTHING, *, door: str) -> SeriesPlan:
    """What can be had on each date as of now, and what would help, with the names that a person of `scope` may know.

    The facts are read in a fixed number of statements, in one transaction. `door` is where the question came in, for
    the metrics. Raises Refusal.
    """
    now = clock.now()
    with calls.counted(door, calls.Method.PLAN_SERIES):
        with transaction.atomic():
            wish = question.check(asked, now)
            facts = reading.read(wish, now)
        found = _find(Planner(facts, wish), now)
        return _in_words(found, names.read(found.bookings, found.groups, scope), facts.site)


@dataclass(frozen=True, slots=True)
class _Found:
    """What the plans say, without names."""

    wish: Wish
    planned: Planned  # without dates that are past
    searched: Searched
    whole: Advice | None

    @property
    def bookings(self) -> list[InTheWay]:
        """All bookings that are in the way of a date."""
        return [booking for each in self.planned.values() for booking in each.in_the_way]

    @property
    def groups(self) -> set[int]:
        """The resource groups that advice names."""
        return {each.group_id for advice in self.searched.advice.values() for each in advice if each.group_id}

    @property
    def is_short(self) -> bool:
        """Whether a date lacks machines."""
        return any(each.missing for each in self.planned.values())


def _find(planner: Planner, now: int) -> _Found:
    to_come = [date for date in planner.wish.dates if date.end > now]
    planned = planner.plan_all(to_come)
    bad = [date for date, forecast in planned.items() if forecast.missing]
    if not bad:
        return _Found(planner.wish, planned, Searched({}, []), None)
    search = Search(planner, planned)
    return _Found(planner.wish, planned, search.of_dates(bad), search.of_all(to_come))


def _in_words(found: _Found, known: Names, site: Site) -> SeriesPlan:
    wish, whole = found.wish, found.whole
    return SeriesPlan(
        image=wish.images[0].name,
        group=wish.group,
        machines=wish.machines,
        ignore_privileges=wish.ignore_privileges,
        dates=[_date(each, found, known, site) for each in wish.dates],
        whole=_suggestion(whole, 0, site, known.groups) if whole else None,
        is_whole_searched=found.is_short,
    )


def _date(date: Date, found: _Found, known: Names, site: Site) -> PlannedDate:
    forecast = found.planned.get(date)
    if forecast is None:
        return PlannedDate(date.start, date.end, found.wish.machines, 0, Status.PAST)
    said = words.said(forecast)
    return PlannedDate(
        start=date.start,
        end=date.end,
        wanted=forecast.wanted,
        possible=forecast.machines,
        status=said.status,
        reason=said.reason,
        collisions=[known.collision(each) for each in forecast.in_the_way] if said.collides else (),
        suggestions=_suggestions(found.searched.advice.get(date, ()), forecast, site, known.groups),
        is_searched=date not in found.searched.not_searched,
    )


def _suggestions(
    advice: Sequence[Advice], forecast: ClassForecast, site: Site, groups: Mapping[int, str]
) -> list[Suggestion]:
    return [_suggestion(each, forecast.machines, site, groups) for each in advice]


def _suggestion(each: Advice, had: int, site: Site, groups: Mapping[int, str]) -> Suggestion:
    said = words.advice(each, had, site, groups)
    return Suggestion(each.kind, each.machines, each.date.start, each.date.end, said)
