"""Starts all processes of a campaign, lets them work for its time, and has the rows and logs judged."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from tests.support.servers.mariadb_server import PrivateMariaDB
from tests.support.servers.own_process import ROOT
from verification.allocations.worker import retries
from verification.front_end.free_race import deadlocks, log_of
from verification.keepers import judge
from verification.keepers.site import rows
from verification.keepers.worker import READY, REMOVED

_STARTING = 120  # seconds that a process may take to start or to end
# What `keep_ready` may say while others are at work; the next look tries again.
_EXPECTED = ("trying again:", "could not be put right: ", "could not be held in this look", "could not be noted")


@dataclass(frozen=True)
class Size:
    """How many processes of each kind take part, for how many seconds."""

    seconds: float
    keepers: int = 5
    callers: int = 16
    users: int = 4
    seed: int = 1


@dataclass
class Outcome:
    """What was counted, by role, and what is wrong, in words."""

    counts: dict[str, Counter[str]]
    looks: Counter[str] = field(default_factory=Counter)
    retries: Counter[str] = field(default_factory=Counter)
    deadlocks: int = 0  # in which a transaction of ours took part
    rows: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def run(server: PrivateMariaDB, size: Size, directory: Path) -> Outcome:
    """Play the campaign on the server; Django's database there has VCL's tables, and all rows are replaced."""
    from tests.golden import tables

    begun = int(time.time())
    tables.load(rows(size.seed, begun).rows, "UTC")
    before = len(log_of(server))
    roles = {"caller": size.callers, "user": size.users, "staff": 1, "back_end": 1}
    workers = [(role, _worker(server, role, number, size, begun)) for role, of in roles.items() for number in range(of)]
    _wait_until_ready([process for _, process in workers])
    keepers = [_keeper(server, directory / f"keeper{number}") for number in range(size.keepers)]
    _wait_for_first_looks([directory / f"keeper{number}.out" for number in range(size.keepers)])
    for _, process in workers:
        _write(process.stdin, "\n")
    outcome = Outcome({role: Counter() for role in roles})
    for role, process in workers:
        output, _ = process.communicate(timeout=size.seconds + _STARTING)
        if process.returncode:
            outcome.wrong.append(f"a {role} ended with {process.returncode}")
        else:
            outcome.counts[role].update(json.loads(output))
    _stop(keepers, outcome)
    for number in range(size.keepers):
        _read(directory / f"keeper{number}", outcome)
    outcome.deadlocks, _ = deadlocks(log_of(server)[before:])
    outcome.wrong += [
        f"{role}: {what}" for role, counts in outcome.counts.items() for what in counts if "deadlock" in what
    ]
    removed = [what for what in outcome.counts["back_end"] if what.startswith(REMOVED)]
    verdict = judge.judge(int(time.time()), frozenset(int(what.removeprefix(REMOVED)) for what in removed))
    for what in removed:
        del outcome.counts["back_end"][what]
    outcome.rows, outcome.wrong = verdict.counts, [*outcome.wrong, *verdict.wrong]
    return outcome


def _environment(server: PrivateMariaDB) -> dict[str, str]:
    from django.db import connection

    return os.environ | {
        "BLOCKALLOC_ENV": "",
        "DATABASE_URL": server.url(connection.settings_dict["NAME"]),
        "DJANGO_SETTINGS_MODULE": "vclsite.settings",
        "VCL_TIME_ZONE": "UTC",
    }


def _worker(server: PrivateMariaDB, role: str, number: int, size: Size, begun: int) -> subprocess.Popen[str]:
    arguments = [role, number, size.seconds, size.seed, begun]
    command = [sys.executable, "-m", "verification.keepers.worker", *map(str, arguments)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, env=_environment(server), text=True)


def _wait_until_ready(workers: Sequence[subprocess.Popen[str]]) -> None:
    for worker in workers:
        if worker.stdout is None or worker.stdout.readline() != f"{READY}\n":
            raise RuntimeError("a process of the campaign ended before it began")


def _wait_for_first_looks(outputs: Sequence[Path]) -> None:
    """Before the first look a signal ends a `keep_ready` as any program."""
    until = time.monotonic() + _STARTING
    while not all(each.stat().st_size for each in outputs):
        if time.monotonic() > until:
            raise RuntimeError("a keep_ready did not begin to look")
        time.sleep(0.1)


def _write(pipe: IO[str] | None, text: str) -> None:
    if pipe is not None:
        pipe.write(text)
        pipe.flush()


def _keeper(server: PrivateMariaDB, path: Path) -> subprocess.Popen[str]:
    """The command as it is run on a site, once a second."""
    command = [sys.executable, "manage.py", "keep_ready", "--loop", "1", "--json"]
    with path.with_suffix(".out").open("w") as out, path.with_suffix(".log").open("w") as log:
        return subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=log, env=_environment(server), text=True)


def _stop(keepers: Sequence[subprocess.Popen[str]], outcome: Outcome) -> None:
    """End them as a service manager does."""
    for keeper in keepers:
        if keeper.poll() is not None:
            outcome.wrong.append(f"a keep_ready ended before the campaign, with {keeper.returncode}")
        keeper.terminate()
    for keeper in keepers:
        if keeper.wait(_STARTING):
            outcome.wrong.append(f"a keep_ready that was to end did so with {keeper.returncode}")


def _read(path: Path, outcome: Outcome) -> None:
    """What a keep_ready printed and logged."""
    for line in path.with_suffix(".out").read_text().splitlines():
        report = json.loads(line)
        outcome.looks["looks"] += 1
        outcome.looks["block times put right"] += len(report["actions"])
        outcome.looks["computers held"] += report["held"]
        outcome.looks["milliseconds"] += report["milliseconds"]
        outcome.wrong += [f"nothing was changed: {report['doubt']}"] if report["doubt"] else []
    log = path.with_suffix(".log").read_text()
    outcome.retries.update(retries(log))
    for line in log.splitlines():
        if (
            "ERROR" in line
            or "Traceback" in line
            or ("WARNING" in line and not any(each in line for each in _EXPECTED))
        ):
            outcome.wrong.append(f"{path.name} says: {line}")
