"""The units in deploy/systemd/: what systemd itself says of them, and that they fit the rest."""

import re
import shlex
import shutil
import sys
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

from tests.support.servers import systemd_analyze
from tests.support.servers.own_process import ROOT
from vclsite import http_server, settings_file
from vclsite.monitoring import METRICS_DIR

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="sqlite")]

FOLDER = ROOT / "deploy" / "systemd"
UNITS = sorted(path.name for path in FOLDER.iterdir())
SERVICES = [name for name in UNITS if name.endswith(".service")]
LOOPS = ["blockalloc-keep-ready.service", "blockalloc-notify.service", "blockalloc-forecast.service"]
LONG_RUNNING = ["blockalloc.service", *LOOPS]
TEXTS = {name: (FOLDER / name).read_text() for name in UNITS}
PYTHON = "/opt/blockalloc/current/.venv/bin/python"
MOST_EXPOSED = 2.0
METRICS = "blockalloc-metrics.service"


def options(unit: str) -> dict[str, list[str]]:
    """Option -> its values, of all sections."""
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r"^(\w+)=(.*)$", (FOLDER / unit).read_text(), re.MULTILINE):
        found.setdefault(name, []).append(value)
    return found


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The units as they are installed, but for the Python that they run: that one has to be there."""
    folder = tmp_path_factory.mktemp("units")
    for name in UNITS:
        (folder / name).write_text((FOLDER / name).read_text().replace(PYTHON, sys.executable))
    return sorted(folder.iterdir())


def test_systemd_has_no_objections(installed: list[Path]) -> None:
    assert systemd_analyze.verify(installed) == ""


def test_systemd_would_object(installed: list[Path], tmp_path: Path) -> None:
    """Else the test above would say nothing."""
    for unit in installed:
        shutil.copy(unit, tmp_path)
    wrong = tmp_path / "blockalloc.service"
    wrong.write_text(wrong.read_text().replace("RestartSec=3", "RestartSecs=3"))
    assert "RestartSecs" in systemd_analyze.verify([wrong])


@pytest.mark.parametrize("unit", SERVICES)
def test_services_are_hardened(unit: str, installed: list[Path]) -> None:
    (file,) = [each for each in installed if each.name == unit]
    assert systemd_analyze.exposure(file) <= MOST_EXPOSED


def test_a_service_that_is_not_hardened_is_exposed(tmp_path: Path) -> None:
    plain = tmp_path / "plain.service"
    plain.write_text("[Service]\nExecStart=/bin/true\n")
    assert systemd_analyze.exposure(plain) > MOST_EXPOSED


@pytest.mark.parametrize("unit", SERVICES)
def test_all_services_have_one_sandbox_and_one_place(unit: str) -> None:
    sandbox = [name for name in options("blockalloc.service") if re.match("Protect|Private|Restrict[A-Z]|System", name)]
    assert len(sandbox) > 15
    of_web, of_unit = options("blockalloc.service"), options(unit)
    for name in ["User", "Group", "WorkingDirectory", "UMask", *sandbox]:
        assert of_unit[name] == of_web[name], name
    assert of_unit["WorkingDirectory"] == ["/opt/blockalloc/current"]
    assert of_unit["User"] == ["blockalloc"]


@pytest.mark.parametrize("unit", SERVICES)
def test_commands_are_those_that_there_are(unit: str) -> None:
    for line in options(unit)["ExecStart"] + options(unit).get("ExecReload", []):
        program, *arguments = shlex.split(line)
        if program == "/bin/true":  # the unit only has a directory
            continue
        if program == "/bin/sh":  # in the release to which the link leads at the start
            command = arguments[1].replace("$$(pwd -P)", "/opt/blockalloc/current")
            exec_, program, *arguments = shlex.split(command)
            assert exec_ == "exec"
        assert program == PYTHON
        if arguments[0] == "manage.py":
            name = arguments[1]
            parser = load_command_class(get_commands()[name], name).create_parser("manage.py", name)
            parser.parse_args(arguments[2:])  # ends the test when they are others
        elif arguments[1] == "gunicorn":
            file = Path(arguments[3]).relative_to("/opt/blockalloc/current")
            assert (ROOT / file).is_file()
        else:
            assert arguments == ["-m", "vclsite.handover"]


@pytest.mark.parametrize("unit", [name for name in SERVICES if name != METRICS])
def test_a_database_on_the_same_machine_is_stopped_last(unit: str) -> None:
    """At a shutdown systemd stops in the reverse order, else everything at once."""
    assert "mariadb.service" in " ".join(options(unit)["After"]).split()


@pytest.mark.parametrize("unit", [name for name in SERVICES if "-m gunicorn" in TEXTS[name] or "--loop" in TEXTS[name]])
def test_what_runs_for_years_counts_in_one_directory(unit: str) -> None:
    """It is made before, stays when one of them ends, and may be missing."""
    of_directory, of_unit = options(METRICS), options(unit)
    assert [f"/run/{name}" for name in of_directory["RuntimeDirectory"]] == [METRICS_DIR]
    assert of_directory["RemainAfterExit"] == ["yes"]
    assert of_unit["ReadWritePaths"] == [f"-{METRICS_DIR}"]
    for name in ("Wants", "After"):
        assert METRICS in " ".join(of_unit[name]).split()
    assert METRICS not in " ".join(of_unit.get("Requires", []))


def test_every_timer_has_its_service() -> None:
    timers = [name for name in UNITS if name.endswith(".timer")]
    assert {name.replace(".timer", ".service") for name in timers} <= set(SERVICES)
    assert len(timers) == 2


def test_the_address_is_that_of_the_proxy_and_of_gunicorn() -> None:
    (address,) = options("blockalloc.socket")["ListenStream"]
    assert f"server {address};" in (ROOT / "deploy" / "nginx.conf").read_text()
    assert http_server.BIND in (address, "127.0.0.1:8000")


def test_settings_come_from_the_file_alone() -> None:
    """What systemd had read at the start would win over what the file says at a reload."""
    for unit in SERVICES:
        assert not options(unit).keys() & {"EnvironmentFile", "Environment"}
    assert settings_file.STANDARD in (FOLDER / "blockalloc.service").read_text()


@pytest.mark.parametrize("unit", LONG_RUNNING)
def test_what_runs_for_years_loads_no_part_of_another_release(unit: str) -> None:
    assert "/opt/blockalloc/current" not in options(unit)["ExecStart"][0]


def test_nothing_else_runs_for_years() -> None:
    started = [unit for unit in SERVICES if "[Install]" in (FOLDER / unit).read_text()]
    assert sorted(started) == sorted(LONG_RUNNING)


@pytest.mark.parametrize("unit", LONG_RUNNING)
def test_what_runs_for_years_is_started_for_ever(unit: str) -> None:
    assert options(unit)["StartLimitIntervalSec"] == ["0"]
    assert options(unit)["Restart"] == ["always"]
    assert "RestartPreventExitStatus" not in options(unit)
