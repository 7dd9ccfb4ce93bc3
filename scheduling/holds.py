"""How long VCL's front end is kept off the computers that a block time has just got (SPEC 8.7, (b)).

A front end that listed its candidates before must not get a computer that is a class's by now: each is held for a
while. But once a member of a class has computers of his own that hold his image, the front end leaves no other
block's computers out for him any more. When his own are held, he is given another class's. So computers that somebody
waits for are held for a moment only, and with them whatever the front end might give to their members instead.
"""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from scheduling.windows import MINUTE, overlap

# Around the start of a class its members come for its computers: nothing that is loaded for it is held.
BEFORE_START, AFTER_START = 5 * MINUTE, 15 * MINUTE


class HeldBlock(NamedTuple):
    """A block time with its computers, and those of them that its members can have: `loaded`. Unix seconds.

    They hold the image that it has them for, or are just being loaded.
    """

    id: int
    start: int
    end: int
    computers: frozenset[int]
    loaded: frozenset[int]


class Seconds(NamedTuple):
    """For how long computers are held: those that somebody waits for, and all others."""

    brief: int
    long: int


class Holds(NamedTuple):
    """What is held after a commit. Times are Unix seconds.

    `expires` tells for each computer of the call until when; what is not in it is not held. The computers `beside`,
    which other block times have, are held `until` then.
    """

    expires: Mapping[int, int]
    beside: frozenset[int]
    until: int


def holds(got: HeldBlock, others: Sequence[HeldBlock], held: Mapping[int, int], now: int, seconds: Seconds) -> Holds:
    """What is to be held of the computers that a block time has just got, and beside them.

    `got` is the block time with these computers alone, and those of them that hold its image already. `others` are all
    block times, ours with what it had before: a computer may be loaded for another one, and is as dear to the members
    of that class. `held` says until when computers are held already: no hold is shortened.
    """
    awaited = _union(each.loaded & got.computers for each in (got, *others))
    at_once = max([now - 1, *_holds_around(got, others, held)]) if _is_beginning(got, now) else now + seconds.brief
    expires = {}
    for computer in got.computers:
        ends = now + seconds.long
        if computer in awaited:
            ends = at_once if computer in got.loaded else now + seconds.brief
        ends = max(ends, held.get(computer, now - 1))
        if ends >= now:
            expires[computer] = ends
    exposed = [each for each in (got, *others) if each.loaded & expires.keys() & got.computers]
    until = max((ends for computer, ends in expires.items() if computer in awaited), default=now - 1)
    return Holds(expires, _beside(exposed, got, others) - got.computers, until)


def _holds_around(got: HeldBlock, others: Iterable[HeldBlock], held: Mapping[int, int]) -> Iterator[int]:
    """Until when members of classes at the same hours are kept off their computers: they must not get ours instead."""
    for other in others:
        if other.id != got.id and overlap(got.start, got.end, other.start, other.end):
            yield from (held[computer] for computer in other.loaded if computer in held)


def _beside(exposed: Sequence[HeldBlock], got: HeldBlock, others: Sequence[HeldBlock]) -> frozenset[int]:
    """The computers that the front end might give to members of these classes, whose own computers are held.

    What is held for their sake may be loaded for its own class, whose members are exposed then in their turn: from an
    exposed class all are reached that overlap it, and from these those that overlap them.
    """
    if not exposed:
        return frozenset()
    ids = {each.id for each in exposed}
    links = [each for each in others if each.loaded and each.id != got.id] + [got] * (got.id in ids)
    chains = [chain for chain in _chains(links) if not ids.isdisjoint(each.id for each in chain)]
    alone = {chain[0].id for chain in chains if len(chain) == 1}  # it is in its own way only
    spans = sorted((chain[0].start, max(each.end for each in chain)) for chain in chains)
    return _union(each.computers for each in _meeting(spans, others, alone))


def _chains(links: Sequence[HeldBlock]) -> Iterator[list[HeldBlock]]:
    """Block times that overlap one another, be it by way of others."""
    chain: list[HeldBlock] = []
    end = 0
    for each in sorted(links, key=lambda block: block.start):
        if chain and each.start >= end:
            yield chain
            chain = []
        end = max(end, each.end) if chain else each.end
        chain.append(each)
    if chain:
        yield chain


def _meeting(
    spans: Sequence[tuple[int, int]], others: Iterable[HeldBlock], alone: Container[int]
) -> Iterator[HeldBlock]:  # fmt: skip
    """The block times that overlap one of these times, which do not overlap one another."""
    for other in others:
        meets = [span for span in spans if overlap(*span, other.start, other.end)]
        if meets and not (other.id in alone and len(meets) == 1):
            yield other


def _is_beginning(block: HeldBlock, now: int) -> bool:
    return block.start - BEFORE_START <= now <= block.start + AFTER_START


def _union(sets: Iterable[frozenset[int]]) -> frozenset[int]:
    none: frozenset[int] = frozenset()
    return none.union(*sets)
