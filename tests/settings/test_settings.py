"""Settings from the environment: what is right is read, what is wrong stops the start-up with a clear message."""

import json
import string
import subprocess

import pytest
from django.core.exceptions import ImproperlyConfigured

from tests.support.servers.own_process import run_on_sqlite, start
from vclsite import environment, production
from vclsite.database import database

pytestmark = pytest.mark.once(on="mariadb")

GOOD_KEY = string.ascii_letters + string.digits
MARIADB = "mysql://vcl:pw@db.example.edu/vcl"


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("VCL_MAX_BLOCK_MACHINES", "256", "from 1 to 255"),
        ("VCL_MAX_BLOCK_MACHINES", "many", "whole number"),
        ("VCL_MIN_BLOCK_MACHINES", "71", "from 1 to 70"),
        ("VCL_TIME_ZONE", "Mars/Olympus", "America/New_York"),
        ("VCL_ALLOW_PLAIN_HTTP", "perhaps", "use 1 or 0"),
        ("VCL_TRUSTED_PROXIES", "10.0.0.300", "10.1.2.0/24"),
        ("DATABASE_URL", "postgres://localhost/vcl", "mysql://"),
        ("DATABASE_URL", "nonsense", "mysql://"),
        ("DATABASE_URL", "mysql://vcl:hun/ter2@db.example.edu/vcl", "write @ as %40, / as %2F"),
        ("DATABASE_URL", "mysql://vcl:12/ter2@db.example.edu/vcl", "a character of the password"),
        ("DATABASE_URL", "mysql://vcl:hun#ter2@db.example.edu/vcl", "write @ as %40"),
        ("DATABASE_URL", "mysql://vcl:12#ter2@db.example.edu/vcl", "a character of the password"),
        ("DATABASE_URL", "mysql://vcl:12?ter2@db.example.edu/vcl", "a character of the password"),
        ("DATABASE_URL", "mysql://vcl:ter2@db.example.edu", "names no database on its server"),
        ("DATABASE_URL", "hunter2://db.example.edu/vcl", "mysql://"),
        ("GUNICORN_THREADS", "1", "from 2 to 64"),
        ("GUNICORN_BIND", "unix:/run/socket", "use an address and a port, such as 127.0.0.1:8000"),
        ("GUNICORN_BIND", "127.0.0.1:80000", "use an address and a port"),
        ("VCL_LOCKOUT_FAILURES", "0", "from 1 to 1000"),
        ("VCL_LOCKOUT_SECONDS", "never", "from 1 to 86400"),
        ("VCL_ALLOW_UNSAFE_SETTINGS", "perhaps", "use 1 or 0"),
        ("VCL_RELOAD_POLICY", "readyy", "use ready or vcl"),
        ("VCL_RELOAD_POLICY", "", "use ready or vcl"),
        ("VCL_SPARES", "2", "use off or auto"),
        ("VCL_SPARES", "on", "use off or auto"),
        ("VCL_READY_TARGET", "95", "use a share from 0.5 to 0.999, such as 0.95 for 95%"),
        ("VCL_READY_TARGET", "95%", "use a share"),
        ("VCL_READY_TARGET", "0,95", "use a share"),
        ("VCL_READY_TARGET", "1", "use a share"),
        ("VCL_READY_TARGET", "nan", "use a share"),
        ("VCL_LOADS_PER_NODE", "-1", "from 0 to 1000"),
        ("VCL_LOADS_PER_HOST", "four", "from 0 to 1000"),
    ],
)
def test_a_value_that_cannot_be_used_stops_the_start(name: str, value: str, told: str) -> None:
    result = start(**{name: value})
    assert result.returncode != 0
    last = result.stderr.strip().splitlines()[-1]
    assert name in last
    assert told in last
    assert "ter2" not in result.stderr  # which is of a password


# --- A real site ----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("variables", "demo"),
    [
        ({}, True),
        ({"DJANGO_ALLOWED_HOSTS": "LOCALHOST, 127.0.0.5"}, True),
        ({"DJANGO_ALLOWED_HOSTS": "[::1]"}, True),
        ({"DJANGO_ALLOWED_HOSTS": "localhost,blocks.example.edu"}, False),
        ({"DJANGO_ALLOWED_HOSTS": "*"}, False),
        ({"DJANGO_ALLOWED_HOSTS": ".localhost"}, False),
        ({"DJANGO_ALLOWED_HOSTS": "192.168.1.1"}, False),
        ({"DATABASE_URL": MARIADB}, False),
    ],
)
def test_the_demo_site_is_a_file_and_this_machine(variables: dict[str, str], demo: bool) -> None:
    assert (start(**variables).returncode == 0) is demo


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({}, "DJANGO_SECRET_KEY: it is the demo site's"),
        ({"DJANGO_SECRET_KEY": ""}, "DJANGO_SECRET_KEY: it is too short or too simple"),
        ({"DJANGO_SECRET_KEY": "short"}, "DJANGO_SECRET_KEY: it is too short or too simple"),
        ({"DJANGO_SECRET_KEY": "ab" * 50}, "DJANGO_SECRET_KEY: it is too short or too simple"),
        ({"DJANGO_SECRET_KEY": f"django-insecure-{GOOD_KEY}"}, "DJANGO_SECRET_KEY: it is too short or too simple"),
        ({"DJANGO_SECRET_KEY": GOOD_KEY, "DJANGO_DEBUG": "1"}, "DJANGO_DEBUG=1: "),
        ({"DJANGO_SECRET_KEY": GOOD_KEY, "VCL_ALLOW_PLAIN_HTTP": "1"}, "VCL_ALLOW_PLAIN_HTTP=1: "),
    ],
)
@pytest.mark.parametrize("site", [{"DATABASE_URL": MARIADB}, {"DJANGO_ALLOWED_HOSTS": "blocks.example.edu"}])
def test_a_real_site_does_not_start_unsafe_unless_told_so(
    site: dict[str, str], variables: dict[str, str], told: str
) -> None:
    refused = start(**site, **variables)
    assert refused.returncode != 0
    last = refused.stderr.strip().splitlines()[-1]
    assert "ImproperlyConfigured" in last
    assert told in last
    assert start(**site, **variables, VCL_ALLOW_UNSAFE_SETTINGS="1").returncode == 0


def test_problems_of_several_settings_are_told_at_once() -> None:
    refused = start(VCL_LOCKOUT_SECONDS="x", VCL_TIME_ZONE="x", VCL_TRUSTED_PROXIES="x", VCL_DECISION_DAYS="0")
    for name in ("VCL_LOCKOUT_SECONDS", "VCL_TIME_ZONE", "VCL_TRUSTED_PROXIES", "VCL_DECISION_DAYS"):
        assert name in refused.stderr


def test_all_problems_of_a_real_site_are_told_at_once() -> None:
    refused = start(DATABASE_URL=MARIADB, DJANGO_DEBUG="1", VCL_ALLOW_PLAIN_HTTP="1")
    last = refused.stderr.strip().splitlines()[-1]
    for name in ("DJANGO_SECRET_KEY", "DJANGO_DEBUG", "VCL_ALLOW_PLAIN_HTTP", "VCL_ALLOW_UNSAFE_SETTINGS"):
        assert name in last


def test_the_key_that_the_message_tells_how_to_make_is_taken() -> None:
    made = subprocess.run(production.NEW_SECRET_KEY, shell=True, capture_output=True, text=True, check=True)  # noqa: S602
    started = start(DATABASE_URL=MARIADB, DJANGO_SECRET_KEY=made.stdout.strip())
    assert started.returncode == 0, started.stderr


def test_a_real_site_passes_djangos_check_for_deployment() -> None:
    done = run_on_sqlite(
        *("manage.py", "check", "--deploy", "--fail-level", "INFO"),
        DJANGO_ALLOWED_HOSTS="blocks.example.edu",
        DJANGO_SECRET_KEY=GOOD_KEY,
    )
    assert done.returncode == 0, done.stderr
    assert "no issues (2 silenced)" in done.stdout
    assert done.stderr == ""


_COOKIES = """
import json, vclsite.settings as s
cookies = [s.SESSION_COOKIE_NAME, s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_NAME, s.CSRF_COOKIE_SECURE]
print(json.dumps([*cookies, s.SECURE_SSL_REDIRECT, s.SECURE_HSTS_SECONDS > 0]))
"""


@pytest.mark.parametrize(
    ("variables", "https"),
    [
        ({"DATABASE_URL": MARIADB, "DJANGO_SECRET_KEY": GOOD_KEY}, True),
        ({}, False),
        ({"DATABASE_URL": MARIADB, "VCL_ALLOW_PLAIN_HTTP": "1", "VCL_ALLOW_UNSAFE_SETTINGS": "1"}, False),
    ],
)
def test_pages_of_a_real_site_are_for_https_only(variables: dict[str, str], https: bool) -> None:
    prefix = "__Host-" if https else ""
    expected = [f"{prefix}sessionid", https, f"{prefix}csrftoken", https, https, https]
    assert json.loads(run_on_sqlite("-c", _COOKIES, **variables).stdout) == expected


# --- Values ---------------------------------------------------------------------------------------
def test_values_that_can_be_used_do_not() -> None:
    result = start(VCL_MAX_BLOCK_MACHINES="255", VCL_TIME_ZONE="Europe/Berlin", VCL_TRUSTED_PROXIES="10.0.0.1, ::1")
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(("value", "read"), [("1", True), ("Yes", True), ("off", False), ("", False)])
def test_flags(monkeypatch: pytest.MonkeyPatch, value: str, read: bool) -> None:
    monkeypatch.setenv("A_FLAG", value)
    assert environment.flag("A_FLAG", default=not read) is read


def test_an_unset_variable_takes_its_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UNSET", raising=False)
    assert environment.flag("UNSET", default=True) is True
    assert environment.whole_number("UNSET", 7, low=1, high=9) == 7
    assert environment.words("UNSET", "a, b,") == ["a", "b"]


def test_a_mysql_session_is_in_utc_and_read_committed() -> None:
    options = database("mysql://u:p@h/vcl")["OPTIONS"]
    assert "time_zone = '+00:00'" in options["init_command"]
    assert options["isolation_level"] == "read committed"


def test_a_session_is_not_begun_in_another_way() -> None:
    options = database("mysql://u:p@h/vcl?charset=utf8mb4&sql_mode=TRADITIONAL")["OPTIONS"]
    assert options["sql_mode"] == "TRADITIONAL"
    with pytest.raises(ImproperlyConfigured, match="sets init_command"):
        database("mysql://u:p@h/vcl?init_command=SET%20autocommit%3D1")


@pytest.mark.parametrize("url", ["sqlite:///vcl.sqlite3", "sqlite://", "sqlite:///", "sqlite:vcl", "sqlite:/tmp/a.db"])
def test_a_file_has_a_full_path(url: str) -> None:
    """Else it would be another one in each folder."""
    with pytest.raises(ImproperlyConfigured, match="by its full path"):
        database(url)


def test_an_unknown_engine_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match="sqlite"):
        database("postgres://localhost/vcl")


_POLICY = """
import json, vclsite.settings as s
print(json.dumps(
    [s.VCL_RELOAD_POLICY, s.VCL_READY_TARGET, s.VCL_SPARES, s.VCL_LOADS_PER_NODE, s.VCL_LOADS_PER_HOST]
))
"""


@pytest.mark.parametrize(
    ("variables", "settings"),
    [
        ({}, ["ready", 0.95, "off", 0, 4]),
        (
            {
                "VCL_RELOAD_POLICY": " VCL ",
                "VCL_READY_TARGET": "0.999",
                "VCL_SPARES": "Auto",
                "VCL_LOADS_PER_NODE": "12",
                "VCL_LOADS_PER_HOST": "0",
            },
            ["vcl", 0.999, "auto", 12, 0],
        ),
    ],
)
def test_the_policy_of_reloads_is_read(variables: dict[str, str], settings: list[object]) -> None:
    assert json.loads(run_on_sqlite("-c", _POLICY, **variables).stdout) == settings
