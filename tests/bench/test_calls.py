"""The benchmark of calls, on tiny sites: it measures what it says, and service and yardstick agree. No times."""

import dataclasses
import json
from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from bench.calls import __main__ as command
from bench.calls import measure, report, rows, runner
from bench.calls.counters import Work
from bench.calls.database import MARIADB, SQLITE, Database, private_databases
from bench.calls.raw_sql import RawSQL, Task
from bench.calls.scenarios import Scenario, full
from bench.calls.site import Sizes, Wanted
from tests.support.servers.live_server import LiveServer

pytestmark = pytest.mark.once(on="mariadb")

_TINY = Sizes(
    (Wanted(30, True, days=6), Wanted(20, False, days=6)),
    computers=400, log=500, reservations=200, past_times=20, decisions=5, users=100, groups=10,
)  # fmt: skip


@pytest.mark.parametrize("kind", [SQLITE, MARIADB])
@pytest.mark.parametrize("wanted", _TINY.wanted, ids=["ignored", "count"])
def test_a_scenario(kind: str, wanted: Wanted, tmp_path: Path) -> None:
    scenario = Scenario("tiny", _TINY, wanted.machines, wanted.ignore, database=kind)
    with private_databases() as databases:
        (result,) = runner.run([scenario], databases, tmp_path, timed=1)
    assert result.answers == [wanted.machines]
    assert result.differ == [0] * 6
    assert len(result.raw) == 1
    assert (result.work is not None) == (kind == MARIADB)


@pytest.fixture(params=[SQLITE, MARIADB])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[measure.Place]:
    """The tiny site, loaded; its management nodes are alive."""
    with private_databases() as databases:
        database = databases.new(request.param)
        LiveServer(tmp_path, database.url).migrate()
        site = rows.load(_TINY, database)
        rows.check_in(database)
        yield measure.Place(database, site, dict(site.times))


def test_the_yardstick_leaves_nothing_behind(place: measure.Place) -> None:
    tables = ("request", "reservation", "blockComputers", "semaphore")
    before = [_rows(place.database, f"SELECT COUNT(*) FROM `{table}`") for table in tables]  # noqa: S608 - our own names
    raw = RawSQL(place.database)
    _, picked = raw.allocate(_task(place))
    raw.close()
    assert len(picked) == 30
    assert [_rows(place.database, f"SELECT COUNT(*) FROM `{table}`") for table in tables] == before  # noqa: S608


def test_silent_nodes_leave_nothing_to_choose(place: measure.Place) -> None:
    rows.fall_silent(place.database)
    raw = RawSQL(place.database)
    assert raw.allocate(_task(place))[1] == set()
    raw.close()


def _task(place: measure.Place) -> Task:
    id_ = place.site.times["30/1"][0]
    ((start, end),) = _rows(place.database, f"SELECT start, `end` FROM blockTimes WHERE id = {id_}")  # noqa: S608
    return Task(place.site.image, None, measure.moment(start), measure.moment(end), 30, id_)


def _rows(database: Database, sql: str) -> list[tuple[Any, ...]]:
    connection = database.connect()
    rows = connection.run(sql)
    connection.close()
    return rows


def test_a_rush(tmp_path: Path) -> None:
    sizes = dataclasses.replace(_TINY, wanted=(Wanted(2, True, days=2, each=2),))
    scenario = Scenario("rush", sizes, 2, rush=True, workers=2)
    with private_databases() as databases:
        (result,) = runner.run([scenario], databases, tmp_path)
    assert result.rush is not None
    assert (result.rush.calls, result.rush.refused, result.rush.short, result.rush.twice) == (4, 0, 0, 0)
    assert "4 answered" in report.table([result])


def test_the_report_is_written(tmp_path: Path) -> None:
    result = measure.Measured(
        Scenario("a name", _TINY), times=[10.0, 30.0, 20.0], raw=[5.0], answers=[70, 69, 70], differ=[0, 2, 0],
        work=Work(26, 3_000), memory=90 * 1024,
    )  # fmt: skip
    cells = "| a name | 20 | 30 | 26 | 3,000 | 90 | 5 | 4.0 | 1 of 3 short; 1 of 3 chose others, 2 at most |"
    assert report.table([result]).splitlines()[-1] == cells
    (scenario,) = json.loads(report.write([result], tmp_path / "out").read_text())["scenarios"]
    assert (scenario["name"], scenario["median"], scenario["ratio"]) == ("a name", 20.0, 4.0)


def test_every_scenario_has_its_block_times() -> None:
    """Those of one site that follow each other share its block times: there are enough for all of them."""
    every = full()
    assert len({each.name for each in every}) == len(every)
    for (_, sizes, _), group in groupby(every, key=lambda each: each.place):
        assert sizes is not None
        left = {wanted.key: len([*wanted.starts(datetime(2026, 1, 1))]) for wanted in sizes.wanted}
        for scenario in group:
            left[scenario.key] -= 500 if scenario.rush else measure.BEFORE + measure.TIMED
        assert min(left.values()) >= 0


def test_a_name_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.main(["--only", "no such name"])
    assert "no scenario" in capsys.readouterr().err
    assert command.main(["--list", "--only", "70 machines, SQ"]) == 0
    assert capsys.readouterr().out == "70 machines, SQLite\n"


def test_results_are_printed_after_an_interruption(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def one_then_stop(*_: object) -> Iterator[measure.Measured]:
        yield measure.Measured(Scenario("the first", _TINY), times=[10.0])
        raise KeyboardInterrupt

    monkeypatch.setattr(runner, "run", one_then_stop)
    assert command.main(["--out", str(tmp_path)]) == 130
    assert "| the first | 10 |" in capsys.readouterr().out
    assert (tmp_path / "calls.json").is_file()


def test_a_folder_without_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--rows", str(tmp_path)]) == 2
    assert "there is no load.sql in it" in capsys.readouterr().err
