"""The scripts that one runs first: on machines that lack something, and twice.

`bin/setup` runs in a copy, with a PATH of its own: what that lacks is missing, as on another machine, whatever this one
has. Python is real there, but for venv, pip and Playwright, which only note what they are asked for.
"""

import hashlib
import json
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TextIO

import pytest

from tests.support.servers.live_server import free_port
from tests.support.servers.own_process import ROOT, run
from vclsite import settings_file

pytestmark = pytest.mark.once(on="mariadb")

SCRIPTS = ["bin/setup", "bin/demo", "bin/serve", "bin/fetch-prometheus", ".ci/run"]
TOOLS = [
    "bash", "cat", "chmod", "cp", "cut", "dirname", "env", "grep", "mkdir", "mktemp", "mv", "rm", "sha256sum", "touch",
]  # fmt: skip
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"

PYTHON = f"""#!/usr/bin/env bash
case "$1 $2" in
"-c import ensurepip, venv") [ ! -e "$MACHINE/no-ensurepip" ] ;;
"-m venv") mkdir -p .venv/bin && cp "$MACHINE/bin/python3" .venv/bin/python ;;
"-m pip")
    shift 2
    printf 'pip %s\\n' "$*" >>"$MACHINE/log"
    [ "$1" != install ] || cat "${{@: -1}}" >>"$MACHINE/log" 2>/dev/null || true # the file after -r, if there is one
    ;;
"-m playwright") printf '%s\\n' "$*" >>"$MACHINE/log"; exit 1 ;;
*) exec {sys.executable} "$@" ;;
esac
"""
# Installing packages makes the tools appear that bin/setup looks for; a download leaves the package where one is.
APT = """#!/usr/bin/env bash
printf 'apt-get %s\n' "$*" >>"$MACHINE/log"
[ ! -e "$MACHINE/no-network" ] || exit 100
case "$*" in *"download nginx") touch nginx_1.22_all.deb ;; esac
case "$*" in *"download prometheus") touch prometheus_2.42_all.deb ;; esac
case "$*" in *"download libsystemd-shared") touch libsystemd-shared_252_all.deb ;; esac
case "$*" in *"download systemd" | *"download libkmod2" | *"download libapparmor1" | *"download libip4tc2")
    touch "${@: -1}_252_all.deb" ;;
esac
case "$*" in *pkg-config*) cp "$MACHINE/true" "$MACHINE/bin/pkg-config" ;; esac
case "$*" in *-venv*) rm "$MACHINE/no-ensurepip" ;; esac
"""
# Unpacking a package (dpkg-deb -x PACKAGE DIRECTORY) gives nginx's program, Prometheus's, systemd's, or a library of
# systemd's.
DPKG_DEB = """#!/usr/bin/env bash
[ -e "$2" ] || exit 2
case "$2" in
*nginx*) mkdir -p "$3/usr/sbin" && cp "$MACHINE/true" "$3/usr/sbin/nginx" ;;
*/prometheus_*)
    mkdir -p "$3/usr/bin" && cp "$MACHINE/true" "$3/usr/bin/prometheus" && cp "$MACHINE/true" "$3/usr/bin/promtool" ;;
*/systemd_*) mkdir -p "$3/usr/bin" && cp "$MACHINE/true" "$3/usr/bin/systemd-analyze" ;;
*) mkdir -p "$3/usr/lib/any/systemd" && touch "$3/usr/lib/any/systemd/libsystemd-shared-252.so" ;;
esac
"""


class Machine:
    """A checkout on a machine with few programs; `log` is what pip and apt-get were asked for."""

    def __init__(self, directory: Path, *, user: int) -> None:
        self.home = directory / "machine"
        self.checkout = directory / "a copy"
        self.bin, self.sbin = self.home / "bin", self.home / "sbin"
        self.lib = self.home / "lib"
        self.bin.mkdir(parents=True)
        self.sbin.mkdir()
        for tool in TOOLS:
            self.has(tool)
        self.program("python3", PYTHON)
        self.program("id", f"#!/usr/bin/env bash\necho {user}\n")
        (self.checkout / "bin").mkdir(parents=True)
        for name in (
            "bin/setup",
            "bin/fetch-prometheus",
            "requirements.txt",
            "requirements-dev.txt",
            "requirements-bench.txt",
        ):
            shutil.copy(ROOT / name, self.checkout / name)
        (self.home / "true").symlink_to(str(shutil.which("true")))

    def program(self, name: str, text: str) -> None:
        """Put a program on the machine's PATH."""
        (self.bin / name).write_text(text)
        (self.bin / name).chmod(0o755)

    def has(self, tool: str) -> None:
        """Let it have a program of this machine's."""
        real = shutil.which(tool)
        assert real, f"{tool} is part of every system"
        (self.bin / tool).symlink_to(real)

    def setup(self, *options: str) -> subprocess.CompletedProcess[str]:
        """Run bin/setup from another directory."""
        environment = {
            "PATH": str(self.bin),
            "SETUP_SBIN": str(self.sbin),
            "SETUP_LIB": str(self.lib),
            "MACHINE": str(self.home),
        }
        command = [str(self.checkout / "bin" / "setup"), *options]
        return subprocess.run(command, cwd="/", env=environment, capture_output=True, text=True, check=False)

    def log(self) -> str:
        """What was asked for since the last time."""
        path = self.home / "log"
        text = path.read_text() if path.exists() else ""
        path.unlink(missing_ok=True)
        return text


@pytest.fixture
def user_machine(tmp_path: Path) -> Machine:
    """A machine on which one may not install anything."""
    return Machine(tmp_path, user=1000)


@pytest.fixture
def root_machine(tmp_path: Path) -> Machine:
    """A machine on which apt-get can be used."""
    machine = Machine(tmp_path, user=0)
    machine.program("apt-get", APT)
    machine.program("dpkg-deb", DPKG_DEB)
    return machine


@pytest.mark.parametrize("script", SCRIPTS)
def test_scripts_are_well_formed_and_executable(script: str) -> None:
    assert os.access(ROOT / script, os.X_OK)
    subprocess.run(["bash", "-n", ROOT / script], check=True)


def test_make_alone_lists_the_targets() -> None:
    listed = subprocess.run(
        ["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    targets = re.findall(r"^make (\S+) +\S", listed, re.MULTILINE)
    assert {"setup", "demo", "serve", "test", "test-mariadb", "lint", "clean", "help"} <= set(targets)
    assert len(targets) == len(listed.splitlines())


# --- bin/setup --------------------------------------------------------------------------------
def test_without_root_all_but_the_mariadb_driver_is_installed(user_machine: Machine) -> None:
    done = user_machine.setup()
    log = user_machine.log()
    assert done.returncode == 0
    assert "Django==" in log
    assert "mysqlclient" not in log
    assert "works with SQLite only" in done.stderr
    assert "as root: apt-get install pkg-config default-libmysqlclient-dev" in done.stderr


def test_a_second_run_installs_nothing_and_warns_again(user_machine: Machine) -> None:
    user_machine.setup()
    user_machine.log()
    again = user_machine.setup()
    assert (again.returncode, again.stdout) == (0, "")
    assert "works with SQLite only" in again.stderr
    assert user_machine.log() == "pip --version\n"


def test_changed_requirements_are_installed(user_machine: Machine) -> None:
    user_machine.setup()
    user_machine.log()
    with (user_machine.checkout / "requirements.txt").open("a") as requirements:
        requirements.write("another==1.0\n")
    user_machine.setup()
    assert "another==1.0\n" in user_machine.log()


def test_the_tests_are_not_set_up_without_mariadb(user_machine: Machine) -> None:
    done = user_machine.setup("--tests")
    assert done.returncode == 1
    assert "the tests need packages that could not be installed; as root: apt-get install pkg-config" in done.stderr
    assert done.stderr.rstrip().endswith(
        " mariadb-server-core mariadb-client librpc-xml-perl libwww-perl curl chromium openssl libpcre2-8-0 "
        "nginx libsystemd-shared systemd libkmod2 libapparmor1 libip4tc2 prometheus"
    )
    assert "pytest==" in user_machine.log()  # the tests on SQLite can be run all the same


def test_root_gets_what_the_driver_needs_and_is_told(root_machine: Machine) -> None:
    done = root_machine.setup()
    log = root_machine.log()
    assert done.returncode == 0
    assert "for the MariaDB driver, which is built from source: pkg-config default-libmysqlclient-dev" in done.stdout
    assert log.count(" update\n") == 1
    assert " install -y --no-install-recommends --no-remove pkg-config default-libmysqlclient-dev" in log
    assert re.search(r"^pip install .*mysqlclient==", log, re.MULTILINE)
    again = root_machine.setup()
    assert (again.returncode, again.stdout + again.stderr) == (0, "")
    assert "apt-get" not in root_machine.log()


def test_root_without_network_gets_the_warning(root_machine: Machine) -> None:
    (root_machine.home / "no-network").touch()
    done = root_machine.setup()
    assert done.returncode == 0
    assert "works with SQLite only" in done.stderr


def test_no_service_is_ever_installed(root_machine: Machine) -> None:
    done = root_machine.setup("--tests")
    assert (done.returncode, done.stderr) == (0, "")
    assert "mariadb-server-core" in (log := root_machine.log())
    assert not re.search(r"install .*(mariadb-server|nginx|systemd|prometheus)( |$)", log, re.MULTILINE)
    assert re.search(r"install .* libsystemd-shared$", log, re.MULTILINE)  # a library, with nothing that runs
    assert os.access(root_machine.checkout / ".venv/nginx/usr/sbin/nginx", os.X_OK)


def test_the_library_of_systemd_is_fetched_where_it_can_not_be_installed(user_machine: Machine) -> None:
    user_machine.program("apt-get", APT)
    user_machine.program("dpkg-deb", DPKG_DEB)
    done = user_machine.setup("--tests")
    (library,) = (user_machine.checkout / ".venv/systemd").rglob("libsystemd-shared-*.so")
    assert "libsystemd-shared" not in done.stderr
    user_machine.log()
    user_machine.setup("--tests")
    assert "systemd" not in user_machine.log()
    library.unlink()
    (user_machine.home / "no-network").touch()
    assert user_machine.setup("--tests").stderr.rstrip().endswith(" libsystemd-shared")


def test_the_program_that_checks_units_is_fetched_and_never_installed(user_machine: Machine) -> None:
    user_machine.program("apt-get", APT)
    user_machine.program("dpkg-deb", DPKG_DEB)
    user_machine.setup("--tests")
    program = user_machine.checkout / ".venv/systemd/usr/bin/systemd-analyze"
    assert os.access(program, os.X_OK)
    user_machine.log()
    program.unlink()
    (user_machine.home / "no-network").touch()
    assert user_machine.setup("--tests").stderr.rstrip().endswith(" systemd libkmod2 libapparmor1 libip4tc2")


def test_prometheus_is_fetched_and_never_installed(user_machine: Machine) -> None:
    user_machine.program("apt-get", APT)
    user_machine.program("dpkg-deb", DPKG_DEB)
    assert "Fetching Prometheus into .venv/prometheus" in user_machine.setup("--tests").stdout
    program = user_machine.checkout / ".venv/prometheus/usr/bin/promtool"
    assert os.access(program, os.X_OK)
    user_machine.log()
    user_machine.setup("--tests")
    assert "download prometheus" not in user_machine.log()
    program.unlink()
    (user_machine.home / "no-network").touch()
    assert user_machine.setup("--tests").stderr.rstrip().endswith(" prometheus")
    assert [path.name for path in program.parents[3].glob("prometheus*")] == ["prometheus"]


def test_servers_are_found_where_only_root_looks(root_machine: Machine) -> None:
    root_machine.program("mariadb-install-db", "#!/usr/bin/env bash\n")
    for name in ("mariadbd", "nginx", "systemd-analyze", "prometheus", "promtool"):
        (root_machine.sbin / name).symlink_to(root_machine.home / "true")
    (root_machine.lib / "x86_64-linux-gnu/systemd").mkdir(parents=True)
    (root_machine.lib / "x86_64-linux-gnu/systemd/libsystemd-shared-252.so").touch()
    assert root_machine.setup("--tests").returncode == 0
    log = root_machine.log()
    assert "mariadb-server-core" not in log
    assert "nginx" not in log
    assert "systemd" not in log
    assert "download prometheus" not in log


def test_what_draws_pictures_is_installed_for_them_only(root_machine: Machine) -> None:
    assert root_machine.setup("--tests").returncode == 0
    assert "matplotlib==" not in root_machine.log()
    assert root_machine.setup("--bench").returncode == 0
    assert "matplotlib==" in root_machine.log()


def test_python_without_ensurepip_gets_it_or_says_how(user_machine: Machine) -> None:
    (user_machine.home / "no-ensurepip").touch()
    done = user_machine.setup()
    assert done.returncode == 1
    assert f"as root, apt-get install python{VERSION}-venv" in done.stderr
    user_machine.program("id", "#!/usr/bin/env bash\necho 0\n")
    user_machine.program("apt-get", APT)
    assert f"python{VERSION}-venv" in user_machine.setup().stdout
    assert (user_machine.checkout / ".venv").exists()


@pytest.mark.parametrize("python", ["#!/usr/bin/env bash\n[ $1 = --version ] && echo Python 3.10.12\n", ""])
def test_an_old_or_missing_python_is_said(python: str, user_machine: Machine) -> None:
    user_machine.program("python3", python)
    if not python:
        (user_machine.bin / "python3").unlink()
    done = user_machine.setup()
    assert done.returncode == 1
    found = "Python 3.10.12" if python else "no python3 at all"
    assert f"Python 3.11 or newer is needed; found: {found}." in done.stderr
    assert not (user_machine.checkout / ".venv").exists()


def test_a_virtual_environment_whose_python_is_gone_is_made_anew(user_machine: Machine) -> None:
    user_machine.setup()
    (user_machine.checkout / ".venv/bin/python").unlink()
    assert "Making .venv" in user_machine.setup().stdout


def test_an_unknown_option_is_refused(user_machine: Machine) -> None:
    done = user_machine.setup("--everything")
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        2,
        "Usage: bin/setup [--dev | --tests | --galera | --bench]",
    )


# --- bin/demo, bin/serve ----------------------------------------------------------------------
@pytest.fixture
def site_copy(tmp_path: Path) -> Path:
    """A checkout that is set up; its demo site is not the developer's."""
    copy = tmp_path / "a copy"
    copy.mkdir()
    for name in ("bin", "blockalloc", "deploy", "scheduling", "simulation", "templates", "vclsite"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "manage.py", copy)
    (copy / ".venv").symlink_to(sys.prefix)
    (copy / "bin/setup").write_text("#!/usr/bin/env bash\n")
    return copy


def run_in(copy: Path, script: str) -> subprocess.CompletedProcess[str]:
    """Run a script of the copy, in a shell that has a database of its own."""
    environment = os.environ | {"DATABASE_URL": "mysql://nobody@nowhere.invalid/real_site"}
    return subprocess.run(
        [str(copy / script)], cwd="/", env=environment, capture_output=True, text=True, check=False, timeout=120
    )


def ports_of(output: str) -> Sequence[int]:
    """The ports of the servers that the output names, but for that of `make serve`."""
    return [int(port) for port in re.findall(r"127\.0\.0\.1:(\d+)", output) if port != "8000"]


def test_the_demo_allocates_twenty_machines_and_again_the_same(site_copy: Path) -> None:
    first = run_in(site_copy, "bin/demo")
    assert first.returncode == 0, first.stderr
    assert "The class has 20 of the 20 machines that it wants." in first.stdout
    assert "20 of 20 machines\n" in first.stdout
    assert first.stdout.endswith("\n20 of 20 ready at 09:00\n")
    second = run_in(site_copy, "bin/demo")
    assert second.returncode == 0, second.stderr
    assert "A repeated call allocates nothing twice." in second.stdout
    assert second.stdout.endswith("\n20 of 20 ready at 09:00\n")
    (port,) = ports_of(second.stdout)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    the_morning_leaves_the_demo_as_it_is(site_copy)


def the_morning_leaves_the_demo_as_it_is(copy: Path) -> None:
    """Played on the copy of a file, it changes nothing in that file, and leaves no other one."""
    file = copy / "var/demo.sqlite3"
    before = hashlib.sha256(file.read_bytes()).hexdigest()
    done = run(str(copy / "manage.py"), "play_demo_morning", BLOCKALLOC_DEMO="1")
    assert done.stdout.endswith("\n20 of 20 ready at 09:00\n"), done.stderr
    assert hashlib.sha256(file.read_bytes()).hexdigest() == before
    assert [each.name for each in file.parent.iterdir()] == [file.name]


def test_a_demo_that_fails_shows_the_log_of_the_server(site_copy: Path) -> None:
    (site_copy / "deploy/gunicorn.conf.py").write_text("raise RuntimeError('no such luck')\n")
    done = run_in(site_copy, "bin/demo")
    assert done.returncode == 1
    assert "The demo failed: the server ended by itself" in done.stderr
    assert "no such luck" in done.stderr


def test_serve_says_that_its_port_is_in_use(site_copy: Path) -> None:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", 8000))
            listener.listen()
        except OSError:
            pass  # somebody else's server is as good
        done = run_in(site_copy, "bin/serve")
    assert done.returncode == 1
    assert "port 8000 of 127.0.0.1 is in use" in done.stderr


def test_serve_runs_a_site_where_classes_are_asked_for_until_it_is_stopped(site_copy: Path) -> None:
    script = site_copy / "bin/serve"
    port = free_port()
    script.write_text(script.read_text().replace("port=8000", f"port={port}").replace("--loop 60", "--loop 2"))
    with (site_copy / "log").open("w+") as log:
        serving = subprocess.Popen([str(script)], cwd="/", stdout=log, stderr=log, start_new_session=True)
        try:
            wait_for(lambda: is_open(port) and has_moved(site_copy / "var/demo.sqlite3"), log)
        finally:
            serving.terminate()
            serving.wait(timeout=30)
        log.seek(0)
        assert serving.returncode == 0, log.read()
    assert not is_open(port)
    with pytest.raises(ProcessLookupError):  # none of its processes is left
        os.killpg(serving.pid, 0)


def is_open(port: int) -> bool:
    """Whether a server listens at the port."""
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def has_moved(database: Path) -> bool:
    """Whether a class of the next hour has computers, and keep_ready has looked at it."""
    soon = f"{datetime.now(UTC) + timedelta(hours=1):%Y-%m-%d %H:%M:%S}"
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        ((computers,),) = connection.execute(
            "SELECT COUNT(*) FROM blockComputers b JOIN blockTimes t ON t.id = b.blockTimeid WHERE t.start < ?", [soon]
        )
        ((seen,),) = connection.execute(
            "SELECT COUNT(*) FROM blockalloc_watch w JOIN blockTimes t ON t.id = w.block_time_id WHERE t.start < ?",
            [soon],
        )
    return bool(computers and seen)


def wait_for(condition: Callable[[], bool], log: TextIO) -> None:
    """Return when the condition is true; fail with the log when that takes too long."""
    deadline = time.monotonic() + 90
    while not condition():
        if time.monotonic() > deadline:
            log.seek(0)
            pytest.fail(log.read())
        time.sleep(0.2)


# --- docs/settings.md -------------------------------------------------------------------------
def test_every_variable_is_documented_and_no_other() -> None:
    told = json.loads(run("manage.py", "check_settings", "--json").stdout)
    read = {setting["name"] for setting in told["settings"]} | settings_file.ENVIRONMENT_ONLY
    documented = re.findall(r"^\| `([A-Z_]+)` \|", (ROOT / "docs/settings.md").read_text(), re.MULTILINE)
    assert sorted(documented) == sorted(read)
