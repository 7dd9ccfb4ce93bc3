"""One of several processes that allocate at once, and keep a journal."""

import json
import logging
import multiprocessing
import os
import random
import re
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.synchronize import Barrier
from pathlib import Path
from threading import BrokenBarrierError
from typing import Any

from verification.allocations.calls import Call
from verification.allocations.journal import Journal, Kind, Note

# Errors of a server that went away before or while it worked on a statement: it can't be reached, is gone, was lost
# in between, shuts down, closed the connection, lost its cluster during a COMMIT.
_LOST = {2002, 2003, 2006, 2013, 1053, 1927, 1180}
ATTEMPTS = 6  # of a call that is lost or refused as busy; VCL's back end does the same
MEETING_SECONDS = 120
BUSY = 205


@dataclass(frozen=True)
class Task:
    """The task of a worker: its calls, through any of these databases (the nodes of a cluster), or over HTTP.

    `environment` configures the service; `clock` is where its wall clock begins when that is not the real one.
    """

    number: int
    urls: Sequence[str]
    calls: Sequence[Call]
    journal: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    clock: float | None = None
    http: tuple[str, int] | None = None


def work_together(tasks: Sequence[Task], start: Barrier, meetings: Sequence[Barrier | None], done: Any) -> None:
    """In a process of its own: set Django up, which takes a second, and fork a worker for each task.

    The tasks have the same environment and the same first database. Exits with status 1 when a worker fails; SIGTERM
    ends all of them.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # which ends the workers too
    _set_up(tasks[0])
    context = multiprocessing.get_context("fork")  # there is no connection yet, and no thread
    workers = [
        context.Process(target=_work, args=(task, start, meetings[number // 2], done), daemon=True)
        for number, task in enumerate(tasks)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    sys.exit(1 if any(worker.exitcode for worker in workers) else 0)


def _set_up(task: Task) -> None:
    os.environ |= {"DJANGO_SETTINGS_MODULE": "vclsite.settings", "DATABASE_URL": task.urls[0], **task.environment}
    import django

    django.setup()
    import verification.allocations.doors  # noqa: F401 - with all that it needs


def _work(task: Task, start: Barrier, meeting: Barrier | None, done: Any) -> None:
    """Make the calls, once all workers are at `start`; `done` counts them for the campaign."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    import time_machine

    from verification.allocations.doors import Doors

    counted = _Retries()
    logging.getLogger("blockalloc").addHandler(counted)
    doors = Doors(task.urls, task.http, random.Random(task.number))
    journal = Journal(task.journal)
    start.wait(MEETING_SECONDS)
    clock = time_machine.travel(task.clock) if task.clock is not None else None
    if clock is not None:
        clock.start()
    known: set[str | None] = set()
    for number, call in enumerate(task.calls):
        if call.meets and meeting is not None:
            _meet(meeting)
        if not call.reuses or call.key in known:
            answer = _until_answered(number, call, doors, journal)
            if answer:
                known.add(call.key)
        with done.get_lock():
            done.value += 1
    if clock is not None:
        clock.stop()
    task.journal.with_suffix(".retries").write_text(json.dumps(counted.codes))


def _meet(meeting: Barrier) -> None:
    try:
        meeting.wait(MEETING_SECONDS)
    except BrokenBarrierError:
        return


def _until_answered(number: int, call: Call, doors: Any, journal: Journal) -> int | None:
    """Make a call until it is answered, as a back end does; the answer."""
    for attempt in range(ATTEMPTS):
        cut = call.cut and not attempt
        journal.write(Note(number, attempt, "begun", time.monotonic()))
        kind, value, text = _once(call, doors, cut=cut)
        journal.write(Note(number, attempt, kind, time.monotonic(), value, text))
        if kind == "answer":
            return value
        if kind != "lost" and value != BUSY:
            return None
    return None


def _once(call: Call, doors: Any, *, cut: bool) -> tuple[Kind, int, str]:
    from django.db import DatabaseError, InterfaceError

    from blockalloc.contract.messages import Refusal
    from verification.allocations.doors import ConnectionCut

    try:
        return "answer", doors.make(call, cut=cut), doors.place
    except Refusal as refusal:
        return "refused", refusal.code, refusal.text
    except ConnectionCut as error:
        return "lost", 0, str(error)
    except (DatabaseError, InterfaceError) as error:
        lost = bool(error.args) and error.args[0] in _LOST
        return ("lost" if lost else "broken"), 0, traceback.format_exc()
    except Exception:
        return "broken", 0, traceback.format_exc()


class _Retries(logging.Handler):
    """Counts by their code the transactions that the guard tried again, as it logs them."""

    def __init__(self) -> None:
        super().__init__()
        self.codes: Counter[str] = Counter()

    def emit(self, record: logging.LogRecord) -> None:
        self.codes.update(retries(record.getMessage()))


def retries(log: str) -> list[str]:
    """The codes of the transactions that were lost and tried again by a log, or given up ("gave up")."""
    matches = re.findall(r"trying again: (?:\((\d+)|(database is locked))", log)
    return [code or locked for code, locked in matches] + ["gave up"] * log.count("gave up after")
