"""Calls that are passed on to VCL's front end."""

from enum import StrEnum

from blockalloc.measures.registry import counter, histogram


class Outcome(StrEnum):
    """What became of a call: the front end answered; it did not; the caller was refused, here or there."""

    ANSWERED = "answered"
    UNANSWERED = "unanswered"
    REFUSED = "refused"


_CALLS = counter("blockalloc_passed_on_calls_total", "Calls for VCL's front end by outcome.", "outcome")
_DURATIONS = histogram(
    "blockalloc_passed_on_call_duration_seconds",
    "Duration of calls for VCL's front end.",
    (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120),
)
for _outcome in Outcome:
    _CALLS.labels(_outcome)


def count(outcome: Outcome, seconds: float) -> None:
    """Count a call that is over."""
    _CALLS.labels(outcome).inc()
    _DURATIONS.observe(seconds)
