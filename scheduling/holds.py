"""How long VCL's front end is kept off the computers that a block time has just got (SPEC 8.7, (b)).

A front end that listed its candidates before must not get a computer that is a class's by now: each is held for a
while. But once a member of the class has computers of his own that hold his image, the front end leaves no other
block's computers out for him any more. When his own are held, he is given another class's. So loaded computers are
held for a moment only, and with them whatever the front end might give to their members instead.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from scheduling.windows import MINUTE, overlap

# Around the start of a class its members come for its computers: nothing that is loaded for it is held.
BEFORE_START, AFTER_START = 5 * MINUTE, 15 * MINUTE


class HeldBlock(NamedTuple):
    """A block time with its computers, and those of them that hold the image that it has them for. Unix seconds."""

    id: int
    start: int
    end: int
    computers: frozenset[int]
    loaded: frozenset[int]


class Holds(NamedTuple):
    """What is held after a commit, apart from what is held for long.

    Of the call's computers `brief` are held for a moment and `free` not at all, all others for long. For the same
    moment are held the computers `beside`, which other block times have.
    """

    brief: frozenset[int] = frozenset()
    free: frozenset[int] = frozenset()
    beside: frozenset[int] = frozenset()


def holds(got: HeldBlock, others: Sequence[HeldBlock], now: int) -> Holds:
    """What is to be held of the computers that a block time has just got.

    `got` is the block time with these computers alone, and those of them that hold its image already. `others` are the
    other block times. A computer may be loaded for one of them: it is as dear to the members of that class.
    """
    free = got.loaded if _is_beginning(got, now) else frozenset()
    concerned = [each for each in (got, *others) if each.loaded & got.computers - free]
    brief = _union(each.loaded & got.computers for each in concerned) - free
    return Holds(brief, free, _beside(concerned, others) - got.computers)


def _beside(exposed: Iterable[HeldBlock], others: Sequence[HeldBlock]) -> frozenset[int]:
    """The computers that the front end might give to members of these classes, whose own computers are held.

    What is held for their sake may be loaded for its own class, whose members are exposed then in their turn.
    """
    reached: dict[int, HeldBlock] = {}
    exposed = list(exposed)
    seen = {each.id for each in exposed}
    while exposed:
        block = exposed.pop()
        for other in others:
            if other.id == block.id or not overlap(block.start, block.end, other.start, other.end):
                continue
            reached[other.id] = other
            if other.loaded and other.id not in seen:
                seen.add(other.id)
                exposed.append(other)
    return _union(each.computers for each in reached.values())


def _is_beginning(block: HeldBlock, now: int) -> bool:
    return block.start - BEFORE_START <= now <= block.start + AFTER_START


def _union(sets: Iterable[frozenset[int]]) -> frozenset[int]:
    none: frozenset[int] = frozenset()
    return none.union(*sets)
