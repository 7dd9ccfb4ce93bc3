"""News for people, a sender for tests, and what the outbox says of messages."""

import time
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from blockalloc import clock
from blockalloc.models import Message, News, Notice, Recipient
from blockalloc.notifications.audience import Person
from blockalloc.notifications.letter import Letter
from scheduling.news.kinds import Kind
from tests.support.sites.told import news


def told(
    block_time: int = 101, kind: Kind = Kind.SHORT, *, age: float = 60, starts_in: float = 5 * 3600, **values: Any
) -> News:
    """News of a class, made `age` seconds ago, that starts in so many seconds."""
    now = datetime.fromtimestamp(clock.now(), UTC)
    start = now + timedelta(seconds=starts_in)
    columns = {"at": now - timedelta(seconds=age), "start": start, "end": start + timedelta(hours=2)}
    return news(kind, block_time_id=block_time, block_name=f"class {block_time}", **{**columns, **values})


def addresses(number: int) -> list[str]:
    """So many mail addresses."""
    return [f"r{each}@example.edu" for each in range(number)]


def states() -> dict[str, int]:
    """How many messages are sent, waiting and failed, and how many notices are in no message."""
    messages = Message.objects.values_list("sent", "failed")
    return {
        "sent": sum(sent is not None for sent, _ in messages),
        "failed": sum(failed is not None for _, failed in messages),
        "waiting": sum(sent is None and failed is None for sent, failed in messages),
        "notices": Notice.objects.filter(message=None).count(),
    }


def news_of(key: str) -> Sequence[int]:
    """The ids of the news that a message tells, by its key."""
    return list(Notice.objects.filter(message__key=key).order_by("news_id").values_list("news_id", flat=True))


def free_lanes() -> None:
    """Let all recipients be tried again."""
    Recipient.objects.update(next_try=None, claimed_until=None, claimed_by="")


def summary_of(_person: Person, day: date, key: str, at: int) -> Letter:
    """A summary that says no more than its day, in place of the real one."""
    return Letter(key=key, kind=Message.SUMMARY, at=at, subject=f"Summary of {day}", opening="Nothing.")


def until(condition: Any, seconds: float = 20.0) -> None:
    """Wait until a condition holds. Fails when it does not hold in time."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the condition did not hold in time"
        time.sleep(0.01)
