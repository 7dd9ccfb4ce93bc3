"""Answers remembered by the caller's idempotency key (SPEC 2.1): one key, one new block."""

from datetime import UTC, datetime, timedelta

from django.conf import settings

from blockalloc import refusals
from blockalloc.models import IdempotencyKey


def remembered(user: str, key: str, parameters: str, now: int) -> tuple[int, int] | None:
    """(answer, blockTimes.id) of an earlier call with this key, or None.

    Raises Refusal 204 when that call had other parameters.
    """
    found = IdempotencyKey.objects.filter(user=user, key=key, created__gte=_oldest(now)).first()
    if found is None:
        return None
    if found.parameters != parameters:
        raise refusals.key_reused(key)
    return found.answer, found.block_time_id


def remember(user: str, key: str, parameters: str, answer: int, block_time_id: int, now: int) -> None:
    """Keep an answer, in the transaction that writes what it tells of. Old keys are forgotten."""
    IdempotencyKey.objects.filter(created__lt=_oldest(now)).delete()
    IdempotencyKey.objects.create(
        user=user,
        key=key,
        parameters=parameters,
        answer=answer,
        block_time_id=block_time_id,
        created=datetime.fromtimestamp(now, UTC),
    )


def _oldest(now: int) -> datetime:
    return datetime.fromtimestamp(now, UTC) - timedelta(days=settings.VCL_IDEMPOTENCY_DAYS)
