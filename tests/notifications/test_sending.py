"""Rounds of a sender: what arrives at real mail servers, and what becomes of what does not."""

import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from django.db import DatabaseError, OperationalError, connection
from pytest_django import Settings

from blockalloc import clock
from blockalloc.models import Message, Notice, Recipient
from blockalloc.notifications import composing, delivering, observing, outbox, summary
from blockalloc.notifications.delivering import Report
from blockalloc.notifications.delivery import NotDelivered, Outgoing, Refused
from blockalloc.notifications.sending import Sender
from blockalloc.site_time import site_zone
from blockalloc.store import heartbeat, lanes
from blockalloc.store import outbox as stored
from scheduling.news.kinds import Kind
from scheduling.upkeep.trust import Memory
from tests.support.servers.mail_server import MailServer, scripted
from tests.support.sites.outbox import addresses, free_lanes, news_of, states, summary_of, told, until
from tests.support.statements import without_table
from vclsite.notifications import FORMATS, Webhook
from vclsite.notifications import MailServer as Address

# Each thread of a sender has a connection of its own.
pytestmark = pytest.mark.django_db(transaction=True)

HOUR, DAY = 3600, 86400


@pytest.fixture(autouse=True)
def server(settings: Settings) -> Iterator[MailServer]:
    """A server that takes everything, and one recipient."""
    settings.VCL_MAIL_FROM, settings.VCL_SITE_MAIL = "vcl@example.edu", ["desk@example.edu"]
    settings.VCL_SUMMARY_TIME = None
    with MailServer() as server:
        settings.VCL_SMTP_URL = Address("127.0.0.1", server.port)
        yield server


def go(time_machine: Any, seconds: float) -> None:
    """Let time pass."""
    time_machine.move_to(clock.now() + seconds, tick=False)


def round_(**options: Any) -> Report:
    """A round of a new sender."""
    return Sender(**options).round()


def told_news(server: MailServer) -> list[list[int]]:
    """The news in each mail that was taken."""
    return [list(news_of(id_.strip("<>").partition("@")[0])) for id_ in server.ids]


class TestARound:
    """News becomes mail."""

    def test_each_recipient_has_it_once(self, settings: Settings, server: MailServer) -> None:
        settings.VCL_SITE_MAIL = addresses(30)
        ids = [told(101).pk, told(102, Kind.AT_RISK).pk]
        report = round_()
        assert (report.news, report.made, report.sent, report.problems) == (2, 30, 30, [])
        assert sorted(mail.to for mail in server.received) == sorted(addresses(30))
        assert told_news(server) == [ids] * 30
        assert server.connections <= 4
        assert states() == {"sent": 30, "failed": 0, "waiting": 0, "notices": 0}
        assert round_().is_quiet
        assert len(server.received) == 30

    def test_the_bytes_are_those_that_are_stored(self, server: MailServer) -> None:
        told()
        round_()
        message, mail = Message.objects.get(), server.received[0].message
        assert (mail["Subject"], mail["Message-ID"]) == (message.subject, f"<{message.key}@example.edu>")
        text = mail.get_body(("plain",))
        assert text is not None
        assert text.get_content().split() == message.text.split()
        assert (message.attempts, message.problem) == (1, "")

    def test_a_webhook_that_is_no_longer_in_the_settings(self, settings: Settings) -> None:
        settings.VCL_SITE_MAIL, settings.VCL_WEBHOOK_URL = [], [Webhook("json", "https://hooks.example.edu/x")]
        told()
        outbox.find_recipients(clock.now())
        settings.VCL_WEBHOOK_URL = []
        assert round_().refused == 1
        assert Message.objects.get().problem == "the webhook at hooks.example.edu is no longer in VCL_WEBHOOK_URL"

    def test_the_summary_of_the_day(
        self, settings: Settings, server: MailServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        now = datetime.fromtimestamp(clock.now(), UTC).astimezone()
        settings.VCL_SUMMARY_TIME = datetime.fromtimestamp(clock.now(), site_zone()).time()
        monkeypatch.setattr(summary, "letter_of_summary", summary_of)
        sender = Sender()
        assert [sender.round().sent, sender.round().sent, round_().sent] == [1, 0, 0]
        assert server.ids[0].startswith(f"<summary-{now:%Y-%m-%d}-")

    def test_in_the_callers_thread(self, server: MailServer) -> None:
        told()
        at_work = list[threading.Thread]()
        channel = _During(lambda: at_work.append(threading.current_thread()))
        assert round_(threads=1, channels=lambda: lambda: {"mail": channel}).sent == 1
        assert at_work == [threading.current_thread()]

    def test_it_ends_when_it_is_to(self, settings: Settings, server: MailServer) -> None:
        settings.VCL_SITE_MAIL = addresses(30)
        told()
        stop = threading.Event()
        server.content = lambda _to: stop.set()
        report = round_(threads=2, is_stopped=stop.is_set)
        assert 1 <= report.sent <= 2
        assert report.sent == len(server.received)
        assert round_().sent == 30 - report.sent
        assert Counter(mail.to for mail in server.received) == Counter(addresses(30))


class TestFailures:
    """What is not delivered is tried again, in its order."""

    def test_the_server_is_away_for_an_hour(self, settings: Settings, server: MailServer, time_machine: Any) -> None:
        settings.VCL_SITE_MAIL = addresses(20)
        first = told(101).pk
        sender, port, began, tries = Sender(), _closed_port(), clock.now(), 0
        settings.VCL_SMTP_URL = Address("127.0.0.1", port)
        while clock.now() < began + HOUR:
            tries += sender.round().not_delivered
            go(time_machine, 10)
        assert 10 <= tries <= 18  # not one for each message, nor one for each round
        assert (states()["sent"], states()["failed"]) == (0, 0)
        assert states()["waiting"] + states()["notices"] == 20
        later = told(101, Kind.MENDED).pk
        with MailServer(port=port) as again:
            for _ in range(60):
                sender.round()
                go(time_machine, 10)
        assert states() == {"sent": Message.objects.count(), "failed": 0, "waiting": 0, "notices": 0}
        assert len(set(again.ids)) == len(again.ids)
        for address in addresses(20):
            ids = [mail.id.strip("<>").partition("@")[0] for mail in again.to(address)]
            assert [id_ for key in ids for id_ in news_of(key)] == [first, later]

    def test_one_that_is_away_is_tried_once_a_round(self, settings: Settings) -> None:
        settings.VCL_SITE_MAIL = addresses(20)
        told()
        with scripted({"": []}) as (port, _):
            settings.VCL_SMTP_URL = Address("127.0.0.1", port)
            report = round_(threads=1)
        assert (report.not_delivered, report.made) == (1, 1)
        assert Message.objects.get().attempts == 1
        assert set(Recipient.objects.values_list("failures", "claimed_by")) == {(0, "")}

    def test_pauses_grow(self, server: MailServer, time_machine: Any) -> None:
        server.recipient = lambda _to: "450 4.2.1 try later"
        told()
        sender, began, tried = Sender(), clock.now(), list[int]()
        while clock.now() < began + 26 * HOUR:
            if sender.round().not_delivered:
                tried.append(clock.now() - began)
            go(time_machine, 10)
            if tried and clock.now() - began > 2 * HOUR:
                go(time_machine, 290)
        pauses = [b - a for a, b in pairwise(tried)]
        for number, pause in enumerate(pauses[:6]):
            assert 0.8 * 30 * 2**number <= pause <= 1.2 * 30 * 2**number + 10
        assert max(pauses) <= 36 * 60 + 300
        assert DAY - 40 * 60 < tried[-1] < DAY
        message = Message.objects.get()
        assert message.failed is not None
        assert (message.sent, message.problem) == (None, "the mail server says: 450 4.2.1 try later")
        assert message.attempts == len(tried)
        assert server.received == []

    def test_a_refusal_is_for_good_and_holds_up_nothing(self, server: MailServer) -> None:
        server.content = lambda _to: "554 5.7.1 spam"
        told(101)
        assert round_().refused == 1
        server.content = lambda _to: None
        told(102)
        assert round_().sent == 1
        assert states() == {"sent": 1, "failed": 1, "waiting": 0, "notices": 0}
        failed = Message.objects.exclude(failed=None).get()
        assert failed.problem == "the mail server says: 554 5.7.1 spam"
        stored.send_again([failed.pk], clock.now())
        assert round_().sent == 1
        assert f"<{failed.key}@example.edu>" in server.ids

    def test_order_within_a_recipient(self, server: MailServer, time_machine: Any) -> None:
        """Later news does not overtake what could not be sent."""
        first = told(101).pk
        server.content = lambda _to: "451 4.3.0 later"
        sender = Sender()
        assert sender.round().not_delivered == 1
        second = told(101, Kind.MENDED).pk
        server.content = lambda _to: None
        assert sender.round().is_quiet is False
        assert server.received == []
        go(time_machine, 40)
        assert sender.round().sent == 2
        assert told_news(server) == [[first], [second]]

    def test_one_recipient_that_fails_does_not_hold_up_the_others(self, settings: Settings, server: MailServer) -> None:
        settings.VCL_SITE_MAIL = addresses(10)
        server.recipient = lambda to: "450 later" if to == "r3@example.edu" else None
        told()
        report = round_(threads=1)
        assert (report.sent, report.not_delivered) == (9, 1)
        assert Recipient.objects.get(key="mail:r3@example.edu").failures == 1

    def test_one_recipient_that_hangs_does_not_hold_up_the_others(self, settings: Settings, server: MailServer) -> None:
        settings.VCL_SITE_MAIL = addresses(40)
        let_go = threading.Event()
        hung: list[str] = []
        channel = _Hanging("r7@example.edu", let_go, hung)
        told()
        at_work = threading.Thread(target=lambda: round_(channels=lambda: lambda: {"mail": channel}))
        at_work.start()
        try:
            until(lambda: len(channel.delivered) == 39)
        finally:
            let_go.set()
            at_work.join(20)
        assert hung == ["r7@example.edu"]
        assert len(channel.delivered) == 40

    def test_those_that_have_failed_come_last(self, settings: Settings, server: MailServer) -> None:
        settings.VCL_SITE_MAIL = addresses(10)
        told()
        outbox.find_recipients(clock.now())
        Recipient.objects.filter(address="r4@example.edu").update(failures=3)
        round_(threads=1)
        assert server.received[-1].to == "r4@example.edu"

    def test_a_fault_of_the_service_is_a_failure(
        self, server: MailServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        told()
        broken = _Broken()
        report = round_(channels=lambda: lambda: {"mail": broken})
        assert report.problems == ["an error of the service: ZeroDivisionError"]
        assert Recipient.objects.get().failures == 1
        assert "could not be sent" in caplog.text

    def test_what_cannot_be_written_does_not_hold_up_the_others(
        self, settings: Settings, server: MailServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings.VCL_SITE_MAIL = addresses(5)
        usual = composing.letter_of_news

        def letter(key: str, *rest: Any) -> Any:
            if key == "mail:r2@example.edu":
                raise ValueError("a fault")
            return usual(key, *rest)

        monkeypatch.setattr(composing, "letter_of_news", letter)
        told()
        assert round_(threads=1).sent == 4
        assert round_(threads=1).sent == 0
        recipient = Recipient.objects.get(key="mail:r2@example.edu")
        assert (recipient.failures, recipient.problem) == (1, "an error of the service: ValueError")
        monkeypatch.undo()
        free_lanes()
        assert round_(threads=1).sent == 1

    @pytest.mark.parametrize("format_", ["", *FORMATS])
    def test_what_can_never_be_written_is_told_in_brief(
        self, settings: Settings, server: MailServer, time_machine: Any, monkeypatch: pytest.MonkeyPatch, format_: str
    ) -> None:
        """Everything that comes later would have to wait for it."""
        if format_:
            settings.VCL_SMTP_URL, settings.VCL_WEBHOOK_URL = None, [Webhook(format_, "https://hooks.example.edu/x")]
        monkeypatch.setattr(composing, "letter_of_news", lambda *_: 1 // 0)
        told(101)
        told(102, Kind.AT_RISK, starts_in=3 * DAY)
        channel = _Channel()
        for _ in range(20):
            round_(channels=lambda: lambda: {"mail": channel, "webhook": channel})
            go(time_machine, 30)
        assert len(channel.delivered) == 1
        message = Message.objects.get()
        assert message.subject == "News about classes: 2 changes"
        assert "class 101, " in message.text + message.body
        assert "class 102, " in message.text + message.body
        assert states() == {"sent": 1, "failed": 0, "waiting": 0, "notices": 0}

    def test_nothing_of_a_password_is_stored_or_logged(
        self, settings: Settings, caplog: pytest.LogCaptureFixture
    ) -> None:
        told()
        script = {"EHLO": [b"250-mail\r\n250 AUTH PLAIN LOGIN CRAM-MD5\r\n"], "AUTH": [b"535 no s3cret, s3cret\r\n"]}
        with scripted(script) as (port, _):
            settings.VCL_SMTP_URL = Address("127.0.0.1", port, "", "vcl", "s3cret")
            report = round_()
        assert report.not_delivered == 1
        assert "s3cret" not in caplog.text + Message.objects.get().problem + "".join(report.problems)


def _closed_port() -> int:
    with MailServer() as server:
        return server.port


class _Channel:
    """A channel of a test."""

    said = ""

    def __init__(self) -> None:
        self.delivered: list[str] = []

    def deliver(self, message: Outgoing) -> None:
        self.delivered.append(message.address)

    def close(self) -> None:
        """Nothing is open."""


class _Hanging(_Channel):
    def __init__(self, address: str, let_go: threading.Event, hung: list[str]) -> None:
        super().__init__()
        self._address, self._let_go, self._hung = address, let_go, hung

    def deliver(self, message: Outgoing) -> None:
        if message.address == self._address:
            self._hung.append(message.address)
            self._let_go.wait(30)
        super().deliver(message)


class _Broken(_Channel):
    def deliver(self, message: Outgoing) -> None:
        raise ZeroDivisionError


class _During(_Channel):
    """Does something while a message is on its way, and then fails, or not."""

    def __init__(self, work: Any, failure: Exception | None = None) -> None:
        super().__init__()
        self._work, self._failure = work, failure

    def deliver(self, message: Outgoing) -> None:
        self._work()
        if self._failure:
            raise self._failure
        super().deliver(message)


class TestLanes:
    """A recipient's messages go out from one sender at a time."""

    def test_a_lane_that_another_has_is_left_alone(self, server: MailServer, time_machine: Any) -> None:
        told()
        outbox.find_recipients(clock.now())
        (other,) = lanes.with_work("other", clock.now())
        assert lanes.claim(other, clock.now())
        assert round_().is_quiet
        go(time_machine, lanes.LEASE)
        assert round_().is_quiet
        go(time_machine, 1)
        assert round_().sent == 1

    def test_it_is_given_back(self, server: MailServer) -> None:
        told()
        round_()
        assert list(Recipient.objects.values_list("claimed_by", "claimed_until")) == [("", None)]

    def test_a_sender_that_was_held_up_stops(self, server: MailServer, time_machine: Any) -> None:
        """Its lane is another's by now: what it has sent is sent, but it sends nothing more."""
        for number in range(2):
            told(101 + number)
            outbox.find_recipients(clock.now())
            (lane,) = lanes.with_work("maker", clock.now())
            assert lanes.claim(lane, clock.now())
            assert outbox.make_message(lane, clock.now())
            lanes.release(lane)
        channel = _During(lambda: Recipient.objects.update(claimed_by="another"))
        report = round_(threads=1, channels=lambda: lambda: {"mail": channel})
        assert (report.sent, states()["waiting"]) == (1, 1)
        assert Recipient.objects.get().claimed_by == "another"

    @pytest.mark.parametrize("failure", [NotDelivered("no"), Refused("never")])
    def test_a_failure_in_a_lane_that_is_lost_is_not_noted(self, server: MailServer, failure: Exception) -> None:
        told()
        channel = _During(lambda: Recipient.objects.update(claimed_by="another"), failure)
        round_(threads=1, channels=lambda: lambda: {"mail": channel})
        message = Message.objects.get()
        assert (message.attempts, message.failed, Recipient.objects.get().failures) == (0, None, 0)

    def test_a_sender_that_was_held_up_before_it_sent(self, server: MailServer) -> None:
        told()
        outbox.find_recipients(clock.now())
        (lane,) = lanes.with_work("maker", clock.now())
        assert lanes.claim(lane, clock.now())
        assert outbox.make_message(lane, clock.now())
        lanes.release(lane)
        with connection.execute_wrapper(_taken_over):
            round_(threads=1)
        assert server.received == []

    def test_a_sender_that_died_after_the_servers_yes(self, server: MailServer, time_machine: Any) -> None:
        """It was not noted: the same mail is sent again, with the same Message-ID, when the lane is free."""
        told()
        outbox.find_recipients(clock.now())
        (lane,) = lanes.with_work("dead", clock.now())
        assert lanes.claim(lane, clock.now())
        assert outbox.make_message(lane, clock.now())
        go(time_machine, lanes.LEASE + 1)
        assert round_().sent == 1
        assert server.ids == [f"<{Message.objects.get().key}@example.edu>"]


def _taken_over(execute: Any, sql: str, params: Any, *rest: Any) -> Any:
    result = execute(sql, params, *rest)
    if "blockalloc_message" in sql and "SELECT MIN(id)" in sql:
        execute("UPDATE blockalloc_recipient SET claimed_by = %s", ["another"], *rest)
    return result


class TestTheDatabaseIsAway:
    """In the middle."""

    def test_what_was_sent_is_noted_when_it_is_back(self, server: MailServer) -> None:
        """For a while it is asked again."""
        told()
        failing = _Failing("UPDATE blockalloc_message SET sent", times=3)
        with connection.execute_wrapper(failing):
            report = round_(threads=1)
        assert (report.sent, failing.left) == (1, 0)
        assert states()["sent"] == 1

    def test_or_in_a_later_round(self, server: MailServer, monkeypatch: pytest.MonkeyPatch) -> None:
        """The lane is still the sender's; nothing is sent twice."""
        told()
        monkeypatch.setattr(delivering, "NOTING_SECONDS", 0.0)
        sender = Sender(threads=1)
        with connection.execute_wrapper(_Failing("SET sent", times=99)), pytest.raises(OperationalError):
            sender.round()
        assert (len(server.received), states()["waiting"]) == (1, 1)
        sender.round()
        assert (len(server.received), states()["sent"]) == (1, 1)

    def test_the_round_ends(self, settings: Settings, server: MailServer) -> None:
        settings.VCL_SITE_MAIL = addresses(30)
        told()
        outbox.find_recipients(clock.now())
        with without_table("blockalloc_message"), pytest.raises(DatabaseError):
            round_()
        free_lanes()
        assert round_().sent == 30

    def test_conflicts_are_tried_again(self, server: MailServer) -> None:
        told()
        failing = _Failing("blockalloc_", times=4, error=1213, every=3)
        with connection.execute_wrapper(failing):
            assert round_(threads=1).sent == 1
        assert failing.left == 0
        assert len(server.received) == 1


class _Failing:
    """Lets statements that write fail, as the database would."""

    def __init__(self, part: str, times: int, error: int = 2013, every: int = 1) -> None:
        self._part, self.left, self._error, self._every, self._seen = part, times, error, every, 0

    def __call__(self, execute: Any, sql: str, *rest: Any) -> Any:
        if self.left and self._part in sql and any(verb in sql for verb in ("UPDATE", "INSERT")):
            self._seen += 1
            if self._seen % self._every == 0:
                self.left -= 1
                raise OperationalError(self._error, "the database is away, or gave us up")
        return execute(sql, *rest)


class TestObserving:
    """Where keep_ready is not at work, the classes are looked at here."""

    @pytest.mark.parametrize(("ago", "looks"), [(None, 1), (181, 1), (179, 0)])
    def test_when(self, monkeypatch: pytest.MonkeyPatch, ago: int | None, looks: int) -> None:
        observed: list[int] = []
        monkeypatch.setattr(observing, "observe", lambda now: observed.append(now))
        if ago is not None:
            memory = Memory(clock.now() - ago, "host", "UTC", None, None, None)
            heartbeat.write(memory, doubt="", milliseconds=1, block_times=0)
        round_()
        assert observed == [clock.now()] * looks

    def test_no_more_often_than_keep_ready(self, monkeypatch: pytest.MonkeyPatch, time_machine: Any) -> None:
        observed: list[int] = []
        monkeypatch.setattr(observing, "observe", lambda now: observed.append(now))
        sender = Sender()
        for _ in range(13):
            sender.round()
            go(time_machine, 10)
        assert [later - earlier for earlier, later in pairwise(observed)] == [60, 60]

    def test_a_look_that_fails_holds_up_nothing(self, server: MailServer, monkeypatch: pytest.MonkeyPatch) -> None:
        def observe(_now: int) -> int:
            raise ValueError("a fault")

        monkeypatch.setattr(observing, "observe", observe)
        told()
        assert round_().sent == 1


def test_senders_at_once_in_one_process(settings: Settings, server: MailServer, time_machine: Any) -> None:
    """Threads that meet at every lane."""
    settings.VCL_SITE_MAIL = addresses(25)
    told()
    outbox.find_recipients(clock.now())
    barrier = threading.Barrier(3)
    reports: list[Report] = []

    def send() -> None:
        try:
            barrier.wait()
            reports.append(round_(threads=2))
        finally:
            connection.close()

    threads = [threading.Thread(target=send) for _ in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert sum(report.sent for report in reports) == 25
    assert Counter(mail.to for mail in server.received) == Counter(addresses(25))
    assert Notice.objects.filter(message=None).count() == 0
