"""bin/install: what it does, once and again, in a dry run, and where it stops."""

import os
import re
from pathlib import Path

import pytest

from installer.errors import FAILED, INTERRUPTED, REFUSED, WAITING
from installer.release import Release
from installer.settings_text import values_of
from tests.installer.conftest import ANSWERS, Programs
from tests.support.bare_machine import OWN_TABLES, release
from tests.support.servers.own_process import ROOT
from vclsite import settings_file

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="sqlite")]


def settings(programs: Programs) -> dict[str, str]:
    return values_of(programs.bare.machine.layout.settings.read_text())


def secrets(programs: Programs) -> list[str]:
    """Everything that nobody may see."""
    layout = programs.bare.machine.layout
    urls = [values_of(file.read_text())["DATABASE_URL"] for file in (layout.settings, layout.migration_settings)]
    passwords = [url.partition("://")[2].partition("@")[0].partition(":")[2] for url in urls]
    assert all(passwords)
    return [*passwords, settings(programs)["DJANGO_SECRET_KEY"]]


# --- What is there afterwards -------------------------------------------------------------------
def test_it_installs_a_release_that_runs(installed: Programs) -> None:
    layout = installed.bare.machine.layout
    assert str(layout.current.readlink()) == "releases/0.2.0"
    assert (layout.current / "manage.py").is_file()
    assert str(layout.command.readlink()) == "/opt/blockalloc/current/bin/blockalloc"
    assert installed.bare.machine.has_user("blockalloc")
    assert {"blockalloc.socket", "blockalloc.service", "blockalloc-prune.timer"} <= installed.bare.active
    assert "blockalloc-prune.service" not in installed.bare.active
    assert installed.bare.applied == {"0001_first"}
    assert "xmlrpc_url=https://blocks.example.edu/vcl/index.php?mode=xmlrpccall" in installed.said


def test_the_settings_are_those_that_were_given(installed: Programs) -> None:
    layout = installed.bare.machine.layout
    assert settings(installed) | {"DATABASE_URL": "", "DJANGO_SECRET_KEY": ""} == {
        "DATABASE_URL": "",
        "VCL_TIME_ZONE": "America/New_York",
        "DJANGO_SECRET_KEY": "",
        "DJANGO_ALLOWED_HOSTS": "blocks.example.edu",
        "VCL_TRUSTED_PROXIES": "127.0.0.1",
        "VCL_FRONT_END_URL": "https://vcl.example.edu/vcl/index.php",
    }
    assert re.fullmatch(r"mysql://blockalloc:[\w-]{35}@localhost/vcl", settings(installed)["DATABASE_URL"])
    assert (layout.settings.stat().st_mode & 0o777, layout.migration_settings.stat().st_mode & 0o777) == (0o640, 0o600)
    assert layout.configuration.stat().st_mode & 0o777 == 0o750


def test_the_service_reads_the_settings_file_as_it_was_written(installed: Programs) -> None:
    path = installed.bare.machine.layout.settings
    read = settings_file.parse(path.read_bytes(), path)
    assert read.problems == ()
    assert dict(read.values) == settings(installed)


def test_the_accounts_have_the_rights_that_are_printed_and_no_others(installed: Programs) -> None:
    rows = {"INSERT", "UPDATE", "DELETE"}
    tables = {f"vcl.{name}": rows for name in ("request", "reservation", *OWN_TABLES)}
    assert installed.bare.accounts["blockalloc"] == {"vcl.*": {"SELECT"}} | tables
    assert installed.bare.accounts["blockalloc_migration"]["vcl.blockalloc_guard"] == {"CREATE", "ALTER", "INSERT"}


def test_nginx_has_the_name_and_the_certificate(installed: Programs) -> None:
    site = installed.bare.machine.layout.nginx_site.read_text()
    assert "ssl_certificate /etc/ssl/certs/blocks.example.edu.pem;" in site
    assert "listen [::]:443 ssl;" in site


def test_no_secret_is_shown_logged_or_on_a_command_line(installed: Programs) -> None:
    layout = installed.bare.machine.layout
    for secret in secrets(installed):
        assert secret not in installed.said
        assert secret not in layout.log.read_text()
        assert secret not in "\n".join(installed.bare.commands)


def test_each_step_is_named_before_it_is_done(programs: Programs) -> None:
    programs.bare.failing = {"useradd": "useradd: cannot lock /etc/passwd"}
    programs.install(*ANSWERS)
    assert programs.said.index("The user blockalloc") < programs.said.index("useradd --system")
    assert programs.said.index("useradd --system") < programs.said.index("cannot lock")


# --- Again --------------------------------------------------------------------------------------
def test_a_second_run_changes_nothing_and_needs_no_option(installed: Programs) -> None:
    before = installed.bare.picture()
    assert installed.install() == 0
    assert installed.bare.picture() == before
    assert installed.bare.changing == []
    assert "Nothing had to be changed." in installed.said


def test_it_goes_on_where_it_failed(programs: Programs) -> None:
    programs.bare.failing = {"apt-get -q -o DPkg::Lock::Timeout=120 install": "E: Unable to locate package nginx"}
    assert programs.install(*ANSWERS) == FAILED
    assert 'error in step "Packages of the system' in programs.said
    assert "E: Unable to locate package nginx" in programs.said
    assert "this goes on: bin/test --as typed" in programs.said
    programs.bare.failing = {}
    assert programs.install(*ANSWERS) == 0


def test_a_setting_that_is_wrong_is_corrected_in_the_file(programs: Programs) -> None:
    problem = {"severity": "error", "name": "VCL_FRONT_END_URL", "text": "VCL's front end cannot be reached"}
    programs.bare.settings_problems = [problem]
    assert programs.install(*ANSWERS) == FAILED
    assert "An option that differs from that file is refused: leave it out." in programs.said
    path = programs.bare.machine.layout.settings
    path.write_text(path.read_text().replace("//vcl.example.edu/", "//www.example.edu/"))
    programs.bare.settings_problems = []
    assert programs.install(*ANSWERS) == REFUSED
    assert programs.install() == 0
    assert settings(programs)["VCL_FRONT_END_URL"] == "https://www.example.edu/vcl/index.php"


@pytest.mark.parametrize("place", ["useradd", "pip install", "--user=root", "manage.py migrate --no-input", "start"])
def test_it_can_be_interrupted_anywhere(programs: Programs, place: str) -> None:
    programs.bare.interrupt_at = place
    assert programs.install(*ANSWERS) == INTERRUPTED
    assert "What was done stays" in programs.said
    programs.bare.interrupt_at = ""
    assert programs.install(*ANSWERS) == 0
    assert {"blockalloc.socket", "blockalloc.service"} <= programs.bare.active


def test_settings_that_exist_are_kept_and_the_old_file_too(programs: Programs) -> None:
    before = "# ours\nVCL_TIME_ZONE=Europe/Berlin\nVCL_SPARES=auto\nVCL_FRONT_END_URL=\n"
    programs.bare.put("etc/blockalloc/blockalloc.env", before)
    assert programs.install("--server-name", "blocks.example.edu", "--database-server", "localhost") == 0
    after = programs.bare.machine.layout.settings.read_text()
    assert after.startswith(before)
    assert settings(programs)["VCL_FRONT_END_URL"] == ""
    (copy,) = programs.bare.machine.layout.configuration.glob("blockalloc.env.bak-*")
    assert (copy.read_text(), copy.stat().st_mode & 0o777) == (before, 0o640)


def test_a_changed_setting_reaches_the_running_service(installed: Programs) -> None:
    layout = installed.bare.machine.layout
    process = layout.at("/proc/" + layout.at("/proc/pid-of-blockalloc.service").read_text())
    os.utime(process, (1, 1))
    assert installed.install() == 0
    assert installed.bare.changing == ["systemctl reload blockalloc.service"]


# --- A dry run ----------------------------------------------------------------------------------
def test_a_dry_run_changes_nothing_and_names_everything(programs: Programs) -> None:
    before = programs.bare.picture()
    assert programs.install(*ANSWERS, "--dry-run") == 0
    assert programs.bare.picture() == before
    assert programs.bare.changing == []
    for part in (
        "useradd",
        "pip install",
        "VCL_TIME_ZONE=America/New_York",
        "print_grants running",
        "migrate",
        "nginx",
    ):
        assert part in programs.said
    assert "DJANGO_SECRET_KEY=(hidden)" in programs.said
    assert re.search(r"DATABASE_URL=mysql://blockalloc:\(hidden\)@localhost/vcl\n", programs.said)


def test_what_a_dry_run_shows_is_what_is_done(programs: Programs) -> None:
    programs.install(*ANSWERS, "--dry-run")
    shown = {line.strip() for line in programs.lines}
    programs.install(*ANSWERS)
    done = [command for command in programs.bare.changing if command not in programs.bare.statements]
    assert [command for command in done if not any(line.endswith(command) for line in shown)] == []


# --- Database accounts that others have to make -------------------------------------------------
def test_without_an_administrator_it_writes_the_statements_and_waits(programs: Programs) -> None:
    programs.bare.root_may_sign_in = False
    assert programs.install(*ANSWERS) == WAITING
    sql = programs.bare.machine.layout.accounts_sql
    assert sql.stat().st_mode & 0o777 == 0o600
    assert "/etc/blockalloc/accounts.sql" in programs.said
    assert not programs.bare.applied
    assert programs.install(*ANSWERS) == WAITING  # and again, with the same passwords
    programs.bare.give(sql.read_text())
    assert programs.install(*ANSWERS) == 0
    assert not sql.exists()


def test_the_statements_are_for_the_address_that_the_server_sees(programs: Programs) -> None:
    programs.bare.unreachable = {"away.example.edu"}
    options = [*ANSWERS[:2], "--database-server", "db.example.edu:3307", *ANSWERS[4:]]
    assert programs.install(*options) == WAITING
    sql = programs.bare.machine.layout.accounts_sql.read_text()
    assert "CREATE USER IF NOT EXISTS 'blockalloc'@'10.0.0.5'" in sql
    assert settings(programs)["DATABASE_URL"].endswith("@db.example.edu:3307/vcl")


def test_an_administrators_option_file_is_used(programs: Programs, tmp_path: Path) -> None:
    programs.bare.root_may_sign_in = False
    options = tmp_path / "admin.cnf"
    options.write_text("[client]\nuser=admin\npassword=secret\n")
    assert programs.install(*ANSWERS, "--database-admin", str(options)) == 0
    assert any(f"--defaults-extra-file={options}" in command for command in programs.bare.commands)


def test_an_account_with_another_password_gets_that_of_the_settings(installed: Programs) -> None:
    installed.bare.passwords["blockalloc"] = "of somebody"
    assert installed.install() == 0
    assert installed.bare.passwords["blockalloc"] in secrets(installed)


def test_a_server_that_does_not_answer_is_no_reason_to_make_accounts(installed: Programs) -> None:
    installed.bare.failing = {"mariadb --no-defaults": "ERROR 2002 (HY000): Can't connect to local server"}
    assert installed.install() == FAILED
    assert "Can't connect to local server" in installed.said
    assert installed.bare.changing == []


# --- Checks on the way --------------------------------------------------------------------------
def test_wrong_settings_stop_it_before_the_tables_are_made(programs: Programs) -> None:
    programs.bare.settings_problems = [{"severity": "error", "name": "VCL_TIME_ZONE", "text": "VCL_TIME_ZONE: wrong"}]
    assert programs.install(*ANSWERS) == FAILED
    assert "error: VCL_TIME_ZONE: wrong" in programs.said
    assert not programs.bare.applied


def test_doubtful_settings_are_shown_only(programs: Programs) -> None:
    programs.bare.settings_problems = [{"severity": "doubtful", "name": "", "text": "odd"}]
    assert programs.install(*ANSWERS) == 0
    assert "doubtful: odd" in programs.said


def test_a_site_that_nginx_refuses_is_taken_away_again(programs: Programs) -> None:
    programs.bare.failing = {"nginx -t": "nginx: [emerg] host not found"}
    assert programs.install(*ANSWERS) == FAILED
    assert "host not found" in programs.said
    assert not programs.bare.machine.layout.nginx_site.exists()


def test_a_site_that_was_changed_by_hand_is_kept(installed: Programs) -> None:
    site = installed.bare.machine.layout.nginx_site
    changed = site.read_text().replace("burst=200", "burst=900")
    site.write_text(changed)
    assert installed.install() == 0
    assert site.read_text() == changed
    assert "burst=200" in site.with_name("blockalloc.conf.dist").read_text()
    assert "was changed by hand" in installed.said
    assert installed.install() == 0
    assert "Nothing had to be changed." in installed.said


def test_the_site_of_0_1_is_replaced(programs: Programs) -> None:
    old = "# of 0.1\n" + (programs.source / "deploy" / "nginx.conf").read_text()
    programs.bare.put("opt/blockalloc/deploy/nginx.conf", old)
    site = programs.bare.put("etc/nginx/conf.d/blockalloc.conf", old)
    assert programs.install(*ANSWERS) == 0
    assert "of 0.1" not in site.read_text()


def test_the_jobs_of_cron_are_put_away(programs: Programs) -> None:
    programs.bare.put("etc/cron.d/blockalloc", "* * * * * blockalloc keep_ready\n")
    assert programs.install(*ANSWERS) == 0
    layout = programs.bare.machine.layout
    assert not layout.old_cron.exists()
    assert (layout.configuration / "cron-of-0.1").read_text() == "* * * * * blockalloc keep_ready\n"


def test_a_service_of_0_1_is_stopped_before_the_socket_starts(programs: Programs) -> None:
    programs.bare.active = {"blockalloc.service"}
    assert programs.install(*ANSWERS) == 0
    commands = programs.bare.changing
    assert commands.index("systemctl stop blockalloc.service") < commands.index("systemctl start blockalloc.socket")


def test_a_service_that_does_not_answer_is_an_error(programs: Programs) -> None:
    programs.bare.broken_releases = {"0.2.0"}
    assert programs.install(*ANSWERS) == FAILED
    assert "https://blocks.example.edu/healthz, asked on this machine: status 502, Bad Gateway" in programs.said


def test_a_folder_that_was_not_copied_whole_is_copied_again(installed: Programs) -> None:
    layout = installed.bare.machine.layout
    layout.current.unlink()
    (layout.releases / "0.2.0" / "manage.py").unlink()
    assert installed.install() == 0
    assert (layout.releases / "0.2.0" / "manage.py").is_file()


def test_this_checkout_is_a_whole_release() -> None:
    assert Release(ROOT).missing() == []


def test_a_checkout_is_installed_without_its_tests() -> None:
    files = {path.parts[0] for path in Release(ROOT).files}
    assert {"blockalloc", "bin", "deploy", "installer", "simulation", "manage.py"} <= files
    assert not files & {"tests", "verification", "bench", ".git", ".venv"}


def test_a_release_of_the_same_version_with_other_files_is_refused(installed: Programs, tmp_path: Path) -> None:
    other = release(tmp_path / "other", "0.2.0", unit="changed")
    assert installed.install(source=other) == 2
    assert "its files differ from those in" in installed.said
