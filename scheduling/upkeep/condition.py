"""Whether a computer of a block time will be ready when its class starts, and if not, why (SPEC 9.2, 9.3).

Facts in, a condition out. What is done about it depends on the others of the block time: see `needs`.
"""

from dataclasses import dataclass
from enum import Enum

from scheduling.ready_computer import (
    BUSY_STATES,
    LOAD_FAULT,
    BlockFacts,
    ComputerReadiness,
    computer_readiness,
    load_failed,
    unusable,
)
from scheduling.reasons import Instant, Reason, RequestId
from scheduling.reload_plan import RELOAD_MARGIN
from scheduling.reloads.exchange import Guide
from scheduling.rules import CHECKIN_SECONDS
from scheduling.state_ids import PENDING, RELOAD
from scheduling.upkeep.facts import BlockTimeFacts, Booking, WatchedComputer
from scheduling.windows import MINUTE

_FAR = 10**10  # an instant that never comes
STAYS = "stays"  # the rule of a Reason: somebody has the computer
# What the back end takes after a user's end, before it begins to load the next image.
_RECLAIM = 2 * MINUTE
_FREE = "available"
# xCAT's last step before a load looks for a turn on its node, and for how long it does so before it gives up.
_BEFORE_ITS_TURN, _TURN = "editnodetype", 30 * MINUTE
SILENT_NODE = "silent_node"  # the name of a reason


class Kind(Enum):
    """What is to be expected of a computer."""

    READY = "ready"  # or a member uses it, or VCL loads it again after others who have it before the class
    ON_ITS_WAY = "on its way"
    TO_LOAD = "to be loaded again"  # free, without the image, and nothing will load it
    DOUBTFUL = "doubtful"  # it will be late, unless something changes
    LOST = "lost"  # it will not be ready


@dataclass(frozen=True, slots=True)
class Condition:
    """The condition of a computer.

    `why` it is doubtful, lost or has to be loaded again. `ready_at` is when it is expected to be ready. `node_id`: the
    management node whose process may still be loading it, which has to have its next load as well.
    """

    computer: WatchedComputer
    readiness: ComputerReadiness
    kind: Kind
    ready_at: int
    why: Reason | None = None
    node_id: int | None = None

    @property
    def hostname(self) -> str:
        """The computer's host name."""
        return self.computer.facts.hostname


def cautious_load(load_seconds: int) -> int:
    """How long a load may well take: less than what is planned for it, with the margin (SPEC 6)."""
    return load_seconds + min(max(2 * MINUTE, load_seconds // 5), RELOAD_MARGIN)


def condition(computer: WatchedComputer, block_time: BlockTimeFacts, now: int) -> Condition:
    """The condition of a computer of the block time at `now` (Unix seconds)."""
    return _Judge(computer, block_time, now).judge()


class _Judge:
    def __init__(self, computer: WatchedComputer, block_time: BlockTimeFacts, now: int) -> None:
        self._computer = computer
        self._block: BlockFacts = block_time.block
        guide = block_time.guide or Guide()
        self._longest = block_time.longest_load + guide.longest_wait
        self._now = now
        self._state = computer_readiness(computer.facts, self._block, now)
        self._load = max(cautious_load(self._block.load_seconds), guide.long_load)

    def judge(self) -> Condition:
        facts = self._computer.facts
        if self._is_used_by_member:  # never exchanged, whatever state staff have put it into
            return self._as(Kind.READY, self._now)
        if fault := unusable(facts) or (LOAD_FAULT if load_failed(facts) else None):
            return self._lost(Reason("unusable", "it {}", (fault.one,)))
        if intruder := self._intruder:
            text = "request {} has reserved it from {} to {}, in the hours of the class"
            return self._lost(Reason("reserved", text, _booked(intruder)))
        if (stays := self._while_others_stay()) is not None:
            return stays
        if (self._state.is_ready or self._state.state == "booked before") and not self._is_outdated:
            return self._as(Kind.READY, self._now)
        return self._of_load()

    @property
    def _is_outdated(self) -> bool:
        """Whether it holds a revision that was replaced since, and there is time to load the new one."""
        in_time = self._now + self._load <= self._block.start
        return self._state.old_revision and self._state.state in ("loaded", "booked before") and in_time

    # --- people ---------------------------------------------------------------------------------

    @property
    def _is_used_by_member(self) -> bool:
        """Whether a member of the class uses it: before the start with the image, afterwards with any."""
        begun = self._now >= self._block.start
        return any(
            each.is_occupying
            and each.is_member
            and each.start <= self._now < each.end
            and (begun or self._has_image(each))
            for each in self._computer.bookings
        )

    def _has_image(self, booking: Booking) -> bool:
        return booking.image_id == self._computer.facts.image_id

    @property
    def _intruder(self) -> Booking | None:
        """A reservation of somebody who is no member in the hours of the class that are left."""
        begin = max(self._now, self._block.start)
        for each in self._computer.bookings:
            if each.is_occupying and not each.is_member and each.start < self._block.end and each.end > begin:
                return each
        return None

    def _while_others_stay(self) -> Condition | None:
        """What to expect of a computer that somebody uses, or will, before the class; None where nobody is in the way.

        When they leave, the back end loads the image of the class that is next.
        """
        theirs = [each for each in self._computer.bookings if self._is_in_the_way(each)]
        if not theirs:
            return None
        last = max(theirs, key=lambda each: (each.node_is_silent, each.end))
        if last.node_is_silent:
            text = "the management node of request {}, which has reserved it from {} to {}, is silent: nobody ends it"
            return self._as(Kind.DOUBTFUL, _FAR, Reason(STAYS, text, _booked(last)))
        ready_at = max(last.end, self._now) + _RECLAIM + self._load
        if ready_at <= self._block.start:
            return self._as(Kind.ON_ITS_WAY, ready_at)
        text = "request {} has reserved it from {} to {}: too late to load it afterwards"
        return self._as(Kind.DOUBTFUL, ready_at, Reason(STAYS, text, _booked(last)))

    def _is_in_the_way(self, booking: Booking) -> bool:
        """Whether somebody has it before the class for so long that its load has to wait for them."""
        if not booking.is_occupying or booking.start >= self._block.start:
            return False
        if booking.is_member and self._has_image(booking):
            return False
        if booking.end <= self._now:  # the back end counts down ten minutes and more before it ends a reservation
            return booking.start <= self._now and self._computer.facts.state in BUSY_STATES
        return True  # the back end loads the image when they leave, whenever its own reload begins

    # --- loads ----------------------------------------------------------------------------------

    def _of_load(self) -> Condition:
        state, reload_state = self._state.state, self._computer.facts.reload_state
        if reload_state == RELOAD:
            return self._waiting()
        if reload_state == PENDING or (state == "loading" and reload_state):
            return self._loading()
        if other := self._other_reload():
            return other
        if self._computer.facts.state != _FREE:
            # Between a user's end and the load after it, or a state that VCL alone understands. In the class people
            # come and go: their computers are not exchanged for that.
            begun = self._now >= self._block.start
            ready_at = self._now + _RECLAIM + (self._block.load_seconds if begun else self._load)
            return self._by_time(ready_at, Reason("busy", "it is in state {}", (self._computer.facts.state,)))
        text = "it does not hold the image, and nothing will load it"
        if self._is_outdated:
            text = "it holds an old revision of the image, and nothing will load the new one"
        # A process that lost its request may still be at work on it: it must not be loaded from two nodes.
        node = None if self._silent_node() else self._computer.node_id
        return self._as(Kind.TO_LOAD, self._now + self._load, Reason("to_load", text), node)

    def _waiting(self) -> Condition:
        start = max(self._computer.facts.reload_start or self._now, self._now)
        if silent := self._silent_node():
            return self._as(Kind.DOUBTFUL, _FAR, silent)
        ready_at = start + self._block.load_seconds
        late = Reason("late", "its reload should have begun at {}", (Instant(self._computer.facts.reload_start or 0),))
        return self._by_time(ready_at, late) if self._state.state == "overdue" else self._as(Kind.ON_ITS_WAY, ready_at)

    def _loading(self) -> Condition:
        begun = self._state.begun if self._state.begun is not None else self._now
        node = self._computer.node_id or None
        if silent := self._silent_node():
            return self._as(Kind.DOUBTFUL, _FAR, silent, node)
        waits = _TURN if self._computer.facts.log_step == _BEFORE_ITS_TURN else 0
        if begun + self._longest + waits < self._now:
            text = "its load began at {} and has not ended"
            return self._as(Kind.DOUBTFUL, _FAR, Reason("stuck", text, (Instant(begun),)), node)
        return self._as(Kind.ON_ITS_WAY, max(begun + self._block.load_seconds, self._now + MINUTE))

    def _other_reload(self) -> Condition | None:
        """What to expect of a computer that a reload other than its own is loading, or will: one after a user's end."""
        reloads = [each for each in self._computer.bookings if each.is_reload]
        due = [each for each in reloads if each.start <= self._now + self._block.load_seconds]
        if not due:
            return None
        each = min(due, key=lambda booking: (self._hopeless(booking) is not None, booking.start))
        if hopeless := self._hopeless(each):
            return self._as(Kind.DOUBTFUL, _FAR, hopeless)
        loaded = max(each.start, self._now) + self._block.load_seconds
        if each.image_id == self._computer.facts.image_id:
            return self._as(Kind.ON_ITS_WAY, loaded)
        text = "request {} loads another image on it"
        return self._by_time(loaded + self._load, Reason("other_load", text, (RequestId(each.request_id),)))

    def _hopeless(self, reload: Booking) -> Reason | None:
        """Why a reload other than its own will not end: nothing resumes what a back end that died left behind."""
        if reload.node_is_silent:
            text = "the management node of request {}, which is to load it, is silent"
            return Reason(SILENT_NODE, text, (RequestId(reload.request_id),))
        if reload.start + self._longest < self._now:
            text = "request {} has been loading it since {} and has not ended"
            return Reason("stuck", text, (RequestId(reload.request_id), Instant(reload.start)))
        return None

    def _silent_node(self) -> Reason | None:
        seen = self._computer.node_seen
        if seen is not None and self._now - seen < CHECKIN_SECONDS:
            return None
        text = "its management node {} has not checked in since {}"
        if seen is None:
            return Reason(SILENT_NODE, "its management node {} has never checked in", (self._computer.node,))
        return Reason(SILENT_NODE, text, (self._computer.node, Instant(seen)))

    # --- results --------------------------------------------------------------------------------

    def _by_time(self, ready_at: int, why: Reason) -> Condition:
        """On its way if it will be ready in time."""
        if ready_at <= self._block.start:
            return self._as(Kind.ON_ITS_WAY, ready_at)
        return self._as(Kind.DOUBTFUL, ready_at, why)

    def _lost(self, why: Reason) -> Condition:
        return self._as(Kind.LOST, _FAR, why)

    def _as(self, kind: Kind, ready_at: int, why: Reason | None = None, node_id: int | None = None) -> Condition:
        return Condition(self._computer, self._state, kind, ready_at, why, node_id)


def _booked(booking: Booking) -> tuple[RequestId, Instant, Instant]:
    return RequestId(booking.request_id), Instant(booking.start), Instant(booking.end)
