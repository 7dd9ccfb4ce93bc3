"""Places for loads: how many a management node and a VM host take at a time, and whose loads take them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple


class OtherLoad(NamedTuple):
    """A load that is not the class's own, and takes places: one at work, or one that is to come.

    `begin`: when it began or is to begin (Unix seconds). `seconds`: how long it takes, about. `host_id`: the computer
    that is the VM host, None for other computers. `is_limited`: whether it counts for the limit of its node.
    """

    computer_id: int
    node_id: int
    host_id: int | None
    begin: int
    seconds: int
    at_work: bool
    is_limited: bool = True


@dataclass(frozen=True, slots=True)
class Capacity:
    """How many loads may be at work at a time.

    `node_limits`: management node -> loads; it counts computers whose provisioning engine is in `limited_engines`
    (None: all). A node without a limit takes any number. `host_limit`: loads on one VM host, 0 for any number.
    """

    node_limits: Mapping[int, int] = field(default_factory=dict)
    limited_engines: frozenset[int] | None = None
    host_limit: int = 0

    def is_limited(self, provisioning_id: int) -> bool:
        """Whether loads by this provisioning engine count for the limit of their node."""
        return self.limited_engines is None or provisioning_id in self.limited_engines


@dataclass(frozen=True, slots=True)
class Places:
    """The places of a site, and what takes them besides the class that is planned.

    `arrivals`: management node -> loads a minute that users cause, by those who have computers now (SPEC says nothing
    of them: they come and go as they like). `arrival_seconds`: how long one of these takes. `taken`: the share of
    computers that users are about to leave too late: a reload that finds one is dropped (BACKEND.md).
    """

    capacity: Capacity = field(default_factory=Capacity)
    others: Sequence[OtherLoad] = ()
    arrivals: Mapping[int, float] = field(default_factory=dict)
    arrival_seconds: int = 600
    taken: float = 0.0
