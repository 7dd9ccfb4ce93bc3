"""Plays random days: `python -m verification.random_days [--mariadb] [--days N] [--first N] [--keep-ready]`.

Prints counts of what happened, and each day on which something went wrong: `--first N --days 1` plays it again.
Exit status 1 when something did.
"""

import argparse
import logging
import sys
import time
from collections import Counter
from collections.abc import Sequence

from tests.support.servers.private_database import private_database
from verification.random_days.undone import KEPT_PROMISES, PROMISES


def main(words: Sequence[str] | None = None) -> int:
    """Play what the command line asks for; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m verification.random_days", description=__doc__)
    parser.add_argument("--mariadb", action="store_true", help="on a private MariaDB server (default: SQLite)")
    parser.add_argument("--days", type=int, default=100, metavar="N", help="how many (default: 100)")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="number of the first (default: 0)")
    parser.add_argument("--keep-ready", action="store_true", help="keep_ready looks at the classes every minute")
    parser.add_argument(
        "--without", choices=(*PROMISES, *KEPT_PROMISES), help="disable the safeguard of a promise: days must go wrong"
    )
    asked = parser.parse_args(words)
    with private_database(mariadb=asked.mariadb):
        logging.disable(logging.ERROR)  # refusals and lost races are part of the days
        return _play(asked.first, asked.days, asked.without, kept=asked.keep_ready)


def _play(first: int, days: int, without: str | None, *, kept: bool) -> int:
    from verification.random_days.play import play, stage
    from verification.random_days.undone import undone

    counts: Counter[str] = Counter()
    wrong, begun = 0, time.monotonic()
    with stage(), undone(without):
        for number in range(first, first + days):
            played = play(number, kept=kept)
            counts.update(played.counts)
            wrong += bool(played.wrong)
            for text in played.wrong[:5]:
                print(f"day {number}: {text}", flush=True)
    for what, number in sorted(counts.items()):
        print(f"{what:32}{number:>10,}")
    print(f"{days} days, {wrong} on which something went wrong, {time.monotonic() - begun:.0f} seconds")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
