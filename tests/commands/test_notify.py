"""`manage.py notify` as an operator and systemd see it."""

import json
import logging
import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import InterfaceError, OperationalError, connection
from pytest_django import Settings

from blockalloc.models import Message
from blockalloc.notifications.delivering import Report
from blockalloc.notifications.sending import Sender
from blockalloc.store import loops
from tests.support.servers.mail_server import MailServer, scripted
from tests.support.servers.own_process import run_on_sqlite
from tests.support.sites.outbox import told
from tests.support.statements import without_table
from vclsite.logs import request_id
from vclsite.logs.formats import JsonLines, TextLines
from vclsite.notifications import MailServer as Address
from vclsite.notifications import Webhook

# Each thread of a sender has a connection of its own.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def server(settings: Settings, time_machine: Any) -> Iterator[MailServer]:
    """A server that takes everything, and one recipient; it is two o'clock."""
    time_machine.move_to("2026-03-02T19:00:00+00:00", tick=False)
    settings.TIME_ZONE = "America/New_York"
    settings.VCL_MAIL_FROM, settings.VCL_SITE_MAIL = "vcl@example.edu", ["desk@example.edu"]
    settings.VCL_SUMMARY_TIME, settings.VCL_LOG_FORMAT = None, "text"
    with MailServer() as server:
        settings.VCL_SMTP_URL = Address("127.0.0.1", server.port)
        yield server


def notify(*options: str) -> tuple[int, str, str]:
    """Exit status, and what was printed on both streams."""
    out, err = StringIO(), StringIO()
    try:
        call_command("notify", *options, stdout=out, stderr=err)
    except CommandError as error:
        return error.returncode, out.getvalue(), f"{err.getvalue()}{error}"
    return 0, out.getvalue(), err.getvalue()


@contextmanager
def logged_as(format_: logging.Formatter) -> Iterator[StringIO]:
    """What the service logs meanwhile, in this format."""
    lines = StringIO()
    handler = logging.StreamHandler(lines)
    handler.setFormatter(format_)
    logger = logging.getLogger("blockalloc")
    logger.addHandler(handler)
    try:
        yield lines
    finally:
        logger.removeHandler(handler)


NOTHING = "2026-03-02 14:00:00  0 news, 0 made, 0 sent, 0 not delivered, 0 refused, 0 given up\n"


class TestOneRound:
    """Without --loop."""

    def test_nothing_to_do(self) -> None:
        assert notify() == (0, NOTHING, "")
        assert loops.last_seen().keys() == {"notify"}

    def test_what_was_done(self, server: MailServer) -> None:
        told()
        expected = "2026-03-02 14:00:00  1 news, 1 made, 1 sent, 0 not delivered, 0 refused, 0 given up\n"
        assert notify() == (0, expected, "")
        assert len(server.received) == 1

    def test_a_mail_server_that_is_away_is_no_error_of_the_command(self, server: MailServer) -> None:
        server.recipient = lambda _to: "450 later"
        told()
        status, text, _ = notify()
        assert status == 0
        assert text.splitlines()[1:] == ["the mail server says: 450 later"]

    def test_json(self, server: MailServer) -> None:
        server.recipient = lambda _to: "550 unknown"
        told()
        status, text, _ = notify("--json")
        report = json.loads(text)
        assert (status, text.count("\n"), report.pop("duration_ms") >= 0) == (0, 1, True)
        assert report == {
            "at": "2026-03-02T14:00:00-05:00", "news": 1, "made": 1, "sent": 0, "not_delivered": 0, "refused": 1,
            "given_up": 0, "problems": ["the mail server says: 550 unknown"],
        }  # fmt: skip


class TestProblems:
    """Exit status 2: the command could do nothing."""

    @pytest.mark.parametrize("error", [OperationalError(2006, "gone"), InterfaceError(0, "closed")])
    def test_the_database_is_gone(self, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
        def round_(_sender: Sender) -> Report:
            raise error

        monkeypatch.setattr(Sender, "round", round_)
        status, _, problem = notify()
        assert status == 2
        assert "the database does not answer" in problem

    def test_a_table_is_missing(self) -> None:
        with without_table("blockalloc_news"):
            status, _, problem = notify()
        assert status == 2
        assert "the database does not answer as VCL's" in problem

    @pytest.mark.parametrize("seconds", ["0", "61", "-1", "1.5", "60s", "", "٣"])
    def test_seconds_that_are_none(self, seconds: str) -> None:
        status, _, problem = notify(f"--loop={seconds}")
        assert status != 0
        assert f"{seconds!r}: give seconds from 1 to 60" in problem

    def test_an_operator_sees_one_line(self) -> None:
        done = run_on_sqlite("manage.py", "notify", "--loop", "0")
        assert done.returncode == 2
        assert "Traceback" not in done.stderr
        assert done.stderr.splitlines()[-1].endswith("'0': give seconds from 1 to 60")


@pytest.fixture
def rounds(monkeypatch: pytest.MonkeyPatch) -> list[Exception | None]:
    """What each round of the loop is to raise; SIGTERM comes after the last one."""
    script: list[Exception | None] = []
    round_ = Sender.round

    def play(sender: Sender) -> Report:
        problem = script.pop(0)
        try:
            if problem is not None:
                raise problem
            return round_(sender)
        finally:
            if not script:
                os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(Sender, "round", play)
    monkeypatch.setattr("blockalloc.management.signals.Stop.wait", lambda *_seconds: None)
    return script


class TestLoop:
    """With --loop."""

    def test_a_round_without_anything_prints_nothing(self, server: MailServer, rounds: list[Exception | None]) -> None:
        rounds += [None, None, None]
        told()
        status, text, problems = notify("--loop", "10")
        assert (status, len(text.splitlines()), problems, rounds) == (0, 1, "", [])
        assert len(server.received) == 1

    def test_each_round_is_a_line_of_json(self, rounds: list[Exception | None]) -> None:
        rounds += [None, None, None]
        assert [json.loads(line)["sent"] for line in notify("--loop", "1", "--json")[1].splitlines()] == [0, 0, 0]

    @pytest.mark.parametrize("problem", [OperationalError(2006, "gone"), InterfaceError(0, "closed")])
    def test_a_database_that_does_not_answer_is_asked_again(
        self, server: MailServer, rounds: list[Exception | None], problem: Exception
    ) -> None:
        rounds += [problem, problem, None]
        told()
        status, _, problems = notify("--loop", "10")
        assert (status, problems.count("no round was possible, trying again: ")) == (0, 2)
        assert len(server.received) == 1

    def test_a_fault_of_the_program_does_not_end_it(
        self, server: MailServer, rounds: list[Exception | None], caplog: pytest.LogCaptureFixture
    ) -> None:
        rounds += [RuntimeError("a fault"), None]
        told()
        assert notify("--loop", "10")[0] == 0
        assert "a round failed; the next one follows" in caplog.text
        assert len(server.received) == 1

    def test_the_connection_is_lost_and_made_anew(self, server: MailServer, rounds: list[Exception | None]) -> None:
        rounds += [None, None]
        told()
        assert connection.connection is not None
        connection.connection.close()
        assert notify("--loop", "10")[0] == 0
        assert len(server.received) == 1

    def test_each_round_has_an_id_of_its_own(self, server: MailServer, rounds: list[Exception | None]) -> None:
        """Lines of its threads have it too."""
        rounds += [RuntimeError("a fault"), None]
        server.recipient = lambda _to: "450 later"
        told()
        with logged_as(TextLines()) as lines:
            notify("--loop", "10")
        ids = re.findall(r"\[([0-9a-f]{32})\] (a round failed|message news-)", lines.getvalue())
        assert [what for _, what in ids] == ["a round failed", "message news-"]
        assert len({id_ for id_, _ in ids}) == 2
        assert request_id.current() == ""

    def test_where_the_log_is_for_programs_a_round_is_a_line_of_it(
        self, server: MailServer, rounds: list[Exception | None], settings: Settings
    ) -> None:
        settings.VCL_LOG_FORMAT = "json"
        rounds += [None, OperationalError(2006, "gone"), None]
        told()
        with logged_as(JsonLines()) as lines:
            assert notify("--loop", "10") == (0, "", "")
        done, problem = map(json.loads, lines.getvalue().splitlines())
        assert (done["level"], done["news"], done["sent"], done["problems"]) == ("INFO", 1, 1, [])
        assert (problem["level"], problem["request_id"] == done["request_id"]) == ("WARNING", False)
        assert problem["message"].startswith("no round was possible, trying again: ")

    def test_it_is_seen(self, rounds: list[Exception | None]) -> None:
        rounds += [None]
        notify("--loop", "10")
        assert loops.last_seen().keys() == {"notify"}


class TestTrial:
    """With --test: a message at once, past the outbox, and what the servers say."""

    def test_to_an_address(self, server: MailServer) -> None:
        assert notify("--test", "me@example.edu") == (0, "mail to me@example.edu: delivered: 250 2.0.0 taken\n", "")
        assert [mail.to for mail in server.received] == ["me@example.edu"]
        assert not Message.objects.exists()

    def test_to_all_that_the_settings_name(self, server: MailServer, settings: Settings) -> None:
        settings.VCL_SITE_MAIL = ["a@example.edu", "b@example.edu"]
        settings.VCL_WEBHOOK_URL = [Webhook("slack", "http://127.0.0.1:1/hook")]
        status, text, problem = notify("--test")
        assert (status, problem) == (1, "1 of 3 were not delivered")
        first, second, third = text.splitlines()
        assert first == "mail to a@example.edu: delivered: 250 2.0.0 taken"
        assert second == "mail to b@example.edu: delivered: 250 2.0.0 taken"
        assert third.startswith("webhook to 127.0.0.1: not delivered: ")

    def test_to_the_sender_where_nobody_is_named(self, server: MailServer, settings: Settings) -> None:
        settings.VCL_SITE_MAIL = []
        assert notify("--test")[0] == 0
        assert [mail.to for mail in server.received] == ["vcl@example.edu"]

    def test_what_the_server_says(self, server: MailServer) -> None:
        server.recipient = lambda _to: "550 5.1.1 unknown"
        status, text, _ = notify("--test", "me@example.edu")
        assert (status, text) == (
            1, "mail to me@example.edu: not delivered: the mail server says: 550 5.1.1 unknown\n",
        )  # fmt: skip

    def test_json(self, server: MailServer) -> None:
        _, text, _ = notify("--test", "me@example.edu", "--json")
        assert json.loads(text) == {
            "channel": "mail", "address": "me@example.edu", "delivered": True, "said": "250 2.0.0 taken",
        }  # fmt: skip

    def test_a_password_is_not_printed(self, settings: Settings) -> None:
        script = {"EHLO": [b"250-mail\r\n250 AUTH PLAIN\r\n"], "AUTH": [b"535 s3cret is wrong\r\n"]}
        with scripted(script) as (port, _):
            settings.VCL_SMTP_URL = Address("127.0.0.1", port, "", "vcl", "s3cret")
            status, text, problem = notify("--test", "me@example.edu")
        assert status == 1
        assert "refuses the sign-in: error 535" in text
        assert "s3cret" not in text + problem

    def test_nothing_is_set(self, settings: Settings) -> None:
        settings.VCL_SMTP_URL = None
        status, _, problem = notify("--test")
        assert (status, problem) == (1, "nobody to write to: set VCL_SMTP_URL or VCL_WEBHOOK_URL")
        assert notify("--test", "me@example.edu")[0] == 1
