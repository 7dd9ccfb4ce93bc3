"""Whether a computer of a block time will be ready at its start, and if not, why (SPEC 9, 9.2, 9.3)."""

from typing import Any

import pytest

from scheduling.reloads.exchange import Guide
from scheduling.rules import CHECKIN_SECONDS
from scheduling.state_ids import COMPLETE, FAILED, PENDING, RELOAD
from scheduling.upkeep.condition import Condition, Kind, cautious_load, condition
from scheduling.upkeep.facts import Booking, WatchedComputer
from tests.support.sites.upkeep_facts import (
    CAUTIOUS,
    END,
    HOUR,
    IMAGE,
    LOAD,
    LONGEST,
    MINUTE,
    NOW,
    OLD_REVISION,
    OTHER_IMAGE,
    RECLAIM,
    RELOAD_START,
    REVISION,
    START,
    block_time,
    booking,
    computer,
    loaded,
    loading,
    member_booking,
    reload,
    waiting,
)

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="sqlite")]

READY, ON_ITS_WAY, TO_LOAD, DOUBTFUL, LOST = Kind


def judged(watched: WatchedComputer, now: int = NOW) -> Condition:
    """The condition of a computer of the block time."""
    return condition(watched, block_time(watched), now)


def kind(watched: WatchedComputer, now: int = NOW) -> Kind:
    """What is to be expected of it."""
    return judged(watched, now).kind


def rule(watched: WatchedComputer, now: int = NOW) -> str:
    """The name of the reason."""
    why = judged(watched, now).why
    return why.rule if why else ""


class TestReady:
    """Ready: the production revision on a free computer, or with a member of the class (SPEC 9)."""

    def test_loaded(self) -> None:
        assert kind(loaded()) is READY
        assert kind(loaded(), START + HOUR) is READY

    def test_its_own_reload_that_is_still_to_begin_does_not_matter(self) -> None:
        own = {"reload_state": RELOAD, "reload_last_state": RELOAD, "reload_start": RELOAD_START}
        assert kind(loaded(**own, target_revision_id=REVISION, node_seen=2**40)) is READY

    @pytest.mark.parametrize("state", ["reloading", "reload", "timeout", "reserved", "inuse"])
    def test_the_image_alone_is_not_enough(self, state: str) -> None:
        theirs = booking(START - HOUR, START - 30 * MINUTE)
        assert kind(loaded(state=state, bookings=[theirs]), START - 40 * MINUTE) is not READY

    def test_a_member_with_the_image_before_the_class(self) -> None:
        theirs = member_booking(START - HOUR, START + MINUTE)
        assert kind(loaded(state="inuse", bookings=[theirs]), START - HOUR) is READY

    def test_a_member_whose_reservation_is_yet_to_begin_uses_nothing(self) -> None:
        theirs = member_booking(START - HOUR, START + MINUTE)
        assert kind(computer(bookings=[theirs]), START - HOUR - 1) is TO_LOAD
        assert kind(computer(bookings=[theirs]), START - HOUR) is READY

    def test_a_member_whose_reservation_is_over_uses_nothing(self) -> None:
        theirs = member_booking(START - HOUR, START)
        assert kind(computer(bookings=[theirs]), START - 1) is READY
        assert kind(computer(bookings=[theirs]), START) is TO_LOAD

    def test_a_member_with_another_image_is_in_the_way_until_the_class_begins(self) -> None:
        theirs = member_booking(START - HOUR, END, image_id=OTHER_IMAGE)
        assert rule(computer(state="inuse", bookings=[theirs]), START - 1) == "stays"
        assert kind(computer(state="inuse", bookings=[theirs]), START) is READY

    @pytest.mark.parametrize("state_id", [FAILED, COMPLETE])
    def test_a_member_whose_request_failed_or_is_over_uses_nothing(self, state_id: int) -> None:
        theirs = member_booking(START, END, state_id=state_id)
        assert kind(computer(bookings=[theirs]), START) is TO_LOAD

    def test_a_member_may_use_what_is_in_maintenance(self) -> None:
        """What a member of the class uses is never exchanged, whatever staff have planned for the computer."""
        theirs = member_booking(START, END)
        assert kind(loaded(state="maintenance", bookings=[theirs]), START + MINUTE) is READY


class TestOldRevision:
    """A revision that was replaced since is loaded again while there is time."""

    OLD: dict[str, Any] = {"revision_id": OLD_REVISION}

    def test_there_is_time_up_to_the_second(self) -> None:
        assert kind(loaded(**self.OLD), START - CAUTIOUS) is TO_LOAD
        assert kind(loaded(**self.OLD), START - CAUTIOUS + 1) is READY

    def test_the_reason_says_so(self) -> None:
        assert "old revision" in str(judged(loaded(**self.OLD)).why)

    @pytest.mark.parametrize("target", [REVISION, OLD_REVISION])
    def test_its_own_reload_will_load_the_new_one(self, target: int) -> None:
        """The back end loads the production revision on computers of blocks, whatever the reload's row says."""
        assert kind(waiting(**self.OLD, current_image_id=IMAGE, target_revision_id=target)) is ON_ITS_WAY

    def test_its_own_load_is_at_work_on_the_new_one(self) -> None:
        own = loading(**self.OLD, current_image_id=IMAGE, target_revision_id=OLD_REVISION)
        assert kind(own, RELOAD_START + MINUTE) is ON_ITS_WAY

    def test_a_member_who_uses_it_is_left_alone(self) -> None:
        theirs = member_booking(NOW, END)
        assert kind(loaded(**self.OLD, state="inuse", bookings=[theirs])) is READY


class TestLost:
    """Failed, deleted, in maintenance, or somebody else's in the hours of the class."""

    @pytest.mark.parametrize("state", ["failed", "maintenance", "vmhostinuse", "hpc", "deleted"])
    def test_by_its_state(self, state: str) -> None:
        assert (kind(loaded(state=state)), rule(loaded(state=state))) == (LOST, "unusable")

    def test_deleted(self) -> None:
        assert kind(loaded(deleted=True)) is LOST

    def test_its_load_failed(self) -> None:
        assert kind(loading(reload_state=FAILED)) is LOST
        assert kind(loading(log_step="loadimagefailed")) is LOST

    def test_somebody_has_it_in_the_hours_of_the_class(self) -> None:
        assert kind(loaded(bookings=[booking(END - 1, END + HOUR)])) is LOST
        assert kind(loaded(bookings=[booking(END, END + HOUR)])) is READY
        assert kind(loaded(bookings=[booking(NOW, START + 1)])) is LOST
        assert kind(loaded(bookings=[booking(NOW, START)])) is DOUBTFUL

    def test_after_the_start_only_the_hours_that_are_left_count(self) -> None:
        early = booking(START - HOUR, START + HOUR)
        assert kind(loaded(bookings=[early]), START + HOUR - 1) is LOST
        assert kind(loaded(bookings=[early]), START + HOUR) is READY

    @pytest.mark.parametrize("state_id", [FAILED, COMPLETE, RELOAD])
    def test_requests_that_do_not_occupy_it_are_nobody(self, state_id: int) -> None:
        assert kind(loaded(bookings=[booking(START, END, state_id=state_id)])) is READY

    def test_a_member_is_no_intruder(self) -> None:
        assert kind(loaded(bookings=[member_booking(START, END)])) is READY


class TestSomebodyStays:
    """A user before the class: the back end loads the image of the class when they leave."""

    def test_there_is_time_up_to_the_second(self) -> None:
        in_time = START - RECLAIM - CAUTIOUS
        assert kind(computer(state="inuse", bookings=[booking(NOW, in_time)])) is ON_ITS_WAY
        late = judged(computer(state="inuse", bookings=[booking(NOW, in_time + 1)]))
        assert (late.kind, late.ready_at) == (DOUBTFUL, START + 1)
        assert "too late" in str(late.why)

    def test_the_last_of_several_counts(self) -> None:
        theirs = [booking(NOW, NOW + HOUR), booking(START - HOUR, START), booking(NOW + HOUR, NOW + 2 * HOUR)]
        assert judged(computer(bookings=theirs)).ready_at == START + RECLAIM + CAUTIOUS

    @pytest.mark.parametrize("end", [RELOAD_START - 10 * MINUTE, RELOAD_START, RELOAD_START + 1])
    def test_the_back_end_loads_when_they_leave_whenever_the_reload_begins(self, end: int) -> None:
        theirs = judged(waiting(bookings=[booking(NOW, end)]))
        assert (theirs.kind, theirs.ready_at) == (ON_ITS_WAY, end + RECLAIM + CAUTIOUS)

    def test_a_loaded_computer_is_loaded_again_after_its_user(self) -> None:
        assert kind(loaded(bookings=[booking(START - 2 * HOUR, START - HOUR)])) is ON_ITS_WAY
        assert kind(loaded(bookings=[booking(START - HOUR, START)])) is DOUBTFUL

    def test_whose_time_is_over_but_who_has_not_gone(self) -> None:
        over = booking(NOW - HOUR, NOW)
        staying = judged(computer(state="inuse", bookings=[over]))
        assert (staying.kind, staying.ready_at) == (ON_ITS_WAY, NOW + RECLAIM + CAUTIOUS)
        assert kind(computer(bookings=[over])) is TO_LOAD

    def test_a_node_that_is_silent_ends_nobody(self) -> None:
        theirs = booking(NOW - HOUR, NOW + MINUTE, node_is_silent=True)
        assert kind(computer(state="inuse", bookings=[theirs])) is DOUBTFUL


class TestOwnReload:
    """Its reload waits, or is at work."""

    def test_waiting(self) -> None:
        expected = judged(waiting())
        assert (expected.kind, expected.ready_at) == (ON_ITS_WAY, RELOAD_START + LOAD)

    def test_one_that_will_be_late_is_on_its_way_all_the_same(self) -> None:
        assert kind(waiting(start=START), START - MINUTE) is ON_ITS_WAY

    def test_one_that_should_have_begun(self) -> None:
        assert kind(waiting(), RELOAD_START + 2 * MINUTE) is ON_ITS_WAY
        assert kind(waiting(), START - LOAD) is ON_ITS_WAY
        assert (kind(waiting(), START - LOAD + 1), rule(waiting(), START - LOAD + 1)) == (DOUBTFUL, "late")

    def test_its_node_is_silent_up_to_the_second(self) -> None:
        seen = NOW - CHECKIN_SECONDS
        assert kind(waiting(node_seen=seen + 1)) is ON_ITS_WAY
        assert (kind(waiting(node_seen=seen)), rule(waiting(node_seen=seen))) == (DOUBTFUL, "silent_node")
        assert judged(waiting(node_seen=seen)).node_id is None
        assert "never checked in" in str(judged(waiting(node_seen=None)).why)

    def test_loading(self) -> None:
        expected = judged(loading(), RELOAD_START + MINUTE)
        assert (expected.kind, expected.ready_at) == (ON_ITS_WAY, RELOAD_START + LOAD)

    def test_it_is_never_ready_at_this_very_moment(self) -> None:
        now = RELOAD_START + LOAD
        assert judged(loading(), now).ready_at == now + MINUTE

    def test_stuck_up_to_the_second(self) -> None:
        assert kind(loading(), RELOAD_START + LONGEST) is ON_ITS_WAY
        stuck = judged(loading(), RELOAD_START + LONGEST + 1)
        assert (stuck.kind, stuck.why and stuck.why.rule, stuck.node_id) == (DOUBTFUL, "stuck", 1)

    def test_a_load_that_waits_for_its_turn_is_not_stuck(self) -> None:
        waits = loading(log_step="editnodetype")
        assert kind(waits, RELOAD_START + LONGEST + 30 * MINUTE) is ON_ITS_WAY
        assert kind(waits, RELOAD_START + LONGEST + 30 * MINUTE + 1) is DOUBTFUL

    def test_nor_is_one_that_may_have_waited_as_long_as_the_plan_says(self) -> None:
        planned = block_time(loading(), guide=Guide(longest_wait=9 * MINUTE))
        assert condition(loading(), planned, RELOAD_START + LONGEST + 9 * MINUTE).kind is ON_ITS_WAY
        assert condition(loading(), planned, RELOAD_START + LONGEST + 9 * MINUTE + 1).kind is DOUBTFUL

    def test_somebody_has_to_leave_in_time_for_a_load_that_takes_long(self) -> None:
        leaves = waiting(bookings=[booking(NOW, START - 20 * MINUTE)])
        assert kind(leaves) is ON_ITS_WAY
        assert condition(leaves, block_time(leaves, guide=Guide(long_load=19 * MINUTE)), NOW).kind is DOUBTFUL

    def test_loading_on_a_silent_node(self) -> None:
        now = RELOAD_START + 6 * MINUTE
        assert rule(loading(node_seen=now - CHECKIN_SECONDS), now) == "silent_node"
        assert kind(loading(node_seen=now - CHECKIN_SECONDS + 1), now) is ON_ITS_WAY


class TestOtherReload:
    """A reload that is not its own: after a user's end, or from VCL's pages."""

    def test_of_the_same_image(self) -> None:
        expected = judged(computer(state="reload", bookings=[reload(NOW)]))
        assert (expected.kind, expected.ready_at) == (ON_ITS_WAY, NOW + LOAD)

    def test_of_another_image(self) -> None:
        late = START - LOAD - CAUTIOUS
        other = computer(bookings=[reload(late, image_id=OTHER_IMAGE)])
        assert kind(other, late) is ON_ITS_WAY
        assert (kind(other, late + 1), rule(other, late + 1)) == (DOUBTFUL, "other_load")

    def test_one_that_begins_later_than_a_load_from_now_does_not_matter(self) -> None:
        assert kind(computer(bookings=[reload(NOW + LOAD)])) is ON_ITS_WAY
        assert kind(computer(bookings=[reload(NOW + LOAD + 1)])) is TO_LOAD

    @pytest.mark.parametrize("states", [(RELOAD, RELOAD), (PENDING, RELOAD)])
    def test_one_that_should_be_over_long_ago_will_load_nothing(self, states: tuple[int, int]) -> None:
        """Nothing resumes what a back end that died left behind."""
        left: Booking = reload(NOW, state_id=states[0], last_state_id=states[1])
        watched = computer(state="reloading", bookings=[left])
        assert kind(watched, NOW + LONGEST) is ON_ITS_WAY
        assert (kind(watched, NOW + LONGEST + 1), rule(watched, NOW + LONGEST + 1)) == (DOUBTFUL, "stuck")

    def test_one_on_a_silent_node(self) -> None:
        watched = computer(state="reload", bookings=[reload(NOW, node_is_silent=True)])
        assert (kind(watched), rule(watched)) == (DOUBTFUL, "silent_node")


class TestNothingWillLoadIt:
    """It does not hold the image, and no reload is left (SPEC 9.3)."""

    def test_free(self) -> None:
        again = judged(computer())
        assert (again.kind, again.node_id) == (TO_LOAD, None)

    def test_the_node_of_a_load_that_may_still_run_there(self) -> None:
        lately: dict[str, Any] = {"reload_state": COMPLETE, "reload_last_state": RELOAD, "node_id": 7, "node": "mn7"}
        assert judged(computer(**lately, node_seen=NOW - CHECKIN_SECONDS + 1)).node_id == 7
        assert judged(computer(**lately, node_seen=NOW - CHECKIN_SECONDS)).node_id is None

    @pytest.mark.parametrize("state", ["reload", "timeout", "reserved"])
    def test_not_free_is_waited_for_up_to_the_second(self, state: str) -> None:
        last = START - RECLAIM - CAUTIOUS
        assert kind(computer(state=state), last) is ON_ITS_WAY
        assert (kind(computer(state=state), last + 1), rule(computer(state=state), last + 1)) == (DOUBTFUL, "busy")


def test_a_load_may_take_longer_than_expected_but_not_longer_than_planned() -> None:
    assert [cautious_load(seconds) for seconds in (60, 600, 601, 1000, 3000, 6000)] == [
        180, 720, 721, 1200, 3600, 6600,
    ]  # fmt: skip


def test_each_that_is_not_ready_or_on_its_way_has_a_reason() -> None:
    some = [
        computer(), loading(log_step="failed"), waiting(node_seen=None), loaded(deleted=True),
        loaded(bookings=[booking(START, END)]), computer(bookings=[booking(NOW, START)]),
    ]  # fmt: skip
    assert all(judged(each).why for each in some)
