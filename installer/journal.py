"""What is said while a program runs: on the screen, and, once something is changed, in a log."""

import datetime
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Journal:
    """Lines for the operator. `path` is the log; None in a dry run. A run that changes nothing does not write it.

    `command` is what was typed, which goes on after a failure. No line contains a secret: actions mask theirs.
    """

    say_it: Callable[[str], None]
    path: Path | None
    command: str
    changes: int = 0  # actions that were done, or, in a dry run, would be
    _kept: list[str] = field(default_factory=list)
    _has_begun: bool = False

    def say(self, text: str) -> None:
        """Show a text, and keep it for the log."""
        self.say_it(text)
        if self._has_begun:
            self._append([text])
        else:
            self._kept.append(text)

    def begin(self) -> None:
        """From here on the machine is changed: write the log."""
        if self._has_begun or self.path is None:
            return
        self._has_begun = True
        when = datetime.datetime.now(datetime.UTC).astimezone().isoformat(timespec="seconds")
        self._append([f"=== {when} {self.command}", *self._kept])

    def _append(self, texts: list[str]) -> None:
        assert self.path is not None
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
        with os.fdopen(descriptor, "a", encoding="utf-8") as log:
            log.writelines(f"{text}\n" for text in texts)
