"""When the spares of a class are given back, and which of its computers.

A spare is not marked: a class has as many as it has machines beyond those wanted, and no more than are on record. So it
is the computers that are of least use that go.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from scheduling.machines import whole_machines
from scheduling.upkeep.condition import Condition, Kind
from scheduling.upkeep.facts import BlockTimeFacts
from scheduling.windows import MINUTE

GIVEN_BACK_AFTER = 15 * MINUTE  # that a class has been complete
_GAP = 3 * MINUTE  # looks that are further apart have not seen what was between them


def spares(block_time: BlockTimeFacts) -> int:
    """How many spares the class has: whole machines."""
    if not block_time.target.spares:
        return 0
    has = whole_machines(block_time.block.image_ids, Counter(each.facts.image_id for each in block_time.computers))
    return min(max(has - block_time.target.machines, 0), block_time.target.spares)


def complete_since(
    block_time: BlockTimeFacts, conditions: Iterable[Condition], last_look: int | None, now: int
) -> int | None:
    """Since when all machines of a class with spares have been ready, by looks that follow one another; Unix seconds.

    None when they are not, or when the class has no spares. `last_look`: when the look before this one was.
    """
    if not spares(block_time) or not _is_complete(block_time, conditions):
        return None
    is_unbroken = last_look is not None and 0 <= now - last_look <= _GAP
    return block_time.complete_since if is_unbroken and block_time.complete_since is not None else now


def are_due(block_time: BlockTimeFacts, conditions: Iterable[Condition], now: int) -> bool:
    """Whether the class has been complete for so long that it gives its spares back."""
    since = block_time.complete_since
    has_been = since is not None and now >= since + GIVEN_BACK_AFTER
    return has_been and bool(spares(block_time)) and _is_complete(block_time, conditions)


def to_give_back(block_time: BlockTimeFacts, conditions: Sequence[Condition]) -> list[Condition]:
    """The computers that go: those that will not be ready first, then those that were chosen last.

    None goes that a member uses, or that somebody is just reserving. Of a cluster as many go for each of its images.
    """
    number, needed = spares(block_time), Counter(block_time.block.image_ids)
    gone: list[Condition] = []
    for image_id, each in needed.items():
        theirs = sorted((one for one in conditions if one.computer.facts.image_id == image_id), key=_use)
        gone += [one for one in theirs if _is_free(one)][: number * each]
    return gone


def _is_complete(block_time: BlockTimeFacts, conditions: Iterable[Condition]) -> bool:
    ready = Counter(each.computer.facts.image_id for each in conditions if each.kind is Kind.READY)
    return whole_machines(block_time.block.image_ids, ready) >= block_time.target.machines


_HOPE = (Kind.LOST, Kind.DOUBTFUL, Kind.TO_LOAD, Kind.ON_ITS_WAY, Kind.READY)  # the least first


def _use(each: Condition) -> tuple[int, int]:
    # Reloads were written in the order in which their computers were chosen.
    return _HOPE.index(each.kind), -each.computer.reload_id


def _is_free(each: Condition) -> bool:
    is_used = any(booking.is_occupying and booking.is_member for booking in each.computer.bookings)
    return not is_used and not each.computer.live_semaphore
