"""The computers that may run an image at all, in the order in which they are taken (SPEC 4)."""

from collections import defaultdict, deque
from collections.abc import Container, Iterable, Iterator
from functools import cached_property
from itertools import chain

from scheduling.facts import Computer, Fleet, Image, Site
from scheduling.rules import Kind, LiveNodes, kinds_of, split_by_fitness, terms_of


class Fit:
    """Computers that pass the rules about the computer itself; `excluded` has a reason against each other one.

    None of that depends on what the computers have loaded. `rows` are their row indexes in the fleet, `by_size` the
    same with the smallest first.
    """

    def __init__(self, image: Image, site: Site, nodes: LiveNodes, kinds: Iterable[Kind] | None = None) -> None:
        self._computers = site.computers
        kinds = kinds_of(site.computers, nodes) if kinds is None else kinds
        rows, self.excluded = split_by_fitness(site.computers, kinds, terms_of(image, site), nodes)
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
        self.begin_again()

    def __contains__(self, computer_id: int) -> bool:
        return computer_id in self.ids

    @property
    def ids(self) -> frozenset[int]:
        """The ids of the computers."""
        return self._fit.ids

    def begin_again(self) -> None:
        """Forget what `left` was told."""
        self._left: deque[Computer] = deque()  # the computers that were asked for before, in order
        self._further = self._in_order()

    def left(self, taken: Container[int], occupied: Container[int]) -> Iterator[Computer]:
        """The computers in order, but for those with these ids.

        What is taken or occupied has to stay so until `begin_again`: the computers in front are left out for good, so
        that choosing many of a long list takes no longer than choosing the first ones.
        """
        left = self._left
        while left and (left[0].id in taken or left[0].id in occupied):
            left.popleft()
        for computer in left:
            if computer.id not in taken and computer.id not in occupied:
                yield computer
        for computer in self._further:
            if computer.id not in taken and computer.id not in occupied:
                left.append(computer)
                yield computer

    def in_order(self, recent_failures: frozenset[int] = frozenset()) -> Iterator[Computer]:
        """The computers, first choice first; those of `recent_failures` only after all others."""
        if not recent_failures:
            return self._in_order()
        others = (computer for computer in self._in_order() if computer.id not in recent_failures)
        return chain(others, (computer for computer in self._in_order() if computer.id in recent_failures))

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
        self._sorted: list[list[int]] = []  # those of the smallest memory first

    def __iter__(self) -> Iterator[int]:
        number = 0
        while number < len(self._sorted) or self._sort_next():
            yield from self._sorted[number]
            number += 1

    def _sort_next(self) -> bool:
        if not self._unsorted:
            return False
        self._sorted.append(sorted(self._parts.pop(self._unsorted.pop()), key=self._smallest_first))
        return True

    def _smallest_first(self, row_index: int) -> tuple[int, int, int]:
        return self._speeds[row_index] * self._processors[row_index], self._networks[row_index], self._ids[row_index]
