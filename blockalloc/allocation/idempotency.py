"""A call's idempotency key: the same key twice is one call, answered twice (SPEC 2.1)."""

import json
from dataclasses import dataclass
from hashlib import sha256

from blockalloc.contract import refusals
from blockalloc.contract.messages import BlockAllocationCall, Call, Caller, Outcome
from blockalloc.store import idempotency

LONGEST_KEY = 200  # characters


@dataclass(frozen=True, slots=True)
class Key:
    """An idempotency key of a user. A key stands for one call with these parameters only."""

    user: str
    key: str
    parameters: str  # as JSON

    @property
    def subject(self) -> str:
        """Stands for user and key in the name of a claim, whatever characters they have."""
        return f"key-{sha256(repr((self.user, self.key)).encode()).hexdigest()[:32]}"

    def earlier_outcome(self, now: int) -> Outcome | None:
        """What the call that used the key before was answered; `now` in Unix seconds.

        Raises Refusal 204 when the key is too long, or was used with other parameters.
        """
        if len(self.key) > LONGEST_KEY:
            raise refusals.key_too_long(len(self.key), LONGEST_KEY)
        remembered = idempotency.remembered(self.user, self.key, now)
        if remembered is None:
            return None
        if remembered.parameters != self.parameters:
            raise refusals.key_reused(self.key)
        return Outcome("completed", remembered.answer, 0, remembered.block_time_id)

    def remember(self, outcome: Outcome, now: int) -> None:
        """Keep an answer above 0, in the transaction that writes what it is about. Raises Refusal 205."""
        if outcome.allocated:
            idempotency.remember(self.user, self.key, self.parameters, outcome.allocated, outcome.block_time_id, now)


def key_of(call: Call, caller: Caller) -> Key | None:
    """The key of a call, when it has one and creates a block: for an existing block time the rows say what is done."""
    if not isinstance(call, BlockAllocationCall) or not call.idempotency_key or call.block_time_id != 0:
        return None
    return Key(caller.name, call.idempotency_key, json.dumps(call.parameters(), sort_keys=True))
