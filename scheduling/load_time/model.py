"""What is to be expected of the next load of an image: how long it takes, and how often it fails."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Source(StrEnum):
    """Whose past loads a model was learned from; `RELOAD_TIME`: nobody's, but `image.reloadtime`."""

    REVISION = "its image revision"
    IMAGE = "its image"
    ENGINE = "images of its provisioning engine"
    SITE = "all images of the site"
    RELOAD_TIME = "the image's reloadtime"


@dataclass(frozen=True, slots=True)
class LoadModel:
    """How long the next load of an image takes.

    `knots` are (share, seconds): so large a share of loads takes no longer than so many seconds. Both grow, from share
    0 to share 1, and between two knots the length grows evenly. The spread includes what few data leave open; loads
    that were stuck count as long. `failing` is the share of loads that fail. `loads` and `failed` are how many past
    loads of the `source` were known, and how many of them failed.
    """

    knots: Sequence[tuple[float, float]]
    failing: float
    source: Source
    loads: int = 0
    failed: int = 0

    @classmethod
    def always(cls, seconds: int) -> "LoadModel":
        """A model of loads that never fail and always take so long."""
        return cls([(0.0, float(seconds)), (1.0, float(seconds))], 0.0, Source.RELOAD_TIME)

    def quantile(self, share: float) -> float:
        """The seconds that so large a share of loads (0 to 1) does not exceed."""
        shares = [knot[0] for knot in self.knots]
        return _between(shares, [knot[1] for knot in self.knots], share)

    def share_within(self, seconds: float) -> float:
        """The share of loads that takes no longer than so many seconds."""
        lengths = [knot[1] for knot in self.knots]
        return _between(lengths, [knot[0] for knot in self.knots], seconds)

    @property
    def mean(self) -> float:
        """The mean length, seconds."""
        pairs = zip(self.knots, self.knots[1:], strict=False)
        return sum((high[0] - low[0]) * (low[1] + high[1]) / 2 for low, high in pairs)


def _between(xs: Sequence[float], ys: Sequence[float], x: float) -> float:
    """The value at `x` of the line through the points; the first or last value beyond its ends."""
    if x <= xs[0]:
        return ys[bisect_right(xs, xs[0]) - 1]
    if x >= xs[-1]:
        return ys[-1]
    right = bisect_left(xs, x)
    left = right - 1
    return ys[left] + (ys[right] - ys[left]) * (x - xs[left]) / (xs[right] - xs[left])
