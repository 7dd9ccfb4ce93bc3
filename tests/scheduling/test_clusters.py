"""Clusters: whole machines only, counted and filled per image (SPEC 4 "Clusters", 8.11, 8.12)."""

from typing import Any

import pytest

from scheduling.confirmation import standing
from scheduling.facts import Block, Image, Site
from scheduling.machines import whole_machines
from scheduling.planner import make_plan
from scheduling.reload_plan import Window
from tests.support.sites.facts import (
    IMAGE,
    LOAD,
    MINUTE,
    RELOAD_START,
    START,
    SUB_IMAGE,
    block,
    computer,
    computers_of,
    host,
    image,
    member,
    open_tree,
    own_block_computer,
    reservation,
    site,
    vm,
    vmware_image,
)

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="mariadb")]

MAIN, SUB = image(IMAGE), image(SUB_IMAGE, min_ram=4096)


def cluster(machines: int = 1, *images: Image) -> Block:
    """A block of clusters; by default the image and one that needs 4096 MB."""
    return block(machines, images or (MAIN, SUB))


def mixed(small: int, large: int, **changes: Any) -> Site:
    """Computers 1 … for the image only, and 101 … for either."""
    computers = [computer(id_) for id_ in range(1, small + 1)]
    computers += [computer(id_, ram=4096) for id_ in range(101, 101 + large)]
    return site(computers, **changes)


def taken(where: Site, what: Block) -> list[list[tuple[int, int]]]:
    """(computer, image) of each machine."""
    result = make_plan(where, what, ignore_privileges=True)
    return [[(one.computer.id, one.image.id) for one in machine.assignments] for machine in result.machines]


@pytest.mark.parametrize(
    ("images", "counts", "machines"),
    [
        ([MAIN], {IMAGE: 3}, 3),
        ([MAIN, SUB], {IMAGE: 3}, 0),
        ([MAIN, SUB], {IMAGE: 3, SUB_IMAGE: 2}, 2),
        ([MAIN, SUB, SUB], {IMAGE: 3, SUB_IMAGE: 5}, 2),
        ([MAIN, MAIN], {IMAGE: 5}, 2),
        ([MAIN], {SUB_IMAGE: 5}, 0),
    ],
)
def test_whole_machines(images: list[Image], counts: dict[int, int], machines: int) -> None:
    assert whole_machines([each.id for each in images], counts) == machines


def test_each_machine_has_a_computer_for_each_image() -> None:
    assert taken(mixed(2, 2), cluster(2)) == [[(1, 1), (101, 2)], [(2, 1), (102, 2)]]


def test_an_image_may_be_there_several_times() -> None:
    assert taken(mixed(1, 3), cluster(1, MAIN, SUB, SUB)) == [[(1, 1), (101, 2), (102, 2)]]
    assert taken(mixed(3, 0), cluster(2, MAIN, MAIN)) == [[(1, 1), (2, 1)]]


def test_a_machine_counts_only_with_all_its_computers() -> None:
    result = make_plan(mixed(5, 1), cluster(3), ignore_privileges=True)
    assert computers_of(result) == [(1, 101)]
    assert (result.allocated, result.wanted) == (1, 3)
    assert str(result.stopped_by) == "no further computer passes all rules for image image-2"


def test_the_computers_of_a_machine_that_could_not_be_completed_are_free_again() -> None:
    """Ada may use her own computer for the image, and nothing for the subimage; Bob may use both."""
    people = [member(11, "ada"), member(12, "bob", groups={52})]
    own = [computer(1, owner_id=11), computer(101, ram=4096)]
    result = make_plan(site(own, members=people, privileges=open_tree(group=52)), cluster(1), ignore_privileges=False)
    assert computers_of(result) == [(1, 101)]
    assert result.machines[0].member.name == "bob"


def test_the_computers_of_a_machine_share_one_reload_and_one_step() -> None:
    result = make_plan(mixed(2, 2), cluster(2), ignore_privileges=True)
    assert [machine.reload for machine in result.machines] == [
        Window(RELOAD_START, START),
        Window(RELOAD_START - MINUTE, START),
    ]
    assert result.load_seconds == LOAD


# --- incomplete clusters --------------------------------------------------------------------------


def test_an_incomplete_cluster_is_filled_with_what_it_lacks() -> None:
    there = mixed(3, 3, block_computers=[own_block_computer(1, IMAGE)])
    result = make_plan(there, cluster(2), ignore_privileges=True)
    assert computers_of(result) == [(101,), (2, 102)]
    assert (result.had_before, result.allocated) == (0, 2)
    assert [machine.reload.start for machine in result.machines] == [RELOAD_START, RELOAD_START - MINUTE]


def test_missing_computers_are_counted_per_image() -> None:
    """Two of the image and one of the subimage are there: one machine, and half of another."""
    rows = [own_block_computer(1, IMAGE), own_block_computer(2, IMAGE), own_block_computer(101, SUB_IMAGE)]
    result = make_plan(mixed(3, 3, block_computers=rows), cluster(2), ignore_privileges=True)
    assert (result.had_before, result.allocated) == (1, 2)
    assert taken(mixed(3, 3, block_computers=rows), cluster(2)) == [[(102, 2)]]


def test_of_a_repeated_image_the_missing_number_is_filled() -> None:
    rows = [own_block_computer(101, SUB_IMAGE)]
    assert taken(mixed(1, 3, block_computers=rows), cluster(1, MAIN, SUB, SUB)) == [[(1, 1), (102, 2)]]


def test_a_part_that_a_member_reserved_is_no_machine_by_itself() -> None:
    """The reservation could join the block, but there is no computer for the subimage."""
    own = reservation(1, user_id=7, image_id=IMAGE)
    there = mixed(1, 0, reservations=[own], members=[member(7)])
    result = make_plan(there, cluster(1), ignore_privileges=True)
    assert (result.had_before, result.allocated, list(result.machines)) == (0, 0, [])


def test_more_of_one_image_than_wanted_is_no_machine() -> None:
    rows = [own_block_computer(id_, IMAGE) for id_ in (1, 2, 3)]
    result = make_plan(mixed(3, 0, block_computers=rows), cluster(2), ignore_privileges=True)
    assert (result.had_before, result.allocated, list(result.machines)) == (0, 0, [])


def test_with_all_machines_there_nothing_is_planned() -> None:
    rows = [own_block_computer(1, IMAGE), own_block_computer(101, SUB_IMAGE)]
    result = make_plan(mixed(3, 3, block_computers=rows), cluster(1), ignore_privileges=True)
    assert (result.had_before, result.allocated, list(result.machines), result.stopped_by) == (1, 1, [], None)


def test_a_computer_that_was_chosen_is_not_among_the_excluded() -> None:
    """Computer 1 does for the image, not for the subimage, and the other way round."""
    rows = [own_block_computer(9, IMAGE)]
    there = site(
        [computer(9), computer(1, platform_id=2), computer(2), computer(3, platform_id=2)], block_computers=rows
    )
    result = make_plan(there, cluster(2, MAIN, image(SUB_IMAGE, platform_id=2)), ignore_privileges=True)
    assert computers_of(result) == [(1,), (2, 3)]
    assert not {1, 2, 3} & set(result.excluded)


# --- limits ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("limit", "machines"), [(0, 0), (1, 1), (2, 2), (3, 3), (4, 3)])
def test_the_limit_of_each_image_holds(limit: int, machines: int) -> None:
    limited = SUB._replace(max_concurrent=limit)
    assert len(taken(mixed(3, 3), cluster(3, MAIN, limited))) == machines
    assert len(taken(mixed(3, 3), cluster(3, MAIN._replace(max_concurrent=limit), SUB))) == machines


@pytest.mark.parametrize(("limit", "machines"), [(1, 0), (2, 1), (3, 1), (4, 2)])
def test_an_image_that_is_there_twice_counts_twice(limit: int, machines: int) -> None:
    twice = MAIN._replace(max_concurrent=limit)
    assert len(taken(mixed(6, 0), cluster(3, twice, twice))) == machines


@pytest.mark.parametrize(("ram", "machines"), [(6145, 1), (6144, 0), (12288, 1), (12289, 2)])
def test_the_memory_of_the_host_is_that_of_all_computers_of_a_cluster(ram: int, machines: int) -> None:
    """Each machine takes 2048 + 4096 MB."""
    images = (vmware_image(IMAGE), vmware_image(SUB_IMAGE, min_ram=4096))
    there = site([host(90, ram=ram), *(vm(id_, 90, ram=4096) for id_ in range(1, 7))])
    assert len(taken(there, cluster(3, *images))) == machines


# --- confirmed ------------------------------------------------------------------------------------


def test_a_cluster_that_lost_one_computer_falls_whole() -> None:
    first = mixed(2, 2)
    machines = make_plan(first, cluster(2), ignore_privileges=True).machines
    again = mixed(2, 2, claimed=frozenset({101}))
    assert standing(again, cluster(2), machines, ignore_privileges=True).kept == list(machines[1:])


def test_a_limit_reached_meanwhile_holds_within_one_cluster() -> None:
    twice = MAIN._replace(max_concurrent=3)
    machines = make_plan(mixed(4, 0), cluster(1, twice, twice), ignore_privileges=True).machines
    assert len(machines) == 1
    others = [reservation(id_, image_id=IMAGE) for id_ in (3, 4)]
    again = mixed(4, 0, reservations=others)
    assert standing(again, cluster(1, twice, twice), machines, ignore_privileges=True).kept == []


def test_host_memory_taken_meanwhile_counts_for_a_whole_cluster() -> None:
    twice = vmware_image()
    computers = [host(90, ram=6144), vm(1, 90), vm(2, 90), vm(3, 90)]
    what = cluster(1, twice, twice)
    machines = make_plan(site(computers), what, ignore_privileges=True).machines
    assert len(machines) == 1
    again = site(computers, reservations=[reservation(3, image_ram=2048)])
    assert make_plan(again, what, ignore_privileges=True).machines == []
    assert standing(again, what, machines, ignore_privileges=True).kept == []
