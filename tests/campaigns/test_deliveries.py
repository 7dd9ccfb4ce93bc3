"""Senders of notifications that are killed, and mail servers that die: a sample."""

import subprocess
import sys

import pytest

from tests.support.servers.own_process import ROOT


def arguments(config: pytest.Config) -> list[str]:
    """Five at once on MariaDB; on SQLite two."""
    size = "--pause 2 --waves 4 --kills 2 --absences 1 --slow 0.05".split()
    if config.getoption("--mariadb"):
        return [*size, "--mariadb", *"--senders 5 --recipients 40 --classes 4".split()]
    return [*size, *"--senders 2 --recipients 20 --classes 4".split()]


pytestmark = pytest.mark.no_database


def test_nothing_is_lost_and_nothing_doubled(pytestconfig: pytest.Config) -> None:
    command = [sys.executable, "-m", "verification.deliveries", *arguments(pytestconfig)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 things went wrong" in done.stdout
    assert "senders killed: 2, mail server killed: 1" in done.stdout
