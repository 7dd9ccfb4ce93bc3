"""Whoever takes the advice on a date, or on a whole series, gets what it promises: planned again on random sites."""

import random
from collections.abc import Iterator

import pytest

from blockalloc.series.dates import Date
from blockalloc.series.search import Advice, Search
from scheduling.facts import Computer
from tests.series.test_planning import DAY, MONDAY, class_, computers, date, in_utc, planner

__all__ = ["in_utc"]
pytestmark = pytest.mark.no_database

QUARTER = 15 * 60
# On the further ones a date that is moved comes after one that is short, and would have more then.
SITES = [*range(30), 145, 157, 170, 213]


class Random:
    """Computers, some of them in maintenance, accepted classes, and dates of a series that touch one another."""

    def __init__(self, number: int) -> None:
        rng = random.Random(number)
        usable = rng.randint(4, 9)
        self.computers = computers(usable) + computers(rng.randint(0, 3), 50, state="maintenance")
        self.classes = [
            class_(
                id_,
                rng.randint(1, usable),
                MONDAY + rng.choice([0, 0, 7, 2]) * DAY + rng.randrange(-4, 40) * QUARTER,
            )
            for id_ in range(1, rng.randint(2, 8))
        ]
        self.machines = rng.randint(2, usable + 1)
        self.dates = sorted(
            {
                date(MONDAY + rng.choice([0, 0, 7, 14]) * DAY + rng.randrange(-4, 16) * QUARTER)
                for _ in range(rng.randint(1, 4))
            }
        )


def kept(site: Random, of: Date, advice: Advice) -> bool:
    """Whether the date has the machines that were promised, once the advice is taken."""
    there: list[Computer] = site.computers
    dates, classes = site.dates, site.classes
    if advice.kind == "service":
        there = [each._replace(state="available") if each.id in advice.computers else each for each in there]
    else:
        dates = sorted(advice.date if each == of else each for each in dates)
    return planner(there, site.machines, classes).plan_all(dates)[advice.date].machines >= advice.machines


def untrue(number: int) -> Iterator[tuple[str, Date]]:
    """The advice on this site that promises too much."""
    site = Random(number)
    plan = planner(site.computers, site.machines, site.classes)
    planned = plan.plan_all(site.dates)
    short = [each for each, made in planned.items() if made.missing]
    search = Search(plan, planned)
    for of, advice in search.of_dates(short).advice.items():
        yield from ((each.kind, of) for each in advice if not kept(site, of, each))
    whole = search.of_all(site.dates) if short else None
    if whole and any(made.missing for made in plan.plan_all(sorted(whole.dates)).values()):
        yield "series", whole.date


@pytest.mark.parametrize("number", SITES)
def test_all_advice_is_true(number: int) -> None:
    assert [*untrue(number)] == []
