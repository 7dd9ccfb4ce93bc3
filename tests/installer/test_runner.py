"""Programs that the installer runs, really run."""

import os
import signal
import threading
from pathlib import Path

import pytest

from installer.runner import SystemRunner

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="sqlite")]


def interrupted_after(seconds: float) -> threading.Timer:
    """Ctrl-C in this process, so many seconds from now."""
    timer = threading.Timer(seconds, os.kill, [os.getpid(), signal.SIGINT])
    timer.start()
    return timer


def test_an_interruption_waits_for_all_that_the_program_has_started(tmp_path: Path) -> None:
    # A shell's background programs don't heed the signal: as those that have something to put in order first.
    script = f"(sleep 1; touch {tmp_path}/whole) >/dev/null 2>&1 & echo $! >{tmp_path}/begun; wait"
    timer = interrupted_after(0.4)
    with pytest.raises(KeyboardInterrupt):
        SystemRunner().run(["/bin/sh", "-c", script])
    timer.join()
    assert (tmp_path / "begun").exists()
    assert (tmp_path / "whole").exists()


def test_an_interruption_reaches_what_the_program_has_started(tmp_path: Path) -> None:
    script = f"sh -c 'trap \"touch {tmp_path}/told; exit 1\" INT; touch {tmp_path}/begun; sleep 1 & wait'; exit 1"
    timer = interrupted_after(0.4)
    with pytest.raises(KeyboardInterrupt):
        SystemRunner().run(["/bin/sh", "-c", script])
    timer.join()
    assert (tmp_path / "begun").exists()
    assert (tmp_path / "told").exists()
