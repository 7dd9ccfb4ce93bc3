"""When the reloads of a class begin under policy `ready`, and what is said of it: whole plans on small sites."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from scheduling.confirmation import standing
from scheduling.facts import Computer, Image, OrphanedReload, Reservation
from scheduling.load_time.model import LoadModel
from scheduling.mending import Mending
from scheduling.occupancy import is_reload
from scheduling.plan import Plan
from scheduling.planner import make_plan
from scheduling.reload_plan import staggered
from scheduling.reloads.chance import DISPATCH
from scheduling.reloads.exchange import exchange_leads, long_load
from scheduling.reloads.outlook import Outlook
from scheduling.reloads.places import Capacity, OtherLoad, Places
from scheduling.reloads.policy import ReadyPolicy
from tests.support.load_laws import log_normal
from tests.support.properties import examples
from tests.support.sites.facts import (
    BLOCK_TIME,
    HOUR,
    MINUTE,
    NODES,
    NOW,
    PLAIN_ENGINE,
    START,
    SUB_IMAGE,
    VM_ENGINE,
    block,
    block_computer,
    computer,
    computers_of,
    image,
    maintenance,
    member,
    node,
    own_block_computer,
    own_reservation,
    reservation,
    site,
    vm,
)
from tests.support.sites.random_facts import Case, cases, shuffled
from tests.support.sites.ready import MODEL, at_work, own_reload, ready, user_until

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="mariadb")]

REVISION = image().revision_id
LONG = long_load(MODEL) // MINUTE
LEAVES = 2  # minutes from a user's end until the back end loads the computer
CLUSTER = (image(), image(SUB_IMAGE))
FAILING = log_normal(failing=0.05)
HALF_AN_HOUR = 30 * MINUTE
TWO_NODES: dict[str, Any] = {
    "management_nodes": [node(1), node(2)],
    "node_groups": {1: frozenset({NODES}), 2: frozenset({NODES})},
}


def computers(*ids: int, **changes: Any) -> list[Computer]:
    return [computer(id_, **changes) for id_ in ids]


def plan_of(
    there: Sequence[Computer], machines: int, policy: ReadyPolicy | None = None, images: Sequence[Image] | None = None,
    mending: Mending | None = None, **changes: Any,
) -> Plan:  # fmt: skip
    facts = site(there, ready_policy=policy or ready(), **changes)
    return make_plan(facts, block(machines, images), ignore_privileges=True, mending=mending)


def leads(plan: Plan) -> dict[int, int]:
    """Computer -> minutes from the begin of its machine's reload to the start of the class."""
    return {
        each.computer.id: (START - machine.reload.start) // MINUTE
        for machine in plan.machines
        for each in machine.assignments
    }


def outlook_of(plan: Plan) -> Outlook:
    assert plan.outlook is not None
    return plan.outlook


class TestChoice:
    def test_computers_that_are_free_early_enough_come_in_the_usual_order(self) -> None:
        there = [computer(1, ram=8192), computer(2, ram=4096), computer(3), computer(4, ram=8192, revision_id=REVISION)]
        assert computers_of(plan_of(there, 3)) == [(4,), (3,), (2,)]

    def test_one_that_is_free_late_but_early_enough_keeps_its_turn(self) -> None:
        until = [user_until(45, 1)]
        assert computers_of(plan_of(computers(1, 2, 3), 2, reservations=until)) == [(1,), (2,)]

    def test_one_that_is_free_too_late_comes_last(self) -> None:
        late = [user_until(26, 1)]
        assert computers_of(plan_of(computers(1, 2, 3), 2, reservations=late)) == [(2,), (3,)]

    def test_where_there_is_no_other_it_is_taken_and_loaded_late(self) -> None:
        late = [block_computer(1, NOW, START - 11 * MINUTE)]
        plan = plan_of(computers(1, 2, 3), 3, reservations=[], block_computers=late)
        assert computers_of(plan) == [(2,), (3,), (1,)]
        assert (plan.allocated, plan.stopped_by) == (3, None)
        assert leads(plan)[1] == 11
        assert min(leads(plan)[2], leads(plan)[3]) > 15

    def test_of_several_the_first_to_be_free_is_taken(self) -> None:
        late = [block_computer(1, NOW, START - 5 * MINUTE), block_computer(2, NOW, START - 11 * MINUTE)]
        assert computers_of(plan_of(computers(1, 2), 1, block_computers=late)) == [(2,)]

    def test_one_that_is_never_free_is_not_taken(self) -> None:
        plan = plan_of(computers(1, 2), 2, reservations=[user_until(10, 1)])
        assert (computers_of(plan), plan.excluded[1].rule) == ([(2,)], "reservation")

    def test_where_loads_go_in_waves_the_last_one_may_be_free_late(self) -> None:
        """A node that loads one at a time: those before are loaded first, by computers that are free all the time."""
        free_for_the_last = [block_computer(1, NOW, START - HALF_AN_HOUR)]
        policy = ready({1: 1})
        plan = plan_of(computers(1, 2, 3, 4), 3, policy, block_computers=free_for_the_last)
        assert computers_of(plan) == [(1,), (2,), (3,)]
        assert min(leads(plan), key=leads(plan).__getitem__) == 1
        two = [*free_for_the_last, block_computer(2, NOW, START - HALF_AN_HOUR)]
        assert computers_of(plan_of(computers(1, 2, 3, 4), 3, policy, block_computers=two)) == [(1,), (3,), (4,)]

    def test_one_that_holds_the_image_may_begin_later_than_one_to_be_loaded(self) -> None:
        """It needs time for one load alone; `until`: no reload begins before because of site maintenance."""
        until: dict[str, Any] = {"maintenances": [maintenance(NOW, START - 17 * MINUTE)]}
        there = [*computers(1, 2), computer(3, revision_id=REVISION)]
        plan = plan_of(there, 3, ready({1: 1}), **until)
        assert leads(plan)[3] == 16
        assert max(leads(plan)[1], leads(plan)[2]) == 17

    def test_one_whose_image_another_class_replaces_is_one_to_be_loaded(self) -> None:
        """However many of them there are: on a node that loads one at a time the last place is for one of them."""
        until = [block_computer(id_, NOW, START - 17 * MINUTE) for id_ in range(1, 5)]
        there = [*computers(1, 2, 3, 4, revision_id=REVISION), *computers(11, 12, 13, 14)]
        chosen = computers_of(plan_of(there, 4, ready({1: 1}), block_computers=until))
        assert set(chosen) == {(11,), (12,), (13,), (14,)}

    @pytest.mark.parametrize(("model", "order"), [(MODEL, [(1,)]), (FAILING, [(2,)])], ids=["none", "some"])
    def test_where_loads_fail_it_has_to_be_free_early_enough_for_a_second_one(
        self, model: LoadModel, order: list[tuple[int, ...]]
    ) -> None:
        until = [block_computer(1, NOW, START - 25 * MINUTE)]
        assert computers_of(plan_of(computers(1, 2), 1, ready(model=model), block_computers=until)) == order

    @pytest.mark.parametrize(
        "places",
        [Places(Capacity(host_limit=1)), Places(Capacity({1: 10}), arrivals={1: 0.9}, arrival_seconds=10 * MINUTE)],
        ids=["host", "users"],
    )
    def test_so_they_do_on_a_host_and_on_a_node_that_loads_for_users(self, places: Places) -> None:
        there = [vm(id_, 90, provisioning_id=PLAIN_ENGINE) for id_ in range(1, 5)]
        until = [block_computer(id_, NOW, START - HALF_AN_HOUR) for id_ in (1, 2)]
        policy = replace(ready(), places=places)
        assert computers_of(plan_of(there, 3, policy, block_computers=until)) == [(1,), (3,), (4,)]
        free = replace(ready(), places=Places(Capacity()))
        assert computers_of(plan_of(there, 3, free, block_computers=until)) == [(1,), (2,), (3,)]

    def test_each_is_loaded_by_the_node_that_has_a_place(self) -> None:
        plan = plan_of(computers(*range(1, 6)), 5, ready({1: 1, 2: 4}), **TWO_NODES)
        nodes = [each.management_node.id for machine in plan.machines for each in machine.assignments]
        assert sorted(nodes) == [1, 2, 2, 2, 2]

    def test_an_adopted_one_begins_as_under_policy_vcl_but_not_before_now(self) -> None:
        own = [own_reservation(member(), 1)]
        rows: dict[str, Any] = {"reservations": own, "members": [member()]}
        for minutes, begins in ((60, 15), (5, 5)):
            (machine,) = plan_of(computers(1), 1, now=START - minutes * MINUTE, **rows).machines
            assert machine.adopted_request == own[0].request_id
            assert machine.reload.start == START - begins * MINUTE


class TestHolding:
    def test_it_gets_the_latest_start_that_leaves_time_for_one_load(self) -> None:
        plan = plan_of([computer(1, revision_id=REVISION), computer(2)], 2)
        kept = leads(plan)[1] * MINUTE - DISPATCH
        assert MODEL.quantile(0.95) <= kept < MODEL.quantile(0.95) + MINUTE
        assert leads(plan)[1] < leads(plan)[2]

    def test_it_needs_no_place(self) -> None:
        holding = [computer(id_, revision_id=REVISION) for id_ in (1, 2, 3)]
        alone, beside = plan_of([computer(4)], 1, ready({1: 1})), plan_of([*holding, computer(4)], 4, ready({1: 1}))
        assert leads(beside)[4] == leads(alone)[4]
        assert outlook_of(beside).minutes == outlook_of(alone).minutes
        assert leads(beside)[1] == leads(beside)[2] == leads(beside)[3]

    def test_a_class_that_holds_everything_is_sure_and_takes_no_minutes(self) -> None:
        plan = plan_of([computer(1, revision_id=REVISION)], 1)
        assert outlook_of(plan) == (1, 1.0, 0.0, 0, True)

    def test_one_that_another_class_loads_with_something_else_before_is_a_load(self) -> None:
        before = [block_computer(1, NOW + HOUR, NOW + 2 * HOUR)]
        other, plain = plan_of(computers(1, revision_id=REVISION), 1, block_computers=before), plan_of(computers(1), 1)
        assert leads(other) == leads(plain)
        assert other.outlook == plain.outlook

    def test_so_is_one_that_the_class_has_already(self) -> None:
        rows: dict[str, Any] = {"block_computers": [own_block_computer()]}
        own = own_reload(lead=30)
        of_another = own_reload(lead=180, request_id=8900, image_id=99)
        there = [computer(revision_id=REVISION)]
        assert outlook_of(plan_of(there, 1, reservations=[own], **rows)).minutes == 0
        assert outlook_of(plan_of(there, 1, reservations=[of_another, own], **rows)).minutes == 30


class TestRules:
    """Reloads begin only when the rules about hours let them, and the confirmation keeps all of them."""

    def test_a_maintenance_at_the_first_begin_costs_no_machine(self) -> None:
        before = maintenance(START - 120 * MINUTE, START - 75 * MINUTE)
        plan = plan_of(computers(*range(1, 41)), 30, ready({1: 3}), maintenances=[before])
        assert plan.allocated == 30
        assert max(leads(plan).values()) <= 75

    def test_nothing_is_chosen_where_a_maintenance_leaves_no_begin(self) -> None:
        over_the_start = maintenance(START - HOUR, START + HOUR)
        plan = plan_of(computers(1, 2), 2, maintenances=[over_the_start])
        assert plan.stopped_by is not None
        assert (plan.allocated, plan.stopped_by.rule) == (0, "maintenance")

    @pytest.mark.parametrize("revision", [0, REVISION], ids=["to be loaded", "holding"])
    def test_none_begins_in_the_half_hour_before_a_maintenance(self, revision: int) -> None:
        soon = maintenance(START + 5 * MINUTE, START + 20 * MINUTE, allow_reservations=1)
        there = computers(1, 2, 3, revision_id=revision)
        without, plan = plan_of(there, 3), plan_of(there, 3, maintenances=[soon])
        assert min(leads(without).values()) < 25 <= min(leads(plan).values()) < 30

    def test_those_before_a_maintenance_have_their_turn_on_the_node(self) -> None:
        """Six fit in after the maintenance; the others begin one after the other before it, not all at once."""
        between = maintenance(START - 120 * MINUTE, START - 75 * MINUTE, allow_reservations=1)
        plan = plan_of(computers(*range(1, 9)), 8, ready({1: 1}), maintenances=[between])
        before = sorted(lead for lead in leads(plan).values() if lead > 75)
        assert len(before) >= 2
        assert before[0] == 150
        assert all(later - earlier >= 10 for earlier, later in pairwise(before))

    @pytest.mark.parametrize("until", [20, 17])
    def test_one_on_which_somebody_stays_is_reloaded_when_they_are_gone(self, until: int) -> None:
        """They keep a quarter of an hour for themselves."""
        plan = plan_of(computers(*range(1, 6)), 5, reservations=[user_until(until)])
        assert leads(plan)[1] == until - 15

    def test_so_it_is_without_keep_ready(self) -> None:
        policy = ready(is_mended=False, model=log_normal(mean=1200))
        assert leads(plan_of(computers(1, 2), 2, policy, reservations=[user_until(20)]))[1] == 5

    def test_a_cluster_is_reloaded_when_all_its_computers_are_free(self) -> None:
        late = [block_computer(2, NOW, START - 11 * MINUTE)]
        plan = plan_of(computers(1, 2), 1, images=CLUSTER, block_computers=late)
        assert leads(plan) == {1: 11, 2: 11}

    def test_the_limit_of_use_counts_from_the_begin(self) -> None:
        """One of six is in use until 50 minutes before the start: the last machine can't be loaded before that."""
        limited, rows = [image(max_concurrent=6)], [user_until(50, 9, image_id=image().id)]
        plan = plan_of(computers(*range(1, 7)), 6, ready({1: 1}), limited, reservations=rows)
        assert plan.allocated == 6
        assert leads(plan)[6] <= 35 < max(leads(plan).values())

    def test_a_reload_at_work_for_nobody_is_waited_for(self) -> None:
        left_over = [OrphanedReload(BLOCK_TIME + 1, 8900, 1, 2048, START - HOUR, START - 12 * MINUTE)]
        assert leads(plan_of(computers(1), 1, orphans=left_over)) == {1: 12}

    def test_one_that_the_class_has_is_loaded_again_when_another_class_leaves_it(self) -> None:
        for minutes, loaded in ((60, True), (20, True), (11, False)):
            rows = [own_block_computer(1), block_computer(1, NOW - HOUR, START - minutes * MINUTE)]
            plan = plan_of(computers(1), 1, mending=Mending(again={1: None}), block_computers=rows)
            assert (not plan.not_loaded) == loaded, minutes
            assert all(machine.reload.start >= START - minutes * MINUTE for machine in plan.again)


class TestClusters:
    def test_both_computers_of_a_machine_are_loaded(self) -> None:
        clusters, singles = plan_of(computers(1, 2, 3, 4), 2, images=CLUSTER), plan_of(computers(1, 2, 3, 4), 4)
        assert outlook_of(clusters).minutes == outlook_of(singles).minutes
        assert outlook_of(clusters).ready == outlook_of(singles).ready

    def test_what_is_said_counts_machines(self) -> None:
        late: dict[str, Any] = {"policy": ready(is_mended=False, model=FAILING)}
        clusters = plan_of(computers(1, 2, 3, 4), 2, images=CLUSTER, **late)
        singles = plan_of(computers(1, 2, 3, 4), 4, **late)
        assert (outlook_of(clusters).machines, outlook_of(singles).machines) == (2, 4)
        assert outlook_of(clusters).late == outlook_of(singles).late / 2 > 0

    def test_half_a_machine_counts_for_nothing(self) -> None:
        plan = plan_of(computers(1, 2, 3), 2, images=CLUSTER)
        assert (plan.allocated, outlook_of(plan).machines) == (1, 1)
        incomplete = plan_of(computers(1), 2, images=CLUSTER, block_computers=[own_block_computer(1)])
        assert (incomplete.allocated, outlook_of(incomplete).machines) == (0, 0)

    def test_a_machine_is_reloaded_when_its_first_computer_begins(self) -> None:
        """On a node that loads one at a time they follow one another."""
        plan = plan_of(computers(1, 2), 1, ready({1: 1}), images=CLUSTER)
        (machine,) = plan.machines
        second = leads(plan_of(computers(1), 1, ready({1: 1})))[1]
        assert (START - machine.reload.start) // MINUTE > second + 5
        assert outlook_of(plan).minutes < 2 * leads(plan)[1]

    def test_one_half_that_holds_its_image_needs_no_load(self) -> None:
        there = [computer(1), computer(2, revision_id=image(SUB_IMAGE).revision_id)]
        half, single = outlook_of(plan_of(there, 1, images=CLUSTER)), outlook_of(plan_of(computers(1), 1))
        assert (half.minutes, half.ready) == (single.minutes, single.ready)


class TestLate:
    """The condition of warning 13."""

    def test_when_time_is_short(self) -> None:
        assert plan_of(computers(1, 2), 2, now=START - 8 * MINUTE).late
        assert not plan_of(computers(1, 2), 2, now=START - HALF_AN_HOUR).late

    def test_when_only_places_are_short(self) -> None:
        soon: dict[str, Any] = {"now": START - HALF_AN_HOUR}
        assert plan_of(computers(*range(1, 9)), 8, ready({1: 1}), **soon).late
        assert not plan_of(computers(*range(1, 9)), 8, ready({1: 8}), **soon).late

    def test_when_a_computer_is_free_too_late(self) -> None:
        assert plan_of(computers(1), 1, block_computers=[block_computer(1, NOW, START - 5 * MINUTE)]).late

    def test_not_when_failures_alone_make_the_class_unlikely(self) -> None:
        hardly = ready(model=log_normal(failing=0.6), is_mended=False)
        plan = plan_of(computers(1, 2, 3), 3, hardly)
        assert outlook_of(plan).ready < 0.2
        assert not plan.late

    def test_not_for_computers_that_hold_the_image(self) -> None:
        assert not plan_of(computers(1, revision_id=REVISION), 1, now=START - MINUTE).late


class TestUsers:
    """Who has a computer before the class: the back end itself loads the image of the class after them."""

    def test_the_reload_comes_after_that_load_even_if_it_takes_long(self) -> None:
        plan = plan_of(computers(1, 2), 2, reservations=[user_until(36, 1)])
        assert leads(plan)[1] == 36 - LEAVES - LONG

    def test_but_no_earlier_than_that_of_a_computer_that_holds_the_image(self) -> None:
        rows = [reservation(1, NOW - HOUR, NOW + 10 * MINUTE)]
        assert leads(plan_of(computers(1), 1, reservations=rows)) == leads(
            plan_of(computers(1, revision_id=REVISION), 1)
        )

    def test_nor_does_one_move_there_while_such_a_load_is_at_work(self) -> None:
        rows = [at_work(1, START - 310 * MINUTE, request_id=1), own_reload(1, lead=25)]
        assert not moves(own_plan(rows, 1, lead_now=300))

    def test_a_load_that_began_after_the_class_got_the_computer_is_none_of_its_own(self) -> None:
        """Its request is younger than the class's own."""
        rows = [own_reload(1, lead=25), at_work(1, START - 29 * MINUTE, request_id=9999)]
        assert moves(own_plan(rows, 1, lead_now=28)) == {1: 29 - LONG}

    def test_before_an_earlier_class_the_load_after_a_user_is_for_that_class(self) -> None:
        earlier: dict[str, Any] = {"block_computers": [block_computer(1, START - 150 * MINUTE, START - 10 * MINUTE)]}
        plan = plan_of(computers(1), 1, reservations=[user_until(180)], **earlier)
        assert plan.outlook == plan_of(computers(1), 1, **earlier).outlook
        assert outlook_of(plan).ready < 0.6

    def test_after_a_load_of_another_image_there_is_one_of_ours(self) -> None:
        now = START - 12 * MINUTE
        ours, other = (
            plan_of(computers(1), 1, now=now, reservations=[at_work(1, now - 5 * MINUTE, image_id=id_, request_id=1)])
            for id_ in (image().id, 99)
        )
        assert outlook_of(ours).ready > 0.9
        assert outlook_of(other).ready < 0.6
        assert leads(other) == {1: 7}

    def test_what_is_expected_is_that_load(self) -> None:
        plan = plan_of(computers(1), 1, reservations=[user_until(60, 1)])
        assert outlook_of(plan).minutes == 60 - LEAVES
        assert outlook_of(plan).ready > 0.99

    def test_so_does_the_reload_that_a_class_has(self) -> None:
        """Even if the class is not sure: else that reload would end the load at work."""
        unsure = ready(model=log_normal(failing=0.6), is_mended=False)
        rows = [user_until(36, 1), own_reload(1, lead=34)]
        assert moves(own_plan(rows, 1, unsure, lead_now=40)) == {1: 36 - LEAVES - LONG}

    def test_a_member_with_the_image_is_no_such_user(self) -> None:
        reload = own_reload(1, lead=43)
        theirs = own_reservation(member(), 1)._replace(start=NOW, end=START - 45 * MINUTE)
        with_member, alone = (
            moves(own_plan(rows, 1, lead_now=50, members=[member()])) for rows in ([theirs, reload], [reload])
        )
        assert with_member == alone != {}

    def test_one_who_stays_too_long_is_exchanged_where_keep_ready_runs(self) -> None:
        """A substitute begins in time, as the guide says: the class is no less sure for it."""
        rows = [user_until(5, 1), own_reload(1, lead=25), own_reload(2, lead=25)]
        mended = own_plan(rows, 2, lead_now=90)
        waits = own_plan(rows, 2, ready(is_mended=False), lead_now=90)
        assert outlook_of(mended).ready > 0.95
        assert outlook_of(waits).ready < 0.1


def own_plan(
    rows: Sequence[Reservation], number: int, policy: ReadyPolicy | None = None, *, lead_now: int, **changes: Any
) -> Plan:
    """A look at a class that has its computers, so many minutes before the start."""
    facts: dict[str, Any] = {
        "now": START - lead_now * MINUTE,
        "reservations": rows,
        "block_computers": [own_block_computer(id_) for id_ in range(1, number + 1)],
        **changes,
    }
    return plan_of(computers(*range(1, number + 1)), number, policy, mending=Mending(), **facts)


def moves(plan: Plan) -> dict[int, int]:
    """Computer -> minutes before the start at which its reload is to begin now."""
    return {each.computer_id: (START - each.reload.start) // MINUTE for each in plan.moved}


def reloads(lead: int, *ids: int) -> list[Reservation]:
    return [own_reload(id_, lead=lead) for id_ in ids]


class TestMoves:
    FOUR = (1, 2, 3, 4)

    def test_earlier_when_there_are_fewer_places(self) -> None:
        rows = reloads(21, *self.FOUR)
        assert not moves(own_plan(rows, 4, lead_now=60))
        moved = moves(own_plan(rows, 4, ready({1: 1}), lead_now=60))
        assert moved
        assert all(21 + 2 <= lead <= 59 for lead in moved.values())

    def test_later_when_the_class_is_sure(self) -> None:
        assert set(moves(own_plan(reloads(50, *self.FOUR), 4, lead_now=60))) == set(self.FOUR)

    def test_not_later_when_it_is_not(self) -> None:
        unsure = ready(model=log_normal(failing=0.3), is_mended=False)
        plan = own_plan(reloads(50, *self.FOUR), 4, unsure, lead_now=60)
        assert outlook_of(plan).ready < unsure.target
        assert not moves(plan)

    def test_earlier_even_when_it_is_not(self) -> None:
        unsure = ready({1: 1}, model=log_normal(failing=0.3), is_mended=False)
        plan = own_plan(reloads(21, *self.FOUR), 4, unsure, lead_now=60)
        assert outlook_of(plan).ready < unsure.target
        assert moves(plan)

    @pytest.mark.parametrize(("lead_now", "is_moved"), [(65, True), (66, False)])
    def test_only_what_begins_within_a_quarter_of_an_hour(self, lead_now: int, is_moved: bool) -> None:
        assert bool(moves(own_plan(reloads(50, 1), 1, lead_now=lead_now))) == is_moved

    @pytest.mark.parametrize(("lead", "is_moved"), [(58, True), (59, False), (60, False)])
    def test_none_that_a_node_may_have_read(self, lead: int, is_moved: bool) -> None:
        assert bool(moves(own_plan(reloads(lead, 1), 1, lead_now=60))) == is_moved

    def test_none_that_has_begun(self) -> None:
        assert not moves(own_plan([at_work(1, START - 62 * MINUTE)], 1, lead_now=60))

    def test_none_while_the_class_is_sure_enough_but_not_much_too_early(self) -> None:
        (best,) = moves(own_plan(reloads(40, 1), 1, lead_now=42)).values()
        for minutes, is_moved in ((-8, True), (-1, False), (0, False), (4, False), (20, True)):
            plan = own_plan(reloads(best + minutes, 1), 1, lead_now=best + max(minutes, 0) + 10)
            assert bool(moves(plan)) == is_moved, minutes

    def test_nothing_moves_where_nobody_mends(self) -> None:
        rows = reloads(50, 1)
        own = [own_block_computer(1)]
        assert not plan_of(computers(1), 1, now=START - HOUR, reservations=rows, block_computers=own).moved

    def test_not_even_one_that_holds_the_image_or_is_loaded_by_the_back_end(self) -> None:
        """Their begins are known without any plan."""
        own: dict[str, Any] = {"block_computers": [own_block_computer(1)], "now": START - HOUR}
        for there, rows in (
            (computers(1, revision_id=REVISION), reloads(50, 1)),
            (computers(1), [*reloads(50, 1), user_until(59)]),
        ):
            assert plan_of(there, 1, mending=Mending(), reservations=rows, **own).moved
            assert not plan_of(there, 1, reservations=rows, **own).moved

    def test_from_a_silent_node_to_another_one_even_far_ahead_of_an_unsure_class(self) -> None:
        unsure = ready(model=log_normal(failing=0.6), is_mended=False)
        silent: dict[str, Any] = TWO_NODES | {
            "management_nodes": [node(1, last_checkin=NOW - HOUR), node(2, last_checkin=START)]
        }
        plan = own_plan(reloads(100, 1), 1, unsure, lead_now=200, **silent)
        assert [(each.computer_id, each.node_id) for each in plan.moved] == [(1, 2)]
        assert not moves(own_plan(reloads(100, 1), 1, unsure, lead_now=200))

    def test_not_from_a_silent_node_where_there_is_no_other(self) -> None:
        alone: dict[str, Any] = {"management_nodes": [node(1, last_checkin=NOW - HOUR)]}
        assert not moves(own_plan(reloads(100, 1), 1, lead_now=200, **alone))

    def test_to_another_node_where_that_one_has_a_place(self) -> None:
        """Two on a node that loads one at a time, although there is another one."""
        nodes = TWO_NODES | {"management_nodes": [node(1, last_checkin=START), node(2, last_checkin=START)]}
        (moved,) = own_plan(reloads(20, 1, 2), 2, ready({1: 1, 2: 1}), lead_now=30, **nodes).moved
        assert moved.node_id == 2

    def test_the_order_of_the_rows_does_not_matter(self) -> None:
        one, other = (
            moves(own_plan(reloads(50, *self.FOUR), 4, ready({1: 1}), lead_now=60, block_computers=rows))
            for rows in ([own_block_computer(id_) for id_ in order] for order in (self.FOUR, self.FOUR[::-1]))
        )
        assert one == other != {}

    @pytest.mark.parametrize("revision", [0, REVISION], ids=["to be loaded", "holding"])
    def test_none_into_the_half_hour_before_a_maintenance(self, revision: int) -> None:
        soon = maintenance(START + 5 * MINUTE, START + 20 * MINUTE, allow_reservations=1)
        facts: dict[str, Any] = {"maintenances": [soon], "block_computers": [own_block_computer(1)]}
        facts |= {"now": START - HOUR, "reservations": reloads(50, 1), "mending": Mending()}
        (lead,) = moves(plan_of([computer(1, revision_id=revision)], 1, **facts)).values()
        assert 25 <= lead < 30

    def test_a_cluster_moves_as_a_whole(self) -> None:
        """When its first computer begins, if that is another time."""
        together: dict[str, Any] = {
            "images": CLUSTER,
            "block_computers": [own_block_computer(1), own_block_computer(2, SUB_IMAGE, reload_id=8001)],
        }
        policy = ready({1: 1})
        lead = leads(plan_of(computers(1, 2), 1, policy, CLUSTER))[1]
        for minutes in (0, 20):
            rows = [
                own_reload(1, lead + minutes),
                own_reload(2, lead + minutes, request_id=8001, image_id=SUB_IMAGE),
            ]
            plan = plan_of(
                computers(1, 2), 1, policy, mending=Mending(), now=START - (lead + minutes + 5) * MINUTE,
                reservations=rows, **together,
            )  # fmt: skip
            assert moves(plan) == ({1: lead, 2: lead} if minutes else {})

    def test_the_reservation_lasts_until_the_start_and_longer_where_a_load_may(self) -> None:
        moved = own_plan(reloads(50, *self.FOUR), 4, ready({1: 1}), lead_now=60).moved
        late = own_plan(reloads(50, 1), 1, lead_now=60).moved
        assert {each.reload.end - START for each in moved if each.reload.start < START - 20 * MINUTE} == {0}
        assert [each.reload.end - each.reload.start for each in late] == [20 * MINUTE]
        assert late[0].request_id == 8001


class TestGuide:
    def test_it_says_when_substitutes_have_to_begin(self) -> None:
        """As for the loads that are planned: three of them, on a node that loads one at a time."""
        policy = ready({1: 1})
        plan = plan_of(computers(1, 2, 3), 3, policy)
        mean = round(MODEL.mean)
        planned = [
            OtherLoad(id_, 1, None, START - lead * MINUTE, mean, at_work=False) for id_, lead in leads(plan).items()
        ]
        assert plan.guide is not None
        assert plan.guide.exchange_leads == exchange_leads(policy, planned, [1], NOW, START, 3)
        assert plan.guide.exchange_leads[0] > max(leads(plan).values()) * MINUTE

    def test_computers_that_hold_the_image_leave_their_places(self) -> None:
        plan = plan_of(computers(1, 2, 3, revision_id=REVISION), 3, ready({1: 1}))
        assert plan.guide is not None
        assert plan.guide.exchange_leads[0] == LONG * MINUTE

    def test_so_do_those_that_are_to_be_exchanged(self) -> None:
        stays, leaves = (own_plan([user_until(lead, 1)], 1, ready({1: 1}), lead_now=90).guide for lead in (5, LONG + 2))
        assert stays is not None
        assert leaves is not None
        assert stays.exchange_leads[0] == LONG * MINUTE < leaves.exchange_leads[0]

    def test_it_has_a_lead_for_each_computer_but_not_for_more_than_twelve(self) -> None:
        for number in (1, 12, 13):
            guide = plan_of(computers(*range(1, number + 1)), number).guide
            assert guide is not None
            assert len(guide.exchange_leads) == min(number, 12)

    def test_no_place_is_looked_for_where_loads_take_none(self) -> None:
        limited = ReadyPolicy(MODEL, Places(Capacity({1: 1}, frozenset({VM_ENGINE}))), 0.95, is_mended=True)
        guide = plan_of(computers(1, 2, 3), 3, limited).guide
        assert guide is not None
        assert guide.exchange_leads == [LONG * MINUTE] * 3

    @pytest.mark.parametrize(("revision", "lead"), [(0, LONG + round(MODEL.mean / MINUTE)), (REVISION, LONG)])
    def test_a_substitute_finds_a_place_beside_the_loads_that_stay(self, revision: int, lead: int) -> None:
        """On a node that loads one at a time; one that holds the image has no load."""
        rows = [user_until(5, 1), own_reload(2, lead=LONG)]
        own = [own_block_computer(1), own_block_computer(2)]
        there = [computer(1), computer(2, revision_id=revision)]
        plan = plan_of(there, 2, ready({1: 1}), reservations=rows, block_computers=own)
        assert outlook_of(plan).minutes == lead + (0 if revision else LONG)

    def test_its_own_place_is_not_taken_by_the_reload_of_the_computer_that_it_replaces(self) -> None:
        """Nobody can move that reload, but somebody stays on the computer."""
        rows = [user_until(5, 1), own_reload(1, lead=LONG)]
        plan = plan_of(computers(1), 1, ready({1: 1}), reservations=rows, block_computers=[own_block_computer(1)])
        assert outlook_of(plan).minutes == LONG

    def test_those_that_can_move_make_room_for_it(self) -> None:
        rows = [user_until(5, 1), own_reload(1, lead=25), own_reload(2, lead=LONG)]
        plan = own_plan(rows, 2, ready({1: 1}), lead_now=40)
        assert outlook_of(plan).minutes == LONG + moves(plan)[2]

    def test_it_has_none_where_nobody_exchanges(self) -> None:
        guide = plan_of(computers(1), 1, ready(is_mended=False)).guide
        assert guide is not None
        assert guide.exchange_leads == []

    def test_how_long_a_load_may_take(self) -> None:
        for model in (MODEL, log_normal(mean=900)):
            guide = plan_of(computers(1), 1, ready(model=model)).guide
            assert guide is not None
            assert guide.long_load == long_load(model)

    def test_how_long_a_load_may_wait_for_a_place(self) -> None:
        waves, together = (plan_of(computers(1, 2, 3), 3, ready({1: limit})).guide for limit in (1, 3))
        assert waves is not None
        assert together is not None
        assert waves.longest_wait > together.longest_wait == 0

    def test_a_class_without_computers_has_one_too(self) -> None:
        plan = plan_of([], 2)
        assert plan.outlook is None
        assert plan.guide is not None
        assert plan.guide.exchange_leads == [LONG * MINUTE] * 0


# --- On random sites ------------------------------------------------------------------------------

MOST = settings(max_examples=examples(ci=100, long=3000))
POLICIES = [
    ready(),
    ready({1: 1, 2: 1, 3: 1}, is_mended=False),
    ready({1: 2, 2: 10}, model=FAILING, spares=True),
    ready({}, model=log_normal(mean=1500, variation=0.5, failing=0.02)),
]


def planned(case: Case, policy: ReadyPolicy | None, mending: Mending | None = None) -> Plan:
    site = replace(case.site, ready_policy=policy)
    return make_plan(site, case.block, ignore_privileges=case.ignore_privileges, mending=mending)


@MOST
@given(cases(), st.sampled_from(POLICIES), st.sampled_from([None, Mending()]))
def test_a_class_never_has_fewer_machines_than_under_policy_vcl(
    case: Case, policy: ReadyPolicy, mending: Mending | None
) -> None:
    """Policy `vcl` lets reloads begin in the past, even before a site maintenance that leaves no time for them now."""
    first = staggered(case.block.start, case.site.load_seconds, case.block.machines).start
    assume(mending or not case.site.maintenances or case.site.now <= first)
    assert planned(case, policy, mending).allocated >= planned(case, None, mending).allocated


@MOST
@given(cases(), st.sampled_from(POLICIES))
def test_a_plan_stands_on_its_own_facts(case: Case, policy: ReadyPolicy) -> None:
    plan = planned(case, policy)
    kept, lost = standing(
        case.site, case.block, plan.machines, ignore_privileges=case.ignore_privileges, spares=plan.spares
    )
    assert (kept, lost) == (list(plan.machines), {})


def with_reloads(case: Case, data: st.DataObject) -> Case:
    """The same case with a reload that waits for each computer of the block time, the only one of that computer."""
    own = {row.computer_id: row.image_id for row in case.site.block_computers if row.block_time_id == BLOCK_TIME}
    others = [
        row for row in case.site.reservations
        if row.computer_id not in own or not is_reload(row.state_id, row.last_state_id)
    ]  # fmt: skip
    rows = [
        own_reload(id_, image_id=image_id, management_node_id=data.draw(st.integers(1, 3)))._replace(
            start=case.block.start - data.draw(st.integers(5, 50)) * MINUTE, end=case.block.start
        )
        for id_, image_id in own.items()
    ]
    return replace(case, site=replace(case.site, reservations=[*others, *rows]))


@MOST
@given(cases(), st.sampled_from(POLICIES), st.data())
def test_equal_facts_give_equal_plans_in_whatever_order(case: Case, policy: ReadyPolicy, data: st.DataObject) -> None:
    case = with_reloads(case, data)
    first = planned(case, policy, Mending())
    assert first == planned(case, policy, Mending())
    other = planned(replace(case, site=data.draw(shuffled(case.site))), policy, Mending())
    assert (other.machines, other.outlook, other.guide, other.late) == (
        first.machines, first.outlook, first.guide, first.late
    )  # fmt: skip
    assert sorted(other.moved) == sorted(first.moved)
