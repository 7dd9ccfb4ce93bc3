"""Senders of notifications that are killed, and receivers that die: `python -m verification.deliveries`.

Nothing is lost; nothing is delivered twice but what was on its way when somebody was killed, and that with the same
key; each recipient hears of a class in the order of its news. The database is a private one, the clock is the real
one, the mail server is aiosmtpd in a process of its own. Prints what was counted; exit status 1 when something is
wrong.
"""

import argparse
import signal
import sys
import tempfile
from pathlib import Path

from tests.support.servers.private_database import private_database


def main() -> int:
    """Play what the command line asks for; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m verification.deliveries", description=__doc__)
    parser.add_argument("--mariadb", action="store_true", help="on a private MariaDB server (default: SQLite)")
    parser.add_argument("--senders", type=int, default=5, metavar="N", help="`notify --loop` at once (default: 5)")
    parser.add_argument("--recipients", type=int, default=200, metavar="N", help="mail addresses (default: 200)")
    parser.add_argument("--classes", type=int, default=10, metavar="N", help="classes with news (default: 10)")
    parser.add_argument("--waves", type=int, default=10, metavar="N", help="news of each class (default: 10)")
    parser.add_argument("--pause", type=float, default=20.0, metavar="SECONDS", help="between waves (default: 20)")
    parser.add_argument("--slow", type=float, default=0.02, metavar="SECONDS", help="of the mail server for each mail")
    parser.add_argument("--kills", type=int, default=20, metavar="N", help="of senders, with SIGKILL (default: 20)")
    parser.add_argument("--absences", type=int, default=3, metavar="N", help="of the mail server, killed (default: 3)")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    # When a campaign is stopped its servers must stop too: SIGTERM ends it as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory() as directory, private_database(mariadb=asked.mariadb) as server:
        from django.db import connection

        from verification.deliveries.campaign import Campaign, Size

        size = Size(
            asked.senders, asked.recipients, asked.classes, asked.waves, asked.pause, asked.slow, asked.kills,
            asked.absences, asked.seed,
        )  # fmt: skip
        url = server.url("vcl") if server else f"sqlite:///{connection.settings_dict['NAME']}"
        verdict = Campaign(size, Path(directory), url).run()
    print(", ".join(f"{what}: {number:,}" for what, number in verdict.counts.items()))
    for text in verdict.wrong[:40]:
        print(f"wrong: {text}", file=sys.stderr)
    print(f"{len(verdict.wrong)} things went wrong")
    return 1 if verdict.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
