"""Laws by which the lengths of loads are drawn, as multiples of their mean.

Each draws from the `Random` that it gets and keeps nothing, so that the same seed gives the same lengths.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import Protocol


class Law(Protocol):
    """A law of lengths."""

    def factor(self, chance: Random) -> float:
        """The length of a load as a multiple of the mean of all loads: above 0, and 1 on average."""


@dataclass(frozen=True, slots=True)
class Uniform:
    """Each length between `fastest` and `slowest` is as likely as another; as multiples of what is given as the mean.

    Raises ValueError unless 0 < fastest <= slowest.
    """

    fastest: float = 0.8
    slowest: float = 1.2

    def __post_init__(self) -> None:
        if not 0 < self.fastest <= self.slowest:
            raise ValueError(f"lengths from {self.fastest} to {self.slowest} times: say 0 < fastest <= slowest")

    def factor(self, chance: Random) -> float:
        """A number between both."""
        return chance.uniform(self.fastest, self.slowest)

    def __str__(self) -> str:
        return f"uniform {self.fastest:g}-{self.slowest:g}"


@dataclass(frozen=True, slots=True)
class LogNormal:
    """The logarithm of a length is normal. `cv`: the standard deviation as a share of the mean (from 0)."""

    cv: float = 0.25

    def __post_init__(self) -> None:
        if self.cv < 0:
            raise ValueError(f"cv {self.cv}: from 0 (all loads take the same time)")

    def factor(self, chance: Random) -> float:
        """A log-normal number with mean 1."""
        variance = math.log1p(self.cv**2)
        return math.exp(chance.gauss(-variance / 2, math.sqrt(variance)))

    def __str__(self) -> str:
        return f"lognormal {self.cv:g}"


@dataclass(frozen=True, slots=True)
class Bimodal:
    """A `share` of the loads takes about `times` as long as the others; within both kinds the law is log-normal."""

    share: float = 0.3
    times: float = 2.0
    cv: float = 0.1

    def __post_init__(self) -> None:
        _check_share(self.share)
        if self.times <= 0:
            raise ValueError(f"{self.times} times as long: above 0")

    def factor(self, chance: Random) -> float:
        """A number of one of both kinds; the mean of all is 1."""
        kind = self.times if chance.random() < self.share else 1.0
        return kind * LogNormal(self.cv).factor(chance) / (1 + self.share * (self.times - 1))

    def __str__(self) -> str:
        return f"bimodal {self.share:g} x{self.times:g}"


@dataclass(frozen=True, slots=True)
class HeavyTailed:
    """Most lengths are log-normal, but a `share` of the loads takes `shortest` to `longest` times as long.

    How many times is drawn by Pareto's law, cut off at `longest`; `tail` is its exponent.
    """

    share: float = 0.03
    shortest: float = 3.0
    longest: float = 6.0
    cv: float = 0.15
    tail: float = 1.5

    def __post_init__(self) -> None:
        _check_share(self.share)
        if not 0 < self.shortest <= self.longest:
            raise ValueError(f"{self.shortest} to {self.longest} times as long: say 0 < shortest <= longest")
        if self.tail <= 0 or self.tail == 1:
            raise ValueError(f"exponent {self.tail} of the tail: above 0, and not 1")

    def factor(self, chance: Random) -> float:
        """A number of one of both kinds; the mean of all is 1."""
        is_long = chance.random() < self.share
        times = self._times(chance.random()) if is_long else 1.0
        return times * LogNormal(self.cv).factor(chance) / (1 + self.share * (self._mean_times - 1))

    def _times(self, quantile: float) -> float:
        """Pareto's law between `shortest` and `longest`."""
        kept = 1 - math.pow(self.shortest / self.longest, self.tail)
        return self.shortest * math.pow(1 - quantile * kept, -1 / self.tail)

    @property
    def _mean_times(self) -> float:
        low, high, tail = self.shortest, self.longest, self.tail
        if low == high:
            return low
        density = tail * math.pow(low, tail) / (1 - math.pow(low / high, tail))
        return density * (math.pow(high, 1 - tail) - math.pow(low, 1 - tail)) / (1 - tail)

    def __str__(self) -> str:
        return f"heavy tail {self.share:g} x{self.shortest:g}-{self.longest:g}"


@dataclass(frozen=True)
class Resampled:
    """One of the lengths of a log (seconds), each as likely as another. Raises ValueError for none, or one below 1."""

    seconds: Sequence[int]
    name: str = "a log"

    def __post_init__(self) -> None:
        if not self.seconds or min(self.seconds) < 1:
            raise ValueError(f"lengths of {self.name}: give seconds of at least one load, each from 1")

    @cached_property
    def mean(self) -> float:
        """The mean length, seconds."""
        return sum(self.seconds) / len(self.seconds)

    def factor(self, chance: Random) -> float:
        """A length of the log, as a multiple of the mean of the log."""
        return chance.choice(self.seconds) / self.mean

    def __str__(self) -> str:
        return f"resampled from {self.name}"


def _check_share(share: float) -> None:
    if not 0 <= share <= 1:
        raise ValueError(f"share {share} of the loads: from 0 to 1")
