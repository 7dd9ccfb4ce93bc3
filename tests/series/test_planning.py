"""Plans of dates beside accepted classes and beside one another, and the advice on those that are not possible."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from blockalloc.series import search, words
from blockalloc.series.answer import Status
from blockalloc.series.dates import Date
from blockalloc.series.planner import Planner
from blockalloc.series.question import Wish
from blockalloc.series.search import Search
from scheduling.facts import Block, Computer, Image, Maintenance, Site
from scheduling.forecast.engine import forecast
from scheduling.forecast.facts import ClassAsked, ForecastFacts
from tests.support.sites import facts
from tests.support.sites.facts import CLOSED_SCHEDULE, COMPUTERS, HOUR, LOAD, NOW

pytestmark = pytest.mark.no_database

OTHER_GROUP = 101  # of computers that the image is not mapped to
DAY = 24 * HOUR
MONDAY = int(datetime(2026, 1, 19, 9, tzinfo=UTC).timestamp())  # NOW is the Wednesday before, at 8


@pytest.fixture(autouse=True)
def in_utc(settings: Any) -> None:
    settings.TIME_ZONE = "UTC"


def date(start: int = MONDAY, hours: float = 2) -> Date:
    return Date(start, start + int(hours * HOUR))


def class_(id_: int, machines: int, start: int = MONDAY, image: Image | None = None) -> ClassAsked:
    """An accepted class of two hours."""
    block = Block(id_, start, start + 2 * HOUR, None, [image or facts.image()], machines)
    return ClassAsked(block, id_, f"class {id_}", max(start - 6 * HOUR, NOW))


def computers(number: int, first: int = 1, **changes: Any) -> list[Computer]:
    return [facts.computer(first + each, **changes) for each in range(number)]


def planner(
    there: Sequence[Computer], machines: int, classes: Sequence[ClassAsked] = (), *, ignore: bool = True, **site: Any
) -> Planner:
    known: Site = facts.site(there, **site)
    ordered = sorted(classes, key=lambda each: each.turn)
    asked = ForecastFacts(known, ordered, MONDAY + 60 * DAY, {}, {facts.IMAGE: LOAD})
    return Planner(asked, Wish([facts.image()], machines, None, "", ignore, ()))


def advice(plan: Planner, dates: Sequence[Date], bad: Date | None = None) -> dict[str, search.Advice]:
    """The advice on a date, by its kind."""
    looked = Search(plan, plan.plan_all(dates))
    found = looked.of_dates([bad or dates[0]])
    return {each.kind: each for each in found.advice[bad or dates[0]]}


# --- Dates ------------------------------------------------------------------------------------------
def test_a_date_takes_nothing_from_accepted_classes() -> None:
    plan = planner(computers(10), 5, [class_(1, 4), class_(2, 3)])
    made = plan.plan(date(), {})
    assert made.machines == 3
    assert {(each.kind, each.id, each.computers) for each in made.in_the_way} == {
        ("block time", 1, 4),
        ("block time", 2, 3),
    }


def test_a_class_that_has_not_been_asked_for_yet_counts_although_it_has_no_computers() -> None:
    assert planner(computers(5), 5).plan(date(), {}).machines == 5
    assert planner(computers(5), 5, [class_(1, 5)]).plan(date(), {}).machines == 0


def test_dates_that_meet_see_the_ones_before() -> None:
    first, second, later = date(), date(MONDAY + HOUR), date(MONDAY + DAY)
    planned = planner(computers(8), 5).plan_all([first, second, later])
    assert [planned[each].machines for each in (first, second, later)] == [5, 3, 5]
    (own,) = planned[second].in_the_way
    assert (own.kind, own.id, own.computers) == ("block time", -1, 5)


def test_classes_of_other_days_are_not_planned() -> None:
    plan = planner(computers(5), 2, [class_(number, 1, MONDAY + number * DAY) for number in range(10)])
    plan.plan(date(), {})
    assert plan._around.classes_planned == 1


def test_classes_planned_in_groups_get_what_the_whole_forecast_gives_them() -> None:
    classes = [
        class_(10 * day + each, each + 2, MONDAY + day * DAY + each * HOUR) for day in range(3) for each in range(4)
    ]
    plan = planner(computers(9), 1, classes)
    whole = {each.asked.id: each.machines for each in forecast(plan.facts)}
    apart = {each.asked.id: each.machines for day in range(3) for each in plan._around.at(*date(MONDAY + day * DAY, 8))}
    assert apart == whole
    assert min(whole.values()) < 4  # some lack machines


# --- Advice -----------------------------------------------------------------------------------------
def test_another_hour_of_the_day_is_the_nearest_that_a_plan_confirms() -> None:
    plan = planner(computers(6), 5, [class_(1, 4)])
    found = advice(plan, [date()])
    hour = found["hour"].date
    assert plan.plan(hour, {}).missing == 0
    assert hour.end - hour.start == 2 * HOUR
    earlier = [each for each in range(7 * 4, 20 * 4 + 1) if abs(each * 900 - 9 * HOUR) < abs(hour.start - MONDAY)]
    nearer = [date(MONDAY - 9 * HOUR + each * 900) for each in earlier]
    assert nearer
    assert all(plan.plan(each, {}).missing for each in nearer)
    assert found["fewer"].machines == 2


def test_other_hours_are_those_that_people_come_at_and_to_come() -> None:
    starts = [each.start for each in search._hours_of_day(date(hours=3))]
    assert min(starts) == MONDAY - 2 * HOUR
    assert max(starts) == MONDAY + 10 * HOUR
    assert MONDAY not in starts
    assert starts[:2] == [MONDAY - 900, MONDAY + 900]
    today = date(NOW - NOW % DAY + 9 * HOUR)
    plan = planner(computers(6), 5, [class_(1, 6, today.start)])
    assert advice(plan, [today])["hour"].date.start > today.start  # 7:00 is past


def test_another_day_is_a_weekday_at_the_same_hours() -> None:
    friday = MONDAY + 4 * DAY
    plan = planner(computers(5), 5, [class_(1, 5, friday)])
    assert advice(plan, [date(friday)])["day"].date == date(MONDAY + 7 * DAY)


def test_a_date_of_the_series_itself_is_no_advice() -> None:
    first, other = date(), date(MONDAY + DAY)
    plan = planner(computers(6), 5, [class_(1, 4)])
    assert advice(plan, [first, other], first)["day"].date == date(MONDAY + 2 * DAY)


def test_computers_back_in_service_are_no_more_than_it_takes() -> None:
    broken = computers(4, first=100, state="maintenance") + computers(1, first=200, state="failed")
    found = advice(planner([*computers(3), *broken], 5), [date()])
    assert found["service"].machines == 5
    assert len(found["service"].computers) == 2
    assert set(found["service"].computers) <= {each.id for each in broken}
    hosts = computers(3, first=100, state="vmhostinuse")
    assert "service" not in advice(planner([*computers(3), *hosts], 5), [date()])


def test_a_group_of_computers_that_the_image_is_not_mapped_to() -> None:
    there = [*computers(3), *computers(4, first=100), *computers(2, first=200, ram=1)]
    groups = {
        **{each.id: frozenset({COMPUTERS}) for each in there[:3]},
        **{each.id: frozenset({OTHER_GROUP}) for each in there[3:]},
    }
    nodes = {facts.NODES: {COMPUTERS, OTHER_GROUP}, facts.IMAGES: {COMPUTERS}}
    found = advice(planner(there, 5, computer_groups=groups, mapped_groups=nodes), [date()])
    assert (found["mapping"].group_id, found["mapping"].machines) == (OTHER_GROUP, 5)
    assert len(found["mapping"].computers) == 2
    no_node = {facts.NODES: {COMPUTERS}, facts.IMAGES: {COMPUTERS}}
    assert "mapping" not in advice(planner(there, 5, computer_groups=groups, mapped_groups=no_node), [date()])


def test_the_whole_series_at_the_nearest_time_at_which_all_dates_are_possible() -> None:
    dates = [date(MONDAY + week * 7 * DAY) for week in range(3)]
    plan = planner(computers(6), 5, [class_(1, 4), class_(2, 4, MONDAY + 7 * DAY + 3 * HOUR)])
    found = Search(plan, plan.plan_all(dates)).of_all(dates)
    assert found is not None
    offset = found.date.start - MONDAY
    assert [each.start - old.start for each, old in zip(found.dates, dates, strict=True)] == [offset] * 3
    assert all(not each.missing for each in plan.plan_all(found.dates).values())


def test_the_whole_series_on_another_day_when_its_day_is_full() -> None:
    dates = [date(MONDAY + week * 7 * DAY) for week in range(2)]
    all_day = [class_(number, 6, MONDAY + hour * HOUR) for number, hour in enumerate(range(-4, 14, 2), start=1)]
    tuesday = class_(50, 4, MONDAY + 8 * DAY)
    plan = planner(computers(6), 5, [*all_day, tuesday])
    found = Search(plan, plan.plan_all(dates)).of_all(dates)
    assert found is not None
    assert [each.start for each in found.dates] == [each.start + 2 * DAY for each in dates]
    assert words.advice(found, 0, plan.facts.site, {}) == "all 2 dates are possible on Wed from 09:00 to 11:00"


def test_nothing_helps_a_series_that_the_site_is_too_small_for() -> None:
    plan = planner(computers(4), 5)
    before = plan.plans
    assert Search(plan, plan.plan_all([date()])).of_all([date()]) is None
    assert plan.plans == before + 1  # nothing was tried that could not do


def test_a_search_of_many_dates_ends_and_says_where(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "MOST_PLANS", 5)
    dates = [date(MONDAY + week * 7 * DAY) for week in range(8)]
    broken = computers(4, first=100, state="maintenance")
    plan = planner([*computers(3), *broken], 5, [class_(n, 1, each.start) for n, each in enumerate(dates, start=1)])
    looked = Search(plan, plan.plan_all(dates))
    before = plan.plans
    found = looked.of_dates(dates)
    assert plan.plans - before <= 5 + 1
    assert found.not_searched
    assert found.not_searched == dates[-len(found.not_searched) :]
    assert set(found.advice) | set(found.not_searched) == set(dates)


# --- Words ------------------------------------------------------------------------------------------
def said(plan: Planner, when: Date | None = None) -> tuple[Status, str, bool]:
    return words.said(plan.plan(when or date(), {}))


def test_all_machines_need_no_words() -> None:
    assert said(planner(computers(5), 5)) == (Status.POSSIBLE, "", False)


def test_too_few_computers_can_run_the_image() -> None:
    assert said(planner(computers(5), 6)) == (Status.SHORT, "5 computers can run the image", False)


def test_classes_are_in_the_way() -> None:
    assert said(planner(computers(6), 5, [class_(1, 4)])) == (Status.SHORT, "", True)
    assert said(planner(computers(6), 7, [class_(1, 4)])) == (Status.SHORT, "6 computers can run the image", True)


def test_maintenance() -> None:
    window = Maintenance(MONDAY - HOUR, MONDAY + 3 * HOUR, 0)
    assert said(planner(computers(5), 5, maintenances=[window])) == (
        Status.CLOSED,
        "maintenance Mon 19 Jan 08:00 to 12:00",
        False,
    )


def test_closed_schedules() -> None:
    closed = computers(5, schedule_id=CLOSED_SCHEDULE)
    assert said(planner(closed, 5)) == (Status.CLOSED, "no computer is open at these hours", False)
    some = [*closed, *computers(2, first=100)]
    assert said(planner(some, 5)) == (Status.SHORT, "only 2 of 7 computers are open at these hours", False)


def test_a_limit_of_concurrent_use() -> None:
    plan = planner(computers(5), 4)
    limited = replace(plan.wish, images=[facts.image(max_concurrent=3)])
    status, reason, _ = words.said(Planner(plan.facts, limited).plan(date(), {}))
    assert status == Status.SHORT
    assert "3" in reason


def test_advice_in_words() -> None:
    there = [facts.computer(1, hostname="pc-1.edu"), facts.computer(2, hostname="vm-1.edu", host_computer_id=1)]
    site = facts.site(there)
    assert words.advice(search.Advice("fewer", 22, date()), 22, site, {}) == "ask for 22"
    assert words.advice(search.Advice("hour", 30, date(MONDAY + HOUR)), 22, site, {}) == (
        "the same day from 10:00 to 12:00: all 30"
    )
    assert (
        words.advice(search.Advice("day", 30, date(MONDAY + DAY)), 22, site, {}) == "Tue 20 Jan 09:00 to 11:00: all 30"
    )
    assert words.advice(search.Advice("service", 24, date(), [1, 2]), 22, site, {}) == (
        "put pc-1 and vm-1 back in service: +2"
    )
    mapping = search.Advice("mapping", 23, date(), [2], 7)
    assert (
        words.advice(mapping, 22, site, {7: "New VMs"})
        == "map the image to the computers of group New VMs (on pc-1): +1"
    )


def test_a_search_ends_when_its_time_is_over() -> None:
    dates = [date(MONDAY + number * 7 * DAY) for number in range(3)]
    plan = planner(computers(8), 10)
    looked = Search(plan, plan.plan_all(dates), seconds=0)
    before = plan.plans
    assert looked.of_dates(dates).not_searched == dates
    assert looked.of_all(dates) is None
    assert plan.plans == before


# --- Whoever takes advice gets what it promises: planned again on random sites --------------------------
QUARTER = 15 * 60
# On the further ones a date that is moved comes after one that is short, and would have more then.
SITES = [*range(30), 145, 157, 170, 213]


class Random:
    """A site with computers in maintenance and accepted classes, and dates of a series that touch one another."""

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


def kept(site: Random, of: Date, advice: search.Advice) -> bool:
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
