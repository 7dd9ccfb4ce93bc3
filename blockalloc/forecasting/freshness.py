"""Whether what the forecast says still counts: one that is not checked any more says nothing."""

from blockalloc.forecasting.forecasts import STALE
from blockalloc.store.forecasts import Run
from scheduling.wording import span


def is_current(run: Run | None, now: int) -> bool:
    """Whether the forecast rests on facts that were so a quarter of an hour ago, at `now` (Unix seconds)."""
    return run is not None and bool(run.made) and not run.problem and now - run.checked < STALE


def in_words(run: Run | None, now: int) -> str:
    """When the forecast was last checked, or why it does not count."""
    if run is None or not run.made:
        problem = f": {run.problem}" if run and run.problem else ""
        return f"no forecast has been made yet{problem}"
    checked = f"the forecast was checked {span(max(now - run.checked, 0))} ago"
    if run.problem:
        return f"no newer forecast can be made: {run.problem}; {checked}"
    return checked if is_current(run, now) else f"not checked: {checked}"
