"""The inspection of a whole database."""

from collections.abc import Iterator, Sequence

from django.db import connection

from blockalloc.inspection import (
    bookings,
    facts,
    leftovers,
    load_limits,
    query_log,
    reading,
    records,
    reloads,
    shortages,
    site_clock,
)
from blockalloc.inspection.drift import Drift
from blockalloc.inspection.findings import KINDS, Finding
from blockalloc.store.inspection_rows import one_moment
from blockalloc.store.query_log import TABLE as QUERY_LOG


def inspect(now: int, database_ahead: int = 0) -> list[Finding]:
    """All that is not in order at `now` (Unix seconds). Reads only, as of one moment.

    `database_ahead`: by how many seconds the database's clock is ahead of the one that gave `now`.
    Where the rows can't be judged, since tables or columns are missing or of other types, only `schema_drift` is
    found; the last of its findings then says so (`is_about_rows_unread`).
    """
    drift = Drift(connection)
    findings = list(drift.findings())
    if not drift.is_readable():
        return [*findings, _unread("tables or columns are missing that they are judged by")]
    try:
        with one_moment():
            own_tables = drift.own_tables()
            rows = reading.read(now, own_tables)
            short, clashes = shortages.short(rows), bookings.in_class(rows)
            about = {time.id for time, _ in short} | {row.block_time_id for row, _ in clashes}
            history = records.read(about, rows, own_tables)
            findings += site_clock.findings(now, database_ahead)
            findings += query_log.findings() if drift.has(QUERY_LOG) else ()
            findings += load_limits.findings()
        return [*findings, *_judged(rows, short, clashes, history)]
    except (AttributeError, TypeError, ValueError) as error:
        # Columns of other types can hold what is no time and no number; what was found so far must not be lost.
        return [*findings, _unread(f"a value in them is none that VCL writes ({error})")]


def is_about_rows_unread(finding: Finding) -> bool:
    """Whether a finding says that the rows could not be judged."""
    return "not_checked" in finding.subject


def _judged(
    rows: facts.Facts, short: Sequence[shortages.Short], clashes: Sequence[bookings.Clash], history: records.History
) -> Iterator[Finding]:
    yield from shortages.findings(rows, short, history)
    yield from bookings.of_two_blocks(rows)
    yield from bookings.of_users(rows, clashes, history)
    yield from bookings.reload_overlaps(rows)
    yield from reloads.without_reload(rows)
    yield from reloads.early(rows)
    yield from reloads.partial_calls(rows)
    yield from reloads.abandoned(rows)
    yield from reloads.orphaned(rows)
    yield from leftovers.ended(rows)
    yield from leftovers.stuck(rows)


def _unread(why: str) -> Finding:
    kinds = [kind for kind in KINDS if kind != "schema_drift"]
    text = f"the rows were not checked: {why}"
    return Finding("schema_drift", {"not_checked": kinds}, text, repairable=False)
