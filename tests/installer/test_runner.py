"""Programs that the installer runs, really run."""

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from installer.runner import SystemRunner
from tests.support.servers.front_end_server import until

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="sqlite")]


@pytest.fixture(autouse=True)
def _heeds_ctrl_c() -> Iterator[None]:
    """A process that a shell starts in the background ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupted_when_there_is(file: Path) -> threading.Thread:
    """Ctrl-C in this process, as soon as there is a file."""

    def interrupt() -> None:
        until(file.exists)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    return thread


def test_an_interruption_waits_for_all_that_the_program_has_started(tmp_path: Path) -> None:
    # A shell's background programs don't heed the signal: as those that have something to put in order first.
    script = f"(sleep 1; touch {tmp_path}/whole) >/dev/null 2>&1 & echo $! >{tmp_path}/begun; wait"
    interruption = interrupted_when_there_is(tmp_path / "begun")
    with pytest.raises(KeyboardInterrupt):
        SystemRunner().run(["/bin/sh", "-c", script])
    interruption.join()
    assert (tmp_path / "begun").exists()
    assert (tmp_path / "whole").exists()


def test_an_interruption_reaches_what_the_program_has_started(tmp_path: Path) -> None:
    script = f"sh -c 'trap \"touch {tmp_path}/told; exit 1\" INT; touch {tmp_path}/begun; sleep 1 & wait'; exit 1"
    interruption = interrupted_when_there_is(tmp_path / "begun")
    with pytest.raises(KeyboardInterrupt):
        SystemRunner().run(["/bin/sh", "-c", script])
    interruption.join()
    assert (tmp_path / "begun").exists()
    assert (tmp_path / "told").exists()
