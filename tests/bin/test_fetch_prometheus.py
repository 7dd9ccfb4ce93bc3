"""`bin/fetch-prometheus` when nothing is to be fetched, or can be; that it fetches is seen in test_setup_scripts.py."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.servers.own_process import ROOT

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="sqlite")]


def fetch(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the script."""
    return subprocess.run(
        [ROOT / "bin/fetch-prometheus", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("arguments", [("--there",), ("here", "there")])
def test_with_other_arguments_it_says_how_it_is_used(arguments: tuple[str, ...]) -> None:
    done = fetch(*arguments)
    assert done.returncode == 2
    assert "Usage: bin/fetch-prometheus [FOLDER]" in done.stderr


def test_what_is_there_is_left_alone(tmp_path: Path) -> None:
    programs = tmp_path / "usr" / "bin"
    programs.mkdir(parents=True)
    for name in ("prometheus", "promtool"):
        (programs / name).touch(mode=0o755)
    done = fetch(tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_machine_without_apt_is_told(tmp_path: Path) -> None:
    for tool in ("bash", "dirname"):
        (tmp_path / tool).symlink_to(f"/usr/bin/{tool}")
    done = fetch(tmp_path / "there", PATH=str(tmp_path))
    assert (done.returncode, done.stderr) == (1, "error: apt-get and dpkg-deb are needed\n")
    assert not (tmp_path / "there").exists()


def test_a_package_that_cannot_be_fetched_leaves_nothing_behind(tmp_path: Path) -> None:
    for name, status in (("apt-get", 100), ("id", 0), ("sudo", 1)):
        (tmp_path / name).write_text(f"#!/bin/sh\necho 1000\nexit {status}\n")
        (tmp_path / name).chmod(0o755)
    (tmp_path / "temporary").mkdir()
    done = fetch(
        tmp_path / "there", PATH=f"{tmp_path}:{os.environ['PATH']}", TMPDIR=str(tmp_path / "temporary")
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.endswith("error: the package prometheus could not be fetched\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["apt-get", "id", "sudo", "temporary"]
    assert list((tmp_path / "temporary").iterdir()) == []
