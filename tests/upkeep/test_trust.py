"""Whether the site's clock may be trusted, by VCL's rows in the database and the heartbeat of the last look."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from blockalloc import clock
from blockalloc.demo import MARK
from blockalloc.models import Heartbeat
from blockalloc.store import site_clock as store
from blockalloc.upkeep import trust
from scheduling.upkeep.trust import Trust
from scheduling.windows import DAY
from tests.golden import tables
from tests.support.sites.class_site import IMAGE, NODE, NOW, ZONE, class_site
from tests.support.statements import without_table

pytestmark = pytest.mark.django_db(transaction=True)
RELOAD_USER, SOMEBODY = 2, 110


@pytest.fixture(autouse=True)
def site() -> Iterator[None]:
    """A site in New York. It is 8:00 there."""
    with class_site():
        yield


def logged(minutes: float, user: int = SOMEBODY) -> None:
    """Somebody reserves for now, so many minutes after eight."""
    at = (NOW + timedelta(minutes=minutes)).astimezone(ZoneInfo(ZONE)).strftime("%Y-%m-%d %H:%M:%S")
    row = {"userid": user, "imageid": IMAGE, "nowfuture": "now", "wasavailable": 1}
    tables.insert("log", [row | {"start": at, "finalend": at, "initialend": at}], ZONE)


def look(minutes: float = 0) -> Trust:
    """A look so many minutes after eight, while the management node is alive; it is remembered."""
    moment = NOW + timedelta(minutes=minutes)
    with time_machine.travel(moment, tick=False):
        with connection.cursor() as cursor:
            stamp = moment.astimezone(ZoneInfo("UTC")).strftime("%Y-%m-%d %H:%M:%S")
            cursor.execute("UPDATE managementnode SET lastcheckin = %s WHERE id = %s", [stamp, NODE])
        seen = trust.look(clock.now())
        trust.remember(seen, milliseconds=12, block_times=3)
    return seen


def test_a_right_zone() -> None:
    logged(-30)
    logged(-1)
    seen = look()
    assert (seen.doubt, seen.evidence, seen.ended) == ("", True, True)
    assert seen.newest == datetime(2026, 3, 2, 7, 59)


def test_a_proof_is_remembered_for_a_week() -> None:
    logged(-1)
    assert look().ended
    assert look(12 * 60).ended
    logged(5 * DAY / 60)  # evidence that is no proof: it is old when it is seen
    assert look(5 * DAY / 60 + 70).ended
    logged(7 * DAY / 60 - 70)
    late = look(7 * DAY / 60)
    assert (late.evidence, late.ended) == (True, False)


def test_no_rows_are_no_evidence() -> None:
    logged(-1, user=RELOAD_USER)
    seen = look()
    assert (seen.doubt, seen.evidence, seen.ended, seen.newest) == ("", False, False, None)
    logged(-25 * 60)
    assert look(1)[:3] == ("", False, False)


@pytest.mark.parametrize(("zone", "ahead"), [("UTC", 5), ("America/Los_Angeles", -3)])
def test_a_wrong_zone(zone: str, ahead: int, settings: Settings) -> None:
    logged(-0.5)
    settings.TIME_ZONE = zone
    first = look()
    apart = f"{abs(ahead)} hours {'ahead of' if ahead > 0 else 'behind'} the clock"
    assert apart in first.doubt
    assert (first.evidence, first.ended) == (False, False)
    for minutes in (1, 5, 60, 500):
        assert look(minutes).doubt
    settings.TIME_ZONE = ZONE
    assert look(501).doubt == ""
    settings.TIME_ZONE = zone
    logged(501.9)
    assert look(502).doubt


def test_a_wrong_zone_that_reads_as_right_at_first(settings: Settings) -> None:
    """Twenty minutes after somebody has reserved, five hours and twenty minutes may as well have passed in quiet."""
    logged(-20)
    settings.TIME_ZONE = "UTC"
    assert [look(minutes)[:3] for minutes in (0, 1)] == [("", True, False)] * 2
    logged(1.5)
    assert "contradicts" in look(6).doubt
    standing = look(9)
    assert standing.doubt == (
        "VCL_TIME_ZONE=UTC contradicts rows that VCL has written, since 2026-03-02 13:06:00 local time: nothing is "
        "done until a new row agrees with it"
    )
    assert (standing.evidence, standing.ended) == (False, False)


def test_the_zone_is_trusted_again_once_a_new_row_has_proved_it() -> None:
    logged(-310)
    look()
    Heartbeat.objects.update(doubted="2026-03-02 12:00:00+00:00")
    assert look(1).doubt
    logged(1.5)
    assert look(2)[:3] == ("", True, True)
    assert Heartbeat.objects.get().doubted is None


@pytest.mark.parametrize("ahead", [-120, -31, 31])
def test_a_hosts_clock_that_is_off(ahead: int, monkeypatch: pytest.MonkeyPatch) -> None:
    logged(-1)
    assert look().ended
    with monkeypatch.context() as patch:
        patch.setattr(store, "database_ahead", lambda: ahead)
        off = look(1)
    assert "the clock of this host" in off.doubt
    assert (off.evidence, off.ended) == (False, False)
    assert look(2)[:3] == ("", True, True)


def test_the_heartbeat() -> None:
    logged(-1)
    look()
    look(1)
    beat = Heartbeat.objects.get()
    assert (beat.pk, beat.milliseconds, beat.block_times, beat.doubt, beat.zone) == (1, 12, 3, "", ZONE)
    assert (beat.at, beat.proved) == (NOW + timedelta(minutes=1), NOW)
    assert beat.newest == "2026-03-02 07:59:00"
    assert beat.host


def test_two_hosts_with_different_zones(settings: Settings) -> None:
    logged(-310)
    look()
    Heartbeat.objects.update(host="vcl2", zone="UTC")
    assert look(1).doubt.startswith("keep_ready runs with VCL_TIME_ZONE=UTC on vcl2 and with America/New_York on ")
    assert look(2).doubt == ""


def test_the_demo_sites_rows_say_nothing(settings: Settings) -> None:
    """They are this service's own work, made anew now and then."""
    mark = json.dumps({"current_until": "2026-03-09T00:00:00", "last_ids": {}})
    tables.insert(
        "variable", [{"name": MARK, "value": mark, "setby": "demo", "timestamp": "2026-03-02 08:00:00"}], ZONE
    )
    logged(-600)
    assert look()[:3] == ("", True, False)
    logged(-300)
    assert look(1)[:3] == ("", False, False)
    logged(1.5)
    assert look(2)[:3] == ("", True, True)


def test_statements(settings: Settings) -> None:
    logged(-1)
    with CaptureQueriesContext(connection) as usual:
        trust.look(clock.now())
    settings.TIME_ZONE = "UTC"
    with CaptureQueriesContext(connection) as wrong:
        seen = trust.look(clock.now())
    trust.remember(seen, milliseconds=1, block_times=0)
    with CaptureQueriesContext(connection) as remembered:
        trust.remember(seen, milliseconds=1, block_times=0)
    assert (len(usual), len(wrong), len(remembered)) == (3, 5, 1)  # and one for the database's clock
    assert {query["sql"].split()[0] for query in usual.captured_queries} == {"SELECT"}


def test_a_heartbeat_that_cannot_be_written_ends_no_pass(caplog: pytest.LogCaptureFixture) -> None:
    seen = trust.look(clock.now())
    with without_table("blockalloc_heartbeat"):
        trust.remember(seen, milliseconds=1, block_times=0)
    assert "could not be recorded" in caplog.text
