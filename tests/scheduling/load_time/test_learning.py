"""Load models: the next loads lie where they say, whatever the law of the loads and however few are known."""

import math
from collections.abc import Callable
from random import Random

import pytest

from scheduling.load_time.history import Ending, History, LoadGroup, PastLoads
from scheduling.load_time.learning import learned, pooled
from scheduling.load_time.model import LoadModel, Source

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="mariadb")]

MINUTES = 10
Draw = Callable[[Random], float]


def log_normal(variation: float) -> Draw:
    deviation = math.sqrt(math.log(1 + variation**2))
    return lambda chance: chance.lognormvariate(math.log(600) - deviation**2 / 2, deviation)


def bimodal(chance: Random) -> float:
    return chance.gauss(480, 40) if chance.random() < 0.7 else chance.gauss(900, 60)


def heavy_tailed(chance: Random) -> float:
    usual = chance.lognormvariate(math.log(560), 0.25)
    return usual * chance.uniform(3, 6) if chance.random() < 0.03 else usual


LAWS = {"0.3": log_normal(0.3), "0.5": log_normal(0.5), "bimodal": bimodal, "heavy-tailed": heavy_tailed}


def of_image(*groups: LoadGroup) -> LoadModel:
    """The model of an image whose loads VCL's log knows of."""
    return learned(History(image=PastLoads(logged=groups)), MINUTES)


def loads(draw: Draw, number: int, seed: int) -> list[LoadGroup]:
    chance = Random(seed)
    return [LoadGroup(round(draw(chance))) for _ in range(number)]


def coverage(draw: Draw, number: int, share: float) -> float:
    """The share of next loads that took no longer than the quantile, over many histories of so many loads."""
    within, chance = 0, Random(3)
    histories = 40
    for seed in range(histories):
        quantile = of_image(*loads(draw, number, seed)).quantile(share)
        within += sum(draw(chance) <= quantile for _ in range(100))
    return within / (100 * histories)


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("number", [10, 30, 200])
def test_the_next_loads_lie_where_the_model_says(law: str, number: int) -> None:
    assert coverage(LAWS[law], number, 0.9) == pytest.approx(0.92, abs=0.05)
    assert coverage(LAWS[law], number, 0.98) >= 0.96


def test_what_few_loads_leave_open_widens_the_spread() -> None:
    few, many = (of_image(*loads(log_normal(0.2), number, 1)) for number in (4, 400))
    assert few.quantile(0.99) - few.quantile(0.5) > 1.3 * (many.quantile(0.99) - many.quantile(0.5))


def test_without_loads_the_images_own_time_counts_widely() -> None:
    model = of_image()
    assert model.source is Source.RELOAD_TIME
    assert model.quantile(0.5) == pytest.approx(600, rel=0.05)
    assert model.quantile(0.95) > 800


def test_a_new_revision_inherits_with_a_wider_spread() -> None:
    old = loads(log_normal(0.2), 300, 1)
    same = learned(History(revision=PastLoads(logged=old)), MINUTES)
    new = learned(History(image=PastLoads(logged=old)), MINUTES)
    assert new.quantile(0.5) == pytest.approx(same.quantile(0.5), rel=0.03)
    moved = learned(History(revision=PastLoads(seen=[LoadGroup(900)] * 30), image=PastLoads(logged=old)), MINUTES)
    assert moved.quantile(0.5) == pytest.approx(900, rel=0.1)


def test_the_share_that_fails_follows_many_loads_and_not_a_few() -> None:
    finished = loads(log_normal(0.2), 3, 1)
    few = of_image(*finished, LoadGroup(0, 1, Ending.FAILED)).failing
    many = of_image(*loads(log_normal(0.2), 900, 1), LoadGroup(0, 100, Ending.FAILED)).failing
    assert 0.008 < few < 0.06
    assert many == pytest.approx(0.1, abs=0.01)
    assert 0 < of_image(*loads(log_normal(0.2), 200, 1)).failing < 0.003


def test_stuck_loads_count_as_long() -> None:
    usual = loads(log_normal(0.2), 95, 1)
    stuck = of_image(*usual, *[LoadGroup(3000.0)] * 5)
    assert stuck.quantile(0.98) > 1800
    unfinished = of_image(*usual, *[LoadGroup(2400.0, 1, Ending.UNFINISHED)] * 5)
    assert unfinished.quantile(0.98) > 1800


def test_wrong_clocks_do_no_harm() -> None:
    usual = loads(log_normal(0.2), 100, 1)
    odd = [LoadGroup(-500.0), LoadGroup(5.0), LoadGroup(40 * 3600.0)]
    assert of_image(*usual, *odd).knots == of_image(*usual).knots


def test_loads_that_began_minutes_ago_are_none_that_are_known() -> None:
    known = loads(log_normal(0.2), 20, 1)
    young = [LoadGroup(200.0, 1, Ending.UNFINISHED)] * 30
    model = learned(History(revision=PastLoads(seen=young), image=PastLoads(logged=known)), MINUTES)
    assert (model.source, model.loads) == (Source.IMAGE, 20)
    hung = [LoadGroup(3600.0, 1, Ending.UNFINISHED)] * 8
    assert learned(History(revision=PastLoads(seen=hung), image=PastLoads(logged=known)), MINUTES).loads == 8


def other_images(number: int, middle: float) -> list[list[LoadGroup]]:
    """Images whose loads take between a half and twice as long as the middle."""
    chance = Random(5)
    factors = [2 ** (2 * each / (number - 1) - 1) for each in range(number)]
    return [[LoadGroup(middle * factor * chance.gauss(1, 0.1)) for _ in range(30)] for factor in factors]


def test_loads_of_other_images_count_where_there_are_no_own() -> None:
    others = PastLoads(seen=pooled(other_images(5, 400)))
    alone = of_image()
    for history, source in ((History(site=others), Source.SITE), (History(engine=others), Source.ENGINE)):
        model = learned(history, MINUTES)
        assert model.source is source
        assert 450 < model.quantile(0.5) < 560  # between theirs and the image's own reloadtime
        assert model.quantile(0.95) < alone.quantile(0.95)
        own = learned(History(history.revision, PastLoads(logged=loads(log_normal(0.2), 40, 1)), others), MINUTES)
        assert own.source is Source.IMAGE
        assert own.quantile(0.5) == pytest.approx(600, rel=0.05)


def test_one_image_among_others_counts_no_more_than_some_loads() -> None:
    popular, rare = [LoadGroup(400.0 + each) for each in range(300)], [LoadGroup(800.0 + each) for each in range(20)]
    groups = pooled([popular, rare])
    weights = [sum(group.weight for group in groups[:300]), sum(group.weight for group in groups[300:])]
    assert weights == pytest.approx([20, 20])


def test_the_spread_of_other_images_is_that_of_each_and_not_between_them() -> None:
    lengths = [group.seconds for group in pooled([*other_images(5, 600), [LoadGroup(-5.0), LoadGroup(9e9)]])]
    assert len(lengths) == 150
    assert max(lengths) < 2 * min(lengths)
    assert pooled([[LoadGroup(0, 2, Ending.FAILED)]]) == [LoadGroup(0, 2, Ending.FAILED)]
