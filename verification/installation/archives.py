"""Archives of this checkout's release, of a next one that adds a table, and of one after it that does not answer."""

import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_MODEL = '''

class Next(models.Model):
    """A table that only the next release has."""

    note = models.CharField(max_length=50)

    class Meta:
        db_table = "blockalloc_next"
'''


@dataclass(frozen=True)
class Archives:
    """The paths of the three archives, and their versions, oldest first."""

    paths: tuple[Path, Path, Path]
    versions: tuple[str, str, str]


def build(checkout: Path, folder: Path) -> Archives:
    """Build them in `folder` from the last commit of a checkout."""
    clone = folder / "clone"
    _run("git", "clone", "-q", str(checkout), str(clone))
    version = _version(clone)
    major, minor, patch = (int(number) for number in version.split("."))
    versions = (version, f"{major}.{minor}.{patch + 1}", f"{major}.{minor}.{patch + 2}")
    changes: list[Callable[[Path], None]] = [lambda _clone: None, _add_table, _break]
    paths = []
    for name, change in zip(versions, changes, strict=True):
        _set_version(clone, name)
        change(clone)
        _commit(clone, name)
        _run(sys.executable, "-m", "releasing", "--checkout", str(clone), "--into", str(folder), cwd=clone)
        paths.append(folder / f"blockalloc-{name}.tar.gz")
    return Archives((paths[0], paths[1], paths[2]), versions)


def _version(clone: Path) -> str:
    found = re.search(r'"(\d+\.\d+\.\d+)"', (clone / "blockalloc" / "version.py").read_text())
    assert found is not None
    return found[1]


def _set_version(clone: Path, version: str) -> None:
    file = clone / "blockalloc" / "version.py"
    file.write_text(re.sub(r'"\d+\.\d+\.\d+"', f'"{version}"', file.read_text()))
    log = clone / "CHANGELOG.md"
    if f"\n## {version}" not in log.read_text():
        log.write_text(log.read_text().replace("\n## ", f"\n## {version}\n\nFor the trial.\n\n## ", 1))


def _add_table(clone: Path) -> None:
    file = clone / "blockalloc" / "models" / "upkeep.py"
    file.write_text(file.read_text() + _MODEL)
    package = clone / "blockalloc" / "models" / "__init__.py"
    package.write_text(f"{package.read_text()}\nfrom blockalloc.models.upkeep import Next  # noqa: E402, F401\n")
    command = [sys.executable, "manage.py", "makemigrations", "blockalloc", "--name", "next"]
    _run("env", "BLOCKALLOC_ENV=", "DATABASE_URL=sqlite://:memory:", *command, cwd=clone)


def _break(clone: Path) -> None:
    file = clone / "blockalloc" / "web" / "health.py"
    text = file.read_text()
    broken = re.sub(r"(def healthz\(.*?\"\"\"\n)", r'\1    raise RuntimeError("broken")\n', text, flags=re.DOTALL)
    assert broken != text
    file.write_text(broken)


def _commit(clone: Path, version: str) -> None:
    who = ("-c", "user.name=trial", "-c", "user.email=trial@example.edu")
    _run("git", "-C", str(clone), "add", "-A")
    _run("git", *who, "-C", str(clone), "commit", "-q", "--allow-empty", "-m", f"Release {version}")


def _run(*command: str, cwd: Path | None = None) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {(done.stdout + done.stderr)[-2000:]}")
