"""What is varied: the site, the class, its users, and what goes wrong."""

from dataclasses import dataclass, replace
from enum import StrEnum


class Trouble(StrEnum):
    """Something that goes wrong with the class, beside loads and users."""

    NONE = "none"
    AWAY = "away"  # the service cannot be reached while the back end asks
    DEAD_NODE = "dead-node"  # the first management node dies an hour before the start, for good
    MAINTENANCE = "maintenance"  # staff put two computers of the class into maintenance, an hour before the start
    LATE = "late"  # the class is made ten minutes before its start


class Rows(StrEnum):
    """Whose reload rows a day is played with, and whether classes are kept ready."""

    VCL = "VCL's own"  # reloads with `preload` 0, nothing kept
    OURS = "ours, not kept"  # reloads with `preload` 1, nothing kept
    KEPT = "ours, kept"  # the same, and a pass of keep_ready each minute


@dataclass(frozen=True, slots=True)
class Cell:
    """A kind of day. `users`: share of the computers that others than the class have on average; `loaded`: share of
    the computers that hold the image of the class in the morning, `wanted`: share of the others who want it, too;
    `failing`: share of the loads.

    `limit`: how many loads a management node runs at a time. `load_minutes`: of the image, on average.
    `vm_hosts`: 0 for blades, else the computers are virtual machines on so many hosts. The day is played from
    `minutes_before` the start; the back end asks for the class six hours before it, or at once.
    """

    seats: int = 30
    computers: int = 80
    users: float = 0.3
    failing: float = 0.02
    nodes: int = 1
    limit: int = 10
    load_minutes: float = 10.0
    loaded: float = 0.15
    wanted: float = 0.05
    vm_hosts: int = 0
    minutes_before: int = 380
    trouble: Trouble = Trouble.NONE

    def __str__(self) -> str:
        parts = [f"{self.seats} seats of {self.computers} computers", f"users on {self.users:.0%}"]
        parts.append(f"one load in {1 / self.failing:.0f} fails" if self.failing else "no load fails")
        parts.append(f"{self.nodes} node{'s' * (self.nodes > 1)}, {self.limit} loads at a time")
        if self.vm_hosts:
            parts.append(f"virtual machines on {self.vm_hosts} hosts")
        if self.trouble is not Trouble.NONE:
            parts.append(self.trouble.value)
        return ", ".join(parts)


_PLAIN = Cell()
STANDARD = [
    replace(_PLAIN, users=0.0),
    _PLAIN,
    replace(_PLAIN, users=0.5),
    replace(_PLAIN, users=0.0, failing=0.05),
    replace(_PLAIN, failing=0.05),
    replace(_PLAIN, seats=50, failing=0.05),
]
