"""A release in a folder: an unpacked archive, a checkout, or what is installed."""

import hashlib
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from installer.errors import Refused

# Of a checkout, what a release consists of; the tests, campaigns and benchmarks stay behind.
_OF_A_CHECKOUT = (
    *("bin", "blockalloc", "deploy", "docs", "installer", "scheduling", "simulation", "templates", "vclsite"),
    *("CHANGELOG.md", "LICENSE", "README.md", "SECURITY.md", "manage.py", "requirements.lock", "requirements.txt"),
)
_NEEDED = (
    *("manage.py", "requirements.lock", "deploy/nginx.conf", "deploy/systemd/blockalloc.service"),
    *("bin/blockalloc", "bin/install", "vclsite/settings.py", "templates", "scheduling/__init__.py"),
)
# Made in an installed release, so no part of what is copied or compared.
_MADE = {".venv", "static", "var", "__pycache__", ".installed"}
_VERSION = re.compile(r'^VERSION = "(\d+\.\d+\.\d+(?:[a-z0-9.+-]*)?)"$', re.MULTILINE)


@dataclass(frozen=True)
class Release:
    """The release in `folder`."""

    folder: Path

    @cached_property
    def version(self) -> str:
        """Its version. Raises Refused when the folder is no release."""
        file = self.folder / "blockalloc" / "version.py"
        try:
            match = _VERSION.search(file.read_text(encoding="utf-8"))
        except OSError:
            match = None
        if not match:
            raise Refused(f"{self.folder} is no release: {file} with a VERSION is missing")
        return match[1]

    @cached_property
    def files(self) -> Sequence[Path]:
        """Its files, relative to the folder: those that git knows in a checkout, all in an archive."""
        if (self.folder / ".git").exists():
            return self._tracked()
        found = (path.relative_to(self.folder) for path in self.folder.rglob("*") if not path.is_dir())
        return sorted(path for path in found if path.parts[0] == "static" or not _MADE & set(path.parts))

    def _tracked(self) -> Sequence[Path]:
        command = ["git", "-c", f"safe.directory={self.folder}", "-C", str(self.folder), "ls-files", "-z", "--"]
        listed = subprocess.run([*command, *_OF_A_CHECKOUT], capture_output=True, text=True, check=False)
        if listed.returncode:
            raise Refused(f"git cannot list the files of the checkout {self.folder}: {listed.stderr.strip()}")
        paths = (Path(name) for name in listed.stdout.split("\0") if name)
        return sorted(path for path in paths if (self.folder / path).is_file())

    @cached_property
    def digest(self) -> str:
        """A checksum of its code; the collected static files, which are made of it, do not count."""
        total = hashlib.sha256()
        for path in self.files:
            if path.parts[0] != "static":
                content = hashlib.sha256((self.folder / path).read_bytes()).hexdigest()
                total.update(f"{path}\0{content}\n".encode())
        return total.hexdigest()

    def missing(self) -> Sequence[str]:
        """What the folder lacks to be a whole release."""
        return [name for name in _NEEDED if not (self.folder / name).exists()]

    @property
    def python(self) -> Path:
        """The Python of its virtual environment."""
        return self.folder / ".venv" / "bin" / "python"

    @property
    def migrations(self) -> Sequence[str]:
        """The names of its migrations, in their order."""
        return sorted(path.stem for path in (self.folder / "blockalloc" / "migrations").glob("[0-9]*.py"))

    @property
    def order(self) -> tuple[int, ...]:
        """Its version as numbers, to compare by."""
        return tuple(int(number) for number in re.findall(r"\d+", self.version)[:3])
