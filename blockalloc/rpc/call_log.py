"""The log of calls: one line for each, with its outcome and how long it took; and what is counted of it."""

import logging
import time
from dataclasses import dataclass, field

from blockalloc.contract.refusals import INTERNAL
from blockalloc.measures import calls
from blockalloc.rpc.authentication import (
    ACCESS_DENIED,
    LOCKED_OUT,
    NOT_ON_THE_LIST,
    UNKNOWN_VERSION,
    UNSUPPORTED_VERSION,
)
from blockalloc.rpc.refusal_log import LONGEST_ADDRESS, LONGEST_NAME, log_refusal, plain

log = logging.getLogger(__name__)

ANSWERED, FAULT = "answered", "fault"
_NOT_SIGNED_IN = (ACCESS_DENIED, UNKNOWN_VERSION, UNSUPPORTED_VERSION, LOCKED_OUT)  # 8 has other meanings later on


@dataclass(slots=True)
class CallLine:
    """What the line of a call will say: `began` is a time of the monotonic clock, in seconds.

    `user` is who signed in, or the claimed name in a call that is passed on. `code` is that of a fault, an error or a
    warning, `machines` how many machines the block time has, `missing` how many it lacks. No parameters: the decision
    record has them.
    """

    address: str = ""
    began: float = field(default_factory=time.monotonic)
    user: str = ""
    method: str = ""
    outcome: str = ANSWERED
    code: int | None = None
    machines: int | None = None
    missing: int = 0
    is_refused: bool = False
    is_passed_on: bool = False
    is_written: bool = False

    @property
    def seconds(self) -> float:
        """How long the call has taken so far."""
        return time.monotonic() - self.began

    @property
    def milliseconds(self) -> float:
        """How long the call has taken so far."""
        return round(self.seconds * 1000, 1)

    def note_answer(self, answer: object) -> None:
        """Note what was answered: a number of machines, a struct with a status as in VCL 2.x, or anything else."""
        if isinstance(answer, int) and not isinstance(answer, bool):
            self.machines = answer
        elif isinstance(answer, dict) and isinstance(status := answer.get("status"), str):
            self.outcome = status
            self.machines = _number(answer.get("allocated"))
            self.missing = _number(answer.get("unallocated")) or 0
            self.code = _number(answer.get("errorcode", answer.get("warningcode"))) or None  # a dry run says 0 for none

    def note_fault(self, code: int) -> None:
        """Note that the call was answered with a fault."""
        self.outcome, self.code, self.machines = FAULT, code, None

    def refuse(self, who: str, code: int, reason: str, *, names_method: bool = False) -> None:
        """Write that the call was refused: that is its line.

        `who` is the name that was claimed or proved; `names_method`: the reason has the method, if there is one.
        """
        of_method = {"method": self.method} if self.method else {}
        shown = "" if names_method else self.method
        log_refusal(who, self.address, code, reason, shown, {**of_method, "duration_ms": self.milliseconds})
        self.code, self.is_refused, self.is_written = code, True, True

    def count(self) -> None:
        """Count the call, when it was answered. One that was passed on is counted as such (`web.front_end`)."""
        if not self.is_passed_on:
            method = calls.method_of(self.method)
            calls.count(method, self._counted_outcome(method), self.seconds)

    def _counted_outcome(self, method: calls.Method) -> calls.Outcome:
        if self.is_refused:
            by_sign_in = not self.user and self.code in _NOT_SIGNED_IN
            is_denied = by_sign_in or self.code == NOT_ON_THE_LIST
            return calls.Outcome.DENIED if is_denied else calls.Outcome.REFUSED
        if self.outcome == FAULT:
            return calls.Outcome.FAILED if self.code == INTERNAL else calls.Outcome.REFUSED
        if method not in calls.ALLOCATING:
            return calls.Outcome.DONE
        return calls.Outcome.SHORT if self.missing else calls.Outcome.COMPLETE

    def write(self) -> None:
        """Write the line of a call that was answered, unless it has been written."""
        if self.is_written:
            return
        user, address = plain(self.user, LONGEST_NAME), plain(self.address, LONGEST_ADDRESS)
        took = self.milliseconds
        numbers = {"code": self.code, "machines": self.machines}
        log.info(
            "answered '%s' from %s: %s: %s, %.1f ms",
            user,
            address,
            self.method or "no method",
            self._in_words(),
            took,
            extra={
                "fields": {
                    "user": user,
                    "address": address,
                    "method": self.method,
                    "outcome": self.outcome,
                    **{name: number for name, number in numbers.items() if number is not None},
                    "duration_ms": took,
                }
            },
        )
        self.is_written = True

    def _in_words(self) -> str:
        code = "" if self.code is None else f" {self.code}"
        if self.machines is None:
            return f"{self.outcome}{code}"
        machines = f"{self.machines} machine{'' if self.machines == 1 else 's'}"
        return machines if self.outcome == ANSWERED else f"{self.outcome}{code}, {machines}"


def _number(value: object) -> int | None:
    return value if isinstance(value, int) else None
