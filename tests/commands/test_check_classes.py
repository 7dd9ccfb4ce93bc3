"""`manage.py check_classes` as a monitoring system runs it."""

import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from blockalloc.management.plugin import Figure, Status, answer, read_range, status_of
from tests.support.servers.forked_commands import ForkedCommands
from tests.support.servers.own_process import ROOT, inherited, run

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="sqlite")]

CS101, DESIGN = 101, 105  # block times of the demo site: without computers; with twelve, asked for already
DESIGNERS = "SolidWorks 2023"
_FIGURE = re.compile(r"(\w+)=(-?[\d.]+)(%|\w*)((?:;[\d.:~@-]*)*)")


class Site:
    """The demo site on SQLite, on which no class takes place but those that a test asks for."""

    def __init__(self, file: Path, commands: ForkedCommands) -> None:
        self.file = file
        self._commands = commands

    def sql(self, statement: str, *values: object) -> None:
        """Change its rows."""
        with closing(sqlite3.connect(self.file)) as connection, connection:
            connection.execute(statement, values)

    def put(self, block_time: int, begins_in: timedelta, **more: object) -> None:
        """Let a block time take place at that time from now, for two hours."""
        start = datetime.now(UTC) + begins_in
        values = {"start": _local(start), "end": _local(start + timedelta(hours=2)), "skip": 0, "processed": 1, **more}
        columns = ", ".join(f'"{name}" = ?' for name in values)
        self.sql(f"UPDATE blockTimes SET {columns} WHERE id = ?", *values.values(), block_time)  # noqa: S608

    def looked(self, ago: int = 0, doubt: str = "") -> None:
        """keep_ready has looked so many seconds ago."""
        at = (datetime.now(UTC) - timedelta(seconds=ago)).replace(tzinfo=None).isoformat(" ")
        self.sql("DELETE FROM blockalloc_heartbeat")
        self.sql(
            "INSERT INTO blockalloc_heartbeat (id, at, host, milliseconds, block_times, doubt, zone, newest) "
            "VALUES (1, ?, 'blocks1', 90, 0, ?, 'UTC', '')",
            at, doubt,
        )  # fmt: skip

    def check(self, *options: str) -> tuple[Status, str, dict[str, str], list[str]]:
        """Status, text, figures with their thresholds, and the further lines."""
        done = self._commands.run(*options)
        assert done.stderr == ""
        first, *more = done.stdout.splitlines()
        text, _, figures = first.partition(" | ")
        word = Status(done.returncode).name
        assert text.startswith(f"CLASSES {word} - ")
        found = {match[1]: match[2] + match[3] + match[4] for match in _FIGURE.finditer(figures)}
        assert len(found) == len(figures.split())
        return Status(done.returncode), text.removeprefix(f"CLASSES {word} - "), found, more


def _demo(file: Path) -> dict[str, str]:
    return {"BLOCKALLOC_DEMO": "1", "BLOCKALLOC_DEMO_DATABASE_URL": f"sqlite:///{file}"}


def _local(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S")


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("site") / "demo.sqlite3"
    for command in (["migrate", "--verbosity", "0"], ["load_demo_site"]):
        done = run("manage.py", *command, **_demo(file))
        assert done.returncode == 0, done.stderr
    return file


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the database of the test is."""
    return tmp_path_factory.mktemp("site") / "demo.sqlite3"


@pytest.fixture(scope="module")
def commands(place: Path, loaded: Path) -> Iterator[ForkedCommands]:
    with ForkedCommands("check_classes", **_demo(place)) as commands:
        yield commands


@pytest.fixture
def site(loaded: Path, place: Path, commands: ForkedCommands) -> Site:
    for left in place.parent.iterdir():
        left.unlink()
    made = Site(Path(shutil.copy(loaded, place)), commands)
    made.sql("UPDATE blockTimes SET skip = 1")
    for table in ("blockalloc_forecast", "blockalloc_forecast_run"):
        made.sql(f"DELETE FROM {table}")  # noqa: S608
    made.looked()
    return made


# --- The classes --------------------------------------------------------------------------------
def test_no_class(site: Site) -> None:
    status, text, figures, more = site.check()
    assert (status, text) == (Status.OK, "no class is on or begins within 6 h")
    assert figures["at_risk"] == "0;0;0;0;0"
    assert re.fullmatch(r"keep_ready looked (\d s ago|just now)", more[-1])


def test_a_class_without_its_machines(site: Site) -> None:
    site.put(CS101, timedelta(hours=1, minutes=30))
    status, text, figures, more = site.check()
    assert status is Status.CRITICAL
    assert re.fullmatch(r"1 of 1 class at risk: CS101 programming lab, \w{3} \d\d:\d\d: no computers, begins .*", text)
    assert (figures["at_risk"], figures["classes"], figures["watch"]) == ("1;0;0;0;1", "1;;;0", "0;;;0;1")
    assert (figures["wanted"], figures["allocated"], figures["ready"]) == ("20;;;0", "0;;;0;20", "0;;;0;20")
    assert re.match(
        r"at risk: CS101 programming lab \(Ubuntu 22.04, CS101@Local\), \w{3} \d\d:\d\d to \d\d:\d\d, "
        r"0 of 20 machines, 0 ready: no computers, begins in 1 h",
        more[0],
    )


@pytest.mark.parametrize(
    ("options", "status"),
    [
        (["--critical", "1"], Status.WARNING),
        (["-w", "1", "-c", "1"], Status.OK),
        (["--warning", "1", "--critical", "0"], Status.CRITICAL),
        (["--warning", "@1:2", "--critical", "5"], Status.WARNING),
    ],
)
def test_thresholds(options: list[str], status: Status, site: Site) -> None:
    site.put(CS101, timedelta(hours=2))
    assert site.check(*options)[0] is status


def test_only_classes_of_the_next_hours(site: Site) -> None:
    site.put(CS101, timedelta(hours=4))
    assert site.check("--hours", "3")[0] is Status.OK
    assert site.check("--hours", "5")[0] is Status.CRITICAL
    site.put(CS101, timedelta(hours=-1))
    assert site.check("--hours", "3")[0] is Status.CRITICAL
    site.put(CS101, timedelta(hours=-3))
    assert site.check("--hours", "3")[1] == "no class is on or begins within 3 h"


def test_only_classes_of_an_image_or_a_group(site: Site) -> None:
    site.put(CS101, timedelta(hours=2))
    site.put(DESIGN, timedelta(hours=3))
    assert site.check()[2]["classes"] == "2;;;0"
    for option in (["--image", DESIGNERS], ["--group", "ENG240"], ["--group", "ENG240@Local", "--image", DESIGNERS]):
        _, _, figures, more = site.check(*option)
        assert figures["classes"] == "1;;;0"
        assert "CS101" not in "".join(more)
    assert site.check("--image", "Ubuntu 22.04", "--group", "ENG240")[2]["classes"] == "0;;;0"


def test_how_sure_the_least_sure_class_is(site: Site) -> None:
    asked_for = "SELECT block_time_id FROM blockalloc_decision"  # which classes: that depends on the weekday of today
    site.sql(f"UPDATE blockTimes SET skip = 0 WHERE id IN ({asked_for})")  # noqa: S608
    figure = site.check("--hours", "168")[2]["least_sure"]
    sure = float(figure.partition("%")[0])
    assert 0 < sure < 100
    above, below = f"{sure + 1:.0f}:", f"{sure - 1:.0f}:"
    status, text, figures, _ = site.check("--hours", "168", "--ready-warning", above, "--ready-critical", below)
    assert status is Status.WARNING
    assert f"the least sure class is ready in time with a probability of {sure:.0f} %" in text
    assert figures["least_sure"] == f"{sure:.1f}%;{above};{below};0;100".replace(".0%", "%")
    assert site.check("--hours", "168", "--ready-critical", above)[0] is Status.CRITICAL
    assert site.check("--hours", "168", "--ready-critical", below)[0] is Status.OK


def test_what_people_have_written_is_one_line(site: Site) -> None:
    site.put(CS101, timedelta(hours=2))
    site.sql("UPDATE blockRequest SET name = ?", "CS101|x=9\n\x1b[31mlab\u2028two")
    status, text, figures, more = site.check()
    assert status is Status.CRITICAL
    assert "CS101/x=9 [31mlab two, " in text
    assert "x" not in figures
    assert len(more) == 2


def test_many_classes_at_risk_are_told_shortly(site: Site) -> None:
    site.sql("UPDATE blockTimes SET skip = 0, processed = 1")
    start = datetime.now(UTC) + timedelta(hours=1)
    site.sql("UPDATE blockTimes SET start = ?, end = ?", _local(start), _local(start + timedelta(hours=1)))
    site.sql("DELETE FROM blockComputers")
    _, text, _, more = site.check()
    assert re.search(r"; and \d\d more$", text)
    assert len(more) == 14
    assert re.fullmatch(r"and \d\d more", more[12])
    assert len(text) + sum(map(len, more)) < 5000


# --- keep_ready ---------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("ago", "doubt", "said"),
    [
        (170, "", ""),
        (190, "", "; keep_ready has not looked for 3 min"),
        (10, "the zone is wrong", "and changes nothing: the zone is wrong"),
    ],
)
def test_a_keep_ready_that_does_nothing(ago: int, doubt: str, said: str, site: Site) -> None:
    site.looked(ago, doubt)
    status, text, figures, _ = site.check()
    assert status is (Status.WARNING if said else Status.OK)
    assert text.endswith(said)
    assert ago <= int(figures["keep_ready"].partition("s;180;;0")[0]) < ago + 10


def test_a_keep_ready_that_never_ran(site: Site) -> None:
    site.sql("DELETE FROM blockalloc_heartbeat")
    status, text, figures, _ = site.check()
    assert (status, text.rpartition("; ")[2]) == (Status.WARNING, "keep_ready has never run")
    assert "keep_ready" not in figures


def test_a_class_at_risk_is_worse_than_that(site: Site) -> None:
    site.sql("DELETE FROM blockalloc_heartbeat")
    site.put(CS101, timedelta(hours=2))
    assert site.check()[0] is Status.CRITICAL


# --- The forecast -------------------------------------------------------------------------------
def forecast(site: Site, checked: int = 0, problem: str = "", **machines: int) -> None:
    """The forecast was checked so many seconds ago; of each class (`c101`) it sees so many machines."""
    at, start = (_local(datetime.now(UTC) + timedelta(seconds=each)) for each in (-checked, 3 * 86400))
    site.sql("DELETE FROM blockalloc_forecast_run")
    site.sql(
        "INSERT INTO blockalloc_forecast_run (id, made, until, checked, facts, classes, short, milliseconds, host, "
        "problem) VALUES (1, ?, ?, ?, '', 2, 1, 80, 'blocks1', ?)",
        at, start, at, problem,
    )  # fmt: skip
    for name, number in machines.items():
        site.sql("UPDATE blockTimes SET skip = 0, start = ?, end = ? WHERE id = ?", start, start, int(name[1:]))
        site.sql(
            "INSERT INTO blockalloc_forecast (block_time_id, block_request_id, start, end, wanted, machines, fit, "
            "is_late, rule, why, in_the_way, lost, requested) VALUES (?, 1, ?, ?, 20, ?, 20, 0, '', ?, '[]', '{}', 20)",
            int(name[1:]), start, start, number, "CS420 has 49 of the computers",
        )  # fmt: skip


def test_classes_that_the_forecast_sees_short(site: Site) -> None:
    forecast(site, c101=18, c105=20)
    assert site.check()[0] is Status.OK  # who does not ask is not told
    status, text, figures, more = site.check("--forecast", "7")
    assert status is Status.WARNING
    assert re.fullmatch(
        r"no class is on or begins within 6 h; 1 class of 7 days will lack machines: "
        r"CS101 programming lab, \w{3} [-\d]{10} \d\d:\d\d: 18 of 20 machines",
        text,
    )
    assert (figures["foreseen"], figures["foreseen_missing"]) == ("1;0;;0", "2;;;0")
    assert more[0].startswith("forecast: CS101 programming lab, ")
    assert more[0].endswith(": 18 of 20 machines: CS420 has 49 of the computers")


def test_the_forecast_within_days_and_of_a_group(site: Site) -> None:
    forecast(site, c101=18)
    for options in (["--forecast", "2"], ["--forecast", "7", "--group", "ENG240"]):
        status, text, figures, _ = site.check(*options)
        assert (status, figures["foreseen"]) == (Status.OK, "0;0;;0")
        assert "; no classes of " in text
    assert site.check("--forecast", "7", "--group", "CS101")[0] is Status.WARNING


@pytest.mark.parametrize(
    ("checked", "problem", "said"),
    [
        (1000, "", "; not checked: the forecast was checked 16 min ago"),
        (0, "a fault", "; no newer forecast can be made"),
    ],
)
def test_a_forecast_that_does_not_count(checked: int, problem: str, said: str, site: Site) -> None:
    forecast(site, checked, problem, c101=18)
    status, text, figures, _ = site.check("--forecast", "7")
    assert status is Status.WARNING
    assert said in text
    assert "foreseen" not in figures


def test_no_forecast_has_been_made(site: Site) -> None:
    status, text, _, _ = site.check("--forecast", "7")
    assert (status, text.partition("; ")[2]) == (Status.WARNING, "no forecast has been made yet")


# --- Unknown ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--hours", "0"], "argument --hours: '0': give a whole number from 1 to 168"),
        (["--warning", "x"], "argument -w/--warning: 'x' is not a range: "),
        (["--critical", "9:5"], "argument -c/--critical: '9:5' is not a range: it begins above its end"),
        (["--forecast", "401"], "argument --forecast: '401': give a whole number from 1 to 400"),
        (["--wrong"], "unrecognized arguments: --wrong"),
        (["--image", "Ubunta 22.04"], "there is no image 'Ubunta 22.04'; did you mean "),
        (["--group", "no such"], "there is no user group 'no such'"),
    ],
)
def test_wrong_options(options: list[str], said: str, site: Site) -> None:
    status, text, _, _ = site.check(*options)
    assert status is Status.UNKNOWN
    assert text.startswith(said)


def test_help_is_no_failure(site: Site) -> None:
    done = run("manage.py", "check_classes", "--help", **_demo(site.file))
    assert (done.returncode, done.stdout[:6]) == (0, "usage:")


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({}, "no database is named"),
        ({"BLOCKALLOC_DEMO": "1", "VCL_KEEP_READY_HOURS": "99"}, "VCL_KEEP_READY_HOURS='99': use a whole number"),
        (
            {"BLOCKALLOC_DEMO": "1", "BLOCKALLOC_DEMO_DATABASE_URL": "sqlite:////nowhere/demo.sqlite3"},
            "the database does not answer: unable to open database file",
        ),
        (
            {"DATABASE_URL": "mysql://vcl:x@127.0.0.1:1/vcl", "VCL_ALLOW_UNSAFE_SETTINGS": "1"},
            "the database does not answer: ",
        ),
        ({"DATABASE_URL": "sqlite://:memory:"}, "the database lacks a table: "),
    ],
)
def test_a_service_that_cannot_say(variables: dict[str, str], said: str) -> None:
    done = run("manage.py", "check_classes", **variables)
    assert (done.returncode, done.stdout.count("\n")) == (Status.UNKNOWN, 1)
    assert done.stdout.startswith(f"CLASSES UNKNOWN - {said}")


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a database server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_a_database_that_hangs(silent: int) -> None:
    begun = time.monotonic()
    url = f"mysql://vcl:x@127.0.0.1:{silent}/vcl"
    done = run("manage.py", "check_classes", "-t", "1", DATABASE_URL=url, VCL_ALLOW_UNSAFE_SETTINGS="1")
    assert (done.returncode, done.stdout) == (3, "CLASSES UNKNOWN - no answer within 1 seconds\n")
    assert time.monotonic() - begun < 8


# --- The guidelines for plugins -----------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "well", "alert"),
    [
        ("10", [0, 10], [-1, 10.5]),
        ("10:", [10, 1e9], [9.9]),
        ("~:10", [-1e9, 10], [11]),
        ("10:20", [10, 20], [9, 21]),
        ("@10:20", [9, 21], [10, 20]),
        ("0.5:0.9", [0.7], [0.4, 1]),
        ("-5:-1", [-3], [0]),
        ("0", [0], [1]),
    ],
)
def test_ranges(text: str, well: list[float], alert: list[float]) -> None:
    read = read_range(text)
    assert not any(read.alerts(value) for value in well)
    assert all(read.alerts(value) for value in alert)


@pytest.mark.parametrize("text", ["", ":", "@", "a", "1:2:3", "5:1", "1e3", "~", "٣", "10 "])
def test_what_is_no_range(text: str) -> None:
    with pytest.raises(ValueError, match="is not a range"):
        read_range(text)


def test_critical_is_worse_than_warning() -> None:
    one, two = read_range("1"), read_range("2")
    assert [status_of(value, one, two) for value in (1, 2, 3)] == [Status.OK, Status.WARNING, Status.CRITICAL]
    assert status_of(99, None, None) is Status.OK


def test_the_output() -> None:
    figures = [Figure("at_risk", 1, "", "0", "2", 5), Figure("sure", 97.25, "%", most=100), Figure("age", 3, "s")]
    text = answer("CLASSES", Status.WARNING, "one|of five", figures, ["a\tb"])
    assert text == "CLASSES WARNING - one/of five | at_risk=1;0;2;0;5 sure=97.2%;;;0;100 age=3s;;;0\na b"


def test_it_runs_from_any_folder(site: Site, tmp_path: Path) -> None:
    """As NRPE starts it."""
    command = [sys.executable, str(ROOT / "manage.py"), "check_classes"]
    environment = {**inherited(), **_demo(site.file), "PATH": os.environ["PATH"]}
    done = subprocess.run(command, cwd="/", env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.startswith("CLASSES OK - ")
