"""The recorded cases on each version of VCL and of MariaDB, and in strict SQL modes: `python -m verification.versions`.

MariaDB 10.5 and 11.8 are fetched from Debian's archive (bin/fetch-mariadb) when they are not there yet; the third is
the installed one. Each row of the table is a server of its own. Exit status 1 when a row is not as it must be.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from blockalloc.schema.facts import NEWEST, VERSIONS
from tests.support.servers.kinds import STRICT
from tests.support.servers.mariadb_server import PrivateMariaDB
from tests.support.servers.own_process import ROOT
from tests.support.servers.unpacked_server import UnpackedMariaDB

_RELEASES = {"10.5": "bullseye", "11.8": "trixie"}  # of Debian, by the MariaDB that they have
_GROUPING = "STRICT_ALL_TABLES,ONLY_FULL_GROUP_BY"
_CASES = [*"-m tests.golden tests/golden --mariadb".split()]
# What the statements rely on: the tables as the server describes them, and everything that reads or writes rows.
_TESTS = [*"-m pytest -q --mariadb tests/schema tests/store tests/inspection/test_drift.py -p no:cacheprovider".split()]


@dataclass(frozen=True)
class Row:
    """A server, VCL's tables on it, SQL modes, and what is run there."""

    programs: Path | None
    vcl: str = NEWEST
    sql_mode: str = ""
    own_sql_mode: str = ""
    run: Sequence[str] = tuple(_CASES)

    @property
    def modes(self) -> str:
        """The SQL modes in words."""
        server = {"": "", STRICT: "server: strict, no zero dates"}.get(self.sql_mode, f"server: {self.sql_mode}")
        own = f"service: {self.own_sql_mode}" if self.own_sql_mode else ""
        return "; ".join(filter(None, [server, own])) or "as they come"

    @property
    def command(self) -> list[str]:
        """What to run."""
        options = ["--vcl", self.vcl, "--sql-mode", self.sql_mode, "--own-sql-mode", self.own_sql_mode]
        return [sys.executable, *self.run, *options, *(["--programs", str(self.programs)] if self.programs else [])]


def main() -> int:
    """Run all rows; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m verification.versions", description=__doc__)
    parser.add_argument(
        "--only",
        default="",
        metavar="TEXT",
        help="only rows that begin with TEXT, such as '2.4.2  10.5' or '2.5.1  11.8'",
    )
    parser.add_argument("--servers", type=Path, default=ROOT / ".venv", help="where fetched servers are kept")
    asked = parser.parse_args()
    fetched = [_fetched(number, asked.servers.resolve()) for number in _RELEASES]
    numbers = {programs: _number(programs) for programs in (None, *fetched)}
    rows = [row for row in _rows(*fetched) if f"{row.vcl}  {numbers[row.programs]}".startswith(asked.only)]
    if not rows:
        parser.error(f"--only {asked.only}: no row begins with that")
    failed = 0
    print(f"{'VCL':7}{'MariaDB':10}{'SQL modes':58}{'result':45}seconds")
    for row in rows:
        begun = time.monotonic()
        done = subprocess.run(row.command, cwd=ROOT, capture_output=True, text=True, check=False)
        result = (done.stdout.strip().splitlines() or ["nothing was printed"])[-1].strip("= ")
        seconds = time.monotonic() - begun
        print(f"{row.vcl:7}{numbers[row.programs]:10}{row.modes:58}{_short(result):45}{seconds:.0f}", flush=True)
        if done.returncode:
            failed += 1
            print(done.stdout[-4000:], done.stderr[-4000:], sep="\n", file=sys.stderr)
    print(f"{failed} rows failed" if failed else "all rows passed")
    return 1 if failed else 0


def _rows(*fetched: Path) -> Iterator[Row]:
    for version in VERSIONS:
        yield Row(None, version)
    yield Row(None, sql_mode="TRADITIONAL")
    for version in VERSIONS:
        yield Row(None, version, STRICT)
    yield Row(None, own_sql_mode=_GROUPING)
    for server in fetched:
        yield Row(server)
        yield Row(server, VERSIONS[0], STRICT)
        yield Row(server, run=_TESTS)


def _fetched(number: str, folder: Path) -> Path:
    place = folder / f"mariadb-{number}"
    subprocess.run([ROOT / "bin/fetch-mariadb", _RELEASES[number], place], check=True)
    return place


def _number(programs: Path | None) -> str:
    """The server's version."""
    with UnpackedMariaDB(programs) if programs else PrivateMariaDB() as server:
        return server.execute("SELECT VERSION()").partition("-")[0]


def _short(result: str) -> str:
    """The last line of a run, without what it says of time."""
    return result.partition(" in ")[0].replace(" (56 tagged, not compared)", "")


if __name__ == "__main__":
    sys.exit(main())
