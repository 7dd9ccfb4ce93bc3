"""Commands of manage.py, each in a process of its own that begins where Django is set up already.

Nearly all that a command takes, about a second, is spent on imports. Here one process does them, with one environment,
and forks for each command. What is said and how the process ends is as ever.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.servers.own_process import ROOT, inherited

# A child leaves the loop, and goes on as `python manage.py` would.
_FORKING = """
import importlib, json, os, runpy, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "vclsite.settings"
import django
django.setup()
importlib.import_module(f"blockalloc.management.commands.{sys.argv[1]}")
for line in iter(sys.stdin.readline, ""):
    order = json.loads(line)
    child = os.fork()
    if not child:
        break
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
else:
    sys.exit()
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
for number, path in enumerate(order["outputs"], 1):
    os.dup2(os.open(path, os.O_WRONLY), number)
sys.argv = ["manage.py", *order["command"]]
runpy.run_path("manage.py", run_name="__main__")
"""


class ForkedCommands:
    """Runs one command of manage.py, with these variables and none of this process's that configure the service."""

    def __init__(self, command: str, **variables: str) -> None:
        self._command = command
        self._environment: Mapping[str, str] = inherited() | variables
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _FORKING, self._command],
            cwd=ROOT,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        self._process.communicate()  # no further order: it ends

    def run(self, *options: str) -> subprocess.CompletedProcess[str]:
        """Run the command with these options."""
        process = self._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        command = [self._command, *options]
        with tempfile.NamedTemporaryFile() as out, tempfile.NamedTemporaryFile() as errors:
            order = {"command": command, "outputs": [out.name, errors.name]}
            process.stdin.write(f"{json.dumps(order)}\n")
            process.stdin.flush()
            status = int(process.stdout.readline())
            said = [Path(each.name).read_text() for each in (out, errors)]
        return subprocess.CompletedProcess(command, status, *said)
