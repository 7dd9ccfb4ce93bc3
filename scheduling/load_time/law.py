"""The law of load times as a quantile function, and what loads add to it.

All lengths are logarithms of seconds: load times of different images have much the same shape there.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import log, sqrt
from typing import NamedTuple

# Shares of loads, and the quantiles of the standard normal law; it ends at four standard deviations.
SHARES_AND_SCORES = (
    (0.0, -4.0), (0.005, -2.576), (0.02, -2.054), (0.05, -1.645), (0.1, -1.282), (0.15, -1.036), (0.2, -0.842),
    (0.25, -0.674), (0.3, -0.524), (0.35, -0.385), (0.4, -0.253), (0.45, -0.126), (0.5, 0.0), (0.55, 0.126),
    (0.6, 0.253), (0.65, 0.385), (0.7, 0.524), (0.75, 0.674), (0.8, 0.842), (0.84, 0.994), (0.875, 1.15), (0.9, 1.282),
    (0.925, 1.44), (0.95, 1.645), (0.965, 1.812), (0.98, 2.054), (0.985, 2.17), (0.99, 2.326), (0.995, 2.576),
    (0.998, 2.878), (0.999, 3.09), (1.0, 4.0),
)  # fmt: skip
SHARES = tuple(share for share, _ in SHARES_AND_SCORES)
SCORES = tuple(score for _, score in SHARES_AND_SCORES)
_LOW, _MIDDLE, _HIGH = SHARES.index(0.15), SHARES.index(0.5), SHARES.index(0.84)
_SPREADS = SCORES[_HIGH] - SCORES[_LOW]  # standard deviations between those two
_NARROWEST = 0.03  # the least standard deviation: what was equal so far may differ by so much
_FEW = 10  # loads: of more, their own order says more than the law that was known before
_FURTHEST = 20  # the tail ends where one in so many times as many loads would lie


class Sample(NamedTuple):
    """Lengths in ascending order with their weights, and how many loads they stand for together."""

    lengths: Sequence[float]
    weights: Sequence[float]
    loads: float


@dataclass(frozen=True, slots=True)
class Law:
    """A law of lengths, and how well it is known.

    `quantiles` are those of SHARES. `variance` is that of the law's place: by how much the next load's law may lie
    beside it. `freedom`: from how many loads its spread is known.
    """

    quantiles: Sequence[float]
    variance: float
    freedom: float

    @property
    def middle(self) -> float:
        """The median."""
        return self.quantiles[_MIDDLE]

    @property
    def deviation(self) -> float:
        """The standard deviation that a normal law of the same spread has."""
        return max((self.quantiles[_HIGH] - self.quantiles[_LOW]) / _SPREADS, _NARROWEST)

    def at_a_distance(self, distance: float, freedom: float, wider: float) -> "Law":
        """As the law of loads that may differ by so much (a standard deviation), and in their spread."""
        quantiles = [self.middle + wider * (quantile - self.middle) for quantile in self.quantiles]
        return Law(quantiles, self.variance + distance**2, min(self.freedom, freedom))

    def placed_by(self, middle: float, variance: float) -> "Law":
        """The law when something else, known so well, says that the median is there."""
        both = self.variance + variance
        shift = (middle - self.middle) * self.variance / both
        return Law([quantile + shift for quantile in self.quantiles], self.variance * variance / both, self.freedom)

    def with_loads(self, sample: Sample) -> "Law":
        """The law after further loads.

        Few of them move it and change its spread, as for normal laws of which neither is known (a normal law with an
        inverse chi-squared one). Of many their own order counts: one in n + 1 is longer than the longest of n.
        """
        mean, squares = _moments(sample)
        deviation, loads = self.deviation, sample.loads
        known = deviation**2 / max(self.variance, 1e-9)  # so many loads say as much of the place
        freedom = self.freedom + loads
        apart = known * loads / (known + loads) * (mean - self.middle) ** 2
        spread = sqrt(max((self.freedom * deviation**2 + squares + apart) / freedom, _NARROWEST**2))
        middle = (known * self.middle + loads * mean) / (known + loads)
        shaped = [middle + spread / deviation * (quantile - self.middle) for quantile in self.quantiles]
        return Law(_blended(shaped, _empirical(sample, spread), loads), spread**2 / (known + loads), freedom)

    def predicted(self) -> list[float]:
        """The quantiles of the next load: wider than the law, by what is not known of it."""
        widening = sqrt(1 + self.variance / self.deviation**2)
        return [
            self.middle + (quantile - self.middle) * widening * _student(score, self.freedom)
            for quantile, score in zip(self.quantiles, SCORES, strict=True)
        ]


def normal(middle: float, deviation: float, variance: float, freedom: float = 1000.0) -> Law:
    """A normal law; for the meaning of what follows its deviation see Law."""
    return Law([middle + deviation * score for score in SCORES], variance, freedom)


def _student(score: float, freedom: float) -> float:
    """By how much Student's quantile is further out than the normal one (Fisher's expansion)."""
    square = score**2
    first = (square + 1) / 4
    second = (5 * square**2 + 16 * square + 3) / 96
    third = (3 * square**3 + 19 * square**2 + 17 * square - 15) / 384
    return 1 + first / freedom + second / freedom**2 + third / freedom**3


def _moments(sample: Sample) -> tuple[float, float]:
    """The mean, and the sum of the squares of the deviations from it."""
    total = sum(sample.weights)
    mean = sum(map(float.__mul__, sample.lengths, sample.weights)) / total
    squares = sum(map(float.__mul__, (length * length for length in sample.lengths), sample.weights)) / total - mean**2
    return mean, max(squares, 0.0) * max(sample.loads - 1, 0)


def _blended(known: Sequence[float], own: Sequence[float], loads: float) -> list[float]:
    """Quantiles between those of the known law and those of so many loads.

    Beyond the longest of the loads, where these say nothing, the longer of both counts.
    """
    share_of_own = loads**3 / (loads**3 + _FEW**3)
    longest = loads / (loads + 1)
    return [
        share_of_own * (max(mine, theirs) if share > longest else mine) + (1 - share_of_own) * theirs
        for share, mine, theirs in zip(SHARES, own, known, strict=True)
    ]


def _empirical(sample: Sample, spread: float) -> list[float]:
    """The quantiles of SHARES by the order of the loads: the next one is as likely to lie in each gap between them."""
    scale = sample.loads / (sum(sample.weights) * (sample.loads + 1))
    steps = _Steps([*accumulate(weight * scale for weight in sample.weights)], sample.lengths, 1 / (sample.loads + 1))
    tail = _tail(sample, spread)
    return [steps.length(share, spread, tail) for share in SHARES]


class _Steps(NamedTuple):
    """The shares of loads that are no longer than each of the lengths; `gap` is that of a single load."""

    shares: Sequence[float]
    lengths: Sequence[float]
    gap: float

    def length(self, share: float, spread: float, tail: float) -> float:
        """The length that so large a share does not exceed. The ends go on by a share of the law's spread, and by the
        tail's slope.
        """
        shares, lengths = self.shares, self.lengths
        if share >= shares[-1]:
            beyond = 1 - shares[-1]
            return lengths[-1] + tail * log(beyond / max(1 - share, beyond / _FURTHEST))
        place = bisect_left(shares, share)
        below = shares[place - 1] if place else 0.0
        # Of several loads of one length, the first one comes a gap after the one before.
        first = min(below + self.gap, shares[place])
        if share >= first:
            return lengths[place]
        shorter = lengths[place - 1] if place else lengths[0] - spread
        return shorter + (lengths[place] - shorter) * _way(below, share, first)


def _way(below: float, share: float, above: float) -> float:
    """How far `share` is on the way from one share to another: above the median as in a law that thins out evenly."""
    if below < 0.5:
        return (share - below) / (above - below)
    return log((1 - below) / (1 - share)) / log((1 - below) / (1 - above))


def _tail(sample: Sample, spread: float) -> float:
    """The mean distance of the longest loads from the one before them (Hill's estimate); modest if they are few."""
    wanted = min(max(sum(sample.weights) * 0.05, 2.0), 50.0)
    weight = distance = 0.0
    place = len(sample.lengths)
    while place > 1 and weight < wanted:
        place -= 1
        weight += sample.weights[place]
        distance += sample.weights[place] * sample.lengths[place]
    own = distance / weight - sample.lengths[place - 1] if weight else 0.0
    return min(max(own, spread / 4), spread)
