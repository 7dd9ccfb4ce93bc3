"""Answers remembered by the caller's idempotency key (SPEC 2.1): one key, one new block."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.db import IntegrityError

from blockalloc.contract import refusals
from blockalloc.models import IdempotencyKey
from blockalloc.store.past import Past
from blockalloc.store.times import to_utc

_PURGE_EVERY = 100  # keys; one DELETE for so many is enough to keep the table small


class Remembered(NamedTuple):
    """A call that used a key: its parameters, what it was answered, and the block time that it made."""

    parameters: str
    answer: int
    block_time_id: int


def remembered(user: str, key: str, now: int) -> Remembered | None:
    """The earlier call with this key of this user, or None. A key that is too old is forgotten."""
    row = IdempotencyKey.objects.filter(user=user, key=key).first()
    if row is None:
        return None
    if row.created < _oldest(now):
        row.delete()
        return None
    return Remembered(row.parameters, row.answer, row.block_time_id)


def remember(user: str, key: str, parameters: str, answer: int, block_time_id: int, now: int) -> None:
    """Keep an answer, in the transaction that writes the block.

    Raises Refusal 205 when another call has just kept one for this key. Now and then all keys that
    are too old go.
    """
    try:
        kept = IdempotencyKey.objects.create(
            user=user,
            key=key,
            parameters=parameters,
            answer=answer,
            block_time_id=block_time_id,
            created=datetime.fromtimestamp(now, UTC),
        )
    except IntegrityError as error:
        raise refusals.busy() from error
    if kept.pk % _PURGE_EVERY == 0:
        IdempotencyKey.objects.filter(created__lt=_oldest(now)).delete()


def past(now: int) -> Past:
    """Answers that are older than VCL_IDEMPOTENCY_DAYS at `now` (Unix seconds)."""
    before = to_utc(int(_oldest(now).timestamp()))
    return Past(IdempotencyKey._meta.db_table, "created < %s", [before], since="created")


def _oldest(now: int) -> datetime:
    return datetime.fromtimestamp(now, UTC) - timedelta(days=settings.VCL_IDEMPOTENCY_DAYS)
