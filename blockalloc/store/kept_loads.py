"""Sums of loads that are kept for some hours (VCL_LOAD_TIME_HOURS), so that most calls need not read VCL's log.

Only the transaction that holds the guard writes them: it orders who writes the same row, here and on a cluster. Pages
and dry runs read what is kept and count the rest for themselves.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import NamedTuple

from django.conf import settings

from blockalloc.models import LoadTime
from blockalloc.store import guard, times
from blockalloc.store.past import Past
from blockalloc.store.sql import Value, fetch, insert, listed_ids
from scheduling.windows import DAY, HOUR

_TABLE = LoadTime._meta.db_table


class Sum(NamedTuple):
    """Loads of an image that count (SPEC 6): the seconds of all of them together, and how many they are."""

    seconds: int
    loads: int


Count = Callable[[Collection[int], int], Mapping[int, Sum]]  # images, now -> a sum for each of them


def sums(images: Collection[int], now: int, count: Count) -> dict[int, Sum]:
    """Image -> its sum at `now` (Unix seconds): as it was kept, or as `count` counts it.

    What was counted is kept for later calls where that is wanted and the transaction has the guard.
    """
    hours = settings.VCL_LOAD_TIME_HOURS
    if not hours:
        return dict(count(images, now))
    fresh = _fresh(images, now, hours * HOUR)
    missing = sorted(set(images) - fresh.keys())
    if missing:
        counted = count(missing, now)
        if guard.is_held():
            _keep(counted, now)
        fresh.update(counted)
    return fresh


def _fresh(images: Iterable[int], now: int, seconds: int) -> dict[int, Sum]:
    """Those that were counted less than so many seconds before `now`, and not after it, by a clock since set back."""
    sql = f"SELECT image_id, seconds, loads, counted FROM {_TABLE} WHERE image_id IN ({listed_ids(sorted(images))})"
    return {
        image: Sum(total, number)
        for image, total, number, counted in fetch(sql)
        if 0 <= now - (times.from_utc(counted) or 0) < seconds
    }


def _keep(counted: Mapping[int, Sum], now: int) -> None:
    rows: list[list[Value]] = [
        [image, total.seconds, total.loads, times.to_utc(now)] for image, total in counted.items()
    ]
    insert(_TABLE, ["image_id", "seconds", "loads", "counted"], rows, replace=True)


def past(now: int) -> Past:
    """Sums that no call has counted anew though it would have had to, for a month: of images that nobody books."""
    return Past(_TABLE, "counted < %s", [times.to_utc(now - 30 * DAY)], since="counted", key="image_id")
