"""Whether what was said is what came: probabilities of classes, beside the share of them that was all ready."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Any, NamedTuple

from bench.readiness.played import ClassPlayed
from bench.readiness.shares import Share

EDGES = (0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 1.0)  # of the bins
ALL_WITHIN, BIN_WITHIN, BIN_FROM = 0.02, 0.04, 200  # what is allowed over all classes, and in bins of so many


class Moment(StrEnum):
    """When something was said."""

    AT_ALLOCATION = "at allocation"
    AT_LAST = "half an hour before"


class Pair(NamedTuple):
    """What was said of a class, and whether it was all ready."""

    said: float
    came: bool


@dataclass(frozen=True, slots=True)
class Bin:
    """Classes of which a probability from `low` to below `high` was said (the last bin: to `high`)."""

    low: float
    high: float
    said: float  # the mean
    came: Share

    @property
    def is_off(self) -> bool:
        """Whether what was said is further from what came than is allowed."""
        whole = (self.low, self.high) == (EDGES[0], EDGES[-1])
        allowed = ALL_WITHIN if whole else BIN_WITHIN
        return (whole or self.came.total >= BIN_FROM) and abs(self.said - self.came.value) > allowed

    def as_json(self) -> dict[str, Any]:
        """All of it."""
        return {"from": self.low, "to": self.high, "said": round(self.said, 4), "came": self.came.as_json(),
                "off": self.is_off}  # fmt: skip


def pairs(classes: Iterable[ClassPlayed], moment: Moment) -> list[Pair]:
    """The pairs of the classes of which something was said at that moment."""
    said = [(each, each.at_allocation if moment is Moment.AT_ALLOCATION else each.at_last) for each in classes]
    return [Pair(text.ready, each.all_ready) for each, text in said if text is not None]


def overall(theirs: Sequence[Pair]) -> Bin:
    """All classes in one bin."""
    return _bin(EDGES[0], EDGES[-1], theirs)


def bins(theirs: Sequence[Pair]) -> list[Bin]:
    """The bins with classes in them, the lowest first."""
    made = []
    for low, high in pairwise(EDGES):
        inside = [each for each in theirs if low <= each.said < high or each.said == high == EDGES[-1]]
        if inside:
            made.append(_bin(low, high, inside))
    return made


def as_json(theirs: Sequence[Pair]) -> dict[str, Any]:
    """Over all classes, and by bins."""
    return {"all": overall(theirs).as_json(), "bins": [each.as_json() for each in bins(theirs)]}


def _bin(low: float, high: float, theirs: Sequence[Pair]) -> Bin:
    said = sum(each.said for each in theirs) / len(theirs) if theirs else 0.0
    return Bin(low, high, said, Share(sum(each.came for each in theirs), len(theirs)))
