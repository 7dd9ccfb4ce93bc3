"""Shares with their bounds."""

import math
from dataclasses import dataclass
from typing import Any

_Z = 2.326348  # a bound that holds with a confidence of 99 %, taken by itself


@dataclass(frozen=True, slots=True)
class Share:
    """`count` of `total`, with a lower and an upper bound (Wilson's), each of which holds with a confidence of 99 %."""

    count: int
    total: int

    @property
    def value(self) -> float:
        """The share itself; 0 of nothing."""
        return self.count / self.total if self.total else 0.0

    @property
    def bounds(self) -> tuple[float, float]:
        """The lower and the upper bound."""
        if not self.total:
            return 0.0, 1.0
        n, share = self.total, self.value
        middle = share + _Z * _Z / (2 * n)
        half = _Z * math.sqrt(share * (1 - share) / n + _Z * _Z / (4 * n * n))
        scale = 1 + _Z * _Z / n
        return max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale)

    def as_json(self) -> dict[str, Any]:
        """All of it."""
        low, high = self.bounds
        return {"count": self.count, "of": self.total, "share": round(self.value, 4),
                "bounds": [round(low, 4), round(high, 4)]}  # fmt: skip

    def __str__(self) -> str:
        low, high = self.bounds
        return f"{self.value:.3f} ({low:.3f}–{high:.3f})"
