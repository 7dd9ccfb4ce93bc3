"""/readyz as load balancers, monitoring and staff see it."""

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from blockalloc.models import Heartbeat, LoopSeen
from blockalloc.monitoring import readyz, service_checks
from blockalloc.monitoring.readyz import ReadyChecks
from blockalloc.monitoring.service_checks import Check, ServiceChecks, State
from blockalloc.store import guard
from blockalloc.store.guard import Deadline
from tests.support.sites.forecasts import forecast_run
from tests.support.statements import without_table
from vclsite import environment, settings_file
from vclsite.notifications import MailServer

pytestmark = pytest.mark.django_db(transaction=True)

STRANGER = "203.0.113.9"
MINUTE = 60


@pytest.fixture(autouse=True)
def _asked_for_the_first_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readyz, "checks", ReadyChecks(ServiceChecks().run))


@pytest.fixture
def _looked(settings: Settings) -> None:
    seen(0)


def seen(ago: int, **more: Any) -> None:
    """keep_ready has looked so many seconds ago."""
    at = timezone.now() - timedelta(seconds=ago)
    Heartbeat.objects.update_or_create(pk=1, defaults={"at": at, "host": "blocks1", "milliseconds": 90, **more})
    LoopSeen.objects.update_or_create(name="forecast", defaults={"at": at, "host": "blocks1"})


def ask(path: str = "/readyz", address: str = "127.0.0.1", **headers: str) -> tuple[int, str]:
    """The status and the text that somebody at this address gets."""
    answer = Client().get(path, REMOTE_ADDR=address, headers=headers)
    return answer.status_code, answer.content.decode()


def lines(text: str) -> dict[str, str]:
    """What is said of each check."""
    return dict(line.split(": ", 1) for line in text.splitlines()[1:])


# --- Who is told what ---------------------------------------------------------------------------
@pytest.mark.usefixtures("_looked")
def test_a_service_that_is_ready() -> None:
    status, text = ask()
    assert (status, text.splitlines()[0]) == (200, "ready")
    said = lines(text)
    assert said.pop("database").startswith("answers in ")
    assert said.pop("keep_ready").startswith("seen ")
    assert said.pop("forecast").startswith("seen ")
    assert said == {
        "schema": "all migrations are applied, all tables can be read",
        "guard": "free",
        "clock": "as the database's",
        "settings": "in force",
    }


@pytest.mark.usefixtures("_looked")
def test_programs_get_json() -> None:
    status, text = ask("/readyz?format=json")
    answer = json.loads(text)
    assert (status, answer["ready"]) == (200, True)
    assert [check["name"] for check in answer["checks"]] == [
        "database", "schema", "guard", "clock", "settings", "keep_ready", "forecast",
    ]  # fmt: skip
    assert answer["checks"][2] == {"name": "guard", "state": "ok", "text": "free"}


@pytest.mark.parametrize("path", ["/readyz", "/readyz?format=json"])
def test_strangers_are_told_no_more_than_the_status(path: str) -> None:
    assert ask(path, STRANGER) == (200, "ready")
    assert ask(path, STRANGER, authorization="Bearer wrong") == (200, "ready")


def test_a_token_opens(settings: Settings) -> None:
    settings.VCL_METRICS_TOKEN = "a-token-of-the-site"
    assert "guard: free" in ask(address=STRANGER, authorization="Bearer a-token-of-the-site")[1]
    assert ask(address=STRANGER) == (200, "ready")


def test_staff_who_are_signed_in_may_know(client: Client) -> None:
    client.force_login(User.objects.create_user("tutor"))
    assert client.get("/readyz", REMOTE_ADDR=STRANGER).content == b"ready"
    client.force_login(User.objects.create_user("operator", is_staff=True))
    assert b"guard: free" in client.get("/readyz", REMOTE_ADDR=STRANGER).content


def test_staff_are_told_why_it_is_not_ready(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("blockalloc.store.site_clock.database_ahead", lambda: 45)
    client.force_login(User.objects.create_user("operator", is_staff=True))
    answer = client.get("/readyz", REMOTE_ADDR=STRANGER)
    assert answer.status_code == 503
    assert b"clock: failed: this host's clock is 45 seconds behind the database's" in answer.content


def test_it_is_asked_by_plain_http_too_and_never_kept(settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    answer = Client().get("/readyz", secure=False)
    assert answer.status_code == 200
    assert "no-store" in answer.headers["Cache-Control"]
    assert Client().post("/readyz").status_code == 405


# --- What fails ---------------------------------------------------------------------------------
def test_a_database_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(_sql: str) -> None:
        raise OperationalError(2006, "server has gone away")

    monkeypatch.setattr(service_checks, "fetch", gone)
    status, text = ask()
    assert status == 503
    assert lines(text).keys() == {"database", "settings"}
    assert "server has gone away" in lines(text)["database"]
    assert ask(address=STRANGER) == (503, "not ready")


def test_a_migration_that_is_not_applied() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'blockalloc' AND name = '0016_news'")
    try:
        status, text = ask()
    finally:
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO django_migrations (app, name, applied) "
                "VALUES ('blockalloc', '0016_news', '2026-01-01 00:00:00')"
            )
    assert status == 503
    assert lines(text)["schema"] == ("failed: migrations are not applied (blockalloc.0016_news): run manage.py migrate")


def test_a_table_of_vcl_that_is_missing() -> None:
    with without_table("blockWebTime"):
        check = said(ServiceChecks().run(), "schema")
    assert check.state is State.FAILED
    assert "no_such_table" in check.text


def test_a_clock_that_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("blockalloc.store.site_clock.database_ahead", lambda: -31)
    status, text = ask()
    assert (status, lines(text)["clock"]) == (
        503,
        "failed: this host's clock is 31 seconds ahead of the database's",
    )
    monkeypatch.setattr(readyz, "checks", ReadyChecks(ServiceChecks().run))
    monkeypatch.setattr("blockalloc.store.site_clock.database_ahead", lambda: -30)
    assert ask()[0] == 200


class TestADoubtOfKeepReady:
    """The doubt counts while it is fresh, and where it holds."""

    @pytest.mark.parametrize(
        ("beat", "status"),
        [
            ({"host": "this"}, 503),
            ({"host": "another"}, 200),
            ({"host": "another", "doubted": True}, 503),
            ({"host": "another", "doubted": True, "zone": "Europe/Berlin"}, 200),
            ({"host": "this", "ago": 4 * MINUTE}, 200),
        ],
    )
    def test_where_and_when(self, beat: dict[str, Any], status: int, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("platform.node", lambda: "this")
        doubted = timezone.now() if beat.pop("doubted", False) else None
        seen(beat.pop("ago", 0), **{"doubt": "the zone is wrong", "zone": "UTC", "doubted": doubted, **beat})
        answer = ask()
        assert answer[0] == status
        assert ("failed: keep_ready doubts it: the zone is wrong" in answer[1]) == (status == 503)


class TestTheGuard:
    """A call that has it is no failure; one that never gives it back is."""

    @pytest.fixture
    def _held(self) -> Iterator[None]:
        with holding_the_guard():
            yield

    @pytest.mark.usefixtures("_held")
    def test_a_call_that_has_it_for_a_while(self) -> None:
        status, text = ask()
        assert (status, lines(text)["guard"]) == (200, "busy with a call")

    @pytest.mark.usefixtures("_held")
    def test_one_that_does_not_give_it_back(self, monkeypatch: pytest.MonkeyPatch) -> None:
        checks = ServiceChecks()
        assert said(checks.run(), "guard").state is State.OK
        later = time.monotonic() + 21
        monkeypatch.setattr("blockalloc.monitoring.service_checks.time.monotonic", lambda: later)
        check = said(checks.run(), "guard")
        assert check.state is State.FAILED
        assert check.text.endswith("calls give up waiting (fault 205)")

    def test_calls_that_follow_each_other_are_no_failure(self, monkeypatch: pytest.MonkeyPatch) -> None:
        numbers = iter(range(10))
        monkeypatch.setattr(guard, "transactions", lambda: next(numbers))
        monkeypatch.setattr(guard, "is_free", lambda: False)
        checks = ServiceChecks()
        for minutes in (0, 1, 2):
            later = time.monotonic() + minutes * MINUTE
            monkeypatch.setattr("blockalloc.monitoring.service_checks.time.monotonic", lambda: later)  # noqa: B023
            assert said(checks.run(), "guard").text == "busy with a call"

    def test_asking_leaves_it_as_it_was(self) -> None:
        before = guard.transactions()
        ask()
        assert guard.transactions() == before
        assert guard.guarded(guard.transactions, Deadline(1)) == before + 1


@contextmanager
def holding_the_guard() -> Iterator[None]:
    """Another transaction has it."""
    has_it, may_end = threading.Event(), threading.Event()

    def hold() -> None:
        def wait() -> None:
            has_it.set()
            may_end.wait(30)

        try:
            guard.guarded(wait, Deadline())
        finally:
            connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    assert has_it.wait(10)
    try:
        yield
    finally:
        may_end.set()
        holder.join()


def said(checks: list[Check], name: str) -> Check:
    (check,) = [each for each in checks if each.name == name]
    return check


# --- What is only said --------------------------------------------------------------------------
def test_a_loop_that_was_never_seen_is_no_failure() -> None:
    status, text = ask()
    assert (status, lines(text)["keep_ready"]) == (200, "warning: keep_ready has never run")
    assert lines(text)["forecast"] == "warning: forecast has never run"


@pytest.mark.parametrize(("ago", "text"), [(130, "seen 2 min ago"), (200, "warning: not seen for 3 min")])
def test_a_loop_that_has_stopped_is_no_failure(ago: int, text: str) -> None:
    seen(ago)
    status, answer = ask()
    assert (status, lines(answer)["keep_ready"]) == (200, text)
    assert lines(answer)["forecast"] == text


@pytest.mark.usefixtures("_looked")
def test_a_forecast_that_cannot_be_made_is_no_failure() -> None:
    forecast_run(timezone.now(), problem="ValueError: a fault")
    status, answer = ask()
    assert status == 200
    assert re.fullmatch(
        r"warning: seen \d s ago, but no forecast can be made: ValueError: a fault", lines(answer)["forecast"]
    )
    forecast_run(timezone.now(), problem="")
    assert said(ServiceChecks().run(), "forecast").state is State.OK


def test_who_sends_notifications_matters_where_there_are_any(settings: Settings) -> None:
    assert "notify" not in lines(ask()[1])
    settings.VCL_SMTP_URL = MailServer("mail.example.edu", 25)
    assert said(ServiceChecks().run(), "notify").text == "notify has never run"
    LoopSeen.objects.create(name="notify", host="blocks1", at=timezone.now())
    assert said(ServiceChecks().run(), "notify").state is State.OK


def test_a_settings_file_that_has_changed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "blockalloc.env"
    path.write_text("VCL_LOCKOUT_FAILURES=30\n")
    monkeypatch.setenv(settings_file.WHICH, str(path))
    assert environment.file().values == {}
    check = said(ServiceChecks().run(), "settings")
    assert (check.state, check.text) == (
        State.WARNING,
        f"{path} has changed since this process began: systemctl reload blockalloc",
    )
    path.write_text("export VCL_LOCKOUT_FAILURES\n")
    check = said(ServiceChecks().run(), "settings")
    assert check.state is State.WARNING
    assert check.text.startswith("in force, but the next start would fail: ")


# --- What it costs ------------------------------------------------------------------------------
def test_the_number_of_statements(settings: Settings) -> None:
    settings.VCL_SMTP_URL = MailServer("mail.example.edu", 25)
    seen(0)
    ServiceChecks().run()
    with CaptureQueriesContext(connection) as sent:
        ServiceChecks().run()
    statements = [re.sub(r"^SET STATEMENT .*? FOR ", "", query["sql"]).strip() for query in sent]
    statements = [each for each in statements if not each.startswith(("BEGIN", "COMMIT"))]
    assert len(statements) <= 12
    assert {each.split()[0] for each in statements} <= {"SELECT", "SHOW"}


def test_a_guard_that_is_busy_is_not_waited_for() -> None:
    with holding_the_guard():
        begun = time.monotonic()
        ServiceChecks().run()
        assert time.monotonic() - begun < 1.5
