"""Memory of VM hosts, concurrent use, and which computer comes first (SPEC 4, rules 9 and 11; 8.11)."""

from typing import Any

import pytest

from scheduling.facts import Block, Computer, Site
from scheduling.planner import make_plan
from tests.support.sites.facts import (
    CALLER,
    END,
    GROUP,
    HOUR,
    MINUTE,
    RELOAD_START,
    RELOAD_USER,
    block,
    block_computer,
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

HOST = 90
QUARTER = 15 * MINUTE


def taken(where: Site, what: Block, *, ignore_privileges: bool = True) -> list[tuple[int, ...]]:
    """The computers of the plan's machines."""
    return computers_of(make_plan(where, what, ignore_privileges=ignore_privileges))


# --- 9 memory of the VM host ----------------------------------------------------------------------


def on_host(ram: int, *machines: Computer, **changes: Any) -> Site:
    """VMs on one host with so much memory."""
    return site([host(HOST, ram=ram), *machines], **changes)


def vmware_block(machines: int = 1, **changes: Any) -> Block:
    """A block of an image that needs 2048 MB of the host."""
    return block(machines, [vmware_image(**changes)])


@pytest.mark.parametrize(("ram", "fits"), [(6145, True), (6144, False), (6143, False)])
def test_host_memory(ram: int, fits: bool) -> None:
    """Two other VMs have images of 2048 MB each; more than 0 MB must be left."""
    others = [vm(id_, HOST, loaded_ram=2048, state="failed") for id_ in (2, 3)]
    result = make_plan(on_host(ram, vm(1, HOST), *others), vmware_block(), ignore_privileges=True)
    assert computers_of(result) == ([(1,)] if fits else [])
    if not fits:
        reason = result.excluded[1]
        assert (reason.rule, str(reason)) == ("host_memory", f"VM host pc90 has {ram - 4096} MB left for 2048 MB")


def test_the_vms_own_image_is_exchanged_for_the_new_one() -> None:
    assert taken(on_host(2049, vm(1, HOST, loaded_ram=4096)), vmware_block()) == [(1,)]


def test_vms_marked_deleted_count() -> None:
    deleted = vm(2, HOST, loaded_ram=2048, deleted=1)
    assert taken(on_host(4096, vm(1, HOST), deleted), vmware_block()) == []
    assert taken(on_host(4097, vm(1, HOST), deleted), vmware_block()) == [(1,)]


def test_vms_of_other_hosts_do_not_count() -> None:
    there = site([host(HOST, ram=2049), host(91), vm(1, HOST), vm(2, 91, loaded_ram=4096, state="failed")])
    assert taken(there, vmware_block()) == [(1,)]


def test_host_state() -> None:
    result = make_plan(
        site([host(HOST, state="available", deleted=1), vm(1, HOST)]), vmware_block(), ignore_privileges=True
    )
    reason = result.excluded[1]
    assert (reason.rule, str(reason)) == ("host_state", "its VM host is not in state vmhostinuse")
    assert taken(site([vm(1, HOST)]), vmware_block()) == []


def test_a_vm_with_the_image_loaded_takes_no_more_memory() -> None:
    loaded = vm(1, HOST, revision_id=image().revision_id, loaded_ram=2048)
    assert taken(on_host(1, loaded), vmware_block()) == [(1,)]


def test_it_applies_only_to_images_with_the_vmware_install_type() -> None:
    there = on_host(1, vm(1, HOST, provisioning_id=1))
    assert taken(there, block()) == [(1,)]


@pytest.mark.parametrize(("ram", "machines"), [(4097, 2), (4096, 1), (2049, 1), (2048, 0)])
def test_computers_of_this_plan_count(ram: int, machines: int) -> None:
    there = on_host(ram, *(vm(id_, HOST) for id_ in range(1, 4)))
    assert taken(there, vmware_block(3)) == [(1,), (2,), (3,)][:machines]


@pytest.mark.parametrize(
    ("start", "end", "fits"),
    [(END, END + HOUR, True), (END - 1, END + HOUR, False), (0, RELOAD_START, True), (0, RELOAD_START + 1, False)],
)
def test_images_that_others_plan_on_the_host_in_the_window_count(start: int, end: int, fits: bool) -> None:
    both = [vm(1, HOST), vm(2, HOST, loaded_ram=512, state="failed")]
    planned = reservation(2, start, end, image_ram=4096, state_id=19)
    expected = [(1,)] if fits else []
    assert taken(on_host(4096, *both, reservations=[planned]), vmware_block()) == expected
    row = block_computer(2, start + 60, end, reload_start=start, image_ram=4096)
    assert taken(on_host(4096, *both, block_computers=[row]), vmware_block()) == expected


def test_the_larger_of_loaded_and_planned_counts_for_each_vm() -> None:
    small = reservation(2, image_ram=512)
    there = on_host(4097, vm(1, HOST), vm(2, HOST, loaded_ram=2048, state="failed"), reservations=[small])
    assert taken(there, vmware_block()) == [(1,)]


# --- 11 concurrent use ----------------------------------------------------------------------------


def limited(limit: int | None, machines: int = 1) -> Block:
    """A block of an image with a limit."""
    return block(machines, [image(max_concurrent=limit)])


def plenty(**changes: Any) -> Site:
    """A site with six computers."""
    return site([computer(id_) for id_ in range(1, 7)], **changes)


@pytest.mark.parametrize(("limit", "machines"), [(None, 4), (0, 0), (1, 1), (3, 3), (4, 4), (9, 4)])
def test_concurrent_use(limit: int | None, machines: int) -> None:
    result = make_plan(plenty(), limited(limit, 4), ignore_privileges=True)
    assert len(result.machines) == machines
    if machines < 4:
        assert result.stopped_by is not None
        assert result.stopped_by.rule == "concurrent_use"
        name = limited(limit, 4).images[0].name
        assert str(result.stopped_by) == f"{machines} of at most {limit} of image {name} are in use already"


@pytest.mark.parametrize(
    ("changes", "counts"),
    [
        ({}, True),
        ({"user_id": RELOAD_USER}, False),
        ({"image_id": 2}, False),
        *(({"state_id": state}, False) for state in (1, 5, 11, 12, 16, 17)),
        *(({"state_id": state}, True) for state in (3, 8, 13, 14, 19)),
        ({"start": 0, "end": RELOAD_START - QUARTER}, False),
        ({"start": 0, "end": RELOAD_START - QUARTER + 1}, True),
        ({"start": END + QUARTER, "end": END + HOUR}, False),
        ({"start": END + QUARTER - 1, "end": END + HOUR}, True),
    ],
)
def test_reservations_of_the_image_count(changes: dict[str, Any], counts: bool) -> None:
    elsewhere = reservation(6, **{"image_id": 1, **changes})
    assert len(taken(plenty(reservations=[elsewhere]), limited(1))) == (0 if counts else 1)


@pytest.mark.parametrize(
    ("changes", "counts"),
    [
        ({}, True),
        ({"image_id": 2}, False),
        ({"skip": 1}, False),
        ({"status": "deleted"}, False),
        ({"status": "completed"}, True),
        ({"start": 0, "end": RELOAD_START - QUARTER}, False),
        ({"start": 0, "end": RELOAD_START - QUARTER + 1}, True),
        ({"start": END + QUARTER, "end": END + HOUR}, False),
        ({"start": END + QUARTER - 1, "end": END + HOUR}, True),
    ],
)
def test_computers_that_blocks_have_for_the_image_count(changes: dict[str, Any], counts: bool) -> None:
    row = block_computer(6, **{"image_id": 1, **changes})
    assert len(taken(plenty(block_computers=[row]), limited(1))) == (0 if counts else 1)


@pytest.mark.parametrize(("group", "counts"), [(GROUP, False), (GROUP + 1, True), (None, True)])
def test_blocks_of_the_members_own_groups_do_not_count_when_privileges_do(group: int | None, counts: bool) -> None:
    row = block_computer(6, image_id=1, group_id=group)
    there = plenty(block_computers=[row], members=[member()], privileges=open_tree())
    assert len(taken(there, limited(2, 3), ignore_privileges=False)) == (1 if counts else 2)
    assert len(taken(there, limited(2, 3), ignore_privileges=True)) == 1


def test_computers_that_the_block_has_already_always_count() -> None:
    """Also for members of its own group."""
    there = plenty(block_computers=[own_block_computer(6)], members=[member()], privileges=open_tree())
    assert len(taken(there, limited(2, 3), ignore_privileges=False)) == 1
    assert len(taken(there, limited(2, 3), ignore_privileges=True)) == 1


def test_a_computer_of_a_block_that_is_reserved_counts_once() -> None:
    used = reservation(6, image_id=1)
    assert len(taken(plenty(block_computers=[own_block_computer(6)], reservations=[used]), limited(3, 3))) == 2
    other = block_computer(6, image_id=1)
    assert len(taken(plenty(block_computers=[other], reservations=[used]), limited(3, 3))) == 2


# --- which first ----------------------------------------------------------------------------------


def first_of(*computers: Computer, **changes: Any) -> int:
    """The computer that a block of one machine takes."""
    return taken(site(computers, **changes), block())[0][0]


def test_a_computer_with_the_image_loaded_comes_first() -> None:
    loaded = computer(2, revision_id=image().revision_id, ram=16384)
    assert first_of(computer(1), loaded) == 2
    earlier_revision = computer(2, revision_id=image().revision_id - 1, ram=16384)
    assert first_of(computer(1), earlier_revision) == 1


def test_then_the_smallest_by_memory_power_and_network() -> None:
    assert first_of(computer(1, ram=4096), computer(2, processors=8, network=10000)) == 2
    assert first_of(computer(1, processors=4, speed=2000), computer(2, processors=2, speed=3999, network=10000)) == 2
    assert first_of(computer(1, processors=4), computer(2, processors=2, speed=4001)) == 1
    assert first_of(computer(1, network=10000), computer(2, network=1000)) == 2


def test_equal_computers_go_by_id() -> None:
    assert first_of(computer(12), computer(3), computer(7)) == 3


def test_computers_that_may_have_failed_come_last_but_come() -> None:
    recent = {(CALLER, 1): frozenset({1, 2})}
    there = site([computer(1, revision_id=10), computer(2), computer(3, ram=8192)], recent_failures=recent)
    assert taken(there, block(3)) == [(3,), (1,), (2,)]


def test_failures_are_those_of_the_image_and_of_the_member_the_machine_is_for() -> None:
    first = frozenset({1})
    of_member, of_caller, of_other_image = {(11, 1): first}, {(CALLER, 1): first}, {(11, 2): first}
    both = [computer(1), computer(2)]
    context: dict[str, Any] = {"members": [member(11)], "privileges": open_tree()}
    assert taken(site(both, recent_failures=of_member, **context), block(), ignore_privileges=False) == [(2,)]
    assert taken(site(both, recent_failures=of_caller, **context), block(), ignore_privileges=False) == [(1,)]
    assert taken(site(both, recent_failures=of_other_image, **context), block(), ignore_privileges=False) == [(1,)]
    assert taken(site(both, recent_failures=of_member, **context), block()) == [(1,)]
    assert taken(site(both, recent_failures=of_caller, **context), block()) == [(2,)]
