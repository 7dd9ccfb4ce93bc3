"""Settings from the environment: what is right is read, what is wrong stops the start-up with a clear message."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from vclsite import environment
from vclsite.database import database

ROOT = Path(__file__).parent.parent


def _start(**variables: str) -> subprocess.CompletedProcess[str]:
    """Start Django with these variables, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", "import vclsite.settings"],
        cwd=ROOT,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )


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
        ("DATABASE_URL", "nonsense", "DATABASE_URL"),
    ],
)
def test_a_value_that_cannot_be_used_stops_the_start(name: str, value: str, told: str) -> None:
    result = _start(**{name: value})
    assert result.returncode != 0
    last = result.stderr.strip().splitlines()[-1]
    assert name in last
    assert told in last


def test_values_that_can_be_used_do_not() -> None:
    result = _start(VCL_MAX_BLOCK_MACHINES="255", VCL_TIME_ZONE="Europe/Berlin", VCL_TRUSTED_PROXIES="10.0.0.1, ::1")
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


def test_an_unknown_engine_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match="sqlite"):
        database("postgres://localhost/vcl")
