"""`manage.py forecast` as an operator and systemd see it."""

import json
import logging
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import InterfaceError, OperationalError
from pytest_django import Settings

from blockalloc.forecasting import forecasts
from blockalloc.forecasting.forecasts import Refreshed
from blockalloc.models import BlockTime, Decision, Forecast, ForecastRun, News
from blockalloc.store import loops
from tests.support.servers.own_process import run_on_sqlite
from tests.support.sites.forecasts import minutes
from tests.support.sites.staff_site import DAY, HOUR, MONDAY, NOW, Site
from tests.support.staff_fixtures import _at_noon, site, wednesday_noon
from tests.support.statements import without_table
from vclsite.logs.formats import JsonLines

__all__ = ["_at_noon", "site", "wednesday_noon"]
pytestmark = pytest.mark.django_db(transaction=True)


def forecast(*options: str) -> tuple[int, str, str]:
    """Exit status, and what was printed on both streams."""
    out, err = StringIO(), StringIO()
    try:
        call_command("forecast", *options, stdout=out, stderr=err)
    except CommandError as error:
        return error.returncode, out.getvalue(), f"{err.getvalue()}{error}"
    return 0, out.getvalue(), err.getvalue()


@pytest.fixture
def exam(site: Site) -> BlockTime:
    """On Monday, for five machines that the site does not have."""
    return site.time(site.request("CS420 exam", site.ubuntu, site.group("CS420"), 5), MONDAY)


class TestOnce:
    """Without --loop."""

    def test_all_is_well(self, site: Site) -> None:
        status, text, problems = forecast()
        assert (status, problems) == (0, "")
        first, second = text.splitlines()
        assert first.startswith("2026-11-25 12:00:00  0 classes until ")
        assert " planned in " in first
        assert second == "all of them will have their machines"
        assert "nothing has changed" in forecast()[1]

    def test_a_class_that_will_lack_machines(self, exam: BlockTime) -> None:
        status, text, _ = forecast()
        assert status == 0
        first, second = text.splitlines()
        assert "  1 class until " in first
        assert second.startswith("Mon 09:00  CS420 exam (Ubuntu 22.04): 0 of 5 machines: ")
        kept = Forecast.objects.get()
        assert (kept.pk, kept.wanted, kept.machines) == (exam.pk, 5, 0)
        assert second.endswith(f": {kept.why}")
        assert kept.why

    def test_only_those_of_the_next_days(self, exam: BlockTime) -> None:
        text = forecast("--days", "4")[1]
        assert "CS420" not in text
        assert text.splitlines()[1] == "all classes that begin within 4 days will have their machines"
        assert "CS420" in forecast("--days", "5")[1]

    def test_that_none_of_the_next_days_is_short_says_nothing_of_the_others(self, exam: BlockTime) -> None:
        last = forecast("--days", "4")[1].splitlines()[-1]
        assert last == "all classes that begin within 4 days will have their machines"

    def test_a_class_of_which_staff_have_released_some(self, exam: BlockTime) -> None:
        """Its numbers are those of the pages, of the machines that its block request is for."""
        exam.processed = 1
        exam.save()
        Decision.objects.create(
            started=NOW,
            action=Decision.RELEASE_SOME,
            outcome=Decision.DONE,
            block_time_id=exam.pk,
            wanted=4,
            duration=9,
        )
        assert "CS420 exam (Ubuntu 22.04): 0 of 5 machines: " in forecast()[1]
        assert (Forecast.objects.get().wanted, Forecast.objects.get().requested) == (4, 5)

    def test_json(self, exam: BlockTime) -> None:
        text = forecast("--json")[1]
        assert text.count("\n") == 1
        found = json.loads(text)
        assert (found["at"], found["changed"], found["problem"]) == ("2026-11-25T12:00:00-05:00", True, "")
        assert (found["classes"], found["short"], found["news"]) == (1, 1, 0)
        (lacking,) = found["lacking"]
        assert (lacking["id"], lacking["name"], lacking["image"]) == (exam.pk, "CS420 exam", "Ubuntu 22.04")
        assert (lacking["start"], lacking["wanted"], lacking["machines"]) == ("2026-11-30T09:00:00-05:00", 5, 0)

    def test_it_tells_what_is_news(self, exam: BlockTime, time_machine: Any) -> None:
        forecast()
        time_machine.move_to(NOW + minutes(10), tick=False)
        assert forecast()[1].splitlines()[0].endswith(", 1 news")
        assert News.objects.get().kind == "foreseen"

    def test_it_is_seen(self, site: Site) -> None:
        forecast()
        assert loops.last_seen()["forecast"].at == int(NOW.timestamp())


class TestProblems:
    """Exit status 2: no forecast was possible."""

    def test_a_table_is_missing(self, site: Site) -> None:
        with without_table("blockTimes"):
            status, _, problem = forecast()
        assert status == 2
        assert "the database does not answer as VCL's" in problem

    @pytest.mark.parametrize("seconds", ["0", "121", "-1", "1.5", "60s", "", "٣"])
    def test_seconds_that_are_none(self, seconds: str) -> None:
        status, _, problem = forecast(f"--loop={seconds}")
        assert status != 0
        assert f"{seconds!r}: give seconds from 1 to 120" in problem

    @pytest.mark.parametrize("days", ["0", "401", "-1", "1.5", "", "٣"])
    def test_days_that_are_none(self, days: str) -> None:
        status, _, problem = forecast(f"--days={days}")
        assert status != 0
        assert f"{days!r}: give a whole number of days from 1 to 400" in problem

    def test_an_operator_sees_one_line(self) -> None:
        done = run_on_sqlite("manage.py", "forecast", "--loop", "0")
        assert done.returncode == 2
        assert "Traceback" not in done.stderr
        assert done.stderr.splitlines()[-1].endswith("'0': give seconds from 1 to 120")


@pytest.fixture
def rounds(monkeypatch: pytest.MonkeyPatch, time_machine: Any) -> list[Exception | None]:
    """What each round of the loop is to raise; a minute passes with each. SIGTERM comes after the last one."""
    script: list[Exception | None] = []
    refresh, passed = forecasts.refresh, iter(range(1000))

    def play(now: int, *, force: bool = False) -> Refreshed:
        problem = script.pop(0)
        time_machine.move_to(NOW + minutes(next(passed) + 1), tick=False)
        try:
            if problem is not None:
                raise problem
            return refresh(now, force=force)
        finally:
            if not script:
                os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(forecasts, "refresh", play)
    monkeypatch.setattr("blockalloc.management.signals.Stop.wait", lambda *_seconds: None)
    return script


@contextmanager
def logged_as_json() -> Iterator[StringIO]:
    """What the service logs meanwhile."""
    lines = StringIO()
    handler = logging.StreamHandler(lines)
    handler.setFormatter(JsonLines())
    logging.getLogger("blockalloc").addHandler(handler)
    try:
        yield lines
    finally:
        logging.getLogger("blockalloc").removeHandler(handler)


class TestLoop:
    """With --loop."""

    def test_it_is_quiet_until_something_changes(
        self, exam: BlockTime, rounds: list[Exception | None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rounds += [None, None, None]
        status, text, problems = forecast("--loop", "60")
        assert (status, problems, rounds) == (0, "", [])
        assert len(text.splitlines()) == 2

    def test_another_result_is_said(
        self, site: Site, exam: BlockTime, rounds: list[Exception | None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rounds += [None, None]
        monkeypatch.setattr(
            "blockalloc.management.signals.Stop.wait",
            lambda *_seconds: exam.blockRequest.__class__.objects.update(numMachines=4) and None,
        )
        lines = forecast("--loop", "60")[1].splitlines()
        assert len(lines) == 4
        assert "0 of 5 machines" in lines[1]
        assert "0 of 4 machines" in lines[3]

    def test_news_are_said_once(self, exam: BlockTime, rounds: list[Exception | None]) -> None:
        rounds += [None] * 14
        text = forecast("--loop", "60")[1]
        assert text.count(", 1 news\n") == 1
        assert len(text.splitlines()) == 4

    def test_each_round_is_a_line_of_json(self, site: Site, rounds: list[Exception | None]) -> None:
        rounds += [None, None, None]
        lines = forecast("--loop", "60", "--json")[1].splitlines()
        assert [json.loads(line)["short"] for line in lines] == [0, 0, 0]

    @pytest.mark.parametrize("problem", [OperationalError(2006, "gone"), InterfaceError(0, "closed")])
    def test_a_database_that_is_away_is_said_once(
        self, exam: BlockTime, rounds: list[Exception | None], problem: Exception
    ) -> None:
        rounds += [problem, problem, None, None]
        status, text, problems = forecast("--loop", "60")
        assert status == 0
        assert problems.count("no forecast was possible, trying again: ") == 1
        assert problems.splitlines()[-1] == "a forecast was possible again"
        assert "CS420 exam" in text

    def test_a_fault_of_the_program_does_not_end_it(
        self, exam: BlockTime, rounds: list[Exception | None], caplog: pytest.LogCaptureFixture
    ) -> None:
        rounds += [RuntimeError("a fault"), None]
        status, text, _ = forecast("--loop", "60")
        assert status == 0
        assert "a forecast failed; the next one follows" in caplog.text
        assert "CS420 exam" in text

    def test_where_the_log_is_for_programs_it_is_a_line_of_it(
        self, exam: BlockTime, rounds: list[Exception | None], settings: Settings
    ) -> None:
        settings.VCL_LOG_FORMAT = "json"
        rounds += [None, OperationalError(2006, "gone"), None]
        with logged_as_json() as lines:
            assert forecast("--loop", "60") == (0, "", "")
        done, away, back = map(json.loads, lines.getvalue().splitlines())
        assert (done["level"], done["classes"], done["short"], done["news"]) == ("INFO", 1, 1, 0)
        assert (away["level"], back["level"]) == ("WARNING", "WARNING")
        assert away["message"].startswith("no forecast was possible")

    def test_a_class_that_gets_its_machines_is_said_too(
        self, exam: BlockTime, rounds: list[Exception | None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rounds += [None, None]

        def moved(*_seconds: object) -> None:
            BlockTime.objects.update(skip=1)

        monkeypatch.setattr("blockalloc.management.signals.Stop.wait", moved)
        lines = forecast("--loop", "60")[1].splitlines()
        assert lines[-1] == "all of them will have their machines"
        assert not Forecast.objects.exists()


def test_what_is_kept_says_for_how_long(exam: BlockTime) -> None:
    forecast()
    run = ForecastRun.objects.get()
    assert run.until is not None
    assert run.until - NOW > 100 * DAY + HOUR
