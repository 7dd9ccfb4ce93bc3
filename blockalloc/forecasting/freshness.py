"""Whether what the forecast says still counts: one that is not checked any more says nothing."""

from blockalloc.forecasting.forecasts import STALE
from blockalloc.store.forecasts import Run
from scheduling.windows import MINUTE
from scheduling.wording import span

CLOCKS_DIFFER = 2 * MINUTE  # at most, between hosts
_JUST_NOW = 5  # seconds


def is_current(run: Run | None, now: int) -> bool:
    """Whether the forecast rests on facts that were so a quarter of an hour ago, at `now` (Unix seconds).

    One that was checked later than `now` comes from a clock that is wrong: nobody knows when that was.
    """
    return run is not None and bool(run.made) and not run.problem and -CLOCKS_DIFFER <= now - run.checked < STALE


def checked_ago(run: Run, now: int) -> str:
    """`3 min ago`, of a run that was made."""
    if run.checked - now > CLOCKS_DIFFER:
        return f"by a clock that was {span(run.checked - now)} ahead"
    return ago(now - run.checked)


def ago(seconds: int) -> str:
    """`3 min ago`; `just now` under some seconds, and where clocks differ a little."""
    return "just now" if seconds < _JUST_NOW else f"{span(seconds)} ago"


def in_words(run: Run | None, now: int) -> str:
    """When the forecast was last checked, or why it does not count."""
    if run is None or not run.made:
        problem = f": {run.problem}" if run and run.problem else ""
        return f"no forecast has been made yet{problem}"
    checked = f"the forecast was checked {checked_ago(run, now)}"
    if run.problem:
        return f"no newer forecast can be made: {run.problem}; {checked}"
    return checked if is_current(run, now) else f"not checked: {checked}"
