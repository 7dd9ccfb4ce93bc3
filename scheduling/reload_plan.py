"""When a machine's reload begins and ends (SPEC 5 and 6)."""

from dataclasses import dataclass
from typing import NamedTuple

from scheduling.windows import MINUTE

RELOAD_MARGIN = 10 * MINUTE  # between the expected end of a load and the block's start
ADOPTED_RELOAD_MARGIN = 5 * MINUTE  # the same for a member's own reservation that joins the block
LONG_LOAD = 14 * MINUTE  # images that load longer than this start further apart


@dataclass(frozen=True, slots=True)
class Window:
    """The time of a reload reservation, Unix seconds."""

    start: int
    end: int


class Moved(NamedTuple):
    """A reload of the block time that has not begun, and is to begin at another time or on another node."""

    request_id: int
    computer_id: int
    reload: Window
    node_id: int


def stagger(load_seconds: int) -> int:
    """Seconds between the reload starts of two machines of one call, so that they do not all load at once."""
    return 2 * MINUTE if load_seconds > LONG_LOAD else MINUTE


def staggered(block_start: int, load_seconds: int, already_planned: int) -> Window:
    """The reload window of the next machine, after `already_planned` machines of the same call (adopted ones aside)."""
    return Window(block_start - (load_seconds + RELOAD_MARGIN) - already_planned * stagger(load_seconds), block_start)


def adopted(block_start: int, reservation_start: int, load_seconds: int) -> Window:
    """The reload window of a member's own reservation that joins the block; it is not staggered."""
    end = min(block_start, reservation_start)
    return Window(end - (load_seconds + ADOPTED_RELOAD_MARGIN), end)


def is_late(now: int, block_start: int, load_seconds: int, machines: int) -> bool:
    """Whether some of `machines` may still be loading when the block starts (SPEC 6, warning 13)."""
    # A minute for each machine, even where `stagger` is two: that is how VCL reckons, and the warning is VCL's.
    return now + load_seconds + RELOAD_MARGIN + MINUTE * machines > block_start


def late(window: Window, now: int, block_start: int, load_seconds: int) -> Window:
    """The window, or for a reload that should have begun already the time from now on that it needs (SPEC 9.1)."""
    if window.start >= now:
        return window
    return Window(now, max(block_start, now + load_seconds + RELOAD_MARGIN))
