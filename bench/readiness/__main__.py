"""Days with a class, played with VCL's own reload rows, with ours, and with ours kept ready until the start.

Each seeded day is played with each kind of rows: the same users come, and the same load of a computer fails. All on
real rows, with doubles of VCL's back end and front end, in a private database; nothing else is touched. What is taken
for granted is in the docstring of `bench.readiness`.
"""

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import replace

from bench.readiness import passes, report
from bench.readiness.cells import STANDARD, Cell, Rows, Trouble
from bench.readiness.figures import Figures
from bench.readiness.workers import play_all
from tests.support.servers.mariadb_server import MariaDBUnavailable


def main(words: Sequence[str] | None = None) -> int:
    """Play and print; 2 when that is impossible, 130 when it was interrupted."""
    parser = _parser()
    asked = parser.parse_args(words)
    problem = _problem(asked)
    if problem:
        parser.error(problem)
    # When a run is stopped its servers must stop too: SIGTERM ends it as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    begun = time.monotonic()
    try:
        for cell in STANDARD if asked.standard else [_cell(asked)]:
            _play(cell, asked)
    except MariaDBUnavailable as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    print(f"{time.monotonic() - begun:.0f} seconds", file=sys.stderr)
    return 0


def _play(cell: Cell, asked: argparse.Namespace) -> None:
    rows = _rows(asked)
    seeds = range(asked.seed, asked.seed + asked.days)
    played = play_all(cell, seeds, rows, min(asked.processes, asked.days), mariadb=asked.mariadb)
    figures = {each: Figures([day for day in played if day.rows is each]) for each in rows}
    if asked.json:
        print(json.dumps({"kind": str(cell), "first seed": asked.seed,
                          "figures": {each.value: figures[each].as_json() for each in rows}}), flush=True)  # fmt: skip
    else:
        print(f"{report.table(cell, figures)}\n", flush=True)


def _rows(asked: argparse.Namespace) -> list[Rows]:
    """The kinds of rows to play with: kept ready, unless that is not wanted or there is no such thing yet."""
    keep = passes.exist() if asked.keep is None else asked.keep
    return [Rows.VCL, Rows.OURS, *([Rows.KEPT] if keep else [])]


def _cell(asked: argparse.Namespace) -> Cell:
    names = ("seats", "computers", "users", "failing", "nodes", "limit", "vm_hosts", "load_minutes", "minutes_before")
    return replace(Cell(), **{name: getattr(asked, name) for name in names}, trouble=Trouble(asked.trouble))


def _problem(asked: argparse.Namespace) -> str:
    """What is wrong with the options; "" when nothing is."""
    if asked.keep and not passes.exist():
        return "--keep: this checkout has no keep_ready; leave the option out, or say --no-keep"
    for name in ("users", "failing"):
        if not 0 <= getattr(asked, name) < 1:
            return f"--{name} {getattr(asked, name)}: a share from 0 to below 1, as 0.3"
    for name in ("days", "seats", "computers", "nodes", "limit", "processes"):
        if getattr(asked, name) < 1:
            return f"--{name} {getattr(asked, name)}: a whole number from 1"
    if asked.minutes_before < 15:
        return f"--minutes-before {asked.minutes_before}: from 15"
    if asked.trouble == Trouble.DEAD_NODE and asked.nodes < 2:
        return "--trouble dead-node: its work needs another one, say --nodes 2 or more"
    if asked.seats > asked.computers:
        return f"--seats {asked.seats}: more than the {asked.computers} computers; lower it or raise --computers"
    if not 0 <= asked.vm_hosts <= asked.computers:
        return f"--vm-hosts {asked.vm_hosts}: from 0 (blades) to the number of computers, {asked.computers}"
    return ""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.readiness", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    plain = Cell()
    add = parser.add_argument
    add("--days", type=int, default=40, metavar="N", help="how many (default: 40)")
    add("--seed", type=int, default=1, metavar="S", help="seed of the first; the next ones follow (default: 1)")
    add("--standard", action="store_true", help="all kinds of days of docs/readiness.md; leaves out the options below")
    add("--seats", type=int, default=plain.seats, metavar="N", help=f"of the class (default: {plain.seats})")
    add("--computers", type=int, default=plain.computers, metavar="N", help=f"(default: {plain.computers})")
    add("--users", type=float, default=plain.users, metavar="SHARE",
        help=f"of the computers, that others have on average (default: {plain.users})")  # fmt: skip
    add("--failing", type=float, default=plain.failing, metavar="SHARE",
        help=f"of the loads (default: {plain.failing})")  # fmt: skip
    add("--nodes", type=int, default=plain.nodes, metavar="N", help=f"management nodes (default: {plain.nodes})")
    add("--limit", type=int, default=plain.limit, metavar="N",
        help=f"loads that a node runs at a time (default: {plain.limit})")  # fmt: skip
    add("--load-minutes", type=float, default=plain.load_minutes, metavar="MINUTES",
        help=f"that a load takes on average (default: {plain.load_minutes:.0f})")  # fmt: skip
    add("--vm-hosts", type=int, default=0, metavar="N", help="virtual machines on so many hosts (default: blades)")
    add("--minutes-before", type=int, default=plain.minutes_before, metavar="N",
        help=f"the start, from which a day is played (default: {plain.minutes_before})")  # fmt: skip
    add("--trouble", choices=[each.value for each in Trouble], default="none", help="what goes wrong besides")
    add("--keep", action=argparse.BooleanOptionalAction, default=None,
        help="also with a pass of keep_ready each minute (default: if there is such a thing)")  # fmt: skip
    add("--mariadb", action="store_true", help="on private MariaDB servers (default: SQLite)")
    add("--processes", type=int, default=os.cpu_count() or 1, metavar="N", help="(default: one for each core)")
    add("--json", action="store_true", help="a JSON object for each kind of day instead of a table")
    return parser


if __name__ == "__main__":
    sys.exit(main())
