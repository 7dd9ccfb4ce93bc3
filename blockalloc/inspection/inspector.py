"""The inspection of a whole database."""

from collections.abc import Iterator

from django.db import connection

from blockalloc.inspection import bookings, facts, leftovers, reloads
from blockalloc.inspection.drift import Drift
from blockalloc.inspection.findings import KINDS, Finding


def inspect(now: int) -> list[Finding]:
    """All that is not in order at `now` (Unix seconds). Reads only, as of one moment.

    Where tables or columns are missing that the rows are judged by, only `schema_drift` is found; the last of its
    findings then says so (`is_about_rows_unread`).
    """
    drift = Drift(connection)
    found = list(drift.findings())
    if not drift.is_readable():
        return [*found, _unread()]
    with facts.one_moment():
        rows = facts.read(now)
    return [*found, *_judged(rows)]


def is_about_rows_unread(finding: Finding) -> bool:
    """Whether a finding says that the rows could not be judged."""
    return "not_checked" in finding.subject


def _judged(rows: facts.Facts) -> Iterator[Finding]:
    yield from bookings.double_bookings(rows)
    yield from bookings.reload_overlaps(rows)
    yield from reloads.without_reload(rows)
    yield from reloads.partial_calls(rows)
    yield from reloads.orphaned(rows)
    yield from leftovers.stale(rows)
    yield from leftovers.stuck(rows)


def _unread() -> Finding:
    kinds = [kind for kind in KINDS if kind != "schema_drift"]
    text = "the rows were not checked: tables or columns are missing that they are judged by"
    return Finding("schema_drift", {"not_checked": kinds}, text, repairable=False)
