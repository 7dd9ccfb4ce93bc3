"""What came of a day."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bench.readiness.cells import Rows


@dataclass(frozen=True, slots=True)
class Played:
    """What came of a day.

    `taken`: minutes from the begin of a load or its hold to the start, of all computers. `users`, `refused`: others
    than the members of the class, and those of them who got nothing.
    """

    rows: Rows
    seed: int
    seats: int
    ready: int
    ready_later: int  # five minutes after the start
    wrong: Mapping[str, int]
    dropped: int
    ended_by_users: int
    failed: int
    taken: float
    users: int
    refused: int
    members_refused: int
    seconds: float = field(compare=False)  # that it took to play
