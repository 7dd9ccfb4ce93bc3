"""The findings of a decision record about each computer are read as they were written, whatever the site."""

import json
import zlib
from collections.abc import Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from blockalloc.store.decisions import RosterOf
from blockalloc.store.findings import (
    Chosen,
    Findings,
    changed_ids,
    decode,
    decode_changes,
    decode_chosen,
    encode,
)
from scheduling.facts import Computer, Fleet, Site
from scheduling.funnel import NOT_NEEDED, STAGES, funnel
from scheduling.plan import Machine, Plan
from scheduling.planner import make_plan
from scheduling.reasons import Instant, Reason
from tests.support.properties import PROFILE
from tests.support.sites import facts
from tests.support.sites.random_facts import Case, cases

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="mariadb")]

COMPUTERS = 10_000


def _kept(site: Site, made: Plan, own: Sequence[int] = (), lost: dict[int, Reason] | None = None) -> Findings:
    """The findings, written and read again."""
    ids = RosterOf.site(site.computers).computer_ids
    return decode(encode(ids, made, made.machines, own, lost or {}), ids)


def _own(case: Case) -> list[int]:
    return [row.computer_id for row in case.site.block_computers if row.block_time_id == case.block.block_time_id]


def _chosen(machines: Sequence[Machine]) -> list[Chosen]:
    return [
        Chosen(
            one.computer.id, one.image.id, machine.reload.start, one.management_node.id, machine.member.name,
            machine.adopted_request or 0, one.computer.revision_id == one.image.revision_id,
        )
        for machine in machines
        for one in machine.assignments
    ]  # fmt: skip


@PROFILE
@given(cases(), st.data())
def test_every_computer_is_there_once_with_its_reason_in_the_plan(case: Case, data: st.DataObject) -> None:
    made = make_plan(case.site, case.block, ignore_privileges=case.ignore_privileges)
    ids = sorted(case.site.computers)
    lost = {
        id_: Reason("semaphore", "somebody is reserving it at this moment")
        for id_ in data.draw(st.lists(st.sampled_from(ids), max_size=1))
    }
    own = _own(case)
    findings = _kept(case.site, made, own, lost)
    inside = {*own, *(each.computer_id for each in findings.chosen)}
    event(f"reasons: {len(findings.reasons)}")
    assert findings.chosen == _chosen(made.machines)
    assert set(findings.before) == set(own) - {each.computer_id for each in findings.chosen}
    assert {id_: findings.reason_of(id_) for id_ in ids} == {
        id_: None if id_ in inside else {**made.excluded, **lost}.get(id_, made.default_reason) for id_ in ids
    }
    assert {id_: reason for reason, computers in findings.by_reason().items() for id_ in computers} == {
        id_: findings.reason_of(id_) for id_ in ids if id_ not in inside
    }
    assert sum(findings.lost().values()) == len(ids) - len(inside)
    stages = funnel(len(ids), findings.lost())
    assert (stages[-1].left if stages else len(ids)) == len(inside)
    assert {stage.rule for stage in stages} <= STAGES.keys()  # each in the order of the rules, with words of its own


@PROFILE
@given(cases())
def test_reasons_keep_their_times_and_figures(case: Case) -> None:
    made = make_plan(case.site, case.block, ignore_privileges=case.ignore_privileges)
    findings = _kept(case.site, made)
    for id_, reason in made.excluded.items():
        kept = findings.reason_of(id_)
        assert kept is not None
        assert kept.describe(case.site.zone) == reason.describe(case.site.zone)
        assert [type(figure) for figure in kept.figures] == [type(figure) for figure in reason.figures]


def test_figures_of_all_kinds() -> None:
    """A text beside numbers, none at all, and no number where others have one."""
    reasons = {
        1: Reason("provisioning", "engine {} does not support {}", (None, "vmware")),
        2: Reason("provisioning", "engine {} does not support {}", (7, "vmware")),
        3: Reason("provisioning", "engine {} does not support {}", (7, "Kernel-VM „ü“")),
        4: Reason("maintenance", "from {} to {}", (Instant(61), Instant(10**9 + 1))),
        5: Reason("on_a_host", "it has no host"),
        6: Reason("memory", "{} below {}", (-5, 0)),
        7: Reason("memory", "{} below {}", (-5, 0)),
    }
    site = facts.site([facts.computer(id_) for id_ in range(1, 9)])
    made = replace(make_plan(site, facts.block(), ignore_privileges=True), machines=[], excluded=reasons)
    findings = _kept(site, made)
    assert {id_: str(findings.reason_of(id_)) for id_ in reasons} == {id_: str(each) for id_, each in reasons.items()}
    assert findings.of_reason[6] == findings.of_reason[7]
    assert findings.reason_of(8) == made.default_reason
    assert (findings.reason_of(4) or made.default_reason).describe(
        site.zone
    ) == "from 1970-01-01 00:01 to 2001-09-09 01:46"


def test_the_booking_that_a_reason_is_about_is_kept() -> None:
    """Also where a request and a block time have the same number."""
    site = facts.site(
        [facts.host(9, hostname="esx9", ram=1), *(facts.vm(id_, 9) for id_ in (1, 2, 3))],
        reservations=[facts.reservation(1, request_id=77)],
        block_computers=[facts.block_computer(2, block_time_id=77)],
    )
    made = make_plan(site, facts.block(1, images=[facts.vmware_image(min_ram=2048)]), ignore_privileges=True)
    findings = _kept(site, made)
    for kept in (made.excluded, {id_: findings.reason_of(id_) or made.default_reason for id_ in (1, 2, 3, 9)}):
        subjects = {id_: (each.kind, each) if (each := reason.about) else None for id_, reason in kept.items()}
        assert subjects == {1: ("request", 77), 2: ("block time", 77), 3: ("VM host", "esx9"), 9: None}
    assert (findings.reason_of(1) or made.default_reason).times == [facts.START, facts.END]


def test_a_record_of_an_earlier_version_is_read() -> None:
    """Its figures are numbers, instants and texts, without the booking that they are about."""
    document = {
        "texts": [
            ["not_needed", "not needed: enough machines were found before its turn", ""],
            ["reservation", "reserved by request {} from {} to {}", "ntt"],
            ["host_memory", "VM host {} has {} MB left for {} MB", "snn"],
        ],
        "reasons": [[1], [2, [1, 7, 2], [60, 1, 1], [60, 10, 0]], [1, ["esx9"], [1, -5], [1, 2048]]],
        "of": [0, 1, 2, 3, 4, 5],
        "chosen": [[1, 1, 600, 3, "user11", 0, 0]],
    }
    data = zlib.compress(json.dumps(document).encode())
    findings = decode(data, range(1, 7))
    words = [reason.describe(ZoneInfo("UTC")) if (reason := findings.reason_of(id_)) else None for id_ in range(1, 7)]
    assert words == [
        None,
        None,
        "not needed: enough machines were found before its turn",
        "reserved by request 7 from 1970-01-01 00:01 to 1970-01-01 00:10",
        "reserved by request 9 from 1970-01-01 00:02 to 1970-01-01 00:10",
        "VM host esx9 has -5 MB left for 2048 MB",
    ]
    assert findings.before == [2]
    assert findings.chosen == decode_chosen(data) == [Chosen(1, 1, 600, 3, "user11", 0, False)]
    assert {reason.about for reason in findings.reasons} == {None}


def test_the_computers_that_were_given_up_are_kept() -> None:
    made = make_plan(facts.site(computers=[facts.computer(1)]), facts.block(), ignore_privileges=True)
    reason = Reason("given_up", "given up: it {}", ("failed to load",))
    data = encode([1, 7], made, made.machines, [], {7: reason}, given_up=[7])
    assert decode(data, [1, 7]).reason_of(7) == reason
    assert decode_changes(data).given_up == [7]
    assert [each.computer_id for each in decode_changes(data).chosen] == [1]


def test_a_computer_that_was_not_there_has_no_reason() -> None:
    findings = _kept(facts.site(), make_plan(facts.site(), facts.block(), ignore_privileges=True))
    assert findings.reason_of(99) is None


def test_computers_that_were_not_needed_are_one_reason() -> None:
    site = facts.site([facts.computer(id_) for id_ in range(1, 40)])
    findings = _kept(site, make_plan(site, facts.block(2), ignore_privileges=True))
    assert findings.lost() == {NOT_NEEDED: 37}
    assert [each.computer_id for each in findings.chosen] == [1, 2]


# --- How large --------------------------------------------------------------------------------
def _all_reserved() -> Site:
    """Each by a request of its own, in an order unrelated to that of the computers."""
    computers = [facts.computer(id_) for id_ in range(1, COMPUTERS + 1)]
    reserved = [
        facts.reservation(
            id_, facts.RELOAD_START - id_ * 7919 % COMPUTERS // 14 * 60, facts.END, request_id=9000 + id_ * 7919 % 10000
        )
        for id_ in range(1, COMPUTERS + 1)
    ]
    return facts.site(computers, reservations=reserved)


def _each_with_its_own_memory() -> Site:
    return facts.site([facts.computer(id_, ram=id_ * 7919 % 2047) for id_ in range(1, COMPUTERS + 1)])


@pytest.mark.parametrize(
    ("site", "most"),
    [(_all_reserved, 30_000), (_each_with_its_own_memory, 25_000), (lambda: facts.site(_free()), 2_000)],
    ids=["a reservation each", "a memory each", "all free"],
)
def test_ten_thousand_computers_take_few_bytes(site: object, most: int) -> None:
    assert callable(site)
    there: Site = site()
    made = make_plan(there, facts.block(70), ignore_privileges=True)
    ids = sorted(there.computers)
    assert len(encode(ids, made, made.machines, [], {})) < most


def _free() -> list[facts.Computer]:
    return [facts.computer(id_) for id_ in range(1, COMPUTERS + 1)]


# --- Names ------------------------------------------------------------------------------------
def _roster(*computers: Computer) -> RosterOf:
    return RosterOf.site(Fleet.of_rows(computers))


def test_a_roster_is_another_one_when_a_name_or_the_set_is() -> None:
    """And only then: states, sizes and the order of rows do not matter."""
    one, two = facts.computer(1), facts.computer(2)
    usual = _roster(one, two)
    assert _roster(two._replace(state="failed", ram=1), one).id == usual.id
    others = [
        _roster(one),
        _roster(one, two._replace(hostname="other")),
        _roster(one, two._replace(id=3)),
        _roster(two._replace(id=1), one._replace(id=2)),
    ]
    assert len({usual.id, *(each.id for each in others)}) == 5
    assert all(0 <= each.id < 2**63 for each in (usual, *others))


def test_the_computers_that_changed_are_read_without_the_rest() -> None:
    made = make_plan(facts.site(computers=[facts.computer(1)]), facts.block(), ignore_privileges=True)
    reason = Reason("given_up", 'it has ,"chosen":[9] in its notes: {}', (',"chosen":[[9]]',))
    data = encode([1, 7], made, made.machines, [], {7: reason}, given_up=[7])
    assert changed_ids(data) == ([1], [7])
    assert decode_changes(data).given_up == [7]
    # Records of earlier versions know of none that was given up; and a document may have another order.
    for document in ({"of": [0], "chosen": [[5, 1]]}, {"chosen": [[5, 1]], "of": [0]}):
        assert changed_ids(zlib.compress(json.dumps(document, separators=(",", ":")).encode())) == ([5], ())
        assert changed_ids(zlib.compress(json.dumps(document).encode())) == ([5], ())
