"""No call is lost or done twice while the service restarts, is replaced and dies: a sample of the campaign."""

import subprocess
import sys

import pytest

from tests.support.servers.own_process import ROOT

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="sqlite")]


def test_every_call_is_answered_and_done_once() -> None:
    size = "--calls 24 --clients 4 --restarts 3".split()
    command = [sys.executable, "-m", "verification.restarts", *size]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 things went wrong" in done.stdout
    for kind in ("restart", "reload", "crash"):
        assert f"calls on the way during {kind}: " in done.stdout
