"""What a call leaves in addition to its rows: its record, the answer to its idempotency key, counts of retries."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from blockalloc import clock
from blockalloc.allocation import audit
from blockalloc.allocation.audit import Entry
from blockalloc.allocation.idempotency import Key
from blockalloc.allocation.news import make_news
from blockalloc.allocation.result import Answer, Result
from blockalloc.contract.messages import Caller, Outcome, Refusal
from blockalloc.measures import guard
from blockalloc.models import Decision
from blockalloc.store import decisions, planned_reloads
from blockalloc.store.rows import BlockTimeRow
from vclsite.logs import request_id

_PRUNE_AT_ONCE = 10_000  # records of reloads; as many as a hundred calls make, and more


class Journal:
    """The journal of one call: earlier answers, its decision record, retries and waits.

    `parameters` are what the caller gave, by name; `now` is the time of the call in Unix seconds.
    """

    def __init__(self, action: str, caller: Caller, parameters: Mapping[str, object], key: Key | None = None) -> None:
        self.now = clock.now()
        self._began = time.monotonic()
        self._action = action
        self._caller = caller
        self._parameters = parameters
        self._key = key
        self._retries = 0
        self._waits = 0

    @property
    def subject(self) -> str:
        """What identifies a call for a new block, so that two at once are known for one; "" when nothing does."""
        return self._key.subject if self._key else ""

    def earlier_outcome(self) -> Outcome | None:
        """What an earlier call with the same idempotency key was answered. Raises Refusal 204."""
        return self._key.earlier_outcome(self.now) if self._key else None

    # --- On the way -------------------------------------------------------------------------------

    def count_retry(self) -> None:
        """Count a transaction that the database gave up for another, or a round that had to be repeated."""
        self._retries += 1
        guard.count_retry()

    def count_wait(self) -> None:
        """Count a round that had to wait for another call."""
        self._waits += 1
        guard.count_rival_wait()

    def record_result(self, result: Result) -> int | None:
        """Record what was decided, keep the answer for the idempotency key, and write what people are to be told of it.

        Returns the id of the record, if any.

        In the transaction that writes what was decided, which may be tried again: only the last record stays.
        """
        if self._key:
            self._key.remember(result.outcome, self.now)
        columns, roster = audit.of_result(self._entry(), result)
        if roster is not None:
            roster.keep(self.now)
        decision_id = decisions.write(columns)
        make_news(result, self._caller, decision_id, self.now)
        return decision_id

    def record_action(self, text: str, row: BlockTimeRow | None, outcome: str = Decision.DONE, **numbers: int) -> int:
        """Record what was done to a block time, in the transaction that does it; returns the id of the record.

        `row` is None when the row of the block time is gone. `numbers`: further columns of `Decision`.
        """
        return decisions.write(audit.of_action(self._entry(), text, row, outcome, **numbers))

    # --- At the end -------------------------------------------------------------------------------

    def finish(self, answer: Answer) -> None:
        """After the last transaction: record an answer that was repeated, and prune now and then."""
        if answer.result is None:
            columns = audit.of_earlier_answer(self._entry(), answer.outcome)
            self.prune(decisions.write_apart(columns, self.now))
        else:
            self.prune(answer.decision_id)

    def record_dry_run(self, result: Result) -> int | None:
        """Record a dry run; returns the id of the record, None when it could not be written."""
        columns, roster = audit.of_result(self._entry(), result)
        decision_id = decisions.write_apart(columns, self.now, roster)
        self.prune(decision_id)
        return decision_id

    @contextmanager
    def recording_failures(self) -> Iterator[None]:
        """Record a refusal or an error that ends the block of code; it goes on to the caller."""
        try:
            yield
        except Refusal as refusal:
            self.record_refusal(refusal)
            raise
        except Exception as error:
            self.prune(decisions.write_apart(audit.of_failure(self._entry(), error), self.now))
            raise

    def record_refusal(self, refusal: Refusal) -> None:
        """Record a refusal: nothing was written but this."""
        self.prune(decisions.write_apart(audit.of_refusal(self._entry(), refusal), self.now))

    def prune(self, decision_id: int | None) -> None:
        """Prune old records, and those of reloads that are over, if this record's id says that it is time to."""
        if decision_id is not None and decisions.prune_now_and_then(decision_id, self.now):
            planned_reloads.prune(self.now, _PRUNE_AT_ONCE)

    def _entry(self) -> Entry:
        duration = round((time.monotonic() - self._began) * 1000)
        return Entry(
            self._action, self._caller, self._parameters, self.now, duration, self._retries, self._waits,
            request_id.current(),
        )  # fmt: skip
