"""What /readyz costs, and how long it takes, whoever asks and however often."""

import logging
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from blockalloc.monitoring import readyz
from blockalloc.monitoring.readyz import ReadyChecks
from blockalloc.monitoring.service_checks import Check, State
from tests.support.servers.live_server import LiveServer
from tests.support.servers.mariadb_server import PrivateMariaDB

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="mariadb")]


class Counted:
    """Reports of checks that do something first; how often they ran."""

    def __init__(self, first: Callable[[], object] = bool, **seconds: float) -> None:
        self.number, self._first = 0, first
        self.checks = ReadyChecks(self._run, **seconds)

    def _run(self) -> list[Check]:
        self.number += 1
        self._first()
        return [Check("database", State.OK, "answers")]


def test_a_report_is_kept() -> None:
    runs = Counted()
    for _ in range(100):
        assert runs.checks.report().is_ready
    assert runs.number == 1


def test_one_that_is_old_is_not() -> None:
    runs = Counted(kept=0.0)
    for _ in range(2):
        runs.checks.report()
        time.sleep(0.01)
    assert runs.number == 2


def test_nobody_waits_for_a_run_that_hangs() -> None:
    answers = threading.Event()
    runs = Counted(lambda: answers.wait(20), kept=0.0, wait=0.3)
    begun = time.monotonic()
    reports = [runs.checks.report() for _ in range(100)]
    assert time.monotonic() - begun < 2
    assert not any(report.is_ready for report in reports)
    assert reports[0].as_text() == "not ready\ndatabase: failed: no answer within 0.3 s, see the log\n"
    assert runs.number == 1
    answers.set()
    deadline = time.monotonic() + 10
    while not runs.checks.report().is_ready:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_after_a_mistake_of_its_own_it_is_not_ready(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise ZeroDivisionError("of the checks")

    assert not Counted(fail).checks.report().is_ready
    assert "of the checks" in caplog.text


def test_a_change_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    states = iter([State.OK, State.FAILED, State.FAILED, State.OK])
    checks = ReadyChecks(lambda: [Check("clock", next(states), "it is off")], kept=0.0)
    with caplog.at_level(logging.WARNING):
        for _ in range(4):
            checks.report()
            time.sleep(0.01)
    assert [record.getMessage() for record in caplog.records] == ["not ready: clock: it is off", "ready again"]


def ask(server: LiveServer) -> tuple[int, str, float]:
    """Status, text and seconds."""
    begun = time.monotonic()
    try:
        with urllib.request.urlopen(f"{server.url}/readyz", timeout=60) as answer:  # noqa: S310 - our own address
            status, text = answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        status, text = refused.code, refused.read().decode()
    return status, text, time.monotonic() - begun


def test_a_database_that_hangs_and_comes_back(tmp_path: Path) -> None:
    with PrivateMariaDB() as database, LiveServer(tmp_path, database.url("vcl")) as server:
        database.execute("CREATE DATABASE vcl CHARACTER SET latin1")
        server.migrate()
        server.start({"VCL_ALLOW_PLAIN_HTTP": "1"})
        assert ask(server)[0] == 200
        time.sleep(readyz.KEPT_SECONDS)
        database.freeze()
        try:
            answers = [ask(server) for _ in range(20)]
        finally:
            database.thaw()
        assert {status for status, _, _ in answers} == {503}
        assert answers[0][1].startswith("not ready\ndatabase: failed: no answer within ")
        assert answers[0][2] < readyz.WAIT_SECONDS + 1
        assert sum(seconds for _, _, seconds in answers[1:]) < 1
        deadline = time.monotonic() + 20
        while ask(server)[0] != 200:
            assert time.monotonic() < deadline
            time.sleep(0.2)
