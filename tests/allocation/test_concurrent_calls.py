"""Calls of several processes at once: the database decides between them (SPEC 8.1)."""

import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import override_settings

from blockalloc.allocation import service
from blockalloc.contract.messages import Refusal
from tests.golden import tables
from tests.support.connections import shared_database
from tests.support.sites.class_site import CALLER, END, IMAGE, NOW, START, ZONE, a_call, class_site, computers_of
from tests.support.statements import Send, at_the_guard
from verification.allocations.calls import Call
from verification.allocations.campaign import Size, race, run
from verification.allocations.journal import Attempt, attempts
from verification.allocations.judge import KEY_REUSED, Verdict
from verification.allocations.worker import BUSY, Task

pytestmark = pytest.mark.django_db(transaction=True)
PROCESSES = 4


def _race(directory: Path, *work: list[tuple[int, int]]) -> list[list[int]]:
    """Run a worker for each of `work`, (block time, machines) for each of its calls; their answers.

    0 machines: as many as the block request wants, by the other method.
    """
    environment = {"VCL_TIME_ZONE": ZONE}
    tasks = [
        Task(
            number, [shared_database()], [_call(*pair) for pair in pairs], directory / f"{number}.journal",
            environment, NOW.timestamp(),
        )
        for number, pairs in enumerate(work)
    ]  # fmt: skip
    race(tasks)
    made = [attempts(task.journal, task.number) for task in tasks]
    assert [[attempt.kind for attempt in ours] for ours in made] == [["answer"] * len(pairs) for pairs in work]
    return [[attempt.value for attempt in ours] for ours in made]


def _call(block_time: int, machines: int) -> Call:
    return Call(IMAGE, START, END, machines, block_time, door="service" if machines else "process")


def test_blocks_at_the_same_hours_never_share_a_computer(tmp_path: Path) -> None:
    with class_site(computers=30, machines=4, blocks=12):
        each = [[(10 + number, 4) for number in range(start, 12, PROCESSES)] for start in range(PROCESSES)]
        answers = _race(tmp_path, *each)
        count = Counter(row["computerid"] for row in tables.read()["blockComputers"])
        assert max(count.values()) == 1
        assert len(count) == 30  # none is left over while a block lacks one
        assert sum(map(sum, answers)) == 30


def test_calls_for_one_block_time_fill_it_once(tmp_path: Path) -> None:
    with class_site(computers=40, machines=10):
        answers = _race(tmp_path, *[[(10, 10)]] * PROCESSES)
        assert answers == [[10]] * PROCESSES
        assert len(computers_of()) == 10
        assert len(tables.read()["request"]) == 10


def test_blocks_on_other_days_do_not_cost_each_other_computers(tmp_path: Path) -> None:
    with class_site(computers=30, machines=20, blocks=PROCESSES):
        for number in range(PROCESSES):
            day = {"start": f"2026-03-{10 + number} 14:00:00", "end": f"2026-03-{10 + number} 16:00:00"}
            tables.change({"update": {"blockTimes": [{"id": 10 + number, **day}]}}, ZONE)
            tables.change({"update": {"blockRequest": [{"id": 10 + number, "expireTime": day["end"]}]}}, ZONE)
        answers = _race(tmp_path, *[[(10 + number, 0)] for number in range(PROCESSES)])
        assert answers == [[20]] * PROCESSES


def test_a_campaign_leaves_nothing_double_partial_or_lost(tmp_path: Path) -> None:
    """A sample of `python -m verification.allocations`: few computers, and everybody wants the same ones."""
    result = run(Size(calls=160, processes=PROCESSES, computers=60), [shared_database()], tmp_path)
    assert result.verdict == Verdict()
    last = {(attempt.worker, attempt.call): attempt for attempt in result.evidence.attempts}
    for worker, calls in enumerate(result.evidence.calls):
        for number, call in enumerate(calls):
            assert _ended_as_meant(call, last.get((worker, number))), call
    answers = [attempt.value for attempt in result.evidence.attempts if attempt.kind == "answer"]
    assert sum(bool(answer) for answer in answers) >= 70


def _ended_as_meant(call: Call, last: Attempt | None) -> bool:
    """Whether a call was answered or busy to its end; one that reuses a key is refused for it, or not made at all."""
    if last is None:
        return call.reuses
    codes = (BUSY, KEY_REUSED) if call.reuses else (BUSY,)
    return last.kind == "answer" or (last.kind == "refused" and last.value in codes)


def test_a_guard_that_is_never_free_is_fault_205_with_nothing_written() -> None:
    def always_locked(_send: Send) -> None:
        raise OperationalError(1205, "Lock wait timeout exceeded")

    with class_site(), override_settings(VCL_GUARD_WAIT_SECONDS=1), at_the_guard(always_locked):
        before = tables.read()
        begun = time.perf_counter()
        with pytest.raises(Refusal) as refused:
            service.allocate_block(a_call(), CALLER)
        assert refused.value.code == 205
        assert time.perf_counter() - begun < 10
        assert tables.read() == before


def test_a_transaction_lost_to_a_deadlock_is_tried_again() -> None:
    failures = [1213, 1205, 1047]

    def sometimes(send: Send) -> Any:
        result = send()
        if failures:
            raise OperationalError(failures.pop(), "try restarting transaction")
        return result

    with class_site(), at_the_guard(sometimes):
        assert service.allocate_block(a_call(), CALLER) == 4
        assert not failures


def test_other_database_errors_are_not_tried_again() -> None:
    def broken(_send: Send) -> None:
        raise OperationalError(1146, "no such table")

    with class_site(), at_the_guard(broken), pytest.raises(OperationalError):
        service.allocate_block(a_call(), CALLER)


def test_a_guard_row_that_was_lost_is_made_again() -> None:
    with class_site():
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM blockalloc_guard")
        assert service.allocate_block(a_call(), CALLER) == 4
        with connection.cursor() as cursor:
            cursor.execute("SELECT n FROM blockalloc_guard WHERE id = 1")
            assert cursor.fetchone()[0] == 2
