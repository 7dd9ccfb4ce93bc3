"""What a block time needs now (SPEC 9.1 to 9.3): rules one by one, then properties of all."""

from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from scheduling.ready_computer import ComputerFacts
from scheduling.reloads.exchange import Guide
from scheduling.state_ids import COMPLETE, FAILED, PENDING, RELOAD
from scheduling.upkeep.condition import SILENT_NODE, Condition, Kind
from scheduling.upkeep.facts import BlockTimeFacts, Booking, WatchedComputer
from scheduling.upkeep.needs import Needs, at_risk, is_too_late, needs
from scheduling.upkeep.target import Target
from tests.support.properties import PROFILE
from tests.support.sites.upkeep_facts import (
    CAUTIOUS,
    END,
    HOUR,
    IMAGE,
    LAST,
    LOAD,
    LONGEST,
    MINUTE,
    NOW,
    OLD_REVISION,
    OTHER_IMAGE,
    RELOAD_START,
    REVISION,
    START,
    block,
    block_time,
    booking,
    computer,
    loaded,
    loading,
    member_booking,
    waiting,
)

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="sqlite")]

UTC = ZoneInfo("UTC")
SUB_IMAGE = 2
MIDDLE = (START + END) // 2
STEP = MINUTE  # of the stagger
PLENTY = NOW + 30 * MINUTE  # the back end's turn is over
STAYS = booking(NOW, START)  # a user until the class begins


def names(conditions: Any) -> list[int]:
    """The computers of conditions."""
    return [each.computer.id for each in conditions]


def failed(id_: int) -> WatchedComputer:
    """A computer that failed to load."""
    return computer(id_, state="failed")


class TestComplete:
    """Machines that are missing (SPEC 9.1)."""

    def test_nothing_is_missing(self) -> None:
        assert needs(block_time(waiting(1), loaded(2)), PLENTY).is_met

    def test_what_is_missing(self) -> None:
        assert needs(block_time(waiting(1), wanted=4), PLENTY).missing == 3

    def test_more_than_the_target_is_left_alone(self) -> None:
        assert needs(block_time(waiting(1), waiting(2), waiting(3), wanted=2), PLENTY).is_met

    def test_what_is_given_up_is_missing_too(self) -> None:
        needed = needs(block_time(failed(1), waiting(2)), PLENTY)
        assert (names(needed.give_up), needed.missing) == ([1], 1)

    def test_what_is_given_up_is_not_missing_where_there_are_enough_others(self) -> None:
        needed = needs(block_time(failed(1), waiting(2), waiting(3), wanted=2), PLENTY)
        assert (names(needed.give_up), needed.missing) == ([1], 0)

    def test_released_by_staff_wants_nothing(self) -> None:
        released = block_time(failed(1), computer(2), target=Target(0, ignore_privileges=True, is_released=True))
        assert needs(released, PLENTY).is_met

    def test_of_a_cluster_whole_machines_count(self) -> None:
        cluster = block(image_ids=(IMAGE, SUB_IMAGE))
        parts = [waiting(1), waiting(2), waiting(3, image_id=SUB_IMAGE)]
        assert needs(block_time(*parts, wanted=2, block=cluster), PLENTY).missing == 1
        assert needs(block_time(*parts, waiting(4, image_id=SUB_IMAGE), wanted=2, block=cluster), PLENTY).is_met


class TestBackEndFirst:
    """It asks six hours before the start, and may be at work (SPEC 9.1)."""

    def test_two_minutes_to_the_second(self) -> None:
        missing = block_time(wanted=4)
        early = needs(missing, START - 6 * HOUR + 2 * MINUTE - 1)
        assert early.is_met
        assert early.waits_for_back_end
        assert needs(missing, START - 6 * HOUR + 2 * MINUTE).missing == 4

    def test_it_asks_later_where_keep_ready_begins_to_look_earlier(self) -> None:
        assert needs(block_time(wanted=4), START - 8 * HOUR + 2 * MINUTE - 1, hours=8).waits_for_back_end
        assert needs(block_time(wanted=4), START - 3 * HOUR + 2 * MINUTE, hours=3).missing == 4

    def test_five_minutes_to_the_second_while_it_is_at_work(self) -> None:
        at_work = block_time(wanted=4, processing_seen=PLENTY)
        assert needs(at_work, PLENTY + 5 * MINUTE - 1).waits_for_back_end
        assert needs(at_work, PLENTY + 5 * MINUTE).missing == 4

    def test_staff_need_not_wait(self) -> None:
        at_work = block_time(wanted=4, processing_seen=PLENTY)
        assert needs(at_work, PLENTY, is_asked_by_staff=True).missing == 4

    def test_what_it_is_not_asked_for_need_not_wait(self) -> None:
        complete = block_time(computer(1), processing_seen=PLENTY)
        assert names(needs(complete, PLENTY).again) == [1]

    def test_what_waits_is_at_risk(self) -> None:
        assert names(needs(block_time(failed(1), processing_seen=PLENTY), PLENTY).at_risk) == [1]


class TestAtRisk:
    """What staff are told that may be late."""

    def test_who_stays_is_a_risk_only_if_the_class_is_not_sure(self) -> None:
        needed = needs(block_time(waiting(1, bookings=[STAYS]), loaded(2)), PLENTY)
        assert names(needed.exchanged_later) == names(needed.at_risk) == [1]
        assert "pc1 (request 9000 has reserved it" in at_risk(needed, UTC)
        assert at_risk(needed, UTC, is_sure=True) == ""

    def test_a_silent_node_is_a_risk_all_the_same(self) -> None:
        needed = needs(block_time(waiting(1, bookings=[STAYS]), waiting(2, node_seen=0)), PLENTY)
        assert at_risk(needed, UTC, is_sure=True).startswith("pc2 (its management node")

    def test_what_is_to_be_exchanged_now_is_a_risk_all_the_same(self) -> None:
        needed = needs(block_time(waiting(1, bookings=[STAYS])), START - LOAD)
        assert names(needed.give_up) == [1]
        assert "pc1 (" in at_risk(needed, UTC, is_sure=True)


class TestReplace:
    """What will not be ready (SPEC 9.2)."""

    @pytest.mark.parametrize("state", ["failed", "maintenance", "deleted"])
    def test_lost_at_once(self, state: str) -> None:
        assert names(needs(block_time(computer(1, state=state)), PLENTY).give_up) == [1]

    def test_in_the_class_none_that_is_only_just_being_reclaimed(self) -> None:
        needed = needs(block_time(computer(1, state="reload")), START + 10 * MINUTE)
        assert (needed.give_up, needed.missing) == ([], 0)

    def test_an_intruder_at_once(self) -> None:
        assert names(needs(block_time(loaded(1, bookings=[booking(START, END)])), PLENTY).give_up) == [1]

    @pytest.mark.parametrize(
        "doubtful",
        [
            computer(1, state="inuse", bookings=[STAYS]),
            waiting(1, START, node_seen=NOW),
            loading(1, begun=LAST - LONGEST - MINUTE),
            loading(1, begun=LAST - MINUTE, node_seen=NOW),
        ],
        ids=["a user stays", "its node is silent", "its load is stuck", "it loads on a silent node"],
    )
    def test_the_doubtful_when_a_substitute_would_have_no_time_later(self, doubtful: WatchedComputer) -> None:
        early = needs(block_time(doubtful), LAST - 1)
        assert early.is_met
        assert names(early.at_risk) == [1]
        needed = needs(block_time(doubtful), LAST)
        assert names(needed.give_up) == [1]
        assert (needed.missing, needed.at_risk) == (1, [])

    def test_of_several_the_least_hopeful_first_and_earlier(self) -> None:
        """Their substitutes begin to load one after the other."""
        stays = [computer(id_, bookings=[booking(NOW, START - 10 + id_)]) for id_ in (1, 2, 3)]
        assert names(needs(block_time(*stays), LAST - 2 * STEP - 1).give_up) == []
        assert names(needs(block_time(*stays), LAST - 2 * STEP).give_up) == [3]
        assert names(needs(block_time(*stays), LAST - STEP - 1).give_up) == [3]
        assert names(needs(block_time(*stays), LAST - STEP).give_up) == [3, 2]
        assert names(needs(block_time(*stays), LAST).give_up) == [3, 2, 1]

    def test_when_the_plan_says_under_policy_ready(self) -> None:
        """The least hopeful one needs the place that is taken first; beyond the plan its longest lead counts."""
        stays = [computer(id_, bookings=[booking(NOW, START - 10 + id_)]) for id_ in (1, 2, 3)]
        planned = block_time(*stays, guide=Guide([14 * MINUTE, 50 * MINUTE]))
        slack = 2 * MINUTE
        assert names(needs(planned, START - 50 * MINUTE - slack - 1).give_up) == []
        assert names(needs(planned, START - 50 * MINUTE - slack).give_up) == [3, 2]
        assert names(needs(planned, START - 14 * MINUTE - slack - 1).give_up) == [3, 2]
        assert names(needs(planned, START - 14 * MINUTE - slack).give_up) == [3, 2, 1]

    @pytest.mark.parametrize(("preload", "ahead"), [(True, MINUTE), (False, 36 * MINUTE)])
    def test_a_reload_on_a_silent_node_while_it_can_be_withdrawn(self, preload: bool, ahead: int) -> None:
        """Another node can load the same computer then: two minutes in which a look comes for certain."""
        begin = LAST - 4 * HOUR
        on_silent = block_time(waiting(1, begin, preload=preload, node_seen=NOW - HOUR))
        last = begin - ahead
        for now, given_up in ((last - 2 * MINUTE - 1, []), (last - 2 * MINUTE, [1]), (last - 1, [1]), (last, [])):
            assert names(needs(on_silent, now).give_up) == given_up

    def test_not_for_something_no_surer(self) -> None:
        """A user who will be late by less than a substitute would be."""
        now = START - CAUTIOUS - MINUTE
        leaves = computer(1, state="inuse", bookings=[booking(NOW, now + 1)])
        needed = needs(block_time(leaves), now)
        assert (names(needed.give_up), names(needed.at_risk)) == ([1], [])  # two minutes for the back end, and one
        overdue = needs(block_time(waiting(1)), START - LOAD + 1)
        assert (names(overdue.give_up), names(overdue.at_risk)) == ([], [1])

    def test_what_is_late_but_on_its_way_is_kept(self) -> None:
        assert needs(block_time(loading(1, begun=START - MINUTE)), START).is_met

    def test_what_a_member_uses_is_kept(self) -> None:
        used = computer(1, state="inuse", bookings=[member_booking(START - HOUR, END)])
        assert needs(block_time(used), START - MINUTE).is_met


class TestLoadAgain:
    """What nothing will load (SPEC 9.3)."""

    def test_at_once(self) -> None:
        assert names(needs(block_time(computer(1), waiting(2)), PLENTY).again) == [1]

    def test_up_to_the_middle_of_the_class(self) -> None:
        assert names(needs(block_time(computer(1)), MIDDLE - LOAD).again) == [1]
        too_late = needs(block_time(computer(1)), MIDDLE - LOAD + 1)
        assert (too_late.is_met, too_late.too_late) == (True, True)


class TestTooLate:
    """After the start nothing is loaded that would be ready after the middle (SPEC 9.1)."""

    def test_to_the_second(self) -> None:
        assert not is_too_late(START, END, LOAD, MIDDLE - LOAD)
        assert is_too_late(START, END, LOAD, MIDDLE - LOAD + 1)

    def test_before_the_start_it_is_never_too_late(self) -> None:
        end = START + 2 * MINUTE
        assert not is_too_late(START, end, LOAD, START)
        assert is_too_late(START, end, LOAD, START + 1)

    def test_then_nothing_is_given_up_or_added(self) -> None:
        assert needs(block_time(failed(1), computer(2), wanted=4), MIDDLE).is_met


FEWER = settings(PROFILE, max_examples=PROFILE.max_examples // 2)

# --- Properties -------------------------------------------------------------------------------------

INSTANTS = [
    NOW, LAST - HOUR, LAST - MINUTE, LAST, RELOAD_START, RELOAD_START + 3 * MINUTE, START - CAUTIOUS, START - MINUTE,
    START, START + MINUTE, MIDDLE - LOAD, MIDDLE, END,
]  # fmt: skip


@st.composite
def instants(draw: st.DrawFn) -> int:
    """A moment at which something changes, or just beside it."""
    return draw(st.sampled_from(INSTANTS)) + draw(st.sampled_from([-1, 0, 0, 1, 30]))


@st.composite
def bookings(draw: st.DrawFn) -> Booking:
    """Somebody's request."""
    start = draw(instants())
    return Booking(
        draw(st.integers(9000, 9003)),
        *draw(st.sampled_from([(8, 3), (8, 3), (3, 13), (14, 13), (RELOAD, 8), (PENDING, RELOAD), (COMPLETE, 8)])),
        start,
        start + draw(st.sampled_from([20 * MINUTE, HOUR, 5 * HOUR])),
        draw(st.sampled_from([IMAGE, OTHER_IMAGE])),
        is_member=draw(st.booleans()),
        node_is_silent=draw(st.sampled_from([False, False, True])),
    )


@st.composite
def computers(draw: st.DrawFn, id_: int) -> WatchedComputer:
    """A computer in some state."""
    states = "available available available reloading reload inuse reserved timeout failed maintenance"
    current, revision = draw(
        st.sampled_from([(OTHER_IMAGE, 990), (IMAGE, REVISION), (IMAGE, REVISION), (IMAGE, OLD_REVISION)])
    )
    own = draw(st.sampled_from([0, 0, RELOAD, RELOAD, RELOAD, PENDING, PENDING, COMPLETE, FAILED]))
    start = draw(instants()) if own else None
    facts = ComputerFacts(
        id=id_,
        hostname=f"pc{id_}",
        image_id=draw(st.sampled_from([IMAGE, IMAGE, IMAGE, SUB_IMAGE])),
        production_id=REVISION,
        state=draw(st.sampled_from(states.split())),
        deleted=draw(st.integers(0, 19)) == 0,
        current_image_id=current,
        revision_id=revision,
        reload_state=own,
        reload_last_state=RELOAD if own else 0,
        reload_start=start,
        preload=draw(st.booleans()),
        target_revision_id=draw(st.sampled_from([REVISION, OLD_REVISION])) if own else None,
        log_step=draw(st.sampled_from(["", "", "startload", "loadimagefailed"])) if own == PENDING else "",
        load_begun=start if own == PENDING and draw(st.booleans()) else None,
    )
    seen = draw(st.sampled_from([2**40, 2**40, NOW, None])) if own else None
    theirs = draw(st.lists(bookings(), max_size=1))
    return WatchedComputer(facts, 7000 + id_ if own else 0, 1 if own else 0, "mn1", seen, theirs)


@st.composite
def block_times(draw: st.DrawFn) -> BlockTimeFacts:
    """A block time with some computers."""
    images = draw(st.sampled_from([(IMAGE,), (IMAGE,), (IMAGE, SUB_IMAGE)]))
    theirs = [draw(computers(id_)) for id_ in range(1, draw(st.integers(0, 4)) + 1)]
    processing = draw(st.sampled_from([None, None, *INSTANTS]))
    wanted = draw(st.integers(0, 5))
    return block_time(*theirs, wanted=wanted, block=block(image_ids=images), processing_seen=processing)


def is_used_by_member(each: WatchedComputer, now: int) -> bool:
    """Whether a member has a reservation of the class's image on it that is on."""
    return any(
        one.is_member and one.is_occupying and one.image_id == each.facts.image_id and one.start <= now < one.end
        for one in each.bookings
    )


@FEWER
@given(block_times(), instants())
def test_what_a_member_uses_or_is_on_its_way_is_never_given_up_or_loaded_again(facts: BlockTimeFacts, now: int) -> None:
    needed = needs(facts, now)
    event(f"given up: {len(needed.give_up)}")
    event(f"again: {len(needed.again)}")
    for each in (*needed.give_up, *needed.again):
        assert not is_used_by_member(each.computer, now)
        assert each.kind not in (Kind.READY, Kind.ON_ITS_WAY)
        assert each.why


@FEWER
@given(block_times(), instants())
def test_each_computer_has_one_fate(facts: BlockTimeFacts, now: int) -> None:
    needed = needs(facts, now)
    all_of_them = [*names(needed.give_up), *names(needed.again), *names(needed.at_risk)]
    assert len(all_of_them) == len(set(all_of_them))
    assert {each.computer.id for each in needed.conditions} == {each.id for each in facts.computers}
    for each in needed.conditions:
        left_out = each.computer.id not in all_of_them
        if each.kind in (Kind.LOST, Kind.DOUBTFUL) and facts.target.machines and not needed.too_late:
            assert not left_out


@FEWER
@given(block_times(), instants())
def test_never_more_is_missing_than_the_target_lacks_without_what_is_given_up(facts: BlockTimeFacts, now: int) -> None:
    needed = needs(facts, now)
    assert 0 <= needed.missing <= facts.target.machines
    if not facts.target.machines:
        assert needed.is_met


@FEWER
@given(block_times(), instants())
def test_without_what_was_given_up_and_with_what_was_missing_nothing_new_is_needed(
    facts: BlockTimeFacts, now: int
) -> None:
    """The next look, when the needs are met: a look on the result of a look changes nothing."""
    needed = needs(facts, now, is_asked_by_staff=True)
    assume(not needed.is_met)
    after = needs(facts._replace(computers=_mended(facts, needed, now)), now + 1, is_asked_by_staff=True)
    assume(not after.too_late)
    assert not set(names(after.again)) & set(names(needed.again))
    assert after.missing == 0 or after.give_up  # what became due in this second
    still_new = [each for each in after.give_up if not _just_due(each, needed)]
    assert names(still_new) == []


def _mended(facts: BlockTimeFacts, needed: Needs, now: int) -> list[WatchedComputer]:
    """The computers of the block time when all was had that it needed."""
    gone, again = set(names(needed.give_up)), set(names(needed.again))
    begin = max(now, RELOAD_START)
    kept = [each for each in facts.computers if each.id not in gone]
    reloaded = {
        each.id: waiting(
            each.id, begin, image_id=each.facts.image_id, current_image_id=each.facts.current_image_id,
            revision_id=each.facts.revision_id, bookings=each.bookings,
        )
        for each in kept
        if each.id in again
    }  # fmt: skip
    # Whole machines: of each image as many as are missing at the most.
    new = [
        waiting(100 * image + number, begin, image_id=image)
        for image in facts.block.image_ids
        for number in range(needed.missing)
    ]
    return [*(reloaded.get(each.id, each) for each in kept), *new]


def _just_due(each: Condition, before: Needs) -> bool:
    """Whether it was at risk before, or what was said of it changed with the second."""
    was = next((one for one in before.conditions if one.computer.id == each.computer.id), None)
    return was is None or each.computer.id in names(before.at_risk) or was.kind is not each.kind


@FEWER
@given(block_times(), st.sampled_from([NOW, LAST - HOUR, LAST - 4 * STEP - 1]))
def test_what_is_given_up_before_its_time_is_lost_for_certain(facts: BlockTimeFacts, now: int) -> None:
    """While there is time for all substitutes one after the other, only what is lost goes.

    Or what another management node can load, as long as the reload of the silent one can be withdrawn.
    """
    for each in needs(facts, now).give_up:
        assert each.kind is Kind.LOST or (each.why and each.why.rule == SILENT_NODE)


@FEWER
@given(block_times(), instants())
def test_the_least_hopeful_go_first(facts: BlockTimeFacts, now: int) -> None:
    needed = needs(facts, now)
    due = [each.ready_at for each in needed.give_up if each.kind is Kind.DOUBTFUL]
    lost = [each.kind for each in needed.give_up]
    assert due == sorted(due, reverse=True)
    assert lost == sorted(lost, key=lambda kind: kind is not Kind.LOST)
