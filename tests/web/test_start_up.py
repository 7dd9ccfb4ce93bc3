"""What the web service looks at when it starts: the warning about the site's clock."""

import logging
import threading
import time
from pathlib import Path

import pytest
from django.db import OperationalError

from blockalloc.inspection import site_clock
from blockalloc.inspection.site_clock import Examination
from blockalloc.web import start_up
from scheduling.site_clock import Outcome
from tests.support.servers.clients import database_url
from tests.support.servers.live_server import LiveServer

pytestmark = pytest.mark.once(on="mariadb")

# A site in New York whose management node is alive, and where somebody has just reserved a computer.
A_ROW = """
from datetime import UTC, datetime
from zoneinfo import ZoneInfo
from django.db import connection
now = datetime.now(UTC)
instant, shown = (at.strftime("%Y-%m-%d %H:%M:%S") for at in (now, now.astimezone(ZoneInfo("America/New_York"))))
with connection.cursor() as cursor:
    cursor.execute(
        "INSERT INTO managementnode (IPaddress, hostname, ownerid, stateid, lastcheckin, availablenetworks) "
        "VALUES ('10.0.0.1', 'node1', 1, 2, %s, '')", [instant]
    )
    cursor.execute(
        "INSERT INTO request (stateid, laststateid, userid, start, `end`, daterequested) "
        "VALUES (13, 13, 1, %s, %s, %s)", [shown] * 3
    )
"""
WARNING = "WARNING blockalloc: The site's clock is wrong: VCL_TIME_ZONE=UTC is "
LONGEST = 20  # seconds


def lines(log: Path, text: str) -> list[str]:
    """The lines of a log that hold a text."""
    return [line for line in log.read_text().splitlines() if text in line]


def test_a_wrong_zone_is_in_the_log_once(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """However many workers there are; a restart says it again."""
    with LiveServer(tmp_path, database_url(request, "start_up")) as server:
        server.migrate()
        server.manage("shell", "--verbosity=0", "--command", A_ROW)
        for starts in (1, 2):
            server.start({"WEB_CONCURRENCY": "3", "VCL_ALLOW_PLAIN_HTTP": "1"})
            deadline = time.monotonic() + LONGEST
            while len(lines(server.log, "clock is wrong")) < starts and time.monotonic() < deadline:
                time.sleep(0.05)
            server.stop()  # all workers are up by then: it answers when they are
            assert len(lines(server.log, WARNING)) == len(lines(server.log, "clock is wrong")) == starts
        assert "America/New_York" in lines(server.log, WARNING)[0]
        server.start({"VCL_TIME_ZONE": "America/New_York", "VCL_ALLOW_PLAIN_HTTP": "1"}).stop()
        assert len(lines(server.log, "clock is wrong")) == 2


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """What gets into the log."""
    caplog.set_level(logging.INFO, "blockalloc")
    return caplog


def test_all_problems_in_one_warning(monkeypatch: pytest.MonkeyPatch, said: pytest.LogCaptureFixture) -> None:
    found = Examination(Outcome.WRONG, ["the zone", "a clock"])
    monkeypatch.setattr(site_clock, "examine", lambda: found)
    start_up.compare_clocks_in_background().join()
    assert [(record.levelname, "the zone; a clock" in record.message) for record in said.records] == [("WARNING", True)]


def test_nothing_when_nothing_is_wrong(monkeypatch: pytest.MonkeyPatch, said: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(site_clock, "examine", lambda: Examination(Outcome.NO_EVIDENCE, []))
    start_up.compare_clocks_in_background().join()
    assert said.records == []


def test_a_database_that_is_down_stops_nothing(monkeypatch: pytest.MonkeyPatch, said: pytest.LogCaptureFixture) -> None:
    def down() -> Examination:
        raise OperationalError(2002, "Can't connect")

    monkeypatch.setattr(site_clock, "examine", down)
    start_up.compare_clocks_in_background().join()
    assert [(record.levelname, "Can't connect" in record.message) for record in said.records] == [("INFO", True)]


def test_a_database_that_is_slow_keeps_nothing_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = threading.Event()

    def slow() -> Examination:
        answer.wait(LONGEST)
        return Examination(Outcome.FITS, [])

    monkeypatch.setattr(site_clock, "examine", slow)
    thread = start_up.compare_clocks_in_background()
    assert thread.is_alive()
    assert thread.daemon  # the process ends all the same
    answer.set()
    thread.join()
