"""Several keep_ready at once beside callers, users, staff and the back end: a sample of seconds (SPEC 8.1, 9)."""

import subprocess
import sys

import pytest

from tests.support.servers.own_process import ROOT

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="mariadb")]


def test_nothing_is_promised_half_done_or_recorded_twice() -> None:
    size = "--seconds 5 --keepers 2 --callers 2 --users 1".split()
    command = [sys.executable, "-m", "verification.keepers", *size]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 things went wrong" in done.stdout
    assert "looks: " in done.stdout
