"""A private MariaDB server for tests and scripts: started in under a second, removed without a trace."""

import atexit
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self
from urllib.parse import quote

from tests.support.servers.in_memory import folder_in_memory

START_SECONDS = 30.0

# A site on a database server does not start with the demo's key.
SECRET_KEY = "for-tests-on-a-private-server-7Yq2mWc9TzKx4RbLp8VdNs3HfJg6"


class MariaDBUnavailable(RuntimeError):
    """The server's programs are missing, or it did not start; the text says which and what to do."""


class PrivateMariaDB:
    """One MariaDB server with its own data directory, reached by a socket and, when asked, by a port on 127.0.0.1.

    Data live in memory where the system has a file system for that, and are never flushed to disk: they are as
    good as lost when the server stops, and `stop()` removes them.
    """

    start_seconds: ClassVar = START_SECONDS

    def __init__(self, port: int | None = None) -> None:
        self.port = port
        self.directory: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._extra_args: Sequence[str] = ()

    @property
    def socket(self) -> str:
        """The path of the server's socket."""
        return str(self._home / "server.sock")

    def url(self, database: str) -> str:
        """The DATABASE_URL of a database on this server, as an administrator without a password."""
        return f"mysql://root@localhost/{database}?unix_socket={quote(self.socket, safe='')}"

    def start(self, extra_args: Sequence[str] = ()) -> Self:
        """Make the data directory and start the server; returns when it answers."""
        self.prepare(extra_args)
        try:
            self.relaunch()
        except BaseException:
            self.stop()
            raise
        return self

    def prepare(self, extra_args: Sequence[str] = ()) -> None:
        """Make the data directory for a server that will be started with these arguments."""
        self.directory = folder_in_memory("mariadb-")
        self._extra_args = extra_args
        atexit.register(self.stop)
        try:
            self._install()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the server and remove its data. Harmless when it is not running."""
        atexit.unregister(self.stop)
        if self._process is not None:
            self._process.kill()  # nothing is to be saved
            self._process.wait()
            self._process = None
        if self.directory is not None:
            shutil.rmtree(self.directory, ignore_errors=True)
            self.directory = None

    def kill(self) -> None:
        """End the server at once, as a crash does; its data stay for `relaunch()`."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def freeze(self) -> None:
        """From now on it takes connections and statements, and answers none."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def relaunch(self) -> None:
        """Start a server that was killed on the data that it left; returns when it answers."""
        self._launch(self._extra_args)

    def execute(self, sql: str) -> str:
        """Run statements with the command-line client; what it printed."""
        return self._client("mariadb", "--batch", "--skip-column-names", f"--execute={sql}")

    def dump(self, *arguments: str) -> str:
        """The output of `mariadb-dump` with these arguments."""
        return self._client("mariadb-dump", "--skip-dump-date", *arguments)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def _home(self) -> Path:
        if self.directory is None:
            raise MariaDBUnavailable("the server is not running")
        return self.directory

    def _server(self) -> list[str]:
        """The command that starts the server's program, with what has to come first."""
        return [_program("mariadbd"), "--no-defaults"]

    def _install(self) -> None:
        program = _program("mariadb-install-db")
        arguments = [
            "--no-defaults",
            f"--datadir={self._home / 'data'}",
            *as_root(),
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
        ]
        done = subprocess.run(
            [program, *arguments], capture_output=True, text=True, env=self._environment(), check=False
        )
        if done.returncode:
            raise MariaDBUnavailable(f"{program} failed:\n{done.stdout}{done.stderr}")

    def _launch(self, extra_args: Sequence[str]) -> None:
        with (self._home / "server.log").open("ab") as log:
            # A session of its own: Ctrl-C reaches only us, and we then stop the server cleanly.
            self._process = subprocess.Popen(
                [*self._server(), *self._arguments(), *extra_args],
                stdout=log,
                stderr=log,
                env=self._environment(),
                start_new_session=True,
            )
        self._wait(self._process)

    def _arguments(self) -> list[str]:
        network = ["--skip-networking"]
        if self.port is not None:
            network = ["--bind-address=127.0.0.1", f"--port={self.port}"]
        return [
            f"--datadir={self._home / 'data'}",
            f"--socket={self.socket}",
            f"--pid-file={self._home / 'server.pid'}",
            *as_root(),
            "--skip-log-bin",
            "--innodb-flush-method=nosync",
            "--innodb-flush-log-at-trx-commit=0",
            *network,
        ]

    def _environment(self) -> dict[str, str]:
        # Servers that begin at the same moment may give their temporary tables the same names.
        return {**os.environ, "TMPDIR": str(self._home)}

    def _run_server(self, *arguments: str) -> str:
        """Run the server's program until it ends by itself; what it printed."""
        command = [*self._server(), *self._arguments(), *arguments]
        done = subprocess.run(command, capture_output=True, env=self._environment(), check=False)
        return (done.stdout + done.stderr).decode(errors="replace")

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + self.start_seconds
        while not self._answers():
            if process.poll() is not None or time.monotonic() > deadline:
                log = (self._home / "server.log").read_text(errors="replace")
                raise MariaDBUnavailable(f"the server did not start:\n{log}")
            time.sleep(0.02)

    def _answers(self) -> bool:
        """Whether the server greets a client."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(START_SECONDS)
            try:
                connection.connect(self.socket)
                return bool(connection.recv(1))
            except OSError:
                return False

    def _client(self, name: str, *arguments: str) -> str:
        command = [_program(name), "--no-defaults", "--user=root", f"--socket={self.socket}", *arguments]
        done = subprocess.run(command, capture_output=True, check=False)
        if done.returncode:
            raise MariaDBUnavailable(f"{name} failed: {done.stderr.decode(errors='replace')}")
        return done.stdout.decode("latin-1")


def as_root() -> list[str]:
    """The server refuses to run as root without this option."""
    return ["--user=root"] if os.geteuid() == 0 else []


def _program(name: str) -> str:
    program = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin:/usr/libexec")
    if program is None:
        raise MariaDBUnavailable(
            f"{name} is not installed. MariaDB 10.5 or newer is needed: apt-get install mariadb-server (Debian, Ubuntu)"
        )
    return program
