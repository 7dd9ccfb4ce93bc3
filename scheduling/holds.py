"""How long holds keep VCL's front end off the computers that a block time has just got (SPEC 8.7, (b)).

A front end that listed its candidates before the call must not give out a computer that belongs to a class by now:
each gets a hold. But the front end keeps a class's members off the computers of other classes only while none of
their own has their image loaded. When one has, and holds keep the members off it, the front end gives them another
class's computer: a substitute. So computers with a loaded image get a brief hold only, and for that time so do the
substitutes.

An example: a call takes computers 1 and 2, which have the image loaded, for class A from nine to eleven. Class B, from
ten to twelve, has computers 4 and 5; class C, from half past eleven to one, has computer 6.

- The holds on 1 and 2 keep the members of A off their own computers. The front end might give them 4 or 5, since B
  overlaps A: 4 and 5 are held too. It does not give them 6, since C begins after A is over.
- If 4 is loaded for B, the hold on it keeps the members of B off in their turn. The front end might give them 6: it is
  held as well. If neither 4 nor 5 is loaded, the front end gives the members of B nobody else's computers: 6 is free of
  holds.
- They might also be given 1 and 2: the holds on these last as long as that on 4.
"""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from scheduling.windows import MINUTE, overlap

# Around the start of a class its members come for its computers: those that are loaded for it get no hold.
BEFORE_START, AFTER_START = 5 * MINUTE, 15 * MINUTE


class BlockTimeComputers(NamedTuple):
    """A block time with its computers. Times are Unix seconds.

    Computers in `loaded` have the image that the block time wants on them, or are just being loaded: its members can
    have them.
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

    `expires` is when the hold on each computer of the call ends; a computer that is not in it gets none. `substitutes`
    are computers of other block times, which get a hold until `substitutes_until` (None: there are none).
    """

    expires: Mapping[int, int]
    substitutes: frozenset[int] = frozenset()
    substitutes_until: int | None = None


def holds(
    just_taken: BlockTimeComputers,
    block_times: Sequence[BlockTimeComputers],
    existing: Mapping[int, int],
    now: int,
    seconds: Seconds,
    written: int,
) -> Holds:
    """The holds on the computers that a block time has just got, and on their substitutes.

    `just_taken` is that block time with these computers alone. `block_times` are all of them, this one with the
    computers that it had before: a computer may be loaded for another one, whose members wait for it as well.
    `existing` is when the holds that there are already end, by computer; none is shortened. `now` is when all this was
    read, `written` when the holds are written, which may be some seconds later: until then a front end may have listed
    the substitutes. Computers of the call that are substitutes as well are held as long as the others.
    """
    everybody = (just_taken, *block_times)
    awaited = _union(each.loaded & just_taken.computers for each in everybody)
    until_loaded: int | None = now + seconds.brief  # with the image of this class itself
    if _is_beginning(just_taken, now):
        until_loaded = max(_ends_at_the_same_hours(just_taken, block_times, existing), default=None)
    expires = {}
    for computer in just_taken.computers:
        until = now + (seconds.brief if computer in awaited else seconds.long)
        wanted = until_loaded if computer in just_taken.loaded else until
        ends = [end for end in (wanted, existing.get(computer)) if end is not None and end >= now]
        if ends:
            expires[computer] = max(ends)
    kept_off = [each for each in everybody if each.loaded & expires.keys()]
    substitutes = _substitutes(kept_off, just_taken, block_times)
    if not substitutes:
        return Holds(expires)
    until = max(expires[computer] for computer in awaited & expires.keys())
    if others := substitutes - just_taken.computers:
        until = max(until, written + seconds.brief)
    for computer in substitutes & expires.keys():
        expires[computer] = max(expires[computer], until)
    return Holds(expires, others, until if others else None)


def _is_beginning(block_time: BlockTimeComputers, now: int) -> bool:
    return block_time.start - BEFORE_START <= now <= block_time.start + AFTER_START


def _ends_at_the_same_hours(
    just_taken: BlockTimeComputers, block_times: Iterable[BlockTimeComputers], existing: Mapping[int, int]
) -> Iterator[int]:
    """When the holds end that keep members of other classes, at the same hours, off their loaded computers.

    Until then the computers just taken are substitutes for theirs.
    """
    for other in block_times:
        if other.id != just_taken.id and overlap(just_taken.start, just_taken.end, other.start, other.end):
            yield from (existing[computer] for computer in other.loaded if computer in existing)


def _substitutes(
    kept_off: Sequence[BlockTimeComputers], just_taken: BlockTimeComputers, block_times: Sequence[BlockTimeComputers]
) -> frozenset[int]:
    """The computers that the front end might give to members of block times that holds keep off their own computers.

    The computers just taken may be among them. Kept off are those in `kept_off` and, since a substitute may be loaded
    for its own class, in their turn those with loaded computers that overlap them, and that overlap these.
    """
    if not kept_off:
        return frozenset()
    ids = {each.id for each in kept_off}
    loaded = [each for each in block_times if each.loaded and each.id != just_taken.id]
    if just_taken.id in ids:
        loaded.append(just_taken)
    groups = [group for group in _groups_by_overlap(loaded) if not ids.isdisjoint(each.id for each in group)]
    spans = sorted((group[0].start, max(each.end for each in group)) for group in groups)
    alone = {group[0].id for group in groups if len(group) == 1}
    return _union(each.computers for each in _overlapping(spans, (*block_times, just_taken), alone))


def _groups_by_overlap(block_times: Iterable[BlockTimeComputers]) -> Iterator[list[BlockTimeComputers]]:
    """Block times grouped so that those that overlap, directly or by way of others, are in one group; by start."""
    group: list[BlockTimeComputers] = []
    end = 0  # of the last in the group
    for each in sorted(block_times, key=lambda block_time: block_time.start):
        if group and each.start >= end:
            yield group
            group = []
        end = max(end, each.end) if group else each.end
        group.append(each)
    if group:
        yield group


def _overlapping(
    spans: Sequence[tuple[int, int]], block_times: Iterable[BlockTimeComputers], alone: Container[int]
) -> Iterator[BlockTimeComputers]:
    """The block times that overlap one of the spans of groups, which do not overlap one another.

    A block time that is `alone` in its group does not count for the span of that group, which is its own.
    """
    for each in block_times:
        overlapped = sum(overlap(*span, each.start, each.end) for span in spans)
        if overlapped > (each.id in alone):
            yield each


def _union(sets: Iterable[frozenset[int]]) -> frozenset[int]:
    none: frozenset[int] = frozenset()
    return none.union(*sets)
