"""How long an image takes to load (SPEC 6)."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from blockalloc import clock
from blockalloc.models import Log
from blockalloc.store import loads
from scheduling.load_time import mean
from tests.test_admin.vcl_site import ADMIN, Site, add_image

RELOAD_MINUTES = 12


def estimate(*seconds: int) -> int:
    """What an image is expected to take that was loaded in so many seconds."""
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
    assert mean(601, 2, RELOAD_MINUTES) == 300
    assert mean(901, 3, RELOAD_MINUTES) == 300
    assert mean(599, 1, RELOAD_MINUTES) == 599


def test_without_any_load_the_images_own_reload_time_holds() -> None:
    assert mean(0, 0, RELOAD_MINUTES) == 720


@pytest.mark.django_db
@pytest.mark.parametrize(("took", "counts"), [(120, False), (121, True), (1799, True), (1800, False), (-50, False)])
def test_only_loads_of_more_than_two_and_less_than_thirty_minutes_count(took: int, counts: bool) -> None:
    assert estimate(took) == (took if counts else RELOAD_MINUTES * 60)


@pytest.mark.django_db
def test_loads_that_do_not_count_do_not_move_the_mean() -> None:
    assert estimate(60, 400, 501, 5000) == 450


@pytest.mark.django_db
def test_loads_that_do_not_count_alone_are_none() -> None:
    assert estimate(10, 3000) == 720
