"""Claim, then confirm: what happens when somebody is faster between the two transactions (SPEC 8.7)."""

from collections.abc import Callable

import pytest
import time_machine
from django.db import connection

from blockalloc import allocation, clock, service
from blockalloc.store.times import to_utc
from tests.class_site import CALLER, IMAGE, NODE, NOW, ZONE, a_call, class_site, computers_of, reserve
from tests.golden import tables

pytestmark = pytest.mark.django_db(transaction=True)
CLASS = ("2026-03-02 14:00:00", "2026-03-02 16:00:00")


def _between(monkeypatch: pytest.MonkeyPatch, *steps: Callable[[], None]) -> None:
    """Do `steps`, one before each confirming transaction: what others do after the claim."""
    waiting = list(steps)
    confirm = allocation.AllocationCall._confirm

    def after_others(self: allocation.AllocationCall, *, exchange: bool) -> object:
        if waiting:
            waiting.pop(0)()
        return confirm(self, exchange=exchange)

    monkeypatch.setattr(allocation.AllocationCall, "_confirm", after_others)


def _semaphores() -> list[tuple[int, str]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT computerid, procid FROM semaphore ORDER BY computerid")
        return [(computer, procid.split(":")[0]) for computer, procid in cursor.fetchall()]


def _foreign_semaphore(computer: int, seconds: int = 45) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO semaphore (computerid, imageid, imagerevisionid, managementnodeid, expires, procid) "
            "VALUES (%s, %s, 10, %s, %s, 'front end')",
            [computer, IMAGE, NODE, to_utc(clock.now() + seconds)],
        )


def test_chosen_computers_are_claimed_before_anything_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []
    _between(monkeypatch, lambda: seen.extend([_semaphores(), computers_of()]))
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


def test_claims_of_another_call_in_flight_do(monkeypatch: pytest.MonkeyPatch) -> None:
    with class_site(computers=6, machines=4, blocks=2):
        answers: list[int] = []
        _between(monkeypatch, lambda: answers.append(service.allocate_block(a_call(block_time=11), CALLER)))
        assert service.allocate_block(a_call(), CALLER) == 4
        assert answers == [2]
        assert computers_of(10) == [10, 11, 12, 13]
        assert computers_of(11) == [14, 15]


def test_a_reservation_made_meanwhile_is_exchanged_for_another_computer(monkeypatch: pytest.MonkeyPatch) -> None:
    _between(monkeypatch, lambda: reserve(11, *CLASS))
    with class_site():
        assert service.allocate_block(a_call(), CALLER) == 4
        assert computers_of() == [10, 12, 13, 14]
        assert _semaphores() == [(number, "blockalloc-held") for number in (10, 12, 13, 14)]


def test_a_foreign_semaphore_made_meanwhile_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    _between(monkeypatch, lambda: _foreign_semaphore(10))
    with class_site():
        assert service.allocate_block(a_call(), CALLER) == 4
        assert computers_of() == [11, 12, 13, 14]


def test_what_is_lost_in_the_second_round_makes_the_answer_short(monkeypatch: pytest.MonkeyPatch) -> None:
    _between(monkeypatch, lambda: reserve(10, *CLASS), lambda: reserve(14, *CLASS))
    with class_site():
        assert service.allocate_block(a_call(), CALLER) == 3
        assert computers_of() == [11, 12, 13]


def test_without_a_computer_to_exchange_for_the_answer_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    _between(monkeypatch, lambda: reserve(10, *CLASS))
    with class_site(computers=4):
        assert service.allocate_block(a_call(), CALLER) == 3
        assert computers_of() == [11, 12, 13]


def test_two_calls_for_one_block_time_never_take_more_than_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[int] = []
    _between(monkeypatch, lambda: answers.append(service.allocate_block(a_call(), CALLER)))
    with class_site(computers=20):
        assert service.allocate_block(a_call(), CALLER) == 4
        assert answers == [4]
        assert len(computers_of()) == 4
        assert len(tables.read()["request"]) == 4


def test_a_new_block_of_which_everything_is_lost_leaves_no_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    _between(monkeypatch, lambda: [reserve(number, *CLASS) for number in (10, 11)] and None)
    with class_site(computers=2):
        before = tables.read()
        assert service.allocate_block(a_call(2, block_time=0), CALLER) == 0
        after = tables.read()
        assert {name for name in after if before[name] != after[name]} == {"request", "reservation"}
        assert len(after["request"]) == 2


def test_a_call_that_fails_after_its_claim_frees_the_computers(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise RuntimeError("the process has a fault")

    _between(monkeypatch, fail)
    with class_site():
        with pytest.raises(RuntimeError):
            service.allocate_block(a_call(), CALLER)
        assert _semaphores() == []
        assert service.allocate_block(a_call(), CALLER) == 4


def test_limits_hold_against_calls_that_ran_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    with class_site(computers=12, machines=4, blocks=2):
        tables.change({"update": {"image": [{"id": IMAGE, "maxconcurrent": 6}]}}, ZONE)
        _between(monkeypatch, lambda: service.allocate_block(a_call(block_time=11), CALLER) and None)
        service.allocate_block(a_call(), CALLER)
        assert len(computers_of(10)) + len(computers_of(11)) == 6


def test_a_dry_run_writes_nothing() -> None:
    with class_site():
        before = tables.read()
        found = service.allocate(a_call(), CALLER, dry_run=True)
        assert found.outcome.allocated == 4
        assert [machine.computers[0].hostname for machine in found.machines] == ["c10", "c11", "c12", "c13"]
        assert tables.read() == before
        assert _semaphores() == []
