"""How many computers of a class were used: at the peak, and in the mean."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Use(NamedTuple):
    """A computer in use from `start` to `end` (Unix seconds, `end` excluded)."""

    computer_id: int
    start: int
    end: int


class Usage(NamedTuple):
    """The most computers that were in use at the same time, and how many there were in the mean of the time."""

    peak: int
    mean: float


def usage(uses: Iterable[Use], start: int, end: int) -> Usage:
    """How many computers were in use between `start` and `end` (Unix seconds).

    A computer that is in use by two records at a time counts once.
    """
    by_computer: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for each in uses:
        begins, ends = max(each.start, start), min(each.end, end)
        if begins < ends:
            by_computer[each.computer_id].append((begins, ends))
    periods = [period for each in by_computer.values() for period in _merged(each)]
    if not periods:
        return Usage(0, 0.0)
    seconds = sum(ends - begins for begins, ends in periods)
    return Usage(_peak(periods), seconds / (end - start))


def _merged(periods: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The periods without overlaps; those that touch become one."""
    merged: list[tuple[int, int]] = []
    for begins, ends in sorted(periods):
        if merged and begins <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(ends, merged[-1][1]))
        else:
            merged.append((begins, ends))
    return merged


def _peak(periods: Iterable[tuple[int, int]]) -> int:
    # At the same second an end comes before a begin.
    changes = sorted(change for begins, ends in periods for change in ((begins, 1), (ends, -1)))
    most = current = 0
    for _, step in changes:
        current += step
        most = max(most, current)
    return most
