"""May a block time be filled, and is it still to take place? The one answer for calls, pages, checks and feeds.

The two questions differ in one thing: a block time that is over may be filled as long as its request has not expired
(SPEC 2.1), but is no longer to take place.
"""

from typing import Literal, NamedTuple

from scheduling.vcl_names import ACCEPTED
from scheduling.windows import MINUTE

KEPT_FOR = 15 * MINUTE  # how long after a block time's end its rows may still be there

StatusObstacle = Literal["skipped", "not accepted", "over", "expired"]


class BlockStatus(NamedTuple):
    """What decides about a block time: its skip flag, the status of its request, its end and the request's expiry.

    `end` and `expires` are Unix seconds.
    """

    skip: bool
    status: str
    end: int
    expires: int

    def obstacle_to_filling(self, now: int) -> StatusObstacle | None:
        """Why the block time may not be filled at `now` (Unix seconds), in the order of SPEC 2.2; None when it may."""
        return self._obstacle_of_request() or ("expired" if is_expired(self.expires, now) else None)

    def obstacle_to_taking_place(self, now: int) -> StatusObstacle | None:
        """Why the block time is not to take place, or not any more, at `now` (Unix seconds); None when it is."""
        return self._obstacle_of_request() or ("over" if self.end <= now else self.obstacle_to_filling(now))

    def is_current_or_upcoming(self, now: int) -> bool:
        """Whether the block time is to take place, and is not over."""
        return self.obstacle_to_taking_place(now) is None

    def _obstacle_of_request(self) -> StatusObstacle | None:
        if self.skip:
            return "skipped"
        return "not accepted" if self.status != ACCEPTED else None


def is_expired(expires: int, now: int) -> bool:
    """Whether a block request has expired: its `expireTime` is earlier than now (SPEC 2.2). Unix seconds."""
    return expires < now


def is_scheduled(*, skip: bool, status: str) -> bool:
    """Whether a block time is meant to take place, so far as that does not depend on the time."""
    return not skip and status == ACCEPTED


def is_over(start: int, end: int, over: int, now: int) -> bool:
    """Whether a block time has ended. `over`: its end, by the later one in an hour that comes twice (Unix seconds).

    Times that can't be (a zero date: 0) tell nothing.
    """
    return 0 < start < end and over <= now


def is_left_over(start: int, end: int, over: int, now: int) -> bool:
    """Whether a block time and its computers should be gone; the times are those of `is_over`."""
    return is_over(start, end, over, now) and over < now - KEPT_FOR
