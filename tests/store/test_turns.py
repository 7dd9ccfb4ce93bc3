"""Calls of one process take turns: one at a time between the claim and the end of its confirmation."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import pairwise

import pytest
from django.test import override_settings

from blockalloc.allocation import service
from blockalloc.contract.messages import Refusal
from blockalloc.store.guard import Deadline
from blockalloc.store.turns import HUNG, Turns, turn
from tests.support.sites.class_site import CALLER, a_call, class_site, computers_of

SECONDS = 10.0  # after which a test gives up
LIMIT = 0.8  # seconds after which a turn is passed by in these tests
LONG_LIMIT = 3 * LIMIT  # in tests where others must come and go within a turn, on a busy machine too


# --- calls --------------------------------------------------------------------------------------


@contextmanager
def somebody_elses_turn() -> Iterator[None]:
    """Another thread has the turn until the end."""
    begun, over = threading.Event(), threading.Event()

    def hold() -> None:
        with turn(Deadline(5)):
            begun.set()
            over.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    assert begun.wait(5)
    try:
        yield
    finally:
        over.set()
        thread.join()


@pytest.mark.django_db(transaction=True)
def test_a_call_that_gets_no_turn_in_time_is_refused_as_busy() -> None:
    with override_settings(VCL_GUARD_WAIT_SECONDS=1), class_site(), somebody_elses_turn():
        with pytest.raises(Refusal) as refused:
            service.allocate_block(a_call(), CALLER)
        assert refused.value.code == 205
        assert computers_of() == []


@pytest.mark.django_db(transaction=True)
def test_a_call_that_hangs_is_passed_by() -> None:
    """The site's settings are the usual ones."""
    with class_site(), somebody_elses_turn():
        began = time.monotonic()
        assert service.allocate_block(a_call(), CALLER) == 4
        assert time.monotonic() - began < HUNG + 5


@pytest.mark.django_db(transaction=True)
def test_a_dry_run_needs_no_turn() -> None:
    with override_settings(VCL_GUARD_WAIT_SECONDS=1), class_site(), somebody_elses_turn():
        assert service.dry_run(a_call(), CALLER, explain=False).outcome.allocated == 4


@pytest.mark.django_db(transaction=True)
def test_the_turn_is_given_back_by_a_call_that_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("on purpose")

    monkeypatch.setattr("scheduling.planner.make_plan", fail)
    with class_site():
        with pytest.raises(RuntimeError):
            service.allocate_block(a_call(), CALLER)
        others: list[int] = []
        thread = threading.Thread(target=lambda: others.append(1 if _has_turn() else 0))
        thread.start()
        thread.join()
        assert others == [1]


def _has_turn() -> bool:
    with turn(Deadline(0.2)):
        return True


# --- turns --------------------------------------------------------------------------------------
class Visitor:
    """A thread that takes a turn and keeps it until `goes()`, or for some seconds."""

    def __init__(self, turns: Turns, *, wait: float = SECONDS, stay: float | None = None) -> None:
        self._turns, self._wait, self._stay = turns, wait, stay
        self._may_go = threading.Event()
        self.inside = threading.Event()
        self.refused = 0
        self.came = self.went = 0.0
        self._thread = threading.Thread(target=self._visit, daemon=True)
        self._thread.start()

    def _visit(self) -> None:
        try:
            with self._turns.turn(Deadline(self._wait)):
                self.came = time.monotonic()
                self.inside.set()
                assert self._may_go.wait(SECONDS if self._stay is None else self._stay) or self._stay is not None
                self.went = time.monotonic()
        except Refusal as refusal:
            self.refused = refusal.code

    def comes(self) -> None:
        """Wait until it has its turn."""
        assert self.inside.wait(SECONDS)

    def goes(self) -> None:
        """Let it go, and wait until it has gone."""
        self._may_go.set()
        self.ends()

    def ends(self) -> None:
        """Wait until it has gone or was refused."""
        self._thread.join(SECONDS)
        assert not self._thread.is_alive()


def in_a_queue(turns: Turns, number: int, **how: float) -> list[Visitor]:
    """So many visitors, who have come one after the other and are waiting."""
    visitors = []
    for _ in range(number):
        before = len(turns._waiting)
        visitors.append(Visitor(turns, **how))
        until(partial(_waits, turns, before + 1))
    return visitors


def _waits(turns: Turns, number: int) -> bool:
    return len(turns._waiting) == number


def until(is_so: Callable[[], bool]) -> None:
    """Wait until a condition holds."""
    end = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.001)


@pytest.fixture
def turns() -> Turns:
    """Turns that last LIMIT seconds at most before others are let in."""
    return Turns(LIMIT)


def test_first_come_first_served_one_at_a_time() -> None:
    turns = Turns(SECONDS)
    first = Visitor(turns)
    first.comes()
    queue = in_a_queue(turns, 8, stay=0.01)
    assert not any(visitor.inside.is_set() for visitor in queue)
    first.goes()
    for visitor in queue:
        visitor.ends()
    for before, after in pairwise([first, *queue]):
        assert before.went <= after.came


def test_a_turn_that_hangs_lets_the_next_one_in_at_the_limit_and_not_before(turns: Turns) -> None:
    hangs = Visitor(turns)
    hangs.comes()
    (following,) = in_a_queue(turns, 1)
    following.comes()
    assert LIMIT <= following.came - hangs.came < LIMIT + 2
    following.goes()
    hangs.goes()


def test_who_comes_when_a_turn_has_hung_for_long_goes_in_at_once(turns: Turns) -> None:
    hangs = Visitor(turns)
    hangs.comes()
    time.sleep(LIMIT)
    late = Visitor(turns, wait=0)  # no time at all to wait
    late.goes()
    assert late.refused == 0
    hangs.goes()


def test_beside_one_that_hangs_the_others_go_in_one_at_a_time() -> None:
    turns = Turns(LONG_LIMIT)
    hangs = Visitor(turns)
    hangs.comes()
    queue = in_a_queue(turns, 10, stay=0.01)
    for visitor in queue:
        visitor.ends()
    for before, after in pairwise(queue):
        assert before.went <= after.came
    assert queue[0].came - hangs.came >= LONG_LIMIT  # one limit is waited, for the one that hangs
    assert queue[-1].went - queue[0].came < 5 * LONG_LIMIT
    hangs.goes()


def test_of_those_that_hang_each_has_a_limit_of_its_own(turns: Turns) -> None:
    first = Visitor(turns)
    first.comes()
    hang = [first, *in_a_queue(turns, 3)]
    for before, after in pairwise(hang):
        after.comes()
        assert after.came - before.came >= LIMIT
    for visitor in hang:
        visitor.goes()


def test_one_that_was_passed_by_and_comes_back_lets_nobody_in() -> None:
    turns = Turns(LONG_LIMIT)
    hangs = Visitor(turns)
    hangs.comes()
    beside, waiting = in_a_queue(turns, 2)
    beside.comes()
    hangs.goes()
    time.sleep(LIMIT / 4)
    assert not waiting.inside.is_set()  # `beside` has the turn
    beside.goes()
    waiting.goes()
    assert beside.went <= waiting.came
    last = Visitor(turns, wait=0)
    last.goes()
    assert last.refused == 0


def test_who_is_refused_leaves_the_queue_to_the_others() -> None:
    turns = Turns(SECONDS)
    first = Visitor(turns)
    first.comes()
    impatient, *others = in_a_queue(turns, 1, wait=LIMIT) + in_a_queue(turns, 2, stay=0.01)
    impatient.ends()
    assert impatient.refused == 205
    assert not others[0].inside.is_set()
    first.goes()
    for visitor in others:
        visitor.ends()
        assert visitor.came > first.went


def test_a_thread_may_take_a_turn_within_its_own() -> None:
    turns = Turns(SECONDS)
    with turns.turn(Deadline(0)):
        with turns.turn(Deadline(0)):
            pass
        other = Visitor(turns, wait=0)
        other.ends()
        assert other.refused == 205  # the inner one has not ended the turn
    other = Visitor(turns, wait=0)
    other.goes()
    assert other.refused == 0


def test_a_turn_ends_with_an_error_too(turns: Turns) -> None:
    with pytest.raises(ZeroDivisionError), turns.turn(Deadline(0)):
        raise ZeroDivisionError
    visitor = Visitor(turns, wait=0)
    visitor.goes()
    assert visitor.refused == 0


def test_a_rush_is_served_in_its_order() -> None:
    turns = Turns(SECONDS)
    first = Visitor(turns)
    first.comes()
    queue = in_a_queue(turns, 200, stay=0.0)
    began = time.monotonic()
    first.goes()
    for visitor in queue:
        visitor.ends()
    assert all(before.went <= after.came for before, after in pairwise([first, *queue]))
    assert time.monotonic() - began < SECONDS
    assert not turns._waiting
