"""On whose behalf each machine is taken (SPEC 5, 8.9)."""

from collections.abc import Iterable

import pytest

from scheduling.facts import BlockComputer, Computer, Member, PrivilegeTree, Site
from scheduling.plan import Plan
from scheduling.planner import make_plan
from tests.support.sites.facts import (
    CALLER,
    COMPUTERS,
    GROUP,
    MINUTE,
    RELOAD_START,
    block,
    block_computer,
    computer,
    computers_of,
    image,
    member,
    members_of,
    open_tree,
    own_block_computer,
    site,
    tree,
)

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="mariadb")]

PEOPLE = [member(11, "ada"), member(12, "bob"), member(13, "cyd"), member(14, "dan")]
CHECK_OUT = {2: {"imageCheckOut"}}


def six_computers(
    people: Iterable[Member] = PEOPLE,
    privileges: PrivilegeTree | None = None,
    block_computers: Iterable[BlockComputer] = (),
) -> Site:
    """Six computers that, unless the tree says otherwise, everybody in the group may use."""
    return site(
        [computer(id_) for id_ in range(1, 7)],
        members=list(people),
        privileges=privileges or open_tree(),
        block_computers=list(block_computers),
    )


def granted_to(*ids: int) -> PrivilegeTree:
    """A tree that grants the computers to these users only."""
    return tree(users={("user", id_): CHECK_OUT for id_ in ids}, resources={COMPUTERS: {2: {"available"}}})


def planned(where: Site, machines: int) -> Plan:
    """A plan in which privileges count."""
    return make_plan(where, block(machines), ignore_privileges=False)


# --- whose turn it is -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("machines", "turns"),
    [
        (1, [11]),
        (2, [12, 11]),
        (4, [14, 13, 12, 11]),
        (5, [11, 14, 13, 12, 11]),
        (6, [12, 11, 14, 13, 12, 11]),
    ],
)
def test_members_are_repeated_or_cut_and_used_from_the_last(machines: int, turns: list[int]) -> None:
    result = planned(six_computers(), machines)
    assert members_of(result) == turns
    assert computers_of(result) == [(id_,) for id_ in range(1, machines + 1)]


def test_turns_go_by_the_machines_that_are_still_wanted() -> None:
    assert members_of(planned(six_computers(block_computers=[own_block_computer(6), own_block_computer(5)]), 4)) == [
        12,
        11,
    ]


def test_with_privileges_ignored_all_is_for_the_calling_account() -> None:
    result = make_plan(six_computers(), block(3), ignore_privileges=True)
    assert members_of(result) == [CALLER] * 3


def test_with_privileges_ignored_no_members_are_needed() -> None:
    assert len(make_plan(six_computers([]), block(3), ignore_privileges=True).machines) == 3


def test_a_group_without_members_gets_nothing() -> None:
    result = planned(six_computers([]), 2)
    assert (list(result.machines), result.allocated) == ([], 0)


# --- the next member to try -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who_may", "machines", "turns"),
    [
        # Of four machines the turns are 14, 13, 12, 11; a member who can have nothing hands on downwards, then round.
        ({11}, 4, [11, 11, 11, 11]),
        ({14}, 4, [14, 14, 14, 14]),
        ({12, 14}, 4, [14, 12, 12, 14]),
        ({11, 13}, 4, [13, 13, 11, 11]),
        # Also members cut off the list are tried.
        ({14}, 1, [14]),
        ({13, 14}, 2, [14, 14]),
        ({12, 14}, 1, [14]),
    ],
)
def test_a_member_who_can_have_nothing_hands_on(who_may: set[int], machines: int, turns: list[int]) -> None:
    assert members_of(planned(six_computers(privileges=granted_to(*who_may)), machines)) == turns


def test_members_without_access_cost_no_machine_and_no_step() -> None:
    result = planned(six_computers(privileges=granted_to(13)), 3)
    assert [machine.reload.start for machine in result.machines] == [
        RELOAD_START,
        RELOAD_START - MINUTE,
        RELOAD_START - 2 * MINUTE,
    ]


def test_when_nobody_can_have_one_the_plan_ends() -> None:
    result = planned(six_computers(privileges=granted_to()), 3)
    assert list(result.machines) == []
    assert str(result.stopped_by) == "no further computer passes all rules for image image-1"
    assert set(result.excluded) == set(range(1, 7))


@pytest.mark.parametrize("bobs", [{"owner": 12}, {"group": COMPUTERS + 1}])
def test_computers_of_a_member_whose_turn_did_not_come_are_not_called_denied(bobs: dict[str, int]) -> None:
    """Ada's machine was planned past computer 1, which only Bob may use; nobody may use computer 2."""
    owners = {1: bobs.get("owner"), 2: None, 3: 11}
    groups = {1: {COMPUTERS, bobs.get("group", COMPUTERS)}, 2: {COMPUTERS}, 3: {COMPUTERS}}
    where = site(
        [computer(id_, owner_id=owner) for id_, owner in owners.items()],
        members=PEOPLE[:2],
        computer_groups={id_: frozenset(of) for id_, of in groups.items()},
        privileges=tree(users={("user", 12): CHECK_OUT}, resources={COMPUTERS + 1: {2: {"available"}}}),
    )
    result = planned(where, 1)
    assert (computers_of(result), members_of(result)) == ([(3,)], [11])
    assert {id_: str(reason) for id_, reason in result.excluded.items()} == {
        2: "not granted to any member of the user group"
    }
    assert result.default_reason.rule == "not_needed"


def owned_by(*owners: int | None) -> list[Computer]:
    """Computers 1 … with these owners."""
    return [computer(id_, owner_id=owner) for id_, owner in enumerate(owners, 1)]


def test_each_takes_computers_that_they_may_use() -> None:
    """The turns are 12, 11; Ada owns the first computer, Bob the others."""
    there = site(owned_by(11, 12, 12), members=PEOPLE[:2], privileges=tree())
    result = planned(there, 2)
    assert (members_of(result), computers_of(result)) == ([12, 11], [(2,), (1,)])


def test_a_member_whose_computers_are_all_taken_hands_on() -> None:
    """The turns are 12, 11, 12, 11; Ada owns one computer, Bob three."""
    there = site(owned_by(11, 12, 12, 12), members=PEOPLE[:2], privileges=tree())
    result = planned(there, 4)
    assert members_of(result) == [12, 11, 12, 12]
    assert computers_of(result) == [(2,), (1,), (3,), (4,)]


def test_members_of_several_groups_use_the_access_of_all() -> None:
    both = member(11, "ada", groups={GROUP, 77})
    granted = tree(users={("group", 77): CHECK_OUT}, resources={COMPUTERS: {2: {"available"}}})
    there = six_computers([both, PEOPLE[1]], granted)
    assert members_of(planned(there, 2)) == [11, 11]


def test_a_limit_that_stops_one_member_need_not_stop_another() -> None:
    """A block of group 77 uses the image up to its limit: it does not count for its own members."""
    bob = member(12, "bob", groups={GROUP, 77})
    limited = block(1, [image(max_concurrent=1)])
    there = six_computers([PEOPLE[0], bob], block_computers=[block_computer(6, image_id=1, group_id=77)])
    assert members_of(make_plan(there, limited, ignore_privileges=False)) == [12]
    assert make_plan(there, limited, ignore_privileges=True).machines == []


def test_failures_of_one_member_do_not_count_for_another() -> None:
    """The turns are 12, 11: the second computer may have failed Bob, the first Ada."""
    recent = {(12, 1): frozenset({1}), (11, 1): frozenset({2, 3})}
    there = site(
        [computer(id_) for id_ in (1, 2, 3)], members=PEOPLE[:2], privileges=open_tree(), recent_failures=recent
    )
    result = planned(there, 2)
    assert (members_of(result), computers_of(result)) == ([12, 11], [(2,), (1,)])


def test_failures_of_one_member_may_cost_them_a_cluster_that_another_can_have() -> None:
    """For Bob the only computer that does for the subimage comes first for the image; for Ada it does not."""
    there = site(
        [computer(1), computer(2, ram=4096)],
        members=PEOPLE[:2],
        privileges=open_tree(),
        recent_failures={(12, 1): frozenset({1})},
    )
    cluster = block(2, [image(1), image(2, min_ram=4096)])
    result = make_plan(there, cluster, ignore_privileges=False)
    assert (members_of(result), computers_of(result)) == ([11], [(1, 2)])
