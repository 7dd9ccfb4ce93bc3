"""`python -m tests.golden DIR`: replays a folder of recorded cases on a database of its own."""

import argparse
import json
import os
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path


def main() -> int:
    """Replay, print `N equal, M differ` with the differences; exit status 1 when some differ."""
    parser = argparse.ArgumentParser(prog="python -m tests.golden", description=__doc__)
    parser.add_argument("directory", type=Path, help="folder of recorded cases (*.json)")
    parser.add_argument("--mariadb", action="store_true", help="on a private MariaDB server instead of SQLite")
    parser.add_argument("--seven", type=Path, metavar="FILE", help="make the seven-parameter calls of this file")
    parser.add_argument("--only", default="", metavar="TEXT", help="only cases whose name contains TEXT")
    options = parser.parse_args()
    paths = sorted(options.directory.glob("*.json"))
    if not paths:
        parser.error(f"{options.directory}: no recorded cases (*.json) there")
    with ExitStack() as stack:
        # The cases replace all rows: never in a database that somebody uses.
        os.environ["DATABASE_URL"] = _database(stack, mariadb=options.mariadb)
        os.environ["DJANGO_SETTINGS_MODULE"] = "vclsite.settings"
        return _replay_all(paths, options)


def _database(stack: ExitStack, *, mariadb: bool) -> str:
    if not mariadb:
        directory = stack.enter_context(tempfile.TemporaryDirectory())
        return f"sqlite:///{directory}/cases.sqlite3"
    from tests.mariadb_server import PrivateMariaDB

    server = stack.enter_context(PrivateMariaDB())
    server.execute("CREATE DATABASE vcl")
    return server.url("vcl")


def _replay_all(paths: list[Path], options: argparse.Namespace) -> int:
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    from tests.golden.replay import read_case, replay

    sevens = json.loads(options.seven.read_text())["cases"] if options.seven else None
    equal, differ = 0, 0
    for path in paths:
        case = read_case(path)
        if "calls" not in case or options.only not in path.stem or (sevens is not None and path.stem not in sevens):
            continue
        if "reference_bug" in case and sevens is None:
            continue  # what is right there is not what was recorded
        differences = replay(case, seven=sevens[path.stem] if sevens is not None else None)
        if differences:
            differ += 1
            print(f"{path.stem}: {case['about']}", *differences, sep="\n  ")
        else:
            equal += 1
    print(f"{equal} equal, {differ} differ")
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
