"""`python -m verification.kills`: kill every scenario at every statement, on a private MariaDB server or on SQLite."""

import argparse
import logging
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.support.servers.mariadb_server import PrivateMariaDB
from tests.support.servers.private_database import private_database

if TYPE_CHECKING:
    from verification.kills.killing import Killer, Place

DURABLE = ("--innodb-flush-log-at-trx-commit=1", "--innodb-flush-method=fsync", "--innodb-log-file-size=8M")
_DURING_COMMIT = 0.003  # seconds: no COMMIT takes longer here


def main() -> int:
    """Run what the command line asks for; 1 when a promise was broken."""
    options = _options()
    with private_database(mariadb=options.database == "mariadb", arguments=DURABLE) as server:
        return _campaign(options, server)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m verification.kills", description=__doc__)
    parser.add_argument("--kill", choices=["process", "server"], default="process", help="what is killed")
    parser.add_argument("--database", choices=["mariadb", "sqlite"], default="mariadb")
    parser.add_argument("--what", choices=["calls", "looks", "both"], default="both", help="what is killed at work")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every Nth place")
    parser.add_argument(
        "--during", type=int, default=0, metavar="N", help="kill the server N times in the middle of each COMMIT"
    )
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if options.kill == "server" and options.database == "sqlite":
        parser.error("SQLite has no server to kill")
    return options


def _campaign(options: argparse.Namespace, server: PrivateMariaDB | None) -> int:
    logging.disable(logging.CRITICAL)  # of calls that die
    from verification.kills.killing import broken_promises, kill_process, kill_server, undisturbed
    from verification.kills.pass_killing import broken_promises_of_pass, undisturbed_pass
    from verification.kills.passes import PASSES
    from verification.kills.scenarios import SCENARIOS

    kill: Killer = kill_process if options.kill == "process" or server is None else kill_server(server)
    print(f"{options.kill} killed, {options.database}\n")
    print(f"{'':<48}" + "".join(f"{heading:>8}" for heading in ("kills", "all", "some", "none", "wrong")))
    totals = []
    if options.what != "looks":
        totals += [_table_row(each, undisturbed, broken_promises, kill, options) for each in SCENARIOS]
    if options.what != "calls":
        totals += [_table_row(each, undisturbed_pass, broken_promises_of_pass, kill, options) for each in PASSES]
    sums = [sum(column) for column in zip(*totals, strict=True)]
    print(f"{'in all':<48}" + "".join(f"{number:>8}" for number in sums))
    return 1 if sums[-1] or not sums[0] else 0


def _table_row(
    scenario: Any, undisturbed: Callable[..., Any], judge: Callable[..., Any], kill: "Killer",
    options: argparse.Namespace,
) -> tuple[int, ...]:  # fmt: skip
    """Kill a call, or a look of keep_ready, at its places; "some" are the transactions of a look that were done."""
    run = undisturbed(scenario)
    results = []
    for place in _places(run.places, options):
        left, wrong = judge(scenario, place, run, kill)
        results.append((left, wrong))
        for text in wrong:
            print(f"{scenario.name}, killed {place}: {text}")
    states = Counter(left for left, _ in results)
    numbers = (len(results), states["all"], states["some"], states["none"], sum(1 for _, wrong in results if wrong))
    print(f"{scenario.name:<48}" + "".join(f"{number:>8}" for number in numbers), flush=True)
    return numbers


def _places(places: "list[Place]", options: argparse.Namespace) -> "list[Place]":
    """The places to kill at; always with the end of the call, when everything is written."""
    last = places[-1]
    if options.kill == "process":  # for a process, after a statement is the same as before the next one
        places = [place for place in places if not place.after or place is last]
    chosen = places[:: options.every]
    chosen += [last] if last not in chosen else []
    dice = random.Random(options.seed)
    commits = [place for place in places if place.sql == "COMMIT" and not place.after]
    return chosen + [replace(place, during=dice.uniform(0, _DURING_COMMIT)) for place in commits * options.during]


if __name__ == "__main__":
    begun = time.perf_counter()
    status = main()
    print(f"{time.perf_counter() - begun:.0f} s")
    sys.exit(status)
