"""Prometheus with a folder of its own, on a free port, and promtool. Where they are not installed, bin/setup fetches
them.
"""

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from tests.support.servers.live_server import free_port

START_SECONDS = 20.0

# Where bin/setup puts them.
FETCHED = Path(sys.prefix) / "prometheus" / "usr" / "bin"


class QueryRefused(Exception):
    """Prometheus does not answer a query; the text is its reason."""


class Series(NamedTuple):
    """A series of an answer: its labels, and its samples as instants (Unix seconds) and values."""

    labels: dict[str, str]
    samples: list[tuple[float, float]]


def promtool(*arguments: str | Path, stdin: str = "", directory: Path | None = None) -> tuple[int, str]:
    """Run promtool; its exit status and what it said."""
    done = subprocess.run(
        [_program("promtool"), *arguments],
        cwd=directory,
        input=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=120,
    )
    return done.returncode, done.stdout


class Prometheus:
    """A server on the configuration `directory`/prometheus.yml, with further options of the command line."""

    def __init__(self, directory: Path, *options: str) -> None:
        self._directory = directory
        self._options = options
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        """What it has said."""
        return (self._directory / "prometheus.log").read_text(errors="replace")

    def __enter__(self) -> Self:
        command = [
            _program("prometheus"),
            f"--config.file={self._directory / 'prometheus.yml'}",
            f"--storage.tsdb.path={self._directory / 'data'}",
            f"--web.listen-address=127.0.0.1:{self._port}",
            *self._options,
        ]
        with (self._directory / "prometheus.log").open("wb") as log:
            self._process = subprocess.Popen(
                command, cwd=self._directory, start_new_session=True, stdout=log, stderr=subprocess.STDOUT
            )
        self._wait(self._process)
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait()

    def at(self, expression: str, instant: float) -> list[Series]:
        """What an expression gives at an instant (Unix seconds); a scalar is a series. Raises QueryRefused."""
        data = self._ask("query", query=expression, time=instant)
        if data["resultType"] == "scalar":
            return [Series({}, [_sample(data["result"])])]
        return [Series(each["metric"], [_sample(each["value"])]) for each in data["result"]]

    def between(self, expression: str, begin: float, end: float, step: float) -> list[Series]:
        """What an expression gives from `begin` to `end`, each `step` seconds. Raises QueryRefused."""
        data = self._ask("query_range", query=expression, start=begin, end=end, step=step)
        return [Series(each["metric"], [_sample(pair) for pair in each["values"]]) for each in data["result"]]

    def _ask(self, path: str, **parameters: str | float) -> Any:
        url = f"http://127.0.0.1:{self._port}/api/v1/{path}"
        body = urllib.parse.urlencode(parameters).encode()
        try:
            with urllib.request.urlopen(url, data=body, timeout=60) as response:
                return json.load(response)["data"]
        except urllib.error.HTTPError as error:
            raise QueryRefused(json.load(error)["error"]) from None

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            assert process.poll() is None and time.monotonic() < deadline, self.log  # noqa: PT018
            try:
                url = f"http://127.0.0.1:{self._port}/-/ready"
                urllib.request.urlopen(url, timeout=5).close()
            except OSError:
                time.sleep(0.05)
            else:
                return


def _program(name: str) -> str:
    program = shutil.which(name, path=f"{os.environ.get('PATH', '')}:{FETCHED}")
    assert program, f"{name} is not here: bin/setup --tests fetches it"
    return program


def _sample(pair: tuple[float, str]) -> tuple[float, float]:
    return float(pair[0]), float(pair[1])
