"""How loads go: the n-th load of a computer takes as long, and fails or not, whatever else happens on that day."""

from collections import Counter
from dataclasses import dataclass, field
from random import Random

from simulation.back_end.conditions import Result
from simulation.days.load_laws import Law, Uniform


@dataclass(frozen=True, slots=True)
class Loads:
    """What loads are like: `minutes` on average, spread by a law, a share of them failing.

    `broken` images fail on each computer. `copy_minutes` is the part of a VM's load that copies the image to its host.
    """

    minutes: float = 10.0
    law: Law = field(default_factory=Uniform)
    failing: float = 0.0
    broken: frozenset[int] = frozenset()
    copy_minutes: float = 2.0

    def draw_seconds(self, chance: Random) -> int:
        """How long a load takes, whole seconds."""
        return max(1, int(60 * self.minutes * self.law.factor(chance)))


class DrawnLoads:
    """The loads of a day, drawn from its seed."""

    def __init__(self, loads: Loads, seed: int) -> None:
        self._loads = loads
        self._seed = seed
        self._begun: Counter[int] = Counter()

    def result(self, computer: int, image: int, _chance: Random) -> Result:
        """How the load of a computer that begins now will go."""
        self._begun[computer] += 1
        failed = image in self._loads.broken or self._draw(computer, "result").random() < self._loads.failing
        return Result.FAILED if failed else Result.LOADED

    def seconds(self, computer: int, _image: int, _chance: Random) -> int:
        """How long the load of a computer that has begun last takes."""
        return self._loads.draw_seconds(self._draw(computer, "seconds"))

    def copy_seconds(self, _host: int, _image: int, _chance: Random) -> int:
        """How long an image is copied to a VM host."""
        return int(60 * self._loads.copy_minutes)

    def _draw(self, computer: int, what: str) -> Random:
        return Random(f"{what} of load {self._begun[computer]} of computer {computer} on day {self._seed}")
