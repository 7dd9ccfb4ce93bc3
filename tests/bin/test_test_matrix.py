"""bin/test-matrix: what it tries, and that nothing which could not be tried passes for tried.

It runs in a copy, with Pythons that only note what they are asked for.
"""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from vclsite.settings import BASE_DIR

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="sqlite")]

# Makes virtual environments of itself. `broken` in its folder lists what fails: pip, check, pytest.
PYTHON = """#!/usr/bin/env bash
printf '%s\\n' "${0##*/} $*" >>"$MACHINE/log"
case "$1 $2 $3" in
"-m venv --clear") mkdir -p "$4/bin" && cp "$0" "$4/bin/python" ;;
"-m pip install") cat "${@: -1}" >>"$MACHINE/log"; ! grep -q pip "$MACHINE/broken" ;;
"-m pip check") ! grep -q check "$MACHINE/broken" ;;
"-m pytest "*) ! grep -q pytest "$MACHINE/broken" ;;
esac
"""


class Machine:
    """A checkout with a PATH of its own."""

    def __init__(self, folder: Path) -> None:
        self.home, self.checkout = folder, folder / "checkout"
        (self.checkout / "bin").mkdir(parents=True)
        for name in ("bin/test-matrix", "requirements.txt", "requirements-dev.txt"):
            shutil.copy(BASE_DIR / name, self.checkout / name)
        (folder / "programs").mkdir()
        for tool in ("bash", "cat", "cp", "dirname", "env", "grep", "ln", "mkdir", "sed"):
            (folder / "programs" / tool).symlink_to(str(shutil.which(tool)))
        self.breaks()

    def breaks(self, *steps: str) -> None:
        """From now on these steps fail."""
        (self.home / "broken").write_text("\n".join(steps))

    def has_python(self, version: str, folder: str = "programs") -> None:
        """Install an interpreter."""
        place = self.home / folder / f"python{version}"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(PYTHON)
        place.chmod(0o755)

    def run(self, *arguments: str) -> tuple[int, list[str]]:
        """The exit status, and the lines that sum up."""
        env = {"PATH": str(self.home / "programs"), "HOME": str(self.home), "MACHINE": str(self.home)}
        done = subprocess.run(
            ["bash", "bin/test-matrix", *arguments],
            cwd=self.checkout,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout.rpartition("== Python/Django ==\n")[2].splitlines()

    @property
    def log(self) -> str:
        """What the Pythons were asked for."""
        return (self.home / "log").read_text()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def promised() -> tuple[str, str]:
    """The oldest and the newest Python that the README names."""
    ((lowest, highest),) = re.findall(r"Python (3\.\d+) to (3\.\d+)", (BASE_DIR / "README.md").read_text())
    return lowest, highest


def test_it_tries_the_pythons_that_are_promised_and_newer_djangos(machine: Machine) -> None:
    lowest, highest = promised()
    machine.has_python(lowest)
    machine.has_python(highest, f".pyenv/versions/{highest}.7/bin")
    status, lines = machine.run("--", "-x", "tests/pages")
    assert status == 0, lines
    tried = [line.removeprefix("passed  ") for line in lines]
    assert tried[:2] == [f"{lowest}/pinned", f"{highest}/pinned"]
    (pinned,) = re.findall(r"^Django==(\d+\.\d+)", (BASE_DIR / "requirements.txt").read_text(), re.MULTILINE)
    newer = [line.removeprefix(f"{highest}/") for line in tried[2:]]
    assert newer
    assert all(float(django) > float(pinned) for django in newer)
    for django in newer:
        assert f"Django~={django}.0" in machine.log
    assert machine.log.count("-x tests/pages") == len(tried)
    assert "RemovedInNextVersionWarning" in machine.log


def test_bin_setup_and_the_types_begin_at_the_same_python() -> None:
    lowest = promised()[0]
    assert f"sys.version_info < ({lowest.replace('.', ', ')})" in (BASE_DIR / "bin" / "setup").read_text()
    assert f'python_version = "{lowest}"' in (BASE_DIR / "pyproject.toml").read_text()


def test_a_python_that_is_not_there_fails_and_the_others_are_tried(machine: Machine) -> None:
    machine.has_python("3.11")
    status, lines = machine.run("3.99/pinned", "3.11/6.0")
    assert status == 1
    assert re.fullmatch(r"FAILED  3\.99/pinned: there is no Python 3\.99 .*", lines[0])
    assert lines[1:] == ["passed  3.11/6.0"]


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        ("pip", "the packages could not be installed with python3.11 (the reason is above)"),
        ("check", "the packages do not fit together (the reason is above)"),
        ("pytest", "tests failed (above)"),
    ],
)
def test_what_fails_is_named(step: str, reason: str, machine: Machine) -> None:
    machine.has_python("3.11")
    machine.breaks(step)
    assert machine.run("3.11/6.0") == (1, [f"FAILED  3.11/6.0: {reason}"])
    machine.breaks()
    assert machine.run("3.11/6.0") == (0, ["passed  3.11/6.0"])


def test_what_is_installed_is_kept(machine: Machine) -> None:
    machine.has_python("3.11")
    machine.run("3.11/6.0")
    machine.run("3.11/6.0")
    assert machine.log.count("pip install") == 1
    assert machine.log.count("-m pytest") == 2


@pytest.mark.parametrize("combination", ["3.11", "6.0", "3.11/", "2.7/pinned", "../x"])
def test_a_combination_that_is_none_is_refused(combination: str, machine: Machine) -> None:
    machine.has_python("3.11")
    status, _lines = machine.run(combination)
    assert status == 2
    assert not (machine.home / "log").exists()
