"""The computers that may run an image at all, in the order in which they are taken (SPEC 4)."""

from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property

from scheduling.facts import Computer, Fleet, Image, Site
from scheduling.rules import LiveNodes, split_by_fitness, terms_of


class Pool:
    """Computers that pass the rules about the computer itself; `excluded` has a reason against each other one."""

    def __init__(self, image: Image, site: Site, nodes: LiveNodes) -> None:
        self._computers = site.computers
        self._fit, self.excluded = split_by_fitness(site.computers, terms_of(image, site), nodes)
        self._in_order = _InOrder(site.computers, self._fit, image)

    def __contains__(self, computer_id: int) -> bool:
        return computer_id in self.ids

    @cached_property
    def ids(self) -> frozenset[int]:
        """The ids of the computers."""
        ids = self._computers.column("id")
        return frozenset(ids[row_index] for row_index in self._fit)

    def in_order(self, recent_failures: frozenset[int] = frozenset()) -> Iterator[Computer]:
        """The computers, first choice first; those of `recent_failures` only after all others."""
        if not recent_failures:
            yield from self._in_order
            return
        yield from (computer for computer in self._in_order if computer.id not in recent_failures)
        yield from (computer for computer in self._in_order if computer.id in recent_failures)


class _InOrder:
    """Computers that have the image loaded, then the others, the smallest first; equal ones by id.

    Few of them are ever asked for: those with the same memory are sorted when the first of them is asked for.
    """

    def __init__(self, computers: Fleet, row_indexes: list[int], image: Image) -> None:
        self._computers = computers
        columns = ("speed", "processors", "network", "id")
        self._speeds, self._processors, self._networks, self._ids = map(computers.column, columns)
        self._parts: dict[tuple[bool, int], list[int]] = defaultdict(list)
        revisions, memory = computers.column("revision_id"), computers.column("ram")
        for row_index in row_indexes:
            self._parts[revisions[row_index] != image.revision_id, memory[row_index]].append(row_index)
        self._unsorted = sorted(self._parts, reverse=True)
        self._sorted: list[int] = []

    def __iter__(self) -> Iterator[Computer]:
        number = 0
        while number < len(self._sorted) or self._sort_next():
            yield self._computers.at(self._sorted[number])
            number += 1

    def _sort_next(self) -> bool:
        if not self._unsorted:
            return False
        self._sorted += sorted(self._parts.pop(self._unsorted.pop()), key=self._smallest_first)
        return True

    def _smallest_first(self, row_index: int) -> tuple[int, int, int]:
        return self._speeds[row_index] * self._processors[row_index], self._networks[row_index], self._ids[row_index]
