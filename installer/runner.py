"""Running the machine's programs."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

# Settings of the service in this shell would override the settings file, and variables of Python another environment.
_NOT_PASSED_ON = (
    "DJANGO_",
    "VCL_",
    "GUNICORN_",
    "BLOCKALLOC_",
    "DATABASE_URL",
    "WEB_CONCURRENCY",
    "PYTHON",
    "VIRTUAL_ENV",
)
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Result:
    """How a program ended. `output` is what it printed; `text` also has what it said on standard error."""

    status: int
    output: str = ""
    text: str = ""


class Runner(Protocol):
    """Runs programs of the machine, or, in tests, a double of it."""

    def run(self, command: Sequence[str], *, env: Mapping[str, str] | None = None, stdin: str = "") -> Result:
        """Run a program to its end. `env` is added to the environment; secrets go there or to `stdin`.

        A program that is not there ends with status 127, as in a shell.
        """


class SystemRunner:
    """The runner of the machine itself."""

    def run(self, command: Sequence[str], *, env: Mapping[str, str] | None = None, stdin: str = "") -> Result:
        """See `Runner`."""
        try:
            process = subprocess.Popen(
                list(command),
                env=environment() | dict(env or {}),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                process_group=0,  # so that an interruption can be passed on to all that the program has started
            )
        except (FileNotFoundError, PermissionError) as error:
            return Result(127, "", f"{command[0]}: {error.strerror}")
        try:
            output, said = process.communicate(stdin)
        except KeyboardInterrupt:
            _interrupt(process)
            raise
        return Result(process.returncode, output, output + said)


def _interrupt(process: "subprocess.Popen[str]") -> None:
    """Tell a program and all that it has started to end, and wait until they have: the next run must not meet them.

    They are not killed: apt-get, above all, has to leave the system's packages in order.
    """
    os.killpg(process.pid, signal.SIGINT)
    process.communicate()
    with contextlib.suppress(ProcessLookupError):
        while True:
            os.killpg(process.pid, 0)
            time.sleep(0.1)


def environment() -> dict[str, str]:
    """The environment of programs that are run: this process's own, without what would change their meaning."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_PASSED_ON)}
    return kept | {
        "PATH": _PATH,
        "LC_ALL": "C.UTF-8",
        "DEBIAN_FRONTEND": "noninteractive",
        "NEEDRESTART_SUSPEND": "1",  # Ubuntu would restart the machine's services after an installation
        "PYTHONDONTWRITEBYTECODE": "1",
    }
