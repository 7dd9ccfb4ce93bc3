"""A private Galera cluster of three MariaDB nodes for tests: up in a few seconds, removed without a trace."""

import os
import re
import shutil
import socket
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.servers.mariadb_server import MariaDBUnavailable, PrivateMariaDB

SYNC_SECONDS = 60.0
_LIBRARIES = ("/usr/lib/galera/libgalera_smm.so", "/usr/lib/libgalera_smm.so", "/usr/lib64/galera-4/libgalera_smm.so")
_HERE = Path(__file__).resolve().parent


class GaleraNode(PrivateMariaDB):
    """One node. Its data begin as a copy of `copied_from`, or empty; `peers` are the ports of all nodes."""

    start_seconds = 90.0  # the others may take a while to give up the node that crashed

    def __init__(self, name: str, port: int, peers: Sequence[int], copied_from: Path | None = None) -> None:
        super().__init__()
        self.name = name
        self._galera_port = port
        self._peers = peers
        self._copied_from = copied_from
        self._library = _library()

    @property
    def data(self) -> Path:
        """The data directory."""
        return self._home / "data"

    def shut_down(self) -> None:
        """Stop the server cleanly; its data stay."""
        assert self._process is not None
        self._process.terminate()
        self._process.wait()

    def bring_back(self) -> None:
        """Start a node that was killed; returns when it has caught up with the others."""
        # What `galera_recovery` does at every start of MariaDB's own service.
        position = re.search(r"Recovered position: *(\S+)", self._run_server("--wsrep-recover"))
        if position is None:
            raise MariaDBUnavailable(f"{self.name} does not know its position")
        self._extra_args = [f"--wsrep-start-position={position[1]}"]
        self.relaunch()
        self.wait_synced()

    def wait_synced(self) -> None:
        """Wait until the node has joined the cluster."""
        deadline = time.monotonic() + SYNC_SECONDS
        while self.status("wsrep_local_state_comment") != "Synced" or self.status("wsrep_ready") != "ON":
            if time.monotonic() > deadline:
                log = (self._home / "server.log").read_text(errors="replace")
                raise MariaDBUnavailable(f"{self.name} did not join its cluster:\n{log}")
            time.sleep(0.05)

    def status(self, name: str) -> str:
        """A status variable of the node; "" when it does not answer."""
        try:
            return self.execute(f"SHOW STATUS LIKE '{name}'").partition("\t")[2].strip()
        except MariaDBUnavailable:
            return ""

    def _install(self) -> None:
        if self._copied_from is None:
            super()._install()
        else:
            shutil.copytree(self._copied_from, self.data)

    def _arguments(self) -> list[str]:
        provider = {
            "base_port": self._galera_port,
            "gmcast.listen_addr": f"tcp://127.0.0.1:{self._galera_port}",
            "ist.recv_addr": f"127.0.0.1:{_free_ports(1)[0]}",
            "gcache.size": "128M",  # a node can catch up with this much of the past
        }
        return [
            *super()._arguments(),
            "--binlog-format=ROW",
            "--innodb-autoinc-lock-mode=2",
            "--wsrep-on=ON",
            f"--wsrep-provider={self._library}",
            f"--wsrep-provider-options={';'.join(f'{name}={value}' for name, value in provider.items())}",
            "--wsrep-cluster-name=vcl",
            f"--wsrep-cluster-address=gcomm://{','.join(f'127.0.0.1:{port}' for port in self._peers)}",
            f"--wsrep-node-name={self.name}",
            f"--wsrep-node-address=127.0.0.1:{self._galera_port}",
            "--wsrep-sst-method=catch_up",
        ]

    def _environment(self) -> dict[str, str]:
        return {**super()._environment(), "PATH": f"{_HERE}:{os.environ['PATH']}"}


class GaleraCluster:
    """Three nodes that may all be written to at once."""

    def __init__(self, size: int = 3) -> None:
        self._ports = _free_ports(size)
        self.nodes: list[GaleraNode] = []

    def start(self) -> Self:
        """Start all nodes; returns when they are one cluster."""
        try:
            first = self._add(GaleraNode("node0", self._ports[0], self._ports))
            first.start(["--wsrep-new-cluster"])
            first.wait_synced()
            # The others begin as copies of its data, which know the cluster and its position.
            first.shut_down()
            copies = [
                self._add(GaleraNode(f"node{number}", port, self._ports, first.data))
                for number, port in enumerate(self._ports[1:], 1)
            ]
            for copy in copies:
                copy.prepare()
            first.relaunch()
            first.wait_synced()
            for copy in copies:
                copy.relaunch()
                copy.wait_synced()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop all nodes and remove their data."""
        for node in self.nodes:
            node.stop()
        self.nodes = []

    def url(self, number: int, database: str) -> str:
        """The DATABASE_URL of a database by way of one node."""
        return self.nodes[number].url(database)

    def kill_node(self, number: int) -> None:
        """Let a node crash."""
        self.nodes[number].kill()

    def bring_back(self, number: int) -> None:
        """Start a node that crashed; returns when it has caught up."""
        self.nodes[number].bring_back()

    def wait_synced(self) -> None:
        """Wait until every node has joined."""
        for node in self.nodes:
            node.wait_synced()

    def wait_alike(self) -> None:
        """Wait until every node has applied what any of them has committed."""
        last = max(int(node.status("wsrep_last_committed")) for node in self.nodes)
        deadline = time.monotonic() + SYNC_SECONDS
        while any(int(node.status("wsrep_last_committed")) < last for node in self.nodes):
            if time.monotonic() > deadline:
                raise MariaDBUnavailable("the nodes did not become alike")
            time.sleep(0.05)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.stop()

    def _add(self, node: GaleraNode) -> GaleraNode:
        self.nodes.append(node)
        return node


def _free_ports(count: int) -> list[int]:
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports


def _library() -> str:
    library = next((path for path in _LIBRARIES if Path(path).exists()), None)
    if library is None:
        raise MariaDBUnavailable("Galera is not installed: apt-get install galera-4 (Debian, Ubuntu)")
    return library
