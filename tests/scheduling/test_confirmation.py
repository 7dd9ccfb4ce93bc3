"""The confirmation of a plan before it is written: machines that others took meanwhile are dropped (SPEC 8.7)."""

from collections.abc import Sequence
from typing import Any

import pytest

from scheduling.confirmation import standing, still_free
from scheduling.facts import Site
from scheduling.plan import Machine
from scheduling.planner import make_plan
from scheduling.reload_plan import Moved, Window
from tests.support.sites.facts import (
    END,
    HOUR,
    MINUTE,
    RELOAD_START,
    block,
    block_computer,
    computer,
    host,
    image,
    maintenance,
    own_block_computer,
    reservation,
    site,
    vm,
    vmware_image,
)

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="mariadb")]

QUARTER = 15 * MINUTE


def three_computers(**changes: Any) -> Site:
    """The site of these tests, with rows that others wrote."""
    return site([computer(id_) for id_ in (1, 2, 3)], **changes)


def planned(machines: int = 2) -> Sequence[Machine]:
    """Machines of computers 1, 2 … as planned when all were free."""
    return make_plan(three_computers(), block(machines), ignore_privileges=True).machines


def left(where: Site, machines: int = 2) -> list[int]:
    """The computers of the planned machines that stand on these facts."""
    kept = standing(where, block(machines), planned(machines), ignore_privileges=True).kept
    return [taken.computer.id for machine in kept for taken in machine.assignments]


def test_on_the_same_facts_everything_stands() -> None:
    assert left(three_computers()) == [1, 2]


@pytest.mark.parametrize(
    ("changes", "stand"),
    [
        ({"claimed": frozenset({1})}, [2]),
        ({"claimed": frozenset({3})}, [1, 2]),
        ({"reservations": [reservation(1)]}, [2]),
        ({"reservations": [reservation(2, END + QUARTER, END + HOUR)]}, [1, 2]),
        ({"reservations": [reservation(2, END + QUARTER - 1, END + HOUR)]}, [1]),
        ({"reservations": [reservation(1, state_id=19), reservation(2, state_id=12)]}, [1, 2]),
        ({"block_computers": [block_computer(1), block_computer(2)]}, []),
        ({"block_computers": [block_computer(2, END + HOUR, END + 2 * HOUR, reload_start=END)]}, [1, 2]),
        ({"block_computers": [block_computer(2, END + HOUR, END + 2 * HOUR, reload_start=END - 1)]}, [1]),
        ({"maintenances": [maintenance(RELOAD_START - HOUR, RELOAD_START)]}, [1]),
    ],
)
def test_computers_that_others_took_are_dropped(changes: dict[str, Any], stand: list[int]) -> None:
    assert left(three_computers(**changes)) == stand


def test_a_computer_that_came_into_the_block_meanwhile_is_not_taken_again() -> None:
    """Of the two that are wanted, one is still missing."""
    assert left(three_computers(block_computers=[own_block_computer(1)])) == [2]


@pytest.mark.parametrize(("there", "stand"), [([3], [1]), ([3, 9], [])])
def test_never_more_than_wanted(there: list[int], stand: list[int]) -> None:
    """With machines that came into the block meanwhile fewer are missing."""
    assert left(three_computers(block_computers=[own_block_computer(id_) for id_ in there])) == stand


def test_a_limit_that_others_used_up_lets_the_first_ones_stand() -> None:
    what = block(2, [image(max_concurrent=2)])
    machines = make_plan(three_computers(), what, ignore_privileges=True).machines
    other = three_computers(reservations=[reservation(3, image_id=1)])
    assert standing(other, what, machines, ignore_privileges=True).kept == list(machines[:1])


def test_memory_of_a_host_that_others_used_up_lets_the_first_ones_stand() -> None:
    what = block(2, [vmware_image()])
    computers = [host(90, ram=4097), vm(1, 90), vm(2, 90), vm(3, 90)]
    machines = make_plan(site(computers), what, ignore_privileges=True).machines
    assert len(machines) == 2
    other = site(computers, reservations=[reservation(3, image_ram=1024)])
    assert standing(other, what, machines, ignore_privileges=True).kept == list(machines[:1])


def test_the_reload_of_a_cluster_moves_only_if_all_its_computers_are_free() -> None:
    own = [own_block_computer(id_, reload_id=8001) for id_ in (1, 2)] + [own_block_computer(3, reload_id=8003)]
    earlier = Window(RELOAD_START - QUARTER, END)
    moved = [Moved(request, id_, earlier, 1) for id_, request in ((1, 8001), (2, 8001), (3, 8003))]
    others = block_computer(2, RELOAD_START - HOUR, RELOAD_START - MINUTE)
    assert still_free(three_computers(block_computers=own), block(3), moved) == moved
    assert still_free(three_computers(block_computers=[*own, others]), block(3), moved) == moved[2:]
