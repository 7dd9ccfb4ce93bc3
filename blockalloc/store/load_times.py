"""How long many images take to load, in one statement: the same as `snapshot.load_seconds` of each."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from django.db import connection

from blockalloc.site_time import site_zone
from blockalloc.store import times
from blockalloc.store.snapshot import year_before
from blockalloc.store.sql import fetch
from scheduling import load_time

_DAY = timedelta(days=1)

# Seconds from `start` to `loaded` on the wall clock: the databases have no common way.
_SECONDS = {
    "mysql": "TIMESTAMPDIFF(SECOND, start, loaded)",
    "sqlite": "CAST(strftime('%%s', loaded) AS INTEGER) - CAST(strftime('%%s', start) AS INTEGER)",
}

# A load across a change of the clock takes other than the wall clock says: those around one come row by row.
_LOADS = """
SELECT imageid, SUM(seconds), COUNT(*), NULL, NULL FROM (
    SELECT imageid, {seconds} AS seconds FROM log WHERE {counts} AND NOT ({changes})
) AS loads WHERE seconds > {shortest} AND seconds < {longest} GROUP BY imageid
UNION ALL
SELECT imageid, 0, 0, start, loaded FROM log WHERE {counts} AND ({changes})
"""
_COUNTS = """imageid IN ({}) AND wasavailable = 1 AND ending <> 'failed' AND nowfuture = 'now' AND loaded IS NOT NULL
  AND start > '{}'"""


def load_seconds_of(reload_minutes: Mapping[int, int], now: int) -> dict[int, int]:
    """Image id -> seconds that a load takes, by the loads of the last 12 months (SPEC 6).

    The images come as image id -> `reloadtime` in minutes, which counts while there are no loads.
    """
    if not reload_minutes:
        return {}
    totals = dict.fromkeys(reload_minutes, (0, 0))
    for image, seconds, number, start, loaded in fetch(_statement(reload_minutes, now)):
        if start is not None:
            seconds, number = _one(times.from_local(start), times.from_local(loaded))
        total, count = totals[image]
        totals[image] = (total + int(seconds), count + number)
    return {image: total // count if count else reload_minutes[image] * 60 for image, (total, count) in totals.items()}


def _one(begun: int | None, loaded: int | None) -> tuple[int, int]:
    """Seconds and number of a load by its instants; nothing when it does not count."""
    if begun is None or loaded is None or not load_time.SHORTEST < loaded - begun < load_time.LONGEST:
        return 0, 0
    return loaded - begun, 1


def _statement(images: Mapping[int, int], now: int) -> str:
    moment = datetime.fromtimestamp(now, site_zone())
    changes = [f"(start > '{first}' AND start < '{last}')" for first, last in _clock_changes(moment)]
    return _LOADS.format(
        seconds=_SECONDS[connection.vendor],
        counts=_COUNTS.format(
            ", ".join(str(int(image)) for image in sorted(images)), f"{year_before(moment):%Y-%m-%d %H:%M:%S}"
        ),
        changes=" OR ".join(changes) or "1 = 0",
        shortest=load_time.SHORTEST,
        longest=load_time.LONGEST,
    )


def _clock_changes(moment: datetime) -> Iterator[tuple[str, str]]:
    """The local times around each change of the site's clock in the year before, with hours to spare."""
    noon = moment.replace(hour=12, minute=0, second=0, microsecond=0) + _DAY
    for _ in range(370):
        before = noon - _DAY
        if before.utcoffset() != noon.utcoffset():
            yield f"{before - _DAY / 8:%Y-%m-%d %H:%M:%S}", f"{noon + _DAY / 8:%Y-%m-%d %H:%M:%S}"
        noon = before
