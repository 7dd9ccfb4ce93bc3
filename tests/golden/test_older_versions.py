"""Recorded cases on the oldest version of VCL, on a server in strict SQL modes; all versions: verification.versions."""

import subprocess
import sys

import pytest

from tests.support.servers.own_process import ROOT

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="mariadb")]
# Management nodes and when they checked in, changes of the clock, adoption, VM hosts, and sites that mix everything.
GROUPING = "STRICT_ALL_TABLES,ONLY_FULL_GROUP_BY"
SOME = "mn- dst- adopt- vmhost- random-000".split()


def replay(*options: str) -> subprocess.CompletedProcess[str]:
    """Replay recorded cases on a server of their own."""
    command = [sys.executable, "-m", "tests.golden", "tests/golden", "--mariadb", *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_cases_on_vcl_2_4_2_and_a_strict_server() -> None:
    """In one run also with sessions that are strict about groups: each statement of a call passes."""
    done = replay("--vcl", "2.4.2", "--sql-mode", "strict", "--own-sql-mode", GROUPING, "--only", *SOME)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("23 equal, 0 differ")


@pytest.mark.parametrize("option", [["--vcl", "2.4.2"], ["--sql-mode", "strict"], ["--programs", "/nowhere"]])
def test_versions_are_of_mariadb(option: list[str]) -> None:
    command = [sys.executable, "-m", "tests.golden", "tests/golden", *option]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "add --mariadb" in done.stderr


def test_a_folder_without_a_server_is_named() -> None:
    done = replay("--programs", "/nowhere")
    assert done.returncode == 2
    assert "/nowhere has no MariaDB server in it: bin/fetch-mariadb fetches one" in done.stderr
