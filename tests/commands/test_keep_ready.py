"""`manage.py keep_ready` as an operator, cron and systemd see it."""

import json
import logging
import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import InterfaceError, OperationalError, connection
from pytest_django import Settings

from blockalloc.management.signals import stopped_by_signals
from blockalloc.models import Decision
from blockalloc.upkeep.passes import Keeper, PassReport
from tests.support.servers.own_process import run_on_sqlite
from tests.support.sites.back_end_stage import C0
from tests.support.sites.still_morning import CLASS, StillMorning, still_morning
from tests.support.statements import without_table
from vclsite.logs import request_id
from vclsite.logs.formats import JsonLines, TextLines

# On MariaDB, to load a site commits.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def site() -> Iterator[StillMorning]:
    """At nine the class has the first four of eight computers."""
    with still_morning() as stage:
        stage.allocate()
        yield stage


def keep_ready(*options: str) -> tuple[int, str, str]:
    """Exit status, and what was printed on both streams."""
    out, err = StringIO(), StringIO()
    try:
        call_command("keep_ready", *options, stdout=out, stderr=err)
    except CommandError as error:
        return error.returncode, out.getvalue(), f"{err.getvalue()}{error}"
    return 0, out.getvalue(), err.getvalue()


@contextmanager
def logged_as(format_: logging.Formatter) -> Iterator[StringIO]:
    """What the service logs meanwhile, in this format."""
    lines = StringIO()
    handler = logging.StreamHandler(lines)
    handler.setFormatter(format_)
    logging.getLogger("blockalloc").addHandler(handler)
    try:
        yield lines
    finally:
        logging.getLogger("blockalloc").removeHandler(handler)


class TestOnePass:
    """Without --loop."""

    def test_nothing_to_do(self, site: StillMorning) -> None:
        assert keep_ready() == (0, "2026-03-02 09:00:00  1 class, 0 computers held\n", "")

    def test_no_class(self, site: StillMorning) -> None:
        site.go("17:00")
        assert keep_ready()[1] == "2026-03-02 17:00:00  0 classes, 0 computers held\n"

    def test_what_was_done(self, site: StillMorning) -> None:
        site.fail(C0 + 1)
        status, text, _ = keep_ready()
        assert status == 0
        assert text.splitlines()[1:] == [
            "block 10, block time 10: given up: c11 (it is in state failed); taken: c14; 4 of 4 machines"
        ]
        assert keep_ready()[1].count("\n") == 1

    def test_a_class_that_is_short_is_no_error_of_the_command(self, site: StillMorning) -> None:
        site.send("UPDATE computer SET stateid = 10")
        status, text, problems = keep_ready()
        assert (status, problems) == (0, "")
        assert "0 of 4 machines" in text

    def test_json(self, site: StillMorning) -> None:
        site.fail(C0 + 1)
        report = json.loads(keep_ready("--json")[1])
        assert report["at"] == "2026-03-02T09:00:00-05:00"
        assert (report["doubt"], report["held"]) == ("", 0)
        (block_time,) = report["block_times"]
        assert block_time["start"] == "2026-03-02T14:00:00-05:00"
        assert {name: block_time[name] for name in ("id", "wanted", "computers", "ready")} == {
            "id": CLASS, "wanted": 4, "computers": 4, "ready": 0,
        }  # fmt: skip
        (action,) = report["actions"]
        assert action["block_time_id"] == CLASS
        assert action["text"].startswith("given up: c11")
        assert action["decision_id"] > 0

    def test_json_is_one_line(self, site: StillMorning) -> None:
        assert keep_ready("--json")[1].count("\n") == 1

    def test_a_clock_in_doubt(self, site: StillMorning, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("blockalloc.store.site_clock.database_ahead", lambda: 120)
        site.fail(C0 + 1)
        status, text, _ = keep_ready()
        assert (status, set(site.reloads())) == (0, {C0, C0 + 1, C0 + 2, C0 + 3})
        assert text.splitlines()[1].startswith("nothing was changed: ")
        assert json.loads(keep_ready("--json")[1])["doubt"]


class TestProblems:
    """Exit status 2: the command could not look."""

    @pytest.mark.parametrize("error", [OperationalError(2006, "gone"), InterfaceError(0, "closed")])
    def test_the_database_is_gone(self, site: StillMorning, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
        def look(_keeper: Keeper) -> PassReport:
            raise error

        monkeypatch.setattr(Keeper, "look", look)
        status, _, problem = keep_ready()
        assert status == 2
        assert "the database does not answer" in problem

    def test_a_table_is_missing(self, site: StillMorning) -> None:
        with without_table("blockTimes"):
            status, _, problem = keep_ready()
        assert status == 2
        assert "the database does not answer as VCL's" in problem

    @pytest.mark.parametrize("seconds", ["0", "301", "-1", "1.5", "60s", "", "٣", "1e1", " 60"])
    def test_seconds_that_are_none(self, seconds: str) -> None:
        status, _, problem = keep_ready(f"--loop={seconds}")
        assert status != 0
        assert f"{seconds!r}: give seconds from 1 to 300" in problem

    def test_an_operator_sees_one_line(self) -> None:
        done = run_on_sqlite("manage.py", "keep_ready", "--loop", "0")
        assert done.returncode == 2
        assert "Traceback" not in done.stderr
        assert done.stderr.splitlines()[-1].endswith("'0': give seconds from 1 to 300")


Look = Callable[[Keeper], PassReport]


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[Exception | None]:
    """What each look of the loop is to raise; SIGTERM comes in the last one, which is finished."""
    script: list[Exception | None] = []
    look: Look = Keeper.look

    def play(keeper: Keeper) -> PassReport:
        problem = script.pop(0)
        if not script:
            os.kill(os.getpid(), signal.SIGTERM)
        if problem is not None:
            raise problem
        return look(keeper)

    monkeypatch.setattr(Keeper, "look", play)
    monkeypatch.setattr("blockalloc.management.signals.Stop.wait", lambda *_seconds: None)
    return script


class TestLoop:
    """With --loop."""

    def test_sigterm_ends_it_after_the_pass(self, site: StillMorning, looks: list[Exception | None]) -> None:
        looks += [None, None]
        site.fail(C0 + 1)
        status, text, problems = keep_ready("--loop", "60")
        assert (status, problems, looks) == (0, "", [])
        assert C0 + 4 in site.block_computers(CLASS)
        assert len(text.splitlines()) == 2  # a look without news prints nothing

    def test_the_pass_in_which_it_comes_is_finished(self, site: StillMorning, looks: list[Exception | None]) -> None:
        looks += [None]
        site.fail(C0 + 1)
        keep_ready("--loop", "60")
        assert C0 + 4 in site.block_computers(CLASS)
        assert set(site.reloads()) == set(site.block_computers(CLASS))

    def test_each_look_is_a_line_of_json(self, site: StillMorning, looks: list[Exception | None]) -> None:
        looks += [None, None, None]
        lines = keep_ready("--loop", "1", "--json")[1].splitlines()
        assert [json.loads(line)["actions"] for line in lines] == [[], [], []]

    @pytest.mark.parametrize(
        "problem",
        [OperationalError(2006, "gone"), InterfaceError(0, "closed"), LookupError("no user")],
    )
    def test_a_database_that_does_not_answer_is_asked_again_is_followed_by_the_next(
        self, site: StillMorning, looks: list[Exception | None], problem: Exception
    ) -> None:
        looks += [problem, problem, None]
        site.fail(C0 + 1)
        status, _, problems = keep_ready("--loop", "60")
        assert (status, problems.count("no look was possible, trying again: ")) == (0, 2)
        assert C0 + 4 in site.block_computers(CLASS)

    def test_a_fault_of_the_program_is_logged_and_does_not_end_it(
        self, site: StillMorning, looks: list[Exception | None], caplog: pytest.LogCaptureFixture
    ) -> None:
        looks += [RuntimeError("a fault"), None]
        site.fail(C0 + 1)
        assert keep_ready("--loop", "60")[0] == 0
        assert "a look failed; the next one follows" in caplog.text
        assert C0 + 4 in site.block_computers(CLASS)

    def test_the_connection_is_lost_and_made_anew(self, site: StillMorning, looks: list[Exception | None]) -> None:
        looks += [None, None]
        site.fail(C0 + 1)
        assert connection.connection is not None
        connection.connection.close()
        assert keep_ready("--loop", "60")[0] == 0
        assert C0 + 4 in site.block_computers(CLASS)

    def test_the_handlers_are_put_back(self, site: StillMorning, looks: list[Exception | None]) -> None:
        looks += [None]
        before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
        keep_ready("--loop", "60")
        assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before

    def test_each_look_has_an_id_of_its_own(self, site: StillMorning, looks: list[Exception | None]) -> None:
        """Its lines and its records have it."""
        looks += [RuntimeError("a fault"), RuntimeError("a fault"), None]
        site.fail(C0 + 1)
        with logged_as(TextLines()) as lines:
            keep_ready("--loop", "60")
        ids = re.findall(r"ERROR \S+: \[([0-9a-f]{32})\] a look failed", lines.getvalue())
        recorded = Decision.objects.latest("pk").request_id
        assert recorded is not None
        assert len({*ids, recorded}) == 3
        assert request_id.current() == ""

    def test_where_the_log_is_for_programs_a_look_is_a_line_of_it(
        self, site: StillMorning, looks: list[Exception | None], settings: Settings
    ) -> None:
        settings.VCL_LOG_FORMAT = "json"
        looks += [None, OperationalError(2006, "gone"), None, None]
        site.fail(C0 + 1)
        with logged_as(JsonLines()) as lines:
            assert keep_ready("--loop", "60") == (0, "", "")
        look, problem = map(json.loads, lines.getvalue().splitlines())
        record = Decision.objects.latest("pk")
        (action,) = look["actions"]
        assert (action["block_time_id"], action["decision_id"]) == (CLASS, record.pk)
        assert action["text"].startswith("given up: c11")
        assert (look["block_times"], look["classes"], look["doubt"]) == ([CLASS], 1, "")
        assert (look["level"], look["request_id"]) == ("INFO", record.request_id)
        assert (problem["level"], problem["request_id"] == look["request_id"]) == ("WARNING", False)
        assert problem["message"].startswith("no look was possible, trying again: ")

    def test_its_own_json_stays_on_the_standard_output(
        self, site: StillMorning, looks: list[Exception | None], settings: Settings
    ) -> None:
        settings.VCL_LOG_FORMAT = "json"
        looks += [None]
        assert json.loads(keep_ready("--loop", "60", "--json")[1])["actions"] == []


def test_a_command_has_an_id_for_its_run() -> None:
    """`manage.py` gives it."""
    code = "import logging; log = logging.getLogger('blockalloc.x'); log.warning('one'); log.warning('two')"
    ids = []
    for _run in range(2):
        done = run_on_sqlite("manage.py", "shell", "--verbosity=0", "--command", code, VCL_LOG_FORMAT="json")
        found = [json.loads(line)["request_id"] for line in done.stderr.splitlines()]
        assert found == [found[0]] * 2
        ids += found
    assert len(set(ids)) == 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_wait(number: signal.Signals) -> None:
    began = time.monotonic()
    with stopped_by_signals() as stop:
        assert not stop.is_set()
        threading.Timer(0.05, os.kill, [os.getpid(), number]).start()
        assert stop.wait(60)
        assert stop.wait(60)
    assert time.monotonic() - began < 30


def test_a_wait_ends_without_a_signal() -> None:
    with stopped_by_signals() as stop:
        assert not stop.wait(0.01)


def test_signals_at_any_moment_stop_nothing_but_the_command() -> None:
    """Handlers run between any two steps of the waiting thread."""
    with stopped_by_signals() as stop:
        before = signal.signal(signal.SIGALRM, lambda *_: stop.set())
        signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
        try:
            for _ in range(2000):
                stop.wait(0.0001)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        assert stop.is_set()
