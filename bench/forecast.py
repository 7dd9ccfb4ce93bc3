"""What a forecast of a term takes on a large university's site: reading, planning and keeping, in seconds of CPU.

    python -m bench.forecast [--database sqlite|mariadb] [--policy vcl|ready] [--computers N] [--block-times N]
                             [--machines N] [--reservations N] [--runs N] [--profile]

Makes the site of bench/large_site.py in a private database, with so many block times to come, of which those of the
next six hours have their computers. Each run plans all of them anew. After the first, which keeps a row for each, one
class has one machine more, so that few rows differ. A look that finds nothing changed costs reading and comparing.
Seconds are those of this process: neither what the machine does for others counts, nor (on MariaDB) the server.
"""

import argparse
import cProfile
import os
import pstats
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from datetime import timedelta
from typing import TypeVar

from tests.support.servers.private_database import private_database

LIMIT = 10.0  # seconds for all of it
_OF_SITE = 5_000  # block times, in the past too
_SIX_HOURS = timedelta(hours=6)
_PARTS = ("reading", "comparing", "planning", "keeping")

T = TypeVar("T")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 1 when a forecast takes longer than its limit."""
    options = _options().parse_args(arguments)
    os.environ["VCL_TIME_ZONE"] = "America/New_York"
    os.environ["VCL_RELOAD_POLICY"] = options.policy
    with private_database(mariadb=options.database == "mariadb", arguments=["--innodb-buffer-pool-size=2G"]):
        import time_machine

        from bench.large_site import NOW, Sizes, build

        with time_machine.travel(NOW, tick=False):
            build(Sizes(options.computers, block_times=_OF_SITE, reservations=options.reservations))
            until = _term(options.machines, options.block_times)
            return _measure(options, until)


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.forecast", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--database", choices=("sqlite", "mariadb"), default="sqlite")
    parser.add_argument("--policy", choices=("vcl", "ready"), default="ready")
    parser.add_argument("--computers", type=int, default=10_000)
    parser.add_argument("--block-times", type=int, default=2_000, help="to come")
    parser.add_argument("--machines", type=int, default=30, help="of each class")
    parser.add_argument("--reservations", type=int, default=5_000, help="of users")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--profile", action="store_true", help="print where the time of the last run goes")
    return parser


def _term(machines: int, block_times: int) -> int:
    """Classes of so many machines that have no computers yet; when the last of so many begins (Unix seconds)."""
    from django.db import connection

    from bench.large_site import WALL, stored
    from blockalloc.store.sql import listed_ids
    from blockalloc.store.times import from_local

    later = stored(WALL + _SIX_HOURS)
    tables = "blockTimes t JOIN blockRequest r ON r.id = t.blockRequestid"
    to_come = "t.skip = 0 AND r.status = 'accepted' AND t.`end` > %s"
    with connection.cursor() as cursor:
        # By ids that were read: MariaDB would look through the subquery for each row.
        cursor.execute("SELECT id FROM blockTimes WHERE start > %s", [later])
        theirs = listed_ids(id_ for (id_,) in cursor.fetchall())
        cursor.execute(f"SELECT reloadrequestid FROM blockComputers WHERE blockTimeid IN ({theirs})")  # noqa: S608
        reloads = listed_ids(id_ for (id_,) in cursor.fetchall())
        for table, column, ids in (
            ("reservation", "requestid", reloads),
            ("request", "id", reloads),
            ("blockComputers", "blockTimeid", theirs),
        ):
            cursor.execute(f"DELETE FROM {table} WHERE {column} IN ({ids})")  # noqa: S608
        cursor.execute("UPDATE blockTimes SET processed = 0 WHERE start > %s", [later])
        cursor.execute("UPDATE blockRequest SET numMachines = %s", [machines])
        cursor.execute(f"SELECT t.start FROM {tables} WHERE {to_come} ORDER BY t.start", [stored(WALL)])  # noqa: S608
        starts = [start for (start,) in cursor.fetchall()][:block_times]
        if connection.vendor == "mysql":
            names = ", ".join(f"`{name}`" for name in connection.introspection.table_names())
            cursor.execute(f"ANALYZE TABLE {names}")
            cursor.fetchall()
    return (from_local(starts[-1]) or 0) + 1


def _measure(options: argparse.Namespace, until: int) -> int:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    print(f"{'classes':>7} {'short':>5} {'statements':>10} " + " ".join(f"{part:>9}" for part in (*_PARTS, "all")))
    longest = 0.0
    for run in range(options.runs):
        if run:
            _change(run)
        profile = cProfile.Profile(time.process_time) if options.profile and run == options.runs - 1 else None
        with CaptureQueriesContext(connection) as queries:
            classes, short, took = _run(until, profile)
        longest = max(longest, sum(took))
        figures = " ".join(f"{seconds:9.2f}" for seconds in (*took, sum(took)))
        print(f"{classes:7} {short:5} {len(queries):10} {figures}", flush=True)
        if profile:
            pstats.Stats(profile).sort_stats("tottime").print_stats(45)
    print(f"seconds of CPU; the longest run took {longest:.1f}, limit: {LIMIT:g}")
    return int(longest > LIMIT)


def _run(until: int, profile: cProfile.Profile | None) -> tuple[int, int, list[float]]:
    """Classes, how many of them are short, and the seconds of each part."""
    from django.db import transaction

    from blockalloc import clock
    from blockalloc.forecasting import forecasts as forecasting
    from blockalloc.forecasting.digest import digest
    from blockalloc.store import forecast_facts, forecasts
    from scheduling.forecast.engine import forecast

    took: list[float] = []
    now = clock.now()
    with profile or nullcontext():
        with transaction.atomic():
            facts = _timed(took, lambda: forecast_facts.read(now, until))
        of_facts = _timed(took, lambda: digest(facts))
        made = _timed(took, lambda: forecast(facts))
        run = forecasts.Run(made=now, until=until, checked=now, classes=len(made), facts=of_facts)
        _timed(took, lambda: forecasts.keep(forecasting.kept(made, facts), run))
    return len(made), sum(each.missing > 0 for each in made), took


def _timed(took: list[float], work: Callable[[], T]) -> T:
    begun = time.process_time()
    result = work()
    took.append(time.process_time() - begun)
    return result


def _change(number: int) -> None:
    """One class of next month has one machine more."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("UPDATE blockRequest SET numMachines = numMachines + 1 WHERE id = %s", [110 + number])


if __name__ == "__main__":
    raise SystemExit(main())
