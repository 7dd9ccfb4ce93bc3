"""The privilege tree: who may use which resource groups (SPEC 4, rule 7)."""

import pytest

from scheduling.facts import Member, PrivilegeTree
from scheduling.planner import make_plan
from scheduling.privileges import Privileges
from tests.support.sites.facts import (
    COMPUTERS,
    GROUP,
    Granted,
    block,
    computer,
    computers_of,
    member,
    open_tree,
    site,
    tree,
)

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="mariadb")]

CHAIN = {1: 1, 2: 1, 3: 2, 4: 3}  # the root and three nodes, one below the other
ADA = member(11, "ada", groups={GROUP})
CHECK_OUT, ADMIN, CASCADE, BLOCK, AVAILABLE = "imageCheckOut", "imageAdmin", "cascade", "block", "available"


def reaches(people: PrivilegeTree, of: Member = ADA) -> bool:
    """Whether the member may use the computers."""
    return COMPUTERS in Privileges(people).granted_groups(of)


def nodes_of_ada(granted: Granted, holder: tuple[str, int] = ("user", 11)) -> set[int]:
    """The nodes at which Ada can use what is available there."""
    return {
        at_node
        for at_node in CHAIN
        if reaches(tree(CHAIN, users={holder: granted}, resources={COMPUTERS: {at_node: {AVAILABLE}}}))
    }


def nodes_offering(offered: Granted) -> set[int]:
    """The nodes at which somebody with a privilege there can use the computers."""
    return {
        at_node
        for at_node in CHAIN
        if reaches(tree(CHAIN, users={("user", 11): {at_node: {CHECK_OUT}}}, resources={COMPUTERS: offered}))
    }


# --- privileges of users and groups ---------------------------------------------------------------


@pytest.mark.parametrize("holder", [("user", 11), ("group", GROUP)])
@pytest.mark.parametrize(
    ("granted", "nodes"),
    [
        ({2: {CHECK_OUT}}, {2}),
        ({2: {ADMIN}}, {2}),
        ({2: {CHECK_OUT, CASCADE}}, {2, 3, 4}),
        ({1: {ADMIN, CASCADE}}, {1, 2, 3, 4}),
        ({2: {CASCADE}}, set()),
        ({2: {CASCADE}, 1: {CHECK_OUT}}, {1}),
        ({2: {"nodeAdmin", "computerAdmin", CASCADE}}, set()),
        ({1: {CHECK_OUT, CASCADE}, 3: {"nodeAdmin"}}, {1, 2, 3, 4}),
        ({}, set()),
    ],
)
def test_a_privilege_holds_at_its_node_and_below_when_it_cascades(
    holder: tuple[str, int], granted: Granted, nodes: set[int]
) -> None:
    assert nodes_of_ada(granted, holder) == nodes


@pytest.mark.parametrize("holder", [("user", 11), ("group", GROUP)])
@pytest.mark.parametrize(
    ("granted", "nodes"),
    [
        ({1: {CHECK_OUT, CASCADE}, 3: {BLOCK}}, {1, 2}),
        ({1: {CHECK_OUT, CASCADE}, 2: {BLOCK}, 3: {CHECK_OUT}}, {1, 3}),
        ({1: {CHECK_OUT, CASCADE}, 2: {BLOCK}, 3: {CHECK_OUT, CASCADE}}, {1, 3, 4}),
        # Set at the node itself it holds beside the block; with cascade also below.
        ({1: {CHECK_OUT, CASCADE}, 2: {BLOCK, CHECK_OUT}}, {1, 2}),
        ({1: {CHECK_OUT, CASCADE}, 2: {BLOCK, CHECK_OUT, CASCADE}}, {1, 2, 3, 4}),
        ({1: {CHECK_OUT, CASCADE}, 2: {BLOCK, CASCADE}}, {1}),
        ({1: {BLOCK}, 2: {CHECK_OUT, CASCADE}}, {2, 3, 4}),
    ],
)
def test_a_block_of_a_user_or_group_stops_what_comes_from_above_at_its_node_and_below(
    holder: tuple[str, int], granted: Granted, nodes: set[int]
) -> None:
    assert nodes_of_ada(granted, holder) == nodes


def test_a_block_stops_nobody_else() -> None:
    offered = {COMPUTERS: {3: {AVAILABLE}}}
    everything = {1: {CHECK_OUT, CASCADE}}
    blocked = {2: {BLOCK}}
    assert reaches(tree(CHAIN, {("group", GROUP): everything, ("user", 11): blocked}, offered))
    assert reaches(tree(CHAIN, {("user", 11): everything, ("group", GROUP): blocked}, offered))
    assert reaches(tree(CHAIN, {("group", GROUP): everything, ("group", 99): blocked}, offered))
    assert not reaches(tree(CHAIN, {("group", GROUP): everything | blocked}, offered))


def test_privileges_of_others_are_of_no_use() -> None:
    offered = {COMPUTERS: {2: {AVAILABLE}}}
    assert not reaches(tree(CHAIN, {("user", 12): {2: {CHECK_OUT}}}, offered))
    assert not reaches(tree(CHAIN, {("group", 99): {2: {CHECK_OUT}}}, offered))
    assert not reaches(tree(CHAIN, {("group", 11): {2: {CHECK_OUT}}}, offered))
    assert not reaches(tree(CHAIN, {("user", GROUP): {2: {CHECK_OUT}}}, offered))


# --- resource groups ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("offered", "nodes"),
    [
        ({2: {AVAILABLE}}, {2}),
        ({2: {AVAILABLE, CASCADE}}, {2, 3, 4}),
        ({2: {CASCADE}}, set()),
        ({1: {AVAILABLE}, 2: {CASCADE}}, {1}),
        ({1: {AVAILABLE, CASCADE}, 3: {BLOCK}}, {1, 2, 4}),
        ({1: {AVAILABLE, CASCADE}, 3: {BLOCK, AVAILABLE}}, {1, 2, 3, 4}),
        ({1: {AVAILABLE, CASCADE}, 2: {BLOCK}, 3: {BLOCK}}, {1, 4}),
        ({1: {"administer", "manageGroup", CASCADE}}, set()),
        ({}, set()),
    ],
)
def test_a_block_of_a_resource_group_stops_what_comes_from_above_at_its_node_only(
    offered: Granted, nodes: set[int]
) -> None:
    assert nodes_offering(offered) == nodes


def test_privilege_and_resource_must_meet_at_one_node() -> None:
    apart = tree({1: 1, 2: 1, 3: 1}, {("user", 11): {2: {CHECK_OUT}}}, {COMPUTERS: {3: {AVAILABLE, CASCADE}}})
    assert not reaches(apart)
    below = tree(CHAIN, {("user", 11): {2: {CHECK_OUT, CASCADE}}}, {COMPUTERS: {4: {AVAILABLE}}})
    assert reaches(below)


# --- the tree itself ------------------------------------------------------------------------------


@pytest.mark.parametrize("root", [{1: 1}, {1: 0}, {1: -1}])
def test_the_root_has_no_parent_or_is_its_own(root: dict[int, int]) -> None:
    parents = root | {2: 1}
    assert reaches(tree(parents, {("user", 11): {1: {CHECK_OUT}}}, {COMPUTERS: {1: {AVAILABLE}}}))
    assert reaches(tree(parents, {("user", 11): {1: {CHECK_OUT, CASCADE}}}, {COMPUTERS: {2: {AVAILABLE}}}))
    # The root inherits nothing, from itself either: what does not cascade stays, a block takes nothing away.
    assert reaches(tree(parents, {("user", 11): {1: {CHECK_OUT, BLOCK}}}, {COMPUTERS: {1: {AVAILABLE, BLOCK}}}))
    assert not reaches(tree(parents, {("user", 11): {2: {CHECK_OUT, CASCADE}}}, {COMPUTERS: {1: {AVAILABLE}}}))


def test_a_node_whose_parent_is_gone_inherits_nothing() -> None:
    parents = {1: 1, 2: 77, 3: 2}
    assert not reaches(tree(parents, {("user", 11): {1: {CHECK_OUT, CASCADE}}}, {COMPUTERS: {3: {AVAILABLE}}}))
    assert reaches(tree(parents, {("user", 11): {2: {CHECK_OUT, CASCADE}}}, {COMPUTERS: {3: {AVAILABLE}}}))


def test_privileges_at_a_node_that_is_gone_count_nowhere() -> None:
    lost = tree({1: 1, 2: 77}, {("user", 11): {77: {CHECK_OUT, CASCADE}}}, {COMPUTERS: {77: {AVAILABLE, CASCADE}}})
    assert not reaches(lost)


def test_a_circle_in_the_tree_comes_to_an_end() -> None:
    circle = {1: 1, 2: 4, 3: 2, 4: 3}
    assert reaches(tree(circle, {("user", 11): {3: {CHECK_OUT, CASCADE}}}, {COMPUTERS: {2: {AVAILABLE}}}))
    assert not reaches(tree(circle, {("user", 11): {1: {CHECK_OUT, CASCADE}}}, {COMPUTERS: {2: {AVAILABLE}}}))


# --- ownership ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("of", "may"),
    [
        (member(11, groups={GROUP}), True),
        (member(11, groups={99}), False),
        (member(11, groups={99}, owns={GROUP}), True),
        (member(GROUP, groups={99}), False),
    ],
)
def test_the_owners_of_a_resource_group_may_use_it(of: Member, may: bool) -> None:
    """Members of the user group that owns it, and the owner of that user group."""
    assert reaches(tree(owners={COMPUTERS: GROUP}), of) is may


def test_the_owner_of_a_computer_may_use_it_and_nobody_else() -> None:
    there = site([computer(1, owner_id=12), computer(2, owner_id=3)], members=[member(12)], privileges=tree())
    assert computers_of(make_plan(there, block(2), ignore_privileges=False)) == [(1,)]


def test_ownership_gives_access_but_no_mapping() -> None:
    """The image must still be mapped to it."""
    there = site([computer(1, owner_id=11)], computer_groups={}, members=[member(11)], privileges=open_tree())
    assert computers_of(make_plan(there, block(), ignore_privileges=False)) == []
