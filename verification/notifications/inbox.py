"""What the receivers have got, each with the time of the week at which it came."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.servers.own_process import ROOT


@dataclass(frozen=True, slots=True)
class Received:
    """A mail or a webhook's call. `at`: Unix seconds of the week, to the round of `notify` that sent it."""

    at: int
    door: str  # "mail" or "webhook"
    to: Sequence[str]
    content: str
    headers: Mapping[str, str]


@dataclass
class Inbox:
    """All of it, in the order in which it came. `smtp` and `webhook` are the ports."""

    path: Path
    smtp: int
    webhook: int
    received: list[Received] = field(default_factory=list)
    _read: int = 0

    def collect(self, at: int) -> list[Received]:
        """Take in what has come since the last time."""
        with self.path.open(encoding="utf-8") as file:
            file.seek(self._read)
            lines = file.readlines()
            self._read = file.tell()
        new = [Received(at, **json.loads(line)) for line in lines]
        self.received += new
        return new


@contextmanager
def inbox(directory: Path) -> Iterator[Inbox]:
    """Receivers that serve meanwhile."""
    path = directory / "received.jsonl"
    path.touch()
    command = [sys.executable, "-m", "verification.notifications.receivers", str(path)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        ports = json.loads(process.stdout.readline())
        try:
            yield Inbox(path, ports["smtp"], ports["webhook"])
        finally:
            process.stdin.close()
            process.wait(20)
