"""Whether what was said of classes came: how often all machines were ready, by the probability that was named before.

A class counts if something was said of it and somebody looked at its start. Probabilities and shares are from 0 to 1.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt
from typing import NamedTuple

EDGES = (0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 1.0)
_Z = 1.959964  # 95 % of a normal distribution are within so many standard deviations


class ClassSaid(NamedTuple):
    """A class that has begun. `had` are its machines, `ready` those that were ready at its start (None: nobody looked).

    `at_allocation` and `last`: the probability that all are ready, as the last allocation said it and as the last look
    did that came half an hour before the start or earlier; None: nothing was said. `nodes` are the names of the
    management nodes that loaded for it.
    """

    image: str
    had: int
    ready: int | None
    at_allocation: float | None
    last: float | None
    nodes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Tally:
    """Classes of which something was said. Shares are None without classes.

    `said` is the mean of what was said, `came` the number of classes that had all their machines ready; `low` and
    `high` are the limits of the 95 % interval (Wilson) for the probability behind the share.
    """

    classes: int
    said: float | None
    came: int
    share: float | None
    low: float
    high: float
    seats: int
    seats_ready: int


@dataclass(frozen=True, slots=True)
class Bin:
    """The classes of which a probability from `least` up to `most` was said; 1 belongs to the last bin."""

    least: float
    most: float
    tally: Tally


@dataclass(frozen=True, slots=True)
class Look:
    """What was said at one time before the class, in all and by bins."""

    all: Tally
    bins: Sequence[Bin]


@dataclass(frozen=True, slots=True)
class Said:
    """What was said by the last allocation, and by the last look half an hour before the start."""

    at_allocation: Look
    last: Look


@dataclass(frozen=True, slots=True)
class Calibration:
    """What was said and what came, of all classes and by the names of images and management nodes.

    `begun`: all classes that began with machines; `looked_at`: those that somebody looked at at their start.
    """

    begun: int
    looked_at: int
    seats: int
    seats_ready: int
    all: Said
    by_image: Mapping[str, Said]
    by_node: Mapping[str, Said]

    @property
    def counted(self) -> int:
        """The classes that count in one of the two looks at least, or more: 0 if nothing can be compared."""
        return self.all.at_allocation.all.classes + self.all.last.all.classes


def calibration(classes: Iterable[ClassSaid]) -> Calibration:
    """Compare. A class without machines has nothing that could be ready, and is left out."""
    begun = [each for each in classes if each.had > 0]
    looked_at = [each for each in begun if each.ready is not None]
    return Calibration(
        begun=len(begun),
        looked_at=len(looked_at),
        seats=sum(each.had for each in looked_at),
        seats_ready=sum(map(_seats_ready, looked_at)),
        all=_said(looked_at),
        by_image=_by(looked_at, lambda each: [each.image]),
        by_node=_by(looked_at, lambda each: each.nodes),
    )


def wilson(successes: int, number: int) -> tuple[float, float]:
    """The 95 % interval for the probability of a success; (0, 1) when nothing was tried."""
    if not number:
        return 0.0, 1.0
    share, squared = successes / number, _Z * _Z
    middle = (share + squared / (2 * number)) / (1 + squared / number)
    half = _Z * sqrt(share * (1 - share) / number + squared / (4 * number * number)) / (1 + squared / number)
    return max(middle - half, 0.0), min(middle + half, 1.0)


def _by(classes: Sequence[ClassSaid], names_of: Callable[[ClassSaid], Iterable[str]]) -> dict[str, Said]:
    groups: dict[str, list[ClassSaid]] = {}
    for each in classes:
        if each.at_allocation is None and each.last is None:
            continue
        for name in names_of(each):
            groups.setdefault(name, []).append(each)
    return {name: _said(groups[name]) for name in sorted(groups)}


def _said(classes: Sequence[ClassSaid]) -> Said:
    return Said(
        at_allocation=_look([(each.at_allocation, each) for each in classes if each.at_allocation is not None]),
        last=_look([(each.last, each) for each in classes if each.last is not None]),
    )


def _look(pairs: Sequence[tuple[float, ClassSaid]]) -> Look:
    bins = [
        Bin(least, most, _tally([pair for pair in pairs if least <= pair[0] and (pair[0] < most or most == EDGES[-1])]))
        for least, most in pairwise(EDGES)
    ]
    return Look(_tally(pairs), bins)


def _tally(pairs: Sequence[tuple[float, ClassSaid]]) -> Tally:
    number = len(pairs)
    came = sum(_seats_ready(each) == each.had for _, each in pairs)
    low, high = wilson(came, number)
    return Tally(
        classes=number,
        said=sum(said for said, _ in pairs) / number if number else None,
        came=came,
        share=came / number if number else None,
        low=low,
        high=high,
        seats=sum(each.had for _, each in pairs),
        seats_ready=sum(_seats_ready(each) for _, each in pairs),
    )


def _seats_ready(each: ClassSaid) -> int:
    """The machines that were ready, without those that the class had beyond its own."""
    return min(each.ready or 0, each.had)
