"""Replay a folder of recorded cases on a database of its own, and show what differs from the recordings."""

import argparse
import json
import logging
import os
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.servers.kinds import Kind, add_options, kind_of
from tests.support.servers.mariadb_server import MariaDBUnavailable
from tests.support.servers.private_database import private_database

if TYPE_CHECKING:
    from tests.golden.replay import Scenario, Sevens


def main() -> int:
    """Exit status 0 when cases were compared and all are equal, 1 when not, 2 when the arguments are wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.golden",
        description=__doc__,
        epilog="The last line says how many are equal. Exit status: 0 all equal, 1 some differ, 2 wrong arguments.",
    )
    parser.add_argument("directory", type=Path, help="folder of recorded cases (*.json), or one such file")
    parser.add_argument("--mariadb", action="store_true", help="on a private MariaDB server instead of SQLite")
    parser.add_argument("--seven", type=Path, metavar="FILE", help="make the seven-parameter calls of this file")
    parser.add_argument(
        "--only", nargs="+", default=[""], metavar="TEXT", help="only cases whose name contains one of the TEXTs"
    )
    add_options(parser.add_argument)
    options = parser.parse_args()
    kind = kind_of(options)
    if kind != Kind() and not options.mariadb:
        parser.error("--vcl, --programs, --sql-mode and --own-sql-mode are about MariaDB: add --mariadb")
    try:
        paths = _paths(options.directory, options.only)
        sevens = _sevens(options.seven) if options.seven else None
        chosen = _chosen(paths, sevens)
    except ValueError as error:
        parser.error(str(error))
    os.environ["VCL_RELOAD_POLICY"] = "vcl"  # the recordings are of this policy (SPEC 6)
    try:
        with private_database(mariadb=options.mariadb, kind=kind):
            return _replay_all(chosen, sevens)
    except MariaDBUnavailable as error:
        parser.error(f"--mariadb: {error}")


def _paths(directory: Path, only: list[str]) -> list[Path]:
    if not directory.exists():
        raise ValueError(f"{directory}: there is no such folder")
    paths = sorted(directory.glob("*.json")) if directory.is_dir() else [directory]
    if not paths:
        raise ValueError(f"{directory}: no recorded cases (*.json) there")
    chosen = [path for path in paths if any(text in path.stem for text in only)]
    if not chosen:
        raise ValueError(f"--only {' '.join(only)}: none of the {len(paths)} cases has a name with that in it")
    return chosen


def _sevens(path: Path) -> "dict[str, Sevens]":
    try:
        return dict(json.loads(path.read_text())["cases"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"--seven {path}: not a file of seven-parameter calls: {error!r}") from error


def _chosen(paths: list[Path], sevens: "dict[str, Sevens] | None") -> list[Path]:
    if sevens is None:
        return paths
    chosen = [path for path in paths if path.stem in sevens]
    if not chosen:
        raise ValueError("--seven: none of its cases is in the folder")
    return chosen


def _replay_all(paths: list[Path], sevens: "dict[str, Sevens] | None") -> int:
    logging.disable(logging.WARNING)  # refused calls are part of the cases
    count: Counter[str] = Counter()
    for path in paths:
        result, lines = _replay_one(path, sevens[path.stem] if sevens is not None else None)
        count[result] += 1
        if lines:
            print(*lines, sep="\n  ")
    tagged = f" ({count['tagged']} tagged, not compared)" if count["tagged"] else ""
    print(f"{count['equal']} equal, {count['differ']} differ{tagged}")
    return 0 if count["equal"] and not count["differ"] else 1


def _replay_one(path: Path, seven: "Sevens | None") -> tuple[str, list[str]]:
    """The result of one case, and the lines to print."""
    from tests.golden.decided import OTHERWISE
    from tests.golden.replay import read_case, replay

    try:
        case = read_case(path)
        if ("reference_bug" in case and seven is None) or path.stem in OTHERWISE:
            return "tagged", []  # the right result there is not the recorded one
        differences = replay(case, seven=seven)
    except ValueError as error:
        return "differ", [str(error)]
    except Exception as error:  # one bad case must not hide the others
        return "differ", [f"{path.stem}: it can't be replayed", f"{type(error).__name__}: {error}"]
    return ("differ", list(_report(case, differences))) if differences else ("equal", [])


def _report(case: "Scenario", differences: list[str]) -> Iterator[str]:
    yield f"{case['name']}: {case['about']}"
    for text in differences:
        yield from text.splitlines()


if __name__ == "__main__":
    sys.exit(main())
