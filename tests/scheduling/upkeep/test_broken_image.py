"""When an image fails so often that nothing more of it is loaded (SPEC 9.7)."""

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.reasons import BlockTimeId
from scheduling.upkeep.broken_image import ImageStop, LoadRecord, image_stops, threshold, why_stopped
from scheduling.upkeep.seen_loads import AT_WORK, DROPPED, FAILED, LOADED, UNKNOWN, Outcome
from tests.support.properties import PROFILE

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="sqlite")]

IMAGE, REVISION, CLASS, OTHER_CLASS = 10, 12, 7, 8
SMALL = {CLASS: 6, OTHER_CLASS: 6}


def load(outcome: Outcome, over: int | None = None, block_time: int | None = CLASS, **more: int) -> LoadRecord:
    at = None if outcome == AT_WORK else over or 100
    return LoadRecord(more.get("image", IMAGE), more.get("revision", REVISION), block_time, outcome, at)


def failed(number: int, block_time: int | None = CLASS, **more: int) -> list[LoadRecord]:
    return [load(FAILED, 100 + each, block_time, **more) for each in range(number)]


@pytest.mark.parametrize(("machines", "failures"), [(0, 3), (1, 3), (9, 3), (10, 4), (20, 7), (30, 10), (31, 11)])
def test_a_third_of_the_machines_rounded_up_but_three_at_least(machines: int, failures: int) -> None:
    assert threshold(machines) == failures


def test_three_failures_stop_an_image_and_two_do_not() -> None:
    assert image_stops(failed(2), SMALL) == {}
    assert image_stops(failed(3), SMALL) == {IMAGE: ImageStop(IMAGE, REVISION, CLASS, 3, 3, stopped=True)}


def test_a_large_class_may_lose_a_third() -> None:
    targets = {CLASS: 30}
    assert image_stops(failed(9), targets) == {}
    assert image_stops(failed(10), targets)[IMAGE].stopped


def test_failures_of_different_block_times_and_revisions_and_of_none_do_not_add_up() -> None:
    assert image_stops([*failed(2), *failed(2, OTHER_CLASS)], SMALL) == {}
    assert image_stops([*failed(2), *failed(2, revision=13)], SMALL) == {}
    assert image_stops(failed(5, None), SMALL) == {}


def test_a_success_wherever_it_was_speaks_for_the_revision() -> None:
    assert image_stops([*failed(3), load(LOADED, 103, OTHER_CLASS)], SMALL) == {}
    assert image_stops([*failed(3), load(LOADED, 103, None)], SMALL) == {}
    assert image_stops([*failed(3), load(LOADED, 103, revision=13)], SMALL)[IMAGE].stopped
    assert image_stops([load(LOADED, 99), *failed(3)], SMALL)[IMAGE].stopped


def test_only_failures_since_the_last_success_count() -> None:
    records = [*failed(2), load(LOADED, 200), load(FAILED, 201), load(FAILED, 202)]
    assert image_stops(records, SMALL) == {}
    assert image_stops([*records, load(FAILED, 203)], SMALL)[IMAGE].failures == 3


def test_loads_that_were_dropped_or_ended_otherwise_are_no_failures() -> None:
    assert image_stops([*failed(2), load(DROPPED), load(UNKNOWN)], SMALL) == {}


def test_after_one_failure_loads_at_work_count_as_failed() -> None:
    stop = image_stops([*failed(1), load(AT_WORK), load(AT_WORK)], SMALL)[IMAGE]
    assert (stop.failures, stop.threshold, stop.stopped) == (1, 3, False)
    assert image_stops([*failed(1), load(AT_WORK)], SMALL) == {}
    assert image_stops([load(AT_WORK)] * 5, SMALL) == {}
    assert image_stops([*failed(1), load(LOADED, 101), load(AT_WORK), load(AT_WORK)], SMALL) == {}


def test_of_an_image_the_worst_is_named() -> None:
    on_probation = [*failed(2), load(AT_WORK)]
    assert image_stops([*on_probation, *failed(4, OTHER_CLASS)], SMALL)[IMAGE].block_time_id == OTHER_CLASS
    assert image_stops([*failed(4, OTHER_CLASS), *on_probation], SMALL)[IMAGE].block_time_id == OTHER_CLASS


def test_other_images_are_not_touched() -> None:
    assert image_stops([*failed(3), *failed(2, image=11, revision=20)], SMALL).keys() == {IMAGE}


def test_the_reason_in_words() -> None:
    stop = image_stops(failed(3), SMALL)[IMAGE]
    reason = why_stopped(stop, "Ubuntu 22.04", 12)
    assert reason.describe(ZoneInfo("UTC")) == (
        "3 loads of Ubuntu 22.04 (revision 12) have failed for block time 7 and none has succeeded since: "
        "nothing more of it is loaded until somebody says “Put right now”"
    )
    assert reason.about == BlockTimeId(CLASS)


def test_probation_in_words() -> None:
    stop = image_stops([*failed(1), load(AT_WORK), load(AT_WORK)], SMALL)[IMAGE]
    assert str(why_stopped(stop, "{curly}", 1)) == (
        "1 load of {curly} (revision 1) has failed for block time 7 and none has succeeded since: "
        "loads at work count as failed, and no further one begins until one of them succeeds"
    )


loads = st.builds(
    LoadRecord, st.just(IMAGE), st.integers(1, 2), st.integers(1, 2), st.just(FAILED), st.integers(100, 110)
)


@PROFILE
@given(st.lists(loads, max_size=20), st.integers(1, 30))
def test_neither_the_order_of_records_nor_further_failures_lift_a_stop(
    records: list[LoadRecord], machines: int
) -> None:
    targets = {1: machines, 2: machines}
    stops = image_stops(records, targets)
    assert image_stops(records[::-1], targets) == stops
    if stops:
        assert image_stops([*records, load(FAILED, 111, 1, revision=1)], targets)[IMAGE].stopped
    successes = [load(LOADED, 120, None, revision=each) for each in (1, 2)]
    assert image_stops([*records, *successes], targets) == {}
