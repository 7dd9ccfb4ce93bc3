"""The right results where the recorded behaviour is a fault: an expectation by hand for every tagged case."""

import copy
from collections.abc import Iterator

import pytest

from tests.golden.decided import OTHERWISE
from tests.golden.replay import Made, Scenario, differences, play
from tests.support.recorded import (
    CASES,
    TAGGED,
    answers,
    broken,
    completed,
    error,
    no_rows_but_the_cases,  # noqa: F401 - a fixture
    nothing,
    reloads,
    reserved_by,
    success,
    taken,
    wrote_nothing,
)

pytestmark = pytest.mark.django_db(transaction=True)

DECIDED: set[str] = set()


def decides(*names: str) -> pytest.MarkDecorator:
    """Mark a test as the expectation of these cases; it gets the calls of each."""
    DECIDED.update(names)
    return pytest.mark.parametrize("calls", names, indirect=True)


@pytest.fixture
def case(request: pytest.FixtureRequest) -> Scenario:
    """The case of the test."""
    return CASES[request.node.callspec.params["calls"]]


@pytest.fixture
def calls(request: pytest.FixtureRequest) -> Iterator[list[Made]]:
    """The calls of a case, made. None breaks an invariant."""
    made = play(CASES[request.param])
    yield made
    assert broken(CASES[request.param], made) == []


def test_no_case_is_forgotten() -> None:
    by_hand = {*TAGGED, *OTHERWISE}
    assert {name for name in by_hand if not name.startswith("random-")} == DECIDED  # those are in test_decisions_random


# --- adoption -----------------------------------------------------------------------------------


@decides("adopt-other-computer-0", "adopt-repeat-0")
def test_the_reserved_computer_joins_and_a_repeat_finds_it(case: Scenario, calls: list[Made]) -> None:
    (reserved,) = reserved_by(case, 110)
    smallest = 10
    assert answers(calls) == [success(2), *[completed(2)] * (len(calls) - 1)]
    assert taken(calls[0]) == sorted([smallest, reserved])
    # The adopted one begins 5 minutes before its load time, the other 10.
    assert reloads(calls[0]) == [
        (smallest, "2026-03-02 13:40:00", "2026-03-02 14:00:00"),
        (reserved, "2026-03-02 13:45:00", "2026-03-02 14:00:00"),
    ]
    assert all(map(wrote_nothing, calls[1:]))


@decides("adopt-completes-0")
def test_reservations_alone_complete_the_block(case: Scenario, calls: list[Made]) -> None:
    assert answers(calls) == [success(1), completed(1)]
    assert taken(calls[0]) == reserved_by(case, 110)
    assert wrote_nothing(calls[1])


@decides("adopt-too-many-0")
def test_no_more_are_adopted_than_wanted(case: Scenario, calls: list[Made]) -> None:
    assert answers(calls) == [success(1), completed(1)]
    assert taken(calls[0]) == reserved_by(case, 110)  # of two that begin at once, the older request
    assert wrote_nothing(calls[1])


@decides("adopt-lost-rows-0")
def test_each_reservation_is_adopted_once(case: Scenario, calls: list[Made]) -> None:
    assert answers(calls) == [success(4)]
    adopted = reserved_by(case, 110, 112)  # that of user 111 has begun
    assert taken(calls[0]) == sorted([10, 13, *adopted])
    assert [span[0] for span in reloads(calls[0]) if span[1] == "2026-03-02 09:45:00"] == adopted


@decides("adopt-running-0")
def test_a_reservation_that_has_begun_is_not_adopted(case: Scenario, calls: list[Made]) -> None:
    assert answers(calls) == [success(3), completed(3)]
    assert taken(calls[0]) == [10, 11, 12]
    assert not set(taken(calls[0])) & set(reserved_by(case, 110, 111))


@decides("adopt-with-privileges-0")
def test_a_reserved_computer_without_access_stays_out(case: Scenario, calls: list[Made]) -> None:
    # Only user 110 has access, to 12, 13 and 14: neither member to the computer that they reserved.
    assert answers(calls) == [success(3)]
    assert taken(calls[0]) == [12, 13, 14]
    assert not set(taken(calls[0])) & set(reserved_by(case, 110, 111))


# --- blocks beside each other -------------------------------------------------------------------


@decides("block-before-reload-0")
def test_a_reload_keeps_other_blocks_off(calls: list[Made]) -> None:
    assert answers(calls) == [success(1), nothing(1)]
    assert taken(calls[0]) == [10]
    assert wrote_nothing(calls[1])


@decides("other-blocks-0")
def test_a_block_computer_without_a_reload_is_occupied_from_the_time_of_its_load(calls: list[Made]) -> None:
    # The image loads in 10 minutes: the computer of the block at 15:00 is occupied from 14:40 on, not from 15:00.
    assert answers(calls) == [success(3, 6)]
    assert taken(calls[0]) == [11, 17, 18]


@decides("block-status-0")
def test_blocks_that_must_not_be_processed_are_refused(calls: list[Made]) -> None:
    *refused, processed = calls
    assert [made.answer["errorcode"] for made in refused] == [203, 203, 203, 203, 202]
    assert all(map(wrote_nothing, refused))
    assert processed.answer == success(1)  # `processed` is set before the call is made
    assert taken(processed) == [10]


@decides("caller-in-group-0", "caller-in-group-repeat-0")
def test_the_caller_has_no_influence(case: Scenario, calls: list[Made]) -> None:
    used = {row["computerid"] for row in case["tables"]["blockComputers"]}
    free = {"caller-in-group-0": [14], "caller-in-group-repeat-0": [11]}[case["name"]]
    assert taken(calls[0]) == free
    assert used.isdisjoint(free)
    assert answers(calls) == [success(len({*used, *free}) if case["name"] == "caller-in-group-repeat-0" else 1)]


@decides("machines-changed-0")
def test_a_block_with_more_than_wanted_is_completed(calls: list[Made]) -> None:
    assert answers(calls) == [success(3), completed(2), success(5)]
    assert [taken(made) for made in calls] == [[10, 11, 12], [], [13, 14]]


@decides("empty-group-completed-0")
def test_a_complete_block_needs_no_members(calls: list[Made]) -> None:
    assert answers(calls) == [success(1), completed(1)]
    assert wrote_nothing(calls[1])


@decides("maxconcurrent-group-exempt-0")
def test_a_block_counts_its_own_computers(case: Scenario, calls: list[Made]) -> None:
    # At most 2: one is in the block of a group that no member is in.
    assert answers(calls) == [success(1, 3), success(2, 2)]
    assert [taken(made) for made in calls] == [[11], [10, 11]]
    assert {row.get("maxconcurrent") for row in case["tables"]["image"]} == {None, 2}


# --- clusters -----------------------------------------------------------------------------------


@decides("cluster-fraction-0")
def test_a_half_cluster_is_filled(calls: list[Made]) -> None:
    assert answers(calls) == [success(2)]
    rows = [(row["computerid"], row["imageid"]) for row in calls[0].new("blockComputers")]
    assert rows == [(16, 10)]  # the sub-image that was missing, on the next computer that runs it


@decides("cluster-sub-maxconcurrent-0")
def test_the_limit_of_a_sub_image_holds(calls: list[Made]) -> None:
    assert answers(calls) == [success(1, 1)]
    assert taken(calls[0]) == [10, 14]
    assert len(calls[0].new("request")) == 1


@decides("cluster-virtual-0")
def test_a_cluster_of_virtual_machines_works(calls: list[Made]) -> None:
    assert answers(calls) == [success(1)]
    rows = sorted((row["computerid"], row["imageid"]) for row in calls[0].new("reservation"))
    assert rows == [(11, 12), (12, 11)]


# --- times and schedules ------------------------------------------------------------------------


@decides("dst-gap-0")
def test_a_skipped_start_is_an_hour_later(calls: list[Made]) -> None:
    assert answers(calls) == [success(2)]
    assert reloads(calls[0]) == [
        (10, "2026-03-08 03:10:00", "2026-03-08 03:30:00"),
        (11, "2026-03-08 03:09:00", "2026-03-08 03:30:00"),
    ]


@decides("schedule-next-year-0")
def test_weeks_begin_on_sunday_in_every_year(calls: list[Made]) -> None:
    # Sunday 23:00 to Monday 01:00 is within a week, Saturday to Sunday is not.
    assert answers(calls) == [success(1), nothing(1)]
    assert taken(calls[0]) == [10]


@decides("schedule-none-open-0")
def test_nothing_open_is_a_warning(calls: list[Made]) -> None:
    assert answers(calls) == [nothing(2)]
    assert wrote_nothing(calls[0])


@decides("maintenance-running-0")
def test_maintenance_is_read_and_never_written(calls: list[Made]) -> None:
    assert answers(calls) == [nothing(2), nothing(1)]
    assert all(map(wrote_nothing, calls))


# --- refusals -----------------------------------------------------------------------------------


@decides("api-dates-impossible-0", "api-dates-text-0", "api-empty-group-0", "errors-deleted-image-0")
def test_refused_before_anything_is_written(case: Scenario, calls: list[Made]) -> None:
    begin, end = [error(code, f"received invalid input for {name}") for code, name in ((4, "start"), (36, "end"))]
    assert (
        answers(calls)
        == {
            "api-dates-impossible-0": [begin],
            "api-dates-text-0": [begin, end] * 4,
            "api-empty-group-0": [error(11, "empty user group and ignoreprivileges set to 0")],
            "errors-deleted-image-0": [error(10, "unknown or deleted image")],
        }[case["name"]]
    )
    assert all(map(wrote_nothing, calls))


@decides("api-past-0")
def test_a_block_that_is_over_is_refused(calls: list[Made]) -> None:
    over = error(36, "received invalid input for end")
    assert answers(calls)[:2] == [over, over]
    assert all(map(wrote_nothing, calls[:2]))
    assert calls[2].answer == {
        "status": "warning", "warningcode": 13, "warningmsg": "possibly insufficient time to load machines",
        "allocated": 1, "unallocated": 0, "blockTimesid": 1,
    }  # fmt: skip
    assert taken(calls[2]) == [10]


@decides("api-machines-0")
def test_machines_are_whole_numbers(calls: list[Made]) -> None:
    refused = error(64, "The submitted number of seats must be between 1 and 70.")
    assert answers(calls[:6]) == [refused] * 6  # 0, -1, 71, text, empty, 2.5
    assert all(map(wrote_nothing, calls[:6]))
    have = len(CASES["api-machines-0"]["tables"]["computer"])
    assert calls[6].answer == {**success(have, 70 - have), "blockTimesid": 1}
    assert [made.answer for made in calls[7:]] == [
        {**nothing(wanted), "blockTimesid": id_} for wanted, id_ in ((1, 2), (2, 3))
    ]


@decides("errors-access-0")
def test_callers_who_are_denied(calls: list[Made]) -> None:
    not_listed = error(34, "access denied for managing block allocations")
    assert answers(calls) == [3, 3, 3, 3, 8, 7, not_listed, not_listed, 3, 3, success(1)]
    assert all(map(wrote_nothing, calls[:-1]))


@decides("errors-arguments-0", "errors-numbers-0")
def test_numbers_are_numbers(case: Scenario, calls: list[Made]) -> None:
    unknown, no_id = error(8, "unknown blockTimesid"), error(77, "Invalid blockTimesid specified")
    no_flag = error(86, "ignoreprivileges must be 0 or 1")
    assert (
        answers(calls)
        == {
            "errors-arguments-0": [*[unknown] * 3, *[no_id] * 3, *[no_flag] * 4, success(1), *[completed(1)] * 3],
            "errors-numbers-0": [no_flag, no_id, success(1), completed(1), completed(1)],
        }[case["name"]]
    )
    assert [made.number for made in calls if not wrote_nothing(made)] == [10 if len(calls) == 14 else 2]


@decides("errors-method-0")
def test_faults_of_wrong_calls_name_the_right_form(calls: list[Made]) -> None:
    assert answers(calls) == [-32601, -32602, -32602]
    assert "XMLRPCnoSuchThing" in calls[0].answer.faultString
    assert "XMLRPCprocessBlockTime(blockTimesid[, ignoreprivileges])" in calls[1].answer.faultString
    assert "XMLRPCblockAllocation(imageid, start, end, " in calls[2].answer.faultString
    assert all(map(wrote_nothing, calls))


@decides("errors-no-group-0")
def test_without_a_group_privileges_cannot_count(case: Scenario, calls: list[Made]) -> None:
    assert answers(calls) == [success(1)]
    counting = copy.deepcopy(case)
    counting["calls"][0]["params"] = [10, 0]
    (refused,) = play(counting)
    assert refused.answer == error(11, "empty user group and ignoreprivileges set to 0")
    assert wrote_nothing(refused)


@decides("production-none-0")
def test_an_image_without_production_revision_says_so(calls: list[Made]) -> None:
    assert answers(calls) == [error(10, "image 10 has no production revision")]
    assert wrote_nothing(calls[0])


# --- members and privileges ---------------------------------------------------------------------


@decides("errors-nonlocal-member-0")
def test_members_are_those_in_the_database(calls: list[Made]) -> None:
    assert answers(calls) == [success(2)]
    assert taken(calls[0]) == [10, 11]


@decides("priv-block-resource-below-0")
def test_the_tree_grants_what_the_front_end_grants(case: Scenario, calls: list[Made]) -> None:
    assert differences(case, calls) == []


@decides("priv-many-members-0", "priv-one-user-0")
def test_the_next_member_is_tried(case: Scenario, calls: list[Made]) -> None:
    wanted = case["tables"]["blockRequest"][0]["numMachines"]
    assert answers(calls) == [success(wanted), *[completed(wanted)] * (len(calls) - 1)]
    assert taken(calls[0]) == [10, 11, 12][:wanted]
    # Members without access take no step of the stagger.
    starts = [f"2026-03-02 12:{40 - place}:00" for place in range(wanted)]
    assert [span[1] for span in reloads(calls[0])] == starts


@decides("priv-root-0")
def test_the_root_of_the_tree_has_no_parent(calls: list[Made]) -> None:
    assert answers(calls) == [success(3, 2), {**nothing(2), "allocated": 3}]
    assert taken(calls[0]) == [10, 11, 12]  # available at the root itself; no cascade


# --- nodes, claims, VM hosts --------------------------------------------------------------------


@decides("mn-load-two-digits-0")
def test_loads_are_numbers(calls: list[Made]) -> None:
    assert [row["managementnodeid"] for row in calls[0].new("reservation")] == [10]  # 9 reservations, not 10


@decides("semaphore-two-0")
def test_one_live_semaphore_is_enough(calls: list[Made]) -> None:
    assert answers(calls) == [success(1, 2)]
    assert taken(calls[0]) == [11]


@decides("vmhost-overcommit-0")
def test_memory_of_this_call_counts(calls: list[Made]) -> None:
    # 8192 MB: two of 3000 fit.
    assert answers(calls) == [success(2, 3)]
    assert taken(calls[0]) == [11, 12]
