"""Users and loads as they are drawn for simulated days."""

from collections import Counter
from collections.abc import Callable
from random import Random

import pytest

from simulation.back_end.conditions import Result
from simulation.days.demand import Arrival, Demand, Departure, Habits
from simulation.days.load_laws import Bimodal, HeavyTailed, Law, LogNormal, Resampled, Uniform
from simulation.days.loads import DrawnLoads, Loads

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="sqlite")]

HOUR, MINUTE = 3600, 60
NINE = 1772460000  # 2026-03-02 14:00 UTC, a full hour on the site's clock
DEMAND = Demand(0.3, 80, {10: 0.25, 11: 0.75})


def test_as_many_computers_are_reserved_as_wanted() -> None:
    arrivals = list(DEMAND.arrivals(NINE, NINE + 400 * HOUR, Random(1)))
    reserved = sum(each.leaves_at - each.at for each in arrivals) / (400 * HOUR)
    assert reserved == pytest.approx(0.3 * 80, rel=0.05)


def test_so_they_are_when_the_day_begins() -> None:
    present = [len(DEMAND.present(NINE, Random(seed))) for seed in range(300)]
    assert sum(present) / len(present) == pytest.approx(0.3 * 80, rel=0.05)


def test_users_come_independently_of_one_another() -> None:
    """The number in an hour is distributed as Poisson's: its variance is its mean."""
    arrivals = DEMAND.arrivals(NINE, NINE + 600 * HOUR, Random(2))
    hours = Counter((each.at - NINE) // HOUR for each in arrivals)
    numbers = [hours[hour] for hour in range(600)]
    mean = sum(numbers) / len(numbers)
    variance = sum((number - mean) ** 2 for number in numbers) / len(numbers)
    assert variance == pytest.approx(mean, rel=0.2)


def test_they_choose_among_images_and_lengths_by_their_shares() -> None:
    arrivals = list(DEMAND.arrivals(NINE, NINE + 300 * HOUR, Random(3)))
    images = Counter(each.image for each in arrivals)
    assert images[10] / len(arrivals) == pytest.approx(0.25, abs=0.02)
    by_length = Counter(each.minutes for each in arrivals if not each.chosen_end)
    assert set(by_length) == {30, 45, 60, 120, 240}
    assert {each.minutes % 15 for each in arrivals} == {0}
    assert max(each.minutes + each.extends for each in arrivals) <= 360


def test_the_same_seed_brings_the_same_people() -> None:
    assert [*DEMAND.arrivals(NINE, NINE + HOUR, Random(4))] == [*DEMAND.arrivals(NINE, NINE + HOUR, Random(4))]
    assert [*DEMAND.arrivals(NINE, NINE + HOUR, Random(4))] != [*DEMAND.arrivals(NINE, NINE + HOUR, Random(5))]


def test_nobody_comes_where_no_computer_is_to_be_used() -> None:
    assert [*Demand(0.0, 80, {10: 1.0}).arrivals(NINE, NINE + HOUR, Random(1))] == []


@pytest.mark.parametrize(
    ("minute", "chosen_end", "start", "end"),
    [(0, False, 0, 60), (7, False, 0, 75), (14, False, 0, 75), (16, False, 15, 90), (16, True, 15, 75)],
)
def test_the_hours_of_a_reservation_for_now(minute: int, chosen_end: bool, start: int, end: int) -> None:
    """Start at the last quarter of an hour; a length gets another quarter, unless one has just begun."""
    arrival = Arrival(NINE + minute * MINUTE, 10, 60, chosen_end)
    assert arrival.hours == (NINE + start * MINUTE, NINE + end * MINUTE)


def test_when_people_leave() -> None:
    at = NINE + MINUTE
    assert Arrival(at, 10, 60).leaves_at == NINE + 75 * MINUTE
    assert Arrival(at, 10, 60, extends=30).leaves_at == NINE + 105 * MINUTE
    assert Arrival(at, 10, 60, departure=Departure.ENDS, used=0.5).leaves_at == NINE + 38 * MINUTE
    assert Arrival(at, 10, 60, connects_after=None).leaves_at == at + 25 * MINUTE


def test_habits_can_be_others() -> None:
    habits = Habits(lengths={30: 1.0}, end_at=0, no_show=0, leave_early=0, extend=0)
    arrivals = list(Demand(0.3, 80, {10: 1.0}, habits).arrivals(NINE, NINE + 20 * HOUR, Random(6)))
    assert {(each.minutes, each.departure, each.extends) for each in arrivals} == {(30, Departure.AT_THE_END, 0)}


def test_the_same_load_of_a_computer_goes_the_same_way_whatever_else_is_loaded() -> None:
    loads = Loads(failing=0.3)
    alone, beside = DrawnLoads(loads, 1), DrawnLoads(loads, 1)
    one = [(alone.result(5, 10, Random()), alone.seconds(5, 10, Random())) for _ in range(30)]
    other = []
    for number in range(30):
        beside.result(6 + number % 3, 10, Random())
        other.append((beside.result(5, 11, Random()), beside.seconds(5, 11, Random())))
    assert one == other


def test_a_share_of_the_loads_fails_and_all_loads_of_a_broken_image() -> None:
    drawn = DrawnLoads(Loads(failing=0.05, broken=frozenset({12})), 2)
    results = Counter(drawn.result(computer, 10, Random()) for computer in range(2000))
    assert results[Result.FAILED] / 2000 == pytest.approx(0.05, abs=0.015)
    assert {drawn.result(computer, 12, Random()) for computer in range(50)} == {Result.FAILED}


def test_loads_take_their_time() -> None:
    drawn = DrawnLoads(Loads(minutes=10, law=Uniform(0.8, 1.2)), 3)
    seconds = []
    for computer in range(500):
        drawn.result(computer, 10, Random())
        seconds.append(drawn.seconds(computer, 10, Random()))
    assert 480 <= min(seconds) < 500
    assert 700 < max(seconds) <= 720


LAWS: list[tuple[Law, float]] = [
    (Uniform(0.8, 1.2), 0.4 / 12**0.5),
    (LogNormal(0.15), 0.15),
    (LogNormal(0.5), 0.5),
    (Bimodal(0.3, 2.0, 0.0), 0.3**0.5 * 0.7**0.5 / 1.3),
    (Resampled([300, 600, 900]), (2 / 3) ** 0.5 / 2),
]


@pytest.mark.parametrize(("law", "cv"), LAWS, ids=str)
def test_lengths_by_each_law_have_its_mean_and_spread(law: Law, cv: float) -> None:
    chance = Random(5)
    lengths = [law.factor(chance) for _ in range(20_000)]
    mean = sum(lengths) / len(lengths)
    assert mean == pytest.approx(1.0, abs=0.015)
    assert (sum((each - mean) ** 2 for each in lengths) / len(lengths)) ** 0.5 == pytest.approx(cv, rel=0.04)
    assert min(lengths) > 0


def test_a_heavy_tail_has_its_share_of_long_loads_and_the_mean() -> None:
    law, chance = HeavyTailed(0.05, 3.0, 6.0, cv=0.0), Random(6)
    lengths = [law.factor(chance) for _ in range(40_000)]
    usual = min(lengths)
    long = [each / usual for each in lengths if each > 1.5 * usual]
    assert sum(lengths) / len(lengths) == pytest.approx(1.0, abs=0.01)
    assert len(long) / len(lengths) == pytest.approx(0.05, abs=0.005)
    assert 3.0 <= min(long) < 3.01
    assert 5.9 < max(long) <= 6.0 + 1e-9
    assert sorted(long)[len(long) // 2] < 4.2  # long ones are the rarer the longer


@pytest.mark.parametrize("law", [LogNormal(0.3), Bimodal(), HeavyTailed(), Resampled([100, 200])], ids=str)
def test_the_same_seed_brings_the_same_lengths(law: Law) -> None:
    def seconds(seed: int) -> list[int]:
        drawn = DrawnLoads(Loads(law=law), seed)
        return [drawn.seconds(computer, 10, Random()) for computer in range(30)]

    assert seconds(1) == seconds(1) != seconds(2)


@pytest.mark.parametrize(
    ("law", "text"),
    [
        (lambda: Uniform(1.2, 0.8), "0 < fastest <= slowest"),
        (lambda: LogNormal(-0.1), "cv -0.1"),
        (lambda: Bimodal(share=1.5), "share 1.5"),
        (lambda: HeavyTailed(shortest=6, longest=3), "0 < shortest <= longest"),
        (lambda: Resampled([]), "at least one load"),
        (lambda: Resampled([600, 0]), "from 1"),
    ],
)
def test_laws_that_are_none(law: Callable[[], Law], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        law()
