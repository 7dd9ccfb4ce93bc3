"""Plays a week and reads its mails: `python -m verification.notifications [--classes N] [--days N] [--mariadb]`.

Prints what happened, how many messages told it, and how soon. Exit status 1 when somebody who reads only their messages
did not know something, believed something wrong, or was told something twice.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.readiness.workers import database
from verification.notifications.inbox import inbox
from verification.notifications.week import Week


def main(words: Sequence[str] | None = None) -> int:
    """Play what the command line asks for; the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m verification.notifications",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--classes", type=int, default=200, metavar="N", help="of the whole week (default: 200)")
    add("--days", type=int, default=5, metavar="N", help="from Monday on (default: 5)")
    add("--share", type=float, default=0.1, metavar="SHARE", help="of the classes that get into trouble (default: 0.1)")
    add("--hours", type=int, nargs=2, metavar=("FROM", "TO"),
        help="hours of the day in which classes begin; each is played from shortly before (default: 8 to 17, day and "
             "night)")  # fmt: skip
    add("--seed", type=int, default=1, metavar="N", help="another seed is another week (default: 1)")
    add("--mariadb", action="store_true", help="on a private MariaDB server (default: SQLite)")
    add("--quiet", action="store_true", help="don't say each hour how far it is")
    asked = parser.parse_args(words)
    week = Week(asked.seed, asked.classes, asked.days, asked.share, asked.hours and tuple(asked.hours))
    with (
        tempfile.TemporaryDirectory() as directory,
        inbox(Path(directory)) as receivers,
        database(mariadb=asked.mariadb) as doubles,
    ):
        from verification.notifications.play import play
        from verification.notifications.report import report

        progress = _silent if asked.quiet else _say
        wrong = report(play(week, doubles, receivers, progress))
    return 1 if wrong else 0


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _silent(_text: str) -> None:
    """Say nothing."""


if __name__ == "__main__":
    sys.exit(main())
