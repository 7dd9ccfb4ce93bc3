"""Images whose loads have changed: those of the last two weeks against those before. Instants are Unix seconds."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import erfc, exp, lgamma, sqrt
from typing import NamedTuple

from scheduling.load_time.seen import BETWEEN_LOOKS
from scheduling.upkeep.seen_loads import FAILED, LOADED
from scheduling.windows import DAY, MINUTE

RECENT = 14 * DAY
FEWEST = 8  # loads on each side; fewer say nothing
_CHANCE = 0.001  # a difference that chance makes more often than this is none
_LEAST_CHANGE = 0.2  # of the median: a smaller difference is nothing to act upon, however sure


class ImageLoad(NamedTuple):
    """A load that keep_ready saw (scheduling.load_time.seen.SeenLoad), with the name of its image."""

    image: str
    begun: int
    at_work: int
    over: int | None
    outcome: str


@dataclass(frozen=True, slots=True)
class Sample:
    """Loads of an image: the lengths that are known, in seconds, and how many loaded and failed."""

    seconds: Sequence[float]
    loaded: int
    failed: int

    @property
    def ended(self) -> int:
        """The loads that succeeded or failed."""
        return self.loaded + self.failed


@dataclass(frozen=True, slots=True)
class Change:
    """An image whose loads have changed, what has ("length" or "failures"), the two values, and a sentence about it.

    The values are medians in seconds, or shares of loads that failed.
    """

    image: str
    what: str
    recent: float
    before: float
    probability: float
    text: str


def changes(loads: Iterable[ImageLoad], now: int) -> list[Change]:
    """What has changed in the last 14 days, by image."""
    by_image: dict[str, tuple[list[ImageLoad], list[ImageLoad]]] = {}
    for load in loads:
        by_image.setdefault(load.image, ([], []))[load.begun < now - RECENT].append(load)
    changed: list[Change] = []
    for image, (recent, before) in sorted(by_image.items()):
        samples = _sample(recent), _sample(before)
        changed += [change for change in (_length(image, *samples), _failures(image, *samples)) if change]
    return changed


def rank_sum_probability(first: Sequence[float], second: Sequence[float]) -> float:
    """How probable two samples of one law differ as much (Mann-Whitney, two-sided, normal approximation with ties)."""
    counts = Counter([*first, *second])
    rank, below = {}, 0
    for value, number in sorted(counts.items()):
        rank[value] = below + (number + 1) / 2
        below += number
    pairs, total = len(first) * len(second), len(first) + len(second)
    ties = sum(number**3 - number for number in counts.values()) / (total * (total - 1)) if total > 1 else 0.0
    variance = pairs / 12 * (total + 1 - ties)
    if variance <= 0:
        return 1.0
    wins = sum(rank[value] for value in first) - len(first) * (len(first) + 1) / 2
    return erfc(max(abs(wins - pairs / 2) - 0.5, 0.0) / sqrt(2 * variance))


def share_probability(some: int, of: int, others: int, of_others: int) -> float:
    """How probable two samples with one share differ as much (Fisher's exact test, two-sided).

    Exact, because failures are rare: by the normal approximation one failure in eight loads would be a change.
    """
    total, marked = of + of_others, some + others
    most = min(of, marked)

    def logarithm(number: int) -> float:
        return _log_choose(of, number) + _log_choose(of_others, marked - number) - _log_choose(total, marked)

    limit = logarithm(some) + 1e-7
    values = (logarithm(number) for number in range(max(0, marked - of_others), most + 1))
    return min(sum(exp(value) for value in values if value <= limit), 1.0)


def _log_choose(of: int, number: int) -> float:
    return lgamma(of + 1) - lgamma(number + 1) - lgamma(of - number + 1)


def _sample(loads: Sequence[ImageLoad]) -> Sample:
    loaded = [load for load in loads if load.outcome == LOADED]
    seconds = [
        (load.at_work + load.over) / 2 - load.begun
        for load in loaded
        if load.over is not None and load.over - load.at_work <= BETWEEN_LOOKS
    ]
    return Sample(seconds, len(loaded), sum(load.outcome == FAILED for load in loads))


def _length(image: str, recent: Sample, before: Sample) -> Change | None:
    if min(len(recent.seconds), len(before.seconds)) < FEWEST:
        return None
    new, old = _median(recent.seconds), _median(before.seconds)
    if old <= 0 or abs(new - old) < _LEAST_CHANGE * old:
        return None
    probability = rank_sum_probability(recent.seconds, before.seconds)
    if probability >= _CHANCE:
        return None
    digits = 0 if round(new / MINUTE) != round(old / MINUTE) else 1
    text = f"{image}: loads take {_minutes(new, digits)} in the median, {old / MINUTE:.{digits}f} before"
    return Change(image, "length", new, old, probability, text)


def _median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def _minutes(seconds: float, digits: int) -> str:
    number = f"{seconds / MINUTE:.{digits}f}"
    return f"{number} minute{'' if number == '1' else 's'}"


def _failures(image: str, recent: Sample, before: Sample) -> Change | None:
    if min(recent.ended, before.ended) < FEWEST:
        return None
    probability = share_probability(recent.failed, recent.ended, before.failed, before.ended)
    if probability >= _CHANCE:
        return None
    text = (
        f"{image}: {recent.failed} of {recent.ended} loads failed, {before.failed} of {before.ended} before "
        f"({_percent(recent)} and {_percent(before)})"
    )
    return Change(image, "failures", recent.failed / recent.ended, before.failed / before.ended, probability, text)


def _percent(sample: Sample) -> str:
    return f"{100 * sample.failed / sample.ended:.0f} %"
