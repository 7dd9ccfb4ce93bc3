"""The transaction that decides between callers.

Every allocation writes the same row before it looks at anything, so that of two calls at once
one waits for the other, on one server and between the nodes of a Galera cluster alike: there
only a changed value is certified, so the row counts up. SELECT … FOR UPDATE would not do.
"""

import logging
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from django.conf import settings
from django.db import Error, InterfaceError, OperationalError, connection, transaction

from blockalloc.contract import refusals
from blockalloc.models import Guard
from blockalloc.store.sql import execute, fetch, waiting_at_most

log = logging.getLogger(__name__)

# Lock wait timeout; deadlock, which is also how a cluster reports a lost race.
_CONFLICTS = frozenset({1205, 1213})
_NOT_READY = 1047  # a node that is joining its cluster, or has lost it
_LONGEST_PAUSE = 1.0  # seconds between two attempts

_held: ContextVar[bool] = ContextVar("guard_held", default=False)


class Deadline:
    """How long one call may wait for the guard, all its transactions and retries together.

    `waited`: how long it has waited so far, in seconds, with the pauses between attempts.
    """

    def __init__(self, seconds: float | None = None) -> None:
        wait = settings.VCL_GUARD_WAIT_SECONDS if seconds is None else seconds
        self._end = time.monotonic() + wait
        self.waited = 0.0

    def left(self) -> float:
        """Seconds left, 0 when there are none."""
        return max(self._end - time.monotonic(), 0.0)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Count the block of code as waiting."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.waited += time.monotonic() - began


T = TypeVar("T")


def guarded(work: Callable[[], T], deadline: Deadline, lost: Callable[[], None] = lambda: None) -> T:
    """Run `work` in one transaction that holds the guard; the only one at a time.

    The transaction is retried when the database gives it up for another. Raises Refusal 205 when
    the deadline passes first: nothing was written then. `lost` is called for each attempt that was
    given up for another transaction.
    """
    attempt = 0
    while True:
        attempt += 1
        committing = False
        try:
            with waiting_at_most(deadline.left), transaction.atomic():
                with deadline.waiting():
                    _take()
                result = _holding(work)
                committing = True
            return result
        except (OperationalError, InterfaceError) as error:
            if connection.in_atomic_block or not is_conflict(error, committing=committing):
                # A connection that was lost at the end of a transaction can be left in the middle of one. Nothing
                # would ever close it then: all later calls of this thread would fail.
                connection.close_if_unusable_or_obsolete()
                raise
            lost()
            if deadline.left() <= 0:
                log.warning("gave up after %d attempts: %s", attempt, error)
                raise refusals.busy() from error
            log.warning("attempt %d lost to another transaction, trying again: %s", attempt, error)
            # Jitter: callers that lost together must not meet again.
            with deadline.waiting():
                time.sleep(min(random.uniform(0.01, 0.05) * attempt, _LONGEST_PAUSE, deadline.left()))


def is_held() -> bool:
    """Whether this is inside the transaction that holds the guard: no other one of ours writes at the same time."""
    return _held.get()


def is_free() -> bool:
    """Whether no transaction has the guard now. The row is locked for a moment, and not changed.

    Nobody waits because of it: it queues for no lock, and in a cluster nothing is certified.
    """
    lock = " FOR UPDATE NOWAIT" if connection.vendor == "mysql" else ""  # SQLite locks with the transaction's begin
    try:
        with waiting_at_most(lambda: 0.0), transaction.atomic():
            fetch(f"SELECT n FROM {Guard._meta.db_table} WHERE id = 1{lock}")
    except OperationalError as error:
        if is_conflict(error):
            return False
        raise
    return True


def transactions() -> int:
    """How many transactions that had the guard have been committed."""
    return sum(n for (n,) in fetch(f"SELECT n FROM {Guard._meta.db_table} WHERE id = 1"))


def _holding(work: Callable[[], T]) -> T:
    before = _held.set(True)
    try:
        return work()
    finally:
        _held.reset(before)


def _take() -> None:
    """Write the guard row; waits for the transaction that has it."""
    table = Guard._meta.db_table
    if execute(f"UPDATE {table} SET n = n + 1 WHERE id = 1") == 0:
        execute(f"INSERT INTO {table} (id, n) VALUES (1, 1)")


def is_conflict(error: Error, *, committing: bool = False) -> bool:
    """Whether another transaction was in the way, nothing was written, and trying again can help.

    A node that is not ready when the connection was lost at COMMIT says nothing about what became of it.
    """
    code = error.args[0] if error.args else None
    return code in _CONFLICTS or (code == _NOT_READY and not committing) or "database is locked" in str(error)
