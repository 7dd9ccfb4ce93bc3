"""How long holds keep VCL's front end off the computers that a block time has just got (SPEC 8.7, (b)).

A front end that listed its candidates before the call must not give out a computer that belongs to a class by now:
each gets a hold. But the front end keeps a class's members off the computers of other classes only while none of
their own has their image loaded. When one has, and holds keep the members off it, the front end gives them
another class's computer. So computers with a loaded image get a brief hold only, and for that time so do the computers
that the front end might give to their members instead.
"""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from scheduling.windows import MINUTE, overlap

# Around the start of a class its members come for its computers: those that are loaded for it get no hold.
BEFORE_START, AFTER_START = 5 * MINUTE, 15 * MINUTE


class BlockTimeComputers(NamedTuple):
    """A block time with its computers. Times are Unix seconds.

    On those in `loaded` is the image that the block time has them for, or it is just being loaded: its members can have
    them.
    """

    id: int
    start: int
    end: int
    computers: frozenset[int]
    loaded: frozenset[int]


class Seconds(NamedTuple):
    """For how long holds last: on computers with an image that a class waits for, and on all others."""

    brief: int
    long: int


class Holds(NamedTuple):
    """The holds after a commit. Times are Unix seconds.

    `expires` has for each computer of the call when its hold ends; a computer that is not in it gets none. The
    computers `beside`, which other block times have, get a hold `until` then.
    """

    expires: Mapping[int, int]
    beside: frozenset[int]
    until: int


def holds(
    got: BlockTimeComputers,
    others: Sequence[BlockTimeComputers],
    earlier: Mapping[int, int],
    now: int,
    seconds: Seconds,
) -> Holds:
    """The holds on the computers that a block time has just got, and on others beside them.

    `got` is the block time with these computers alone. `others` are all block times, this one with the computers that
    it had before: a computer may be loaded for another one, whose members wait for it as well. `earlier`: when the
    existing holds on computers end; none is shortened.
    """
    awaited = _union(each.loaded & got.computers for each in (got, *others))
    around = max([now - 1, *_holds_around(got, others, earlier)])
    at_once = around if _is_beginning(got, now) else now + seconds.brief
    expires = {}
    for computer in got.computers:
        ends = now + seconds.long
        if computer in awaited:
            ends = at_once if computer in got.loaded else now + seconds.brief
        ends = max(ends, earlier.get(computer, now - 1))
        if ends >= now:
            expires[computer] = ends
    exposed = [each for each in (got, *others) if each.loaded & expires.keys() & got.computers]
    until = max((ends for computer, ends in expires.items() if computer in awaited), default=now - 1)
    return Holds(expires, _beside(exposed, got, others) - got.computers, until)


def _holds_around(
    got: BlockTimeComputers, others: Iterable[BlockTimeComputers], earlier: Mapping[int, int]
) -> Iterator[int]:
    """When the holds end that keep members of classes at the same hours off their loaded computers.

    Until then these members must not get ours instead.
    """
    for other in others:
        if other.id != got.id and overlap(got.start, got.end, other.start, other.end):
            yield from (earlier[computer] for computer in other.loaded if computer in earlier)


def _beside(
    exposed: Sequence[BlockTimeComputers], got: BlockTimeComputers, others: Sequence[BlockTimeComputers]
) -> frozenset[int]:
    """The computers that the front end might give to members of the `exposed` block times, kept off their own by holds.

    Such a computer may be loaded for its own class, whose members a hold on it then exposes in their turn: so with a
    block time all are exposed that overlap it, and all that overlap these.
    """
    if not exposed:
        return frozenset()
    ids = {each.id for each in exposed}
    links = [each for each in others if each.loaded and each.id != got.id] + [got] * (got.id in ids)
    chains = [chain for chain in _chains(links) if not ids.isdisjoint(each.id for each in chain)]
    alone = {chain[0].id for chain in chains if len(chain) == 1}  # not in the way of others
    spans = sorted((chain[0].start, max(each.end for each in chain)) for chain in chains)
    return _union(each.computers for each in _meeting(spans, others, alone))


def _chains(links: Sequence[BlockTimeComputers]) -> Iterator[list[BlockTimeComputers]]:
    """Block times grouped so that those that overlap, directly or by way of others, are in one group."""
    chain: list[BlockTimeComputers] = []
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
    spans: Sequence[tuple[int, int]], others: Iterable[BlockTimeComputers], alone: Container[int]
) -> Iterator[BlockTimeComputers]:  # fmt: skip
    """The block times that overlap one of these times, which do not overlap one another."""
    for other in others:
        meets = [span for span in spans if overlap(*span, other.start, other.end)]
        if meets and not (other.id in alone and len(meets) == 1):
            yield other


def _is_beginning(block: BlockTimeComputers, now: int) -> bool:
    return block.start - BEFORE_START <= now <= block.start + AFTER_START


def _union(sets: Iterable[frozenset[int]]) -> frozenset[int]:
    none: frozenset[int] = frozenset()
    return none.union(*sets)
