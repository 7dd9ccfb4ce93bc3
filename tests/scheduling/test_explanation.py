"""Reasons are true: when the cause of one is removed, and nothing else, the computer comes nearer to the block."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from hypothesis import assume, event, given
from hypothesis import strategies as st

from scheduling import one_computer
from scheduling.facts import Block, Computer, Fleet, Member, Site
from scheduling.funnel import GIVEN_UP, NOT_NEEDED, STAGES, funnel
from scheduling.occupancy import occupies
from scheduling.plan import Plan
from scheduling.planner import make_plan
from scheduling.reasons import Reason
from scheduling.reload_plan import staggered
from tests.support.properties import PROFILE
from tests.support.sites import facts
from tests.support.sites.facts import COMPUTERS, GROUP, IMAGES, NODES
from tests.support.sites.random_facts import Case, cases

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="sqlite")]

WHOLE_GROUP = COMPUTERS + 50  # a resource group that is mapped to everything that it is needed for
ENOUGH = 40  # machines: more than there are computers
MOST_STEPS = 60
# May be given again in the same words: the addition went to computers that come before this one.
AGAIN = ("no_computer", "host_memory")


# --- Remedies ---------------------------------------------------------------------------------
Remedy = Callable[[Case, Computer, Reason], Case]


def _site(case: Case, **changes: Any) -> Case:
    return replace(case, site=replace(case.site, **changes))


def _with(case: Case, computer: Computer) -> Fleet:
    """The computers of the case, and this one in the place of the one with its id."""
    return Fleet.of_rows({**case.site.computers, computer.id: computer}.values())


def _computer(case: Case, computer: Computer, **changes: Any) -> Case:
    return _site(case, computers=_with(case, computer._replace(**changes)))


def _into_group(case: Case, computer: Computer, **mapped: Any) -> Case:
    """Let it be in one more resource group, and that be mapped."""
    groups = {**case.site.group_computers}
    groups[WHOLE_GROUP] = groups.get(WHOLE_GROUP, frozenset()) | {computer.id}
    return _site(case, group_computers=groups, **mapped)


def _mapped(case: Case, computer: Computer, _reason: Reason) -> Case:
    mapped = {**case.site.mapped_groups}
    for group in (IMAGES, IMAGES + 1):
        mapped[group] = {*mapped.get(group, ()), WHOLE_GROUP}
    return _into_group(case, computer, mapped_groups=mapped)


def _live_node(case: Case, computer: Computer, _reason: Reason) -> Case:
    """A node that has just checked in, mapped to the computer."""
    mapped = {**case.site.mapped_groups, NODES + 50: frozenset({WHOLE_GROUP})}
    node = facts.node(50, last_checkin=case.site.now)
    there = {"management_nodes": [*case.site.management_nodes, node], "mapped_groups": mapped}
    return _into_group(case, computer, node_groups={**case.site.node_groups, 50: frozenset({NODES + 50})}, **there)


def _supported(case: Case, computer: Computer, reason: Reason) -> Case:
    engine, install_type = reason.figures
    types = {**case.site.install_types}
    types[int(str(engine))] = types.get(int(str(engine)), frozenset()) | {str(install_type)}
    return _site(case, install_types=types)


def _no_maintenance(case: Case, _computer: Computer, reason: Reason) -> Case:
    left = [each for each in case.site.maintenances if (each.start, each.end) != reason.figures]
    assert len(left) < len(case.site.maintenances)
    return _site(case, maintenances=left)


def _higher_limit(case: Case, _computer: Computer, reason: Reason) -> Case:
    """One more than are in use, for the image that is named."""
    in_use, _limit, name = reason.figures
    images = [
        image._replace(max_concurrent=int(str(in_use)) + 1) if image.name == name else image
        for image in case.block.images
    ]
    assert images != case.block.images
    return replace(case, block=replace(case.block, images=images))


def _granted(case: Case, computer: Computer, _reason: Reason) -> Case:
    """To all members: by a resource group that they may use."""
    for member in case.site.members:
        case = _granted_to(member, case, computer)
    return case


def _granted_to(member: Member, case: Case, computer: Computer) -> Case:
    tree = case.site.privileges
    node = 900  # below nothing, for nothing else
    holder = ("user", member.id)
    privileges = replace(
        tree,
        parents={**tree.parents, node: node},
        user_privileges={
            **tree.user_privileges,
            holder: {**tree.user_privileges.get(holder, {}), node: frozenset({"imageCheckOut"})},
        },
        resource_privileges={**tree.resource_privileges, WHOLE_GROUP: {node: frozenset({"available"})}},
    )
    return _into_group(case, computer, privileges=privileges)


def _always_open(case: Case, _computer: Computer, reason: Reason) -> Case:
    return _site(case, schedule_times={**case.site.schedule_times, int(str(reason.figures[0])): [(0, 10080)]})


def _without_request(case: Case, computer: Computer, reason: Reason) -> Case:
    left = [
        each
        for each in case.site.reservations
        if (each.request_id, each.start, each.end, each.computer_id) != (*reason.figures, computer.id)
        or not occupies(each)
    ]
    assert len(left) < len(case.site.reservations)
    return _site(case, reservations=left)


def _without_orphan(case: Case, computer: Computer, reason: Reason) -> Case:
    left = [
        each for each in case.site.orphans if (each.request_id, each.computer_id) != (reason.figures[0], computer.id)
    ]
    assert len(left) < len(case.site.orphans)
    return _site(case, orphans=left)


def _without_block_time(case: Case, computer: Computer, reason: Reason) -> Case:
    left = [
        each
        for each in case.site.block_computers
        if (each.block_time_id, each.reload_start, each.end, each.computer_id) != (*reason.figures, computer.id)
    ]
    assert len(left) < len(case.site.block_computers)
    return _site(case, block_computers=left)


def _host_in_use(case: Case, computer: Computer, _reason: Reason) -> Case:
    """Its VM host is there, and in the state of one."""
    host_id = computer.host_computer_id or 0
    host = case.site.computers.get(host_id, facts.host(host_id, ram=0))
    return _computer(case, host, state="vmhostinuse")


def _more_host_memory(case: Case, computer: Computer, reason: Reason) -> Case:
    """As much as is missing, by the reason's own figures."""
    name, left, needs = reason.figures
    host = case.site.computers[computer.host_computer_id or 0]
    assert host.hostname == name
    return _computer(case, host, ram=host.ram + int(str(needs)) - int(str(left)) + 1)


_fresh = count(5000)


def _one_more(case: Case, _computer: Computer, reason: Reason) -> Case:
    """Machines want whole clusters: another computer for the image that is named.

    Anybody may use it; it is the first choice for that image, and the last one for others.
    """
    image = next(image for image in case.block.images if image.name == reason.figures[0])
    engine = next((id_ for id_, types in case.site.install_types.items() if image.install_type in types), 0)
    computer = facts.computer(
        next(_fresh), platform_id=image.platform_id, provisioning_id=engine, schedule_id=77,
        revision_id=image.revision_id,
        ram=10**6, processors=image.min_processors, speed=image.min_speed, network=image.min_network,
    )  # fmt: skip
    case = _site(case, computers=_with(case, computer))
    case = _live_node(_mapped(case, computer, Reason("", "")), computer, Reason("", ""))
    case = _granted(case, computer, Reason("", ""))
    return _site(case, schedule_times={**case.site.schedule_times, 77: [(0, 10080)]})


REMEDIES: Mapping[str, Remedy] = {
    "not_deleted": lambda case, computer, _: _computer(case, computer, deleted=0),
    "has_schedule": lambda case, computer, _: _computer(case, computer, schedule_id=1),
    "platform": lambda case, computer, reason: _computer(case, computer, platform_id=reason.figures[1]),
    "memory": lambda case, computer, reason: _computer(case, computer, ram=reason.figures[4]),
    "processors": lambda case, computer, reason: _computer(case, computer, processors=reason.figures[4]),
    "speed": lambda case, computer, reason: _computer(case, computer, speed=reason.figures[4]),
    "network": lambda case, computer, reason: _computer(case, computer, network=reason.figures[4]),
    "usable_state": lambda case, computer, _: _computer(case, computer, state="available"),
    "on_a_host": lambda case, computer, _: _computer(case, computer, vm_host_id=1),
    "provisioning": _supported,
    "mapped": _mapped,
    "management_node": _live_node,
    "maintenance": _no_maintenance,
    "concurrent_use": _higher_limit,
    "granted": _granted,
    "schedule": _always_open,
    "free_now": lambda case, computer, _: _computer(case, computer, state="available"),
    "reservation": _without_request,
    "other_block": _without_block_time,
    "orphaned_reload": _without_orphan,
    "semaphore": lambda case, computer, _: _site(case, claimed=case.site.claimed - {computer.id}),
    "host_state": _host_in_use,
    "host_memory": _more_host_memory,
    "no_computer": _one_more,
}


def test_each_rule_has_a_remedy_and_words() -> None:
    assert STAGES.keys() - REMEDIES.keys() == {"own", "no_time", NOT_NEEDED, GIVEN_UP}


def _planned(case: Case) -> Plan:
    return make_plan(case.site, case.block, ignore_privileges=case.ignore_privileges)


def _inside(case: Case, made: Plan) -> set[int]:
    before = {each.computer_id for each in case.site.block_computers if each.block_time_id == case.block.block_time_id}
    return before | {one.computer.id for machine in made.machines for one in machine.assignments}


def _why(case: Case, made: Plan, computer_id: int) -> Reason:
    return made.excluded.get(computer_id, made.default_reason)


@PROFILE
@given(cases(), st.data())
def test_removing_each_reason_ends_with_the_computer_in_the_block(case: Case, data: st.DataObject) -> None:
    assume(case.site.members or case.ignore_privileges)  # else the call is refused
    # A computer that may have failed lately comes after all others, also those that are added here: no obstacle.
    case = _site(replace(case, block=replace(case.block, machines=ENOUGH)), recent_failures=None)
    made = _planned(case)
    outside = sorted(case.site.computers.keys() - _inside(case, made))
    assume(outside)
    id_ = data.draw(st.sampled_from(outside))
    reasons: list[Reason] = []
    while id_ not in _inside(case, made):
        reason = _why(case, made, id_)
        assert reason not in reasons or reason.rule in AGAIN, f"repeated: {reason}, after {reasons}"
        assert len(reasons) < MOST_STEPS, reasons
        reasons.append(reason)
        case = REMEDIES[reason.rule](case, case.site.computers[id_], reason)
        made = _planned(case)
    event(f"obstacles: {len(reasons)}")
    for reason in reasons:
        event(reason.rule)


@PROFILE
@given(cases(), st.data())
def test_stages_add_up_to_the_block(case: Case, data: st.DataObject) -> None:
    made = _planned(case)
    inside = _inside(case, made)
    lost: dict[str, int] = {}
    for id_ in case.site.computers.keys() - inside:
        rule = _why(case, made, id_).rule
        lost[rule] = lost.get(rule, 0) + 1
    stages = funnel(len(case.site.computers), lost)
    left = len(case.site.computers)
    for stage in stages:
        assert stage.left == left - stage.lost
        left = stage.left
    assert left == len(inside)
    order = list(STAGES)
    assert [stage.rule for stage in stages] == sorted(lost, key=order.index)


# --- One computer -----------------------------------------------------------------------------
@PROFILE
@given(cases())
def test_one_computer_gets_the_reason_that_the_plan_gave(case: Case) -> None:
    """One image, one machine wanted: the windows are the same."""
    assume(case.site.members or case.ignore_privileges)
    image = case.block.images[0]
    block = replace(case.block, images=[image], machines=1)
    made = make_plan(case.site, block, ignore_privileges=case.ignore_privileges)
    assume(made.had_before == 0 and not any(machine.adopted_request for machine in made.machines))
    # A member's own reservation is looked at in a window of its own before the plan turns to anybody.
    own = {each.computer_id for each in case.site.reservations if each.user_id in {m.id for m in case.site.members}}
    chosen = {one.computer.id for machine in made.machines for one in machine.assignments}
    before = _inside(replace(case, block=block), made) - chosen
    for computer in case.site.computers.values():
        (verdict,) = one_computer.judge(case.site, block, computer, made, ignore_privileges=case.ignore_privileges)
        if computer.id in chosen:
            assert verdict.against == ()
        elif computer.id not in own | before:
            reason = _why(replace(case, block=block), made, computer.id)
            if not verdict.against:
                assert reason.rule == NOT_NEEDED or made.default_reason.rule == "concurrent_use", reason
            elif reason.rule == "granted":  # in other words here, and after the limits of an image
                assert "granted" in [each.rule for each in verdict.against]
            elif reason.rule != NOT_NEEDED:
                assert verdict.against[0].rule == reason.rule, (verdict.against, reason)
                assert verdict.against[0] == reason or reason.rule == "concurrent_use"


def test_one_computer_gets_every_reason_against_it() -> None:
    computer = facts.computer(ram=1, state="failed", schedule_id=facts.CLOSED_SCHEDULE)
    site = facts.site(
        [computer, facts.computer(2)],
        members=[facts.member(10)],
        reservations=[facts.reservation(1)],
        block_computers=[facts.block_computer(1), facts.block_computer(2, image_id=1)],
        maintenances=[facts.maintenance(facts.START, facts.END)],
        claimed=frozenset({1}),
    )
    image = facts.image(max_concurrent=1)
    block = facts.block(images=[image])
    made = make_plan(site, block, ignore_privileges=False)
    (verdict,) = one_computer.judge(site, block, computer, made, ignore_privileges=False)
    assert [reason.rule for reason in verdict.against] == [
        "memory", "usable_state", "maintenance", "concurrent_use", "granted", "schedule", "reservation", "other_block",
        "semaphore",
    ]  # fmt: skip
    assert (verdict.rank, verdict.candidates, verdict.granted_to, verdict.members) == (0, 1, 0, 1)
    assert [reason.rule for reason in verdict.against] == sorted(
        (reason.rule for reason in verdict.against), key=list(STAGES).index
    )


def test_a_limit_that_does_not_count_for_one_member_is_no_reason() -> None:
    """For a member of the other block's group, the computers of that block do not count."""
    image = facts.image(max_concurrent=1)
    members = [facts.member(10), facts.member(11, groups={GROUP, GROUP + 1})]
    site = facts.site(
        [facts.computer(1), facts.computer(2)], members=members, privileges=facts.open_tree(),
        block_computers=[facts.block_computer(2, image_id=1)],
    )  # fmt: skip
    block: Block = facts.block(images=[image])
    made = make_plan(site, block, ignore_privileges=False)
    (verdict,) = one_computer.judge(site, block, site.computers[1], made, ignore_privileges=False)
    assert made.allocated == 1
    assert verdict.against == ()


def test_a_cluster_is_judged_image_by_image() -> None:
    small, large = facts.image(1), facts.image(2, min_ram=4096)
    site: Site = facts.site()
    block = facts.block(images=[small, large, small])
    made = make_plan(site, block, ignore_privileges=True)
    first, second = one_computer.judge(site, block, site.computers[1], made, ignore_privileges=True)
    assert (first.against, first.rank, first.members) == ((), 1, 0)
    assert [reason.rule for reason in second.against] == ["memory"]


def test_the_window_is_that_of_the_first_machine() -> None:
    start = staggered(facts.START, facts.LOAD, 0).start
    site = facts.site(reservations=[facts.reservation(1, start - 1000, start - 900)])
    block = facts.block()
    made = make_plan(site, block, ignore_privileges=True)
    (verdict,) = one_computer.judge(site, block, site.computers[1], made, ignore_privileges=True)
    assert verdict.against == ()
    site = replace(site, reservations=[facts.reservation(1, start - 1000, start - 899)])
    (verdict,) = one_computer.judge(site, block, site.computers[1], made, ignore_privileges=True)
    assert [reason.rule for reason in verdict.against] == ["reservation"]
