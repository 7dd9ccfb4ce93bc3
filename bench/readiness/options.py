"""The options of the command line."""

import argparse
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from bench.readiness.cells import Cell, Past, Records, Rows, Trouble
from bench.readiness.grid import EXAMPLE_LOG
from simulation.days.load_laws import Bimodal, HeavyTailed, Law, LogNormal, Uniform

ROWS: Mapping[str, Rows] = {"vcl": Rows.VCL, "ours": Rows.OURS, "kept": Rows.KEPT}
_LAWS: Mapping[str, Callable[..., Law]] = {
    "uniform": Uniform, "lognormal": LogNormal, "bimodal": Bimodal, "heavy-tailed": HeavyTailed,
    "example-log": lambda: EXAMPLE_LOG,
}  # fmt: skip


def parser(description: str) -> argparse.ArgumentParser:
    """The parser of the options."""
    made = argparse.ArgumentParser(
        prog="python -m bench.readiness", description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    _add_run(made)
    _add_cell(made)
    return made


def _add_run(made: argparse.ArgumentParser) -> None:
    add = made.add_argument_group("what is played").add_argument
    add("--grid", action="store_true", help="the grid of docs/readiness.md: all kinds of days, one after the other")
    add("--sample", type=int, default=12, metavar="N",
        help="with --grid: so many kinds drawn from all combinations, besides those that differ from a plain one in "
             "one respect (default: 12)")  # fmt: skip
    add("--sample-seed", type=int, default=1, metavar="S", help="with --grid: which ones are drawn (default: 1)")
    add("--cells", metavar="PATTERN", help="only the kinds with this in their names; * stands for anything")
    add("--list", action="store_true", help="print the names of the kinds, and play nothing")
    add("--days", type=int, default=12, metavar="N", help="days of each kind (default: 12)")
    add("--seed", type=int, default=1, metavar="S", help="seed of the first; the next ones follow (default: 1)")
    add("--rows", nargs="+", choices=[*ROWS], default=[*ROWS],
        help="VCL's own, ours, ours with a pass of keep_ready each minute (default: all)")  # fmt: skip
    add("--mariadb", action="store_true", help="on private MariaDB servers (default: SQLite)")
    add("--processes", type=int, default=os.cpu_count() or 1, metavar="N", help="(default: one for each core)")
    add("--json", nargs="?", const="-", metavar="FILE",
        help="everything in JSON, with every day, into the file; without one: printed instead of tables")  # fmt: skip


def _add_cell(made: argparse.ArgumentParser) -> None:
    plain = Cell()
    add = made.add_argument_group("the kind of day, without --grid").add_argument
    add("--seats", type=int, default=plain.seats, metavar="N", help=f"of each class (default: {plain.seats})")
    add("--classes", type=int, default=plain.classes, metavar="N", help="at the same hour (default: 1)")
    add("--own-images", action="store_true", help="each class has an image of its own (default: all have the same)")
    add("--computers", type=int, default=0, metavar="N",
        help="(default: so many that mostly 1.25 times the seats are free)")  # fmt: skip
    add("--users", type=float, default=plain.users, metavar="SHARE",
        help=f"of the computers, that others have on average (default: {plain.users})")  # fmt: skip
    add("--loaded", type=float, default=plain.loaded, metavar="SHARE",
        help=f"of the computers, that hold the classes' images in the morning (default: {plain.loaded})")  # fmt: skip
    add("--failing", type=float, default=plain.failing, metavar="SHARE",
        help=f"of the loads (default: {plain.failing})")  # fmt: skip
    add("--nodes", type=int, default=plain.nodes, metavar="N", help=f"management nodes (default: {plain.nodes})")
    add("--limit", type=int, default=plain.limit, metavar="N",
        help=f"loads that a node runs at a time (default: {plain.limit})")  # fmt: skip
    add("--vm-hosts", type=int, default=0, metavar="N", help="virtual machines on so many hosts (default: blades)")
    add("--load-minutes", type=float, default=plain.load_minutes, metavar="MINUTES",
        help=f"that a load takes on average (default: {plain.load_minutes:.0f})")  # fmt: skip
    add("--law", type=law, default=plain.law, metavar="NAME[:N,N...]",
        help="how loads vary: uniform:FASTEST,SLOWEST, lognormal:CV, bimodal:SHARE,TIMES,CV, "
             "heavy-tailed:SHARE,SHORTEST,LONGEST,CV, or example-log (default: uniform:0.8,1.2)")  # fmt: skip
    add("--load-times", type=Path, metavar="FILE", help="loads are resampled from these lengths, a number of seconds "
        "in each line; --load-minutes and --law don't count")  # fmt: skip
    add("--past", type=Past, choices=list(Past), default=plain.past,
        help="past loads that the service learns from: faster ones took 0.7 times as long (default: many)")  # fmt: skip
    add("--records", type=Records, choices=list(Records), default=plain.records,
        help="where these are on record: VCL's log, our own table of seen loads, both (default: log)")  # fmt: skip
    add("--minutes-before", type=int, default=plain.minutes_before, metavar="N",
        help=f"the start, from which a day is played: later than 360, classes are asked for at once "
             f"(default: {plain.minutes_before})")  # fmt: skip
    add("--trouble", type=Trouble, choices=list(Trouble), default=plain.trouble, help="what goes wrong besides")


def law(text: str) -> Law:
    """The law that is named so. Raises argparse.ArgumentTypeError."""
    name, _, numbers = text.partition(":")
    try:
        return _LAWS[name](*map(float, filter(None, numbers.split(","))))
    except KeyError:
        raise argparse.ArgumentTypeError(f"{name!r}: one of {', '.join(_LAWS)}") from None
    except TypeError:
        raise argparse.ArgumentTypeError(f"{text!r}: too many numbers for {name}") from None
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: {error}") from None
