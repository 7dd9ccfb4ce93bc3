"""The computers that may run an image at all, in the order in which they are taken (SPEC 4)."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cached_property

from scheduling.facts import Computer, Fleet, Image, Site
from scheduling.rules import LiveNodes, split_by_fitness, terms_of


class Fit:
    """Computers that pass the rules about the computer itself; `excluded` has a reason against each other one.

    None of that depends on what the computers have loaded. `rows` are their row indexes in the fleet, `by_size` the
    same with the smallest first.
    """

    def __init__(self, image: Image, site: Site, nodes: LiveNodes) -> None:
        self._computers = site.computers
        rows, self.excluded = split_by_fitness(site.computers, terms_of(image, site), nodes)
        self.rows = frozenset(rows)
        self.by_size = _BySize(site.computers, rows)

    @cached_property
    def ids(self) -> frozenset[int]:
        """The ids of the computers."""
        ids = self._computers.column("id")
        return frozenset(ids[row_index] for row_index in self.rows)


class Pool:
    """The computers of `fit`, those first that have the production revision of `image` loaded now."""

    def __init__(self, image: Image, computers: Fleet, fit: Fit) -> None:
        self._computers, self._fit = computers, fit
        self.excluded = fit.excluded
        self._loaded = fit.rows.intersection(computers.rows_with_revision(image.revision_id))
        self._loaded_by_size = _BySize(computers, self._loaded)

    def __contains__(self, computer_id: int) -> bool:
        return computer_id in self.ids

    @property
    def ids(self) -> frozenset[int]:
        """The ids of the computers."""
        return self._fit.ids

    def in_order(self, recent_failures: frozenset[int] = frozenset()) -> Iterator[Computer]:
        """The computers, first choice first; those of `recent_failures` only after all others."""
        if not recent_failures:
            yield from self._in_order()
            return
        yield from (computer for computer in self._in_order() if computer.id not in recent_failures)
        yield from (computer for computer in self._in_order() if computer.id in recent_failures)

    def _in_order(self) -> Iterator[Computer]:
        """Computers that have the image loaded, then the others, the smallest first; equal ones by id."""
        at, loaded = self._computers.at, self._loaded
        for row_index in self._loaded_by_size:
            yield at(row_index)
        for row_index in self._fit.by_size:
            if row_index not in loaded:
                yield at(row_index)


class _BySize:
    """Row indexes of computers, the smallest first; equal ones by id.

    Few of them are ever asked for: those with the same memory are sorted when the first of them is asked for.
    """

    def __init__(self, computers: Fleet, row_indexes: Iterable[int]) -> None:
        columns = ("speed", "processors", "network", "id")
        self._speeds, self._processors, self._networks, self._ids = map(computers.column, columns)
        self._parts: dict[int, list[int]] = defaultdict(list)
        memory = computers.column("ram")
        for row_index in row_indexes:
            self._parts[memory[row_index]].append(row_index)
        self._unsorted = sorted(self._parts, reverse=True)
        self._sorted: list[int] = []

    def __iter__(self) -> Iterator[int]:
        number = 0
        while number < len(self._sorted) or self._sort_next():
            yield self._sorted[number]
            number += 1

    def _sort_next(self) -> bool:
        if not self._unsorted:
            return False
        self._sorted += sorted(self._parts.pop(self._unsorted.pop()), key=self._smallest_first)
        return True

    def _smallest_first(self, row_index: int) -> tuple[int, int, int]:
        return self._speeds[row_index] * self._processors[row_index], self._networks[row_index], self._ids[row_index]
