"""From news to messages: who is told, what is told together, how often, and what is kept."""

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from blockalloc import clock
from blockalloc.models import LoopSeen, Message, News, Notice, Recipient
from blockalloc.notifications import audience, outbox, preferences, summary
from blockalloc.notifications.letter import Letter
from blockalloc.notifications.preferences import NOTHING, Choice
from blockalloc.store import keeping, lanes, loops
from blockalloc.store import outbox as stored
from blockalloc.store.lanes import Lane
from blockalloc.store.outbox import Address
from scheduling.news.kinds import Kind
from tests.support.sites.outbox import addresses, news_of, states, summary_of, told
from vclsite.notifications import MailServer, Webhook

pytestmark = pytest.mark.django_db

HOOK = Webhook("slack", "https://hooks.example.edu/secret")
HOUR, DAY = 3600, 86400


@pytest.fixture(autouse=True)
def _site(settings: Settings) -> None:
    settings.VCL_SMTP_URL = MailServer("mail.example.edu", 25)
    settings.VCL_SITE_MAIL = ["desk@example.edu"]
    settings.VCL_SERVICE_URL = "https://blocks.example.edu"
    settings.VCL_MAILS_PER_HOUR = 12


def find() -> int:
    """Find the recipients of all news."""
    return outbox.find_recipients(clock.now())


def lane(key: str = "mail:desk@example.edu", token: str = "me") -> Lane:
    """The recipient's lane, claimed."""
    row = Recipient.objects.get(key=key)
    lane = Lane(row.pk, row.key, row.channel, row.address, row.failures, token)
    assert lanes.claim(lane, clock.now())
    return lane


def make(key: str = "mail:desk@example.edu") -> Message | None:
    """The message that is made for a recipient now."""
    claimed = lane(key)
    made = outbox.make_message(claimed, clock.now())
    lanes.release(claimed)
    return Message.objects.latest("pk") if made else None


class TestRecipients:
    """News is taken once."""

    def test_each_gets_a_notice(self, settings: Settings) -> None:
        settings.VCL_SITE_MAIL, settings.VCL_WEBHOOK_URL = addresses(3), [HOOK]
        first, second = told(101), told(102, Kind.AT_RISK)
        assert find() == 2
        assert Notice.objects.filter(message=None).count() == 8
        assert {(each.channel, each.address) for each in Recipient.objects.all()} == {
            *(("mail", address) for address in addresses(3)), ("webhook", "hooks.example.edu"),
        }  # fmt: skip
        assert {row.pk for row in News.objects.exclude(taken=None)} == {first.pk, second.pk}
        assert find() == 0
        assert Notice.objects.count() == 8

    def test_another_host_was_faster(self) -> None:
        news, now = told(), clock.now()
        assert stored.take(news.pk, [Address("mail:a@b.c", "mail", "a@b.c")], now)
        assert not stored.take(news.pk, [Address("mail:x@y.z", "mail", "x@y.z")], now)
        assert [each.address for each in Recipient.objects.all()] == ["a@b.c"]

    def test_news_of_yesterday_about_a_class_that_is_over_is_told_to_nobody(self) -> None:
        told(age=DAY + 1, starts_in=-2 * HOUR - 1)
        assert find() == 1
        assert (News.objects.filter(taken=None).count(), Notice.objects.count()) == (0, 0)

    def test_news_about_a_class_to_come_is_told_however_old_it_is(self) -> None:
        """Nobody was at work over a weekend: on Monday the class of nine is still short."""
        told(age=3 * DAY, starts_in=HOUR)
        told(age=3 * DAY, starts_in=-2 * HOUR + 1)
        assert find() == 2
        assert Notice.objects.count() == 2

    def test_nobody_wants_it(self, settings: Settings) -> None:
        settings.VCL_SITE_MAIL = []
        told()
        assert find() == 1
        assert not Recipient.objects.exists()

    def test_a_fault_with_one_does_not_hold_up_the_others(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        broken, fine = told(101), told(102)
        usual = audience.recipients

        def recipients(news: News) -> list[audience.Person]:
            if news.pk == broken.pk:
                raise ValueError("a fault")
            return usual(news)

        monkeypatch.setattr(audience, "recipients", recipients)
        assert find() == 1
        assert [each.news_id for each in Notice.objects.all()] == [fine.pk]
        assert f"the recipients of news {broken.pk} could not be found" in caplog.text
        monkeypatch.setattr(audience, "recipients", usual)
        assert find() == 1

    def test_an_address_that_has_changed(self) -> None:
        now = clock.now()
        before = stored.recipient_ids([Address("vcl:7", "mail", "old@example.edu")], now)
        after = stored.recipient_ids([Address("vcl:7", "mail", "new@example.edu")], now)
        assert before == after
        assert Recipient.objects.get().address == "new@example.edu"


class TestTogether:
    """What is told in one message."""

    def test_news_of_half_a_minute(self) -> None:
        ids = [told(101, age=31).pk, told(102, age=5).pk, told(101, Kind.MENDED, age=1).pk]
        find()
        message = make()
        assert message is not None
        assert news_of(message.key) == ids
        assert (message.kind, message.address, message.subject != "") == ("news", "desk@example.edu", True)
        assert (message.text != "", message.html.startswith("<"), message.body) == (True, True, "")
        assert message.unsubscribe.startswith("https://blocks.example.edu/")
        assert make() is None

    @pytest.mark.parametrize(
        ("age", "starts_in", "is_time"),
        [(29, 31 * 60, False), (30, 31 * 60, True), (9, 20 * 60, False), (10, 30 * 60, True), (10, -60, True),
         (29, 30 * 60 + 1, False)],
    )  # fmt: skip
    def test_when_it_is_time(self, age: float, starts_in: float, is_time: bool) -> None:
        told(age=age, starts_in=starts_in)
        find()
        assert bool(lanes.with_work("me", clock.now())) == is_time
        assert (make() is not None) == is_time

    def test_what_a_webhook_gets(self, settings: Settings) -> None:
        settings.VCL_WEBHOOK_URL = [HOOK]
        told()
        find()
        key = Recipient.objects.get(channel="webhook").key
        message = make(key)
        assert message is not None
        assert (message.text, message.html, message.body[0], message.address) == ("", "", "{", "hooks.example.edu")

    def test_a_class_is_told_in_order(self) -> None:
        """Another host is at the earlier news, and has not noted its recipients yet."""
        first, later, other = told(101), told(101, Kind.MENDED), told(102)
        now = clock.now()
        for news in (later, other):
            assert stored.take(news.pk, [Address("mail:desk@example.edu", "mail", "desk@example.edu")], now)
        message = make()
        assert message is not None
        assert news_of(message.key) == [other.pk]
        assert make() is None
        find()
        message = make()
        assert message is not None
        assert news_of(message.key) == [first.pk, later.pk]

    def test_a_message_has_a_limit(self) -> None:
        news = told(100)
        News.objects.bulk_create(_copy(news, block_time_id=200 + number) for number in range(119))
        find()
        first, second = make(), make()
        assert first is not None
        assert second is not None
        assert [len(news_of(each.key)) for each in (first, second)] == [100, 20]

    def test_the_lane_is_lost_meanwhile(self) -> None:
        told()
        find()
        mine = lane()
        Recipient.objects.update(claimed_by="another")
        assert not outbox.make_message(mine, clock.now())
        assert not Message.objects.exists()

    def test_news_that_is_gone(self) -> None:
        told()
        find()
        News.objects.all().delete()
        assert lanes.with_work("me", clock.now()) == []


def _copy(news: News, **values: Any) -> News:
    copy = News(**{field.attname: getattr(news, field.attname) for field in News._meta.fields})
    copy.pk = None
    for name, value in values.items():
        setattr(copy, name, value)
    return copy


class TestEnded:
    """Whoever has ended their notifications gets nothing that was waiting for them."""

    @pytest.mark.parametrize(("choice", "is_told"), [(NOTHING, False), (NOTHING._replace(summary=True), True)])
    def test_news_that_waited(self, choice: Choice, is_told: bool) -> None:
        told()
        find()
        preferences.choose("mail:desk@example.edu", choice, clock.now())
        assert (make() is not None) is is_told
        assert Notice.objects.filter(message=None).count() == 0
        assert not lanes.with_work("me", clock.now()) or is_told


class TestHowOften:
    """At most VCL_MAILS_PER_HOUR to a recipient; what exceeds waits, and is told together."""

    def test_the_first_half_at_once_then_evenly(self) -> None:
        made: list[int] = []
        for now in range(0, 3 * HOUR, 10):
            if outbox.may_make([each for each in made if each > now - HOUR], now, 12):
                made.append(now)
        assert made[:8] == [0, 10, 20, 30, 40, 50, 650, 1250]
        for begin in range(0, 2 * HOUR, 10):
            assert sum(begin < each <= begin + HOUR for each in made) <= 12

    def test_what_is_urgent_does_not_wait_for_the_others(self) -> None:
        made = [*range(0, 60, 10)]
        assert not outbox.may_make(made, 120, 12)
        assert outbox.may_make(made, 120, 12, is_urgent=True)
        assert not outbox.may_make([*range(0, 120, 10)], 300, 12, is_urgent=True)

    def test_a_class_that_is_about_to_begin_is_urgent(self, settings: Settings) -> None:
        settings.VCL_MAILS_PER_HOUR = 2
        now = clock.now()
        for number, minutes in enumerate((300, 31, 29, -10)):
            news = told(100 + number, age=31)
            news.start = datetime.fromtimestamp(now + 60 * minutes, UTC)
            news.save()
            find()
            assert (make() is not None) == (minutes not in (31, -10)), minutes

    @pytest.mark.parametrize("limit", [1, 2, 3, 7, 12, 1000])
    def test_never_more_and_never_long_without(self, limit: int) -> None:
        made: list[int] = []
        for now in range(0, 3 * HOUR, 5):
            if outbox.may_make([each for each in made if each > now - HOUR], now, limit):
                made.append(now)
        assert max(sum(begin < each <= begin + HOUR for each in made) for begin in range(0, 2 * HOUR, 5)) <= limit
        longest = max(b - a for a, b in pairwise(made))
        assert longest <= max(2 * HOUR / max(limit - 1, 1), HOUR) + 5
        assert len(made) >= limit * 1.4

    def test_what_exceeds_is_told_together(self, settings: Settings, time_machine: Any) -> None:
        settings.VCL_MAILS_PER_HOUR = 2
        begin, messages = clock.now(), []
        for minute in range(0, 180, 5):
            time_machine.move_to(begin + minute * 60, tick=False)
            told(100 + minute, age=31)
            find()
            if make() is not None:
                messages.append(minute)
        assert messages == [0, 60, 120]
        assert [len(news_of(each.key)) for each in Message.objects.order_by("pk")] == [1, 12, 12]

    def test_one_recipient_is_no_other(self, settings: Settings) -> None:
        settings.VCL_MAILS_PER_HOUR, settings.VCL_SITE_MAIL = 1, addresses(2)
        told()
        find()
        assert make("mail:r0@example.edu") is not None
        assert make("mail:r1@example.edu") is not None


class TestSummaries:
    """One a day, at VCL_SUMMARY_TIME of the site's clock."""

    @pytest.mark.parametrize(
        ("at", "is_time"),
        [("06:59", False), ("07:00", True), ("10:59", True), ("11:00", False), ("00:10", False)],
    )
    def test_when(self, settings: Settings, at: str, is_time: bool) -> None:
        settings.VCL_SUMMARY_TIME = time(7)
        now = int(datetime.fromisoformat(f"2026-03-04T{at}:00-05:00").timestamp())
        assert (outbox.summary_day(now) is not None) == is_time

    def test_never(self, settings: Settings) -> None:
        settings.VCL_SUMMARY_TIME = None
        assert outbox.summary_day(clock.now()) is None

    def test_a_time_that_is_skipped(self, settings: Settings) -> None:
        settings.VCL_SUMMARY_TIME = time(2, 30)
        assert outbox.summary_day(int(datetime(2026, 3, 8, 7, 30, tzinfo=UTC).timestamp())) is not None
        assert outbox.summary_day(int(datetime(2026, 3, 8, 7, 29, tzinfo=UTC).timestamp())) is None

    def test_it_is_written_once(self, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(summary, "letter_of_summary", summary_of)
        settings.VCL_SITE_MAIL = addresses(2)
        now = clock.now()
        day = datetime.fromtimestamp(now, UTC).date()
        for _ in range(2):
            outbox.add_summaries(day, now)
        ids = Recipient.objects.values_list("pk", flat=True)
        assert {each.key for each in Message.objects.all()} == {f"summary-{day}-{id_}" for id_ in ids}
        assert {each.kind for each in Message.objects.all()} == {"summary"}
        assert len(lanes.with_work("me", now)) == 2

    def test_nothing_to_tell(self) -> None:
        """None is written."""
        outbox.add_summaries(datetime.fromtimestamp(clock.now(), UTC).date(), clock.now())
        assert not Message.objects.exists()

    def test_a_fault_with_one_does_not_hold_up_the_others(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        settings.VCL_SITE_MAIL = addresses(3)

        def letter(person: audience.Person, *rest: Any) -> Letter:
            if person.address == "r1@example.edu":
                raise ValueError("a fault")
            return summary_of(person, *rest)

        monkeypatch.setattr(summary, "letter_of_summary", letter)
        outbox.add_summaries(datetime.fromtimestamp(clock.now(), UTC).date(), clock.now())
        assert {each.address for each in Message.objects.all()} == {"r0@example.edu", "r2@example.edu"}
        assert "the summary for mail:r1@example.edu could not be written" in caplog.text


class TestAgain:
    """What was given up can be sent again."""

    def test_it_waits_again_with_the_same_key(self) -> None:
        told()
        find()
        message, now = make(), clock.now()
        assert message is not None
        Message.objects.update(failed=datetime.fromtimestamp(now, UTC), created=datetime(2026, 2, 1, tzinfo=UTC))
        Recipient.objects.update(next_try=datetime(2027, 1, 1, tzinfo=UTC), failures=9)
        assert stored.send_again([message.pk], now) == 1
        assert stored.send_again([message.pk], now) == 0
        assert [each.recipient_id for each in lanes.with_work("me", now)] == [message.recipient_id]
        waiting = lanes.next_message(message.recipient_id)
        assert waiting is not None
        assert (waiting.key, waiting.created) == (message.key, now)
        assert stored.give_up(now - DAY, now) == []


class TestKeeping:
    """What is past its time goes; what waits stays."""

    @pytest.fixture(autouse=True)
    def _days(self, settings: Settings) -> None:
        settings.VCL_MESSAGE_DAYS = 10

    def test_messages(self) -> None:
        for age, state in ((11, "sent"), (11, "failed"), (11, "waiting"), (9, "sent")):
            _message(f"{age}-{state}", age, state)
        _prune("messages to people")
        assert {each.key for each in Message.objects.all()} == {"11-waiting", "9-sent"}

    def test_news_stays_as_long_as_a_message_about_it(self) -> None:
        """It says who may see the message: staff of one affiliation none that is about others too."""
        both, alone = told(101, age=11 * DAY, starts_in=-10 * DAY), told(102, age=11 * DAY, starts_in=-10 * DAY)
        old, kept = _message("old", 11, "sent"), _message("kept", 9, "sent")
        for news, message in ((both, old), (both, kept), (alone, old)):
            recipient = message.recipient_id if message is old else message.recipient_id + 1
            Notice.objects.create(news=news, recipient_id=recipient, message=message)
        for _ in range(2):
            for name in ("news for notifications", "messages to people", "notices of news"):
                _prune(name)
        assert [each.pk for each in News.objects.all()] == [both.pk]
        assert [each.message_id for each in Notice.objects.all()] == [kept.pk]

    def test_notices_go_with_their_message_or_news(self) -> None:
        gone, there, waiting = told(101), told(102), told(103)
        find()
        message = _message("m", 1, "sent")
        Notice.objects.filter(news=gone).update(message_id=message.pk + 1)
        Notice.objects.filter(news=there).update(message=message)
        without = Notice.objects.create(news_id=999, recipient_id=message.recipient_id)
        _prune("notices of news")
        assert {each.news_id for each in Notice.objects.all()} == {there.pk, waiting.pk}
        assert not Notice.objects.filter(pk=without.pk).exists()

    def test_recipients_who_have_had_nothing_for_long(self) -> None:
        now = datetime.fromtimestamp(clock.now(), UTC)
        for days in (16.9, 17.1):
            Recipient.objects.create(key=str(days), channel="mail", used=now - timedelta(days=days))
        _prune("recipients of messages")
        assert [each.key for each in Recipient.objects.all()] == ["16.9"]

    def test_a_recipient_who_gets_something_stays(self) -> None:
        now = clock.now()
        Recipient.objects.create(key="a", channel="mail", used=datetime(2025, 1, 1, tzinfo=UTC))
        past = stored.past_recipients(now)
        assert past.count() == 1
        stored.recipient_ids([Address("a", "mail", "a@b.c")], now)
        assert past.remove(10) == 0


def _message(key: str, days: float, state: str) -> Message:
    at = datetime.fromtimestamp(clock.now(), UTC) - timedelta(days=days)
    recipient = Recipient.objects.get_or_create(key="x", defaults={"channel": "mail"})[0]
    when = {} if state == "waiting" else {state: at}
    return Message.objects.create(recipient=recipient, key=key, kind="news", created=at, **when)


def _prune(name: str) -> None:
    (kind,) = [each for each in keeping.KINDS if each.name == name]
    keeping.remove(kind, clock.now())


class TestLoops:
    """When a loop was seen, and where."""

    def test_seen(self) -> None:
        assert loops.last_seen() == {}
        loops.seen("notify", clock.now() - 60)
        loops.seen("other", clock.now() - 30)
        loops.seen("notify", clock.now())
        seen = loops.last_seen()
        assert {name: each.at for name, each in seen.items()} == {"notify": clock.now(), "other": clock.now() - 30}
        assert seen["notify"].host
        assert LoopSeen.objects.count() == 2


def test_finding_recipients_costs_the_same_however_many_there_are(settings: Settings) -> None:
    counts = []
    for number in (2, 40):
        settings.VCL_SITE_MAIL = addresses(number)
        told()
        find()
        told()
        with CaptureQueriesContext(
            connection,
        ) as queries:
            find()
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 14
    assert states()["notices"] == 84
