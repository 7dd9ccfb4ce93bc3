"""How long an image took to load, by VCL's log: the rows that estimates and statistics are made of (SPEC 6).

The database counts loads of equal length, so that cost does not grow with the loads of a popular image. It knows
nothing of the site's zone: the statement says when the clock was put forward or back, and by how much.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.db import connection

from blockalloc.site_time import site_zone
from blockalloc.store import kept_loads, times
from blockalloc.store.kept_loads import Sum
from blockalloc.store.sql import Rows, Select, fetch, listed_ids
from scheduling.load_statistics import Loads
from scheduling.load_time.estimate import LONGEST, SHORTEST, estimated_load_seconds

_DAY = timedelta(days=1)
_LONGEST = 60 * _DAY  # no load that began before now has ended later

# Between two clocks on the wall, as if each day had 24 hours. No function for it is common to both databases.
_APART = {
    "mysql": "TIMESTAMPDIFF(SECOND, start, loaded)",
    "sqlite": "CAST(strftime('%%s', loaded) AS INTEGER) - CAST(strftime('%%s', start) AS INTEGER)",
}
# VCL indexes `wasavailable`, which is 1 in nearly all rows: MariaDB would read through all of them to intersect that
# index with the image's. The sum hides the column from it (and costs the index of `schema.suggested` nothing).
_RUN_NOW = "imageid IN ({images}) AND wasavailable + 0 = 1 AND nowfuture = 'now' AND start > %s"
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
) AS loads WHERE seconds BETWEEN {low} AND {high} GROUP BY imageid
"""
_LENGTHS = """
SELECT imageid, seconds, COUNT(*) FROM (
    SELECT imageid, {seconds} AS seconds FROM log WHERE {run} AND ending <> 'failed' AND {loaded}
) AS loads WHERE seconds BETWEEN {low} AND {high} GROUP BY imageid, seconds ORDER BY imageid, seconds
"""
# The latest loads, of whatever length up to an hour: so many that more would say nothing new. They are counted by steps
# of a hundredth of their length or so, since a popular image has loads of every second.
_MOST = 1000
_HOUR = 3600
_LATEST = f"""
SELECT took AS seconds, number, is_of_revision FROM (
    SELECT seconds - seconds %% step + step / 2.0 AS took, COUNT(*) AS number, is_of_revision FROM (
        SELECT seconds, CASE WHEN seconds < 240 THEN 1 WHEN seconds < 480 THEN 4 WHEN seconds < 960 THEN 8
                             ELSE 16 END AS step, is_of_revision
        FROM (
            SELECT CASE WHEN ending <> 'failed' THEN {{seconds}} END AS seconds, start >= {{revised}} AS is_of_revision,
                   ending
            FROM log WHERE {{run}} AND (ending = 'failed' OR {{loaded}}) ORDER BY start DESC LIMIT {_MOST}
        ) AS latest WHERE ending = 'failed' OR seconds BETWEEN {{low}} AND {_HOUR}
    ) AS steps GROUP BY seconds - seconds %% step, step, is_of_revision
) AS lengths
"""
# From when on loads were of a revision: VCL's log does not say of which they are. Never, if that is not known.
_REVISED = (
    "COALESCE((SELECT v.datecreated FROM imagerevision v WHERE v.id = {revision} "
    "AND v.datecreated > '1000-01-01 00:00:00'), '9999-01-01 00:00:00')"
)
# The computer and the management node are those of the image itself, where the machine is a cluster.
_EACH = """
SELECT l.id, l.start, l.loaded, l.ending, COALESCE(c.hostname, ''), COALESCE(n.hostname, '')
FROM (SELECT id, imageid, start, loaded, ending FROM log WHERE id > %s AND {run} ORDER BY id LIMIT {at_once}) l
LEFT JOIN sublog s ON s.id = (SELECT MIN(x.id) FROM sublog x WHERE x.logid = l.id AND x.imageid = l.imageid)
LEFT JOIN computer c ON c.id = s.computerid LEFT JOIN managementnode n ON n.id = s.managementnodeid
ORDER BY l.id
"""
ROWS_AT_ONCE = 2000
_LOST = "SELECT ending, COUNT(*) FROM log WHERE {run} AND (ending = 'failed' OR loaded IS NULL) GROUP BY ending"


class Lost(NamedTuple):
    """Loads without a length: those that failed, and those of which the log does not say when they were done."""

    failed: int
    unfinished: int


class LoggedLoad(NamedTuple):
    """A load by VCL's log: begun and loaded (Unix seconds), None for an instant that the log does not have.

    `ending` is VCL's word for how the reservation ended. Names are "" where no row has them any more.
    """

    begun: int | None
    loaded: int | None
    ending: str
    computer: str
    node: str

    @property
    def seconds(self) -> int | None:
        """How long it took."""
        return None if self.begun is None or self.loaded is None else self.loaded - self.begun

    @property
    def why_it_does_not_count(self) -> str:
        """Why the estimate leaves it out (SPEC 6); "" when it counts."""
        seconds = self.seconds
        if self.ending == "failed":
            return "failed"
        if seconds is None:
            return "no end in the log"
        if seconds <= SHORTEST:
            return "the computer had the image already"
        return "stuck" if seconds >= LONGEST else ""


class Change(NamedTuple):
    """A change of the clock: the first time that it shows afterwards (as stored), and by how many seconds it is ahead
    of what it would show else.
    """

    wall: str
    forward: int


def estimates(
    reload_minutes: Mapping[int, int], now: int, *, kept: bool = True, count: kept_loads.Count | None = None
) -> dict[int, int]:
    """Image id -> seconds that plans reckon with for a load, by the loads of the last 12 months.

    The images come as image id -> `reloadtime` in minutes, which counts while there are no loads. Where sums are kept
    (VCL_LOAD_TIME_HOURS), the log is read only for images of which none is, or one that is too old; without `kept`
    for all of them, as where our own tables were never made. `count` reads it in another way.
    """
    if not reload_minutes:
        return {}
    count = count or _summed
    summed = kept_loads.sums(reload_minutes, now, count) if kept else count(reload_minutes, now)
    return {image: estimated_load_seconds(*summed[image], minutes) for image, minutes in reload_minutes.items()}


def _summed(images: Collection[int], now: int) -> dict[int, Sum]:
    """By the log itself."""
    sums = {image: Sum(int(seconds), number) for image, seconds, number in _loads(_SUMMED, images, now)}
    return {image: sums.get(image, Sum(0, 0)) for image in images}


def read(image_id: int, now: int) -> list[Loads]:
    """The image's loads of the last 12 months, by month and length."""
    return [Loads(*row) for row in _loads(_COUNTED, [image_id], now)]


def lengths(images: Collection[int], now: int) -> dict[int, list[tuple[int, int]]]:
    """Image id -> (seconds, number) of its loads of the last 12 months that count, the shortest first (SPEC 6)."""
    by_image: dict[int, list[tuple[int, int]]] = {image: [] for image in images}
    for image, seconds, number in _loads(_LENGTHS, images, now) if images else ():
        by_image[image].append((int(seconds), number))
    return by_image


def select_latest(image_id: int, revision_id: int, now: int) -> Select:
    """A SELECT of (seconds, number, is_of_revision) of the image's latest loads; seconds are NULL for failed ones.

    `is_of_revision`: whether they began since this revision, the one in production, was created.
    """
    return over_loads(_LATEST, [image_id], now, revised=_REVISED.format(revision=int(revision_id)))


def each(image_id: int, now: int) -> Iterator[LoggedLoad]:
    """The image's loads of the last 12 months, one by one, in the order of the log. A statement for every 2,000.

    Clients of MariaDB keep all rows of a statement in memory.
    """
    sql = _EACH.format(run=_run([image_id]), at_once=ROWS_AT_ONCE)
    since, last = times.stored_wall_time(begin(now)), 0
    while rows := fetch(sql, [last, since]):
        for _, start, loaded, ending, computer, node in rows:
            yield LoggedLoad(times.from_local(start), times.from_local(loaded), ending, computer, node)
        last = rows[-1][0]


def lost(image_id: int, now: int) -> Lost:
    """How many loads of the same months have no length."""
    rows = fetch(_LOST.format(run=_run([image_id])), [times.stored_wall_time(begin(now))])
    failed = sum(number for ending, number in rows if ending == "failed")
    return Lost(failed, sum(number for _, number in rows) - failed)


def _loads(sql: str, images: Iterable[int], now: int) -> Rows:
    """The rows of `sql` over loads with the seconds that they took."""
    select = over_loads(sql, images, now)
    return fetch(select.sql, select.params)


def over_loads(sql: str, images: Iterable[int], now: int, **more: str) -> Select:
    """The statement for that: `more` are further parts of it.

    A load over a change of the clock took the time that passed, not the difference of what the clock showed. Local
    times that come twice or never are what `store.times` takes them for.
    """
    since = begin(now)
    # Whole days, so that all calls of a day walk through them once.
    until = datetime.fromtimestamp(now, site_zone()).date() + _LONGEST + _DAY
    changes = _changes(since.date() - _DAY, until, site_zone())
    corrections = "".join(f" - ({change.forward}) * ((loaded >= %s) - (start >= %s))" for change in changes)
    params = [wall for change in changes for wall in (change.wall, change.wall)]
    seconds = f"{_APART[connection.vendor]}{corrections}"
    sql = sql.format(seconds=seconds, run=_run(images), loaded=_LOADED, low=SHORTEST + 1, high=LONGEST - 1, **more)
    return Select(sql, [*params, times.stored_wall_time(since)])


def _run(images: Iterable[int]) -> str:
    return _RUN_NOW.format(images=listed_ids(sorted(images)))


def begin(now: int) -> datetime:
    """The same local time twelve months ago (naive); the last of February for a leap day."""
    moment = datetime.fromtimestamp(now, site_zone()).replace(tzinfo=None)
    try:
        return moment.replace(year=moment.year - 1)
    except ValueError:
        return moment.replace(year=moment.year - 1, day=28)


@lru_cache(maxsize=8)
def _changes(first: date, last: date, zone: ZoneInfo) -> Sequence[Change]:
    """The changes of the zone's clock from the first day to the last one's begin.

    A time that is skipped or comes twice belongs before the change: so `store.times` reads it.
    """
    changes: list[Change] = []
    low, end = (int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()) for day in (first, last))
    while low < end:
        high = min(low + 86_400, end)
        before, after = _ahead(low, zone), _ahead(high, zone)
        if before != after:
            wall = datetime.fromtimestamp(_change(low, high, zone) + max(before, after), UTC)
            changes.append(Change(times.stored_wall_time(wall), after - before))
        low = high
    return changes


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
