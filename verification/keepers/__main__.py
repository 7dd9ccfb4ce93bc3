"""Five `keep_ready` at once beside callers, users, staff and the back end: `python -m verification.keepers`.

Each of the `keep_ready` looks every second. The database is a private MariaDB server, the clock is the real one.
Prints what was counted; exit status 1 when something is wrong.
"""

import argparse
import os
import signal
import sys
import tempfile
from pathlib import Path

from tests.support.servers.private_database import private_database
from verification.front_end.free_race import SERVER_ARGUMENTS
from verification.keepers.site import LAST


def main() -> int:
    """Play what the command line asks for; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m verification.keepers", description=__doc__)
    parser.add_argument("--seconds", type=int, default=180, help="how long (default: 180)")
    parser.add_argument("--keepers", type=int, default=5, metavar="N", help="looks at once (default: 5)")
    parser.add_argument("--callers", type=int, default=16, metavar="N", help="processes that call (default: 16)")
    parser.add_argument("--users", type=int, default=4, metavar="N", help="sessions of the front end (default: 4)")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    if not 0 < asked.seconds <= LAST:
        parser.error(f"--seconds has to be from 1 to {LAST}: the first classes begin after that")
    # When a campaign is stopped its servers must stop too: SIGTERM ends it as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    os.environ["VCL_TIME_ZONE"] = "UTC"
    with (
        tempfile.TemporaryDirectory() as directory,
        private_database(mariadb=True, arguments=SERVER_ARGUMENTS) as server,
    ):
        assert server is not None
        from verification.keepers.campaign import Size, run

        outcome = run(
            server, Size(asked.seconds, asked.keepers, asked.callers, asked.users, asked.seed), Path(directory)
        )
    for role, counts in [*outcome.counts.items(), ("keep_ready", outcome.looks), ("rows", outcome.rows)]:
        print(f"{role:12}" + ", ".join(f"{what}: {number:,}" for what, number in sorted(counts.items())))
    print(f"transactions of keep_ready tried again: {dict(outcome.retries)}; deadlocks with us: {outcome.deadlocks}")
    for text in outcome.wrong[:40]:
        print(f"wrong: {text}", file=sys.stderr)
    print(f"{len(outcome.wrong)} things went wrong")
    return 1 if outcome.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
