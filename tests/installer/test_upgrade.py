"""bin/upgrade: to a newer release, back by itself when that does not run, and back by hand."""

import hashlib
import tarfile
from pathlib import Path

import pytest

from installer.errors import FAILED, REFUSED, WAITING
from tests.installer.conftest import Programs
from tests.support.bare_machine import BareMachine, release
from tests.support.servers.own_process import ROOT

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="sqlite")]
BOTH = ("0001_first", "0002_next")
NOTIFY = "blockalloc-notify.service"
FORECAST = "blockalloc-forecast.service"


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    """The folder of a release that adds a table."""
    return release(tmp_path / "blockalloc-0.3.0", "0.3.0", migrations=BOTH, unit="of 0.3.0")


@pytest.fixture
def archive(newer: Path, tmp_path: Path) -> Path:
    """The archive of it, with its checksum."""
    path = tmp_path / "blockalloc-0.3.0.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        tar.add(newer, newer.name)
    checksum = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_name(f"{path.name}.sha256").write_text(f"{checksum}  {path.name}\n")
    return path


@pytest.fixture
def notifying(tmp_path: Path) -> Path:
    """The folder of a release with a unit that the one before does not have."""
    return release(tmp_path / "blockalloc-0.3.0", "0.3.0", migrations=BOTH, more=[NOTIFY])


def links(bare: BareMachine) -> tuple[str, str]:
    layout = bare.machine.layout
    return layout.current.readlink().name, layout.previous.readlink().name if layout.previous.is_symlink() else ""


def test_an_upgrade_from_an_archive(installed: Programs, archive: Path) -> None:
    assert installed.upgrade(archive) == 0, installed.said
    assert links(installed.bare) == ("0.3.0", "0.2.0")
    assert installed.bare.applied == set(BOTH)
    assert "of 0.3.0" in (installed.bare.machine.layout.units / "blockalloc.service").read_text()
    assert [path.name for path in installed.bare.machine.layout.releases.iterdir()].count("0.3.0") == 1
    assert not list(installed.bare.machine.layout.releases.glob(".*"))


def test_it_migrates_before_it_switches(installed: Programs, newer: Path) -> None:
    assert installed.upgrade(newer) == 0
    migrate = next(number for number, line in enumerate(installed.lines) if "manage.py migrate --no-input" in line)
    switch = next(number for number, line in enumerate(installed.lines) if "link /opt/blockalloc/current" in line)
    assert migrate < switch


def test_only_the_last_release_is_kept(installed: Programs, newer: Path, tmp_path: Path) -> None:
    assert installed.upgrade(newer) == 0
    assert installed.upgrade(release(tmp_path / "next", "0.4.0", migrations=BOTH)) == 0
    assert links(installed.bare) == ("0.4.0", "0.3.0")
    assert {path.name for path in installed.bare.machine.layout.releases.iterdir()} == {"0.3.0", "0.4.0"}


def test_a_release_that_does_not_answer_is_taken_back(installed: Programs, newer: Path) -> None:
    before = (installed.bare.machine.layout.units / "blockalloc.service").read_text()
    installed.bare.broken_releases = {"0.3.0"}
    assert installed.upgrade(newer) == FAILED
    assert links(installed.bare) == ("0.2.0", "")
    assert "0.3.0 does not run as it should: back to 0.2.0." in installed.said
    assert "0.2.0 runs again" in installed.said
    assert (installed.bare.machine.layout.units / "blockalloc.service").read_text() == before


def test_what_was_taken_back_is_not_what_one_goes_back_to(installed: Programs, newer: Path, tmp_path: Path) -> None:
    assert installed.upgrade(newer) == 0
    installed.bare.broken_releases = {"0.4.0"}
    assert installed.upgrade(release(tmp_path / "next", "0.4.0", migrations=BOTH)) == FAILED
    assert links(installed.bare) == ("0.3.0", "0.2.0")
    assert installed.back() == 0
    assert links(installed.bare) == ("0.2.0", "0.3.0")


def test_a_failure_before_the_switch_leaves_the_old_one_running(installed: Programs, newer: Path) -> None:
    installed.bare.settings_problems = [{"severity": "error", "name": "", "text": "VCL_NEW is missing"}]
    assert installed.upgrade(newer) == FAILED
    assert links(installed.bare) == ("0.2.0", "")
    assert "0.2.0 runs as before." in installed.said


def test_a_dry_run_changes_nothing(installed: Programs, archive: Path) -> None:
    before = installed.bare.picture()
    assert installed.upgrade(archive, "--dry-run") == 0
    assert installed.bare.picture() == before
    assert installed.bare.changing == []
    assert "link /opt/blockalloc/current -> releases/0.3.0" in installed.said


def test_a_second_upgrade_to_the_same_release_changes_nothing(installed: Programs, newer: Path) -> None:
    assert installed.upgrade(newer) == 0
    before = installed.bare.picture()
    assert installed.upgrade(newer) == 0
    assert installed.bare.picture() == before


# --- A unit more ---------------------------------------------------------------------------------
def state_of(bare: BareMachine, unit: str) -> tuple[bool, bool, bool]:
    """Whether its file is there, whether it is enabled, and whether it runs."""
    return (bare.machine.layout.units / unit).exists(), unit in bare.enabled, unit in bare.active


def test_a_unit_that_is_new_is_started(installed: Programs, notifying: Path) -> None:
    assert installed.upgrade(notifying) == 0, installed.said
    assert state_of(installed.bare, NOTIFY) == (True, True, True)
    assert f"running: blockalloc.socket, blockalloc-keep-ready.service, {NOTIFY}, blockalloc.service" in installed.said


def test_an_upgrade_from_the_release_before_starts_the_forecast(
    installed: Programs, notifying: Path, tmp_path: Path
) -> None:
    assert installed.upgrade(notifying) == 0, installed.said
    units = [unit for unit in (ROOT / "deploy" / "systemd").iterdir() if "[Install]" in unit.read_text()]
    more = sorted({unit.name for unit in units} - {unit.name for unit in (notifying / "deploy" / "systemd").iterdir()})
    assert FORECAST in more
    assert installed.upgrade(release(tmp_path / "next", "0.4.0", migrations=BOTH, more=[NOTIFY, *more])) == 0
    assert state_of(installed.bare, FORECAST) == (True, True, True)
    assert installed.back() == 0
    assert state_of(installed.bare, FORECAST) == (False, False, False)


def test_a_unit_that_is_new_runs_from_the_newest_release(installed: Programs, notifying: Path, tmp_path: Path) -> None:
    assert installed.upgrade(notifying) == 0
    assert installed.upgrade(release(tmp_path / "next", "0.4.0", migrations=BOTH, more=[NOTIFY])) == 0
    assert f"systemctl reload {NOTIFY}" in installed.bare.commands


def test_a_unit_that_the_release_before_lacks_goes_with_the_newer_one(installed: Programs, notifying: Path) -> None:
    assert installed.upgrade(notifying) == 0
    own = installed.bare.put("etc/systemd/system/blockalloc-of-ours.service", "[Service]\n")
    assert installed.back() == 0, installed.said
    assert state_of(installed.bare, NOTIFY) == (False, False, False)
    assert state_of(installed.bare, "blockalloc-keep-ready.service") == (True, True, True)
    assert own.exists()
    assert installed.upgrade(notifying) == 0
    assert state_of(installed.bare, NOTIFY) == (True, True, True)


def test_a_unit_that_is_new_goes_with_a_release_that_is_taken_back(installed: Programs, notifying: Path) -> None:
    installed.bare.broken_releases = {"0.3.0"}
    assert installed.upgrade(notifying) == FAILED
    assert state_of(installed.bare, NOTIFY) == (False, False, False)
    assert "0.2.0 runs again" in installed.said


def test_a_unit_that_is_new_and_does_not_run(installed: Programs, notifying: Path) -> None:
    """The release is taken back, whatever else of it runs."""
    installed.bare.failing[f"systemctl start {NOTIFY}"] = "Job failed"
    assert installed.upgrade(notifying) == FAILED
    assert links(installed.bare) == ("0.2.0", "")
    assert state_of(installed.bare, NOTIFY) == (False, False, False)


def test_a_unit_that_is_new_is_removed_with_the_rest(installed: Programs, notifying: Path) -> None:
    assert installed.upgrade(notifying) == 0
    assert installed.uninstall() == 0, installed.said
    assert state_of(installed.bare, NOTIFY) == (False, False, False)


# --- Refusals -----------------------------------------------------------------------------------
def test_a_damaged_archive(installed: Programs, archive: Path) -> None:
    archive.write_bytes(archive.read_bytes() + b"x")
    before = installed.bare.picture()
    assert installed.upgrade(archive) == REFUSED
    assert "is damaged: its checksum is" in installed.said
    assert installed.bare.picture() == before


def test_an_archive_without_its_checksum(installed: Programs, archive: Path) -> None:
    archive.with_name(f"{archive.name}.sha256").unlink()
    assert installed.upgrade(archive) == REFUSED
    assert "blockalloc-0.3.0.tar.gz.sha256, which has the checksum of the archive, cannot be read" in installed.said


@pytest.mark.parametrize("name", ["../evil", "blockalloc-0.3.0/../../evil", "/etc/evil"])
def test_an_archive_that_leads_out_of_its_folder(installed: Programs, newer: Path, tmp_path: Path, name: str) -> None:
    path = tmp_path / "evil.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        tar.add(newer, newer.name)
        tar.addfile(tarfile.TarInfo(name))
    checksum = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_name("evil.tar.gz.sha256").write_text(checksum)
    before = installed.bare.picture()
    assert installed.upgrade(path) == REFUSED
    assert "is no release" in installed.said
    assert installed.bare.picture() == before


def test_an_older_release(installed: Programs, tmp_path: Path) -> None:
    assert installed.upgrade(release(tmp_path / "old", "0.1.9")) == REFUSED
    assert "0.1.9 is older than 0.2.0, which is in use: bin/upgrade --back goes back" in installed.said


def test_nothing_is_installed(programs: Programs, newer: Path) -> None:
    assert programs.upgrade(newer) == REFUSED
    assert "no release is installed here" in programs.said


# --- Back ---------------------------------------------------------------------------------------
def test_back_to_the_release_before_and_its_tables(installed: Programs, newer: Path) -> None:
    installed.upgrade(newer)
    assert installed.back() == 0, installed.said
    assert links(installed.bare) == ("0.2.0", "0.3.0")
    assert installed.bare.applied == {"0001_first"}
    commands = installed.bare.changing
    undo = next(command for command in commands if "migrate --no-input blockalloc" in command)
    assert undo.endswith("releases/0.3.0/manage.py migrate --no-input blockalloc 0001_first")
    rights = installed.bare.accounts["blockalloc_migration"]
    assert rights["vcl.blockalloc_next"] == set()
    assert rights["vcl.blockalloc_guard"] == {"CREATE", "ALTER", "INSERT"}
    assert installed.back() == 0  # it is done: no going forth again
    assert links(installed.bare) == ("0.2.0", "0.3.0")


def test_back_without_an_administrator_runs_the_old_release_and_waits(installed: Programs, newer: Path) -> None:
    installed.upgrade(newer)
    installed.bare.root_may_sign_in = False
    assert installed.back() == WAITING
    assert links(installed.bare) == ("0.2.0", "0.3.0")
    sql = installed.bare.machine.layout.going_back_sql
    assert [line for line in sql.read_text().splitlines() if "DROP" not in line] == []
    installed.bare.give(sql.read_text())
    assert installed.back() == 0
    assert installed.bare.applied == {"0001_first"}
    assert not sql.exists()


def test_back_in_a_dry_run(installed: Programs, newer: Path) -> None:
    installed.upgrade(newer)
    before = installed.bare.picture()
    assert installed.back("--dry-run") == 0
    assert installed.bare.picture() == before
    assert installed.bare.changing == []


def test_there_is_nothing_to_go_back_to(installed: Programs) -> None:
    assert installed.back() == REFUSED
    assert "there is no release before 0.2.0 on this machine" in installed.said
