"""The simulated back end: block requests are started once, cleared after their end, and reported in mails."""

import time
from collections.abc import Mapping
from typing import Any

import pytest

from simulation.back_end.events import What
from simulation.back_end.mails import Kind
from tests.support.sites.back_end_stage import C0, C1, HOUR, MINUTE, OTHER_NODE, Stage, at
from tests.support.sites.class_site import NODE

# On MariaDB, to load a site commits.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once(on="sqlite")]
START, END = at("14:00"), at("16:00")  # of block time 10, four machines, which expires at its end
BLOCK = 10


@pytest.fixture
def stage() -> Stage:
    """A class whose request expires at the end of the day."""
    stage = Stage()
    stage.send("UPDATE blockRequest SET expireTime = '2026-03-02 23:59:59'")
    return stage


def kinds(stage: Stage) -> list[Kind]:
    """The mails, in order."""
    return [mail.kind for mail in stage.site.mails]


# --- which block times are looked at --------------------------------------------------------------


def test_a_block_time_is_started_six_hours_before_it_starts(stage: Stage) -> None:
    stage.rounds(START - 6 * HOUR, since=START - 7 * HOUR, every=MINUTE)
    assert stage.asked == []
    stage.rounds(START - 6 * HOUR + 12)
    assert stage.asked == [BLOCK]
    assert stage.send("SELECT processed FROM blockTimes") == [(1,)]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE blockRequest SET status = 'requested'",
        "UPDATE blockRequest SET status = 'deleted'",
        "UPDATE blockTimes SET skip = 1",
        "UPDATE blockTimes SET processed = 1",
        "UPDATE blockRequest SET managementnodeid = 11",
        "UPDATE blockRequest SET processing = 1",
    ],
)
def test_which_are_not_started(stage: Stage, change: str) -> None:
    stage.send(change)
    stage.rounds(START, since=START - HOUR, every=MINUTE)
    assert stage.asked == []
    assert stage.site.log.forks(BLOCK) == 0


@pytest.mark.parametrize("change", ["UPDATE blockRequest SET status = 'rejected'", "UPDATE blockTimes SET skip = 1"])
def test_a_skipped_or_unaccepted_time_is_started_in_the_minute_after_its_end(stage: Stage, change: str) -> None:
    stage.send(change)
    stage.rounds(END, since=END - HOUR, every=MINUTE)
    assert stage.asked == []
    stage.rounds(END + 59)
    assert stage.asked == [BLOCK]
    assert stage.site.log.forks(BLOCK, "start") == 1


def test_ended_times_are_looked_at_by_every_node() -> None:
    stage = Stage(nodes=(OTHER_NODE,))
    stage.send("UPDATE blockRequest SET expireTime = '2026-03-02 23:59:59'")
    stage.rounds(END, since=START, every=MINUTE)
    assert stage.site.log.forks(BLOCK) == 0
    stage.rounds(END + MINUTE)
    (cleared,) = stage.events(What.BLOCK_CLEARED)
    assert cleared.node == OTHER_NODE


# --- start ----------------------------------------------------------------------------------------


def test_a_block_that_is_had_at_once(stage: Stage) -> None:
    stage.rounds(START - HOUR, since=START - HOUR)
    assert stage.asked == [BLOCK]
    assert [(mail.kind, mail.allocated, mail.wanted) for mail in stage.site.mails] == [(Kind.DONE, 4, 4)]
    stage.site.processes.run(START - HOUR + 9)
    assert stage.block(BLOCK) == ("accepted", 1)
    stage.rounds(START - HOUR + 12)
    assert stage.block(BLOCK) == ("accepted", 0)


@pytest.mark.parametrize("answer", [{"status": "warning", "allocated": 2}, {"status": "error"}, OSError("no service")])
def test_six_calls_within_half_a_minute_and_never_again(stage: Stage, answer: Mapping[str, Any] | Exception) -> None:
    stage.answers = [answer]
    stage.rounds(START - HOUR + 24, since=START - HOUR)
    assert len(stage.asked) == 5
    stage.rounds(START - HOUR + 25)
    assert len(stage.asked) == 6
    stage.rounds(END, every=MINUTE)
    assert len(stage.asked) == 6
    assert kinds(stage) == [Kind.ALARM, Kind.SHORT]
    assert stage.site.log.forks(BLOCK) == 1


def test_processed_is_set_before_the_first_call(stage: Stage) -> None:
    seen: list[object] = []

    def process(*_call: object) -> dict[str, Any]:
        seen.extend(stage.send("SELECT processed FROM blockTimes"))
        return {}

    stage.site.process_block_time = process
    stage.rounds(START - HOUR, since=START - HOUR)
    assert seen == [(1,)]


@pytest.mark.parametrize(
    ("answers", "calls", "allocated", "mails"),
    [
        # Numbers of a pass stay until another brings some.
        ([{"status": "warning", "allocated": 2}, {"status": "completed"}], 2, 2, [Kind.ALARM, Kind.SHORT]),
        (
            [{"status": "warning", "allocated": 2}, OSError(), {"status": "completed", "allocated": 4}],
            3,
            4,
            [Kind.DONE],
        ),
        # Without any it is 0: alarms for a class that is complete.
        ([{"status": "completed"}], 1, 0, [Kind.ALARM, Kind.SHORT]),
        ([{"status": "completed", "allocated": 4, "unallocated": 0}], 1, 4, [Kind.DONE]),
        ([{"status": "completed", "allocated": "4"}], 1, 4, [Kind.DONE]),
        ([{"status": "success", "allocated": 5}], 1, 5, [Kind.DONE]),
        # A text in an earlier pass alarms the administrators, not the owner.
        (
            [{"status": "warning", "allocated": 3, "warningmsg": "late"}, {"status": "success", "allocated": 4}],
            2,
            4,
            [Kind.ALARM],
        ),
        (
            [{"status": "warning", "warningmsg": "late"}, {"status": "warning"}, {"status": "success", "allocated": 4}],
            3,
            4,
            [Kind.ALARM],
        ),
        ([{"status": "error", "errormsg": "?"}, {"status": "success", "allocated": 4}], 2, 4, [Kind.ALARM]),
        # That of a pass that is full is not read.
        ([{"status": "warning", "allocated": 4, "warningmsg": "late"}], 1, 4, [Kind.DONE]),
        ([{"status": "warning", "allocated": "many"}], 6, 0, [Kind.ALARM, Kind.SHORT]),
    ],
)
def test_how_answers_are_read(
    stage: Stage, answers: list[Mapping[str, Any] | Exception], calls: int, allocated: int, mails: list[Kind]
) -> None:
    stage.answers = answers
    stage.rounds(START - HOUR + MINUTE, since=START - HOUR)
    assert len(stage.asked) == calls
    assert kinds(stage) == mails
    assert {mail.allocated for mail in stage.site.mails} == {allocated}


def test_a_failed_assertion_of_a_test_is_no_failed_call(stage: Stage) -> None:
    stage.answers = [AssertionError("seen")]
    with pytest.raises(AssertionError, match="seen"):
        stage.rounds(START - HOUR, since=START - HOUR)


def test_a_node_that_dies_while_it_asks_leaves_the_request_being_worked_on_for_ever(stage: Stage) -> None:
    stage.answers = [{"status": "warning", "allocated": 2}]
    stage.rounds(START - HOUR, since=START - HOUR)
    stage.back_ends.of[NODE].stop()
    stage.back_ends.of[NODE].start()
    stage.rounds(END + HOUR, every=MINUTE)
    assert stage.block(BLOCK) == ("accepted", 1)
    assert len(stage.asked) == 1
    assert stage.site.log.forks(BLOCK, "end") == 0
    assert stage.site.mails == []


def test_while_one_time_of_a_request_is_worked_on_its_others_wait(stage: Stage) -> None:
    stage.block_time(11, START + HOUR, END + HOUR, request=BLOCK)
    stage.answers = [{"status": "warning", "allocated": 2}]
    stage.rounds(START - HOUR, since=START - HOUR)
    assert [time for (_kind, _request, time) in stage.site.log.forked] == [BLOCK, 11]  # in one round: both
    stage.block_time(12, START + HOUR, END + HOUR, request=BLOCK)
    stage.rounds(START - HOUR + 12)
    assert stage.site.log.forks(12) == 0
    stage.rounds(START - HOUR + MINUTE)
    assert stage.site.log.forks(12) == 1


# --- end and expiry -------------------------------------------------------------------------------


def test_the_end_clears_the_time_a_minute_after_it(stage: Stage) -> None:
    stage.block_time(20, START, END + HOUR)
    stage.add_block_computers(BLOCK, C0)
    stage.add_block_computers(20, C0, C1)
    stage.rounds(END + 59, since=END - 10)
    assert stage.block_computers(BLOCK) == [C0]
    stage.rounds(END + MINUTE)
    assert stage.block_computers(BLOCK) == []
    assert stage.send("SELECT id FROM blockTimes") == [(20,)]
    assert stage.block_computers(20) == [C0, C1]
    stage.rounds(END + 2 * MINUTE)
    assert stage.block(BLOCK) == ("accepted", 0)
    assert stage.site.log.forks(BLOCK, "end") == 1


def test_a_request_without_times_is_completed_when_it_expires(stage: Stage) -> None:
    stage.rounds(END + HOUR, since=END, every=MINUTE)
    assert stage.block(BLOCK) == ("accepted", 0)
    midnight = at("00:00", "2026-03-03")
    stage.rounds(midnight + 3 * MINUTE, since=midnight - 3 * MINUTE)
    assert stage.block(BLOCK) == ("completed", 0)
    assert stage.site.log.forked["expire", BLOCK, 0] == 1


def test_while_an_ended_time_is_left_requests_without_times_are_not_completed(stage: Stage) -> None:
    stage.block_time(20, START, END, processing=1)  # stuck
    stage.send("DELETE FROM blockTimes WHERE id = %s", BLOCK)
    stage.rounds(at("00:10", "2026-03-03"), since=at("00:00", "2026-03-03"), every=MINUTE)
    assert stage.block(BLOCK) == ("accepted", 0)
    stage.send("DELETE FROM blockTimes")
    stage.rounds(at("00:12", "2026-03-03"), every=MINUTE)
    assert stage.block(BLOCK) == ("completed", 0)


@pytest.mark.parametrize("status", ["accepted", "deleted"])
def test_a_request_that_expires_with_its_end_is_never_cleared_and_forked_for_for_ever(status: str) -> None:
    stage = Stage()  # expires at its end
    stage.send("UPDATE blockRequest SET status = %s", status)
    stage.send("UPDATE blockTimes SET processed = 1")
    stage.add_block_computers(BLOCK, C0)
    stage.rounds(END + 59, since=END)
    assert stage.site.log.forks(BLOCK) == 0
    stage.rounds(END + MINUTE)
    assert stage.block(BLOCK) == ("completed", 0)
    stage.rounds(END + 11 * MINUTE, every=MINUTE)
    assert stage.site.log.forks(BLOCK, "expire") == 11
    assert stage.block_computers(BLOCK) == [C0]
    assert stage.site.log.forks(BLOCK, "end") == 0


def test_a_time_whose_request_expires_while_it_is_cleared_is_completed_too(stage: Stage) -> None:
    """Its process looks at the clock again."""
    stage.send("UPDATE blockRequest SET expireTime = '2026-03-02 16:00:01'")
    stage.rounds(END + MINUTE, since=END + MINUTE)
    stage.site.processes.run(END + MINUTE + 1)
    assert stage.block(BLOCK) == ("completed", 0)
    assert list(stage.site.log.forked) == [("end", BLOCK, BLOCK)]


def test_a_skipped_time_is_cleared_too(stage: Stage) -> None:
    stage.send("UPDATE blockTimes SET skip = 1")
    stage.add_block_computers(BLOCK, C0)
    stage.rounds(END + 3 * MINUTE, since=END + 2 * MINUTE)
    assert stage.send("SELECT COUNT(*) FROM blockTimes") == [(0,)]
    assert stage.asked == []


# --- cost -----------------------------------------------------------------------------------------


def test_a_round_on_an_idle_site_is_cheap(stage: Stage, django_assert_max_num_queries: Any) -> None:
    for computer in (C0, C1):
        stage.request(computer, start=START)
    stage.send("DELETE FROM blockTimes")
    stage.rounds(START - 8 * HOUR, since=START - 8 * HOUR)
    with django_assert_max_num_queries(4):
        stage.rounds(START - 8 * HOUR + 12)
    begun = time.perf_counter()
    stage.rounds(START - 8 * HOUR + 12 + 100 * 12)
    assert time.perf_counter() - begun < 5  # seconds for 100 rounds, on the slowest machine
