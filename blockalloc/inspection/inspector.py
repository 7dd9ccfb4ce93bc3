"""The inspection of a whole database."""

from blockalloc.inspection import bookings, facts, leftovers, reloads
from blockalloc.inspection.findings import Finding


def inspect(now: int) -> list[Finding]:
    """All that is not in order at `now` (Unix seconds). Reads only, as of one moment."""
    with facts.one_moment():
        found = facts.read(now)
    return [
        *bookings.double_bookings(found),
        *bookings.reload_overlaps(found),
        *reloads.without_reload(found),
        *reloads.partial_calls(found),
        *reloads.orphaned(found),
        *leftovers.stale(found),
        *leftovers.stuck(found),
    ]
