"""The real server for tests: gunicorn with the settings of deploy/, on a free port of this machine."""

import atexit
import functools
import http.client
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import xmlrpc.client
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.servers.mariadb_server import SECRET_KEY
from tests.support.servers.own_process import ROOT, inherited

START_SECONDS = 30.0
STOP_SECONDS = 10.0


class LiveServerFailed(RuntimeError):
    """The server did not start, or a command failed; the text holds what it printed."""


class LiveServer:
    """One server and its database. `log` is the file with everything that it prints.

    Of this process's environment, what configures the service is left out: a test sees the defaults
    and what it asks for.
    """

    def __init__(self, directory: Path, database_url: str = "") -> None:
        self.log = directory / "server.log"
        self.database_url = database_url or f"sqlite:///{directory / 'live.sqlite3'}"
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address of the server, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    def migrate(self) -> None:
        """Makes the tables. A file of SQLite is a copy of one for which this process has run `manage.py migrate`."""
        file = Path(self.database_url.removeprefix("sqlite:///"))
        if self.database_url.startswith("sqlite:///") and not file.exists():
            shutil.copy(_migrated(), file)
        else:
            self.manage("migrate", "--verbosity=0")

    def load_demo_site(self) -> None:
        """Fills the server's database, which may be on MariaDB, with the rows of the demo site."""
        self.manage("load_demo_site", "--settings", "tests.support.sites.demo_settings")

    def manage(self, *arguments: str, **env: str) -> str:
        """Runs `manage.py` on the server's database, with `env` in its environment; what it printed."""
        command = [sys.executable, str(ROOT / "manage.py"), *arguments]
        done = subprocess.run(command, env=self._environment(env), capture_output=True, text=True, check=False)
        if done.returncode:
            raise LiveServerFailed(f"manage.py {arguments[0]}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def start(self, env: Mapping[str, str]) -> Self:
        """Starts the server with `env` in its environment; returns when it answers."""
        command = [sys.executable, "-m", "gunicorn", "-c", str(ROOT / "deploy" / "gunicorn.conf.py")]
        with self.log.open("ab") as log:
            # Run from elsewhere, and in a session of its own: Ctrl-C is for the tests, which then stop it.
            self._process = subprocess.Popen(
                command,
                env=self._environment(env),
                cwd=self.log.parent,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            self._wait(self._process)
        except BaseException:
            self.stop()
            raise
        return self

    def timed_call(self, body: bytes, headers: Mapping[str, str], source: str = "127.0.0.1") -> tuple[str, float]:
        """Post a call from `source`, an address of this machine: "answer" or a fault's code, and the seconds."""
        begun = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300, source_address=(source, 0))
        connection.request("POST", "/xmlrpc/", body, {**headers, "Content-Type": "text/xml"})
        text = connection.getresponse().read()
        connection.close()
        try:
            xmlrpc.client.loads(text)
        except xmlrpc.client.Fault as refused:
            return str(refused.faultCode), time.monotonic() - begun
        return "answer", time.monotonic() - begun

    def stop(self) -> None:
        """Stops the server. Harmless when it is not running."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.stop()

    def _environment(self, env: Mapping[str, str]) -> dict[str, str]:
        # Plain HTTP is what most tests speak; a site on a database server needs a setting for it.
        unsafe = {"VCL_ALLOW_UNSAFE_SETTINGS": "1"} if env.get("VCL_ALLOW_PLAIN_HTTP") == "1" else {}
        return {
            **inherited(),
            **unsafe,
            "DJANGO_SECRET_KEY": SECRET_KEY,
            "DATABASE_URL": self.database_url,
            "GUNICORN_BIND": f"127.0.0.1:{self.port}",
            "WEB_CONCURRENCY": "1",
            **env,
        }

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if process.poll() is not None or time.monotonic() > deadline:
                raise LiveServerFailed(f"the server did not start:\n{self.log.read_text(errors='replace')}")
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=5) as response:  # noqa: S310 - our own address
                return bool(response.read() == b"ok")
        except (urllib.error.URLError, OSError):
            return False


@functools.cache
def _migrated() -> Path:
    directory = Path(tempfile.mkdtemp(prefix="migrated-"))
    atexit.register(shutil.rmtree, directory)
    LiveServer(directory).manage("migrate", "--verbosity=0")
    return directory / "live.sqlite3"


def free_port() -> int:
    """A port of this machine that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
