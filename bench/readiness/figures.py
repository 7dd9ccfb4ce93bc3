"""The figures of many days of a kind, and whether they are as good as they have to be."""

import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.readiness.calibration import Moment, Pair, pairs
from bench.readiness.cells import FREE, Rows
from bench.readiness.played import ClassPlayed, Played
from bench.readiness.shares import Share

TARGET = 0.95  # share of classes that are all ready at their start
_SEATS = 0.995  # share of seats


@dataclass(frozen=True)
class Figures:
    """What came of some days of a kind."""

    days: Sequence[Played]

    @property
    def classes(self) -> list[ClassPlayed]:
        """The classes of all days."""
        return [each for day in self.days for each in day.classes]

    @property
    def classes_ready(self) -> Share:
        """Classes with all machines ready at the start. Classes at the same hour are not independent."""
        return Share(sum(each.all_ready for each in self.classes), len(self.classes))

    @property
    def seats_ready(self) -> Share:
        """Seats ready at the start. Seats of one class are not independent: the bounds are too narrow."""
        return self._seats(lambda each: each.ready)

    @property
    def seats_ready_later(self) -> Share:
        """Seats ready five minutes after the start."""
        return self._seats(lambda each: each.ready_later)

    @property
    def refused(self) -> Share:
        """Users outside the classes who got no computer."""
        return Share(sum(day.refused for day in self.days), sum(day.users for day in self.days))

    @property
    def members_refused(self) -> Share:
        """Members of the classes who got no computer."""
        return self._seats(lambda each: each.members_refused)

    @property
    def days_with_enough_free(self) -> Share:
        """Days on which `FREE` times the seats were free when the service was called first."""
        return Share(sum(day.free >= FREE * day.seats for day in self.days), len(self.days))

    def mean(self, name: str) -> float:
        """The mean of a number for each class."""
        return _mean(float(getattr(each, name)) for each in self.classes)

    def total(self, name: str) -> int:
        """The sum of a number over all classes."""
        return int(sum(getattr(each, name) for each in self.classes))

    @property
    def minutes(self) -> float:
        """Minutes from the begin of a load or its hold to the start, of all computers of all classes."""
        return sum(each.taken for each in self.classes)

    @property
    def minutes_per_seat(self) -> float:
        """The same for each seat."""
        return self.minutes / sum(each.seats for each in self.classes)

    @property
    def longest_wait(self) -> int:
        """The longest that a load for a class waited for a place, seconds."""
        return max((each.longest_wait for each in self.classes), default=0)

    @property
    def wrong(self) -> dict[str, float]:
        """What was wrong with the seats that were not ready at the start, for each class."""
        total: Counter[str] = Counter()
        for each in self.classes:
            total.update(each.wrong)
        return {what: number / len(self.classes) for what, number in total.most_common()}

    @property
    def call_milliseconds(self) -> float:
        """What a call that allocates takes, median."""
        calls = [each for day in self.days for each in day.calls]
        return statistics.median(calls) if calls else 0.0

    @property
    def pass_milliseconds(self) -> float:
        """What a pass of keep_ready takes, on average."""
        return _mean(day.passes for day in self.days)

    @property
    def seconds(self) -> float:
        """What it takes to play a day, on average."""
        return _mean(day.seconds for day in self.days)

    def pairs(self, moment: Moment) -> list[Pair]:
        """What was said of each class, and what came."""
        return pairs(self.classes, moment)

    def as_json(self) -> dict[str, Any]:
        """All of them, and every day."""
        shares = ("classes_ready", "seats_ready", "seats_ready_later", "refused", "members_refused")
        per_class = ("dropped", "ended_by_users", "failed", "exchanged", "loaded_again", "added")
        numbers = ("minutes", "minutes_per_seat", "call_milliseconds", "pass_milliseconds", "seconds")
        return {
            **{name: getattr(self, name).as_json() for name in (*shares, "days_with_enough_free")},
            **{f"{name}_per_class": round(self.mean(name), 3) for name in per_class},
            **{name: round(getattr(self, name), 2) for name in numbers},
            "no_turn": self.total("no_turn"),
            "longest_wait": self.longest_wait,
            "wrong_per_class": {what: round(number, 3) for what, number in self.wrong.items()},
            "days": [day.as_json() for day in self.days],
        }

    def _seats(self, number: Callable[[ClassPlayed], int]) -> Share:
        return Share(sum(map(number, self.classes)), sum(each.seats for each in self.classes))


def shortcomings(figures: Mapping[Rows, Figures]) -> list[str]:
    """What is not as it has to be with the best of our rows that were played; nothing when all is.

    Minutes are compared with those of VCL's own rows where the classes of those are ready, too.
    """
    ours = figures.get(Rows.KEPT) or figures.get(Rows.OURS)
    if ours is None:
        return []
    problems = []
    if ours.classes_ready.bounds[1] < TARGET:
        problems.append(f"classes all ready {ours.classes_ready}: surely below {TARGET}")
    if ours.seats_ready.value < _SEATS:
        problems.append(f"seats ready {ours.seats_ready.value:.4f}: below {_SEATS}")
    if ours.total("no_turn"):
        problems.append(f"{ours.total('no_turn')} loads failed by the limit of a node")
    vcl = figures.get(Rows.VCL)
    if vcl is not None and vcl.classes_ready.value >= TARGET and ours.minutes > vcl.minutes:
        problems.append(
            f"{ours.minutes_per_seat:.1f} minutes a seat: more than {vcl.minutes_per_seat:.1f} of VCL's own"
        )
    return problems


def _mean(numbers: Iterable[float]) -> float:
    values = list(numbers)
    return sum(values) / len(values) if values else 0.0
