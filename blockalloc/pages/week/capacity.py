"""The strip of capacity: how many computers classes want of an image on each day of the week, of those that exist."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from blockalloc.site_time import local_to_instant
from blockalloc.store import images_wanted
from blockalloc.store.images_wanted import WantedRow

_DAY = timedelta(days=1)
_TIGHT = 0.8  # of an image's computers: such images are in view at first
_AT_LEAST, _AT_MOST = 3, 8  # rows in view at first


class Peak(NamedTuple):
    """A day of an image: the computers that classes `wanted` at its busiest moment, of those that `exist`.

    `within` and `beyond` are the parts of the bar, of 100; both are 0 where nobody has counted what exists. Of a day
    that is over nobody knows what existed then, when computers of today may not have been there: `exist` is 0.
    """

    day: date
    wanted: int
    exist: int
    within: int
    beyond: int

    @property
    def lacking(self) -> int:
        """How many are wanted beyond those that exist."""
        return max(self.wanted - self.exist, 0) if self.exist else 0


class ImageRow(NamedTuple):
    """An image that classes of the week use; `exist` are the computers that can run it, 0 where nobody has counted."""

    image: str
    exist: int
    peaks: Sequence[Peak]

    @property
    def busiest(self) -> Peak:
        """The first of the days on which most are wanted."""
        return max(self.peaks, key=lambda each: each.wanted)

    @property
    def share(self) -> float:
        """The largest part of its computers that is wanted at once on a day to come; above 1 where too few exist."""
        wanted = max((each.wanted for each in self.peaks if each.exist), default=0)
        return wanted / self.exist if self.exist else 0.0


class Capacity(NamedTuple):
    """The images that are nearest to their limit day by day, and the others by their busiest day."""

    rows: Sequence[ImageRow]
    others: Sequence[ImageRow]

    @property
    def others_at_most(self) -> int:
        """Per cent of the computers of any of the others, at most."""
        return round(100 * max((each.share for each in self.others), default=0))


def capacity(days: Sequence[date], today: date, shown: Collection[int], now: int, *, is_foreseen: bool) -> Capacity:
    """The images of the classes `shown` (ids of block times), with what all classes of the site want of them.

    `is_foreseen`: the kept forecast is to be believed, which has counted the computers. Otherwise they are counted
    here; for days before `today` not at all. Two statements at most.
    """
    midnights = [_midnight(day) for day in [*days, days[-1] + _DAY]]
    spans = list(pairwise(midnights))
    of_image: dict[int, list[WantedRow]] = defaultdict(list)
    for row in images_wanted.wanted_between(midnights[0], midnights[-1], now):
        of_image[row.image_id].append(row)
    of_image = {image: rows for image, rows in of_image.items() if any(row.block_time_id in shown for row in rows)}
    if days[-1] < today:
        exist = {}
    elif is_foreseen:
        exist = {image: max(row.fit for row in rows) for image, rows in of_image.items()}
    else:
        exist = images_wanted.can_run(of_image)
    rows = [
        ImageRow(
            wanted[0].image,
            exist.get(image, 0),
            [
                _peak(day, busiest(wanted, *span), exist.get(image, 0) if day >= today else 0)
                for day, span in zip(days, spans, strict=True)
            ],
        )
        for image, wanted in of_image.items()
    ]
    rows.sort(key=lambda row: (-row.share, -row.busiest.wanted, row.image))
    tight = sum(row.share >= _TIGHT for row in rows)
    in_view = min(max(tight, _AT_LEAST), _AT_MOST)
    return Capacity(rows[:in_view], rows[in_view:])


def _peak(day: date, wanted: int, exist: int) -> Peak:
    if not exist:
        return Peak(day, wanted, 0, 0, 0)
    within = round(100 * min(wanted, exist) / max(wanted, exist))
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
