"""What is known about a block time of the next hours when it is looked at. Instants are Unix seconds."""

from collections.abc import Sequence
from typing import NamedTuple

from scheduling.occupancy import is_occupying, is_reload
from scheduling.ready_computer import BlockFacts, ComputerFacts
from scheduling.reloads.exchange import Guide
from scheduling.upkeep.target import Target


class Booking(NamedTuple):
    """Somebody else's request for a computer of the block time that is not over: a user's reservation or a reload.

    The block computer's own reload is none. `is_member`: of the user group of the block request. `node_is_silent`: its
    management node has not checked in lately, so nobody ends it when its time is up.
    """

    request_id: int
    state_id: int
    last_state_id: int
    start: int
    end: int
    image_id: int
    is_member: bool
    node_is_silent: bool = False

    @property
    def is_reload(self) -> bool:
        """Whether it is a reload that waits or that has begun."""
        return is_reload(self.state_id, self.last_state_id)

    @property
    def is_occupying(self) -> bool:
        """Whether it is a user's reservation that takes the computer."""
        return is_occupying(self.state_id, self.last_state_id)


class WatchedComputer(NamedTuple):
    """A computer of the block time.

    `reload_id` is its reload request as `blockComputers` names it, 0 for none; `node` is the host name of the
    management node that has the reload ("": the request is gone), `node_seen` when that node checked in last.
    `live_semaphore`: somebody has a semaphore row on it that has not expired, other than a hold of keep_ready; `held`:
    keep_ready has.
    """

    facts: ComputerFacts
    reload_id: int
    node_id: int
    node: str
    node_seen: int | None
    bookings: Sequence[Booking] = ()
    live_semaphore: bool = False
    held: bool = False

    @property
    def id(self) -> int:
        """The computer's id."""
        return self.facts.id


class BlockTimeFacts(NamedTuple):
    """A block time with its computers.

    `longest_load`: seconds after which a load of its image counts as stuck. `processing_seen`: when keep_ready first
    saw `blockRequest.processing` set, None when it is not. `holds_stopped`: staff have stopped the holds.
    `complete_since`: the first of the looks that have seen all its machines ready without a break, if it has spares.
    `guide`: what the last plan says; None where none has said anything: then SPEC 6 does.
    """

    id: int
    name: str
    block: BlockFacts
    target: Target
    longest_load: int
    computers: Sequence[WatchedComputer]
    processing_seen: int | None = None
    holds_stopped: bool = False
    guide: Guide | None = None
    complete_since: int | None = None
