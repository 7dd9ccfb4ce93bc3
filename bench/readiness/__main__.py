"""Days with classes, played with VCL's own reload rows, with ours, and with ours kept ready until the start.

Each seeded day is played with each kind of rows: the same users come, and the same load of a computer fails. All on
real rows, with doubles of VCL's back end and front end, in a private database; nothing else is touched. What is taken
for granted is in the docstring of `bench.readiness`. Bounds of shares hold with a confidence of 99 % each.
"""

import argparse
import json
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bench.readiness import report
from bench.readiness.cells import Cell, Trouble
from bench.readiness.figures import Figures
from bench.readiness.grid import grid, matching
from bench.readiness.options import ROWS, parser
from bench.readiness.workers import play_all
from simulation.days.load_laws import Resampled
from tests.support.servers.mariadb_server import MariaDBUnavailable


def main(words: Sequence[str] | None = None) -> int:
    """Play and print; 2 when that is impossible, 130 when it was interrupted."""
    options = parser(__doc__ or "")
    asked = options.parse_args(words)
    problem = _problem(asked)
    if problem:
        options.error(problem)
    cells = _cells(asked)
    if not cells:
        options.error(f"--cells {asked.cells}: no kind of day has that in its name; --list shows the names")
    left_out = {each: why for each in cells if asked.grid and (why := each.why_left_out())}
    if asked.list:
        print(*(f"{each.name}{_why(left_out.get(each))}" for each in cells), sep="\n")
        return 0
    # When a run is stopped its servers must stop too: SIGTERM ends it as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    for each, why in left_out.items():
        print(f"{each.name}{_why(why)}", file=sys.stderr)
    try:
        _play([each for each in cells if each not in left_out], left_out, asked)
    except MariaDBUnavailable as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    return 0


def _play(cells: Sequence[Cell], left_out: dict[Cell, str], asked: argparse.Namespace) -> None:
    begun = time.monotonic()
    rows = [ROWS[each] for each in dict.fromkeys(asked.rows)]
    seeds = range(asked.seed, asked.seed + asked.days)
    done: dict[Cell, report.ByRows] = {}
    workers = min(asked.processes, asked.days * len(cells))
    for cell, played in play_all(cells, seeds, rows, workers, mariadb=asked.mariadb):
        done[cell] = {each: Figures([day for day in played if day.rows is each]) for each in rows}
        if asked.json != "-":
            print(f"{report.table(cell, done[cell])}\n", flush=True)
        if asked.json not in (None, "-"):  # after each: kept when the run is interrupted
            _write(Path(asked.json), done, left_out, seeds)
        place = f"{len(done)}/{len(cells)}, {time.monotonic() - begun:.0f} s"
        print(f"[{place}] {report.progress(cell, done[cell])}", file=sys.stderr, flush=True)
    if asked.json == "-":
        print(json.dumps(report.as_json(done, left_out, seeds)))
    else:
        print("\n\n".join(filter(None, (report.said_and_came(done), report.summary(done)))), flush=True)


def _write(path: Path, done: dict[Cell, report.ByRows], left_out: dict[Cell, str], seeds: Sequence[int]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report.as_json(done, left_out, seeds)))


def _cells(asked: argparse.Namespace) -> list[Cell]:
    """The kinds of days to play."""
    cells = grid(asked.sample, asked.sample_seed) if asked.grid else [_cell(asked)]
    return matching(cells, asked.cells) if asked.cells else cells


def _cell(asked: argparse.Namespace) -> Cell:
    names = ("seats", "users", "failing", "nodes", "limit", "classes", "own_images", "load_minutes", "law", "past",
             "records", "loaded", "vm_hosts", "minutes_before", "trouble")  # fmt: skip
    cell = Cell(**{name: getattr(asked, name) for name in names})
    if isinstance(cell.law, Resampled) and asked.load_times:
        cell = replace(cell, load_minutes=round(cell.law.mean / 60, 2))
    return replace(cell, computers=asked.computers) if asked.computers else cell.fitted()


def _why(why: str | None) -> str:
    return f": left out, {why}" if why else ""


def _problem(asked: argparse.Namespace) -> str:
    """What is wrong with the options; "" when nothing is. Reads the file of --load-times."""
    if asked.load_times:
        try:
            asked.law = _load_times(asked.load_times)
        except (OSError, ValueError) as error:
            return f"--load-times {asked.load_times}: {error}"
    return _wrong_number(asked) or _contradiction(asked)


def _wrong_number(asked: argparse.Namespace) -> str:
    for name in ("users", "failing", "loaded"):
        if not 0 <= getattr(asked, name) < 1:
            return f"--{name} {getattr(asked, name)}: a share from 0 to below 1, as 0.3"
    for name in ("days", "seats", "nodes", "limit", "processes", "classes"):
        if getattr(asked, name) < 1:
            return f"--{name} {getattr(asked, name)}: a whole number from 1"
    if asked.minutes_before < 15:
        return f"--minutes-before {asked.minutes_before}: from 15"
    return ""


def _contradiction(asked: argparse.Namespace) -> str:
    if asked.own_images and asked.classes > 5:
        return f"--own-images with --classes {asked.classes}: there are images for 1 to 5 classes"
    if asked.trouble == Trouble.DEAD_NODE and asked.nodes < 2:
        return "--trouble dead-node: its work needs another one, say --nodes 2 or more"
    computers = _cell(asked).computers
    if asked.seats * asked.classes > computers:
        return f"--seats {asked.seats}: more than the {computers} computers; lower it or raise --computers"
    if not 0 <= asked.vm_hosts <= computers:
        return f"--vm-hosts {asked.vm_hosts}: from 0 (blades) to the number of computers, {computers}"
    return ""


def _load_times(path: Path) -> Resampled:
    """The lengths of a file. Raises OSError; ValueError for what is no length."""
    words = path.read_text().split()
    wrong = next((word for word in words if not word.isdecimal()), None)
    if wrong is not None:
        raise ValueError(f"{wrong!r} is no whole number of seconds; give one in each line")
    return Resampled(tuple(map(int, words)), path.stem)


if __name__ == "__main__":
    sys.exit(main())
