"""What a load that keep_ready saw says of load times."""

import pytest

from scheduling.load_time.history import Ending, LoadGroup
from scheduling.load_time.seen import OLD_WEIGHT, NodeLimits, SeenLoad, load_groups
from scheduling.upkeep.seen_loads import AT_WORK, DROPPED, FAILED, LOADED, UNKNOWN
from scheduling.windows import DAY, HOUR

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="mariadb")]

NOW = 1_800_000_000
NODE, OTHER_NODE = 1, 2


def load(
    begun: int = NOW - DAY, seconds: int = 600, outcome: str = LOADED, node: int | None = NODE, engine: str = "xcat"
) -> SeenLoad:
    """A load that ended between two looks, a minute apart."""
    over = None if outcome == AT_WORK else begun + seconds + 30
    return SeenLoad(node, begun, begun + seconds - 30, over, outcome, NOW, engine=engine)


def groups(*loads: SeenLoad, limits: NodeLimits | None = None) -> list[LoadGroup]:
    return [group for _, group in load_groups(loads, NOW, limits)]


def test_the_length_is_between_two_looks() -> None:
    assert groups(load()) == [LoadGroup(600.0)]
    assert groups(load(NOW - 200 * DAY)) == [LoadGroup(600.0, weight=OLD_WEIGHT)]


def test_where_nobody_looked_for_long_it_took_so_long_at_least() -> None:
    late = load()._replace(over=NOW - DAY + HOUR)
    assert groups(late) == [LoadGroup(570, ending=Ending.UNFINISHED)]


def test_failed_dropped_and_at_work() -> None:
    assert groups(load(outcome=FAILED), load(outcome=DROPPED)) == [LoadGroup(0, ending=Ending.FAILED)]
    begun = NOW - 400
    at_work = load(begun, outcome=AT_WORK)._replace(at_work=NOW)
    assert groups(at_work) == [LoadGroup(400, ending=Ending.UNFINISHED)]
    assert groups(at_work._replace(alive=begun + 100)) == [LoadGroup(100, ending=Ending.UNFINISHED)]


def test_loads_lost_with_their_node_say_nothing() -> None:
    lost = [load(outcome=UNKNOWN), load(NOW - DAY, outcome=UNKNOWN)]
    assert groups(*lost) == []
    assert groups(lost[0]) == [LoadGroup(570, ending=Ending.UNFINISHED)]


class TestPlaces:
    """Loads that may have waited for a place on their node."""

    def test_those_beyond_the_limit_say_nothing(self) -> None:
        begins = [NOW - DAY + 100 * each for each in range(3)]
        loads = [load(begun) for begun in begins]
        assert [each.begun for each, _ in load_groups(loads, NOW, NodeLimits({NODE: 2}))] == begins[:2]
        assert len(groups(*loads, limits=NodeLimits({NODE: 3}))) == 3
        assert len(groups(*loads, limits=NodeLimits({OTHER_NODE: 1}))) == 3

    def test_a_place_is_free_again_when_a_load_is_over(self) -> None:
        assert len(groups(load(NOW - DAY), load(NOW - DAY + 700), limits=NodeLimits({NODE: 1}))) == 2

    def test_of_loads_that_begin_at_once_each_may_be_the_one_that_waits(self) -> None:
        loads = [load(NOW - DAY + each) for each in range(3)]
        assert groups(*loads, limits=NodeLimits({NODE: 2})) == []

    def test_engines_without_a_limit_wait_for_nothing_and_take_no_place(self) -> None:
        loads = [load(), load(NOW - DAY + 100, engine="vmware"), load(NOW - DAY + 200, node=None)]
        assert len(groups(*loads, limits=NodeLimits({NODE: 1}, {"xcat"}))) == 3
        assert len(groups(*loads, limits=NodeLimits({NODE: 1}))) == 2
