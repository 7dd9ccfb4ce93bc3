"""Attempts to deliver notifications."""

from enum import StrEnum

from blockalloc.measures.registry import counter, histogram

CHANNELS = ("mail", "webhook")  # as models.Recipient has them


class Outcome(StrEnum):
    """What became of an attempt: delivered; to be tried again; refused by the receiver; given up after many."""

    DELIVERED = "delivered"
    RETRIED = "retried"
    REFUSED = "refused"
    GIVEN_UP = "given_up"


_DELIVERIES = counter(
    "blockalloc_deliveries_total", "Attempts to deliver notifications by outcome.", "channel", "outcome"
)
_DURATIONS = histogram(
    "blockalloc_delivery_duration_seconds",
    "Duration of attempts to deliver notifications.",
    (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
    "channel",
)
for _channel in CHANNELS:
    _DURATIONS.labels(_channel)
    for _outcome in Outcome:
        _DELIVERIES.labels(_channel, _outcome)


def count(channel: str, outcome: str, seconds: float) -> None:
    """Count an attempt. `channel` is one of CHANNELS, `outcome` one of Outcome; ValueError for others."""
    if channel not in CHANNELS:
        raise ValueError(f"{channel!r} is no channel")
    _DELIVERIES.labels(channel, Outcome(outcome)).inc()
    _DURATIONS.labels(channel).observe(seconds)


def count_given_up(channel: str) -> None:
    """Count a message that is tried no more. ValueError for a channel that is none of CHANNELS."""
    if channel not in CHANNELS:
        raise ValueError(f"{channel!r} is no channel")
    _DELIVERIES.labels(channel, Outcome.GIVEN_UP).inc()
