"""Programs are run to their end, also when the operator interrupts."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from installer.runner import SystemRunner, environment
from tests.support.servers.own_process import ROOT

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="sqlite")]

_INTERRUPTED = """
import sys
sys.path.insert(0, sys.argv[1])
from installer.runner import SystemRunner
child = "trap 'echo tidied >>$0; exit 1' INT; touch $0; for i in $(seq 100); do sleep 0.1; done"
SystemRunner().run(["bash", "-c", child, sys.argv[2]])
"""


def test_a_program_that_is_interrupted_may_tidy_up(tmp_path: Path) -> None:
    file = tmp_path / "tidied"
    process = subprocess.Popen([sys.executable, "-c", _INTERRUPTED, str(ROOT), str(file)], stderr=subprocess.PIPE)
    while not file.exists():
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    assert b"KeyboardInterrupt" in process.communicate(timeout=30)[1]
    assert file.read_text() == "tidied\n"


def test_output_and_status() -> None:
    done = SystemRunner().run(["sh", "-c", "cat; echo $MINE; echo bad >&2; exit 3"], env={"MINE": "x"}, stdin="in\n")
    assert (done.status, done.output, done.text) == (3, "in\nx\n", "in\nx\nbad\n")


def test_a_program_that_is_not_there() -> None:
    assert SystemRunner().run(["/no/such/program"]).status == 127


def test_settings_in_the_shell_are_not_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "VCL_TIME_ZONE", "DJANGO_SECRET_KEY", "PYTHONPATH", "BLOCKALLOC_ENV"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.edu")
    assert {name for name, value in environment().items() if value == "x"} == set()
    assert environment()["HTTPS_PROXY"] == "http://proxy.example.edu"
