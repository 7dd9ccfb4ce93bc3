"""`bin/fetch-mariadb` when nothing can be fetched; that it fetches is seen by `make test-versions`."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.servers.own_process import ROOT

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="sqlite")]
NOBODY_THERE = "http://127.0.0.1:9/debian"


def fetch(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the script."""
    return subprocess.run(
        [ROOT / "bin/fetch-mariadb", *arguments],
        env={**os.environ, "DEBIAN_MIRROR": NOBODY_THERE, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_arguments_it_says_how_it_is_used() -> None:
    done = fetch()
    assert done.returncode == 2
    assert "Usage: bin/fetch-mariadb RELEASE FOLDER" in done.stderr


def test_a_server_that_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".complete").touch()
    done = fetch("bullseye", tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_keys_that_are_missing_are_named(tmp_path: Path) -> None:
    done = fetch("bullseye", tmp_path / "server", DEBIAN_KEYRING="/nowhere.gpg")
    assert done.returncode == 1
    assert done.stderr == (
        "error: /nowhere.gpg is not there: apt-get install debian-archive-keyring, or set DEBIAN_KEYRING\n"
    )


def test_a_mirror_that_does_not_answer_leaves_nothing_behind(tmp_path: Path) -> None:
    keyring = tmp_path / "keys.gpg"
    keyring.touch()
    done = fetch("bullseye", tmp_path / "server", DEBIAN_KEYRING=str(keyring), TMPDIR=str(tmp_path))
    assert done.returncode == 1
    assert "error: the list of packages of bullseye could not be fetched" in done.stderr
    assert list(tmp_path.iterdir()) == [keyring]
