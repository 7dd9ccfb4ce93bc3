"""What the page of an image's load times tells is what plans reckon with."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from random import Random

import pytest
from django.contrib.auth.models import User as StaffUser
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from blockalloc import clock
from blockalloc.models import Image, Log
from blockalloc.store import loads, rows, snapshot, times
from blockalloc.store.sql import fetch, insert
from scheduling.load_statistics import Bin, Loads, Month, percentile, statistics
from tests.support.sites.staff_site import ADMIN, Site, text

pytestmark = pytest.mark.django_db
WALL = "%Y-%m-%d %H:%M:%S"


def url(image: Image) -> str:
    return reverse("admin:load_times", args=[image.pk])


def log(image: Image, *taken: int | None, start: str = "2026-11-10 08:00:00", **values: object) -> None:
    """Loads that took so many seconds on the clock."""
    begun = datetime.fromisoformat(start)
    add(image, [(begun, None if each is None else begun + timedelta(seconds=each)) for each in taken], **values)


def add(image: Image, taken: Iterable[tuple[datetime, datetime | None]], **values: object) -> None:
    """Rows of VCL's log, by what the clock on the wall said."""
    values = {
        "userid": ADMIN, "imageid": image.pk, "wasavailable": 1, "ending": "released", "nowfuture": "now",
        "initialend": "2026-11-10 12:00:00", "finalend": "2026-11-10 12:00:00", "size": 0, **values,
    }  # fmt: skip
    columns = ["start", "loaded", *values]
    lines = [[f"{a:{WALL}}", None if b is None else f"{b:{WALL}}", *values.values()] for a, b in taken]
    insert("log", columns, lines)  # type: ignore[arg-type]


def planned(image: Image) -> int:
    return snapshot.load_seconds(rows.images(image.pk)[0].image, clock.now())


# --- The statistics -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lengths", "expected"),
    [
        ([(300, 1)], {1: 300, 50: 300, 100: 300}),
        ([(200, 1), (300, 1)], {50: 200, 51: 300, 75: 300}),
        ([(n, 1) for n in range(1, 101)], {50: 50, 75: 75, 90: 90, 95: 95, 100: 100}),
        ([(200, 89), (300, 10), (400, 1)], {89: 200, 90: 300, 95: 300, 99: 300, 100: 400}),
    ],
)
def test_percentiles_are_lengths_of_real_loads(lengths: list[tuple[int, int]], expected: dict[int, int]) -> None:
    assert {percent: percentile(lengths, percent) for percent in expected} == expected


def test_statistics_count_what_the_estimate_counts() -> None:
    taken = [
        Loads("2026-10", 120, 3), Loads("2026-10", 121, 2), Loads("2026-11", 300, 4), Loads("2026-11", 1799, 1),
        Loads("2026-11", 1800, 5), Loads("2026-11", 50_000, 1), Loads("2026-11", -60, 1),
    ]  # fmt: skip
    facts = statistics(taken, 300)
    assert (facts.number, facts.too_short, facts.stuck) == (7, 4, 6)
    assert facts.percentiles == ((50, 300), (75, 300), (90, 1799), (95, 1799), (100, 1799))
    assert facts.months == (Month("2026-11", 5, 300, 1799), Month("2026-10", 2, 121, 121))
    assert (facts.longer, facts.late, facts.stuck_late) == (1, 1, 6)
    assert statistics(taken, 1199).late == 0
    assert statistics([Loads("2026-11", 900, 1)], 300).late == 0  # just in time
    assert statistics([Loads("2026-11", 901, 1)], 300).late == 1


def test_bins_are_as_wide_as_is_sensible() -> None:
    narrow = statistics([Loads("2026-11", 329, 2), Loads("2026-11", 330, 1), Loads("2026-11", 420, 1)], 300).bins
    assert narrow == (Bin(300, 330, 2), Bin(330, 360, 1), Bin(360, 390, 0), Bin(390, 420, 0), Bin(420, 450, 1))
    wide = statistics([Loads("2026-11", 121, 1), Loads("2026-11", 1799, 1)], 300).bins
    assert (len(wide), wide[0], wide[-1]) == (28, Bin(120, 180, 1), Bin(1740, 1800, 1))


# --- From VCL's log -----------------------------------------------------------------------------


def one_by_one(image: Image) -> list[tuple[int, int]]:
    """The loads as instants, each reckoned by itself."""
    found = fetch("SELECT start, loaded FROM log WHERE imageid = %s AND loaded IS NOT NULL", [image.pk])
    return [(times.from_local(a) or 0, times.from_local(b) or 0) for a, b in found]


def expected(taken: list[tuple[int, int]], minutes: int) -> int:
    """SPEC 6 to the letter."""
    counted = [done - begun for begun, done in taken if 120 < done - begun < 1800]
    return sum(counted) // len(counted) if counted else minutes * 60


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Africa/Cairo", "UTC"])
def test_a_load_over_a_change_of_the_clock_took_the_time_that_passed(site: Site, settings: object, zone: str) -> None:
    settings.TIME_ZONE = zone  # type: ignore[attr-defined]
    random = Random(zone)
    changes = ["2026-11-01 01:30:00", "2026-03-08 02:00:00", "2026-10-25 02:30:00", "2026-03-29 02:00:00",
               "2026-04-05 01:45:00", "2026-10-04 02:00:00", "2026-04-24 00:00:00", "2026-10-30 00:00:00"]  # fmt: skip
    taken = []
    for _ in range(300):
        begun = datetime.fromisoformat(random.choice(changes)) + timedelta(minutes=random.randint(-120, 120))
        taken.append((begun, begun + timedelta(seconds=random.randint(-3600, 7200))))
    add(site.ubuntu, taken)
    exact = one_by_one(site.ubuntu)
    read = loads.read(site.ubuntu.pk, clock.now())
    found = sorted(each.seconds for each in read for _ in range(each.number))
    assert found == sorted(done - begun for begun, done in exact)
    assert planned(site.ubuntu) == expected(exact, 10)


def test_only_the_last_twelve_months(site: Site) -> None:
    log(site.ubuntu, 300, start="2025-11-25 12:00:00")  # a year ago to the second
    log(site.ubuntu, 400, start="2025-11-25 12:00:01")
    assert loads.read(site.ubuntu.pk, clock.now()) == [Loads("2025-11", 400, 1)]


def test_other_rows_do_not_count(site: Site) -> None:
    log(site.ubuntu, 300, 300)
    log(site.ubuntu, 500, ending="failed")
    log(site.ubuntu, None, None, ending="failed")
    log(site.ubuntu, None)
    log(site.ubuntu, 500, wasavailable=0)
    log(site.ubuntu, 500, nowfuture="future")
    log(site.windows, 500)
    assert loads.read(site.ubuntu.pk, clock.now()) == [Loads("2026-11", 300, 2)]
    assert loads.lost(site.ubuntu.pk, clock.now()) == (3, 1)


# --- The page -----------------------------------------------------------------------------------


def test_the_page_shows_the_estimate_of_plans(viewer: Client, site: Site) -> None:
    log(site.ubuntu, 300, 301, 360, 1000, 100, 1900)
    log(site.ubuntu, 310, start="2026-10-10 08:00:00")
    log(site.ubuntu, None, ending="failed")
    assert planned(site.ubuntu) == 454
    page = text(viewer, url(site.ubuntu))
    assert "Reloads are planned with 7 min 34 s , the mean of 5 loads." in page
    assert "1 of 6 loads got stuck; all others fit the plan, in which each load has 17 min 34 s: the estimate" in page
    assert "1 took 2 minutes or less: the computer had the image already" in page
    assert "1 took 30 minutes or more: something was stuck; all of them would have been late for a class" in page
    assert "1 failed" in page
    assert "Too many loads took longer than planned" in page
    assert "That is more than 5 %, the share that the target allows." in page
    assert "Half 50 (median) 5 min 10 s" in page
    assert "All 100 (longest) 16 min 40 s" in page
    assert "Nov 2026 4 5 min 1 s 16 min 40 s Oct 2026 1 5 min 10 s 5 min 10 s" in page
    svg = viewer.get(url(site.ubuntu)).content.decode()
    assert svg.count('<rect class="loads"') == 3
    assert "<title>5:00 to 6:00 min: 3</title>" in svg
    assert 'aria-label="Histogram of 5 loads' in svg
    assert 'style="' not in svg


def test_late_loads_are_named(viewer: Client, site: Site) -> None:
    log(site.ubuntu, *[200] * 1999, 1700)
    page = text(viewer, url(site.ubuntu))
    assert "1 of 2,000 loads took longer than planned; all others fit the plan" in page
    assert "each load has 13 min 20 s" in page
    assert "late from 13:20" in page


@pytest.mark.parametrize(
    ("stuck", "level", "words"),
    [
        (0, "good", "Loads fit the plan"),
        (5, "good", "Loads fit the plan"),
        (6, "watch", "Too many loads took longer than planned"),
    ],
)
def test_as_many_loads_may_take_longer_as_the_target_allows(
    viewer: Client, site: Site, stuck: int, level: str, words: str
) -> None:
    log(site.ubuntu, *[300, 400] * 50, *[2000] * stuck)  # half of them took longer than the mean, as is usual
    page = viewer.get(url(site.ubuntu)).content.decode()
    assert f'<span class="signal {level}">{words}</span>' in page
    assert f'<section class="card answer {level}">' in page


def test_there_is_a_file_where_something_is_in_it(viewer: Client, site: Site) -> None:
    assert "Export as CSV" not in text(viewer, url(site.ubuntu))
    log(site.ubuntu, None, ending="failed")
    assert "Export as CSV" in text(viewer, url(site.ubuntu))


def test_without_loads_the_images_own_time_is_used(viewer: Client, site: Site) -> None:
    page = text(viewer, url(site.ubuntu))
    assert (
        "Reloads are planned with 10 min : there are no loads to learn from, so this is the image’s own reload" in page
    )
    assert '<svg class="histogram' not in viewer.get(url(site.ubuntu)).content.decode()
    log(site.ubuntu, 30)
    assert "1 took 2 minutes or less" in text(viewer, url(site.ubuntu))


def test_names_may_hold_anything(viewer: Client, site: Site) -> None:
    Image.objects.filter(pk=site.ubuntu.pk).update(prettyname="<script>alert(1)</script>")
    log(site.ubuntu, 300)
    assert "<script>alert" not in viewer.get(url(site.ubuntu)).content.decode()


def test_who_may_see_it(client: Client, viewer: Client, site: Site) -> None:
    assert viewer.get(reverse("admin:load_times", args=[999_999])).status_code == 404
    assert viewer.post(url(site.ubuntu)).status_code == 405
    image_page = viewer.get(reverse("admin:blockalloc_image_change", args=[site.ubuntu.pk])).content.decode()
    assert f'href="{url(site.ubuntu)}"' in image_page
    client.force_login(StaffUser.objects.create_user("other", is_staff=True))
    assert client.get(url(site.ubuntu)).status_code == 403


def test_queries_do_not_grow(viewer: Client, site: Site) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            viewer.get(url(site.ubuntu))
        return len(queries)

    log(site.ubuntu, 300)
    count()
    before = count()
    log(site.ubuntu, *range(100, 2000, 7))
    assert count() == before
    assert before < 10
    assert Log.objects.count() > 200
