"""How long an image takes to load (SPEC 6)."""

from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from blockalloc import clock
from blockalloc.models import Log
from blockalloc.store import loads, times
from scheduling.load_time.estimate import estimated_load_seconds
from tests.support.sites.staff_site import ADMIN, Site, add_image

RELOAD_MINUTES = 12


def estimate(*seconds: int) -> int:
    """The expected load time of an image with past loads of these seconds."""
    Site()
    image = add_image("Image", reloadtime=RELOAD_MINUTES)
    for took in seconds:
        _log(image.pk, timezone.now() - timedelta(days=30), took)
    return loads.estimates({image.pk: RELOAD_MINUTES}, clock.now())[image.pk]


def _log(image: int, start: datetime, took: int) -> None:
    start = start.replace(microsecond=0)
    loaded = start + timedelta(seconds=took)
    times = {"start": start, "loaded": loaded, "initialend": loaded, "finalend": loaded}
    Log.objects.create(user_id=ADMIN, image_id=image, wasavailable=1, ending="released", **times)


def test_the_mean_of_past_loads_is_cut_to_whole_seconds() -> None:
    assert estimated_load_seconds(601, 2, RELOAD_MINUTES) == 300
    assert estimated_load_seconds(901, 3, RELOAD_MINUTES) == 300
    assert estimated_load_seconds(599, 1, RELOAD_MINUTES) == 599


def test_without_any_load_the_images_own_reload_time_applies() -> None:
    assert estimated_load_seconds(0, 0, RELOAD_MINUTES) == 720


@pytest.mark.django_db
@pytest.mark.parametrize(("took", "counts"), [(120, False), (121, True), (1799, True), (1800, False), (-50, False)])
def test_only_loads_of_more_than_two_and_less_than_thirty_minutes_count(took: int, counts: bool) -> None:
    assert estimate(took) == (took if counts else RELOAD_MINUTES * 60)


@pytest.mark.django_db
def test_loads_that_do_not_count_do_not_move_the_mean() -> None:
    assert estimate(60, 400, 501, 5000) == 450


@pytest.mark.django_db
def test_only_loads_that_do_not_count_are_no_loads() -> None:
    assert estimate(10, 3000) == 720


# --- How far local times are ahead of UTC -------------------------------------------------------

FIRST, LAST = date(2025, 11, 1), date(2027, 1, 20)


@pytest.mark.parametrize(
    "zone", ["America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Africa/Cairo", "Africa/Casablanca", "UTC"]
)
def test_changes_of_the_clock_agree_with_the_zone(zone: str, settings: Any) -> None:
    settings.TIME_ZONE = zone
    clock_changes = loads._changes(FIRST, LAST, ZoneInfo(zone))
    random = Random(zone)
    begin, minutes = datetime(2025, 11, 1), (LAST - FIRST).days * 1440
    changes = [datetime.fromisoformat(change.wall) for change in clock_changes]
    near = [change + timedelta(seconds=apart) for change in changes for apart in range(-8000, 8000, 500)]
    for wall in [*near, *(begin + timedelta(minutes=random.randrange(minutes)) for _ in range(2000))]:
        text = f"{wall:%Y-%m-%d %H:%M:%S}"
        passed = (wall - begin).total_seconds() - sum(change.forward for change in clock_changes if change.wall <= text)
        first, last = times.from_local(f"{begin}"), times.from_local(text)
        assert first is not None
        assert last is not None
        assert passed == last - first, text
    assert bool(changes) is (zone != "UTC")


@pytest.mark.django_db
def test_the_clocks_changes_are_computed_once_a_day(settings: Any) -> None:
    loads._changes.cache_clear()
    noon = int(datetime(2026, 11, 24, 12, tzinfo=UTC).timestamp())

    def walks(*moments: int) -> int:
        before = loads._changes.cache_info().misses
        for moment in moments:
            loads.estimates({1: 10}, moment)
        return loads._changes.cache_info().misses - before

    settings.TIME_ZONE = "UTC"
    assert walks(noon, noon + 1, noon - 12 * 3600, noon + 12 * 3600 - 1) == 1
    assert walks(noon + 12 * 3600) == 1
    settings.TIME_ZONE = "Europe/Berlin"
    assert walks(noon, noon + 3600) == 1
    settings.TIME_ZONE = "UTC"
    assert walks(noon) == 0


@pytest.mark.django_db
def test_a_change_of_the_clock_at_either_end_of_the_year_counts(settings: Any) -> None:
    """A load over the change, on the day of the call and at the very beginning of its twelve months."""
    settings.TIME_ZONE = "America/New_York"
    zone = ZoneInfo(settings.TIME_ZONE)
    Site()
    image = add_image("Image", reloadtime=RELOAD_MINUTES)
    begun = datetime(2026, 3, 8, 1, 57, tzinfo=zone)
    loaded = begun.astimezone(UTC) + timedelta(seconds=400)  # 3:03:40 on the wall
    moments = {"start": begun, "loaded": loaded, "initialend": loaded, "finalend": loaded}
    Log.objects.create(user_id=ADMIN, image_id=image.pk, wasavailable=1, ending="released", **moments)
    for now in (
        datetime(2026, 3, 8, 3, 4, tzinfo=zone),
        datetime(2026, 3, 8, 23, 59, tzinfo=zone),
        datetime(2027, 3, 8, 0, 0, tzinfo=zone),
        datetime(2027, 3, 8, 1, 56, 59, tzinfo=zone),
    ):
        assert loads.estimates({image.pk: RELOAD_MINUTES}, int(now.timestamp())) == {image.pk: 400}, now
