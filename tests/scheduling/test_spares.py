"""Plans with spares: more machines than wanted, where a class would be less sure than it should be."""

from collections.abc import Sequence
from typing import Any

import pytest

from scheduling.confirmation import standing
from scheduling.facts import Computer, Image
from scheduling.plan import Plan
from scheduling.planner import make_plan
from scheduling.reloads.places import Capacity, Places
from scheduling.reloads.policy import ReadyPolicy
from tests.support.load_laws import log_normal
from tests.support.sites.facts import (
    COMPUTERS,
    END,
    GROUP,
    MINUTE,
    START,
    SUB_IMAGE,
    block,
    block_computer,
    computer,
    computers_of,
    image,
    member,
    members_of,
    open_tree,
    own_block_computer,
    own_reservation,
    reservation,
    site,
)

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="mariadb")]

FAILING = 0.04  # one load in 25; nothing makes up for it


def policy(**changes: Any) -> ReadyPolicy:
    plain: dict[str, Any] = {"failing": FAILING, "spares": True, "awaited": 0, "is_mended": False, "target": 0.95}
    given = {**plain, **changes}
    model = log_normal(failing=given.pop("failing"))
    return ReadyPolicy(model, Places(Capacity({1: 10})), **given)


WITH_SPARES = policy()


def computers(number: int) -> list[Computer]:
    return [computer(id_) for id_ in range(1, number + 1)]


def plan_of(
    there: Sequence[Computer], machines: int = 20, images: Sequence[Image] | None = None, *, ignore: bool = True,
    policy: ReadyPolicy | None = WITH_SPARES, **changes: Any,
) -> Plan:  # fmt: skip
    facts = site(there, ready_policy=policy, **changes)
    return make_plan(facts, block(machines, images), ignore_privileges=ignore)


def without_spares(plan: Plan) -> list[tuple[int, ...]]:
    return computers_of(plan)[: len(plan.machines) - plan.spares]


def test_a_class_gets_as_many_as_bring_it_to_the_target() -> None:
    off = plan_of(computers(40), policy=policy(spares=False))
    assert off.outlook is not None
    assert off.outlook.ready < 0.5
    on = plan_of(computers(40))
    assert (on.spares, len(on.machines)) == (3, 23)
    assert on.outlook is not None
    assert on.outlook.ready >= 0.95


def test_they_count_for_nothing_that_is_said() -> None:
    plan = plan_of(computers(40))
    assert (plan.allocated, plan.wanted, plan.stopped_by) == (20, 20, None)
    assert plan.outlook is not None
    assert plan.outlook.machines == 20
    assert plan.outlook.late < 0.1


def test_the_other_machines_are_those_that_it_would_have_without() -> None:
    assert without_spares(plan_of(computers(40))) == computers_of(plan_of(computers(40), policy=policy(spares=False)))


def test_spares_are_the_next_ones_by_the_same_order() -> None:
    assert computers_of(plan_of(computers(40)))[20:] == [(21,), (22,), (23,)]


def test_each_spare_has_its_reload_before_the_start() -> None:
    plan = plan_of(computers(40))
    assert all(machine.reload.start < START for machine in plan.machines)


def test_equal_facts_give_equal_plans() -> None:
    assert plan_of(computers(40)) == plan_of(computers(40))


@pytest.mark.parametrize(
    "changes", [{"spares": False}, {"failing": 0.0, "is_mended": True}, {"is_mended": True}], ids=str
)
def test_none_where_they_are_off_or_the_class_is_sure_enough(changes: dict[str, Any]) -> None:
    assert plan_of(computers(40), policy=policy(**changes)).spares == 0


def test_none_under_policy_vcl() -> None:
    assert plan_of(computers(40), policy=None).spares == 0


def test_no_more_than_are_free() -> None:
    plan = plan_of(computers(21))
    assert (plan.allocated, plan.spares) == (20, 1)


def test_a_class_that_is_short_has_none() -> None:
    plan = plan_of(computers(19))
    assert (plan.allocated, plan.spares, len(plan.machines)) == (19, 0, 19)
    assert plan.stopped_by is not None


@pytest.mark.parametrize(("awaited", "spares"), [(17, 3), (18, 2), (20, 0), (100, 0)])
def test_those_that_other_classes_wait_for_are_left(awaited: int, spares: int) -> None:
    assert plan_of(computers(40), policy=policy(awaited=awaited)).spares == spares


def test_none_is_taken_from_a_user_or_from_another_class() -> None:
    users = [reservation(id_, START - 60 * MINUTE, START + MINUTE) for id_ in range(21, 30)]
    classes = [block_computer(id_) for id_ in range(30, 41)]
    assert plan_of(computers(40), reservations=users, block_computers=classes).spares == 0


def test_none_that_becomes_free_too_late_to_be_loaded() -> None:
    """A class takes such a computer when there is no other; a spare would be of no use."""
    late = [reservation(id_, START - 60 * MINUTE, START - 17 * MINUTE) for id_ in range(20, 41)]
    plan = plan_of(computers(40), reservations=late)
    assert (plan.allocated, plan.spares) == (20, 0)


def test_no_members_reservation_is_adopted_as_a_spare() -> None:
    own = [own_reservation(member(), id_) for id_ in range(30, 33)]
    plan = plan_of(computers(40), members=[member()], reservations=own)
    assert sum(machine.adopted_request is not None for machine in plan.machines) == 3
    assert plan.spares
    assert all(machine.adopted_request is None for machine in plan.machines[-plan.spares :])
    there = plan_of(computers(40), block_computers=[own_block_computer(id_) for id_ in range(1, 21)], reservations=own)
    assert (there.spares, len(there.machines)) == (0, 0)


def test_the_limit_of_the_image_holds_for_spares_too() -> None:
    assert plan_of(computers(40), images=[image(max_concurrent=22)]).spares == 2
    assert plan_of(computers(40), images=[image(max_concurrent=20)]).spares == 0


def test_members_rights_hold_for_spares_too() -> None:
    ours = {id_: frozenset({COMPUTERS}) for id_ in range(1, 23)}
    others = {id_: frozenset({777}) for id_ in range(23, 41)}
    facts: dict[str, Any] = {
        "members": [member(11), member(12)],
        "privileges": open_tree(),
        "computer_groups": {**ours, **others},
        "mapped_groups": {200: frozenset({COMPUTERS, 777}), 300: frozenset({COMPUTERS, 777})},
        "ignore": False,
    }
    plan = plan_of(computers(40), **facts)
    assert plan.spares == 2
    assert computers_of(plan)[20:] == [(21,), (22,)]


def test_spares_are_taken_on_behalf_of_the_members_in_turn() -> None:
    members = [member(11), member(12), member(13)]
    plan = plan_of(computers(40), members=members, privileges=open_tree(group=GROUP), ignore=False)
    assert members_of(plan)[20:] == [13, 12, 11]


def test_none_where_no_time_is_left_to_load_them() -> None:
    plan = plan_of(computers(40), now=START - 5 * MINUTE)
    assert (plan.allocated, plan.spares) == (20, 0)


def test_they_help_a_class_that_was_asked_for_late() -> None:
    late: dict[str, Any] = {"now": START - 30 * MINUTE}
    off = plan_of(computers(40), policy=policy(failing=0.0, spares=False), **late)
    on = plan_of(computers(40), policy=policy(failing=0.0), **late)
    assert off.outlook is not None
    assert on.outlook is not None
    assert off.outlook.ready < 0.95 <= on.outlook.ready
    assert 0 < on.spares <= 2


def test_a_class_that_has_all_its_machines_gets_none() -> None:
    there = [own_block_computer(id_, reload_start=START - 30 * MINUTE) for id_ in range(1, 21)]
    plan = plan_of(computers(40), block_computers=there)
    assert (plan.machines, plan.spares) == ([], 0)


def test_a_class_that_has_spares_is_as_sure_as_with_them() -> None:
    """Rows are not marked: those beyond the machines wanted are its spares."""
    there = [own_block_computer(id_) for id_ in range(1, 24)]
    has_spares = plan_of([each._replace(revision_id=10 if each.id < 20 else 0) for each in computers(40)],
                         block_computers=there)  # fmt: skip
    assert (has_spares.had_before, has_spares.allocated) == (23, 20)
    assert has_spares.outlook is not None
    assert has_spares.outlook.machines == 20


class TestClusters:
    IMAGES = (image(), image(SUB_IMAGE))

    def test_spares_are_whole_machines(self) -> None:
        plan = plan_of(computers(60), machines=10, images=self.IMAGES)
        assert plan.spares > 0
        assert all(len(machine.assignments) == 2 for machine in plan.machines)
        assert len(plan.machines) == 10 + plan.spares
        assert plan.outlook is not None
        assert (plan.outlook.machines, plan.allocated) == (10, 10)

    def test_they_bring_it_to_the_target(self) -> None:
        off = plan_of(computers(60), machines=10, images=self.IMAGES, policy=policy(spares=False))
        on = plan_of(computers(60), machines=10, images=self.IMAGES)
        assert off.outlook is not None
        assert on.outlook is not None
        assert off.outlook.ready < 0.5
        assert on.outlook.ready >= 0.94

    def test_half_a_machine_is_none(self) -> None:
        assert plan_of(computers(21), machines=10, images=self.IMAGES).spares == 0


class TestConfirmation:
    def test_spares_stand_like_the_other_machines(self) -> None:
        plan = plan_of(computers(40))
        kept, lost = standing(site(computers(40)), block(20), plan.machines, ignore_privileges=True, spares=plan.spares)
        assert kept == plan.machines
        assert not lost

    def test_what_was_lost_is_made_up_for_by_a_spare(self) -> None:
        plan = plan_of(computers(40))
        taken = site(computers(40), reservations=[reservation(5, START, END)])
        kept, lost = standing(taken, block(20), plan.machines, ignore_privileges=True, spares=plan.spares)
        assert len(kept) == 22
        assert set(lost) == {5}

    def test_a_class_that_others_have_filled_meanwhile_keeps_no_more_than_its_spares(self) -> None:
        plan = plan_of(computers(40))
        filled = site(computers(40), block_computers=[own_block_computer(100 + id_) for id_ in range(20)])
        kept, _ = standing(filled, block(20), plan.machines, ignore_privileges=True, spares=plan.spares)
        assert len(kept) == plan.spares
