"""Runs workers on databases that are there already, and judges the rows that they leave."""

import hashlib
import json
import multiprocessing
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.db import connection

from blockalloc import clock
from blockalloc.inspection import inspect
from blockalloc.models import IdempotencyKey
from tests.golden import tables
from tests.support.servers.mariadb_server import SECRET_KEY
from verification.allocations import calls, journal
from verification.allocations.judge import Evidence, Verdict, judge
from verification.allocations.site import NODE, site, text
from verification.allocations.worker import MEETING_SECONDS, Task, work_together

CHECK_IN_SECONDS = 30
_ENVIRONMENT = {"VCL_TIME_ZONE": "UTC", "DJANGO_SECRET_KEY": SECRET_KEY}
_PASSWORD = {"passhash": hashlib.sha1(b"p4ss" + b"8ht2Pa55").hexdigest(), "salt": "8ht2Pa55"}  # noqa: S324 - VCL's way


@dataclass(frozen=True)
class Size:
    """How large a campaign is; `http` is the share of the calls that go over HTTP."""

    calls: int
    processes: int
    computers: int = 300
    seed: int = 1
    http: float = 0.0


@dataclass(frozen=True)
class Result:
    """The evidence, and what is wrong in it. `retries` counts lost transactions by the code of the error."""

    evidence: Evidence
    verdict: Verdict
    retries: Counter[str]
    seconds: float


def run(
    size: Size,
    urls: Sequence[str],
    directory: Path,
    *,
    http: tuple[str, int] | None = None,
    watch: Callable[[float], None] = lambda done: None,
    before_judging: Callable[[], None] = lambda: None,
) -> Result:
    """Fill the database of this process with a site and let the workers at it through `urls`.

    `watch` is called again and again with the share of the calls that are done.
    """
    choice = random.Random(size.seed)
    place = site(max(size.calls // 10, 8), size.computers, max(size.calls // 100, 6), choice)
    place.rows["localauth"][0] |= _PASSWORD
    tables.load(place.rows, "UTC")
    IdempotencyKey.objects.all().delete()
    wanted = calls.plan(place, size.calls, size.processes, choice, size.http)
    tasks = [
        Task(number, urls, ours, directory / f"{number}.journal", _ENVIRONMENT, http=http)
        for number, ours in enumerate(wanted)
    ]
    before = tables.read()
    seconds = race(tasks, watch, partners=True)
    before_judging()
    after = tables.read()
    keys = [dict(row) for row in IdempotencyKey.objects.values()]
    attempts = [attempt for task in tasks for attempt in journal.attempts(task.journal, task.number)]
    evidence = Evidence(before, after, keys, wanted, attempts)
    verdict = judge(evidence)
    verdict.inspection = [f"{finding.kind}: {finding.text}" for finding in inspect(clock.now())]
    return Result(evidence, verdict, _retries(tasks), seconds)


def race(tasks: Sequence[Task], watch: Callable[[float], None] = lambda done: None, *, partners: bool = False) -> float:
    """Run a worker for each task, all let go at once; the seconds from then until all are done.

    With `partners`, workers 0 and 1, 2 and 3 … meet at calls that say so.

    The management node checks in meanwhile, as a live one does. Raises RuntimeError when a worker fails.
    """
    context = multiprocessing.get_context("spawn")
    start, done = context.Barrier(len(tasks) + 1), context.Value("i", 0)
    meetings = [context.Barrier(2) if partners else None for _ in range(0, len(tasks), 2)]
    workers = context.Process(target=work_together, args=(tasks, start, meetings, done))
    workers.start()
    total, last_check_in = sum(len(task.calls) for task in tasks), 0.0
    try:
        start.wait(MEETING_SECONDS)
        begun = time.monotonic()
        while workers.is_alive():
            if tasks[0].clock is None and time.monotonic() > last_check_in + CHECK_IN_SECONDS:
                _check_in()
                last_check_in = time.monotonic()
            watch(done.value / total)
            time.sleep(0.05)
        seconds = time.monotonic() - begun
    finally:
        workers.terminate()
        workers.join()
    if workers.exitcode:
        raise RuntimeError("workers failed; what they printed says which and why")
    return seconds


def _check_in() -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE managementnode SET lastcheckin = %s WHERE id = %s", [text(int(time.time())), NODE])


def _retries(tasks: Sequence[Task]) -> Counter[str]:
    counts = Counter[str]()
    for task in tasks:
        counts.update(json.loads(task.journal.with_suffix(".retries").read_text()))
    return counts
