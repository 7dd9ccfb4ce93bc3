"""Statistics of past loads of an image: how many there were, how long they took, and how far to trust the estimate."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from scheduling.load_time.estimate import LONGEST, SHORTEST
from scheduling.reload_plan import RELOAD_MARGIN

PERCENTILES = (50, 75, 90, 95, 100)
_NARROW, _WIDE = 30, 60  # seconds, of a bin
_MANY = 20  # bins


class Loads(NamedTuple):
    """Loads of one length that began in one month (`2026-11`, on the site's calendar)."""

    month: str
    seconds: int
    number: int


class Bin(NamedTuple):
    """How many loads took from `low` to less than `high` seconds."""

    low: int
    high: int
    number: int


class Month(NamedTuple):
    """A month's loads; lengths in seconds."""

    month: str
    number: int
    median: int
    slow: int  # nine of ten took no longer


@dataclass(frozen=True, slots=True)
class Statistics:
    """The loads that count for the estimate, and how many others there were.

    `longer`: took longer than the estimate; `late`: longer than a reload's whole window, so that a block would have
    waited. `stuck_late` are those among the stuck ones.
    """

    number: int
    too_short: int
    stuck: int
    percentiles: tuple[tuple[int, int], ...]
    bins: tuple[Bin, ...]
    months: tuple[Month, ...]
    longer: int
    late: int
    stuck_late: int


def statistics(loads: Iterable[Loads], estimate: int) -> Statistics:
    """The statistics of loads, compared with `estimate`, the seconds that plans reckon with."""
    loads = list(loads)
    counted = [each for each in loads if SHORTEST < each.seconds < LONGEST]
    lengths = _lengths(counted)
    total = _number(counted)
    reload_seconds = estimate + RELOAD_MARGIN
    stuck = [each for each in loads if each.seconds >= LONGEST]
    return Statistics(
        total,
        _number(each for each in loads if each.seconds <= SHORTEST),
        _number(stuck),
        tuple((percent, percentile(lengths, percent)) for percent in PERCENTILES) if total else (),
        _bins(lengths),
        _months(counted),
        _number(each for each in counted if each.seconds > estimate),
        _number(each for each in counted if each.seconds > reload_seconds),
        _number(each for each in stuck if each.seconds > reload_seconds),
    )


def percentile(lengths: Sequence[tuple[int, int]], percent: int) -> int:
    """The least length that at least `percent` of the loads do not exceed (nearest rank).

    `lengths` are (seconds, number), the shortest first, and at least one. It is always the length of a real load:
    of an even number the median is the lower one of the two in the middle.
    """
    total = sum(number for _, number in lengths)
    rank = max(-(-total * percent // 100), 1)
    for seconds, number in lengths:
        rank -= number
        if rank <= 0:
            return seconds
    raise ValueError("no loads")


def _lengths(loads: Iterable[Loads]) -> list[tuple[int, int]]:
    numbers: dict[int, int] = defaultdict(int)
    for each in loads:
        numbers[each.seconds] += each.number
    return sorted(numbers.items())


def _number(loads: Iterable[Loads]) -> int:
    return sum(each.number for each in loads)


def _bins(lengths: Sequence[tuple[int, int]]) -> tuple[Bin, ...]:
    """All bins from the shortest load to the longest, the empty ones too: half a minute each if that is not many."""
    if not lengths:
        return ()
    shortest, longest = lengths[0][0], lengths[-1][0]
    width = _NARROW if longest // _NARROW - shortest // _NARROW < _MANY else _WIDE
    numbers: dict[int, int] = defaultdict(int)
    for seconds, number in lengths:
        numbers[seconds // width] += number
    places = range(shortest // width, longest // width + 1)
    return tuple(Bin(place * width, (place + 1) * width, numbers[place]) for place in places)


def _months(loads: Iterable[Loads]) -> tuple[Month, ...]:
    """The latest first."""
    by_month: dict[str, list[Loads]] = defaultdict(list)
    for each in loads:
        by_month[each.month].append(each)
    return tuple(
        Month(month, _number(theirs), percentile(_lengths(theirs), 50), percentile(_lengths(theirs), 90))
        for month, theirs in sorted(by_month.items(), reverse=True)
    )
