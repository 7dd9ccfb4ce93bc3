"""The site's clock by the rows of VCL: what is read, the output of `manage.py check_vcl`, the answers to callers."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from blockalloc.demo import MARK
from blockalloc.inspection import inspect
from blockalloc.inspection.site_clock import Examination, examine
from blockalloc.store import site_clock as store
from blockalloc.store.site_clock import database_ahead
from scheduling.site_clock import Node, Outcome
from scheduling.windows import DAY, HOUR
from tests.golden import tables
from tests.support.commands import check_vcl
from tests.support.sites.class_site import IMAGE, NODE, NOW, ZONE, class_site

pytestmark = pytest.mark.django_db(transaction=True)
RELOAD_USER, SOMEBODY = 2, 110
AT = int(NOW.timestamp())
EASTERN_WINTER = "likely America/New_York, America/Toronto or America/Bogota"


@pytest.fixture(autouse=True)
def site() -> Iterator[None]:
    """A site in New York whose management node is alive. It is 8:00 there, on a Monday in winter."""
    with class_site():
        yield


def local(ago: float) -> str:
    """The site time so many seconds ago."""
    return (NOW - timedelta(seconds=ago)).astimezone(ZoneInfo(ZONE)).strftime("%Y-%m-%d %H:%M:%S")


def requested(ago: float, user: int = SOMEBODY, **more: Any) -> None:
    """A request of so many seconds ago."""
    times = {"daterequested": local(ago), "start": local(ago), "end": local(ago - 3600)}
    row = {"stateid": 8, "laststateid": 8, "userid": user}
    tables.insert("request", [row | times | more], ZONE)


def logged(*ago: float, user: int = SOMEBODY, **more: Any) -> None:
    """Rows of the log, of reservations for now unless `nowfuture` says otherwise."""
    row = {"userid": user, "imageid": IMAGE, "nowfuture": "now", "wasavailable": 1}
    rows = [{**row, "start": local(each), "finalend": local(each), "initialend": local(each)} | more for each in ago]
    tables.insert("log", rows, ZONE)


def loaded(ago: float) -> None:
    """A step of a load. Its reservation and computer are left out: nothing reads them."""
    with connection.constraint_checks_disabled():
        row = {"reservationid": 1, "computerid": 1, "loadstateid": 1, "timestamp": local(ago)}
        tables.insert("computerloadlog", [row], ZONE)


def of_clock() -> list[str]:
    """The texts of an inspection's findings about zone and clocks."""
    return [finding.text for finding in inspect(AT) if finding.kind in ("wrong_time_zone", "wrong_clock")]


class TestCommand:
    """`manage.py check_vcl`."""

    def test_a_zone_that_is_ahead(self, settings: Settings) -> None:
        settings.TIME_ZONE = "UTC"
        requested(40)
        status, text = check_vcl("--kind", "wrong_time_zone")
        assert status == 1
        assert text.splitlines()[2:] == [
            "The configured time zone is not the one of VCL's rows (wrong_time_zone): 1",
            "- VCL_TIME_ZONE=UTC is 5 hours ahead of the clock that VCL's rows were written by "
            f"(request.daterequested); {EASTERN_WINTER}",
            "  What to do: Set VCL_TIME_ZONE to the time zone of VCL's front end (date_default_timezone_set in its "
            "conf.php) and of its management nodes, and restart the service. All times are off until then, those of "
            "other findings too.",
        ]

    def test_a_zone_that_is_behind(self, settings: Settings) -> None:
        settings.TIME_ZONE = "America/Los_Angeles"
        logged(20)
        status, text = check_vcl("--json", "--kind", "wrong_time_zone")
        (finding,) = json.loads(text)["findings"]
        assert status == 1
        assert finding["subject"] == {
            "zone": "America/Los_Angeles",
            "ahead": -3 * HOUR,
            "exact": True,
            "likely": ["America/New_York", "America/Toronto", "America/Bogota"],
            "columns": ["log.start"],
        }
        assert "3 hours behind the clock" in finding["text"]
        assert not finding["repairable"]

    def test_the_right_zone(self) -> None:
        requested(40)
        logged(41)
        loaded(30)
        assert check_vcl()[0] == 0

    def test_a_zone_that_is_at_least_so_far_behind(self, settings: Settings) -> None:
        settings.TIME_ZONE = "America/Los_Angeles"
        loaded(40 * 60)
        (text,) = of_clock()
        assert "is at least 2 hours 30 minutes behind the clock" in text
        assert EASTERN_WINTER in text

    def test_clocks_of_hosts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE managementnode SET lastcheckin = %s WHERE id = %s", ["2026-03-02 13:03:00", NODE])
        monkeypatch.setattr(store, "database_ahead", lambda: 45)
        logged(-600)
        status, text = check_vcl("--kind", "wrong_clock")
        (name,) = [node.hostname for node in store.read(AT).nodes if node.checked_in > AT]
        assert status == 1
        assert [line for line in text.splitlines() if line.startswith("- ")] == [
            "- the clock of the database server is 45 seconds ahead of the clock of this host",
            f"- management node {name} checked in at a time 2 minutes 15 seconds ahead of the database's clock",
            "- the clock of VCL's front end, by log.start, is 10 minutes ahead of the clock of this host",
        ]

    def test_a_database_that_keeps_another_zones_time_than_the_front_end(self) -> None:
        logged(60)
        (log,) = [row["id"] for row in tables.read()["log"]]
        requested(60, logid=log, daterequested="2026-03-02 12:59:00")
        assert of_clock() == [
            "the local time of the database server is 5 hours ahead of that of VCL's front end (request.daterequested "
            "beside log.start): VCL needs the same time zone on both"
        ]


class TestInDoubt:
    """Whether other parts of the service may trust the times."""

    def test_not_while_nothing_is_wrong(self) -> None:
        logged(60)
        assert examine() == Examination(Outcome.FITS, [], in_doubt=False)

    def test_by_the_zone(self, settings: Settings) -> None:
        settings.TIME_ZONE = "UTC"
        logged(60)
        assert examine().in_doubt

    def test_by_this_hosts_clock(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(store, "database_ahead", lambda: -31)
        examination = examine()
        assert examination.problems == ["the clock of the database server is 31 seconds behind the clock of this host"]
        assert (examination.zone, examination.in_doubt) == (Outcome.NO_EVIDENCE, True)

    def test_not_by_the_clock_of_others(self) -> None:
        logged(-600)
        examination = examine()
        assert (len(examination.problems), examination.in_doubt) == (1, False)


class TestEvidence:
    """Which rows are evidence."""

    @pytest.fixture(autouse=True)
    def wrong_zone(self, settings: Settings) -> None:
        """The configured zone is not that of the rows."""
        settings.TIME_ZONE = "UTC"

    def test_reloads_are_none(self) -> None:
        requested(40, user=RELOAD_USER)
        logged(30, user=RELOAD_USER)
        assert examine() == Examination(Outcome.NO_EVIDENCE, [])

    def test_many_reloads_hide_nothing(self) -> None:
        requested(40)
        for _ in range(100):
            requested(5, user=RELOAD_USER)
        assert len(of_clock()) == 1

    def test_reservations_for_later_are_none(self) -> None:
        logged(30, nowfuture="future")
        assert examine() == Examination(Outcome.NO_EVIDENCE, [])

    def test_starts_that_may_be_rounded_down_are_none(self) -> None:
        logged(0, wasavailable=0)
        assert of_clock() == []

    def test_one_that_could_not_be_had_and_was_not_rounded(self) -> None:
        logged(7, wasavailable=0)
        assert len(of_clock()) == 1

    @pytest.mark.parametrize("write", [requested, logged, loaded])
    def test_one_row_is_enough(self, write: Any) -> None:
        write(59)
        assert len(of_clock()) == 1

    def test_zero_dates_are_none(self) -> None:
        requested(40, daterequested="0000-00-00 00:00:00")
        logged(30, start="0000-00-00 00:00:00")
        assert examine() == Examination(Outcome.NO_EVIDENCE, [])

    def test_the_demo_sites_own_rows_are_none(self) -> None:
        requested(40)
        mark = json.dumps({"current_until": "2026-03-09T00:00:00", "last_ids": {}})
        tables.insert("variable", [{"name": MARK, "value": mark, "setby": "demo", "timestamp": local(0)}], ZONE)
        assert examine() == Examination(Outcome.NO_EVIDENCE, [])

    def test_a_silence_that_is_usual(self) -> None:
        """The newest row is of eight o'clock, which this zone reads as of five hours ago."""
        logged(30, *(days * DAY + 9 * HOUR for days in range(1, 16)))
        assert examine() == Examination(Outcome.FITS, [])

    def test_a_silence_that_is_not(self) -> None:
        logged(30, *(days * DAY - HOUR for days in range(1, 16)))
        assert len(of_clock()) == 1

    def test_people_who_have_just_signed_in(self) -> None:
        for user, ago in ((1, 3000), (110, 4000), (111, 5000)):
            logged(ago, user=user)
        users = {row["id"]: row for row in tables.read()["user"]}
        for user, ago in ((1, 3100), (110, 4200), (111, 5050)):
            name = {"user": users[user]["unityid"].upper(), "affiliationid": users[user]["affiliationid"]}
            row = name | {"authmech": "Local", "passfail": 1, "remoteIP": "127.0.0.1", "timestamp": local(ago)}
            tables.insert("loginlog", [row], ZONE)
        assert examine().zone is Outcome.WRONG


class TestSilentDays:
    """The days before, at this time of day."""

    def test_days(self) -> None:
        logged(2 * DAY + 3000, 2 * DAY + 3601, 5 * DAY + 3600, 7 * DAY, 9 * DAY + 1)
        assert store.silent_days(AT, 3600) == {
            1: True, 2: False, 3: True, 4: True, 5: True, 6: True, 7: False, 8: True,
        }  # fmt: skip

    def test_without_a_log(self) -> None:
        assert store.silent_days(AT, 3600) == {}

    def test_zero_dates_are_no_history(self) -> None:
        logged(60, start="0000-00-00 00:00:00")
        assert store.silent_days(AT, 3600) == {}


class TestRead:
    """What is read, in how many statements."""

    def test_a_fixed_number_of_statements(self) -> None:
        def statements() -> int:
            with CaptureQueriesContext(connection) as queries:
                store.read(AT)
            return len(queries)

        logged(600)
        few = statements()
        logged(*range(700, 2000))
        requested(600)
        assert statements() == few <= 5

    def test_the_newest_rows(self) -> None:
        logged(*range(2000, 600, -1))
        rows = [row for row in store.read(AT).rows if row.column == "log.start"]
        assert len(rows) == 50
        assert max(row.wall for row in rows) == datetime(2026, 3, 2, 7, 49, 59)

    def test_management_nodes(self) -> None:
        assert all(isinstance(node, Node) and abs(AT - node.checked_in) < HOUR for node in store.read(AT).nodes)
        assert store.read(AT).nodes


def test_the_databases_clock() -> None:
    """It is this machine's. While this process's clock is stopped in the past, MariaDB's is ahead; SQLite has none."""
    stopped = database_ahead()
    if connection.vendor == "sqlite":
        assert stopped == 0
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT UNIX_TIMESTAMP()")
        real = int(cursor.fetchone()[0])
    assert abs(stopped - (real - AT)) <= 2
    with time_machine.travel(real, tick=True):
        assert abs(database_ahead()) <= 2
