"""Reads what the plans of a series rest on: all accepted classes around it, in a fixed number of statements."""

from blockalloc.contract import refusals
from blockalloc.series.question import Wish
from blockalloc.store import forecast_facts
from scheduling.forecast.facts import ClassAsked, ForecastFacts
from scheduling.windows import DAY, WEEK

_BEFORE, _AFTER = 5 * DAY, WEEK  # how far the search for another day goes


def read(wish: Wish, now: int) -> ForecastFacts:
    """The facts for a wish. Raises Refusal 11 when privileges count, and the user group has no members."""
    first = max(min(date.start for date in wish.dates) - _BEFORE, now)
    until = max(date.end for date in wish.dates) + _AFTER
    asked = ClassAsked(wish.block(wish.dates[0]), 0, "", now, wish.ignore_privileges)
    facts = forecast_facts.read(now, until, first=first, further=[asked])
    if not (wish.ignore_privileges or facts.members.get(wish.group_id)):
        raise refusals.no_members(wish.group_id)
    return facts
