"""Everything that is kept for a time only: what it is, and which of its rows are past that time."""

import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import OperationalError, transaction

from blockalloc.store import (
    closing_rows,
    decisions,
    feeds,
    foreseen,
    guard,
    idempotency,
    kept_loads,
    kept_models,
    news,
    outbox,
    planned_reloads,
    seen_loads,
    watches,
)
from blockalloc.store.past import Past
from blockalloc.store.sql import waiting_at_most
from blockalloc.store.times import to_utc

AT_ONCE = 1000  # rows of a portion, which is a transaction of its own
_SECONDS_TO_WAIT, _TRIES, _PAUSE = 5.0, 4, 0.5


class Kind(NamedTuple):
    """One kind of rows, in words, and those that are past their time at a moment (Unix seconds)."""

    name: str
    past: Callable[[int], Past]


def _sessions(now: int) -> Past:
    return Past(Session._meta.db_table, "expire_date < %s", [to_utc(now)], since="expire_date", key="session_key")


def _lockouts(now: int) -> Past:
    table = str(settings.CACHES["default"]["LOCATION"])
    return Past(table, "expires < %s", [to_utc(now)], since="expires", key="cache_key")


KINDS = (
    Kind("decision records", decisions.past),
    Kind("lists of computers of decision records", decisions.past_rosters),
    Kind("classes on record", closing_rows.past),
    Kind("revoked addresses of calendars", feeds.past),
    Kind("block times as keep_ready saw them", watches.past),
    Kind("loads that were seen", seen_loads.past),
    Kind("images that staff trusted again", seen_loads.past_trust),
    Kind("planned reloads", planned_reloads.past),
    Kind("kept load times", kept_loads.past),
    Kind("kept load models", kept_models.past),
    Kind("messages to people", outbox.past_messages),
    Kind("notices of news", outbox.past_notices),
    Kind("recipients of messages", outbox.past_recipients),
    Kind("answers to idempotency keys", idempotency.past),
    Kind("what people were told of classes", news.past_standings),
    Kind("news for notifications", news.past),
    Kind("forecasts of classes that are over", foreseen.past_forecasts),
    Kind("what forecasts saw and nobody was told", foreseen.past),
    Kind("failed sign-ins", _lockouts),
    Kind("sessions of staff", _sessions),
)


class Removed(NamedTuple):
    """How many rows of a kind were removed. `held`: others hold the rest, which is left for another time."""

    rows: int
    held: bool = False


def remove(kind: Kind, now: int) -> Removed:
    """Remove all rows of a kind that are past at `now`, portion by portion. Raises DatabaseError."""
    rows = 0
    for portion in _portions(kind.past(now)):
        if portion is None:
            return Removed(rows, held=True)
        rows += portion
    return Removed(rows)


def _portions(past: Past) -> Iterator[int | None]:
    """The sizes of the portions; None for one that could not be removed, after some tries."""
    tries, left = 0, True
    while left:
        try:
            with waiting_at_most(lambda: _SECONDS_TO_WAIT), transaction.atomic():
                size = past.remove(AT_ONCE)
        except OperationalError as error:
            if not guard.is_conflict(error):
                raise
            tries += 1
            if tries == _TRIES:
                yield None
                return
            time.sleep(_PAUSE)
        else:
            tries, left = 0, size > 0
            yield size
