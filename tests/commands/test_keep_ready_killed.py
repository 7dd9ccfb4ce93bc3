"""`kill -9` of `manage.py keep_ready --loop` in the middle of a look: the next process does the rest."""

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.db import connection

from blockalloc.models import Decision
from blockalloc.store.sql import execute, fetch
from blockalloc.store.times import to_utc
from tests.golden import tables
from tests.support.servers.mariadb_server import SECRET_KEY
from tests.support.servers.own_process import ROOT, inherited
from tests.support.sites.rows import SiteRows

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once(on="mariadb")]

CLASSES, MACHINES = 12, 2
SECONDS = 60.0
CHECK_IN = 20  # seconds between those of the management node


def _text(instant: float) -> str:
    return datetime.fromtimestamp(instant, UTC).strftime("%Y-%m-%d %H:%M:%S")


@pytest.fixture
def _site() -> None:
    """Classes in five hours, for which the back end has asked in vain; the clock is the real one."""
    rows = SiteRows()
    rows.remove_computers()
    rows.remove_blocks()
    start = time.time() + 5 * 3600
    for number in range(CLASSES * MACHINES):
        rows.add_computer(100 + number, RAM=4096)
    for id_ in range(100, 100 + CLASSES):
        rows.add_block(id_, _text(start), _text(start + 3600), numMachines=MACHINES)
        rows.row("blockTimes", id_)["processed"] = 1
    rows["managementnode"][0]["lastcheckin"] = _text(time.time())
    tables.load(rows, "UTC")


@pytest.fixture
def keeper(tmp_path: Path) -> Iterator[Callable[[], "subprocess.Popen[bytes]"]]:
    """Starts the command as its unit does, with a look every second."""
    begun: list[subprocess.Popen[bytes]] = []
    variables = {"DATABASE_URL": _url(), "DJANGO_SECRET_KEY": SECRET_KEY, "VCL_TIME_ZONE": "UTC"}

    def start() -> "subprocess.Popen[bytes]":
        with (tmp_path / "log").open("ab") as log:
            command = [sys.executable, "manage.py", "keep_ready", "--loop", "1"]
            begun.append(subprocess.Popen(command, cwd=ROOT, env=inherited() | variables, stdout=log, stderr=log))
        return begun[-1]

    yield start
    for process in begun:
        process.kill()
        process.wait()


def _url() -> str:
    """The database of this run, for another process."""
    values = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{values['NAME']}"
    where = values.get("OPTIONS", {}).get("unix_socket") or values["HOST"]
    return f"mysql://{values['USER']}@localhost/{values['NAME']}?unix_socket={where}"


@pytest.mark.usefixtures("_site")
def test_the_next_process_does_what_is_left(keeper: Callable[[], "subprocess.Popen[bytes]"]) -> None:
    first = keeper()
    _wait(lambda: _done() > 2)
    first.kill()
    first.wait()
    assert 0 < _done() < CLASSES  # in the middle
    had = _computers()
    keeper()
    _wait(lambda: _done() == CLASSES)
    classes = Counter(block_time for block_time, _ in _computers())
    assert set(classes.values()) == {MACHINES}
    assert len({computer for _, computer in _computers()}) == CLASSES * MACHINES
    assert had <= _computers()
    reloads = fetch("SELECT v.computerid FROM request q JOIN reservation v ON v.requestid = q.id")
    assert Counter(computer for (computer,) in reloads) == {computer: 1 for _, computer in _computers()}


def _computers() -> set[tuple[int, int]]:
    return set(fetch("SELECT blockTimeid, computerid FROM blockComputers"))


def _done() -> int:
    """Classes for which something is on record."""
    connection.close()  # what others have committed
    return Decision.objects.filter(action=Decision.KEEP_READY).values("block_time_id").distinct().count()


def _wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    seen = 0.0
    while not condition():
        assert time.monotonic() < deadline
        if time.monotonic() > seen + CHECK_IN:  # not each time: whoever writes may have to wait for the look
            execute("UPDATE managementnode SET lastcheckin = %s", [to_utc(int(time.time()))])
            seen = time.monotonic()
        time.sleep(0.01)
