"""Random cases with a fault of the reference: they keep the invariants. And the invariants see such faults.

Also effects of the same decisions elsewhere: two sites on which the reference does less, or too much.
"""

import copy
from dataclasses import replace

import pytest
import time_machine
from pytest_django import Settings

from tests.golden import tables
from tests.golden.decided import wanted_by
from tests.golden.replay import Made, Scenario, differences, now_of, play
from tests.support import invariants
from tests.support.recorded import (
    CASES,
    RIGHT,
    TAGGED,
    broken,
    change_of,
    completed,
    no_rows_but_the_cases,  # noqa: F401 - a fixture
    nothing,
    success,
    taken,
)

pytestmark = pytest.mark.django_db(transaction=True)

RANDOM = [name for name in TAGGED if name.startswith("random-")]
# "Decided: the next member is tried": machines that each call must answer, those recorded in the comment.
MORE_MACHINES = {
    "random-0014": [3, 1],  # 1, 1
    "random-0018": [3],  # 2
    "random-0048": [6, 6],  # 4, 6: completed by the first call
    "random-0050": [1, None, 1],  # 1, error 11, 0
    "random-0051": [2],  # 1; a third is another block's, without a reload: from 13 minutes before that one begins
}
# Rules that the reference broke, by the cases in which it did.
BROKEN = {
    "no_more_than_wanted": "adopt-completes-0 adopt-repeat-0 adopt-too-many-0 cluster-fraction-0 random-0059",
    "no_computer_twice": "block-before-reload-0 caller-in-group-0",
    "within_maxconcurrent": "cluster-sub-maxconcurrent-0 maxconcurrent-group-exempt-0 random-0027",
    "hosts_not_over_committed": "vmhost-overcommit-0",
    "reservations_respected": "adopt-running-0 random-0051",
    "reload_times": "adopt-other-computer-0 adopt-with-privileges-0 dst-gap-0 random-0033 random-0046 random-0059",
    "everything_belongs_together": "adopt-lost-rows-0 caller-in-group-repeat-0",
    "true_numbers": "adopt-completes-0 cluster-fraction-0 machines-changed-0 random-0032 random-0054",
    "nothing_else_changed": "maintenance-running-0",
}


def allocated(answer: object) -> object:
    """`allocated` of an answer, None when it has none."""
    return answer.get("allocated") if isinstance(answer, dict) else None


@pytest.mark.parametrize("name", RANDOM)
def test_random_case(name: str) -> None:
    calls = play(CASES[name])
    assert broken(CASES[name], calls) == []
    if name in MORE_MACHINES:
        assert [allocated(made.answer) for made in calls] == MORE_MACHINES[name]
    if "more machines than asked for" in CASES[name]["reference_bug"]:
        last = calls[-1]
        assert last.answer == completed(wanted_by(last.params[0], last.before))
        assert calls[-1].before == calls[-1].after


def test_a_block_computer_without_a_reload_is_occupied_from_the_time_of_its_load() -> None:
    """Computer 51 is another block's at 9:19, with an image that loads in 25 minutes: it is occupied from 8:44 on."""
    (made,) = play(CASES["random-0049"])
    assert broken(CASES["random-0049"], [made]) == []
    assert made.answer == success(2)
    assert taken(made) == [53, 62]


def test_each_decided_random_case_has_its_machines() -> None:
    decided = {name for name in RANDOM if CASES[name]["reference_bug"].startswith("decided")}
    assert decided == set(MORE_MACHINES)


# --- the invariants themselves ------------------------------------------------------------------


def as_recorded(name: str) -> list[str]:
    """The invariants that the recorded calls of a case broke."""
    case = CASES[name]
    zone = case["time_zone"]
    broken_rules: list[str] = []
    with time_machine.travel(now_of(case), tick=False):
        tables.load(case["tables"], zone)
        for number, call in enumerate(case["calls"]):
            tables.change(call.get("before", {}), zone)
            before, expect = tables.read(), call["expect"]
            written = {"insert": "new_rows", "update": "changed", "delete": "removed"}
            tables.change({how: expect.get(key) or {} for how, key in written.items()}, zone)
            answer = expect.get("response")
            made = Made(number, call["method"], call["params"], expect, answer, before, tables.read())
            broken_rules += invariants.broken(change_of(case, made))
    return broken_rules


@pytest.mark.parametrize(("rule", "names"), BROKEN.items())
def test_an_invariant_sees_the_faults_of_the_reference(rule: str, names: str) -> None:
    for name in names.split():
        assert any(text.startswith(f"{rule}: ") for text in as_recorded(name)), name


def test_an_invariant_sees_planned_reloads_that_come_too_late_or_too_early(settings: Settings) -> None:
    settings.VCL_RELOAD_POLICY = "ready"
    case = CASES["random-0018"]
    made = play(case)[0]
    change = replace(change_of(case, made), policy="ready")
    assert invariants.broken(change) == []
    assert change.new
    request = next(row for row in change.new_requests if row["id"] == change.new[0].request_id)
    start, end = request["start"], request["end"]
    for column, wrong in (("start", end), ("start", "2001-01-01 00:00:00"), ("end", start)):
        rows = copy.deepcopy(made.after)
        next(row for row in rows["request"] if row["id"] == request["id"])[column] = wrong
        assert list(invariants.reloads_in_time(replace(change, after=rows)))


@pytest.mark.parametrize("name", [name for name in RIGHT if name.startswith("random-")][::4])
def test_no_invariant_is_broken_by_a_right_recording(name: str) -> None:
    assert as_recorded(name) == []


# --- the same decisions elsewhere ---------------------------------------------------------------


def changed(name: str) -> Scenario:
    """A recorded site, to be changed."""
    case = copy.deepcopy(CASES[name])
    del case["calls"][1:]
    return case


def test_a_silent_management_node_costs_no_attempt() -> None:
    # By size: two computers of a live node, two of a node in maintenance, two of one silent for an hour,
    # then two more of a live node. The reference has spent its four attempts by then, with two machines.
    case = changed("mn-checkin-0")
    case["tables"]["blockRequest"][0]["numMachines"] = 4
    by_size = sorted(case["tables"]["computer"], key=lambda row: row["RAM"])
    assert [row["id"] for row in by_size][:8] == [10, 11, 20, 21, 16, 17, 12, 13]
    (made,) = play(case)
    assert made.answer == success(4)
    assert taken(made) == [10, 11, 12, 13]
    assert broken(case, [made]) == []


def test_a_node_silent_for_five_minutes_gets_nothing() -> None:
    case = changed("basic-0")
    (node,) = case["tables"]["managementnode"]
    node["lastcheckin"] = "2026-03-02 07:55:01"
    assert differences(case, play(case)) == []
    node["lastcheckin"] = "2026-03-02 07:55:00"
    (made,) = play(case)
    assert made.answer == nothing(4)


def test_memory_of_machines_chosen_in_the_same_call_counts() -> None:
    # A host of 16384 MB with eight empty VMs, an image of 2048 MB: the eighth would leave nothing.
    # The reference looks at what is loaded now, and takes all eight.
    case = changed("vmhost-overcommit-0")
    rows = case["tables"]
    host = next(row for row in rows["computer"] if row["stateid"] == invariants.HOST_IN_USE)
    image = next(row for row in rows["image"] if row["id"] == 10)
    host["RAM"], image["minram"] = 16384, 2048
    rows["blockRequest"][0]["numMachines"] = 8
    for id_ in (17, 18):
        _add_like_the_last(rows["computer"], id=id_, hostname=f"vm{id_}", RAM=4000 + id_)
        _add_like_the_last(rows["resource"], id=1000 + id_, subid=id_)
        _add_like_the_last(rows["resourcegroupmembers"], resourceid=1000 + id_)
    (made,) = play(case)
    assert made.answer == success(7, 1)
    assert taken(made) == [11, 12, 13, 14, 15, 16, 17]
    assert broken(case, [made]) == []


def test_memory_of_reloads_planned_before_counts() -> None:
    # Two of 3000 MB fit on the host: a second block at the same hours gets none, one on another day does.
    case = changed("vmhost-overcommit-0")
    rows = case["tables"]
    for id_, day in ((11, "02"), (12, "03")):
        _add_like_the_last(rows["blockRequest"], id=id_, expireTime="2026-03-03 16:00:00")
        times = {"start": f"2026-03-{day} 14:00:00", "end": f"2026-03-{day} 16:00:00"}
        _add_like_the_last(rows["blockTimes"], id=id_, blockRequestid=id_, **times)
        case["calls"].append({**case["calls"][0], "params": [id_, 1]})
    calls = play(case)
    assert [made.answer for made in calls] == [success(2, 3), nothing(5), success(2, 3)]
    assert broken(case, calls) == []


def _add_like_the_last(rows: list[tables.Row], **values: object) -> None:
    rows.append({**rows[-1], **values})
