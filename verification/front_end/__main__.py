"""Races with VCL's front end: `python -m verification.front_end [--mariadb] [--interleavings all|N] …`.

Prints what was played, and the results. Exit status 1 when a computer was promised twice, or
anything else was wrong: the schedule that did it is printed, and played again by `--replay`.
"""

import argparse
import logging
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tests.support.servers.mariadb_server import PrivateMariaDB
from tests.support.servers.private_database import private_database

if TYPE_CHECKING:
    from verification.front_end.interleavings import Tally

_HEAD = ("", "runs", "wrong", "we got", "they got", "exchanges", "had to wait", "seconds")


def main(words: Sequence[str] | None = None) -> int:
    """Run what the command line asks for; the exit status."""
    asked = _arguments(words)
    from verification.front_end.free_race import SERVER_ARGUMENTS

    with private_database(mariadb=asked.mariadb, arguments=SERVER_ARGUMENTS) as server:
        logging.getLogger("blockalloc").setLevel(logging.ERROR)  # being held up is the point here
        if asked.replay:
            return _replay(asked.replay)
        _row(_HEAD)
        wrong = _interleavings(asked.interleavings, asked.scenarios) + sum(
            _random(asked.first, asked.random, loaded=loaded) for loaded in (False, True)
        )
        if server is not None and asked.free_seconds:
            for loaded in (False, True):
                wrong += _free(server, asked, loaded=loaded)
    return 1 if wrong else 0


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m verification.front_end", description=__doc__)
    parser.add_argument("--mariadb", action="store_true", help="on a private MariaDB server (default: SQLite)")
    parser.add_argument(
        "--interleavings", default="500", metavar="all|N", help="schedules of each scenario (default: 500)"
    )
    parser.add_argument("--scenarios", nargs="+", metavar="NAME", help="only these (default: all)")
    parser.add_argument(
        "--random", type=int, default=5000, metavar="N", help="random runs of each kind (default: 5000)"
    )
    parser.add_argument("--first", type=int, default=0, metavar="N", help="number of the first random run")
    parser.add_argument(
        "--free-seconds", type=float, default=60, metavar="S", help="of the free race, on MariaDB (default: 60)"
    )
    parser.add_argument("--ours", type=int, default=2, metavar="N", help="our processes in the free race")
    parser.add_argument("--theirs", type=int, default=3, metavar="N", help="front ends in the free race")
    parser.add_argument("--replay", nargs="+", metavar="WORD", help="one run: its words as printed")
    return parser.parse_args(words)


def _interleavings(asked: str, names: Sequence[str] | None) -> int:
    from verification.front_end.interleavings import play_all
    from verification.front_end.loaded import LOADED
    from verification.front_end.scenarios import SCENARIOS

    wrong, known = 0, SCENARIOS | LOADED
    at_most = None if asked == "all" else int(asked)
    if at_most == 0:
        return 0
    for scenario in (known[name] for name in names or known):
        begun = time.monotonic()
        wrong += _report(scenario.name, play_all(scenario, at_most), time.monotonic() - begun)
    return wrong


def _random(first: int, number: int, *, loaded: bool) -> int:
    from verification.front_end import random_orders
    from verification.front_end.interleavings import Tally

    if not number:
        return 0
    begun, tally = time.monotonic(), Tally()
    with random_orders.stage() as others:
        for run in range(first, first + number):
            tally.add(random_orders.play(run, others, loaded=loaded))
    return _report(random_orders.LOADED if loaded else random_orders.PLAIN, tally, time.monotonic() - begun)


def _free(server: PrivateMariaDB, asked: argparse.Namespace, *, loaded: bool) -> int:
    from verification.front_end import free_race

    outcome = free_race.run(server, asked.free_seconds, asked.ours, asked.theirs, loaded=loaded)
    sides = f"{asked.ours} of our processes and {asked.theirs} front ends"
    print(f"\nfree race of {sides}, computers {'loaded' if loaded else 'not loaded'}, {outcome.seconds:.0f} seconds")
    for side, counts in (("we", outcome.ours), ("they", outcome.theirs)):
        print(f"  {side}: " + ", ".join(f"{what} {number}" for what, number in sorted(counts.items())))
    print(f"  deadlocks: {outcome.deadlocks_with_us} with us, {outcome.deadlocks} of front ends among themselves")
    for fault in outcome.faults:
        print(f"  WRONG: {fault}")
    return len(outcome.faults) + outcome.deadlocks_with_us


def _replay(words: Sequence[str]) -> int:
    from verification.front_end import interleavings, random_orders
    from verification.front_end.loaded import LOADED
    from verification.front_end.scenarios import SCENARIOS

    name, *rest = words
    if name in (random_orders.PLAIN, random_orders.LOADED):
        with random_orders.stage() as others:
            run = random_orders.play(int(rest[0]), others, loaded=name == random_orders.LOADED)
    else:
        scenario = (SCENARIOS | LOADED)[name]
        with interleavings.stage(scenario) as others:
            run = interleavings.play(scenario, interleavings.read(rest), others)
    print(f"{run.words}: we got {run.answer}")
    for session in run.sessions:
        print(
            f"  {session.procid}: steps {session.letters}, computer {session.computer}, waited {session.blocked} times"
        )
    for fault in run.faults:
        print(f"  WRONG: {fault}")
    return 1 if run.faults else 0


def _report(name: str, tally: "Tally", seconds: float) -> int:
    figures = (tally.runs, len(tally.wrong), tally.ours, tally.theirs, tally.exchanges, tally.blocked)
    _row((name, *map(str, figures), f"{seconds:.1f}"))
    for run in tally.wrong[:10]:
        print(f"  WRONG: {'; '.join(run.faults)}\n    again: --replay {run.words}")
    return len(tally.wrong)


def _row(cells: Sequence[str]) -> None:
    print(f"{cells[0]:26}" + "".join(f"{cell:>12}" for cell in cells[1:]), flush=True)


if __name__ == "__main__":
    sys.exit(main())
