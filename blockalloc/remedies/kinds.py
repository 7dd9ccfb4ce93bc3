"""The kinds of remedies, and what is known of one."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple


class Kind(Enum):
    """What can be done, the least harmful first: this is the order in which remedies are offered.

    What needs somebody at the machines, or another class hour, comes after what staff can do on a page.
    """

    PUT_RIGHT = "put right"  # keep_ready's work, at once
    ALLOCATE = "allocate"  # the class was to have fewer machines, or none
    LEFT_OVER = "left over"  # release a class that does not take place
    SPARES = "spares"  # release the spares of another class
    RELOADS = "reloads"  # withdraw reloads that an edited class has left behind
    IDLE = "idle"  # release computers that another class does not use
    PRIVILEGES = "privileges"  # allow computers that are not granted to the user group
    SERVICE = "service"  # put computers back in service
    LATER = "later"  # start later
    FEWER = "fewer"  # be content with what can be had


_HARM = {kind: place for place, kind in enumerate(Kind)}


class Other(NamedTuple):
    """Another class that has computers which this one could have; Unix seconds."""

    block_time_id: int
    name: str
    computers: int
    in_use: int
    start: int


class Named(NamedTuple):
    """A computer, and its state in VCL's words: `failed`."""

    id: int
    hostname: str
    state: str


@dataclass(frozen=True, slots=True)
class Remedy:
    """One thing that would help. `machines`: how many more the class would have, 0 where it does not bring any.

    `words`: what would be done, or could be had; `computers` are those that it is about; `other` the class
    that has them; `start`: when it would begin (Unix seconds).
    """

    kind: Kind
    machines: int = 0
    words: str = ""
    computers: Sequence[Named] = ()
    other: Other | None = None
    start: int = 0

    @property
    def rank(self) -> tuple[int, int]:
        """The sort key: the least harmful first; of equal ones that which brings most."""
        return _HARM[self.kind], -self.machines


@dataclass(frozen=True, slots=True)
class Help:
    """What would help a class: of `wanted` machines it has `has` that can still be ready.

    `obstacle`: why nothing can be done here, "" otherwise. `is_complete`: whether there was time to try everything.
    """

    wanted: int
    has: int
    remedies: Sequence[Remedy] = ()
    obstacle: str = ""
    is_complete: bool = True
