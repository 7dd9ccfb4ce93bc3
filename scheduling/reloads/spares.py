"""How many more machines than it needs a class has to have, to be as sure as it should be.

An example: 20 machines, of whose loads one in twenty fails, and nothing makes up for them. In 36 of 100 games all 20
are loaded. With three more machines it is enough that 20 of 23 are: so it comes out in 97 of 100 games.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import comb

_AT_LEAST, _FOR_EACH = 5, 10  # so many spares at most, and one more for each ten machines
WORTH = 0.02  # of probability: spares that gain less, and don't reach the target, are left alone


@dataclass(frozen=True, slots=True)
class Shortfall:
    """What a class lacks, by games.

    `lacking`: number of loads -> the share of games in which so many were lacking (0: the class was complete). `done`:
    the share of all loads that were done. `target`: the share of games that should be complete.
    """

    target: float
    lacking: Mapping[int, float]
    done: float

    def further(self, each: int, at_most: int) -> int:
        """How many more machines of `each` computers would bring it to the target, about.

        `at_most` where these are too few for the target; 0 where they would hardly help. Else one at least: the games
        may be fewer than those that found the class not sure enough.
        """
        worth = min(self.target, self._complete(0, each) + WORTH)
        if at_most <= 0 or self._complete(at_most, each) < worth:
            return 0
        return next((more for more in range(1, at_most) if self._complete(more, each) >= self.target), at_most)

    def _complete(self, more: int, each: int) -> float:
        """The share of games that so many more machines would make complete: each that is done makes up for a load."""
        done = self.done**each
        return sum(share * _at_least(lacking, more, done) for lacking, share in self.lacking.items())


def most_spares(machines: int) -> int:
    """How many spares a class of so many machines may have."""
    return _AT_LEAST + machines // _FOR_EACH


def _at_least(successes: int, trials: int, probability: float) -> float:
    """How likely at least so many of the trials succeed."""
    return sum(
        comb(trials, number) * probability**number * (1 - probability) ** (trials - number)
        for number in range(successes, trials + 1)
    )
