"""Load models for tests: log-normal laws, as they are learned from many loads."""

import math
from statistics import NormalDist

from scheduling.load_time.model import LoadModel, Source

_SHARES = (0.0001, 0.001, 0.01, 0.05, *(share / 20 for share in range(2, 19)), 0.95, 0.98, 0.99, 0.995, 0.999, 0.9999)


def log_normal(mean: float = 600.0, variation: float = 0.3, failing: float = 0.0, loads: int = 500) -> LoadModel:
    """Loads of so many seconds on average, with this coefficient of variation, of which a share fails."""
    deviation = math.sqrt(math.log(1 + variation * variation))
    middle = math.log(mean) - deviation * deviation / 2
    knots = [(share, math.exp(middle + deviation * NormalDist().inv_cdf(share))) for share in _SHARES]
    return LoadModel([(0.0, knots[0][1]), *knots, (1.0, knots[-1][1] * 1.05)], failing, Source.IMAGE, loads)
