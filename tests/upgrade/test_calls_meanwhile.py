"""The first version serves calls while this one's migrations run, and while they are undone: no call fails.

Its code comes from the history of this repository.
"""

import io
import subprocess
import sys
import tarfile
import threading
import time
import xmlrpc.client
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.empty_site import Site
from tests.support.servers.live_server import free_port
from tests.support.servers.mariadb_server import SECRET_KEY
from tests.support.servers.own_process import ROOT, inherited, run
from tests.upgrade.first_version import load

pytestmark = pytest.mark.once(on="mariadb")

FIRST_VERSION = "4f480de"
PEOPLE = [("X-User", "vclsystem@Local"), ("X-Pass", "demo-pass"), ("X-APIVERSION", "2")]
HOUR = 3600


@pytest.fixture
def old_code(tmp_path: Path) -> Path:
    """The first version's files."""
    done = subprocess.run(["git", "archive", FIRST_VERSION], cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == 0, f"the repository's history is needed (no shallow clone): {done.stderr.decode()}"
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as tar:
        tar.extractall(tmp_path / "old")  # noqa: S202 - made by git, from this repository
    return tmp_path / "old"


@pytest.fixture
def address(mariadb_site: Site, old_code: Path, tmp_path: Path) -> Iterator[str]:
    """Where the first version serves its own site."""
    load(mariadb_site)
    alive = datetime.fromtimestamp(time.time() + HOUR, UTC).strftime("%Y-%m-%d %H:%M:%S")
    mariadb_site.sql(f"UPDATE managementnode SET lastcheckin = '{alive}'")  # noqa: S608
    mariadb_site.sql("DELETE FROM sitemaintenance")  # it may be in the hours that the calls are for
    port = free_port()
    settings = {"DATABASE_URL": mariadb_site.url, "DJANGO_SECRET_KEY": SECRET_KEY, "VCL_ALLOW_PLAIN_HTTP": "1"}
    with (tmp_path / "old.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "-c", "deploy/gunicorn.conf.py", "-b", f"127.0.0.1:{port}"],
            cwd=old_code,
            env={**inherited(), **settings, "WEB_CONCURRENCY": "2"},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    yield f"http://127.0.0.1:{port}/xmlrpc/"
    server.terminate()
    server.wait(30)


class Calls:
    """Calls for new blocks, one after the other, until told to stop. `answers` of those that were answered."""

    def __init__(self, address: str) -> None:
        self.answers: list[object] = []
        self._address = address
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        start = int(time.time()) // HOUR * HOUR + 240 * HOUR
        while not self._stop.is_set():
            start += 2 * HOUR
            self.answers.append(self.call(start))

    def call(self, start: int) -> object:
        proxy = xmlrpc.client.ServerProxy(self._address, headers=PEOPLE)
        try:
            return proxy.XMLRPCblockAllocation(101, start, start + HOUR, 2, 101, 1, 0)
        except (xmlrpc.client.Error, OSError) as error:
            return repr(error)

    def __enter__(self) -> "Calls":
        deadline = time.monotonic() + 30
        while "refused" in str(self.call(int(time.time()) // HOUR * HOUR + 200 * HOUR)) and time.monotonic() < deadline:
            time.sleep(0.1)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


def test_no_call_of_the_first_version_fails_while_migrations_run(mariadb_site: Site, address: str) -> None:
    settings = {"DATABASE_URL": mariadb_site.url, "DJANGO_SECRET_KEY": SECRET_KEY}
    with Calls(address) as calls:
        for state in (("migrate",), ("migrate", "blockalloc", "0002")):
            before = len(calls.answers)
            done = run("manage.py", *state, **settings)
            assert done.returncode == 0, done.stderr
            assert len(calls.answers) > before + 3
    assert set(calls.answers) == {2}
