"""What one allocation call costs, over real HTTP against gunicorn, beside plain SQL that does the same.

Sites are made for the run, in a private MariaDB server and in SQLite files; nothing else is touched. For each
scenario: median and 95th percentile of at least 15 calls, each with a new connection; statements and rows read of one
call, by the counters of the server; the most memory of a worker; what the same allocation takes in hand-written SQL,
and the ratio of the two. The figures of a rush are of all its calls.
"""

import argparse
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.calls import report, rows, runner, scenarios
from bench.calls.database import private_databases
from bench.calls.measure import Measured, NotEnough
from bench.calls.scenarios import Scenario
from tests.support.servers.mariadb_server import MariaDBUnavailable
from tests.support.servers.own_process import ROOT


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 2 when that is impossible, 130 when it was interrupted."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.list:
        print(*(each.name for each in _chosen(options)), sep="\n")
        return 0
    # When a run is stopped its servers must stop too: SIGTERM ends it as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    results: list[Measured] = []
    stopped = False
    try:
        for each in _run(options):
            results.append(each)  # one by one: kept when the run is interrupted
    except (rows.RowsError, NotEnough, MariaDBUnavailable) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted: what was measured until then follows", file=sys.stderr)
        stopped = True
    if not (results or stopped):
        parser.error(f"--only {', '.join(options.only)}: no scenario has that in its name; --list shows them")
    print(f"\n{report.table(results)}\n\n{report.LEGEND}\nAll figures: {report.write(results, options.out)}")
    return 130 if stopped else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.calls", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--full", action="store_true", help="also how the cost grows, one size at a time (a quarter of an hour)"
    )
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="NAME",
        help="scenarios with this in their names; may be repeated",
    )
    parser.add_argument("--rows", type=Path, metavar="DIR", help="measure on the rows of another program "
                        "in DIR instead: a CSV file a table, load.sql that loads them, site.json")  # fmt: skip
    parser.add_argument("--out", type=Path, default=ROOT / "var" / "bench", metavar="DIR",
                        help="where calls.json goes (default: var/bench)")  # fmt: skip
    parser.add_argument("--list", action="store_true", help="print the names of the scenarios and end")
    return parser


def _run(options: argparse.Namespace) -> Iterator[Measured]:
    with private_databases() as databases, tempfile.TemporaryDirectory() as directory:
        if options.rows is not None:
            yield from runner.run_rows(options.rows, options.only, databases, Path(directory))
        else:
            yield from runner.run(_chosen(options), databases, Path(directory))


def _chosen(options: argparse.Namespace) -> list[Scenario]:
    every = scenarios.full() if options.full else scenarios.short()
    return scenarios.named(every, options.only)


if __name__ == "__main__":
    sys.exit(main())
