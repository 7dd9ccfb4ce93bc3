"""Many callers at the same moment."""

import threading
import time
import xmlrpc.client
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bench.calls.database import Database
from bench.calls.raw_sql import Task

# Two block times that have the same computer at once, reloads included.
_TWICE = """
SELECT COUNT(*) FROM blockComputers b JOIN blockTimes t ON t.id = b.blockTimeid LEFT JOIN request q
ON q.id = b.reloadrequestid JOIN blockComputers b2 ON b2.computerid = b.computerid AND b2.blockTimeid > b.blockTimeid
JOIN blockTimes t2 ON t2.id = b2.blockTimeid LEFT JOIN request q2 ON q2.id = b2.reloadrequestid
WHERE t.id BETWEEN %(first)s AND %(last)s AND t2.id BETWEEN %(first)s AND %(last)s
AND COALESCE(q.start, t.start) < t2.`end` AND COALESCE(q2.start, t2.start) < t.`end`
"""


@dataclass
class Rush:
    """The results: `seconds` until the last answer, milliseconds of each call, answers, and errors."""

    calls: int
    seconds: float = 0.0
    times: list[float] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    short: int = 0
    refused: int = 0  # faults, and connections that failed
    faults: dict[str, int] = field(default_factory=dict)
    twice: int = 0  # computers that two classes have at the same time


def call_at_once(
    tasks: Sequence[Task], database: Database, call_for: Callable[[Task], Callable[[], tuple[float, int]]]
) -> Rush:
    """Make all calls at once, each from a thread of its own."""
    rush = Rush(len(tasks))
    at_once = threading.Barrier(len(tasks) + 1)
    faults: Counter[str] = Counter()
    lock = threading.Lock()

    def caller(task: Task) -> None:
        call = call_for(task)
        at_once.wait()
        began = time.perf_counter()
        try:
            answer = call()[1]
        except (xmlrpc.client.Error, OSError) as error:
            answer = None
            with lock:
                faults[_kind(error)] += 1
        with lock:
            rush.times.append(1000 * (time.perf_counter() - began))
            if answer is not None:
                rush.answers.append(answer)
                rush.short += answer < task.machines

    threads = [threading.Thread(target=caller, args=(task,), daemon=True) for task in tasks]
    for thread in threads:
        thread.start()
    at_once.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    rush.seconds = time.perf_counter() - began
    rush.faults = dict(faults)
    rush.refused = sum(faults.values())
    rush.twice = _promised_twice(database, [task.block_time for task in tasks])
    return rush


def _kind(error: Exception) -> str:
    return f"fault {error.faultCode}" if isinstance(error, xmlrpc.client.Fault) else type(error).__name__


def _promised_twice(database: Database, times: Sequence[int]) -> int:
    connection = database.connect()
    ((twice,),) = connection.run(_TWICE, {"first": min(times), "last": max(times)})
    connection.close()
    return int(twice)
