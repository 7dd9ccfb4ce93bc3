"""Properties of every plan, on random small sites."""

from collections.abc import Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from scheduling.confirmation import standing
from scheduling.facts import Computer, Fleet, Member, PrivilegeTree, Reservation, Site
from scheduling.machines import computers_by_image, whole_machines
from scheduling.plan import Machine as PlannedMachine
from scheduling.plan import Plan
from scheduling.planner import make_plan
from scheduling.privileges import Privileges
from scheduling.windows import schedule_covers
from tests.support.oracle import Answer, Machine, Oracle, Taken
from tests.support.oracle_rules import may_use_group, schedule_is_open
from tests.support.properties import PROFILE
from tests.support.sites import facts
from tests.support.sites.facts import GROUP
from tests.support.sites.random_facts import GROUPS, Case, cases, openings, shuffled, trees

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="sqlite")]

MOST = settings(PROFILE, max_examples=3 * PROFILE.max_examples)
QUARTER = 900


def planned(case: Case) -> Plan:
    """The plan of the case."""
    return make_plan(case.site, case.block, ignore_privileges=case.ignore_privileges)


def in_short(machine: PlannedMachine) -> Machine:
    """A planned machine in the form of the oracle's."""
    taken = (Taken(one.computer.id, one.image.id, one.management_node.id) for one in machine.assignments)
    return Machine(tuple(taken), machine.reload.start, machine.reload.end, machine.member.id, machine.adopted_request)


def computer_ids(machines: Sequence[PlannedMachine]) -> list[int]:
    """The computers of all machines."""
    return [one.computer.id for machine in machines for one in machine.assignments]


@MOST
@given(cases())
def test_the_plan_is_the_one_that_the_specification_describes(case: Case) -> None:
    result = planned(case)
    expected = Oracle(case.site, case.block, ignore_privileges=case.ignore_privileges).answer()
    event(f"machines: {len(expected.machines)}")
    event(f"adopted: {any(machine.request_id for machine in expected.machines)}")
    machines = [in_short(machine) for machine in result.machines]
    assert Answer(machines, result.had_before, result.allocated, result.late) == expected


PEOPLE = [facts.member(10), facts.member(11, groups={GROUP, GROUP + 1}), facts.member(12, owns={GROUP + 3})]


@MOST
@given(trees(PEOPLE), st.sampled_from(PEOPLE))
def test_access_is_what_the_specification_says(tree: PrivilegeTree, someone: Member) -> None:
    granted = Privileges(tree).granted_groups(someone)
    assert {group for group in GROUPS if may_use_group(tree, someone, group)} == granted & set(GROUPS)


@MOST
@given(openings())
def test_schedules_are_open_when_the_specification_says_so(
    opening: tuple[list[tuple[int, int]], int, int, ZoneInfo],
) -> None:
    assert schedule_covers(*opening) == schedule_is_open(*opening)


@PROFILE
@given(cases())
def test_no_computer_is_taken_twice(case: Case) -> None:
    ours = [row.computer_id for row in case.site.block_computers if row.block_time_id == case.block.block_time_id]
    taken = computer_ids(planned(case).machines) + ours
    assert len(taken) == len(set(taken))


@PROFILE
@given(cases())
def test_every_computer_is_free_for_the_whole_of_its_window(case: Case) -> None:
    for machine in planned(case).machines:
        for one in machine.assignments:
            assert_free(case, one.computer, machine)


def assert_free(case: Case, computer: Computer, machine: PlannedMachine) -> None:
    """No booking of others lies in [reload start, block end]."""
    start, end = machine.reload.start, case.block.end
    assert computer.id not in case.site.claimed
    for row in case.site.reservations:
        over = row.state_id in (5, 12, 19) or (row.state_id == 14 and row.last_state_id == 19)
        if row.computer_id == computer.id and not over and row.request_id != machine.adopted_request:
            assert row.end + QUARTER <= start or end + QUARTER <= row.start
    for own in case.site.block_computers:
        if own.computer_id == computer.id:
            assert own.end <= start or end <= own.reload_start


@PROFILE
@given(cases())
def test_each_computer_was_the_first_choice_of_the_candidates(case: Case) -> None:
    oracle = Oracle(case.site, case.block, ignore_privileges=case.ignore_privileges)
    for machine in planned(case).machines:
        oracle.making_start = machine.reload.start
        for one in machine.assignments:
            context = (one.image, machine.reload.start, machine.member, machine.adopted_request)
            assert not oracle.objections(one.computer, *context)
            if machine.adopted_request is None:
                rank = oracle.rank(one.computer, one.image, machine.member)
                for other in case.site.computers.values():
                    better = oracle.rank(other, one.image, machine.member) < rank
                    assert not better or oracle.objections(other, *context)
            oracle.making.append(Taken(one.computer.id, one.image.id, one.management_node.id))
        oracle.making = []
        oracle.machines.append(in_short(machine))


@PROFILE
@given(cases(plain=True), st.data())
def test_more_computers_never_give_fewer_machines(case: Case, data: st.DataObject) -> None:
    # VCL's reload requests belong to the reload user. One in a user's name would count as use of the image without
    # keeping anybody from the computer.
    reloads = {row.request_id for row in case.site.reservations if 19 in (row.state_id, row.last_state_id)}
    reservations = [
        row._replace(user_id=facts.RELOAD_USER) if row.request_id in reloads else row for row in case.site.reservations
    ]
    removed = data.draw(st.sets(st.sampled_from(sorted(case.site.computers)), min_size=1))
    gone = removed - {row.computer_id for row in reservations} - {row.computer_id for row in case.site.block_computers}
    all_of_them = replace(case.site, reservations=reservations)
    fewer = Fleet.of_rows(row for id_, row in case.site.computers.items() if id_ not in gone)
    before = make_plan(replace(all_of_them, computers=fewer), case.block, ignore_privileges=True)
    after = make_plan(all_of_them, case.block, ignore_privileges=True)
    assert after.allocated >= before.allocated


@PROFILE
@given(cases(), st.data())
def test_the_order_of_rows_does_not_matter(case: Case, data: st.DataObject) -> None:
    first, again = planned(case), planned(case)
    assert first == again
    other = planned(replace(case, site=data.draw(shuffled(case.site))))
    assert [in_short(machine) for machine in other.machines] == [in_short(machine) for machine in first.machines]
    assert (other.had_before, other.allocated, other.late) == (first.had_before, first.allocated, first.late)
    assert (other.stopped_by is None) == (first.stopped_by is None)


@PROFILE
@given(cases())
def test_a_computer_is_chosen_or_excluded_with_a_reason_never_both(case: Case) -> None:
    result = planned(case)
    assert not set(computer_ids(result.machines)) & set(result.excluded)
    assert all(str(reason) for reason in result.excluded.values())


@PROFILE
@given(cases())
def test_a_plan_stops_short_only_with_a_reason(case: Case) -> None:
    result = planned(case)
    short = result.allocated < result.wanted and (case.ignore_privileges or bool(case.site.members))
    assert (result.stopped_by is not None) == short


# --- standing: the confirmation of a plan ---------------------------------------------------------


def kept(case: Case, site: Site, machines: Sequence[PlannedMachine]) -> list[PlannedMachine]:
    """The machines that still stand on the facts of `site`."""
    return standing(site, case.block, machines, ignore_privileges=case.ignore_privileges).kept


@PROFILE
@given(cases())
def test_a_plan_stands_on_the_facts_that_it_was_made_on(case: Case) -> None:
    machines = planned(case).machines
    assert kept(case, case.site, machines) == list(machines)


@PROFILE
@given(cases(), st.data())
def test_machines_that_others_took_meanwhile_are_dropped_and_no_others(case: Case, data: st.DataObject) -> None:
    machines = planned(case).machines
    assume(machines)
    computer_id = data.draw(st.sampled_from(computer_ids(machines)))
    hit = next(machine for machine in machines if computer_id in computer_ids([machine]))
    changes = _changes(case, computer_id, hit)
    site, touched = changes[data.draw(st.integers(0, len(changes) - 1))]
    left = [machine for machine in machines if not (touched and machine == hit)]
    assert kept(case, site, machines) == (left if _gains_a_machine(case, left) else [])


def _gains_a_machine(case: Case, machines: Sequence[PlannedMachine]) -> bool:
    """Whether the block has more whole machines with these; parts of a cluster alone are none."""
    counts = computers_by_image(case.site, case.block)
    had = whole_machines(case.block.image_ids, counts)
    counts.update(assignment.image.id for machine in machines for assignment in machine.assignments)
    return whole_machines(case.block.image_ids, counts) > had


def _changes(case: Case, computer_id: int, hit: PlannedMachine) -> list[tuple[Site, bool]]:
    """What others may do to a planned computer, and whether it touches the machine: just so, and just not."""
    site, start, end = case.site, hit.reload.start, case.block.end
    reservations = [
        (facts.reservation(computer_id, end + QUARTER - 1, end + 3600, request_id=1), True),
        (facts.reservation(computer_id, end + QUARTER, end + 3600, request_id=1), False),
        (facts.reservation(computer_id, start - 3600, start - QUARTER + 1, request_id=1), True),
        (facts.reservation(computer_id, start - 3600, start - QUARTER, request_id=1), False),
        (facts.reservation(computer_id, start, end, request_id=1, state_id=19), False),
    ]
    block_computers = [
        (facts.block_computer(computer_id, end + 600, end + 1200, reload_start=end - 1), True),
        (facts.block_computer(computer_id, end + 600, end + 1200, reload_start=end), False),
        (facts.block_computer(computer_id, start - 60, start + 1), True),
        (facts.block_computer(computer_id, start - 60, start), False),
        (facts.own_block_computer(computer_id, 99, start=case.block.start, end=end), True),
    ]
    return [
        *((replace(site, reservations=[*site.reservations, row]), touched) for row, touched in reservations),
        *((replace(site, block_computers=[*site.block_computers, row]), touched) for row, touched in block_computers),
        (replace(site, claimed=site.claimed | {computer_id}), True),
    ]


@PROFILE
@given(cases(), cases())
def test_machines_that_still_stand_could_be_planned_anew(case: Case, meanwhile: Case) -> None:
    """Whatever others wrote, the machines that stand break no rule, with one another and with the new rows."""
    site = replace(
        case.site,
        reservations=[*case.site.reservations, *_moved(meanwhile)],
        block_computers=[
            *case.site.block_computers,
            *(h for h in meanwhile.site.block_computers if h.block_time_id != 500),
        ],
        claimed=meanwhile.site.claimed,
    )
    oracle = Oracle(site, case.block, ignore_privileges=case.ignore_privileges)
    for machine in kept(case, site, planned(case).machines):
        oracle.making_start = machine.reload.start
        for one in machine.assignments:
            context = (machine.reload.start, machine.member, machine.adopted_request)
            assert not oracle.objections(one.computer, one.image, *context)
            oracle.making.append(Taken(one.computer.id, one.image.id, one.management_node.id))
        oracle.making = []
        oracle.machines.append(in_short(machine))


def _moved(meanwhile: Case) -> list[Reservation]:
    """The reservations of another case, as further requests."""
    return [row._replace(request_id=row.request_id + 1000) for row in meanwhile.site.reservations]
