"""Block times of the next hours with their computers, for tests of the pure core of keep_ready.

`block_time()` is two hours from START with an image that loads in LOAD; `waiting()` is one of its computers, whose
reload is to begin when it was planned. Computers have the ids that they are given, and another image loaded.
"""

from typing import Any

from scheduling.ready_computer import BlockFacts, ComputerFacts
from scheduling.state_ids import PENDING, RELOAD
from scheduling.upkeep.facts import BlockTimeFacts, Booking, WatchedComputer
from scheduling.upkeep.target import Target
from tests.support.sites.facts import END, HOUR, IMAGE, IN_USE, LOAD, MINUTE, NEW, NOW, RELOAD_START, START

OTHER_IMAGE = 99
REVISION, OLD_REVISION, OTHER_REVISION = 10, 9, 990  # REVISION is IMAGE's production revision
LONGEST = 25 * MINUTE  # after which a load counts as stuck
CAUTIOUS = LOAD + 2 * MINUTE  # how long a load may well take
RECLAIM = 2 * MINUTE
# The last moment at which a substitute for one computer can be taken.
LAST = START - LOAD - 10 * MINUTE - 2 * MINUTE
NODE = 1


def block(**changes: Any) -> BlockFacts:
    """The block time itself, of four machines."""
    plain = BlockFacts(
        start=START,
        end=END,
        processed=True,
        skip=False,
        status="accepted",
        expires=END + HOUR,
        machines=4,
        image_ids=(IMAGE,),
        load_seconds=LOAD,
    )
    return plain._replace(**changes)


def block_time(*computers: WatchedComputer, wanted: int | None = None, **changes: Any) -> BlockTimeFacts:
    """The block time with these computers; it is to have as many, unless told otherwise."""
    machines = len(computers) if wanted is None else wanted
    plain = BlockTimeFacts(
        id=500,
        name="Monday",
        block=block(),
        target=Target(machines, ignore_privileges=True),
        longest_load=LONGEST,
        computers=computers,
    )
    return plain._replace(**changes)


def computer(id_: int = 1, **changes: Any) -> WatchedComputer:
    """A free computer with another image loaded and without a reload. Fields of its facts are keywords too."""
    facts = ComputerFacts(
        id=id_,
        hostname=f"pc{id_}",
        image_id=IMAGE,
        production_id=REVISION,
        state="available",
        deleted=False,
        current_image_id=OTHER_IMAGE,
        revision_id=OTHER_REVISION,
    )
    of_facts = {name: changes.pop(name) for name in ComputerFacts._fields if name in changes}
    watched = WatchedComputer(facts._replace(**of_facts), reload_id=0, node_id=0, node="", node_seen=None)
    return watched._replace(**changes)


def loaded(id_: int = 1, **changes: Any) -> WatchedComputer:
    """One that is ready."""
    return computer(id_, **{"current_image_id": IMAGE, "revision_id": REVISION, **changes})


def waiting(id_: int = 1, start: int = RELOAD_START, **changes: Any) -> WatchedComputer:
    """One whose reload is to begin at `start`, on a node that has just checked in (at the time of most tests)."""
    plain = {"reload_state": RELOAD, "reload_last_state": RELOAD, "reload_start": start, "target_revision_id": REVISION}
    node = {"reload_id": 7000 + id_, "node_id": NODE, "node": "mn1", "node_seen": 2**40}
    return computer(id_, **{**plain, **node, **changes})


def loading(id_: int = 1, begun: int = RELOAD_START, **changes: Any) -> WatchedComputer:
    """One whose reload began at `begun`."""
    plain = {"reload_state": PENDING, "load_begun": begun, "state": "reloading"}
    return waiting(id_, begun, **{**plain, **changes})


def silent(since: int) -> dict[str, Any]:
    """Of a computer whose management node checked in last at `since`."""
    return {"node_seen": since}


def booking(start: int, end: int, **changes: Any) -> Booking:
    """A stranger's reservation of another image, in use."""
    return Booking(9000, IN_USE, NEW, start, end, OTHER_IMAGE, is_member=False)._replace(**changes)


def member_booking(start: int, end: int, **changes: Any) -> Booking:
    """A member's reservation of the class's image."""
    return booking(start, end, **{"is_member": True, "image_id": IMAGE, **changes})


def reload(start: int, **changes: Any) -> Booking:
    """A reload that is not the block computer's own: one after a user's end, of the class's image."""
    states = {"state_id": RELOAD, "last_state_id": IN_USE}
    return booking(start, start + 30 * MINUTE, **{**states, "image_id": IMAGE, **changes})


__all__ = [
    "CAUTIOUS", "END", "HOUR", "IMAGE", "LAST", "LOAD", "LONGEST", "MINUTE", "NOW", "OLD_REVISION", "OTHER_IMAGE",
    "RECLAIM", "RELOAD_START", "REVISION", "START", "block", "block_time", "booking", "computer", "loaded", "loading",
    "member_booking", "reload", "silent", "waiting",
]  # fmt: skip
