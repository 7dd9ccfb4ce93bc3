"""`manage.py prune`: everything that is past its keeping time goes, and nothing else."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.db.models import Model

from blockalloc.models import (
    CalendarFeed,
    ClassHeld,
    Decision,
    Forecast,
    ForecastSeen,
    IdempotencyKey,
    ImageTrust,
    KeptLoadModel,
    LoadTime,
    Message,
    News,
    PlannedReload,
    Recipient,
    Roster,
    SeenLoad,
    Standing,
    Watch,
)
from blockalloc.store import keeping
from blockalloc.store.past import Past
from tests.support.statements import without_table

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
# How old a row may be, in days.
DECISIONS, SEEN, KEYS, ROSTERS, MONTH, MESSAGES = 100, 200, 5, 160, 30, 50


@pytest.fixture(autouse=True)
def _keeping_times(settings: Any, time_machine: Any) -> None:
    settings.VCL_DECISION_DAYS, settings.VCL_SEEN_LOAD_DAYS, settings.VCL_IDEMPOTENCY_DAYS = DECISIONS, SEEN, KEYS
    settings.VCL_MESSAGE_DAYS = MESSAGES
    time_machine.move_to(NOW, tick=False)


def prune(*options: str) -> str:
    """What the command printed."""
    out = StringIO()
    call_command("prune", *options, stdout=out)
    return out.getvalue()


def _ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def _decision(id_: int, days: float) -> Decision:
    return Decision(id=id_, started=_ago(days), action=Decision.ALLOCATE, duration=0)


def _class_held(id_: int, days: float) -> Model:
    names = {"block_name": "", "image_name": "", "user_group": "", "owner": ""}
    hours = {"start": _ago(days + 0.1), "end": _ago(days)}
    return ClassHeld(block_time_id=id_, block_request_id=1, image_id=1, wanted=1, had=1, **names, **hours)


def _revoked_feed(id_: int, days: float) -> Model:
    return CalendarFeed(id=id_, key=str(id_), made=_ago(days + 1), revoked=_ago(days))


def _watch(id_: int, days: float) -> Model:
    return Watch(block_time_id=id_, first_seen=_ago(days))


def _seen_load(id_: int, days: float) -> Model:
    at = _ago(days)
    return SeenLoad(id=id_, request_id=id_, computer_id=1, image_id=1, revision_id=1, begun=at, at_work=at)


def _planned(id_: int, days: float) -> Model:
    return PlannedReload(id=id_, block_time_id=id_, computer_id=id_, request_id=id_, start=_ago(days))


def _load_model(id_: int, days: float) -> Model:
    numbers = {"reload_minutes": 10, "failing": 0.1, "loads": 0, "failed": 0}
    return KeptLoadModel(image_id=id_, revision_id=1, knots="[]", source="", learned=_ago(days), **numbers)


def _key(id_: int, days: float) -> Model:
    return IdempotencyKey(id=id_, user="u", key=str(id_), parameters="", answer=1, block_time_id=1, created=_ago(days))


def _news(id_: int, days: float) -> Model:
    hours = {"start": NOW, "end": NOW}
    return News(id=id_, at=_ago(days), kind="short", block_time_id=1, block_request_id=1, wanted=1, usable=0, **hours)


def _forecast(id_: int, days: float) -> Model:
    hours = {"start": _ago(days + 0.1), "end": _ago(days)}
    return Forecast(block_time_id=id_, block_request_id=1, wanted=2, machines=1, **hours)


def _sent_message(id_: int, days: float) -> Model:
    return Message(id=id_, recipient_id=1, key=str(id_), kind=Message.NEWS, created=_ago(days), sent=_ago(days))


def _recipient(id_: int, days: float) -> Model:
    return Recipient(id=id_, key=str(id_), channel=Recipient.MAIL, used=_ago(days))


# Words of the command -> a row of that many days, and how old one may be.
KINDS: dict[str, tuple[Callable[[int, float], Model], float]] = {
    "decision records": (_decision, DECISIONS),
    "lists of computers of decision records": (lambda id_, days: Roster(id=id_, seen=_ago(days), names=b""), ROSTERS),
    "classes on record": (_class_held, DECISIONS),
    "revoked addresses of calendars": (_revoked_feed, DECISIONS),
    "block times as keep_ready saw them": (
        lambda id_, days: Watch(block_time_id=id_, first_seen=_ago(days)),
        DECISIONS,
    ),
    "loads that were seen": (_seen_load, SEEN),
    "images that staff trusted again": (lambda id_, days: ImageTrust(image_id=id_, trusted=_ago(days)), MONTH + 1),
    "planned reloads": (_planned, 1),
    "kept load times": (lambda id_, days: LoadTime(image_id=id_, seconds=1, loads=1, counted=_ago(days)), MONTH),
    "kept load models": (_load_model, MONTH),
    "answers to idempotency keys": (_key, KEYS),
    "what people were told of classes": (lambda id_, days: Standing(block_time_id=id_, start=_ago(days)), MESSAGES),
    "news for notifications": (_news, MESSAGES),
    "forecasts of classes that are over": (_forecast, 0),
    "what forecasts saw and nobody was told": (
        lambda id_, days: ForecastSeen(block_time_id=id_, at=_ago(days), missing=2),
        8,
    ),
    "messages to people": (_sent_message, MESSAGES),
    "recipients of messages": (_recipient, MESSAGES + 7),
    "sessions of staff": (lambda id_, days: Session(session_key=str(id_), expire_date=_ago(days)), 0),
}


def test_a_signed_address_stays_revoked() -> None:
    CalendarFeed.objects.create(key="1", made=_ago(9999), is_signed=True, revoked=_ago(9999))
    CalendarFeed.objects.create(key="2", made=_ago(9999))
    prune()
    assert CalendarFeed.objects.count() == 2


def test_all_kinds_are_tried_here() -> None:
    go_with_others = "notices of news"
    assert {kind.name for kind in keeping.KINDS} == {*KINDS, "failed sign-ins", go_with_others}


def test_every_table_of_ours_with_a_moment_in_it_is_kept_for_a_time_or_has_a_row_for_each_of_few() -> None:
    """A table that grows for ever would be found out by nobody for years."""
    of_few = {
        *("blockalloc_heartbeat", "blockalloc_guard", "blockalloc_staffaccount"),
        *("blockalloc_loop_seen", "blockalloc_preference", "blockalloc_forecast_run"),
    }
    kept = {kind.past(0).table for kind in keeping.KINDS}
    tables = {name for name in connection.introspection.table_names() if name.startswith("blockalloc_")}
    assert tables - kept <= of_few, sorted(tables - kept)


@pytest.mark.parametrize("name", KINDS)
def test_what_is_past_goes_and_what_is_not_stays(name: str) -> None:
    row, days = KINDS[name]
    rows = [row(id_, days + 0.01) for id_ in (1, 2)] + [row(3, days - 0.01)]
    for each in rows:
        each.save(force_insert=True)
    assert f"{name}: 2\n" in prune("--dry-run")
    assert type(rows[0])._default_manager.count() == 3
    assert prune() == f"{name}: 2\n2 rows deleted.\n"
    assert [str(each.pk) for each in type(rows[0])._default_manager.all()] == [str(rows[2].pk)]
    assert prune() == "There is nothing to delete.\n"


def test_failed_sign_ins_that_count_no_more(time_machine: Any) -> None:
    cache.add("short", 1, timeout=60)
    cache.add("long", 1, timeout=6000)
    time_machine.shift(61)
    assert "failed sign-ins: 1\n" in prune()
    assert (cache.get_many(["short", "long"])) == {"long": 1}


def test_lists_of_computers_that_a_record_refers_to_stay() -> None:
    Roster.objects.create(id=1, seen=_ago(1000), names=b"")
    Decision.objects.create(started=_ago(1), action=Decision.ALLOCATE, duration=0, roster_id=1)
    assert prune() == "There is nothing to delete.\n"
    assert Roster.objects.count() == 1


def test_rows_go_in_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "AT_ONCE", 3)
    sizes: list[int] = []
    remove = Past.remove

    def noted(past: Past, at_most: int) -> int:
        sizes.append(at_most)
        return remove(past, at_most)

    monkeypatch.setattr(Past, "remove", noted)
    Decision.objects.bulk_create(_decision(id_, 101) for id_ in range(1, 8))
    assert prune() == "decision records: 7\n7 rows deleted.\n"
    assert set(sizes) == {3}
    assert not Decision.objects.exists()


def test_rows_that_others_are_at_work_on_are_left_for_the_next_time(monkeypatch: pytest.MonkeyPatch) -> None:
    def remove(_past: Past, _at_most: int) -> int:
        raise OperationalError(1205, "Lock wait timeout exceeded")

    monkeypatch.setattr(Past, "remove", remove)
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    assert "decision records: 0, the rest is left for the next time" in prune()


def test_a_row_that_is_in_use_again_stays() -> None:
    """Between the look for what is past and the removal somebody may write the row anew."""
    now = int(NOW.timestamp())
    (kind,) = [each for each in keeping.KINDS if each.name == "kept load times"]
    past = kind.past(now)
    LoadTime.objects.create(image_id=1, seconds=1, loads=1, counted=_ago(MONTH + 1))
    with connection.execute_wrapper(_counted_again):
        assert past.remove(10) == 0
    assert LoadTime.objects.count() == 1


def _counted_again(execute: Any, sql: str, *more: Any) -> Any:
    if sql.lstrip().startswith("DELETE") or " FOR DELETE" in sql:
        LoadTime.objects.update(counted=NOW)
    return execute(sql, *more)


def test_the_database_does_not_answer() -> None:
    with pytest.raises(CommandError, match="the database does not answer as VCL's") as caught:  # noqa: SIM117
        with without_table("blockalloc_decision"):
            prune()
    assert caught.value.returncode == 2
