"""What pages say of load times: as the log has it at the moment, though each process remembers what is old in it."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random

import pytest
import time_machine
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from blockalloc import clock
from blockalloc.models import Log
from blockalloc.store import loads, page_loads
from tests.support.sites.staff_site import ADMIN, Site, add_image

pytestmark = pytest.mark.django_db

MINUTES = 12
NOW = datetime.fromisoformat("2026-11-24T08:45:00-05:00")


@pytest.fixture(autouse=True)
def _few_are_read_always(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a site with a long log, in which the last rows are few."""
    monkeypatch.setattr(page_loads, "ALWAYS_READ", 0)


@pytest.fixture
def image() -> Iterator[int]:
    """An image that has been loaded twice: a month ago and yesterday, in 400 and in 500 seconds."""
    with time_machine.travel(NOW, tick=False):
        Site()
        key = add_image("Image", reloadtime=MINUTES).pk
        log(key, timedelta(days=30), 400)
        log(key, timedelta(days=1), 500)
        yield key


def log(image: int, ago: timedelta, took: int | None, **columns: object) -> Log:
    """A reservation with a load that began so long ago."""
    start = timezone.now().replace(microsecond=0) - ago
    loaded = None if took is None else start + timedelta(seconds=took)
    fixed = {"user_id": ADMIN, "image_id": image, "wasavailable": 1, "ending": "released"}
    given = {"start": start, "loaded": loaded, "initialend": start, "finalend": start}
    return Log.objects.create(**fixed | given | columns)


def on_pages(image: int) -> int:
    """How long the image takes to load, as a page says."""
    return page_loads.estimates({image: MINUTES}, clock.now())[image]


def by_the_log(image: int) -> int:
    """The same by the whole log."""
    return loads.estimates({image: MINUTES}, clock.now())[image]


def statements(image: int) -> int:
    """How many statements a page sends for it."""
    with CaptureQueriesContext(connection) as sent:
        on_pages(image)
    return len(sent)


def test_a_load_that_was_logged_just_now_counts_at_once(image: int) -> None:
    assert on_pages(image) == 450
    log(image, timedelta(minutes=20), 600)
    assert on_pages(image) == by_the_log(image) == 500


def test_the_end_of_a_load_that_was_going_on_counts_at_once(image: int) -> None:
    row = log(image, timedelta(minutes=10), None, ending="none")
    assert on_pages(image) == 450
    row.loaded = timezone.now()
    row.save()
    assert on_pages(image) == by_the_log(image) == 500


def test_a_load_that_turns_out_to_have_failed_counts_no_longer(image: int) -> None:
    row = log(image, timedelta(hours=30), 600)
    assert on_pages(image) == 500
    row.ending = "failed"
    row.save()
    assert on_pages(image) == by_the_log(image) == 450


def test_a_row_that_is_written_late_counts_at_once(image: int) -> None:
    assert on_pages(image) == 450
    log(image, timedelta(days=100), 600)
    assert on_pages(image) == by_the_log(image) == 500


def test_of_old_loads_the_log_is_read_once_in_ten_minutes(image: int) -> None:
    on_pages(image)
    old = Log.objects.get(start__lt=timezone.now() - timedelta(days=2))
    old.ending = "failed"  # by hand
    old.save()
    assert statements(image) == 1
    assert on_pages(image) == 450
    with time_machine.travel(NOW + timedelta(seconds=601), tick=False):
        assert on_pages(image) == by_the_log(image) == 500


def test_an_image_that_no_page_has_asked_for_yet_is_read(image: int) -> None:
    on_pages(image)
    other = add_image("Other", reloadtime=MINUTES).pk
    log(other, timedelta(days=50), 300)
    log(other, timedelta(hours=1), 500)
    both = {image: MINUTES, other: MINUTES}
    assert page_loads.estimates(both, clock.now()) == {image: 450, other: 400}


def test_loads_become_too_old_to_the_second(image: int) -> None:
    log(image, timedelta(days=365) - timedelta(seconds=100), 1000)
    log(image, timedelta(hours=50), 450)
    on_pages(image)
    for seconds in (0, 99, 100, 101, 300):
        with time_machine.travel(NOW + timedelta(seconds=seconds), tick=False):
            assert on_pages(image) == by_the_log(image)


def test_a_clock_that_was_set_back_is_believed(image: int) -> None:
    on_pages(image)
    log(image, timedelta(days=366), 1000)
    with time_machine.travel(NOW - timedelta(days=10), tick=False):
        assert on_pages(image) == by_the_log(image)


@override_settings(VCL_TIME_ZONE="America/New_York")
@pytest.mark.parametrize("around", ["2026-11-01T05:50:00+00:00", "2027-03-14T06:50:00+00:00"])
def test_changes_of_the_clock_and_any_rows_make_no_difference(around: str) -> None:
    random, moment = Random(around), datetime.fromisoformat(around)
    Site()
    images = [add_image(f"Image {number}", reloadtime=MINUTES).pk for number in range(3)]
    for _ in range(40):
        moment += timedelta(seconds=random.choice((0, 1, 59, 300, 1700)))
        with time_machine.travel(moment, tick=False):
            asked = dict.fromkeys(random.sample(images, random.randint(1, 3)), MINUTES)
            assert page_loads.estimates(asked, clock.now()) == loads.estimates(asked, clock.now())
            for _ in range(3):
                day = random.choice((timedelta(), timedelta(days=3), timedelta(days=364, hours=23, minutes=50)))
                ago = day + timedelta(seconds=random.randrange(2000))
                ending, when = random.choice(("released", "failed")), random.choice(("now", "now", "future"))
                log(random.choice(images), ago, random.randrange(60, 2000), ending=ending, nowfuture=when)
