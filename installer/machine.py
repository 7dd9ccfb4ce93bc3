"""The machine on which is installed: its files, programs and network."""

import grp
import os
import pwd
import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import NamedTemporaryFile

from installer.errors import StepFailed
from installer.layout import Layout
from installer.network import Network, SystemNetwork
from installer.runner import Result, Runner, SystemRunner
from installer.secret import masked

_LAST_LINES = 15


@dataclass
class Machine:
    """Everything that steps look at and change. Tests have a folder as the root, and doubles of the rest."""

    layout: Layout = field(default_factory=Layout)
    runner: Runner = field(default_factory=SystemRunner)
    network: Network = field(default_factory=SystemNetwork)
    is_root: bool = field(default_factory=lambda: os.geteuid() == 0)
    pause: Callable[[float], None] = time.sleep  # for so many seconds

    def run(self, command: Sequence[str], *, env: Mapping[str, str] | None = None, stdin: str = "") -> Result:
        """Run a program and give its result, whatever it is."""
        return self.runner.run(command, env=env, stdin=stdin)

    def must_run(self, command: Sequence[str], *, env: Mapping[str, str] | None = None, stdin: str = "") -> Result:
        """Run a program that has to succeed. Raises StepFailed with the last lines of what it said."""
        done = self.run(command, env=env, stdin=stdin)
        if done.status:
            lines = masked(done.text).strip().splitlines()[-_LAST_LINES:]
            said = "\n".join(f"    {line}" for line in lines) or "    (it said nothing)"
            raise StepFailed(f"{shown_command(command)}\nended with status {done.status}:\n{said}")
        return done

    def succeeds(self, command: Sequence[str]) -> bool:
        """Whether a program that only looks at the machine ends with status 0."""
        return self.run(command).status == 0

    # --- Files --------------------------------------------------------------------------------
    def read(self, path: Path) -> str | None:
        """The text of a file; None when it is not there."""
        try:
            return path.read_text(encoding="utf-8", errors="replace")
        except (FileNotFoundError, NotADirectoryError):
            return None

    def write(self, path: Path, text: str, mode: int, group: str = "root") -> None:
        """Write a file that belongs to root, in one piece: whoever reads it sees the old or the new text."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, prefix=".", delete=False) as new:
            try:
                new.write(text)
                new.flush()
                os.fsync(new.fileno())
                self.own(Path(new.name), mode, group)
                Path(new.name).replace(path)
            except BaseException:
                Path(new.name).unlink(missing_ok=True)
                raise

    def own(self, path: Path, mode: int, group: str = "root") -> None:
        """Give a file or folder to root and a group, with these permissions."""
        if self.layout.root == Path("/"):
            os.chown(path, 0, grp.getgrnam(group).gr_gid)
        path.chmod(mode)

    def is_owned(self, path: Path, mode: int, group: str = "root") -> bool:
        """Whether a file or folder has this group and these permissions."""
        try:
            found = path.stat()
        except FileNotFoundError:
            return False
        if found.st_mode & 0o7777 != mode:
            return False
        if self.layout.root != Path("/"):
            return True
        try:
            return (found.st_uid, found.st_gid) == (0, grp.getgrnam(group).gr_gid)
        except KeyError:
            return False

    def link(self, path: Path, target: str) -> None:
        """Make a symbolic link, or turn it, without a moment in which there is none."""
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_name(f".{path.name}.new")
        new.unlink(missing_ok=True)
        new.symlink_to(target)
        new.replace(path)

    def target(self, path: Path) -> str | None:
        """What a symbolic link names; None when there is none."""
        return str(path.readlink()) if path.is_symlink() else None

    def has_user(self, name: str) -> bool:
        """Whether the machine knows this user."""
        if self.layout.root == Path("/"):
            try:
                pwd.getpwnam(name)
            except KeyError:
                return False
            return True
        lines = (self.read(self.layout.at("/etc/passwd")) or "").splitlines()
        return any(line.startswith(f"{name}:") for line in lines)


def shown_command(command: Sequence[str]) -> str:
    """A command as it could be typed."""
    return shlex.join(command)
