"""The morning in fast motion: what it writes, by the rows, and that the demo's own rows stay as they are."""

import re
import time
from collections.abc import Iterator
from datetime import datetime
from io import StringIO
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django import Settings

from blockalloc import clock
from blockalloc.allocation import service
from blockalloc.contract.messages import FillCall
from blockalloc.demo.morning import play
from blockalloc.demo.rows import FIRST_ID
from blockalloc.models import BlockComputer
from blockalloc.upkeep import passes
from tests.support.sites.demo import load

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("demo_process")]

ZONE = ZoneInfo("America/New_York")
MOMENTS = {
    "wednesday": datetime(2026, 3, 4, 12, 34, 56, tzinfo=ZONE),
    "monday, while the class is on": datetime(2026, 3, 2, 10, 0, tzinfo=ZONE),
    "monday, before daybreak": datetime(2026, 3, 9, 6, 55, tzinfo=ZONE),
    "sunday night, summer time": datetime(2026, 3, 8, 22, 30, tzinfo=ZONE),
}
SECONDS = 10
FAILED = re.compile(r"\d\d:\d\d  (\S+): load failed; the back end removed it from the class")

only_sqlite = pytest.mark.skipif(connection.vendor != "sqlite", reason="it is played on a copy of an SQLite file")


@pytest.fixture
def moment(request: pytest.FixtureRequest, settings: Settings) -> Iterator[str]:
    """The demo site, loaded at that moment, where the clock is stopped; its class has its machines."""
    settings.TIME_ZONE = ZONE.key
    with time_machine.travel(MOMENTS[request.param], tick=False):
        load()
        caller = service.system_caller("test")
        service.allocate(FillCall(FIRST_ID, ignore_privileges=False), caller)
        yield request.param


def story() -> list[str]:
    """The lines that are written."""
    lines: list[str] = []
    play(lines.append)
    return lines


def contents() -> str:
    """All tables of this run's database."""
    connection.ensure_connection()
    return "\n".join(connection.connection.iterdump())


@only_sqlite
@pytest.mark.parametrize("moment", ["wednesday"], indirect=True)
def test_it_can_be_looked_at_each_minute_at_the_time_of_the_story(moment: str) -> None:
    looks: list[tuple[int, int]] = []
    lines: list[str] = []
    play(lines.append, lambda now: looks.append((now, clock.now())))
    minutes = [now for now, _clock in looks]
    assert looks == [(now, now) for now in minutes]
    assert minutes == list(range(minutes[0], minutes[-1] + 1, 60))
    assert f"{datetime.fromtimestamp(minutes[0], ZONE):%H:%M}" == lines[0][:5]
    assert f"{datetime.fromtimestamp(minutes[-1], ZONE):%H:%M}" == "09:00"


@only_sqlite
@pytest.mark.parametrize("moment", MOMENTS, indirect=True)
def test_a_load_fails_the_computer_is_replaced_and_the_class_is_complete(moment: str) -> None:
    before, begun = contents(), time.perf_counter()
    lines = story()
    assert time.perf_counter() - begun < SECONDS
    assert lines[-1] == "20 of 20 ready at 09:00"
    assert len(lines) <= 15
    (failed,) = [number for number, line in enumerate(lines) if FAILED.fullmatch(line)]
    assert [line for line in lines[failed:] if "  keep_ready: " in line]
    assert [line for line in lines[:failed] if re.search(r"\d of 20 ready, \d+ loading", line)]
    assert contents() == before
    assert connection.settings_dict["NAME"] != ""
    assert clock.now() == int(MOMENTS[moment].timestamp())


@only_sqlite
@pytest.mark.parametrize("moment", ["wednesday"], indirect=True)
def test_the_story_is_the_same_each_time(moment: str) -> None:
    assert story() == story()


@only_sqlite
@pytest.mark.parametrize("moment", ["wednesday"], indirect=True)
def test_a_class_that_nobody_has_allocated_is_asked_for_by_the_back_end(moment: str) -> None:
    BlockComputer.objects.filter(blockTime=FIRST_ID).delete()
    assert story()[-1] == "20 of 20 ready at 09:00"


@only_sqlite
@pytest.mark.parametrize("moment", ["wednesday"], indirect=True)
def test_the_last_line_and_the_exit_status_are_by_the_rows(moment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looks at the class again: the computer whose load failed is missing."""
    idle = passes.run_pass()
    monkeypatch.setattr(passes, "run_pass", lambda: idle)
    output = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("play_demo_morning", stdout=output)
    assert ended.value.code == 1
    assert output.getvalue().splitlines()[-1] == "19 of 20 ready at 09:00"


@pytest.mark.parametrize("moment", ["wednesday"], indirect=True)
def test_it_is_played_on_a_copy_of_a_file_only(moment: str) -> None:
    output = StringIO()
    if connection.vendor == "sqlite":
        call_command("play_demo_morning", stdout=output)
        assert output.getvalue().endswith("\n20 of 20 ready at 09:00\n")
        return
    with pytest.raises(CommandError, match="this database is on a server") as refused:
        call_command("play_demo_morning", stdout=output)
    assert (refused.value.returncode, output.getvalue()) == (2, "")
