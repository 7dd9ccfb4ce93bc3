"""What a step does to the machine, one thing each: shown before it is done, with secrets masked."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from installer.machine import Machine, shown_command
from installer.secret import masked


class Action(Protocol):
    """One change of the machine."""

    def lines(self, machine: Machine) -> Sequence[str]:
        """What is done, in a line, and more lines for details."""

    def do(self, machine: Machine) -> None:
        """Do it. Raises StepFailed, or OSError."""


@dataclass(frozen=True)
class Run:
    """Run a program that has to succeed. Secrets are in `env` and `stdin`, of which only `note` tells."""

    command: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    stdin: str = field(default="", repr=False)
    note: str = ""
    may_fail: bool = False

    def lines(self, machine: Machine) -> Sequence[str]:
        """See `Action`."""
        env = "".join(f"{name}={masked(value)} " for name, value in self.env.items() if name != "MYSQL_PWD")
        return [f"{env}{shown_command(self.command)}", *([f"  {self.note}"] if self.note else [])]

    def do(self, machine: Machine) -> None:
        """See `Action`."""
        if self.may_fail:
            machine.run(self.command, env=self.env, stdin=self.stdin)
        else:
            machine.must_run(self.command, env=self.env, stdin=self.stdin)


@dataclass(frozen=True)
class Write:
    """Write a file. With `shows` its text is shown as well, secrets masked."""

    path: Path
    text: str = field(repr=False)
    mode: int = 0o644
    group: str = "root"
    shows: bool = False

    def lines(self, machine: Machine) -> Sequence[str]:
        """See `Action`."""
        what = f"write {machine.layout.shown(self.path)} (root:{self.group} {self.mode:04o})"
        return [what, *(f"  | {line}" for line in masked(self.text).splitlines() if self.shows)]

    def do(self, machine: Machine) -> None:
        """See `Action`."""
        machine.write(self.path, self.text, self.mode, self.group)


@dataclass(frozen=True)
class Folder:
    """Make a folder, or give it its owner and permissions."""

    path: Path
    mode: int = 0o755
    group: str = "root"

    def lines(self, machine: Machine) -> Sequence[str]:
        """See `Action`."""
        return [f"make the folder {machine.layout.shown(self.path)} (root:{self.group} {self.mode:04o})"]

    def do(self, machine: Machine) -> None:
        """See `Action`."""
        self.path.mkdir(parents=True, exist_ok=True)
        machine.own(self.path, self.mode, self.group)


@dataclass(frozen=True)
class Own:
    """Give a file to root and a group, with these permissions."""

    path: Path
    mode: int
    group: str

    def lines(self, machine: Machine) -> Sequence[str]:
        """See `Action`."""
        return [f"give {machine.layout.shown(self.path)} to root:{self.group}, with permissions {self.mode:04o}"]

    def do(self, machine: Machine) -> None:
        """See `Action`."""
        machine.own(self.path, self.mode, self.group)


@dataclass(frozen=True)
class Link:
    """Make or turn a symbolic link."""

    path: Path
    target: str

    def lines(self, machine: Machine) -> Sequence[str]:
        """See `Action`."""
        return [f"link {machine.layout.shown(self.path)} -> {self.target}"]

    def do(self, machine: Machine) -> None:
        """See `Action`."""
        machine.link(self.path, self.target)


@dataclass(frozen=True)
class Move:
    """Rename a file."""

    path: Path
    to: Path

    def lines(self, machine: Machine) -> Sequence[str]:
        """See `Action`."""
        return [f"move {machine.layout.shown(self.path)} to {machine.layout.shown(self.to)}"]

    def do(self, machine: Machine) -> None:
        """See `Action`."""
        self.path.rename(self.to)


@dataclass(frozen=True)
class Remove:
    """Remove a file, a link, or a folder with all that is in it."""

    path: Path

    def lines(self, machine: Machine) -> Sequence[str]:
        """See `Action`."""
        return [f"remove {machine.layout.shown(self.path)}"]

    def do(self, machine: Machine) -> None:
        """See `Action`."""
        if self.path.is_dir() and not self.path.is_symlink():
            shutil.rmtree(self.path)
        else:
            self.path.unlink(missing_ok=True)


@dataclass(frozen=True)
class Do:
    """Something that takes more than one of the actions above; `what` says what in a line or more."""

    what: Sequence[str]
    function: Callable[[Machine], None]

    def lines(self, machine: Machine) -> Sequence[str]:
        """See `Action`."""
        return self.what

    def do(self, machine: Machine) -> None:
        """See `Action`."""
        self.function(machine)
