"""What is planned about the computers that a block time has while it gets others (SPEC 9.1 to 9.3)."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from scheduling.confirmation import still_to_load
from scheduling.facts import Block, Site
from scheduling.mending import GivenUp, Mending, exchanged, without_given_up
from scheduling.plan import Plan
from scheduling.planner import make_plan
from scheduling.reasons import Reason
from scheduling.reload_plan import Window, late
from tests.support.properties import PROFILE
from tests.support.sites import facts
from tests.support.sites.facts import (
    END,
    HOUR,
    IMAGE,
    LOAD,
    MINUTE,
    NOW,
    RELOAD_START,
    START,
    SUB_IMAGE,
    block,
    computers_of,
    own_block_computer,
    site,
)
from tests.support.sites.random_facts import Case, cases

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="sqlite")]

WHY = Reason("unusable", "it is in state failed")
TEN = 10 * MINUTE


def given_up(id_: int, image_id: int = IMAGE, *, may_return: bool = False) -> GivenUp:
    """A computer that is to be exchanged."""
    return GivenUp(f"pc{id_}", image_id, 7000 + id_, WHY, may_return)


def giving_up(*ids: int, **changes: Any) -> Mending:
    """The exchange of these computers, the least hopeful first."""
    return Mending({id_: given_up(id_, **changes) for id_ in ids})


def with_own(*ids: int, computers: int = 6, now: int = NOW, **changes: Any) -> Site:
    """A site on which the block time has these computers."""
    rows = [own_block_computer(id_) for id_ in ids]
    return site([facts.computer(id_) for id_ in range(1, computers + 1)], now=now, block_computers=rows, **changes)


def plan(of: Site, wanted: Block, mending: Mending) -> tuple[Site, Plan]:
    """The site without what is given up, and the plan."""
    left = without_given_up(of, wanted, mending)
    return left, make_plan(left, wanted, ignore_privileges=True, mending=mending)


class TestLate:
    """A reload that should have begun already (SPEC 9.1)."""

    def test_its_request_ends_at_the_start_or_when_the_load_needs_it(self) -> None:
        wanted = Window(RELOAD_START, START)
        assert late(wanted, RELOAD_START - 1, START, LOAD) == wanted
        assert late(wanted, RELOAD_START, START, LOAD) == wanted
        assert late(wanted, RELOAD_START + 1, START, LOAD) == Window(RELOAD_START + 1, START + 1)
        assert late(wanted, START + HOUR, START, LOAD) == Window(START + HOUR, START + HOUR + LOAD + TEN)

    def test_the_planner_begins_none_before_now(self) -> None:
        now = START - 5 * MINUTE
        _, made = plan(with_own(1, now=now), block(3), giving_up(1))
        assert {(each.reload.start, each.reload.end) for each in made.machines} == {(now, now + LOAD + TEN)}

    def test_in_time_they_begin_one_after_the_other(self) -> None:
        _, made = plan(with_own(1), block(3), giving_up(1))
        assert [each.reload.start for each in made.machines] == [RELOAD_START - MINUTE * place for place in range(3)]
        assert {each.reload.end for each in made.machines} == {START}

    def test_without_mending_nothing_changes(self) -> None:
        now = START - 5 * MINUTE
        made = make_plan(with_own(now=now), block(1), ignore_privileges=True)
        assert made.machines[0].reload == Window(RELOAD_START, START)

    def test_an_adopted_reservation_keeps_its_window(self) -> None:
        """Its reload ends when the member's reservation begins, which is before the class (SPEC 5)."""
        member = facts.member()
        theirs = facts.own_reservation(member, 1, start=START - HOUR)
        on_site = site([facts.computer(1)], members=[member], reservations=[theirs])
        _, made = plan(on_site, block(1), Mending())
        assert made.machines[0].adopted_request == theirs.request_id
        assert made.machines[0].reload == Window(START - HOUR - LOAD - 5 * MINUTE, START - HOUR)


class TestExchanged:
    """Which of the given-up computers go."""

    def test_all_when_each_has_a_substitute(self) -> None:
        left, made = plan(with_own(1, 2, 3), block(3), giving_up(1, 2))
        assert computers_of(made) == [(4,), (5,)]
        assert set(exchanged(left, block(3), giving_up(1, 2), made.machines)) == {1, 2}

    def test_the_last_ones_stay_as_the_best_hope(self) -> None:
        left, made = plan(with_own(1, 2, 3, computers=4), block(3), giving_up(2, 1))
        assert computers_of(made) == [(4,)]
        assert set(exchanged(left, block(3), giving_up(2, 1), made.machines)) == {2}

    def test_all_stay_without_a_substitute(self) -> None:
        left, made = plan(with_own(1, 2, computers=2), block(2), giving_up(1, 2))
        assert exchanged(left, block(2), giving_up(1, 2), made.machines) == {}

    def test_all_go_that_are_more_than_wanted(self) -> None:
        left, made = plan(with_own(1, 2, 3, computers=3), block(2), giving_up(1))
        assert computers_of(made) == []
        assert set(exchanged(left, block(2), giving_up(1), made.machines)) == {1}

    def test_a_given_up_computer_is_not_chosen_again(self) -> None:
        _, made = plan(with_own(1, computers=1), block(1), giving_up(1))
        assert computers_of(made) == []

    def test_one_that_may_return_is_loaded_from_another_node(self) -> None:
        mending = giving_up(1, may_return=True)
        left, made = plan(with_own(1, computers=1), block(1), mending)
        assert computers_of(made) == [(1,)]
        assert set(exchanged(left, block(1), mending, made.machines)) == {1}

    def test_of_a_cluster_only_the_part(self) -> None:
        cluster = block(2, [facts.image(IMAGE), facts.image(SUB_IMAGE)])
        rows = [
            own_block_computer(id_, image) for id_, image in ((1, IMAGE), (2, SUB_IMAGE), (3, IMAGE), (4, SUB_IMAGE))
        ]
        on_site = site([facts.computer(id_) for id_ in range(1, 6)], block_computers=rows)
        mending = giving_up(2, image_id=SUB_IMAGE)
        left, made = plan(on_site, cluster, mending)
        assert computers_of(made) == [(5,)]
        assert made.machines[0].assignments[0].image.id == SUB_IMAGE
        assert set(exchanged(left, cluster, mending, made.machines)) == {2}

    def test_of_a_cluster_each_image_has_its_own_hopes(self) -> None:
        cluster = block(1, [facts.image(IMAGE), facts.image(SUB_IMAGE)])
        rows = [own_block_computer(1, IMAGE), own_block_computer(2, SUB_IMAGE)]
        on_site = site([facts.computer(1), facts.computer(2), facts.computer(3)], block_computers=rows)
        mending = Mending({1: given_up(1), 2: given_up(2, SUB_IMAGE)})
        left, made = plan(on_site, cluster, mending)
        assert computers_of(made) == []  # one of the two parts alone is no machine
        assert exchanged(left, cluster, mending, made.machines) == {}

    def test_the_limit_of_the_image_does_not_stand_in_the_way(self) -> None:
        limited = block(3, [facts.image(max_concurrent=3)])
        left, made = plan(with_own(1, 2, 3), limited, giving_up(2))
        assert computers_of(made) == [(4,)]
        assert set(exchanged(left, limited, giving_up(2), made.machines)) == {2}


class TestHostMemory:
    """A substitute on the same VM host (SPEC 4, rule 9)."""

    def chosen(self, host_ram: int, loaded_ram: int) -> list[tuple[int, ...]]:
        """The substitutes for VM 1, whose host has VM 2 as well; what VM 1 has loaded takes so much memory."""
        vms = [facts.vm(1, host_id=50, loaded_ram=loaded_ram), facts.vm(2, host_id=50)]
        rows = [own_block_computer(1, image_ram=2048)]
        on_site = site([facts.host(50, ram=host_ram), *vms], block_computers=rows)
        return computers_of(plan(on_site, block(1, [facts.vmware_image()]), giving_up(1))[1])

    def test_what_is_given_up_is_planned_no_longer(self) -> None:
        assert self.chosen(host_ram=2049, loaded_ram=0) == [(2,)]
        assert self.chosen(host_ram=2048, loaded_ram=0) == []

    def test_what_it_has_loaded_goes_on_taking_memory(self) -> None:
        assert self.chosen(host_ram=4096, loaded_ram=2048) == []
        assert self.chosen(host_ram=4097, loaded_ram=2048) == [(2,)]


class TestLoadAgain:
    """New reloads of computers that the block time has (SPEC 9.3)."""

    def again(self, on_site: Site, node: int | None = None, id_: int = 1) -> Plan:
        """The plan when computer `id_` is to be loaded again."""
        return plan(on_site, block(2), Mending(again={id_: node}))[1]

    def test_when_it_has_to_begin(self) -> None:
        made = self.again(with_own(1, 2))
        assert (made.machines, [each.reload for each in made.again]) == ([], [Window(RELOAD_START, START)])

    def test_several_begin_one_after_the_other_and_before_new_ones(self) -> None:
        made = plan(with_own(1, 2), block(3), Mending(again={1: None, 2: None}))[1]
        starts = [each.reload.start for each in (*made.again, *made.machines)]
        assert starts == [RELOAD_START - MINUTE * place for place in range(3)]

    def test_at_once_when_it_is_late(self) -> None:
        now = START + 5 * MINUTE
        assert [each.reload for each in self.again(with_own(1, 2, now=now)).again] == [Window(now, now + LOAD + TEN)]

    def test_on_the_node_of_a_load_that_may_still_run_there(self) -> None:
        nodes: dict[str, Any] = {
            "management_nodes": [facts.node(1), facts.node(2)],
            "node_groups": {n: {facts.NODES} for n in (1, 2)},
        }
        on_site = with_own(1, 2, **nodes)
        assert [self.again(on_site, node).again[0].assignments[0].management_node.id for node in (1, 2)] == [1, 2]
        assert self.again(on_site, 3).again == []

    @pytest.mark.parametrize(
        "changes",
        [
            {"reservations": [facts.reservation(1, RELOAD_START - HOUR, RELOAD_START + MINUTE)]},
            {"claimed": frozenset({1})},
            {"management_nodes": [facts.node(last_checkin=NOW - HOUR)]},
            {"maintenances": [facts.maintenance(RELOAD_START - MINUTE, RELOAD_START + MINUTE)]},
        ],
        ids=["somebody has it", "somebody is about to", "no node is there", "site maintenance"],
    )
    def test_not_when_it_can_not_be_loaded(self, changes: dict[str, Any]) -> None:
        made = self.again(with_own(1, 2, **changes))
        assert made.again == []
        assert set(made.not_loaded) == {1}

    def test_a_member_has_reserved_it_in_the_class(self) -> None:
        """A reservation that joined the block, say: it is what the computer has to be loaded for."""
        member = facts.member()
        theirs = facts.own_reservation(member, 1)
        made = self.again(with_own(1, 2, members=[member], reservations=[theirs]))
        assert len(made.again) == 1
        on_site = with_own(1, 2, members=[member], reservations=[theirs])
        assert still_to_load(on_site, block(2), made.again).kept == made.again

    def test_somebody_has_reserved_it_in_the_class(self) -> None:
        assert self.again(with_own(1, 2, reservations=[facts.reservation(1)])).again == []

    def test_a_computer_that_the_block_time_no_longer_has(self) -> None:
        assert self.again(with_own(2)).again == []

    def test_what_was_planned_is_confirmed_again(self) -> None:
        on_site = with_own(1, 2)
        again = self.again(on_site).again
        assert still_to_load(on_site, block(2), again) == (again, {})
        taken = replace(on_site, reservations=[facts.reservation(1, START - HOUR, END)])
        kept, lost = still_to_load(taken, block(2), again)
        assert (kept, set(lost)) == ([], {1})


def test_only_what_both_want_is_left() -> None:
    first = Mending({1: given_up(1), 2: given_up(2)}, {3: None, 4: 7})
    second = Mending({2: given_up(2), 5: given_up(5)}, {4: 8, 6: None})
    assert first.only(second) == Mending({2: given_up(2)}, {4: 7})


# --- Properties -------------------------------------------------------------------------------------

FEWER = settings(PROFILE, max_examples=PROFILE.max_examples // 2)


@st.composite
def mendings(draw: st.DrawFn, case: Case) -> Mending:
    """Some of the computers that the block has are given up, others are to be loaded again."""
    own = {row.computer_id: row.image_id for row in case.site.block_computers if row.block_time_id == 500}
    fates = {id_: draw(st.sampled_from(["given up", "may return", "again", ""])) for id_ in own}
    gone = {id_: fate == "may return" for id_, fate in fates.items() if fate in ("given up", "may return")}
    return Mending(
        {id_: given_up(id_, own[id_], may_return=may_return) for id_, may_return in gone.items()},
        {id_: None for id_, fate in fates.items() if fate == "again"},
    )


@FEWER
@given(cases(), st.data())
def test_never_worse_off_and_nothing_begins_in_the_past(case: Case, data: st.DataObject) -> None:
    mending = data.draw(mendings(case))
    left = without_given_up(case.site, case.block, mending)
    made = make_plan(left, case.block, ignore_privileges=case.ignore_privileges, mending=mending)
    gone = exchanged(left, case.block, mending, made.machines)
    event(f"gone: {len(gone)} of {len(mending.given_up)}")
    _assert_windows(case, made)
    _assert_as_many_as_wanting_stay(case, mending, made, gone)
    own = {row.computer_id for row in left.block_computers if row.block_time_id == case.block.block_time_id}
    chosen = [taken.computer.id for machine in made.machines for taken in machine.assignments]
    again = [machine.assignments[0].computer.id for machine in made.again]
    assert len({*chosen, *own}) == len(chosen) + len(own)
    assert set(again) <= own & set(mending.again)
    assert not set(chosen) & mending.excluded


def _assert_windows(case: Case, made: Plan) -> None:
    for machine in (*made.machines, *made.again):
        assert machine.reload.start >= case.site.now
        if machine.reload.start == case.site.now and machine.adopted_request is None:
            assert machine.reload.end >= case.site.now + case.site.load_seconds + TEN
        if machine.adopted_request is None:
            assert machine.reload.end >= case.block.start


def _assert_as_many_as_wanting_stay(case: Case, mending: Mending, made: Plan, gone: dict[int, GivenUp]) -> None:
    """Of each image: what is left, what is new and what stays are as many as before, or as are wanted."""
    rows = [row for row in case.site.block_computers if row.block_time_id == case.block.block_time_id]
    before = Counter(row.image_id for row in rows)
    after = Counter(row.image_id for row in rows if row.computer_id not in gone)
    after.update(taken.image.id for machine in made.machines for taken in machine.assignments)
    needed = Counter(case.block.image_ids)
    for image_id in {each.image_id for each in mending.given_up.values()}:
        wanted = needed[image_id] * case.block.machines
        assert after[image_id] >= min(before[image_id], wanted)
        stay = [id_ for id_, each in mending.given_up.items() if each.image_id == image_id and id_ not in gone]
        assert not stay or after[image_id] <= wanted
