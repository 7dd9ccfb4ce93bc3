"""What a forecast rests on, and what it says of each class. Instants are Unix seconds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from scheduling.facts import Block, BlockComputer, Member, Site
from scheduling.load_time.model import LoadModel
from scheduling.reasons import Reason
from scheduling.remedies import InTheWay

AskedBy = Literal["back end", "keep_ready"]


class ClassAsked(NamedTuple):
    """A class that is to take place, and when its machines are asked for.

    `block.machines` are the machines that it is to have in all. `asked_at` is when the back end asks for them, or
    keep_ready for those that it lacks, never before the time of the facts. `refused`: why it will get no computers
    besides those that it has, whatever is free; None where it may. `requested`: the machines of its block request, more
    than `block.machines` where somebody has asked for fewer, or released some.
    """

    block: Block
    request_id: int
    name: str
    asked_at: int
    ignore_privileges: bool = True
    asked_by: AskedBy = "back end"
    refused: Reason | None = None
    requested: int = 0

    @property
    def id(self) -> int:
        """The id of the block time."""
        return self.block.block_time_id

    @property
    def turn(self) -> tuple[int, int, int]:
        """Classes have their turns in this order; at one moment, in that in which the back end goes through them."""
        return self.asked_at, self.request_id, self.id


@dataclass(frozen=True, slots=True)
class ForecastFacts:
    """A site as it is at `site.now`, and the classes to come until `until`, in the order in which they are asked for.

    `site` knows what is promised until then, and the computers that classes have already (`site.block_computers`);
    `members` are those of each user group, `load_seconds` the mean load time of each image, and `models` the load
    models of images under policy `ready`; without one, loads take the mean load time. What is only known of the
    time of a call is left out of `site`: members, claims, load time.
    """

    site: Site
    classes: Sequence[ClassAsked]
    until: int
    members: Mapping[int | None, Sequence[Member]] = field(default_factory=dict)
    load_seconds: Mapping[int, int] = field(default_factory=dict)
    models: Mapping[int, LoadModel] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ClassForecast:
    """What a class will get: `machines` of those wanted, of which it has `had_before` already.

    `fit`: how many computers of the site can run its image at all. `stopped_by`: why there are no more machines, None
    when none is missing. `in_the_way`: bookings of computers that it could have had, the one with the most first.
    `lost`: how many computers each rule excludes, by its name. `is_late`: too little time is left to load them all.
    `computers`: those that it will have, with the times at which they are taken for it.
    """

    asked: ClassAsked
    machines: int
    had_before: int
    fit: int
    stopped_by: Reason | None = None
    in_the_way: Sequence[InTheWay] = ()
    lost: Mapping[str, int] = field(default_factory=dict)
    is_late: bool = False
    computers: Sequence[BlockComputer] = ()

    @property
    def wanted(self) -> int:
        """The machines that the class is to have."""
        return self.asked.block.machines

    @property
    def missing(self) -> int:
        """The machines that it will lack."""
        return max(self.wanted - self.machines, 0)
