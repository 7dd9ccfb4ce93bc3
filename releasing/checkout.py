"""The checkout that a release is built from: the files of its last commit, and nothing else."""

import io
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from releasing.errors import Refused

# What only developers need.
LEFT_OUT = (
    ".ci/",
    ".gitignore",
    ".pre-commit-config.yaml",
    "bench/",
    "releasing/",
    "requirements-bench.txt",
    "requirements-dev.txt",
    "tests/",
    "verification/",
)
_MODES = {"100644": 0o644, "100755": 0o755}


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of the archive: its content, and its mode."""

    content: bytes
    mode: int


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit: its name, and when it was made (Unix seconds)."""

    name: str
    time: int

    @property
    def date(self) -> str:
        """The time in UTC, as ISO 8601 has it."""
        return datetime.fromtimestamp(self.time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def clean_commit(root: Path) -> Commit:
    """The commit of a checkout in which nothing is changed. Raises Refused for all others."""
    if _git(root, "rev-parse", "--show-toplevel").decode().strip() != str(root.resolve()):
        raise Refused(f"{root} is no checkout of its own: build releases in the project's checkout")
    changed = _git(root, "status", "--porcelain").decode().splitlines()
    if changed:
        more = f" and {len(changed) - 3} more" if changed[3:] else ""
        listed = ", ".join(line[3:] for line in changed[:3])
        raise Refused(f"the checkout has changes that are not committed ({listed}{more}): commit or remove them")
    name, time = _git(root, "log", "-1", "--format=%H %ct").decode().split()
    return Commit(name, int(time))


def files(root: Path, commit: Commit) -> Mapping[str, Entry]:
    """The files of a commit that belong to a release, by their paths."""
    return dict(_files(root, commit))


def _files(root: Path, commit: Commit) -> Iterator[tuple[str, Entry]]:
    # Modes and owners of an archive of git's depend on its settings: of these members only the contents count.
    with tarfile.open(fileobj=io.BytesIO(_git(root, "archive", "--format=tar", commit.name))) as tar:
        for line in _git(root, "ls-tree", "-r", "-z", commit.name).decode().rstrip("\0").split("\0"):
            facts, _, path = line.partition("\t")
            mode = facts.split()[0]
            if path.startswith(LEFT_OUT):
                continue
            content = tar.extractfile(path) if mode in _MODES else None
            if content is None:
                raise Refused(f"{path} is neither a plain file nor a program: a release has no links")
            yield path, Entry(content.read(), _MODES[mode])


def _git(root: Path, *arguments: str) -> bytes:
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, check=False)  # noqa: S607 - on the PATH
    if done.returncode:
        raise Refused(f"git {arguments[0]} failed: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout
