"""How long before the start a substitute has to begin to load: a place has to be free, and time for a long load."""

from dataclasses import replace

import pytest

from scheduling.reloads.exchange import exchange_leads, long_load
from scheduling.reloads.places import Capacity, OtherLoad, Places
from scheduling.reloads.policy import ReadyPolicy
from tests.support.load_laws import log_normal

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="mariadb")]

MINUTE, HOUR = 60, 3600
START = 1_700_000_400  # a whole minute
NOW = START - 6 * HOUR
MODEL = log_normal()
MEAN = round(MODEL.mean / MINUTE)  # minutes
LONG = long_load(MODEL) // MINUTE


def policy(limits: dict[int, int], arrivals: dict[int, float] | None = None, *others: OtherLoad) -> ReadyPolicy:
    return ReadyPolicy(MODEL, Places(Capacity(limits), others, arrivals or {}), 0.95, is_mended=True)


def load(lead: int, node: int = 1, *, is_limited: bool = True) -> OtherLoad:
    """A load of average length that begins so many minutes before the start."""
    return OtherLoad(100 + lead, node, None, START - lead * MINUTE, MEAN * MINUTE, at_work=False, is_limited=is_limited)


def leads(policy: ReadyPolicy, own: list[OtherLoad], number: int = 1, nodes: tuple[int, ...] = (1,)) -> list[int]:
    """In minutes."""
    seconds = exchange_leads(policy, own, nodes, NOW, START, number)
    assert all(each % MINUTE == 0 for each in seconds)
    return [each // MINUTE for each in seconds]


def test_where_a_place_is_free_there_has_to_be_time_for_a_long_load() -> None:
    assert leads(policy({1: 2}), [load(LONG)]) == [LONG]


def test_where_loads_fail_there_has_to_be_time_for_another_one() -> None:
    failing = policy({1: 2})
    failing = replace(failing, model=log_normal(failing=0.02))
    assert leads(failing, []) == [LONG + MEAN + 2]


def test_without_a_limit_all_may_begin_at_once() -> None:
    assert leads(policy({1: 1}), [load(LONG)], 3, nodes=()) == [LONG] * 3
    assert leads(policy({}), [load(LONG)], 3) == [LONG] * 3


def test_where_none_is_free_it_comes_before_the_loads_that_are_planned() -> None:
    waves = [load(LONG + wave * MEAN) for wave in range(3)]
    assert leads(policy({1: 1}), waves) == [LONG + 3 * MEAN]


def test_several_are_loaded_in_waves_too() -> None:
    assert leads(policy({1: 2}), [load(LONG), load(LONG)], 5) == [
        *[LONG + MEAN] * 2, *[LONG + 2 * MEAN] * 2, LONG + 3 * MEAN
    ]  # fmt: skip


def test_a_gap_is_enough() -> None:
    waves = [load(LONG), load(LONG + 2 * MEAN)]
    assert leads(policy({1: 1}), waves, 2) == [LONG + MEAN, LONG + 3 * MEAN]


def test_loads_of_others_take_places_too_and_those_without_a_limit_do_not() -> None:
    assert leads(policy({1: 1}, None, load(LONG)), []) == [LONG + MEAN]
    assert leads(policy({1: 1}, None, load(LONG, is_limited=False)), []) == [LONG]


def test_the_node_that_has_a_place_counts() -> None:
    both = policy({1: 1, 2: 1})
    assert leads(both, [load(LONG)], 2, nodes=(1, 2)) == [LONG, LONG + MEAN]


def test_loads_of_users_leave_some_places() -> None:
    """However many of them are to be expected."""
    assert leads(policy({1: 10}, {1: 100.0}), [], 5) == [*[LONG] * 4, LONG + MEAN]
    assert leads(policy({1: 1}, {1: 100.0}), [], 2) == [LONG, LONG + MEAN]


def test_where_no_place_is_left_it_is_all_the_time() -> None:
    for_ever = OtherLoad(7, 1, None, NOW - MINUTE, 7 * HOUR, at_work=True)
    assert leads(policy({1: 1}, None, for_ever), []) == [(START - NOW) // MINUTE]
    assert exchange_leads(policy({1: 1}), [], [1], START - MINUTE, START, 1) == [LONG * MINUTE]
