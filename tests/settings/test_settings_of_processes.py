"""Which settings a process has: from the file, from the environment, of the demo site, and never none that it made up.

Each test stands for a shell, a cron job or a service: a process of its own with few variables.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.servers.live_server import free_port
from tests.support.servers.own_process import ROOT, bare, inherited, run
from vclsite import environment

pytestmark = pytest.mark.once(on="sqlite")

KEY = "8hT2pa55-of-the-site-in-the-file-and-of-no-other-QWERTZUIOP"
SECRET = "hunter2"
EXAMPLE = "DATABASE_URL=mysql://user:password@db.example.edu/vcl"
COMMANDS = [
    ("migrate",),
    ("check",),
    ("check_vcl",),
    ("allocate_block", "--block-time", "1"),
    ("explain_computer", "vm-1", "--block-time", "1"),
    ("readiness_report",),
    ("load_demo_site", "--if-needed"),
    ("createsuperuser", "--noinput"),
    ("showmigrations",),
    ("shell", "-c", "1"),
    ("runserver", "--noreload", "0"),
]
GUNICORN = (str(Path(sys.executable).parent / "gunicorn"), "-c", "deploy/gunicorn.conf.py")


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that everybody may enter, unlike those of pytest."""
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o711)
        yield Path(directory)


@pytest.fixture
def file(place: Path) -> Path:
    """A settings file of a site, on a database that is a file."""
    path = place / "blockalloc.env"
    path.write_text(
        f"# A site.\nDATABASE_URL=sqlite:///{place}/site.sqlite3\nVCL_TIME_ZONE=Europe/Berlin\n"
        f"DJANGO_SECRET_KEY='{KEY}'\nVCL_MAX_BLOCK_MACHINES=40\n"
    )
    path.chmod(0o640)
    return path


def told(file: Path, *options: str, **variables: str) -> dict[str, tuple[str, str]]:
    """Value and source of each setting, as check_settings tells them."""
    done = bare("manage.py", "check_settings", "--json", *options, standard=file, **variables)
    answer = json.loads(done.stdout)
    return {each["name"]: (each["value"], each["source"]) for each in answer["settings"]}


# --- Where settings come from -----------------------------------------------------------------
def test_a_process_without_variables_has_the_settings_of_the_file(file: Path, place: Path) -> None:
    settings = told(file)
    assert settings["DATABASE_URL"] == (f"sqlite:///{place}/site.sqlite3", "file")
    assert settings["VCL_TIME_ZONE"] == ("Europe/Berlin", "file")
    assert settings["VCL_MIN_BLOCK_MACHINES"] == ("1", "default")


def test_the_environment_wins_over_the_file(file: Path) -> None:
    settings = told(file, VCL_TIME_ZONE="America/New_York", DATABASE_URL="sqlite://:memory:")
    assert settings["VCL_TIME_ZONE"] == ("America/New_York", "environment")
    assert settings["DATABASE_URL"] == ("sqlite://:memory:", "environment")
    assert settings["VCL_MAX_BLOCK_MACHINES"] == ("40", "file")


def test_a_variable_that_is_empty_hides_the_file(file: Path) -> None:
    done = bare("manage.py", "check_vcl", standard=file, DATABASE_URL="")
    assert (done.returncode, done.stdout) == (2, "")
    assert "no database is named: DATABASE_URL is empty in the environment" in done.stderr


def test_another_file_can_be_named_or_none(file: Path, place: Path) -> None:
    other = place / "other.env"
    other.write_text("DATABASE_URL=sqlite://:memory:\nVCL_TIME_ZONE=Asia/Tokyo\n")
    assert told(file, BLOCKALLOC_ENV=str(other))["VCL_TIME_ZONE"] == ("Asia/Tokyo", "file")
    assert told(file, BLOCKALLOC_ENV="")["VCL_TIME_ZONE"] == ("UTC", "default")


def test_every_kind_of_setting_is_read_from_the_file(place: Path) -> None:
    path = place / "a.env"
    path.write_text(
        "DATABASE_URL=sqlite://:memory:\nVCL_ALLOW_PLAIN_HTTP=yes\nVCL_LOCKOUT_SECONDS=17\nGUNICORN_THREADS=3\n"
        "VCL_BLOCK_API_USERS='a@Local, b@Local'\nVCL_TRUSTED_PROXIES=10.0.0.0/8\nGUNICORN_BIND=127.0.0.1:8123\n"
    )
    code = (
        "from vclsite import http_server, settings as s;"
        "print(s.VCL_ALLOW_PLAIN_HTTP, s.VCL_LOCKOUT_SECONDS, s.VCL_BLOCK_API_USERS, s.VCL_TRUSTED_PROXIES,"
        "http_server.THREADS, http_server.BIND)"
    )
    done = run("-c", code, BLOCKALLOC_ENV=str(path))
    assert done.stdout.strip() == "True 17 ['a@Local', 'b@Local'] ['10.0.0.0/8'] 3 127.0.0.1:8123"


def test_a_command_from_cron_works_on_the_site_of_the_file(file: Path, place: Path) -> None:
    assert bare("manage.py", "migrate", standard=file).returncode == 0
    assert (place / "site.sqlite3").exists()
    checked = bare("manage.py", "check_vcl", standard=file)
    assert (checked.returncode, checked.stderr) == (0, "")
    assert "(Europe/Berlin)" in checked.stdout


def test_the_web_service_has_the_settings_of_the_file(file: Path, place: Path) -> None:
    port = free_port()
    address = f"http://127.0.0.1:{port}/healthz"
    with file.open("a") as settings:
        settings.write(f"GUNICORN_BIND=127.0.0.1:{port}\nWEB_CONCURRENCY=1\n")
    variables = inherited() | {"BLOCKALLOC_ENV": str(file)}
    server = subprocess.Popen(GUNICORN, cwd=ROOT, env=variables, stderr=subprocess.PIPE)
    try:
        for _ in range(300):
            with contextlib.suppress(OSError), urllib.request.urlopen(address) as answer:
                assert answer.read() == b"ok"
                break
            time.sleep(0.1)
        else:
            pytest.fail("the server does not answer at the port of the file")
    finally:
        server.terminate()
        server.communicate()
    assert (place / "site.sqlite3").exists()


# --- Nothing is made up -----------------------------------------------------------------------
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_without_a_database_no_command_runs(command: tuple[str, ...], tmp_path: Path) -> None:
    demo = ROOT / "var" / "demo.sqlite3"
    before = demo.exists() and demo.stat()
    missing = tmp_path / "blockalloc.env"
    done = bare("manage.py", *command, standard=missing)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(
        f"error: no database is named: DATABASE_URL is not in the environment, and there is no file {missing}. "
    )
    assert EXAMPLE in done.stderr
    assert "BLOCKALLOC_DEMO=1" in done.stderr
    assert "Traceback" not in done.stderr
    assert (demo.exists() and demo.stat()) == before


def spoil(file: Path, how: str) -> str:
    """Make the settings file one that cannot be used; what is to be told of it."""
    match how:
        case "missing":
            file.unlink()
            return "which is not there"
        case "folder":
            file.unlink()
            file.mkdir()
            return "is not a plain file"
        case "not UTF-8":
            file.write_bytes(file.read_bytes() + b"X=\xff\n")
            return f"{file}:6: not UTF-8"
        case _:
            file.write_text(file.read_text() + f"export VCL_WEBHOOK_SECRET={SECRET}\nVCL_WEBHOOK_SECRET={SECRET} # x\n")
            return f"{file}:6: write NAME=value, without export\n{file}:7: VCL_WEBHOOK_SECRET: a comment"


@pytest.mark.parametrize("how", ["missing", "folder", "not UTF-8", "lines"])
@pytest.mark.parametrize("database", [{}, {"DATABASE_URL": f"mysql://u:{SECRET}@db.example.edu/vcl"}], ids=["", "url"])
def test_a_file_that_cannot_be_used_stops_everything(how: str, database: dict[str, str], file: Path) -> None:
    problem = spoil(file, how)
    done = run("manage.py", "check_vcl", BLOCKALLOC_ENV=str(file), **database)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")
    assert problem in done.stderr
    assert EXAMPLE in done.stderr
    assert SECRET not in done.stderr
    assert "Traceback" not in done.stderr


# Python itself may be where only root can read: everything is loaded before, but for what is to run.
_AS_NOBODY = """
import os, runpy, sys
copy, named = sys.argv[1], os.environ["BLOCKALLOC_ENV"]
os.environ |= {"BLOCKALLOC_ENV": "", "DATABASE_URL": "sqlite://:memory:", "DJANGO_SETTINGS_MODULE": "vclsite.settings"}
import django, django.core.management.commands.migrate
django.setup()
for name in [name for name in sys.modules if name.startswith("vclsite")]:
    del sys.modules[name]
django.conf.settings._wrapped = django.conf.empty
os.environ["BLOCKALLOC_ENV"] = named
del os.environ["DATABASE_URL"]
if os.geteuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
sys.path.insert(0, copy)
sys.argv = [copy + "/manage.py", "migrate"]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.mark.parametrize("closed", ["file", "folder"])
def test_a_user_who_may_not_read_the_file_is_told_so(closed: str, file: Path) -> None:
    folder, copy = file.parent / "etc", file.parent
    folder.mkdir()
    file = file.rename(folder / "blockalloc.env")
    shutil.copytree(ROOT / "vclsite", copy / "vclsite")
    shutil.copy(ROOT / "manage.py", copy)
    (file if closed == "file" else folder).chmod(0)
    try:
        done = run("-c", _AS_NOBODY, str(copy), BLOCKALLOC_ENV=str(file))
    finally:
        folder.chmod(0o711)
    who = "nobody" if os.geteuid() == 0 else ""
    assert (done.returncode, done.stdout) == (2, "")
    assert f"error: this process runs as {who}" in done.stderr
    assert f"who may not {'read' if closed == 'file' else 'enter the folder of'} {file}" in done.stderr
    assert "sudo -u blockalloc" in done.stderr
    assert EXAMPLE in done.stderr
    assert KEY not in done.stderr


def gunicorn(**variables: str) -> subprocess.CompletedProcess[str]:
    """Start the web service as docs/installation.md says; it is expected to end by itself."""
    return subprocess.run(
        GUNICORN, cwd=ROOT, env=inherited() | variables, capture_output=True, text=True, check=False, timeout=30
    )


def test_the_web_service_stops_at_once(file: Path) -> None:
    nothing = gunicorn()
    assert (nothing.returncode, nothing.stdout) == (2, "")
    assert nothing.stderr.startswith("error: no database is named: ")
    assert EXAMPLE in nothing.stderr
    problem = spoil(file, "lines")
    spoiled = gunicorn(BLOCKALLOC_ENV=str(file))
    assert spoiled.returncode == 2
    assert problem in spoiled.stderr
    wrong = gunicorn(DATABASE_URL="sqlite://:memory:", VCL_LOCKOUT_SECONDS="x", GUNICORN_THREADS="1")
    assert wrong.returncode == 2
    for stderr in (nothing.stderr, spoiled.stderr, wrong.stderr):
        assert "Booting worker" not in stderr
        assert "Traceback" not in stderr
        assert SECRET not in stderr
    assert "GUNICORN_THREADS='1'" in wrong.stderr
    assert "VCL_LOCKOUT_SECONDS='x'" in wrong.stderr


# --- The demo site ----------------------------------------------------------------------------
def test_the_demo_site_has_its_own_database_whatever_else_is_set(file: Path) -> None:
    spoil(file, "lines")
    settings = told(file, BLOCKALLOC_DEMO="1", DATABASE_URL=f"mysql://u:{SECRET}@db.example.edu/vcl")
    assert settings["DATABASE_URL"] == (f"sqlite:///{ROOT}/var/demo.sqlite3", "demo site")
    assert settings["VCL_TIME_ZONE"] == ("UTC", "default")


def test_the_demo_site_may_have_another_database(file: Path, place: Path) -> None:
    own = {"BLOCKALLOC_DEMO_DATABASE_URL": f"sqlite:///{place}/demo.sqlite3"}
    assert told(file, BLOCKALLOC_DEMO="1", **own)["DATABASE_URL"] == (f"sqlite:///{place}/demo.sqlite3", "demo site")
    assert told(file, **own)["DATABASE_URL"] == (f"sqlite:///{place}/site.sqlite3", "file")  # not the demo


def test_a_wrong_database_of_the_demo_site_is_refused_by_its_name(file: Path) -> None:
    url = f"mysql://u:{SECRET}@db.example.edu/"
    done = bare("manage.py", "migrate", standard=file, BLOCKALLOC_DEMO="1", BLOCKALLOC_DEMO_DATABASE_URL=url)
    assert done.returncode == 2
    assert done.stderr.startswith("error: BLOCKALLOC_DEMO_DATABASE_URL names no database on its server: ")
    assert SECRET not in done.stderr


@pytest.mark.parametrize("off", ["0", "no", ""])
def test_the_demo_site_can_be_declined(off: str, file: Path) -> None:
    assert told(file, BLOCKALLOC_DEMO=off)["VCL_TIME_ZONE"] == ("Europe/Berlin", "file")


def test_a_wish_for_the_demo_site_that_is_neither_yes_nor_no_is_refused(file: Path) -> None:
    done = bare("manage.py", "check_vcl", standard=file, BLOCKALLOC_DEMO="perhaps")
    assert done.returncode == 2
    assert "BLOCKALLOC_DEMO='perhaps': use 1 for the demo site" in done.stderr


# --- The tests' own processes -----------------------------------------------------------------
def test_this_process_reads_no_file() -> None:
    assert environment.file().path is None


def test_tests_read_no_settings_file_of_the_machine(place: Path) -> None:
    """A run in a shell that names a file which breaks everything, and the demo site."""
    poison = place / "poison.env"
    poison.write_text(f"export DATABASE_URL=mysql://u:{SECRET}@127.0.0.1:1/vcl\nVCL_TIME_ZONE=Mars/Olympus\n")
    chosen = [
        "tests/settings/test_settings.py::test_a_real_site_passes_djangos_check_for_deployment",
        "tests/commands/test_check_vcl.py::TestTold::test_order",
        "tests/deploy/test_nginx.py::test_a_call_over_tls_is_answered",
        "tests/allocation/test_concurrent_calls.py::test_calls_for_one_block_time_fill_it_once",
        "tests/settings/test_settings_of_processes.py::test_this_process_reads_no_file",
    ]
    poisoned = os.environ | {"BLOCKALLOC_ENV": str(poison), "BLOCKALLOC_DEMO": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *chosen]
    done = subprocess.run(command, cwd=ROOT, env=poisoned, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout


PROGRAMS = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for folder in ("tests", "verification", "bench")
    for path in (ROOT / folder).rglob("*.py")
    if "__main__" in path.read_text() and not path.name.startswith(("test_", "own_process")) and path.name != "plot.py"
)


@pytest.mark.parametrize("program", PROGRAMS)
def test_programs_that_test_and_measure_read_none_either(program: str, place: Path) -> None:
    poison = place / "poison.env"
    poison.write_text("export")
    code = f"import os, {program}; print(repr(os.environ['BLOCKALLOC_ENV']), 'BLOCKALLOC_DEMO' in os.environ)"
    done = run("-c", code, BLOCKALLOC_ENV=str(poison), BLOCKALLOC_DEMO="1")
    assert done.stdout == "'' False\n", done.stderr
