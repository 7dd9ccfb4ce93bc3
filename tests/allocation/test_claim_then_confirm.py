"""Claim, then confirm: what happens when somebody is faster between the two transactions (SPEC 8.7)."""

from typing import Any

import pytest
import time_machine
from django.db import OperationalError, connection
from django.test import override_settings

from blockalloc import clock
from blockalloc.allocation import service
from blockalloc.contract.messages import Refusal
from blockalloc.store import claims
from blockalloc.store.guard import Deadline
from blockalloc.store.times import to_utc
from tests.golden import tables
from tests.support.claim_and_confirm import Between
from tests.support.sites.class_site import (
    BLOCK_TIME,
    CALLER,
    IMAGE,
    NODE,
    NOW,
    ZONE,
    a_call,
    class_site,
    computers_of,
    reserve,
)

pytestmark = pytest.mark.django_db(transaction=True)
CLASS = ("2026-03-02 14:00:00", "2026-03-02 16:00:00")


def _semaphores() -> list[tuple[int, str]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT computerid, procid FROM semaphore ORDER BY computerid")
        return [(computer, procid.split(":")[0]) for computer, procid in cursor.fetchall()]


def _foreign_semaphore(computer: int, seconds: int = 45, procid: str = "front end") -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO semaphore (computerid, imageid, imagerevisionid, managementnodeid, expires, procid) "
            "VALUES (%s, %s, 10, %s, %s, %s)",
            [computer, IMAGE, NODE, to_utc(clock.now() + seconds), procid],
        )


def test_chosen_computers_are_claimed_before_anything_is_written(between_claim_and_confirm: Between) -> None:
    seen: list[object] = []
    between_claim_and_confirm(lambda: seen.extend([_semaphores(), computers_of()]))
    with class_site():
        service.allocate_block(a_call(), CALLER)
        assert seen == [[(number, "blockalloc") for number in (10, 11, 12, 13)], []]
        assert _semaphores() == [(number, "blockalloc-held") for number in (10, 11, 12, 13)]


def test_held_rows_expire_after_the_configured_time_and_are_purged_by_a_later_call() -> None:
    with class_site(blocks=2):
        service.allocate_block(a_call(2), CALLER)
        assert len(_semaphores()) == 2
        _foreign_semaphore(15, seconds=-1)
        with time_machine.travel(NOW.timestamp() + 46, tick=False):
            service.allocate_block(a_call(2, block_time=11), CALLER)
        assert _semaphores() == [(12, "blockalloc-held"), (13, "blockalloc-held"), (15, "front end")]


def test_held_rows_do_not_stop_our_own_calls() -> None:
    with class_site(computers=8):
        assert service.allocate_block(a_call(2), CALLER) == 2
        assert service.allocate_block(a_call(4), CALLER) == 4


def test_claims_of_another_call_in_flight_do(between_claim_and_confirm: Between) -> None:
    """After a wait, because the other call may give them back."""
    with class_site(computers=6, machines=4, blocks=2), override_settings(VCL_GUARD_WAIT_SECONDS=1):
        answers: list[int] = []
        between_claim_and_confirm(lambda: answers.append(service.allocate_block(a_call(block_time=11), CALLER)))
        assert service.allocate_block(a_call(), CALLER) == 4
        assert answers == [2]
        assert computers_of(10) == [10, 11, 12, 13]
        assert computers_of(11) == [14, 15]


def test_a_call_that_would_come_up_short_waits_for_claims_to_be_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another call has claimed two computers, for another day say, and writes its rows while this one waits."""

    def others_end(_seconds: float) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE semaphore SET procid = 'blockalloc-held:99.other' WHERE procid LIKE 'blockalloc:99.%'"
            )

    with class_site(computers=4):
        for computer in (10, 11):
            _foreign_semaphore(computer, procid="blockalloc:99.other")
        monkeypatch.setattr("time.sleep", others_end)
        assert service.allocate_block(a_call(), CALLER) == 4
        assert computers_of() == [10, 11, 12, 13]


def test_a_reservation_made_meanwhile_is_exchanged_for_another_computer(between_claim_and_confirm: Between) -> None:
    between_claim_and_confirm(lambda: reserve(11, *CLASS))
    with class_site():
        assert service.allocate_block(a_call(), CALLER) == 4
        assert computers_of() == [10, 12, 13, 14]
        assert _semaphores() == [(number, "blockalloc-held") for number in (10, 12, 13, 14)]


def test_a_foreign_semaphore_made_meanwhile_is_respected(between_claim_and_confirm: Between) -> None:
    between_claim_and_confirm(lambda: _foreign_semaphore(10))
    with class_site():
        assert service.allocate_block(a_call(), CALLER) == 4
        assert computers_of() == [11, 12, 13, 14]


def test_a_computer_lost_in_the_second_round_makes_the_answer_short(between_claim_and_confirm: Between) -> None:
    between_claim_and_confirm(lambda: reserve(10, *CLASS), lambda: reserve(14, *CLASS))
    with class_site():
        assert service.allocate_block(a_call(), CALLER) == 3
        assert computers_of() == [11, 12, 13]
        assert _semaphores() == [(number, "blockalloc-held") for number in (11, 12, 13)]


def test_without_a_computer_to_exchange_for_the_answer_is_short(between_claim_and_confirm: Between) -> None:
    between_claim_and_confirm(lambda: reserve(10, *CLASS))
    with class_site(computers=4):
        assert service.allocate_block(a_call(), CALLER) == 3
        assert computers_of() == [11, 12, 13]


@pytest.mark.parametrize(
    ("block_time", "key"), [(BLOCK_TIME, None), (0, "monday")], ids=["one block time", "one idempotency key"]
)
def test_a_retry_beside_the_call_in_flight_is_refused_as_busy(
    between_claim_and_confirm: Between, block_time: int, key: str | None
) -> None:
    call = a_call(block_time=block_time, key=key)
    codes: list[int] = []

    def retry() -> None:
        with pytest.raises(Refusal) as refused:
            service.allocate_block(call, CALLER)
        codes.append(refused.value.code)

    between_claim_and_confirm(retry)
    with class_site(computers=20), override_settings(VCL_GUARD_WAIT_SECONDS=1):
        assert service.allocate_block(call, CALLER) == 4
        assert codes == [205]
        assert service.allocate_block(call, CALLER) == 4
        assert len(tables.read()["request"]) == 4


def test_calls_for_other_new_blocks_do_not_wait_for_each_other(between_claim_and_confirm: Between) -> None:
    answers: list[int] = []
    between_claim_and_confirm(lambda: answers.append(service.allocate_block(a_call(2, block_time=0), CALLER)))
    with class_site(computers=20), override_settings(VCL_GUARD_WAIT_SECONDS=1):
        assert service.allocate_block(a_call(2, block_time=0), CALLER) == 2
        assert answers == [2]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"update": {"blockTimes": [{"id": BLOCK_TIME, "skip": 1}]}}, 202),
        ({"update": {"blockRequest": [{"id": BLOCK_TIME, "status": "deleted"}]}}, 203),
        ({"delete": {"blockTimes": [{"id": BLOCK_TIME}]}}, 8),
    ],
    ids=["skipped", "deleted", "gone"],
)
def test_a_block_time_that_is_closed_meanwhile_is_not_filled(
    between_claim_and_confirm: Between, change: dict[str, Any], code: int
) -> None:
    between_claim_and_confirm(lambda: tables.change(change, ZONE))
    with class_site():
        with pytest.raises(Refusal) as refused:
            service.allocate_block(a_call(), CALLER)
        assert refused.value.code == code
        assert tables.read()["request"] == []
        assert _semaphores() == []


def test_a_new_block_of_which_everything_is_lost_leaves_no_rows(between_claim_and_confirm: Between) -> None:
    def reserve_both() -> None:
        reserve(10, *CLASS)
        reserve(11, *CLASS)

    between_claim_and_confirm(reserve_both)
    with class_site(computers=2):
        before = tables.read()
        assert service.allocate_block(a_call(2, block_time=0), CALLER) == 0
        after = tables.read()
        assert {name for name in after if before[name] != after[name]} == {"request", "reservation"}
        assert len(after["request"]) == 2


def test_a_call_that_fails_after_its_claim_frees_the_computers(between_claim_and_confirm: Between) -> None:
    def fail() -> None:
        raise RuntimeError("the process has a fault")

    between_claim_and_confirm(fail)
    with class_site():
        with pytest.raises(RuntimeError):
            service.allocate_block(a_call(), CALLER)
        assert _semaphores() == []
        assert service.allocate_block(a_call(), CALLER) == 4


def test_limits_hold_against_calls_that_ran_meanwhile(between_claim_and_confirm: Between) -> None:
    with class_site(computers=12, machines=4, blocks=2):
        tables.change({"update": {"image": [{"id": IMAGE, "maxconcurrent": 6}]}}, ZONE)
        between_claim_and_confirm(lambda: service.allocate_block(a_call(block_time=11), CALLER) and None)
        service.allocate_block(a_call(), CALLER)
        assert len(computers_of(10)) + len(computers_of(11)) == 6


def test_a_dry_run_writes_nothing() -> None:
    with class_site():
        before = tables.read()
        result = service.dry_run(a_call(), CALLER, explain=False)
        assert result.outcome.allocated == 4
        assert [machine.computers[0].hostname for machine in result.machines] == ["c10", "c11", "c12", "c13"]
        assert tables.read() == before
        assert _semaphores() == []


# --- the front end's view: a computer passes when one of its rows is past -------------------------


def _front_end_may_take(computer: int, seconds_later: int = 0) -> bool:
    """Step (c) of the front end: does a join of computer and semaphore give a row that is NULL or past?"""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT COUNT(*) FROM computer c LEFT JOIN semaphore s ON s.computerid = c.id "
            "WHERE c.id = %s AND (s.expires IS NULL OR s.expires < %s)",
            [computer, to_utc(clock.now() + seconds_later)],
        )
        return bool(cursor.fetchone()[0])


def test_a_stale_row_of_somebody_else_does_not_defeat_a_claim(between_claim_and_confirm: Between) -> None:
    seen: list[bool] = []
    between_claim_and_confirm(lambda: seen.append(_front_end_may_take(10)))
    with class_site():
        _foreign_semaphore(10, seconds=-60)
        assert _front_end_may_take(10)
        service.allocate_block(a_call(), CALLER)
        assert seen == [False]
        assert not _front_end_may_take(10)


def test_an_older_held_row_does_not_defeat_a_newer_one() -> None:
    with class_site(blocks=2):
        later = {"start": "2026-03-03 14:00:00", "end": "2026-03-03 16:00:00"}
        tables.change({"update": {"blockTimes": [{"id": 11, **later}]}}, ZONE)
        tables.change({"update": {"blockRequest": [{"id": 11, "expireTime": later["end"]}]}}, ZONE)
        service.process_block_time(10, True, CALLER)
        with time_machine.travel(NOW.timestamp() + 40, tick=False):
            service.process_block_time(11, True, CALLER)
            assert computers_of(10) == computers_of(11) == [10, 11, 12, 13]
            assert not _front_end_may_take(10, seconds_later=6)
            assert _front_end_may_take(10, seconds_later=46)


# --- claims that ran out --------------------------------------------------------------------------


def test_a_claim_that_ran_out_is_made_again_before_anything_is_written(between_claim_and_confirm: Between) -> None:
    with class_site(blocks=2), time_machine.travel(NOW, tick=False) as traveller:
        seen: list[object] = []

        def stall() -> None:
            traveller.shift(46)
            assert _front_end_may_take(10)

        between_claim_and_confirm(stall, lambda: seen.extend([computers_of(), _front_end_may_take(10)]))
        assert service.allocate_block(a_call(), CALLER) == 4
        assert seen == [[], False]
        assert _semaphores() == [(number, "blockalloc-held") for number in (10, 11, 12, 13)]


def test_a_claim_that_ran_out_and_was_purged_is_made_again(between_claim_and_confirm: Between) -> None:
    with class_site(computers=10, blocks=2), time_machine.travel(NOW, tick=False) as traveller:

        def stall_while_another_call_runs() -> None:
            traveller.shift(46)
            service.allocate_block(a_call(2, block_time=11), CALLER)

        between_claim_and_confirm(stall_while_another_call_runs)
        assert service.allocate_block(a_call(), CALLER) == 4
        assert computers_of(11) == [10, 11]
        assert computers_of(10) == [12, 13, 14, 15]
        assert len(_semaphores()) == 6


def test_claims_that_run_out_again_and_again_are_busy_not_nothing(between_claim_and_confirm: Between) -> None:
    """Nobody has taken the computers: an answer of 0 would say that there are no candidates."""
    with class_site(), time_machine.travel(NOW, tick=False) as traveller:
        between_claim_and_confirm(lambda: traveller.shift(46), lambda: traveller.shift(46))
        with pytest.raises(Refusal) as refused:
            service.allocate_block(a_call(), CALLER)
        assert refused.value.code == 205
        assert computers_of() == []
        assert _semaphores() == []


def test_a_call_that_is_too_slow_every_time_is_refused_when_its_time_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    hold = claims.hold
    with class_site(), time_machine.travel(NOW, tick=False) as traveller:

        def slowly(*arguments: Any) -> Any:
            result = hold(*arguments)
            traveller.shift(6)
            return result

        monkeypatch.setattr(claims, "hold", slowly)
        monkeypatch.setattr(Deadline, "left", lambda _: max(NOW.timestamp() + 20 - clock.now(), 0.0))
        with pytest.raises(Refusal) as refused:
            service.allocate_block(a_call(), CALLER)
        assert refused.value.code == 205
        assert clock.now() <= NOW.timestamp() + 30
        assert computers_of() == []


def test_a_round_that_is_tried_again_writes_only_what_was_claimed(
    monkeypatch: pytest.MonkeyPatch, between_claim_and_confirm: Between
) -> None:
    """The transaction that exchanges is lost to a deadlock when all its work is done."""
    claim, failures = claims.claim, [OperationalError(1213, "Deadlock found")]

    def lost_the_second_time(call_id: str, assignments: Any, *facts: Any) -> None:
        claim(call_id, assignments, *facts)
        if len(assignments) == 4 and {each.computer.id for each in assignments} == {10, 12, 13, 14} and failures:
            raise failures.pop()

    monkeypatch.setattr(claims, "claim", lost_the_second_time)
    between_claim_and_confirm(lambda: reserve(11, *CLASS))
    with class_site():
        assert service.allocate_block(a_call(), CALLER) == 4
        assert not failures
        assert computers_of() == [10, 12, 13, 14]
        assert _semaphores() == [(number, "blockalloc-held") for number in (10, 12, 13, 14)]


# --- computers of other blocks --------------------------------------------------------------------


def test_a_reload_days_before_its_block_occupies_the_computer() -> None:
    """A member's reservation that joined a later block is reloaded before the reservation, not before the block."""
    with class_site(computers=1, machines=1, blocks=2):
        later = {"start": "2026-03-05 14:00:00", "end": "2026-03-05 16:00:00"}
        tables.change({"update": {"blockTimes": [{"id": 11, **later}]}}, ZONE)
        request = {"id": 50, "stateid": 19, "laststateid": 19, "userid": 2, "daterequested": "2026-03-02 08:00:00"}
        tables.insert("request", [{**request, "start": "2026-03-02 15:50:00", "end": "2026-03-02 16:15:00"}], ZONE)
        row = {"blockTimeid": 11, "computerid": 10, "imageid": IMAGE, "reloadrequestid": 50}
        tables.insert("blockComputers", [row], ZONE)
        assert service.allocate_block(a_call(1), CALLER) == 0


def test_the_replacement_of_a_lost_computer_is_chosen_by_new_facts(between_claim_and_confirm: Between) -> None:
    """One of the chosen is lost, and the next in order was reserved meanwhile too."""
    rounds: list[str] = []

    def others() -> None:
        rounds.append("exchange")
        for computer in (11, 14):
            reserve(computer, *CLASS)

    between_claim_and_confirm(others, lambda: rounds.append("last"))
    with class_site(computers=7):
        assert service.allocate_block(a_call(), CALLER) == 4
        assert computers_of() == [10, 12, 13, 15]
        assert rounds == ["exchange", "last"]
