"""A day with classes in trouble, scraped by Prometheus; then every query of the dashboard and the rules is asked.

Prometheus has the configuration of deploy/prometheus/, but for the address and the pace: a minute of the day is a
scrape. On a private database (SQLite); nothing else is touched. Exit status 1 when something is not as it has to be.
"""

import argparse
import signal
import sys
import time
from collections.abc import Sequence

from bench.readiness.workers import database


def main(words: Sequence[str] | None = None) -> int:
    """Play the day and judge; the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m verification.metrics",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="of the day (default: 1)")
    asked = parser.parse_args(words)
    # When the campaign is stopped its servers must stop too: SIGTERM ends it as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    begun = time.monotonic()
    with database(mariadb=False) as doubles:
        from verification.metrics.campaign import run

        outcome = run(asked.seed, doubles)
    print(*outcome.fired, sep="\n")
    for text in outcome.wrong:
        print(f"wrong: {text}", file=sys.stderr)
    print(
        f"{outcome.scrapes} scrapes, {outcome.mails} mails, {outcome.queries} queries, {time.monotonic() - begun:.0f} s"
    )
    print(f"{len(outcome.wrong)} things are wrong")
    return 1 if outcome.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
