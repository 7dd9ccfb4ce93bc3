"""A call that is killed leaves all its rows or none, and its repetition completes the block (SPEC 7, 8.2).

A look of keep_ready that is killed leaves whole transactions, and the next one does the rest (SPEC 9). A sample of
places; `make test-long` kills at every statement.
"""

import os
import subprocess
import sys

import pytest

from tests.support.servers.own_process import ROOT


def campaigns(config: pytest.Config) -> list[str]:
    """The campaigns on the database of this run."""
    if config.getoption("--mariadb"):
        return [
            "--kill process --what calls --every 13",
            "--kill process --what looks --every 37",
            "--kill server --what calls --every 23",
            "--kill server --what looks --every 61",
        ]
    return ["--kill process --what calls --database sqlite --every 13", "--what looks --database sqlite --every 37"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each campaign as a test."""
    if "arguments" in metafunc.fixturenames:
        metafunc.parametrize("arguments", campaigns(metafunc.config))


def test_nothing_is_half_done(arguments: str) -> None:
    kill(arguments, policy="vcl")


def test_nothing_is_half_done_of_planned_reloads() -> None:
    kill("--kill process --what calls --database sqlite --every 19", policy="ready")


def kill(arguments: str, policy: str) -> None:
    """Run the campaign under a VCL_RELOAD_POLICY."""
    command = [sys.executable, "-m", "verification.kills", *arguments.split()]
    environment = {**os.environ, "VCL_RELOAD_POLICY": policy}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "in all" in done.stdout
