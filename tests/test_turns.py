"""Calls of one process take turns: one at a time between the claim and the end of its confirmation."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.test import override_settings

from blockalloc import service
from blockalloc.calls import Refusal
from blockalloc.store.guard import Deadline, turn
from tests.class_site import CALLER, a_call, class_site, computers_of

pytestmark = pytest.mark.django_db(transaction=True)


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


def test_a_call_that_gets_no_turn_in_time_is_told_to_come_again() -> None:
    with override_settings(VCL_GUARD_WAIT_SECONDS=1), class_site(), somebody_elses_turn():
        with pytest.raises(Refusal) as refused:
            service.allocate_block(a_call(), CALLER)
        assert refused.value.code == 205
        assert computers_of() == []


def test_who_only_looks_needs_no_turn() -> None:
    with override_settings(VCL_GUARD_WAIT_SECONDS=1), class_site(), somebody_elses_turn():
        assert service.allocate(a_call(), CALLER, dry_run=True).outcome.allocated == 4


def test_the_turn_is_given_back_by_a_call_that_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("on purpose")

    monkeypatch.setattr("scheduling.planner.plan", fail)
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
