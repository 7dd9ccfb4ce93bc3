"""How many calls a worker passes on at a time: a slow front end must not take all its threads."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from blockalloc.models import ManagementNode
from vclsite.front_end import MAX_CONCURRENT_CALLS

KEPT_FOR_NODES = MAX_CONCURRENT_CALLS // 2  # other callers can't keep management nodes out


class NoSeat(Exception):
    """The maximum number of calls is being passed on."""


class Seats:
    """The seats of one worker process, of which `kept` are for management nodes only."""

    def __init__(self, total: int, kept: int) -> None:
        self._total, self._kept = total, kept
        self._nodes = self._others = 0
        self._lock = Lock()

    @contextmanager
    def taken(self, *, by_node: bool) -> Iterator[None]:
        """Occupy a seat while the block runs. Raises NoSeat, at once, when there is none."""
        with self._lock:
            full = self._nodes + self._others >= self._total
            if full or (not by_node and self._others >= self._total - self._kept):
                raise NoSeat
            self._count(by_node=by_node, step=1)
        try:
            yield
        finally:
            with self._lock:
                self._count(by_node=by_node, step=-1)

    def _count(self, *, by_node: bool, step: int) -> None:
        if by_node:
            self._nodes += step
        else:
            self._others += step


def is_management_node(address: str) -> bool:
    """Whether `address` is that of a management node in VCL's tables that is not deleted."""
    return ManagementNode.objects.filter(IPaddress=address).exclude(state__name="deleted").exists()
