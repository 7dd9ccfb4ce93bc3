"""The cost of a look of keep_ready on a large university's site: statements and milliseconds.

    python -m bench.looks [--mariadb] [--policy vcl|ready] [--computers N] [--block-times N] [--machines N] [--looks N]
                          [--starts-in MINUTES] [--apart MINUTES]

Makes the site of bench/large_site.py in a private database, with so many block times in the next six hours, each with
all its machines. Measured are looks, a minute after each other, that find nothing to do (under policy `ready` they plan
classes anew), and looks in which one class has lost a computer and gets another one. The first look of a process is
measured apart: it reads a year of load times, which later ones keep, and under policy `ready` plans all classes.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from tests.support.servers.private_database import private_database

if TYPE_CHECKING:
    from time_machine import Traveller

    from bench.large_site import Site

QUIET_LIMIT, BUSY_LIMIT = 90, 300  # milliseconds, without plans
PLANNING_LIMIT = 3000  # milliseconds of a look that plans classes anew
STATEMENTS_LIMIT = 30  # with holds, in a look that changes nothing and plans nothing
_FIRST = 900_001  # ids of the rows that are added
Row = tuple[int | str, ...]
_AVAILABLE, _FAILED, _RELOAD, _RELOADER = 2, 5, 19, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 1 when a look is beyond its limits."""
    options = _options().parse_args(arguments)
    os.environ["VCL_TIME_ZONE"] = "America/New_York"
    os.environ["VCL_RELOAD_POLICY"] = options.policy
    with private_database(mariadb=options.mariadb, arguments=["--innodb-buffer-pool-size=2G"]):
        import time_machine

        from bench.large_site import NOW, Sizes, build

        with time_machine.travel(NOW, tick=False) as traveller:
            site = build(Sizes(options.computers))
            times = _classes(site, options)
            return _measure(times, options.looks, traveller, is_planning=options.policy == "ready")


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.looks", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--mariadb", action="store_true")
    parser.add_argument("--policy", choices=["vcl", "ready"], default="ready")
    parser.add_argument("--computers", type=int, default=10_000)
    parser.add_argument("--block-times", type=int, default=50)
    parser.add_argument("--machines", type=int, default=20, help="of a class")
    parser.add_argument("--looks", type=int, default=15)
    parser.add_argument("--starts-in", type=int, default=60, help="minutes until the first class starts")
    parser.add_argument("--apart", type=int, default=5, help="minutes from one class's start to the next one's")
    return parser


def _classes(site: "Site", options: argparse.Namespace) -> list[int]:
    """Replace the classes of the site by those to be looked at; their ids."""
    from django.db import connection

    from bench.large_site import WALL, id_of, insert, stored

    machines = options.machines
    with connection.cursor() as cursor:
        for table in ("blockComputers", "blockTimes", "semaphore"):
            cursor.execute(f"DELETE FROM {table}")  # noqa: S608 - names are our own
        cursor.execute("DELETE FROM request WHERE stateid IN (14, 19) OR laststateid = 19")
        cursor.execute("UPDATE blockRequest SET status = 'accepted', processing = 0, numMachines = %s", [machines])
        cursor.execute("UPDATE blockRequest SET expireTime = '2030-01-01 00:00:00'")
        cursor.execute("UPDATE computer SET stateid = 2 WHERE stateid <> 20")
    block_times: list[Row] = []
    computers: list[Row] = []
    requests: list[Row] = []
    reservations: list[Row] = []
    taken: set[int] = set()
    for n in range(options.block_times):
        start = WALL + timedelta(minutes=options.starts_in + options.apart * n)
        id_, place = _FIRST + n, n + 1
        image = site.image(place)
        block_times.append((id_, id_of(place), stored(start), stored(start + timedelta(hours=2)), 1, 0))
        free = [computer for computer in site.pool(image) if computer not in taken]
        chosen = site.random.sample(free, machines)
        taken.update(chosen)
        for k, computer in enumerate(chosen):
            request = _FIRST + len(requests)
            begins = stored(start - timedelta(minutes=20 + k))
            requests.append((request, _RELOAD, _RELOAD, _RELOADER, begins, stored(start), stored(WALL), 1))
            reservations.append((request, computer, image, site.revision(image), id_of(request % 12)))
            computers.append((id_, computer, image, request))
    insert("blockTimes", "id blockRequestid start end processed skip", block_times)
    insert("request", "id stateid laststateid userid start end daterequested preload", requests)
    insert("reservation", "requestid computerid imageid imagerevisionid managementnodeid", reservations)
    insert("blockComputers", "blockTimeid computerid imageid reloadrequestid", computers)
    return [_FIRST + n for n in range(options.block_times)]


def _measure(block_times: Sequence[int], looks: int, traveller: "Traveller", *, is_planning: bool) -> int:
    from bench.large_site import NOW
    from blockalloc.upkeep.passes import Keeper, PassReport

    keeper = Keeper()
    reports: list[PassReport] = []

    def look() -> None:
        reports.append(keeper.look())

    def next_look() -> tuple[float, int]:
        traveller.move_to(NOW + timedelta(minutes=len(reports)))
        _check_in()
        return _timed(look)

    print(f"{'look':34} {'statements':>10} {'median':>8} {'least':>8} {'most':>8}   milliseconds")
    _print("the first of a process", [next_look()])
    quiet = _print("nothing to do", [next_look() for _ in range(looks)])
    assert not any(report.actions or report.doubt for report in reports[1:]), reports[-1]
    busy = []
    for n in range(looks):
        _fail_one_of(block_times[n % len(block_times)])
        busy.append(next_look())
        assert len(reports[-1].actions) == 1, reports[-1].actions
    _print("one class gets another computer", busy)
    if is_planning:
        print(f"limit: {PLANNING_LIMIT} ms")
        return int(max(quiet[0], statistics.median(ms for ms, _ in busy)) > PLANNING_LIMIT)
    slow = quiet[0] > QUIET_LIMIT or statistics.median(ms for ms, _ in busy) > BUSY_LIMIT or quiet[1] > STATEMENTS_LIMIT
    print(f"limits: {STATEMENTS_LIMIT} statements and {QUIET_LIMIT} ms with nothing to do, {BUSY_LIMIT} ms else")
    return int(slow)


def _check_in() -> None:
    """Nodes check in, and the database's clock, with which the service compares its own, shows the same."""
    from django.db import connection

    from blockalloc import clock
    from blockalloc.store.times import to_utc

    with connection.cursor() as cursor:
        if connection.vendor == "mysql":
            cursor.execute("SET timestamp = %s", [clock.now()])
        cursor.execute("UPDATE managementnode SET lastcheckin = %s", [to_utc(clock.now())])


def _timed(look: Callable[[], None]) -> tuple[float, int]:
    """Milliseconds and statements of a look."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from blockalloc.store.sql import BETWEEN

    with CaptureQueriesContext(connection) as queries:
        began = time.perf_counter()
        look()
        took = time.perf_counter() - began
    return took * 1000, sum(1 + query["sql"].count(BETWEEN) for query in queries.captured_queries)


def _print(what: str, looks: Sequence[tuple[float, int]]) -> tuple[float, int]:
    """The median of the milliseconds, and the most statements."""
    took = sorted(ms for ms, _ in looks)
    most = max(number for _, number in looks)
    median = statistics.median(took)
    print(f"{what:34} {most:10} {median:8.1f} {took[0]:8.1f} {took[-1]:8.1f}", flush=True)
    return median, most


def _fail_one_of(block_time: int) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT MIN(computerid) FROM blockComputers b WHERE blockTimeid = %s AND NOT EXISTS ("
            "SELECT 1 FROM blockComputers o WHERE o.computerid = b.computerid AND o.blockTimeid <> b.blockTimeid)",
            [block_time],
        )
        ((computer,),) = cursor.fetchall()
        cursor.execute("UPDATE computer SET stateid = %s WHERE id = %s", [_FAILED, computer])


if __name__ == "__main__":
    raise SystemExit(main())
