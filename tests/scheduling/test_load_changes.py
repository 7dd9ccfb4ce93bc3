"""Images whose loads have changed in the last two weeks."""

from collections.abc import Sequence

import pytest

from scheduling.load_time.changes import ImageLoad, changes, rank_sum_probability, share_probability
from scheduling.upkeep.seen_loads import FAILED, LOADED, UNKNOWN
from scheduling.windows import DAY, MINUTE

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="mariadb")]
NOW = 1_800_000_000


def loads(minutes: Sequence[float], days_ago: int, outcome: str = LOADED, between: int = 60) -> list[ImageLoad]:
    """Loads that took so long, seen by looks that were `between` seconds apart."""
    begun = NOW - days_ago * DAY
    ends = [begun + round(each * MINUTE) for each in minutes]
    return [ImageLoad("Ubuntu 22.04", begun, end - between // 2, end + between // 2, outcome) for end in ends]


TEN, FOURTEEN = [9, 9.5, 9.8, 10, 10, 10.2, 10.5, 11], [13, 13.5, 13.8, 14, 14, 14.2, 14.5, 15]


def texts(*groups: list[ImageLoad]) -> list[str]:
    return [change.text for change in changes([load for group in groups for load in group], NOW)]


def test_longer_loads_are_named() -> None:
    assert texts(loads(FOURTEEN, 3), loads(TEN, 30)) == ["Ubuntu 22.04: loads take 14 minutes in the median, 10 before"]


def test_shorter_loads_are_named() -> None:
    assert texts(loads(TEN, 3), loads(FOURTEEN, 30)) == ["Ubuntu 22.04: loads take 10 minutes in the median, 14 before"]


def test_minutes_that_round_alike_have_a_decimal() -> None:
    assert texts(loads([1.4] * 20, 3), loads([1.1] * 20, 30)) == [
        "Ubuntu 22.04: loads take 1.4 minutes in the median, 1.1 before"
    ]


def test_too_few_a_small_change_and_chance_are_no_change() -> None:
    assert not texts(loads(FOURTEEN[1:], 3), loads(TEN, 30))
    assert not texts(loads([11.0] * 50, 3), loads([10.0] * 50, 30))
    assert not texts(loads([8, 9, 10, 10, 13, 13, 14, 20], 3), loads(TEN, 30))


def test_lengths_count_only_if_looks_were_close() -> None:
    assert not texts(loads(FOURTEEN, 3, between=302), loads(TEN, 30))
    assert texts(loads(FOURTEEN, 3, between=300), loads(TEN, 30))


def test_two_weeks_are_recent() -> None:
    assert texts(loads(FOURTEEN, 14), loads(TEN, 15))
    assert not texts(loads(FOURTEEN, 15), loads(TEN, 15))


def test_failures_are_named() -> None:
    groups = [loads(TEN * 5, 30), loads([3], 30, FAILED), loads(TEN, 3), loads([3] * 6, 3, FAILED)]
    assert texts(*groups) == ["Ubuntu 22.04: 6 of 14 loads failed, 1 of 41 before (43 % and 2 %)"]


def test_one_failure_is_no_change_and_unknown_ends_say_nothing() -> None:
    assert not texts(loads([10] * 200, 30), loads([10] * 7, 3), loads([3], 3, FAILED))
    assert not texts(loads(TEN * 5, 30), loads(TEN, 3), loads([3] * 20, 3, UNKNOWN))


def test_the_probabilities() -> None:
    # Eight against eight without an overlap: U = 0, mean 32, variance 64 * 17 / 12, with continuity z = 3.308.
    assert rank_sum_probability(range(8), range(8, 16)) == pytest.approx(0.00094, abs=5e-6)
    # Ties: ranks 1.5, 1.5, 4 and 4, 4, 6; U = 1, variance 9 / 12 * (7 - 30 / 30), z = 3 / sqrt(4.5).
    assert rank_sum_probability([1, 1, 2], [2, 2, 3]) == pytest.approx(0.1573, abs=1e-4)
    assert rank_sum_probability([5] * 8, [5] * 8) == 1
    # Fisher's tea: 3 of 4 against 1 of 4 is 34 / 70 by the tables as rare or rarer.
    assert share_probability(3, 4, 1, 4) == pytest.approx(34 / 70)
    assert share_probability(0, 9, 0, 9) == pytest.approx(1)
