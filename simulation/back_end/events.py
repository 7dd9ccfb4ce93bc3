"""What the back end has done, as a list that checks can read."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum


class What(StrEnum):
    """What happened."""

    PROCESS_FORKED = "process forked for a reservation"
    LOAD_BEGAN = "load began"  # the computer is in state `reloading` from here on
    TURN_CAME = "turn of a load came"  # noted when it had to wait; the detail is for how many seconds
    NO_TURN = "no turn for a load in time"  # it fails; the detail is for how many seconds it waited
    LOAD_ENDED = "load ended"
    LOAD_FAILED = "load failed"
    NOTHING_TO_LOAD = "nothing to load"
    RELOAD_DROPPED = "reload dropped"
    COMPETITOR_COMPLETED = "competitor set to complete"
    PROCESS_KILLED = "process of a competitor killed"
    RESERVATION_FAILED = "reservation failed"
    REMOVED_FROM_BLOCKS = "removed from all blocks"  # one event for each block time
    REQUEST_DELETED = "finished request deleted"
    USER_READY = "computer ready for its user"
    USER_CONNECTED = "user connected"
    USER_TIMED_OUT = "user timed out"
    RELOAD_INSERTED = "reload after a user inserted"
    COMPUTER_CLEAN = "computer clean after a user"
    BLOCK_FORKED = "process forked for a block time"
    BLOCK_PROCESSED = "block time processed"
    BLOCK_CLEARED = "block time cleared"
    BLOCK_COMPLETED = "block request completed"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened; numbers that do not apply are 0."""

    at: int  # Unix seconds
    what: What
    node: int
    computer: int = 0
    request: int = 0
    state: int = 0  # of the request, before it went to `pending`
    image: int = 0
    block_time: int = 0
    block_request: int = 0
    detail: str = ""


@dataclass
class Log:
    """All events, in order. `watch` is called with each, while the rows are as they are at that moment."""

    events: list[Event] = field(default_factory=list)
    forked: Counter[tuple[str, int, int]] = field(default_factory=Counter)  # kind, block request, block time
    watch: Callable[[Event], None] | None = None

    def add(self, event: Event) -> None:
        """Take note of an event."""
        self.events.append(event)
        if event.what is What.BLOCK_FORKED:
            self.forked[event.detail, event.block_request, event.block_time] += 1
        if self.watch is not None:
            self.watch(event)

    def of(self, *what: What) -> list[Event]:
        """The events of these kinds."""
        return [event for event in self.events if event.what in what]

    def forks(self, block_time: int, *kinds: str) -> int:
        """How many processes were forked for a block time: of these kinds ("start", "end", "expire"), else of all."""
        return sum(
            number
            for (kind, _block_request, forked_for), number in self.forked.items()
            if forked_for == block_time and (not kinds or kind in kinds)
        )
