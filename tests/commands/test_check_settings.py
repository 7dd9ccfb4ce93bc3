"""`manage.py check_settings`: what is in force, where it comes from, what is wrong, and no secret."""

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.servers.mariadb_server import PrivateMariaDB
from tests.support.servers.own_process import bare, run

pytestmark = pytest.mark.once(on="mariadb")

KEY = "8hT2pa55-of-the-site-in-the-file-and-of-no-other-QWERTZUIOP"
SECRET = "hunter2"
SITE = {
    "DATABASE_URL": f"mysql://root:{SECRET}@127.0.0.1:1/vcl",
    "VCL_TIME_ZONE": "America/New_York",
    "DJANGO_SECRET_KEY": KEY,
    "DJANGO_ALLOWED_HOSTS": "blocks.example.edu",
    "VCL_TRUSTED_PROXIES": "127.0.0.1",
}
NO_ANSWER = ("error", "DATABASE_URL", "the database does not answer")


def check(**variables: str) -> tuple[int, list[dict[str, str]]]:
    """Exit status and problems; no secret of this module is in the answer."""
    done = run("manage.py", "check_settings", "--json", **variables)
    assert SECRET not in done.stdout + done.stderr
    assert KEY not in done.stdout + done.stderr
    assert done.stderr == ""
    return done.returncode, json.loads(done.stdout)["problems"]


def with_file(file: Path, values: dict[str, str], **variables: str) -> tuple[int, list[dict[str, str]]]:
    """The same with a settings file of these values."""
    file.write_text("".join(f"{name}={value}\n" for name, value in values.items()))
    file.chmod(0o640)
    return check(BLOCKALLOC_ENV=str(file), **variables)


def briefly(problems: list[dict[str, str]]) -> list[tuple[str, str]]:
    """Severity and setting of each problem."""
    return [(problem["severity"], problem["name"]) for problem in problems]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the settings file of the test goes."""
    return tmp_path / "blockalloc.env"


# --- What is in force -------------------------------------------------------------------------
@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A site whose database is in order."""
    url = f"sqlite:///{tmp_path_factory.mktemp('ready')}/ready.sqlite3"
    assert run("manage.py", "migrate", DATABASE_URL=url).returncode == 0
    return {"DATABASE_URL": url}


def test_a_site_in_order(ready: dict[str, str], file: Path) -> None:
    file.write_text(f"DJANGO_SECRET_KEY={KEY}\nGUNICORN_THREADS=4\nVCL_TRUSTED_PROXIES=127.0.0.1\n")
    file.chmod(0o640)
    variables = {"VCL_TIME_ZONE": "Europe/Berlin", "DJANGO_ALLOWED_HOSTS": "blocks.example.edu", **ready}
    done = bare("manage.py", "check_settings", standard=file, **variables)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Settings file: {file}\n")
    assert done.stdout.endswith("\nEverything is in order.\n")
    told = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert "DJANGO_SECRET_KEY file (hidden)" in told
    assert "GUNICORN_THREADS file 4" in told
    assert "VCL_TIME_ZONE environment Europe/Berlin" in told
    assert "VCL_MAX_BLOCK_MACHINES default 70" in told
    assert f"DATABASE_URL environment {ready['DATABASE_URL']}" in told
    assert KEY not in done.stdout


def test_programs_are_told_the_same(ready: dict[str, str]) -> None:
    done = run("manage.py", "check_settings", "--json", **ready)
    answer: dict[str, Any] = json.loads(done.stdout)
    assert (done.returncode, answer["problems"], answer["file"]) == (0, [], {"path": None, "is_there": False})
    assert {"name": "WEB_CONCURRENCY", "source": "default", "value": "2"} in answer["settings"]
    assert {"name": "DJANGO_SECRET_KEY", "source": "default", "value": "(the demo site's)"} in answer["settings"]


def test_the_demo_site_says_that_it_is_one() -> None:
    told = run("manage.py", "check_settings", BLOCKALLOC_DEMO="1").stdout
    assert told.startswith("Demo site (BLOCKALLOC_DEMO): no settings file is read.\n")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (f"mysql://vcl:{SECRET}@127.0.0.1:1/vcl", "mysql://vcl:(hidden)@127.0.0.1:1/vcl"),
        ("mysql://vcl@127.0.0.1:1/vcl", "mysql://vcl@127.0.0.1:1/vcl"),
        (
            f"mysql://vcl:p%40{SECRET}@127.0.0.1:1/vcl?ssl_mode=DISABLED",
            "mysql://vcl:(hidden)@127.0.0.1:1/vcl?ssl_mode=…",
        ),
        (f"mysql://vcl:p/{SECRET}@127.0.0.1:1/vcl", "(hidden)"),
        (f"mysql://vcl:1/{SECRET}@127.0.0.1:1/vcl", "(hidden)"),
        (f"mysql://vcl:1#{SECRET}@127.0.0.1:1/vcl", "(hidden)"),
        (f"mysql://vcl:1?{SECRET}@127.0.0.1:1/vcl", "(hidden)"),
        (f"{SECRET}://127.0.0.1:1/vcl", "(hidden)"),
        (SECRET, "(hidden)"),
        ("", ""),
    ],
)
def test_the_password_of_the_database_is_hidden(url: str, shown: str) -> None:
    for options in ((), ("--json",)):
        done = run("manage.py", "check_settings", *options, DATABASE_URL=url, VCL_ALLOW_UNSAFE_SETTINGS="1")
        assert done.returncode == 2
        assert SECRET not in done.stdout + done.stderr
    settings = {each["name"]: each["value"] for each in json.loads(done.stdout)["settings"]}
    assert settings["DATABASE_URL"] == shown


def test_secrets_of_notifications_and_of_monitoring_are_hidden() -> None:
    variables = {
        "VCL_WEBHOOK_URL": f"https://example.edu:8443/{SECRET}?key={SECRET} slack+https://hooks.slack.com/{SECRET}",
        "VCL_WEBHOOK_SECRET": f"{SECRET} and enough more of it",
        "VCL_SMTP_URL": f"smtp+starttls://vcl:p%40{SECRET}@mail.example.edu:587",
        "VCL_METRICS_TOKEN": f"{SECRET}, a token of the site's own",
    }
    for options in ((), ("--json",)):
        done = run("manage.py", "check_settings", *options, BLOCKALLOC_DEMO="1", **variables)
        assert SECRET not in done.stdout + done.stderr
    settings = {each["name"]: each["value"] for each in json.loads(done.stdout)["settings"]}
    assert {name: settings[name] for name in variables} == {
        "VCL_WEBHOOK_URL": "https://example.edu:8443/(hidden) slack+https://hooks.slack.com/(hidden)",
        "VCL_WEBHOOK_SECRET": "(hidden)",
        "VCL_SMTP_URL": "smtp+starttls://vcl:(hidden)@mail.example.edu:587",
        "VCL_METRICS_TOKEN": "(hidden)",
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("VCL_WEBHOOK_URL", f"https://example.edu/ok {SECRET}"),
        ("VCL_WEBHOOK_URL", f"https://vcl:{SECRET}@example.edu/"),
        ("VCL_WEBHOOK_URL", f"https://[{SECRET}/"),
        ("VCL_SMTP_URL", f"smtp://vcl:p/{SECRET}@mail.example.edu"),
        ("VCL_SMTP_URL", f"smtp://vcl:p@mail.example.edu/{SECRET}"),
        ("VCL_SMTP_URL", SECRET),
    ],
)
def test_what_cannot_be_read_is_hidden_altogether(name: str, value: str) -> None:
    done = run("manage.py", "check_settings", "--json", BLOCKALLOC_DEMO="1", **{name: value})
    assert SECRET not in done.stdout + done.stderr
    answer = json.loads(done.stdout)
    assert {each["name"]: each["value"] for each in answer["settings"]}[name] == "(hidden)"
    assert name in [problem["name"] for problem in answer["problems"]]


# --- Errors -----------------------------------------------------------------------------------
def test_all_that_stops_the_start_is_told_at_once(file: Path) -> None:
    file.write_text(f"export VCL_WEBHOOK_SECRET={SECRET}\nVCL_LOCKOUT_SECONDS=x\nGUNICORN_THREADS=1\n")
    status, problems = check(BLOCKALLOC_ENV=str(file), VCL_TIME_ZONE="Mars/Olympus")
    assert status == 2
    errors = [problem for problem in problems if problem["severity"] == "error"]
    assert [problem["name"] for problem in errors] == ["", "VCL_TIME_ZONE", "VCL_LOCKOUT_SECONDS", "GUNICORN_THREADS"]
    assert errors[0]["text"].startswith(f"{file}:1: write NAME=value, without export. Name the database by a line")


def test_a_missing_database_is_told_and_none_is_made() -> None:
    status, problems = check()
    assert (status, briefly(problems)) == (2, [("error", "DATABASE_URL")])
    assert "no database is named" in problems[0]["text"]
    assert "BLOCKALLOC_DEMO=1" in problems[0]["text"]


def test_a_database_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    status, problems = check(DATABASE_URL=f"sqlite:///{tmp_path}/none.sqlite3")
    assert (status, briefly(problems)) == (2, [("error", "DATABASE_URL")])
    assert "manage.py migrate creates it" in problems[0]["text"]
    assert list(tmp_path.iterdir()) == []


def test_a_database_that_does_not_answer() -> None:
    status, problems = check(**SITE)
    assert (status, briefly(problems)) == (2, [NO_ANSWER[:2]])
    assert NO_ANSWER[2] in problems[0]["text"]


def test_a_real_site_without_a_time_zone() -> None:
    status, problems = check(**{name: value for name, value in SITE.items() if name != "VCL_TIME_ZONE"})
    assert (status, briefly(problems)) == (2, [("error", "VCL_TIME_ZONE"), NO_ANSWER[:2]])


def test_utc_that_is_set_is_a_time_zone() -> None:
    assert briefly(check(**SITE | {"VCL_TIME_ZONE": "UTC"})[1]) == [NO_ANSWER[:2]]


def test_the_demo_sites_key_on_a_real_site() -> None:
    _, problems = check(**{name: value for name, value in SITE.items() if name != "DJANGO_SECRET_KEY"})
    assert "DJANGO_SECRET_KEY: it is the demo site's" in problems[0]["text"]


@pytest.fixture
def vcl(mariadb_server: PrivateMariaDB) -> Iterator[str]:
    """The address of an empty database on a server."""
    mariadb_server.execute("CREATE DATABASE check_settings CHARACTER SET latin1")
    yield mariadb_server.url("check_settings")
    mariadb_server.execute("DROP DATABASE check_settings")


def test_migrations_that_are_not_applied(vcl: str) -> None:
    site = SITE | {"DATABASE_URL": vcl}
    status, problems = check(**site)
    too_many_rights = ("doubtful", "DATABASE_URL")  # of the server's administrator
    assert (status, briefly(problems)) == (2, [("error", ""), too_many_rights])
    assert "migrations are not applied" in problems[0]["text"]
    assert "manage.py migrate" in problems[0]["text"]
    assert run("manage.py", "migrate", **site).returncode == 0
    status, problems = check(**site)
    assert (status, briefly(problems)) == (1, [too_many_rights])
    assert "ALL PRIVILEGES" in problems[0]["text"]


# --- Doubts -----------------------------------------------------------------------------------
def test_names_that_are_no_settings(ready: dict[str, str], file: Path) -> None:
    status, problems = with_file(
        file,
        ready | {"VCL_TIMEZONE": SECRET, "DATABASE_ULR": SECRET, "QWXZ": SECRET},
        VCL_MAX_BLOCK_MACHINE=SECRET,
        BLOCKALLOC_ENVIRONMENT=SECRET,
        DJANGO_SUPERUSER_PASSWORD=SECRET,
        GUNICORN_CMD_ARGS="--threads 3",
        OTHER=SECRET,
    )
    assert status == 1
    assert [(problem["severity"], problem["text"]) for problem in problems] == [
        ("doubtful", f"VCL_TIMEZONE in {file} is not a setting: did you mean VCL_TIME_ZONE?"),
        ("doubtful", f"DATABASE_ULR in {file} is not a setting: did you mean DATABASE_URL?"),
        ("doubtful", f"QWXZ in {file} is not a setting: remove it (docs/settings.md lists them all)"),
        ("doubtful", "BLOCKALLOC_ENVIRONMENT in the environment is not a setting: did you mean BLOCKALLOC_ENV?"),
        ("doubtful", "VCL_MAX_BLOCK_MACHINE in the environment is not a setting: did you mean VCL_MAX_BLOCK_MACHINES?"),
    ]


def test_the_environment_hides_another_value_of_the_file(ready: dict[str, str], file: Path) -> None:
    values = ready | {"DJANGO_SECRET_KEY": KEY, "VCL_LOCKOUT_SECONDS": "7", "GUNICORN_THREADS": "4"}
    status, problems = with_file(file, values, DJANGO_SECRET_KEY=f"{KEY}2", VCL_LOCKOUT_SECONDS="7")
    assert (status, briefly(problems)) == (1, [("doubtful", "DJANGO_SECRET_KEY")])
    assert "that of the environment is in force" in problems[0]["text"]


@pytest.mark.parametrize(
    ("mode", "told"),
    [
        (0o640, []),
        (0o600, []),
        (0o644, ["can be read by everybody"]),
        (0o660, ["can be written by users other than its owner"]),
        (0o666, ["can be read by everybody", "can be written by users other than its owner"]),
    ],
)
def test_who_may_read_and_write_the_file(mode: int, told: list[str], ready: dict[str, str], file: Path) -> None:
    file.write_text(f"DATABASE_URL={ready['DATABASE_URL']}\n")
    file.chmod(mode)
    status, problems = check(BLOCKALLOC_ENV=str(file))
    assert stat.S_IMODE(file.stat().st_mode) == mode
    assert status == bool(told)
    assert len(problems) == len(told)
    for problem, words in zip(problems, told, strict=True):
        assert words in problem["text"]
        assert f"chmod 640 {file}" in problem["text"]


@pytest.mark.parametrize(
    ("policy", "spares", "is_doubtful"),
    [("ready", "auto", False), ("vcl", "off", False), ("vcl", "auto", True)],
)
def test_spares_without_the_policy_that_takes_them(
    policy: str, spares: str, is_doubtful: bool, ready: dict[str, str]
) -> None:
    status, problems = check(**ready, VCL_RELOAD_POLICY=policy, VCL_SPARES=spares)
    assert (status, briefly(problems)) == ((1, [("doubtful", "VCL_SPARES")]) if is_doubtful else (0, []))


@pytest.mark.parametrize(
    ("changes", "doubts"),
    [
        ({}, []),
        ({"VCL_TRUSTED_PROXIES": ""}, ["VCL_TRUSTED_PROXIES"]),
        ({"VCL_TRUSTED_PROXIES": "", "GUNICORN_BIND": "[::1]:80"}, ["VCL_TRUSTED_PROXIES"]),
        ({"VCL_TRUSTED_PROXIES": "", "GUNICORN_BIND": "10.0.0.1:80"}, []),
        ({"DJANGO_ALLOWED_HOSTS": "localhost,127.0.0.1"}, ["DJANGO_ALLOWED_HOSTS"]),
        ({"DJANGO_ALLOWED_HOSTS": "localhost,blocks.example.edu"}, []),
    ],
)
def test_what_a_real_site_is_asked(changes: dict[str, str], doubts: list[str]) -> None:
    status, problems = check(**SITE | changes)
    assert (status, briefly(problems)) == (2, [NO_ANSWER[:2], *(("doubtful", name) for name in doubts)])


def test_the_demo_site_is_not_asked_what_a_real_one_is(ready: dict[str, str]) -> None:
    assert check(**ready) == (0, [])
