"""What became of the loads that are at work: which are new, which go on, which are over and how (SPEC 9).

VCL deletes a reload with its history once it is over, so each look compares what the last one noted with what the rows
say now. Instants are Unix seconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from scheduling.ready_computer import BUSY_STATES

Outcome = Literal["at work", "loaded", "failed", "dropped", "unknown"]
AT_WORK: Outcome = "at work"
LOADED: Outcome = "loaded"
FAILED: Outcome = "failed"
DROPPED: Outcome = "dropped"
UNKNOWN: Outcome = "unknown"

# In these states a computer is done with a load; without its image it never got it.
_NOT_LOADING = BUSY_STATES | {"available", "reload"}


class LoadFacts(NamedTuple):
    """A reload on one of its computers, as the rows are now.

    `noted_id` is our row of the load, None while it has none; `last_over` is when an earlier load of the same request
    was seen to be over. `is_begun`: the back end works on the request ("pending"). `load_begun` is when the load log
    says that the load began (the last one, if it was tried again), `has_failed_step` whether it says that it failed.
    The reload loads `revision_id`, or `production_id` in its place (0: none); the computer is in `state` and has
    `current_revision_id` loaded. `block_time_id` is the block time that it is for; `row_is_lost`: that block time is to
    take place, and no longer has the computer.
    """

    request_id: int
    computer_id: int
    hostname: str
    image_id: int
    revision_id: int
    node_id: int | None
    provisioning: str
    start: int
    noted_id: int | None = None
    last_over: int | None = None
    is_begun: bool = False
    load_begun: int | None = None
    has_failed_step: bool = False
    production_id: int = 0
    state: str = "available"
    current_revision_id: int = 0
    block_time_id: int | None = None
    row_is_lost: bool = False

    @property
    def loads_revision_id(self) -> int:
        """What is really loaded: on a computer of a block time, the production revision."""
        return (self.production_id if self.block_time_id else 0) or self.revision_id

    @property
    def holds_image(self) -> bool:
        """Whether the computer holds what the reload was to load."""
        return self.current_revision_id in {self.production_id, self.revision_id} - {0}


class NewLoad(NamedTuple):
    """A load that was not noted so far; `begun` by the load log if `is_exact`, else by the request."""

    facts: LoadFacts
    begun: int
    is_exact: bool
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class SeenLoads:
    """What a look changes in our rows, which are given by their ids: loads that go on, and outcomes of those over."""

    new: Sequence[NewLoad]
    at_work: Sequence[int]
    over: Sequence[tuple[int, Outcome]]


def seen_loads(loads: Sequence[LoadFacts], now: int) -> SeenLoads:
    """What a look at `now` sees of these loads: those whose requests are there, and all that are noted as at work."""
    noted = [(each.noted_id, _outcome(each)) for each in loads if each.noted_id is not None]
    new = [load for each in loads if each.noted_id is None and (load := _new(each, now))]
    return SeenLoads(
        new=new,
        at_work=[id_ for id_, outcome in noted if outcome == AT_WORK],
        over=[(id_, outcome) for id_, outcome in noted if outcome != AT_WORK],
    )


def _outcome(load: LoadFacts) -> Outcome:
    """What became of a load that was at work."""
    if load.is_begun and not load.has_failed_step:
        return AT_WORK
    if load.state == "failed" or load.has_failed_step:
        return FAILED
    if load.holds_image:
        return LOADED
    if load.row_is_lost:  # the back end removes a computer whose load failed from all block times
        return FAILED
    return DROPPED if load.state in _NOT_LOADING else UNKNOWN


def _new(load: LoadFacts, now: int) -> NewLoad | None:
    """A load that no look has noted: it has begun since the last look, and may be over already."""
    if load.last_over is not None and (load.load_begun is None or load.load_begun <= load.last_over):
        return None  # the one that was noted
    outcome = _unseen_outcome(load)
    if outcome is None:
        return None
    begun = min(load.start, now) if load.load_begun is None else load.load_begun
    return NewLoad(load, begun, load.load_begun is not None, outcome)


def _unseen_outcome(load: LoadFacts) -> Outcome | None:
    """What is known of a load that was never seen at work; None: nothing has been loaded, or nobody can know.

    A reload that the back end has taken up waits while somebody uses the computer. One that finds its image loaded is
    done without a load. One that is gone with its block row may have been withdrawn.
    """
    began = load.load_begun is not None
    if load.is_begun and not load.has_failed_step:
        return AT_WORK if began or load.state == "reloading" else None
    if began or load.has_failed_step:
        return _outcome(load)
    if load.state == "failed":
        return FAILED if load.row_is_lost else None
    if load.holds_image or load.row_is_lost:
        return None
    return DROPPED if load.state in _NOT_LOADING else None
