"""Calls through the nodes of the run's cluster: each in a thread of its own, with a connection of its own."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from threading import Barrier
from typing import Any

from django.db import connection, connections

from blockalloc.allocation import service
from blockalloc.contract.messages import BlockAllocationCall
from tests.support.servers.galera_cluster import GaleraCluster
from tests.support.sites.class_site import CALLER, class_site

SECONDS = 60


class Nodes:
    """The nodes by their numbers. Node 0 is the one that the tests' own connection uses."""

    def __init__(self, cluster: GaleraCluster) -> None:
        self.cluster = cluster
        self._pool = ThreadPoolExecutor(max_workers=8)
        self._killed: set[int] = set()

    @contextmanager
    def site(self, **numbers: int) -> Iterator[None]:
        """The class site, on every node."""
        with class_site(**numbers):
            self.cluster.wait_alike()
            yield

    @contextmanager
    def through(self, node: int) -> Iterator[Any]:
        """Let this thread work on a node; gives the connection."""
        usual = connections["default"]
        place = {"unix_socket": self.cluster.nodes[node].socket}
        wanted = usual.settings_dict | {"OPTIONS": usual.settings_dict["OPTIONS"] | place}
        connections["default"] = type(usual)(wanted, "default")
        try:
            yield connections["default"]
        finally:
            connections["default"].close()
            connections["default"] = usual

    def run(self, node: int, work: Callable[[], Any]) -> Future[Any]:
        """Do something on a node, in another thread."""

        def on_node() -> Any:
            with self.through(node):
                return work()

        return self._pool.submit(on_node)

    def allocate(self, node: int, call: BlockAllocationCall) -> Future[int]:
        """Make a call on a node."""
        return self.run(node, lambda: service.allocate_block(call, CALLER))

    def allocate_at_once(self, calls: Sequence[tuple[int, BlockAllocationCall]]) -> list[int]:
        """Make calls (node, call) at the same moment; their answers."""
        start = Barrier(len(calls))

        def work(call: BlockAllocationCall) -> int:
            connection.ensure_connection()
            start.wait(SECONDS)
            return service.allocate_block(call, CALLER)

        made = [self.run(node, partial(work, call)) for node, call in calls]
        answers = [future.result(SECONDS) for future in made]
        self.cluster.wait_alike()
        return answers

    def kill(self, node: int) -> None:
        """Let a node crash."""
        self._killed.add(node)
        self.cluster.kill_node(node)

    def bring_back(self, node: int) -> None:
        """Start it again; returns when it has caught up."""
        self.cluster.bring_back(node)
        self._killed.discard(node)

    def isolate(self, node: int, *, alone: bool) -> None:
        """Cut a node off from the others, as a broken network does, or let it back."""
        self.cluster.nodes[node].execute(f"SET GLOBAL wsrep_provider_options = 'gmcast.isolate={int(alone)}'")

    def restore(self) -> None:
        """Bring back the nodes that were killed."""
        for node in list(self._killed):
            self.bring_back(node)
        self.cluster.wait_synced()
        self._pool.shutdown()
