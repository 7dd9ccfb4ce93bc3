"""Runs the service as its units in deploy/systemd/ do, where there is no systemd: socket, restart, reload, crash.

The socket is open for as long as the supervisor is, as that of blockalloc.socket is; the processes of the service get
it by the variables of systemd's protocol, and tell by $NOTIFY_SOCKET that they are ready and which of them is the first
one. What systemd knows as the processes of a unit is a process group here.
"""

import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.servers.mariadb_server import SECRET_KEY
from tests.support.servers.own_process import ROOT, inherited

# As the unit says, but that a test has less time to wait for a service that is lost.
START_SECONDS, STOP_SECONDS, RESTART_SECONDS = 60.0, 180.0, 1.0
BACKLOG = 2048

# What systemd does between fork and exec: the socket becomes descriptor 3, of this process.
_WITH_SOCKET = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
os.execv(sys.argv[2], sys.argv[2:])
"""


class Supervisor:
    """The service on a socket of this machine; `log` is the file with all that it prints.

    `main` is the process that systemd would call the unit's main process, 0 when there is none; `settings` are the
    variables that configure it, `environment` has all others too.
    """

    def __init__(self, directory: Path, database_url: str, env: Mapping[str, str]) -> None:
        self.log = directory / "service.log"
        self.runtime = directory / "run"
        self.runtime.mkdir()
        self.main = 0
        self._group = 0
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
        self.port: int = self._listener.getsockname()[1]
        self._notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notices.bind(str(directory / "notify"))
        self._ready: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.settings = {"DJANGO_SECRET_KEY": SECRET_KEY, "DATABASE_URL": database_url, **env}
        of_systemd = {"NOTIFY_SOCKET": str(directory / "notify"), "RUNTIME_DIRECTORY": str(self.runtime)}
        self.environment = {**inherited(), **of_systemd, **self.settings}
        threading.Thread(target=self._listen, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._group:
            self._signal_all(signal.SIGKILL)
        self._listener.close()

    def start(self) -> Self:
        """`systemctl start`: returns when the service says that it is ready."""
        config = str(ROOT / "deploy" / "gunicorn.conf.py")
        service = [sys.executable, "-m", "gunicorn", "-c", config]
        command = [sys.executable, "-c", _WITH_SOCKET, str(self._listener.fileno()), *service]
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                command,
                env=self.environment,
                pass_fds=[self._listener.fileno()],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.main = self._group = process.pid
        threading.Thread(target=process.wait, daemon=True).start()  # nobody else asks how it ended
        self._ready.get(timeout=START_SECONDS)
        return self

    def stop(self) -> None:
        """`systemctl stop` of the service, not of the socket: all its processes are told, and have time to end."""
        self._signal_all(signal.SIGTERM)
        self._wait(lambda: not self._alive(), STOP_SECONDS)
        self.main = self._group = 0

    def restart(self) -> None:
        """`systemctl restart`."""
        self.stop()
        self.start()

    def crash(self) -> None:
        """The first process is killed; systemd ends the others as for a stop, and starts the service again."""
        os.kill(self.main, signal.SIGKILL)
        self.stop()
        time.sleep(RESTART_SECONDS)
        self.start()

    def reload(self) -> subprocess.CompletedProcess[str]:
        """`systemctl reload`, and what its command said."""
        return subprocess.run(
            [sys.executable, "-m", "vclsite.handover"],
            cwd=ROOT,
            env={**self.environment, "MAINPID": str(self.main)},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def is_alive(self, process: int) -> bool:
        """Whether this process of the service has not ended."""
        return process in self._alive()

    def _listen(self) -> None:
        while True:
            for line in self._notices.recv(4096).decode().splitlines():
                name, _, value = line.partition("=")
                if name == "MAINPID":
                    self.main = int(value)
                elif name == "READY":
                    self._ready.put(value)

    def _alive(self) -> list[int]:
        """The processes of the group that have not ended."""
        found = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                state, _, group, *_ = stat.read_text().rpartition(")")[2].split()
            except (OSError, ValueError):
                continue
            if int(group) == self._group and state not in "ZX":
                found.append(int(stat.parent.name))
        return found

    def _signal_all(self, number: int) -> None:
        for process in self._alive():
            try:
                os.kill(process, number)
            except ProcessLookupError:
                continue

    @staticmethod
    def _wait(condition: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "the service does not end"
            time.sleep(0.02)
