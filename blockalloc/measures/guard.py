"""What calls wait for: the guard, which lets one transaction through, and calls that are in their way."""

from blockalloc.measures.registry import counter, histogram

_WAITS = histogram(
    "blockalloc_guard_wait_seconds",
    "Time that an allocation waited for its turn and for the guard, in all.",
    (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20),
)
_RETRIES = counter("blockalloc_retries_total", "Transactions that were tried again, and rounds that were repeated.")
_RIVALS = counter("blockalloc_rival_waits_total", "Times that an allocation waited for another one to end.")


def observe_wait(seconds: float) -> None:
    """Note how long an allocation has waited, in all its transactions and attempts."""
    _WAITS.observe(seconds)


def count_retry() -> None:
    """Count a transaction that was given up for another, or a round that had to be repeated."""
    _RETRIES.inc()


def count_rival_wait() -> None:
    """Count a wait for another call: about the same block time, or with claims on computers that are lacking."""
    _RIVALS.inc()
