"""The journal of a worker: a line before each call, another one when it has its answer.

Each line is on its way to the file before the worker goes on, so that nothing that was acknowledged is missing.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

# answer: a number of machines; refused: its code; lost: no answer came; broken: an error that must not be.
Kind = Literal["begun", "answer", "refused", "lost", "broken"]


@dataclass(frozen=True)
class Note:
    """One line. `at` are seconds of the machine's monotonic clock, which all its processes share."""

    call: int
    attempt: int
    kind: Kind
    at: float
    value: int = 0
    text: str = ""


@dataclass(frozen=True)
class Attempt:
    """A call that was made once, from its first line to its second; without one (`lost`) it never ended."""

    worker: int
    call: int
    kind: Kind
    begun: float
    ended: float
    value: int
    text: str


class Journal:
    """A worker's file."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8")

    def write(self, note: Note) -> None:
        """Add a line."""
        self._file.write(json.dumps(asdict(note)) + "\n")
        self._file.flush()


def attempts(path: Path, worker: int) -> list[Attempt]:
    """The attempts of the worker, in order."""
    notes = [Note(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]
    result = []
    for number, begun in enumerate(notes):
        if begun.kind != "begun":
            continue
        end = notes[number + 1] if number + 1 < len(notes) and notes[number + 1].kind != "begun" else None
        if end is None:
            result.append(Attempt(worker, begun.call, "lost", begun.at, float("inf"), 0, "the worker ended"))
        else:
            result.append(Attempt(worker, begun.call, end.kind, begun.at, end.at, end.value, end.text))
    return result
