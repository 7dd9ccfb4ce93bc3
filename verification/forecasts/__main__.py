"""Compares forecasts with the truth: `python -m verification.forecasts [--mariadb] [--days N] [--first N]`.

Each number stands for a site and some days of classes. Prints the classes that got another number of machines than was
foreseen: `--first N --days 1` plays those days again. Exit status 1 when there are any.
"""

import argparse
import logging
import sys
import time
from collections.abc import Sequence

from tests.support.servers.private_database import private_database


def main(words: Sequence[str] | None = None) -> int:
    """Play what the command line asks for; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m verification.forecasts", description=__doc__)
    parser.add_argument("--mariadb", action="store_true", help="on a private MariaDB server (default: SQLite)")
    parser.add_argument("--days", type=int, default=100, metavar="N", help="how many sites (default: 100)")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="number of the first (default: 0)")
    asked = parser.parse_args(words)
    with private_database(mariadb=asked.mariadb):
        logging.disable(logging.ERROR)  # refusals are part of the days
        return _play(asked.first, asked.days)


def _play(first: int, sites: int) -> int:
    from verification.forecasts.play import play

    begun, classes, short, wrong = time.monotonic(), 0, 0, 0
    for number in range(first, first + sites):
        played = play(number)
        classes, short, wrong = classes + played.classes, short + played.short, wrong + len(played.wrong)
        for text in played.wrong:
            print(f"site {number}: {text}", flush=True)
    print(f"{sites} sites, {classes} classes, {short} of them foreseen short, {wrong} foreseen wrongly, ", end="")
    print(f"{time.monotonic() - begun:.0f} seconds")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
