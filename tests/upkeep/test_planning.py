"""Under policy `ready`, looks plan reloads anew, move those that have not begun, and say how sure the class is."""

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from blockalloc.models import BlockTime, Decision, PlannedReload, Request, Watch
from blockalloc.reports.readiness import read
from tests.support.sites.back_end_stage import MINUTE
from tests.support.sites.class_site import ZONE
from tests.support.sites.morning import START
from tests.support.sites.still_morning import CLASS, StillMorning, still_morning

pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest.fixture
def site(settings: Settings) -> Iterator[StillMorning]:
    """At nine the class of four has its computers, whose reloads are planned for the start."""
    settings.VCL_RELOAD_POLICY = "ready"
    with still_morning() as stage:
        stage.look()  # keep_ready runs
        stage.allocate()
        yield stage


def leads(site: StillMorning) -> list[int]:
    """Minutes from the begins of the reloads that wait to the start, the longest first."""
    waiting = [*site.reloads().values()]
    planned = {each.request_id: each.start for each in PlannedReload.objects.filter(request_id__in=waiting)}
    requests = {each.pk: each.start for each in Request.objects.filter(pk__in=waiting)}
    assert requests == planned
    return sorted(((START - int(each.timestamp())) // MINUTE for each in planned.values()), reverse=True)


def look(site: StillMorning, minutes_before: int) -> None:
    """A look so many minutes before the start."""
    site.look_at(f"{datetime.fromtimestamp(START - minutes_before * MINUTE, ZoneInfo(ZONE)):%H:%M}")


def watch() -> Watch:
    return Watch.objects.get(pk=CLASS)


def test_the_reloads_of_a_small_class_begin_as_late_as_is_safe(site: StillMorning) -> None:
    assert all(12 <= lead <= 40 for lead in leads(site))
    record = Decision.objects.filter(action=Decision.ALLOCATE).latest("pk")
    assert record.ready is not None
    assert record.ready > 0.95
    assert record.minutes == sum(leads(site))


def test_a_look_says_how_sure_the_class_is(site: StillMorning) -> None:
    look(site, 50)
    seen = watch()
    assert seen.ready is not None
    assert seen.ready > 0.95
    assert seen.said_last == seen.ready
    (row,) = read(BlockTime.objects.filter(pk=CLASS), site.now)
    assert "sure that all 4 are ready at" in str(row.readiness.signal)


def test_what_is_said_in_the_last_half_hour_is_not_what_closing_rows_keep(site: StillMorning) -> None:
    look(site, 50)
    before = watch().said_last
    site.send("DELETE FROM request WHERE stateid = 19")  # nothing is going to load them
    look(site, 5)
    assert watch().ready == 0
    assert watch().said_last == before


def test_when_its_node_takes_fewer_loads_the_reloads_begin_earlier(site: StillMorning) -> None:
    before = leads(site)
    site.send("UPDATE variable SET value = '1' WHERE name = 'xcat|throttle'")
    if not site.send("SELECT id FROM variable WHERE name = 'xcat|throttle'"):
        site.send(
            "INSERT INTO variable (name, serialization, value, timestamp) "
            "VALUES ('xcat|throttle', 'none', '1', '2026-01-01 00:00:00')"
        )
    look(site, before[0] + 14)
    assert leads(site)[0] >= before[0] + 5


def test_looks_share_the_model_of_an_image_for_ten_minutes(site: StillMorning) -> None:
    def learned(minutes_before: int) -> int:
        with CaptureQueriesContext(connection) as queries:
            look(site, minutes_before)
        return sum("is_of_revision" in query["sql"] for query in queries)

    assert [learned(minutes) for minutes in (58, 55, 52, 48)] == [1, 0, 0, 1]
