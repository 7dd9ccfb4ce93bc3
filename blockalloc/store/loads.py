"""How long an image took to load, by VCL's log: the rows that estimates and statistics are made of (SPEC 6).

The database counts loads of equal length, so that cost does not grow with the loads of a popular image. It knows
nothing of the site's zone: it is told by how much the clock was ahead of UTC, and when that changed.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.db import connection

from blockalloc.site_time import site_zone
from blockalloc.store.sql import Value, fetch
from scheduling.load_statistics import Loads
from scheduling.load_time import LONGEST, SHORTEST, mean

_FORMAT = "%Y-%m-%d %H:%M:%S"
_DAY = timedelta(days=1)
_LONGEST = 60 * _DAY  # no load that began before now has ended later

# Between two clocks on the wall, as if each day had 24 hours. No function for it is common to both databases.
_APART = {
    "mysql": "TIMESTAMPDIFF(SECOND, start, loaded)",
    "sqlite": "CAST(strftime('%%s', loaded) AS INTEGER) - CAST(strftime('%%s', start) AS INTEGER)",
}
_RUN_NOW = "imageid IN ({images}) AND wasavailable = 1 AND nowfuture = 'now' AND start > %s"
# A zero date is none (SPEC 3).
_LOADED = "loaded > '1000-01-01 00:00:00'"

_COUNTED = """
SELECT SUBSTR(start, 1, 7) AS month, {seconds} AS seconds, COUNT(*) FROM log
WHERE {run} AND ending <> 'failed' AND {loaded}
GROUP BY month, seconds
"""
_SUMMED = """
SELECT imageid, SUM(seconds), COUNT(*) FROM (
    SELECT imageid, {seconds} AS seconds FROM log WHERE {run} AND ending <> 'failed' AND {loaded}
) AS loads WHERE seconds > {shortest} AND seconds < {longest} GROUP BY imageid
"""
_LOST = "SELECT ending, COUNT(*) FROM log WHERE {run} AND (ending = 'failed' OR loaded IS NULL) GROUP BY ending"


class Lost(NamedTuple):
    """Loads that tell no time: those that failed, and those of which the log does not say when they were done."""

    failed: int
    untold: int


def estimates(reload_minutes: Mapping[int, int], now: int) -> dict[int, int]:
    """Image id -> seconds that plans reckon with for a load, by the loads of the last 12 months.

    The images come as image id -> `reloadtime` in minutes, which counts while there are no loads.
    """
    if not reload_minutes:
        return {}
    summed = {image: (int(seconds), number) for image, seconds, number in _loads(_SUMMED, reload_minutes, now)}
    return {image: mean(*summed.get(image, (0, 0)), minutes) for image, minutes in reload_minutes.items()}


def read(image_id: int, now: int) -> list[Loads]:
    """The image's loads of the last 12 months, by month and length."""
    return [Loads(*row) for row in _loads(_COUNTED, [image_id], now)]


def lost(image_id: int, now: int) -> Lost:
    """What of the same time has no length."""
    rows = fetch(_LOST.format(run=_run([image_id])), [begin(now).strftime(_FORMAT)])
    failed = sum(number for ending, number in rows if ending == "failed")
    return Lost(failed, sum(number for _, number in rows) - failed)


def _loads(sql: str, images: Iterable[int], now: int) -> list[tuple[Any, ...]]:
    """The rows of `sql` over loads with the seconds that they took.

    A load over a change of the clock took the time that passed, not what the clocks on the wall say. Local times
    that come twice or never are what `store.times` takes them for.
    """
    since = begin(now)
    steps = _steps(since - _DAY, datetime.fromtimestamp(now, site_zone()).replace(tzinfo=None) + _LONGEST, site_zone())
    seconds, params = _APART[connection.vendor], []
    if len(steps) > 1:
        seconds = f"{seconds} + {_offset('start', steps)} - {_offset('loaded', steps)}"
        params = [until for until, _ in steps[:-1]] * 2
    sql = sql.format(seconds=seconds, run=_run(images), loaded=_LOADED, shortest=SHORTEST, longest=LONGEST)
    return fetch(sql, [*params, since.strftime(_FORMAT)])


def _run(images: Iterable[int]) -> str:
    return _RUN_NOW.format(images=", ".join(str(int(image)) for image in sorted(images)))


def begin(now: int) -> datetime:
    """The same local time twelve months ago (naive); the last of February for a leap day."""
    moment = datetime.fromtimestamp(now, site_zone()).replace(tzinfo=None)
    try:
        return moment.replace(year=moment.year - 1)
    except ValueError:
        return moment.replace(year=moment.year - 1, day=28)


def _steps(start: datetime, end: datetime, zone: ZoneInfo) -> list[tuple[Value, int]]:
    """By how many seconds local times are ahead of UTC, as (first local time of the next step, seconds).

    A time that is skipped or comes twice belongs to the earlier step: so `store.times` reads it.
    """
    found: list[tuple[Value, int]] = []
    low = int(start.replace(tzinfo=zone).timestamp())
    last = int(end.replace(tzinfo=zone).timestamp())
    while low < last:
        high = min(low + 86_400, last)
        before, after = _ahead(low, zone), _ahead(high, zone)
        if before != after:
            change = _change(low, high, zone)
            wall = datetime.fromtimestamp(change + max(before, after), UTC)
            found.append((wall.strftime(_FORMAT), before))
        low = high
    return [*found, (None, _ahead(last, zone))]


def _change(low: int, high: int, zone: ZoneInfo) -> int:
    """The first instant after `low` that has the offset of `high`."""
    before = _ahead(low, zone)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _ahead(middle, zone) == before else (low, middle)
    return high


def _ahead(instant: int, zone: ZoneInfo) -> int:
    offset = datetime.fromtimestamp(instant, zone).utcoffset()
    assert offset is not None, "a moment of a zone has an offset"
    return int(offset.total_seconds())


def _offset(column: str, steps: Sequence[tuple[Value, int]]) -> str:
    """SQL for how far a local time is ahead of UTC; a parameter for each change of the clock."""
    cases = " ".join(f"WHEN {column} < %s THEN {seconds}" for _, seconds in steps[:-1])
    return f"CASE {cases} ELSE {steps[-1][1]} END"
