"""How many spares a class should have, and what is said of a class that has some."""

import pytest

from scheduling.reloads.chance import Law, Load, Mending, play
from scheduling.reloads.jobs import Job
from scheduling.reloads.places import Capacity, Places
from scheduling.reloads.policy import ReadyPolicy
from scheduling.reloads.schedule import schedule
from scheduling.reloads.spares import Shortfall, most_spares
from tests.support.load_laws import log_normal

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="mariadb")]

MINUTE, HOUR = 60, 3600
START = 1_700_000_400  # a whole minute
NOW = START - 6 * HOUR
_TARGET = 0.95


def policy(failing: float = 0.0, *, mended: bool = False, spares: bool = True) -> ReadyPolicy:
    places = Places(Capacity({1: 10}))
    return ReadyPolicy(log_normal(failing=failing), places, _TARGET, is_mended=mended, spares=spares)


def jobs(number: int) -> list[Job]:
    return [Job(id_, (1,)) for id_ in range(1, number + 1)]


class TestHowMany:
    """20 loads of which one in twenty fails: so often are none, one, two, three and four lacking."""

    SHORT = Shortfall(_TARGET, {0: 0.36, 1: 0.38, 2: 0.19, 3: 0.06, 4: 0.01}, done=0.95)

    def test_as_many_as_bring_it_to_the_target(self) -> None:
        assert self.SHORT.further(1, at_most=7) == 3

    def test_the_nearer_the_target_the_fewer(self) -> None:
        assert Shortfall(0.7, self.SHORT.lacking, 0.95).further(1, at_most=7) == 1

    def test_no_more_than_there_may_be(self) -> None:
        assert self.SHORT.further(1, at_most=2) == 2
        assert self.SHORT.further(1, at_most=0) == 0

    def test_none_where_they_would_not_be_done_either(self) -> None:
        assert Shortfall(_TARGET, {20: 1.0}, done=0.0).further(1, at_most=7) == 0

    def test_machines_of_several_computers_are_less_sure_each(self) -> None:
        half_done = Shortfall(_TARGET, {0: 0.5, 1: 0.5}, done=0.7)
        assert half_done.further(1, at_most=20) < half_done.further(2, at_most=20)

    def test_five_at_most_and_one_for_each_ten_machines(self) -> None:
        assert [most_spares(machines) for machines in (1, 9, 10, 100)] == [5, 5, 6, 15]


class TestWhatIsLacking:
    def test_nothing_is_said_of_a_class_that_is_sure_enough(self) -> None:
        assert not schedule(jobs(20), policy(), NOW, START, spare=0).shortfalls

    def test_nor_where_the_policy_has_no_spares(self) -> None:
        assert not schedule(jobs(20), policy(0.05, spares=False), NOW, START, spare=0).shortfalls

    def test_of_loads_that_fail_by_the_share_that_fails(self) -> None:
        at_the_start, ever = schedule(jobs(20), policy(0.05), NOW, START, spare=0).shortfalls
        assert ever.done == pytest.approx(0.95, abs=0.005)
        assert ever.lacking[0] == pytest.approx(0.95**20, abs=0.03)
        assert sum(lacking * share for lacking, share in ever.lacking.items()) == pytest.approx(20 * 0.05, abs=0.1)
        assert at_the_start.lacking[0] <= ever.lacking[0]


class TestClassWithSpares:
    @pytest.mark.parametrize(("machines", "failing"), [(10, 0.05), (20, 0.05), (20, 0.02), (50, 0.01)])
    def test_the_number_asked_for_brings_it_to_the_target(self, machines: int, failing: float) -> None:
        without = schedule(jobs(machines), policy(failing), NOW, START, spare=0)
        more = max(each.further(1, 10) for each in without.shortfalls)
        with_them = schedule(jobs(machines + more), policy(failing), NOW, START, spare=0, needed=machines)
        assert without.outlook.ready < _TARGET <= with_them.outlook.ready + 0.01
        one_less = schedule(jobs(machines + more - 1), policy(failing), NOW, START, spare=0, needed=machines)
        assert one_less.outlook.ready < _TARGET

    def test_a_failure_that_a_spare_covers_gets_no_substitute(self) -> None:
        """Both of two loads fail at once: with one spare only the second one is made up for."""
        law = Law(log_normal(failing=0.5))
        loads = [Load(-HOUR, ()), Load(-HOUR, ())]
        without, with_it = (play(loads, [], law, Mending(10, covered)).done for covered in (0, 1))
        never = 1e8
        assert (without > never).sum() < 0.2 * len(without)
        failed = play(loads, [], law).done > never
        both = failed.all(axis=1)
        assert both.any()
        assert ((with_it > never).sum(axis=1)[both] >= 1).all()
        assert (with_it[~failed.any(axis=1)] < never).all()
        one = failed.any(axis=1) & ~both
        assert ((with_it > never).sum(axis=1)[one] == 1).all()
