"""bin/uninstall: what is left, what is not, and what has to be done first."""

from pathlib import Path

import pytest

from installer.errors import FAILED, REFUSED
from tests.installer.conftest import Programs

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="sqlite")]


def test_everything_is_removed_and_the_settings_are_kept(installed: Programs) -> None:
    assert installed.uninstall() == 0
    left = {name for name in installed.bare.picture() if "blockalloc" in name and not name.startswith("proc")}
    assert left == {"etc/blockalloc/blockalloc.env", "etc/blockalloc/migration.env", "var/log/blockalloc-install.log"}
    assert installed.bare.active & {"blockalloc.socket", "blockalloc.service"} == set()
    assert not installed.bare.machine.has_user("blockalloc")
    assert installed.bare.applied  # the tables are there
    for part in ("/etc/blockalloc, the settings (--remove-settings)", "the service's tables", "xmlrpc_url"):
        assert part in installed.said


def test_the_tables_and_accounts_go_when_asked(installed: Programs) -> None:
    installed.bare.put("var/lib/systemd/timers/stamp-blockalloc-prune.timer", "")
    assert installed.uninstall("--drop-tables", "--remove-settings") == 0
    assert (installed.bare.applied, installed.bare.accounts) == (set(), {})
    left = {name for name in installed.bare.picture() if "blockalloc" in name and not name.startswith("proc")}
    assert left == {"var/log/blockalloc-install.log"}


def test_no_row_of_the_service_stays_in_the_table_of_semaphores(installed: Programs) -> None:
    installed.bare.claims = 3
    assert installed.uninstall() == 0
    assert installed.bare.claims == 0
    (removal,) = [command for command in installed.bare.commands if "remove_claims" in command]
    assert removal.endswith("/manage.py remove_claims --wait 90")


def test_without_the_right_to_drop_it_says_how_to_get_it(installed: Programs) -> None:
    installed.bare.root_may_sign_in = False
    assert installed.uninstall("--drop-tables") == FAILED
    assert "DROP command denied" in installed.said
    account = "--account blockalloc_migration --host localhost --database vcl"
    assert f"/manage.py print_grants going-back {account}\n" in installed.said
    assert (installed.bare.machine.layout.current / "manage.py").exists()
    installed.bare.root_may_sign_in = True
    assert installed.uninstall("--drop-tables") == 0
    assert not installed.bare.applied


def test_an_administrators_option_file_drops_them(installed: Programs, tmp_path: Path) -> None:
    installed.bare.root_may_sign_in = False
    options = tmp_path / "admin.cnf"
    options.write_text("[client]\nuser = root\npassword = 'se cret'\n")
    assert installed.uninstall("--drop-tables", "--database-admin", str(options)) == 0
    assert not installed.bare.applied
    assert "se cret" not in installed.said
    assert "se%20cret" not in installed.said


def test_a_back_end_that_still_calls_here(installed: Programs) -> None:
    conf = installed.bare.put("etc/vcl/vcld.conf", "xmlrpc_url=https://blocks.example.edu/vcl/index.php?mode=x\n")
    before = installed.bare.picture()
    assert installed.uninstall() == REFUSED
    assert "VCL's back end still calls this service" in installed.said
    assert installed.bare.picture() == before
    conf.write_text("xmlrpc_url=https://vcl.example.edu/vcl/index.php?mode=xmlrpccall\n")
    assert installed.uninstall() == 0


def test_a_dry_run_changes_nothing(installed: Programs) -> None:
    before = installed.bare.picture()
    assert installed.uninstall("--dry-run", "--drop-tables", "--remove-settings") == 0
    assert installed.bare.picture() == before
    assert installed.bare.changing == []
    assert "drops blockalloc_guard, django_session" in installed.said


@pytest.mark.parametrize("place", ["systemctl disable", "drop_own_tables --yes", "userdel"])
def test_what_is_half_removed_is_finished(installed: Programs, place: str) -> None:
    installed.bare.failing = {place: "no"} if place.startswith("s") or place == "userdel" else {}
    if not installed.bare.failing:
        installed.bare.interrupt_at = place
    assert installed.uninstall("--drop-tables", "--remove-settings") != 0
    installed.bare.failing, installed.bare.interrupt_at = {}, ""
    assert installed.uninstall("--drop-tables", "--remove-settings") == 0
    assert {name for name in installed.bare.picture() if name.startswith(("opt", "etc/blockalloc"))} == set()


def test_again_there_is_nothing_to_remove(installed: Programs) -> None:
    installed.uninstall()
    before = installed.bare.picture()
    assert installed.uninstall() == 0
    assert installed.bare.picture() == before
    assert "Nothing had to be removed." in installed.said


def test_files_of_others_in_its_folder_are_left(installed: Programs) -> None:
    installed.bare.put("opt/blockalloc/manage.py", "of 0.1")
    assert installed.uninstall() == 0
    assert (installed.bare.root / "opt/blockalloc/manage.py").exists()
    assert "there are files in it that bin/install has not put there" in installed.said
