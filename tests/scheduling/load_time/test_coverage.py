"""Drawn histories: as many of the next loads lie below a quantile as it says, whatever the law and the records."""

import math
from bisect import bisect_right
from collections.abc import Callable
from functools import cache
from random import Random

import pytest

from scheduling.load_time.history import History, LoadGroup, PastLoads
from scheduling.load_time.learning import learned, pooled

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="mariadb")]

MINUTES = 10  # image.reloadtime
SHARES = (0.9, 0.95)
Draw = Callable[[Random], float]


def log_normal(variation: float, mean: float = 600.0) -> Draw:
    deviation = math.sqrt(math.log(1 + variation**2))
    return lambda chance: chance.lognormvariate(math.log(mean) - deviation**2 / 2, deviation)


def bimodal(chance: Random) -> float:
    return chance.lognormvariate(math.log(500), 0.1) * (2 if chance.random() < 0.3 else 1)


def heavy_tailed(chance: Random) -> float:
    usual = chance.lognormvariate(math.log(560), 0.2)
    return usual * chance.uniform(3, 6) if chance.random() < 0.03 else usual


LAWS = {
    **{str(variation): log_normal(variation) for variation in (0.15, 0.3, 0.5)},
    "bimodal": bimodal,
    "heavy-tailed": heavy_tailed,
}


def of_log(draw: Draw, chance: Random, number: int) -> History:
    return History(revision=PastLoads(logged=_drawn(draw, chance, number)))


def of_older_revision(draw: Draw, chance: Random, number: int) -> History:
    return History(image=PastLoads(logged=_drawn(draw, chance, number)))


def seen(draw: Draw, chance: Random, number: int) -> History:
    return History(revision=PastLoads(seen=_looked_at(draw, chance, number)))


def seen_and_of_log(draw: Draw, chance: Random, number: int) -> History:
    half = number // 2
    return History(revision=PastLoads(_looked_at(draw, chance, half), _drawn(draw, chance, number - half)))


def seen_beside_other_images(draw: Draw, chance: Random, number: int) -> History:
    others = [
        _drawn(log_normal(chance.choice((0.15, 0.3, 0.5)), 600 * chance.lognormvariate(0, 0.4)), chance, 40)
        for _ in range(6)
    ]
    return History(revision=PastLoads(seen=_looked_at(draw, chance, number)), engine=PastLoads(seen=pooled(others)))


def _drawn(draw: Draw, chance: Random, number: int) -> list[LoadGroup]:
    return [LoadGroup(int(draw(chance))) for _ in range(number)]


def _looked_at(draw: Draw, chance: Random, number: int) -> list[LoadGroup]:
    """As looks at each minute see them."""
    return [LoadGroup(draw(chance) // 60 * 60 + 30 + chance.uniform(-20, 20)) for _ in range(number)]


RECORDS = [of_log, of_older_revision, seen, seen_and_of_log, seen_beside_other_images]


@cache
def next_loads(law: str) -> list[float]:
    chance = Random(7)
    return sorted(LAWS[law](chance) for _ in range(20_000))


def coverage(
    law: str, records: Callable[[Draw, Random, int], History], number: int, histories: int, minutes: int = MINUTES
) -> tuple[dict[float, float], float]:
    """Share -> percentage of next loads below its quantile, on average; and the 95 % quantile against the true one."""
    later, below, widths = next_loads(law), dict.fromkeys(SHARES, 0.0), 0.0
    for seed in range(histories):
        model = learned(records(LAWS[law], Random(f"{law} {number} {seed}"), number), minutes)
        for share in SHARES:
            below[share] += 100 * bisect_right(later, model.quantile(share)) / len(later) / histories
        widths += model.quantile(0.95) / later[int(0.95 * len(later))] / histories
    return below, widths


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("records", RECORDS)
@pytest.mark.parametrize(("number", "histories"), [(1, 60), (3, 100), (10, 100)])
def test_few_loads_are_not_taken_for_all_there_is(
    law: str, records: Callable[[Draw, Random, int], History], number: int, histories: int
) -> None:
    below, width = coverage(law, records, number, histories)
    assert below[0.9] >= 86
    assert below[0.95] >= 92
    assert width < {1: 2.2, 3: 1.8, 10: 1.6}[number]


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("records", [of_log, seen, seen_and_of_log, seen_beside_other_images])
@pytest.mark.parametrize(("number", "histories", "off"), [(30, 100, 2.5), (200, 40, 1.5), (1000, 5, 1.5)])
def test_many_loads_are_all_there_is(
    law: str, records: Callable[[Draw, Random, int], History], number: int, histories: int, off: float
) -> None:
    below, width = coverage(law, records, number, histories)
    assert below == pytest.approx({0.9: 90, 0.95: 95}, abs=off)
    assert width < 1.1 or law == "heavy-tailed" or number == 30


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("number", [30, 200])
def test_a_new_revision_may_be_other_than_the_old_one(law: str, number: int) -> None:
    below, width = coverage(law, of_older_revision, number, 40)
    old, _ = coverage(law, of_log, number, 40)
    assert old[0.9] < below[0.9] < 97
    assert width < 1.25 or law == "heavy-tailed"


@pytest.mark.parametrize("minutes", [6, 16])
def test_a_reload_time_that_is_wrong_is_soon_corrected(minutes: int) -> None:
    nothing, _ = coverage("0.15", of_log, 0, 1, minutes)
    assert nothing[0.95] >= 90
    few, width = coverage("0.15", of_log, 3, 40, minutes)
    assert few[0.95] >= 95
    assert width < 2
