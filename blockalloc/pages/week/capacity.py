"""The strip of capacity: how many computers classes want of an image on each day of the week, of those that exist."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

from blockalloc.site_time import local_to_instant
from blockalloc.store import images_wanted
from blockalloc.store.images_wanted import WantedRow

_DAY = timedelta(days=1)
_TIGHT = 0.8  # of an image's computers: such images are in view at first
_AT_LEAST, _AT_MOST = 3, 8  # rows in view at first


class Peak(NamedTuple):
    """A day of an image: the computers that classes `wanted` at its busiest moment, of those that exist.

    `within` and `beyond` are the parts of the bar, of 100.
    """

    day: date
    wanted: int
    exist: int
    within: int
    beyond: int

    @property
    def lacking(self) -> int:
        """How many are wanted beyond those that exist."""
        return max(self.wanted - self.exist, 0)


class ImageRow(NamedTuple):
    """An image that classes of the week use; `exist` are the computers that can run it."""

    image: str
    exist: int
    peaks: Sequence[Peak]

    @property
    def share(self) -> float:
        """The largest part of its computers that is wanted at once; above 1 where too few exist."""
        wanted = max(each.wanted for each in self.peaks)
        return wanted / self.exist if self.exist else float("inf")


class Capacity(NamedTuple):
    """The images that are nearest to their limit, and the others, which are folded at first."""

    rows: Sequence[ImageRow]
    others: Sequence[ImageRow]

    @property
    def others_at_most(self) -> int:
        """Per cent of the computers of any of the others, at most."""
        return round(100 * max((each.share for each in self.others), default=0))


def capacity(days: Sequence[date], shown: Collection[int], now: int, *, is_foreseen: bool) -> Capacity:
    """The images of the classes `shown` (ids of block times), with what all classes of the site want of them.

    `is_foreseen`: the kept forecast is to be believed, which has counted the computers. Two statements at most.
    """
    first, last = _midnight(days[0]), _midnight(days[-1] + _DAY)
    of_image: dict[int, list[WantedRow]] = defaultdict(list)
    for row in images_wanted.wanted_between(first, last, now):
        of_image[row.image_id].append(row)
    of_image = {image: rows for image, rows in of_image.items() if any(row.block_time_id in shown for row in rows)}
    exist = {image: max(row.fit for row in rows) if is_foreseen else 0 for image, rows in of_image.items()}
    uncounted = [image for image, number in exist.items() if not number]
    exist |= images_wanted.can_run(uncounted)
    rows = [_image_row(of_image[image], exist[image], days) for image in of_image]
    rows.sort(key=lambda row: (-row.share, row.image))
    tight = sum(row.share >= _TIGHT for row in rows)
    in_view = min(max(tight, _AT_LEAST), _AT_MOST)
    return Capacity(rows[:in_view], rows[in_view:])


def _image_row(wanted: Sequence[WantedRow], exist: int, days: Sequence[date]) -> ImageRow:
    peaks = [_peak(day, busiest(wanted, _midnight(day), _midnight(day + _DAY)), exist) for day in days]
    return ImageRow(wanted[0].image, exist, peaks)


def _peak(day: date, wanted: int, exist: int) -> Peak:
    whole = max(wanted, exist, 1)
    within = round(100 * min(wanted, exist) / whole)
    return Peak(day, wanted, exist, within, 100 - within if wanted > exist else 0)


def busiest(rows: Iterable[WantedRow], first: int, last: int) -> int:
    """The computers that are wanted at the same time at most, between two instants (Unix seconds)."""
    changes: dict[int, int] = defaultdict(int)
    for row in rows:
        if row.start < last and row.end > first:
            changes[max(row.start, first)] += row.computers
            changes[row.end] -= row.computers
    wanted = most = 0
    for _, change in sorted(changes.items()):
        wanted += change
        most = max(most, wanted)
    return most


def _midnight(day: date) -> int:
    return int(local_to_instant(datetime(day.year, day.month, day.day)).timestamp())
