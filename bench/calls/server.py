"""The service as it is measured: gunicorn as a site runs it, and calls over new HTTP connections."""

import xmlrpc.client
from pathlib import Path

from bench.calls.database import Database
from bench.calls.site import ZONE, Site
from tests.support.servers.live_server import LiveServer

_HEADERS = (("X-APIVERSION", "2"),)


class MeasuredServer(LiveServer):
    """The server on a database, with the settings for calls of any size."""

    def __init__(self, directory: Path, database: Database) -> None:
        super().__init__(directory, database.url)

    def begin(self, extra: dict[str, str]) -> "MeasuredServer":
        """Start with `extra` in the environment."""
        return self.start(
            {"VCL_ALLOW_PLAIN_HTTP": "1", "VCL_MAX_BLOCK_MACHINES": "255", "VCL_TIME_ZONE": ZONE, **extra}
        )

    def peak_memory(self) -> int:
        """The most memory that one of the workers ever had, in kilobytes."""
        assert self._process is not None
        pid = self._process.pid
        workers = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return max(_peak(Path(f"/proc/{worker}/status")) for worker in workers)


def _peak(status: Path) -> int:
    (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1])


class Client:
    """Calls as back ends make them. Kept for several calls, a client keeps its connection open."""

    def __init__(self, url: str, site: Site) -> None:
        headers = [("X-User", site.user), ("X-Pass", site.password), *_HEADERS]
        self._proxy = xmlrpc.client.ServerProxy(f"{url}/xmlrpc/", headers=headers)

    def call(self, *parameters: int) -> int:
        """XMLRPCblockAllocation; raises xmlrpc.client.Fault."""
        answer = self._proxy.XMLRPCblockAllocation(*parameters)
        assert isinstance(answer, int)
        return answer

    def close(self) -> None:
        """Close the connection."""
        self._proxy("close")()
