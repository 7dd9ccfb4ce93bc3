"""Every rule that excludes computers (SPEC 4), by name, at its boundary, with the words that staff read."""

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from scheduling.facts import Block, OrphanedReload, Site
from scheduling.planner import make_plan
from tests.support.sites.facts import (
    BLOCK_TIME,
    CLOSED_SCHEDULE,
    COMPUTERS,
    END,
    GROUP,
    HOUR,
    IMAGES,
    LOAD,
    MINUTE,
    NODES,
    NOW,
    OPEN_SCHEDULE,
    OTHER_BLOCK_TIME,
    RELOAD_START,
    START,
    at,
    block,
    block_computer,
    computer,
    computers_of,
    image,
    maintenance,
    member,
    node,
    open_tree,
    own_block_computer,
    reservation,
    site,
    tree,
)

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="mariadb")]

FREE = None
QUARTER = 15 * MINUTE


def exclusion(where: Site, what: Block | None = None, *, ignore_privileges: bool = True) -> tuple[str, str] | None:
    """The rule that excludes computer 1 from a block of one machine, by name and in words; None when it is taken."""
    result = make_plan(where, what or block(), ignore_privileges=ignore_privileges)
    if result.machines:
        assert computers_of(result) == [(1,)]
        assert result.stopped_by is None
        return None
    assert result.stopped_by is not None
    reason = result.excluded.get(1, result.stopped_by)
    return reason.rule, str(reason)


def exclusion_of(computer_changes: dict[str, Any], what: Block | None = None) -> tuple[str, str] | None:
    """The same for a site with one computer that differs from the usual."""
    return exclusion(site([computer(**computer_changes)]), what)


# --- 1 maintenance --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "end", "allowed", "free"),
    [
        (END, END + HOUR, 0, True),
        (END - 1, END + HOUR, 0, False),
        (START, END, 0, False),
        (RELOAD_START - HOUR, RELOAD_START, 0, True),
        (RELOAD_START - HOUR, RELOAD_START + 1, 0, False),
        # A window may run into a maintenance that allows reservations, but not begin in it or shortly before.
        (END - 1, END + HOUR, 1, True),
        (RELOAD_START + 30 * MINUTE, END, 1, True),
        (RELOAD_START + 30 * MINUTE - 1, END, 1, False),
        (RELOAD_START - HOUR, RELOAD_START, 1, True),
        (RELOAD_START - HOUR, RELOAD_START + 1, 1, False),
    ],
)
def test_maintenance(start: int, end: int, allowed: int, free: bool) -> None:
    expected = None if free else ("maintenance", f"site maintenance from {start} to {end}")
    assert exclusion(site(maintenances=[maintenance(start, end, allowed)])) == expected


def test_a_maintenance_that_is_over_does_not_count() -> None:
    now = START - 10 * MINUTE  # the reload would have begun ten minutes ago, in the maintenance
    over = maintenance(RELOAD_START - HOUR, now)
    assert exclusion(site(now=now, maintenances=[over])) is FREE
    running = maintenance(RELOAD_START - HOUR, now + 1)
    assert exclusion(site(now=now, maintenances=[running])) is not FREE


def test_the_reload_of_a_later_machine_may_meet_a_maintenance_that_the_first_does_not() -> None:
    there = site([computer(1), computer(2)], maintenances=[maintenance(RELOAD_START - HOUR, RELOAD_START)])
    result = make_plan(there, block(2), ignore_privileges=True)
    assert computers_of(result) == [(1,)]
    assert result.stopped_by is not None
    assert result.stopped_by.rule == "maintenance"


# --- 2 schedule -----------------------------------------------------------------------------------

WEDNESDAY = 3 * 1440
BEGINS, ENDS = WEDNESDAY + 13 * 60 + 40, WEDNESDAY + 16 * 60  # the window of the first machine


@pytest.mark.parametrize(
    ("times", "free"),
    [([(BEGINS, ENDS)], True), ([(BEGINS + 1, ENDS)], False), ([(BEGINS, ENDS - 1)], False), ([(0, 10080)], True)],
)
def test_schedule(times: list[tuple[int, int]], free: bool) -> None:
    reason = ("schedule", f"its schedule {OPEN_SCHEDULE} is not open from {RELOAD_START} to {END}")
    assert exclusion(site(schedule_times={OPEN_SCHEDULE: times})) == (None if free else reason)


def test_the_times_of_this_test_are_right() -> None:
    assert at("2026-01-14 13:40") == RELOAD_START
    assert at("2026-01-14 16:00") == END


def test_has_schedule() -> None:
    assert exclusion_of({"schedule_id": None}) == ("has_schedule", "it has no schedule")
    closed = ("schedule", f"its schedule {CLOSED_SCHEDULE} is not open from {RELOAD_START} to {END}")
    assert exclusion_of({"schedule_id": CLOSED_SCHEDULE}) == closed
    assert exclusion(site(schedule_times={})) is not FREE


def test_a_later_machine_needs_the_schedule_to_open_earlier() -> None:
    there = site([computer(1), computer(2)], schedule_times={OPEN_SCHEDULE: [(BEGINS, ENDS)]})
    assert computers_of(make_plan(there, block(2), ignore_privileges=True)) == [(1,)]


# --- 3 platform and power -------------------------------------------------------------------------


def test_platform() -> None:
    assert exclusion_of({"platform_id": 1}) is FREE
    assert exclusion_of({"platform_id": 2}) == ("platform", "platform 2 is not the image's platform 1")


def test_memory() -> None:
    assert exclusion_of({"ram": 2048}) is FREE
    assert exclusion_of({"ram": 2047}) == ("memory", "RAM 2047 MB is below the image's 2048 MB")


def test_processors() -> None:
    assert exclusion_of({"processors": 2}) is FREE
    assert exclusion_of({"processors": 1}) == ("processors", "number of processors 1 is below the image's 2")


def test_speed() -> None:
    assert exclusion_of({"speed": 2000}) is FREE
    assert exclusion_of({"speed": 1999}) == ("speed", "processor speed 1999 MHz is below the image's 2000 MHz")


def test_network() -> None:
    assert exclusion_of({"network": 1000}) is FREE
    assert exclusion_of({"network": 100}) == ("network", "network 100 Mbit/s is below the image's 1000 Mbit/s")


# --- 4 state --------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["maintenance", "vmhostinuse", "hpc", "failed"])
def test_usable_state(state: str) -> None:
    assert exclusion_of({"state": state}) == ("usable_state", f"its state is {state}")


@pytest.mark.parametrize("state", ["available", "reloading", "reserved", "inuse", "timeout", "new"])
def test_other_states_do_not_matter_hours_before(state: str) -> None:
    assert exclusion_of({"state": state}) is FREE


@pytest.mark.parametrize("state", ["inuse", "timeout"])
def test_free_now(state: str) -> None:
    """A computer in use now may not be reloaded now, or earlier."""
    reason = ("free_now", f"its state is {state} and its reload would begin now")
    busy = [computer(state=state)]
    assert exclusion(site(busy, now=RELOAD_START - 1)) is FREE
    assert exclusion(site(busy, now=RELOAD_START)) == reason
    assert exclusion(site(busy, now=RELOAD_START + 1)) == reason
    assert exclusion(site(now=RELOAD_START)) is FREE


def test_not_deleted() -> None:
    assert exclusion_of({"deleted": 1}) == ("not_deleted", "it is deleted")


def test_on_a_host() -> None:
    reason = ("on_a_host", "it is a virtual machine without a VM host")
    assert exclusion_of({"type": "virtualmachine"}) == reason
    assert exclusion_of({"type": "virtualmachine", "vm_host_id": 7, "host_computer_id": 90}) is FREE
    assert exclusion_of({"type": "lab"}) is FREE


# --- 5 provisioning -------------------------------------------------------------------------------


def test_provisioning() -> None:
    what = block(images=[image(install_type="kickstart")])
    reason = ("provisioning", "provisioning engine 1 does not support install type kickstart")
    assert exclusion(site(), what) == reason
    assert exclusion(site(install_types={1: frozenset({"partimage", "kickstart"})}), what) is FREE
    assert exclusion(site(install_types={}), what) == reason


# --- 6 mapping ------------------------------------------------------------------------------------


def test_mapped() -> None:
    reason = ("mapped", "none of its resource groups is mapped to the image image-1")
    assert exclusion(site(computer_groups={1: frozenset({COMPUTERS + 1})})) == reason
    assert exclusion(site(computer_groups={})) == reason
    assert exclusion(site(image_groups={})) == reason
    assert exclusion(site(mapped_groups={NODES: frozenset({COMPUTERS})})) == reason
    assert exclusion(site(computer_groups={1: frozenset({COMPUTERS + 1, COMPUTERS})})) is FREE


def test_one_mapped_group_of_the_image_is_enough() -> None:
    several = {1: frozenset({IMAGES + 1, IMAGES})}
    assert exclusion(site(image_groups=several)) is FREE


# --- 7 privileges ---------------------------------------------------------------------------------


def test_granted() -> None:
    """The tree itself has its own tests."""
    people = [member(name="ada")]
    denied = ("granted", "not granted to any member of the user group")
    assert exclusion(site(members=people, privileges=tree()), ignore_privileges=False) == denied
    assert exclusion(site(members=people, privileges=tree()), ignore_privileges=True) is FREE
    assert exclusion(site(members=people, privileges=open_tree()), ignore_privileges=False) is FREE


def test_without_a_privilege_tree_nothing_is_granted() -> None:
    assert exclusion(site(members=[member()]), ignore_privileges=False) is not FREE


# --- 8 free ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "end", "free"),
    [
        (RELOAD_START - 2 * HOUR, RELOAD_START - QUARTER, True),
        (RELOAD_START - 2 * HOUR, RELOAD_START - QUARTER + 1, False),
        (START, END, False),
        (END + QUARTER, END + HOUR, True),
        (END + QUARTER - 1, END + HOUR, False),
        (RELOAD_START - HOUR, END + HOUR, False),
    ],
)
def test_reservation(start: int, end: int, free: bool) -> None:
    reason = ("reservation", f"reserved by request 7001 from {start} to {end}")
    assert exclusion(site(reservations=[reservation(1, start, end)])) == (None if free else reason)


@pytest.mark.parametrize(
    ("state", "last_state", "free"),
    [(5, 8, True), (12, 8, True), (19, 19, True), (14, 19, True), (14, 13, False), (13, 13, False), (8, 19, False)],
)
def test_requests_that_are_over_failed_or_reloads_do_not_occupy(state: int, last_state: int, free: bool) -> None:
    reason = exclusion(site(reservations=[reservation(state_id=state, last_state_id=last_state)]))
    assert (reason is FREE) is free


def test_reservations_of_other_computers_do_not_matter() -> None:
    assert exclusion(site(reservations=[reservation(2)])) is FREE


@pytest.mark.parametrize(
    ("reload_start", "end", "free"),
    [
        (RELOAD_START - 3 * HOUR, RELOAD_START, True),
        (RELOAD_START - 3 * HOUR, RELOAD_START + 1, False),
        (END, END + 3 * HOUR, True),
        (END - 1, END + 3 * HOUR, False),
    ],
)
def test_other_block(reload_start: int, end: int, free: bool) -> None:
    """Another block has its computers from the start of their reload to its end, without a margin."""
    row = block_computer(1, reload_start + HOUR, end, reload_start=reload_start)
    reason = ("other_block", f"held by block time 900 from {reload_start} to {end}")
    assert exclusion(site(block_computers=[row])) == (None if free else reason)


@pytest.mark.parametrize("changes", [{"skip": 1}, {"status": "deleted"}, {"status": "completed"}, {"group_id": GROUP}])
def test_every_row_of_another_block_counts(changes: dict[str, Any]) -> None:
    reason = exclusion(site(block_computers=[block_computer(**changes)]))
    assert reason is not None
    assert reason[0] == "other_block"


@pytest.mark.parametrize(
    ("begins", "ends", "of", "free"),
    [
        (END, None, OTHER_BLOCK_TIME, True),
        (END - 1, None, OTHER_BLOCK_TIME, False),
        (RELOAD_START - 3 * HOUR, None, OTHER_BLOCK_TIME, False),  # it begins however late
        (RELOAD_START - 3 * HOUR, None, BLOCK_TIME, False),
        (RELOAD_START - HOUR, RELOAD_START, OTHER_BLOCK_TIME, True),  # under way, and over by then
        (RELOAD_START - HOUR, RELOAD_START + 1, OTHER_BLOCK_TIME, False),
        (RELOAD_START - HOUR, RELOAD_START + 1, BLOCK_TIME, True),  # under way, for the block itself
    ],
)
def test_orphaned_reload(begins: int, ends: int | None, of: int, free: bool) -> None:
    """A reload of ours that no block has any more occupies its computer until it is gone (SPEC 8.15)."""
    text = f"reload request 7 is left over from a block that no longer has this computer; it begins at {begins}"
    reason = exclusion(site(orphans=[OrphanedReload(of, 7, 1, 2048, begins, ends)]))
    assert reason == (None if free else ("orphaned_reload", text))


def test_a_computer_of_the_block_itself_is_not_taken_again() -> None:
    result = make_plan(
        site([computer(1), computer(2)], block_computers=[own_block_computer(1)]), block(3), ignore_privileges=True
    )
    assert (result.had_before, result.allocated, computers_of(result)) == (1, 2, [(2,)])


def test_semaphore() -> None:
    assert exclusion(site(claimed=frozenset({1}))) == ("semaphore", "somebody is reserving it at this moment")
    assert exclusion(site(claimed=frozenset({2}))) is FREE


# --- 10 management node ---------------------------------------------------------------------------

SILENT = ("management_node", "no management node that it is mapped to has checked in lately")


@pytest.mark.parametrize(
    ("changes", "free"),
    [
        ({"last_checkin": NOW - 299}, True),
        ({"last_checkin": NOW - 300}, False),
        ({"last_checkin": None}, False),
        ({"last_checkin": NOW + 30}, True),
        ({"state": "maintenance"}, False),
        ({"state": "deleted"}, False),
        ({"state": "inuse"}, True),
    ],
)
def test_management_node(changes: dict[str, Any], free: bool) -> None:
    assert exclusion(site(management_nodes=[node(**changes)])) == (None if free else SILENT)


def test_a_management_node_must_be_mapped() -> None:
    assert exclusion(site(node_groups={})) == SILENT
    assert exclusion(site(mapped_groups={IMAGES: frozenset({COMPUTERS})})) == SILENT
    assert exclusion(site(management_nodes=[])) == SILENT


def node_of(where: Site) -> int:
    """The management node that loads the machine."""
    return make_plan(where, block(), ignore_privileges=True).machines[0].assignments[0].management_node.id


def two_nodes(*reservation_starts: int, **changes: Any) -> Site:
    """A site with two nodes, the first with reservations of another computer at these times."""
    busy = [
        reservation(8, start, start + HOUR, request_id=place, management_node_id=1, **changes)
        for place, start in enumerate(reservation_starts)
    ]
    both = {1: frozenset({NODES}), 2: frozenset({NODES})}
    return site(management_nodes=[node(2), node(1)], node_groups=both, reservations=busy)


@pytest.mark.parametrize(
    ("start", "chosen"),
    [
        (RELOAD_START, 2),
        (RELOAD_START - 30 * MINUTE, 1),
        (RELOAD_START - 30 * MINUTE + 1, 2),
        (RELOAD_START + 30 * MINUTE - 1, 2),
        (RELOAD_START + 30 * MINUTE, 1),
    ],
)
def test_the_node_with_the_fewest_reservations_about_that_time_loads(start: int, chosen: int) -> None:
    assert node_of(two_nodes(start)) == chosen
    assert node_of(two_nodes(start, state_id=12)) == chosen


def test_loads_are_numbers_and_equal_ones_go_to_the_lowest_id() -> None:
    assert node_of(two_nodes()) == 1
    ten_and_nine = two_nodes(*[RELOAD_START] * 19)
    moved = [row._replace(management_node_id=2 if row.request_id < 9 else 1) for row in ten_and_nine.reservations]
    there = site(
        management_nodes=ten_and_nine.management_nodes, node_groups=ten_and_nine.node_groups, reservations=moved
    )
    assert node_of(there) == 2


def test_planned_machines_count_for_a_node_too_but_not_within_one_cluster() -> None:
    both = {1: frozenset({NODES}), 2: frozenset({NODES})}
    there = site([computer(id_) for id_ in range(1, 5)], management_nodes=[node(1), node(2)], node_groups=both)
    result = make_plan(there, block(2, [image(), image()]), ignore_privileges=True)
    nodes = [[taken.management_node.id for taken in machine.assignments] for machine in result.machines]
    assert nodes == [[1, 1], [2, 2]]


# --- which reason is given ------------------------------------------------------------------------


def test_the_first_rule_that_excludes_a_computer_is_the_reason() -> None:
    there = site([computer(ram=1, deleted=1, state="failed")], claimed=frozenset({1}))
    assert exclusion(there) == ("not_deleted", "it is deleted")
    assert exclusion(site([computer(ram=1, state="failed")], reservations=[reservation()])) == (
        "memory",
        "RAM 1 MB is below the image's 2048 MB",
    )


def test_when_nothing_is_left_the_plan_says_so() -> None:
    result = make_plan(site(), block(2), ignore_privileges=True)
    assert str(result.stopped_by) == "no further computer passes all rules for image image-1"
    assert (result.allocated, result.wanted) == (1, 2)
    assert result.machines[0].assignments[0].image.id == 1


# --- computers that are judged together -----------------------------------------------------------


def test_a_computer_in_an_unknown_state_is_excluded() -> None:
    assert exclusion_of({"state": ""}) == ("usable_state", "its state is unknown")


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_computer_without_memory_gives_no_other_one_its_reason(order: tuple[int, int]) -> None:
    """0 is a figure, not the absence of one."""
    weak = [computer(1, ram=0, processors=1), computer(2, processors=1)]
    there = site([weak[place] for place in order])
    result = make_plan(there, block(images=[image(min_processors=2)]), ignore_privileges=True).excluded
    assert {id_: reason.rule for id_, reason in result.items()} == {1: "memory", 2: "processors"}


def test_where_the_clock_is_put_back_an_earlier_reload_may_begin_later_on_the_clock() -> None:
    """The first machine's reload begins at 1:00 of winter time, the second's at 1:59 of summer time."""
    zone = "America/New_York"
    start = at("2026-11-01 02:00", zone) - 60 * MINUTE + LOAD + 10 * MINUTE  # reload at the second 1:00
    opens_late = computer(1, schedule_id=7)
    there = site(
        [opens_late, computer(2, ram=opens_late.ram + 1)],
        now=start - 5 * HOUR,
        zone=ZoneInfo(zone),
        schedule_times={7: [(90, 10080)], OPEN_SCHEDULE: [(0, 10080)]},
    )
    made = make_plan(there, block(machines=2, start=start, end=start + HOUR), ignore_privileges=True)
    assert computers_of(made) == [(2,), (1,)]


def test_computers_that_are_closed_share_one_reason() -> None:
    """And not one for each machine's window: decision records and lists of bookings in the way stay short."""
    closed = [computer(id_, schedule_id=CLOSED_SCHEDULE) for id_ in range(1, 20, 2)]
    there = site([*closed, *(computer(id_) for id_ in range(2, 21, 2))])
    result = make_plan(there, block(machines=11), ignore_privileges=True).excluded
    assert len({str(result[each.id]) for each in closed}) == 1
