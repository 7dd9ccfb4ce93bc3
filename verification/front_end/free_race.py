"""Front ends and calls of ours in processes of their own, unhindered, on one MariaDB server."""

import json
import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tests.support.servers.mariadb_server import PrivateMariaDB
from verification.front_end import race_site as site
from verification.front_end.worker import READY

# Arguments of the server: it logs the transactions of each deadlock.
SERVER_ARGUMENTS = ("--innodb-print-all-deadlocks=ON",)
_TRANSACTION = re.compile(r"\*\*\* \(\d\) TRANSACTION:(.*?)(?=\*\*\* |\Z)", re.DOTALL)
_OURS = "SET STATEMENT"  # begins our statements, and no others


@dataclass(frozen=True)
class Outcome:
    """The results of a race."""

    ours: Counter[str]
    theirs: Counter[str]
    deadlocks: int  # among front ends
    deadlocks_with_us: int
    faults: list[str]
    seconds: float


def run(server: PrivateMariaDB, seconds: float, ours: int = 2, theirs: int = 3, *, loaded: bool = False) -> Outcome:
    """Let so many processes of both sides race; the database is Django's, which has VCL's tables.

    `loaded`: for computers with the image loaded already.
    """
    from django.test import override_settings

    from tests.golden import tables

    with override_settings(TIME_ZONE="UTC"):
        tables.load(site.rows(loaded=loaded), "UTC")
    log = log_of(server)
    sides = ["ours"] * ours + ["theirs"] * theirs
    workers = [_start(server, side, number, seconds) for number, side in enumerate(sides)]
    begun = _let_go(workers)
    counts: dict[str, Counter[str]] = {"ours": Counter(), "theirs": Counter()}
    for side, worker in zip(sides, workers, strict=True):
        output, _ = worker.communicate(timeout=seconds + 120)
        if worker.returncode:
            raise RuntimeError(f"a process of the race ended with {worker.returncode}")
        counts[side].update(json.loads(output))
    with_us, among_them = deadlocks(log_of(server)[len(log) :])
    faults = _judge(counts["ours"]["got"])
    return Outcome(counts["ours"], counts["theirs"], among_them, with_us, faults, time.time() - begun)


def _start(server: PrivateMariaDB, side: str, number: int, seconds: float) -> subprocess.Popen[str]:
    from django.db import connection

    environment = os.environ | {
        "DATABASE_URL": server.url(connection.settings_dict["NAME"]),
        "DJANGO_SETTINGS_MODULE": "vclsite.settings",
        "VCL_TIME_ZONE": "UTC",
        "VCL_SEMAPHORE_SECONDS": str(site.SEMAPHORE_SECONDS),
        "VCL_LISTING_SECONDS": str(site.SEMAPHORE_SECONDS),
    }
    command = [sys.executable, "-m", "verification.front_end.worker", side, str(number), str(seconds)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, env=environment, text=True)


def _let_go(workers: Sequence[subprocess.Popen[str]]) -> float:
    """Tell all workers, once they are ready, when the race begins: now, in seconds of the real clock."""
    for worker in workers:
        assert worker.stdout is not None
        if worker.stdout.readline() != f"{READY}\n":
            raise RuntimeError("a process of the race ended before it began")
    begun = time.time()
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write(f"{begun}\n")
        worker.stdin.flush()
    return begun


def _judge(answered: int) -> list[str]:
    from tests.support.front_end import connect
    from verification.front_end.interleavings import judge

    others = connect()
    try:
        return judge(others, answered, (), 0)
    finally:
        others.close()


def log_of(server: PrivateMariaDB) -> str:
    """The log of the server."""
    assert server.directory is not None
    return (server.directory / "server.log").read_text(errors="replace")


def deadlocks(log: str) -> tuple[int, int]:
    """How many deadlocks a transaction of ours was part of, and how many were others' own."""
    reports = log.split("Transactions deadlock detected")[1:]
    with_us = sum(any(_OURS in text for text in _TRANSACTION.findall(deadlock)) for deadlock in reports)
    return with_us, len(reports) - with_us
