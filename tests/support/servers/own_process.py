"""Processes of the service with an environment that a test chooses, independent of the one in which the tests run."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
_OURS = ("VCL_", "DJANGO_", "GUNICORN_", "DATABASE_URL", "WEB_CONCURRENCY", "FORWARDED_ALLOW_IPS", "BLOCKALLOC_")
# No test reads a settings file that this machine may have.
NO_FILE = {"BLOCKALLOC_ENV": ""}
_WITH_STANDARD_FILE = """
import runpy, sys
from vclsite import settings_file
settings_file.STANDARD = sys.argv[1]
sys.argv = sys.argv[2:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def inherited() -> dict[str, str]:
    """This process's environment without what configures the service; its settings file does not count either."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_OURS)} | NO_FILE


def run(*command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run Python with these variables, and none of this process's that configure the service."""
    return _run([sys.executable, *command], inherited() | variables)


def run_on_sqlite(*command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run Python with these variables; without DATABASE_URL among them on an SQLite database that is empty."""
    return run(*command, **{"DATABASE_URL": "sqlite://:memory:", **variables})


def start(**variables: str) -> subprocess.CompletedProcess[str]:
    """Start Django with these variables, in a process of its own."""
    return run_on_sqlite(
        "-c", "from vclsite import http_server, settings, environment; environment.refuse_problems()", **variables
    )


def bare(*command: str, standard: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a script of Python with these variables and no others, where `standard` is the standard settings file."""
    code = [sys.executable, "-c", _WITH_STANDARD_FILE, str(standard), *command]
    return _run(code, {"PATH": "/usr/bin:/bin", **variables})


def _run(command: list[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120)
