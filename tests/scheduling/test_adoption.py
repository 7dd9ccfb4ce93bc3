"""Members' own reservations join the block (SPEC 5, 8.8)."""

from typing import Any

import pytest

from scheduling.confirmation import standing
from scheduling.facts import Block, Computer, Reservation, Site
from scheduling.plan import Plan
from scheduling.planner import make_plan
from scheduling.reload_plan import Window
from tests.support.sites.facts import (
    END,
    GROUP,
    HOUR,
    IMAGE,
    LOAD,
    MINUTE,
    NOW,
    RELOAD_START,
    SUB_IMAGE,
    block,
    block_computer,
    computer,
    computers_of,
    image,
    maintenance,
    member,
    open_tree,
    own_block_computer,
    own_reservation,
    reservation,
    site,
    tree,
)
from tests.support.sites.facts import START as BLOCK_START

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="mariadb")]

ADA, BOB = member(11, "ada"), member(12, "bob")


def with_own(*rows: Reservation, computers: int = 4, **changes: Any) -> Site:
    """A site where Ada and Bob are the members, with these reservations."""
    there: list[Computer] = changes.pop("there", [computer(id_) for id_ in range(1, computers + 1)])
    return site(there, **{"reservations": list(rows), "members": [ADA, BOB], **changes})


def planned(where: Site, what: Block | None = None, *, ignore_privileges: bool = True) -> Plan:
    """The plan for a block of two machines."""
    return make_plan(where, what or block(2), ignore_privileges=ignore_privileges)


def adopted(result: Plan) -> list[int]:
    """The requests that joined the block."""
    return [machine.adopted_request for machine in result.machines if machine.adopted_request is not None]


def test_the_computer_that_was_really_reserved_joins_the_block() -> None:
    """Not the one that would be chosen first."""
    result = planned(with_own(own_reservation(ADA, 3)))
    assert computers_of(result) == [(3,), (1,)]
    assert adopted(result) == [7003]
    assert [machine.member.name for machine in result.machines] == ["ada", "the calling account"]
    assert result.allocated == 2


def test_adopted_machines_take_no_step_of_the_stagger() -> None:
    first, second, third = planned(with_own(own_reservation(ADA, 3)), block(3)).machines
    assert first.reload == Window(BLOCK_START - LOAD - 5 * MINUTE, BLOCK_START)
    assert second.reload == Window(RELOAD_START, BLOCK_START)
    assert third.reload == Window(RELOAD_START - MINUTE, BLOCK_START)


@pytest.mark.parametrize(
    ("start", "end"), [(BLOCK_START - HOUR, BLOCK_START - HOUR), (BLOCK_START + HOUR, BLOCK_START)]
)
def test_the_reload_ends_at_the_earlier_of_both_starts(start: int, end: int) -> None:
    machine = planned(with_own(own_reservation(ADA, start=start))).machines[0]
    assert machine.reload == Window(end - LOAD - 5 * MINUTE, end)


# --- which reservations -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "joins"),
    [
        ({}, True),
        ({"start": NOW + 1}, True),
        ({"start": NOW}, False),
        ({"start": NOW - HOUR}, False),
        ({"start": BLOCK_START - HOUR, "end": BLOCK_START}, False),
        ({"start": BLOCK_START - HOUR, "end": BLOCK_START + 1}, True),
        ({"start": END - 1, "end": END + HOUR}, True),
        ({"start": END, "end": END + HOUR}, False),
        ({"image_id": SUB_IMAGE}, False),
        ({"user_id": 99}, False),
        ({"state_id": 5}, False),
        ({"state_id": 12}, False),
        ({"state_id": 19}, False),
        ({"state_id": 14, "last_state_id": 19}, False),
        ({"state_id": 14, "last_state_id": 13}, True),
        ({"state_id": 3}, True),
    ],
)
def test_only_future_reservations_of_the_image_by_members_at_the_time_of_the_block(
    changes: dict[str, Any], joins: bool
) -> None:
    assert adopted(planned(with_own(own_reservation(ADA, **changes)))) == ([7001] if joins else [])


def test_the_computer_of_a_running_reservation_is_just_not_free() -> None:
    running = own_reservation(ADA, 1, start=NOW - HOUR)
    assert computers_of(planned(with_own(running, computers=2))) == [(2,)]


def test_a_block_without_a_group_has_no_members_to_adopt_from() -> None:
    assert adopted(planned(with_own(own_reservation(ADA), members=[]))) == []


def test_the_earliest_comes_first_then_the_lowest_request() -> None:
    rows = [
        own_reservation(ADA, 1, start=BLOCK_START + 60, request_id=1),
        own_reservation(BOB, 2, request_id=9),
        own_reservation(ADA, 3, request_id=8),
    ]
    assert adopted(planned(with_own(*rows))) == [8, 9]


# --- once, and never more than wanted -----------------------------------------------------------------


def test_never_more_than_wanted() -> None:
    rows = [own_reservation(ADA, id_) for id_ in (1, 2, 3)]
    result = planned(with_own(*rows))
    assert computers_of(result) == [(1,), (2,)]
    assert (result.allocated, result.wanted) == (2, 2)


def test_computers_that_the_block_has_count() -> None:
    result = planned(
        with_own(own_reservation(ADA, 1), own_reservation(BOB, 2), block_computers=[own_block_computer(4)])
    )
    assert computers_of(result) == [(1,)]
    assert (result.had_before, result.allocated) == (1, 2)


def test_a_full_block_adopts_nothing() -> None:
    full = [own_block_computer(3), own_block_computer(4)]
    assert list(planned(with_own(own_reservation(ADA, 1), block_computers=full)).machines) == []


def test_a_reservation_whose_computer_is_in_the_block_is_not_adopted_again() -> None:
    result = planned(with_own(own_reservation(ADA, 1), block_computers=[own_block_computer(1)]))
    assert computers_of(result) == [(2,)]
    assert adopted(result) == []


# --- only computers that are free for the whole of it -------------------------------------------------


# Ada reserved the last of four computers, so that nothing but her reservation makes the plan look at it.


@pytest.mark.parametrize(
    "row",
    [
        reservation(4, END - HOUR, END, request_id=1),
        reservation(4, END + 14 * MINUTE, END + HOUR, request_id=1),
        own_reservation(ADA, 4, request_id=1, start=END + MINUTE, end=END + HOUR),
    ],
)
def test_another_reservation_of_the_computer_is_in_the_way(row: Reservation) -> None:
    """The member's own is put aside, others are not, not even a later one of the same member."""
    own = own_reservation(ADA, 4, end=END - HOUR, request_id=2)
    result = planned(with_own(own, row))
    assert adopted(result) == []
    assert computers_of(result) == [(1,), (2,)]
    assert str(result.excluded[4]).startswith("reserved by request 1 ")


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"block_computers": [block_computer(4)]}, "other_block"),
        ({"claimed": frozenset({4})}, "semaphore"),
        ({"there": [computer(1), computer(2), computer(4, ram=1)]}, "memory"),
        ({"there": [computer(1), computer(2), computer(4, state="failed")]}, "usable_state"),
        ({"there": [computer(1), computer(2), computer(4, schedule_id=2)]}, "schedule"),
    ],
)
def test_every_rule_holds_for_it(changes: dict[str, Any], rule: str) -> None:
    result = planned(with_own(own_reservation(ADA, 4), **changes))
    assert adopted(result) == []
    assert computers_of(result) == [(1,), (2,)]
    assert result.excluded[4].rule == rule


def test_a_maintenance_forbids_it_too() -> None:
    begin = BLOCK_START - LOAD - 5 * MINUTE
    running = maintenance(begin - HOUR, begin + 1)
    assert adopted(planned(with_own(own_reservation(ADA, 1), maintenances=[running]))) == []
    over_by_then = maintenance(begin - HOUR, begin)
    assert adopted(planned(with_own(own_reservation(ADA, 1), maintenances=[over_by_then]))) == [7001]


def test_privileges_are_needed_when_they_count() -> None:
    own = with_own(own_reservation(ADA, 3), privileges=tree())
    result = planned(own, ignore_privileges=False)
    assert list(result.machines) == []
    assert str(result.excluded[3]) == "not granted to any member of the user group"
    granted = with_own(own_reservation(ADA, 3), privileges=open_tree(group=GROUP))
    assert computers_of(planned(granted, ignore_privileges=False)) == [(3,), (1,)]
    assert computers_of(planned(own, ignore_privileges=True)) == [(3,), (1,)]


def test_a_reservation_that_joins_is_not_counted_twice_against_the_limit() -> None:
    limited = block(3, [image(max_concurrent=2)])
    result = planned(with_own(own_reservation(ADA, 3)), limited)
    assert computers_of(result) == [(3,), (1,)]
    assert result.stopped_by is not None
    assert str(result.stopped_by) == f"2 of at most 2 of image {image().name} are in use already"


# --- clusters -------------------------------------------------------------------------------------------

CLUSTER = [image(IMAGE), image(SUB_IMAGE)]


def own_cluster(main: int, sub: int, **changes: Any) -> list[Reservation]:
    """Ada's reservation of a cluster."""
    return [
        own_reservation(ADA, main, request_id=7, **changes),
        own_reservation(ADA, sub, request_id=7, image_id=SUB_IMAGE, **changes),
    ]


def test_a_reserved_cluster_joins_as_one_machine() -> None:
    result = planned(with_own(*own_cluster(3, 4)), block(2, CLUSTER))
    assert computers_of(result) == [(3, 4), (1, 2)]
    assert adopted(result) == [7]
    assert result.allocated == 2


def test_of_a_reserved_cluster_all_computers_join_or_none() -> None:
    result = planned(with_own(*own_cluster(3, 4), claimed=frozenset({4})), block(1, CLUSTER))
    assert computers_of(result) == [(1, 2)]
    assert adopted(result) == []


def test_a_reserved_cluster_is_no_machine_of_a_block_of_single_computers() -> None:
    assert adopted(planned(with_own(*own_cluster(3, 4)))) == []


def test_a_reserved_cluster_that_would_make_too_many_of_one_image_does_not_join() -> None:
    rows = [own_block_computer(1), own_block_computer(2)]
    result = planned(with_own(*own_cluster(3, 4), computers=6, block_computers=rows), block(2, CLUSTER))
    assert adopted(result) == []
    assert computers_of(result) == [(5,), (6,)]


# --- confirmed ------------------------------------------------------------------------------------------


def test_an_adopted_machine_still_stands_beside_its_own_reservation_only() -> None:
    before = with_own(own_reservation(ADA, 3))
    machines = planned(before).machines
    assert standing(before, block(2), machines, ignore_privileges=True).kept == list(machines)
    other = reservation(3, request_id=1)
    after = with_own(own_reservation(ADA, 3), other)
    assert standing(after, block(2), machines, ignore_privileges=True).kept == list(machines[1:])
