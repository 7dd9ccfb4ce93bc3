"""The figures of many days of a kind."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bench.readiness.played import Played

_Z = 1.959964  # of a 95 % interval


@dataclass(frozen=True, slots=True)
class Share:
    """`count` of `total`, with a 95 % interval (Wilson's)."""

    count: int
    total: int

    @property
    def value(self) -> float:
        """The share itself; 0 of nothing."""
        return self.count / self.total if self.total else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Its lower and upper end."""
        if not self.total:
            return 0.0, 1.0
        n, share = self.total, self.value
        middle = share + _Z * _Z / (2 * n)
        half = _Z * math.sqrt(share * (1 - share) / n + _Z * _Z / (4 * n * n))
        scale = 1 + _Z * _Z / n
        return max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.value:.3f} ({low:.3f}–{high:.3f})"


@dataclass(frozen=True)
class Figures:
    """What came of some days of a kind, each with one class."""

    days: Sequence[Played]

    @property
    def classes_ready(self) -> Share:
        """Classes with all machines ready at the start."""
        return Share(sum(day.ready >= day.seats for day in self.days), len(self.days))

    @property
    def seats_ready(self) -> Share:
        """Seats ready at the start. Seats of one class are not independent: the interval is too narrow."""
        return Share(sum(day.ready for day in self.days), sum(day.seats for day in self.days))

    @property
    def seats_ready_later(self) -> Share:
        """Seats ready five minutes after the start."""
        return Share(sum(day.ready_later for day in self.days), sum(day.seats for day in self.days))

    @property
    def refused(self) -> Share:
        """Users outside the class who got no computer."""
        return Share(sum(day.refused for day in self.days), sum(day.users for day in self.days))

    @property
    def members_refused(self) -> Share:
        """Members of the class who got no computer."""
        return Share(sum(day.members_refused for day in self.days), sum(day.seats for day in self.days))

    def mean(self, name: str) -> float:
        """The mean of a number for each class."""
        return float(sum(getattr(day, name) for day in self.days)) / len(self.days)

    @property
    def minutes_per_seat(self) -> float:
        """Minutes from the begin of a load or its hold to the start, for each seat."""
        return sum(day.taken for day in self.days) / sum(day.seats for day in self.days)

    @property
    def wrong(self) -> dict[str, float]:
        """What was wrong with the seats that were not ready at the start, for each class."""
        total: Counter[str] = Counter()
        for day in self.days:
            total.update(day.wrong)
        return {what: number / len(self.days) for what, number in total.most_common()}

    def as_json(self) -> dict[str, Any]:
        """All of them."""
        shares = ("classes_ready", "seats_ready", "seats_ready_later", "refused", "members_refused")
        return {
            "days": len(self.days),
            **{name: _share(getattr(self, name)) for name in shares},
            **{f"{name}_per_class": round(self.mean(name), 3) for name in ("dropped", "ended_by_users", "failed")},
            "minutes_per_seat": round(self.minutes_per_seat, 2),
            "wrong_per_class": {what: round(number, 3) for what, number in self.wrong.items()},
            "seconds_per_day": round(self.mean("seconds"), 2),
        }


def _share(share: Share) -> dict[str, Any]:
    low, high = share.interval
    return {"count": share.count, "of": share.total, "share": round(share.value, 4),
            "interval": [round(low, 4), round(high, 4)]}  # fmt: skip
