"""Games of loads: their figures are those of a plain simulation, event by event."""

import heapq
from random import Random

import pytest

from scheduling.load_time.model import LoadModel
from scheduling.reloads.chance import NOTICE, Law, Load, Mending, play
from tests.support.load_laws import log_normal

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="mariadb")]

_PLAYED = 1500
_NEVER = 1e9


def waves(loads: int, places: int, lead: int) -> list[Load]:
    """Loads that begin in waves ten minutes apart, the last one so many minutes before the start."""
    return [Load(-60.0 * (lead + 10 * (number // places)), (0,)) for number in range(loads)]


def plainly_played(loads: list[Load], places: int, model: LoadModel, spare: int) -> float:
    """The share of games in which all are done in time: each load waits for its turn, a failed one is made up for."""
    chance, in_time = Random(7), 0
    for _ in range(_PLAYED):
        free, left = [-_NEVER] * places, spare
        queue = [(load.begin, number) for number, load in enumerate(loads)]
        heapq.heapify(queue)
        last = -_NEVER
        while queue:
            at, number = heapq.heappop(queue)
            place = min(range(places), key=free.__getitem__)
            done = max(at, free[place]) + model.quantile(chance.random())
            free[place] = done
            if chance.random() >= model.failing:
                last = max(last, done)
            elif left:
                left -= 1
                heapq.heappush(queue, (done + NOTICE, number))
            else:
                last = _NEVER
        in_time += last <= 0
    return in_time / _PLAYED


@pytest.mark.parametrize(
    ("loads", "places", "lead", "failing"),
    [(1, 1, 15, 0.0), (10, 10, 25, 0.02), (30, 10, 25, 0.0), (30, 10, 25, 0.05), (12, 2, 25, 0.02)],
)
def test_games_say_what_a_plain_simulation_says(loads: int, places: int, lead: int, failing: float) -> None:
    model, theirs = log_normal(failing=failing), waves(loads, places, lead)
    games = play(theirs, [places], Law(model), Mending(20))
    assert games.ready(loads) == pytest.approx(plainly_played(theirs, places, model, 20), abs=0.035)


def test_without_anybody_to_mend_it_a_load_that_fails_is_lost() -> None:
    games = play(waves(10, 10, 60), [10], Law(log_normal(failing=0.02)))
    assert games.ready(10) == pytest.approx(0.98**10, abs=0.02)


def test_without_further_computers_nothing_can_be_made_up_for() -> None:
    law = Law(log_normal(failing=0.05))
    assert play(waves(10, 10, 90), [10], law, Mending(0)).ready(10) == play(waves(10, 10, 90), [10], law).ready(10)


def test_a_load_at_work_takes_only_the_rest_of_its_time() -> None:
    law = Law(log_normal(variation=0.15))
    fresh, old = (play([Load(-300, (0,), elapsed=elapsed)], [1], law).ready(1) for elapsed in (0.0, 400.0))
    assert fresh < 0.01
    assert old > 0.8


def test_what_is_left_of_a_load_of_another_length_counts() -> None:
    """It takes three times as long as ours do, and has been at work for two thirds of that."""
    law = Law(log_normal(variation=0.15))

    def ready(begin: float) -> float:
        return play([Load(begin, (0,), elapsed=1200.0, scale=3.0, is_own=False), Load(begin, (0,))], [1], law).ready(1)

    assert ready(-1800) > 0.95
    assert ready(-900) < 0.25


def test_whoever_comes_first_has_the_place() -> None:
    law = Law(log_normal(variation=0.15))
    before = Load(-1000, (0,), is_own=False)
    assert play([before, Load(-900, (0,))], [1], law).ready(1) < 0.5
    assert play([before, Load(-900, (0,))], [2], law).ready(1) > 0.99


def test_a_load_needs_a_place_of_its_node_and_of_its_host() -> None:
    law = Law(log_normal(variation=0.15))
    two = [Load(-900, (0, 1)), Load(-900, (0, 1))]
    assert play(two, [2, 2], law).ready(2) > 0.9
    assert play(two, [2, 1], law).ready(2) < 0.1


def test_machines_beyond_those_needed_make_up_for_those_that_fail() -> None:
    law = Law(log_normal(failing=0.1))
    games = play(waves(12, 12, 30), [12], law)
    assert games.ready(12) < games.ready(11) < games.ready(10)
    assert games.late(12) == pytest.approx(1.2, abs=0.2)


def test_equal_facts_give_equal_figures() -> None:
    law = Law(log_normal(failing=0.05))
    first, second = (play(waves(30, 10, 30), [10], law, Mending(5)) for _ in range(2))
    assert (first.done == second.done).all()
