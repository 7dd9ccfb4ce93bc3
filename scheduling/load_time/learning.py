"""The load model of an image, learned from past loads.

From `image.reloadtime` over the loads of the site and of the provisioning engine to those of the image and of its
revision: each level is what is known of the next one, as far as that has few loads itself.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import exp, log
from typing import NamedTuple

from scheduling.load_time.estimate import LONGEST, SHORTEST
from scheduling.load_time.history import Ending, History, LoadGroup, PastLoads
from scheduling.load_time.law import SHARES, Law, Sample, normal
from scheduling.load_time.model import LoadModel, Source
from scheduling.windows import HOUR

# Of `reloadtime` nothing is known but that administrators mean well: some are wrong by half, or by twice as much.
_RELOAD_TIME_DEVIATION, _RELOAD_TIME_VARIANCE = 0.26, 0.11
# What is known of the loads of an image before the first ones: so little that these few are not taken for all there is.
_FIRST_DEVIATION, _FIRST_VARIANCE, _FIRST_FREEDOM = 0.42, 0.2, 4.5
_ABSURD = 6 * HOUR  # what took longer is a wrong clock
_STUCK_LENGTH = HOUR  # how long a stuck load takes: nobody waits for its end
_FAR = 4  # times the median: loads beyond that, and beyond LONGEST, were stuck
_FAILING, _FAILING_LOADS = 0.008, 30.0  # the share of loads that fail where nothing is known; so many loads' worth
_STUCK = 0.001  # the share of stuck loads, likewise
_OF_ONE_IMAGE = 20.0  # loads of another image count no more than so many
_LOGGED_BESIDE_SEEN = 400.0  # users' loads count as so many, divided by the loads that were seen
_ENOUGH = 8  # loads, for a level to be the source


class _Level(NamedTuple):
    """How much loads of this level may differ from those of the level above: in place (a deviation), and in spread
    (it is known as if from so many loads, and taken for so many times as wide)."""

    source: Source
    distance: float
    freedom: float
    wider: float = 1.0


_LEVELS = (
    _Level(Source.SITE, 0.0, 6.0),
    _Level(Source.ENGINE, 0.15, 6.0),
    _Level(Source.IMAGE, 0.4, 5.0, 1.2),
    _Level(Source.REVISION, 0.1, 20.0),
)


@dataclass(slots=True)
class _Known:
    """What the levels down to one have told."""

    law: Law
    failing: float = _FAILING
    stuck: float = _STUCK
    longest: float = _STUCK_LENGTH  # of stuck loads
    source: Source = Source.RELOAD_TIME
    loads: int = 0
    failed: int = 0


class _Observed(NamedTuple):
    """A level's loads. `sample` is None without finished ones. `stuck`, `failed`: weights of such loads.

    `number` counts the loads of which it is known how long they took, or that it was too long.
    """

    sample: Sample | None
    stuck: float
    longest: float
    failed: float
    number: int
    number_failed: int


def learned(history: History, reload_minutes: int) -> LoadModel:
    """The model of the next load of an image whose `image.reloadtime` is so many minutes."""
    middle = log(max(reload_minutes, 1) * 60.0)
    known = _Known(normal(middle, _RELOAD_TIME_DEVIATION, _RELOAD_TIME_VARIANCE))
    for level, past in zip(_LEVELS, (history.site, history.engine, history.image, history.revision), strict=True):
        if known.loads:
            known.law = known.law.at_a_distance(level.distance, level.freedom, level.wider)
            if level.source is Source.IMAGE:
                known.law = known.law.placed_by(middle, _RELOAD_TIME_VARIANCE)
        _learn(known, level, past)
    return LoadModel(_knots(known), known.failing, known.source, known.loads, known.failed)


def pooled(images: Iterable[Sequence[LoadGroup]]) -> list[LoadGroup]:
    """The loads of other images, for their engine or site: how far lengths of one image lie apart, and where all lie.

    Each image's lengths are moved to the middle of all, and many of its loads count no more than some do.
    """
    counted = [[group for group in groups if group.ending is Ending.FAILED or _counts(group)] for groups in images]
    middles = [_middle(groups) for groups in counted]
    of_all = [each for each in middles if each.loads]
    middle = sum(each.length for each in of_all) / len(of_all) if of_all else 0.0
    return [
        LoadGroup(group.seconds * factor, group.number, group.ending, group.weight * share)
        for groups, own in zip(counted, middles, strict=True)
        for factor, share in [(own.factor(middle), _share_of_one_image(groups))]
        for group in groups
    ]


class _Middle(NamedTuple):
    """The mean length (logarithm of seconds) of an image's loads, and how many they are."""

    length: float
    loads: float

    def factor(self, middle: float) -> float:
        """What moves the lengths to the `middle` of all images; of few loads, which have no middle, only a part."""
        return exp((middle - self.length) * self.loads / (self.loads + 2))


def _middle(groups: Sequence[LoadGroup]) -> _Middle:
    finished = [(log(group.seconds), group.number) for group in groups if group.ending is Ending.LOADED]
    loads = sum(number for _, number in finished)
    return _Middle(sum(length * number for length, number in finished) / loads if loads else 0.0, loads)


def _share_of_one_image(groups: Sequence[LoadGroup]) -> float:
    total = sum(group.number * group.weight for group in groups)
    return min(1.0, _OF_ONE_IMAGE / total) if total else 1.0


def _counts(group: LoadGroup) -> bool:
    """Whether its length says something: not that of a load that found its image, or one by a clock that was wrong."""
    return SHORTEST < group.seconds < _ABSURD


def _learn(known: _Known, level: _Level, past: PastLoads) -> None:
    observed = _observed(past)
    finished = observed.sample.loads if observed.sample else 0.0
    if observed.sample and not known.loads:
        known.law = normal(known.law.middle, _FIRST_DEVIATION, _FIRST_VARIANCE, _FIRST_FREEDOM)
    if observed.sample:
        known.law = known.law.with_loads(observed.sample)
    loads = finished + observed.stuck
    known.stuck = (observed.stuck + known.stuck * _FAILING_LOADS) / (loads + _FAILING_LOADS)
    tried = loads + observed.failed
    known.failing = (observed.failed + known.failing * _FAILING_LOADS) / (tried + _FAILING_LOADS)
    known.longest = max(known.longest, observed.longest)
    if observed.number and (observed.number >= _ENOUGH or observed.number >= known.loads):
        known.source, known.loads, known.failed = level.source, observed.number, observed.number_failed


def _observed(past: PastLoads) -> _Observed:
    """All loads of a level; users' loads count less, the more were seen."""
    seen = sum(group.number for group in past.seen if group.ending is Ending.LOADED)
    logged = sum(group.number for group in past.logged)
    tally = _Tally()
    tally.add(past.seen, 1.0)
    tally.add(past.logged, min(1.0, _LOGGED_BESIDE_SEEN / (seen * logged)) if seen and logged else 1.0)
    finished, stuck = _without_stuck(sorted(tally.loaded))
    lengths, unended = _redistributed(finished, tally.unfinished)
    loads = sum(weight for _, weight in finished)
    return _Observed(
        Sample([log(seconds) for seconds, _ in lengths], [weight for _, weight in lengths], loads) if loads else None,
        stuck=sum(weight for _, weight in stuck) + unended,
        longest=stuck[-1][0] if stuck else 0.0,
        failed=tally.failed,
        number=tally.number,
        number_failed=tally.number_failed,
    )


_Weights = list[tuple[float, float]]  # (seconds, weight)


class _Tally:
    """The loads that say something."""

    def __init__(self) -> None:
        self.loaded: _Weights = []
        self.unfinished: _Weights = []
        self.failed = 0.0
        self.number = self.number_failed = 0

    def add(self, groups: Iterable[LoadGroup], factor: float) -> None:
        """Count these loads, each by `factor` times its weight."""
        for seconds, number, ending, weight in groups:
            if ending is Ending.FAILED:
                self.failed += weight * factor * number
                self.number_failed += number
            elif SHORTEST < seconds < _ABSURD:
                is_loaded = ending is Ending.LOADED
                (self.loaded if is_loaded else self.unfinished).append((seconds, weight * factor * number))
                # One that began minutes ago is no load that is known.
                self.number += number if is_loaded or seconds >= LONGEST else 0


def _without_stuck(finished: _Weights) -> tuple[_Weights, _Weights]:
    """The loads, in ascending order, without those that were stuck; and these."""
    if not finished or finished[-1][0] < LONGEST:
        return finished, []
    half = sum(weight for _, weight in finished) / 2
    median = 0.0
    for seconds, weight in finished:
        half -= weight
        if half <= 0:
            median = seconds
            break
    limit = max(LONGEST, _FAR * median)
    place = bisect_right(finished, (limit, 0.0))
    return finished[:place], finished[place:]


def _redistributed(finished: _Weights, unfinished: _Weights) -> tuple[_Weights, float]:
    """Finished loads, to which those that were not finished have given their weight: each to all that took longer
    (the estimate of Kaplan and Meier). And the weight of those that were stuck: longer than all that finished.
    """
    if not unfinished:
        return finished, 0.0
    merged = sorted([(seconds, 0, weight) for seconds, weight in finished]
                    + [(seconds, 1, weight) for seconds, weight in unfinished])  # fmt: skip
    left = sum(weight for _, weight in finished) + sum(weight for _, weight in unfinished)
    lengths: _Weights = []
    factor, stuck = 1.0, 0.0
    for seconds, is_unfinished, weight in merged:
        left -= weight
        if not is_unfinished:
            lengths.append((seconds, weight * factor))
        elif left > 1e-9:
            factor *= (left + weight) / left
        elif seconds >= LONGEST:
            stuck += weight * factor
    return lengths, stuck


def _knots(known: _Known) -> list[tuple[float, float]]:
    """The quantiles of loads that end, and stuck ones beyond."""
    seconds = [exp(length) for length in known.law.predicted()]
    ended = 1 - known.stuck
    knots = [(share * ended, length) for share, length in zip(SHARES, seconds, strict=True)]
    return [*knots, (1.0, max(seconds[-1], known.longest))]
