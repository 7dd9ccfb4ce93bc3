"""What becomes of the computers that a block time has, while it is planned anew (SPEC 9.2, 9.3)."""

import pytest

from scheduling.mending import GivenUp, Mending, exchanged, without_given_up
from scheduling.plan import Plan
from scheduling.planner import make_plan
from scheduling.reasons import Reason
from tests.support.sites import facts
from tests.support.sites.facts import END, IMAGE, START

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="mariadb")]

WHY = Reason("unusable", "it {}", ("failed to load",))
TO_LOAD = Reason("to_load", "it does not hold the image, and nothing will load it")


def given_up(*computers: int) -> Mending:
    return Mending({id_: GivenUp(f"c{id_}", IMAGE, 0, WHY) for id_ in computers})


def plan_of(mending: Mending, computers: int, own: int, machines: int = 2) -> tuple[Plan, set[int]]:
    """The plan for a class that has the first computers, and the given-up ones that go."""
    site = facts.site(
        computers=[facts.computer(id_) for id_ in range(1, computers + 1)],
        block_computers=[facts.own_block_computer(id_) for id_ in range(1, own + 1)],
    )
    block = facts.block(machines)
    without = without_given_up(site, block, mending)
    plan = make_plan(without, block, ignore_privileges=True, mending=mending)
    return plan, set(exchanged(without, block, mending, plan.machines))


def test_one_that_is_given_up_is_exchanged() -> None:
    plan, gone = plan_of(given_up(1), computers=3, own=2)
    assert (plan.had_before, plan.allocated, facts.computers_of(plan), gone) == (1, 2, [(3,)], {1})


def test_without_another_one_it_stays_and_does_not_count() -> None:
    plan, gone = plan_of(given_up(1), computers=2, own=2)
    assert (plan.had_before, plan.allocated, facts.computers_of(plan), gone) == (1, 1, [], set())
    assert plan.stopped_by is not None


def test_of_several_the_least_hopeful_ones_go() -> None:
    plan, gone = plan_of(given_up(2, 1), computers=3, own=2)
    assert (plan.allocated, facts.computers_of(plan), gone) == (1, [(3,)], {2})


def test_one_that_is_not_needed_goes_for_good() -> None:
    plan, gone = plan_of(given_up(1), computers=3, own=3)
    assert (plan.had_before, plan.allocated, facts.computers_of(plan), gone) == (2, 2, [], {1})


def test_one_that_lost_its_reload_gets_a_new_one() -> None:
    plan, _ = plan_of(Mending(again={2: None}, why_again={2: TO_LOAD}), computers=2, own=2)
    (machine,) = plan.again
    assert (machine.assignments[0].computer.id, plan.allocated, plan.not_loaded) == (2, 2, {})


@pytest.mark.parametrize("node_id", [None, 2])
def test_one_that_cannot_be_loaded_does_not_count(node_id: int | None) -> None:
    """Another node may still be loading it, or the computer is reserved."""
    bookings = [facts.reservation(2, START, END)] if node_id is None else []
    site = facts.site(
        computers=[facts.computer(1), facts.computer(2)],
        block_computers=[facts.own_block_computer(1), facts.own_block_computer(2)],
        reservations=bookings,
    )
    plan = make_plan(site, facts.block(2), ignore_privileges=True, mending=Mending(again={2: node_id}))
    assert (plan.had_before, plan.allocated, plan.again) == (2, 1, [])
    assert plan.not_loaded[2].rule == ("reservation" if node_id is None else "management_node")
