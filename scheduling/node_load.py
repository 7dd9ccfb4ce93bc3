"""Which management node gets a reload: the one with the fewest at that time (SPEC 4, rule 10; 8.10)."""

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict

from scheduling.facts import ManagementNode, Site
from scheduling.windows import MINUTE

AROUND = 30 * MINUTE  # reservations that start closer than this to the reload's start count


class NodeLoad:
    """When reservations start on each management node, with the reloads planned so far."""

    def __init__(self, site: Site) -> None:
        self._starts: dict[int, list[int]] = defaultdict(list)
        for reservation in site.reservations:
            self._starts[reservation.management_node_id].append(reservation.start)
        for starts in self._starts.values():
            starts.sort()

    def add(self, node: ManagementNode, start: int) -> None:
        """Count a reload planned on `node`."""
        insort(self._starts[node.id], start)

    def least_loaded(self, nodes: tuple[ManagementNode, ...], start: int) -> ManagementNode:
        """The node with the fewest reservations around `start`; of equal ones the lowest id."""
        return min(nodes, key=lambda node: (self._around(self._starts[node.id], start), node.id))

    @staticmethod
    def _around(starts: list[int], start: int) -> int:
        return bisect_left(starts, start + AROUND) - bisect_right(starts, start - AROUND)
