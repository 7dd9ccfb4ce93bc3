"""What programs beside the pages left: the last forecast, and the last look of keep_ready."""

from typing import NamedTuple

from blockalloc.models import ForecastRun, Heartbeat
from blockalloc.store import times
from blockalloc.store.forecasts import RUN_COLUMNS, Run, run_of
from blockalloc.store.sql import fetch

_COLUMNS = ", ".join(f"r.{name}" for name in RUN_COLUMNS)
_READ = f"""
SELECT h.`at`, h.doubt, r.id, {_COLUMNS} FROM (SELECT 1 AS id) AS one
LEFT JOIN {Heartbeat._meta.db_table} h ON h.id = one.id LEFT JOIN {ForecastRun._meta.db_table} r ON r.id = one.id
"""


class Background(NamedTuple):
    """When keep_ready looked last (Unix seconds), None for never, and why it changes nothing; the last forecast."""

    looked_at: int | None
    doubt: str
    run: Run | None


def read() -> Background:
    """One statement."""
    ((at, doubt, has_run, *run),) = fetch(_READ)
    return Background(times.from_utc(at), doubt or "", run_of(run) if has_run else None)
