"""The looks of keep_ready, and what they change."""

from enum import StrEnum

from blockalloc.measures.registry import counter, histogram


class Outcome(StrEnum):
    """How a look ended: all done; nothing changed, since something is in doubt; an error, nothing more was done."""

    DONE = "done"
    IN_DOUBT = "in_doubt"
    FAILED = "failed"


_LOOKS = counter("blockalloc_looks_total", "Looks of keep_ready by outcome.", "outcome")
_DURATIONS = histogram(
    "blockalloc_look_duration_seconds",
    "Duration of looks of keep_ready.",
    (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60),
)
_REPLACED = counter("blockalloc_computers_replaced_total", "Computers exchanged by keep_ready.")
_LOADED_AGAIN = counter("blockalloc_computers_loaded_again_total", "Computers loaded again by keep_ready.")
_ADDED = counter("blockalloc_machines_added_total", "Computers added by keep_ready.")
for _outcome in Outcome:
    _LOOKS.labels(_outcome)


def count(outcome: Outcome, seconds: float) -> None:
    """Count a look that is over."""
    _LOOKS.labels(outcome).inc()
    _DURATIONS.observe(seconds)


def count_changes(replaced: int, loaded_again: int, added: int) -> None:
    """Count computers of a class that was put right, by keep_ready or by staff ("Put right now")."""
    _REPLACED.inc(replaced)
    _LOADED_AGAIN.inc(loaded_again)
    _ADDED.inc(added)
