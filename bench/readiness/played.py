"""What came of a day."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from bench.readiness.cells import Rows


class Said(NamedTuple):
    """What the service said of a class: how sure it is that all is ready, machines expected late, minutes taken."""

    ready: float
    late: float
    minutes: int


@dataclass(frozen=True, slots=True)
class ClassPlayed:
    """What came of one class.

    `dropped`, `ended_by_users`, `failed`: its reloads; `no_turn`: those of them that failed since no place for them
    became free in half an hour; `longest_wait`: the longest that one of them waited for a place, in seconds. `taken`:
    minutes from the begin of a load or its hold to the start, of all computers. `exchanged`, `loaded_again`, `added`:
    computers, by keep_ready. `at_allocation`, `at_last`: what the last call before the start said, and the last pass
    half an hour before the start or earlier (None: nothing).
    """

    seats: int
    ready: int
    ready_later: int = 0  # five minutes after the start
    wrong: Mapping[str, int] = field(default_factory=dict)
    dropped: int = 0
    ended_by_users: int = 0
    failed: int = 0
    no_turn: int = 0
    longest_wait: int = 0
    taken: float = 0.0
    members_refused: int = 0
    exchanged: int = 0
    loaded_again: int = 0
    added: int = 0
    at_allocation: Said | None = None
    at_last: Said | None = None

    @property
    def all_ready(self) -> bool:
        """Whether all its machines were ready at the start."""
        return self.ready >= self.seats


@dataclass(frozen=True, slots=True)
class Played:
    """What came of a day.

    `free`: computers that were free when the service was called first. `users`, `refused`: others than the members of
    the classes, and those of them who got nothing. `others_no_turn`: loads that were not for a class, and got no place
    in half an hour. `calls`: milliseconds of the service's calls; `passes`: the mean of those of a pass.
    """

    rows: Rows
    seed: int
    classes: Sequence[ClassPlayed]
    free: int = 0
    users: int = 0
    refused: int = 0
    others_no_turn: int = 0
    calls: Sequence[float] = field(default=(), compare=False)
    passes: float = field(default=0.0, compare=False)
    seconds: float = field(default=0.0, compare=False)  # that it took to play

    @property
    def seats(self) -> int:
        """The seats of all classes."""
        return sum(each.seats for each in self.classes)

    @property
    def ready(self) -> int:
        """The machines that were ready at the start."""
        return sum(each.ready for each in self.classes)

    @property
    def taken(self) -> float:
        """Minutes from the begin of a load or its hold to the start, of all computers."""
        return sum(each.taken for each in self.classes)

    @property
    def wrong(self) -> dict[str, int]:
        """What was wrong with the seats that were not ready at the start."""
        total: Counter[str] = Counter()
        for each in self.classes:
            total.update(each.wrong)
        return dict(total)

    def as_json(self) -> dict[str, Any]:
        """All of it; what was said as [ready, late, minutes]."""
        return {**asdict(self), "rows": self.rows.value}
