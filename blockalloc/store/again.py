"""Transactions that are tried again when the database gives them up for another; they don't take the guard."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import OperationalError, transaction

from blockalloc.store import guard
from blockalloc.store.sql import waiting_at_most

_SECONDS_TO_WAIT = 5.0  # for a lock
_TRIES = 8
_SHORTEST, _LONGEST = 0.01, 0.05  # seconds before the second attempt; longer each time

T = TypeVar("T")


def in_transaction(work: Callable[[], T]) -> T:
    """What `work` gives, in a transaction. Raises DatabaseError; OperationalError also when others are always faster.

    A connection that is lost at the end says nothing about what became of the transaction: `work` has to be such that
    it does no harm twice, for whoever tries it again.
    """
    attempt = 0
    while True:
        attempt += 1
        try:
            with waiting_at_most(lambda: _SECONDS_TO_WAIT), transaction.atomic():
                return work()
        except OperationalError as error:
            if attempt == _TRIES or not guard.is_conflict(error):
                raise
            time.sleep(random.uniform(_SHORTEST, _LONGEST) * attempt)
