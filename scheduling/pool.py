"""The computers that may run an image at all, in the order in which they are taken (SPEC 4)."""

from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property

from scheduling.facts import Computer, Image, Site
from scheduling.rules import LiveNodes, sort_out, terms_of


class Pool:
    """Computers that pass the rules about the computer itself; `passed_over` has a reason for the others."""

    def __init__(self, image: Image, site: Site, nodes: LiveNodes) -> None:
        self.image = image
        self.fit, self.passed_over = sort_out(site.computers.values(), terms_of(image, site), nodes)
        self._in_order = _InOrder(self)

    def __contains__(self, computer_id: int) -> bool:
        return computer_id in self._ids

    @cached_property
    def _ids(self) -> frozenset[int]:
        return frozenset(computer.id for computer in self.fit)

    def in_order(self, suspects: frozenset[int] = frozenset()) -> Iterator[Computer]:
        """The computers, first choice first; `suspects` (recent failures) only after all others."""
        if not suspects:
            yield from self._in_order
            return
        yield from (computer for computer in self._in_order if computer.id not in suspects)
        yield from (computer for computer in self._in_order if computer.id in suspects)


class _InOrder:
    """Those that hold the image, then the smallest that fits; equal ones by id.

    Few of many are ever asked for: what has the same memory is sorted when its turn comes.
    """

    def __init__(self, pool: Pool) -> None:
        self._parts: dict[tuple[bool, int], list[Computer]] = defaultdict(list)
        revision = pool.image.revision_id
        for computer in pool.fit:
            self._parts[computer.revision_id != revision, computer.ram].append(computer)
        self._unsorted = sorted(self._parts, reverse=True)
        self._sorted: list[Computer] = []

    def __iter__(self) -> Iterator[Computer]:
        place = 0
        while place < len(self._sorted) or self._sort_next():
            yield self._sorted[place]
            place += 1

    def _sort_next(self) -> bool:
        if not self._unsorted:
            return False
        self._sorted += sorted(self._parts.pop(self._unsorted.pop()), key=_smallest_first)
        return True


def _smallest_first(computer: Computer) -> tuple[int, int, int]:
    return computer.speed * computer.processors, computer.network, computer.id
