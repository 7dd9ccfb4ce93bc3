"""The pages for the person on duty: what is at risk today, and this week."""

import re
from datetime import datetime

import pytest
from django.contrib.auth.models import User as StaffUser
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from blockalloc.models import Affiliation, BlockRequest, BlockTime, Request, User
from scheduling.what_happened import NO_RECORD
from tests.support.scoped import limit_to
from tests.support.sites.staff_site import DAY, HOUR, NEW_YORK, NOW, Site, page_url, text
from tests.support.week_page import blocks_of_week

pytestmark = pytest.mark.django_db

TODAY, WEEK = reverse("admin:today"), reverse("admin:week")


def blocks(client: Client, url: str) -> list[str]:
    """The blocks of the page, in its order."""
    return re.findall(r'<th scope="row"><a [^>]*>([^<]*)</a>', client.get(url).content.decode())


def add(site: Site, name: str, start: datetime, computers: int = 1, **values: object) -> BlockTime:
    """A block of one machine; its computers have the image loaded."""
    time = site.time(site.request(name, site.ubuntu, None, 1), start, **{"processed": 1, **values})
    site.hold(time, *(site.computer(f"{name}-{number}", site.ubuntu) for number in range(computers)))
    return time


@pytest.fixture
def day(site: Site) -> None:
    """One of each kind. It is noon."""
    add(site, "over", NOW - 4 * HOUR)
    add(site, "skipped", NOW + HOUR, skip=1)
    add(site, "ready", NOW + 2 * HOUR)
    add(site, "on", NOW - HOUR)
    add(site, "watched", NOW + 5 * HOUR, computers=0, processed=0)
    add(site, "late risk", NOW + 3 * HOUR, computers=0)
    add(site, "risk", NOW + HOUR / 2, computers=0)
    add(site, "later", NOW + 9 * HOUR, computers=0, processed=0)
    add(site, "tomorrow", NOW + DAY)
    add(site, "yesterday", NOW - DAY)


def test_those_at_risk_come_first_and_what_is_over_last(viewer: Client, day: None) -> None:
    expected = ["risk", "late risk", "watched", "on", "ready", "later", "over", "skipped"]
    assert blocks(viewer, TODAY) == expected


def test_the_overview(viewer: Client, day: None) -> None:
    page = text(viewer, TODAY)
    assert "Today, Wednesday 25 Nov" in page
    assert (
        "7 classes today, 2 at risk, 1 to watch, 1 of the later ones not checked, 1 on now, next in 30 min. "
        "Updated 12:00:00 ."
    ) in page


def test_a_line_tells_the_figures_and_leads_to_the_block_time(viewer: Client, site: Site, cs101: BlockTime) -> None:
    BlockTime.objects.update(start=NOW + HOUR, end=NOW + 3 * HOUR)
    Request.objects.update(start=NOW + HOUR / 2)
    page = text(viewer, TODAY)
    line = "13:00–15:00 CS101 CS101@Local Ubuntu 22.04 2 2 1 1 0 1 0 0 starts in 1 h"
    assert f"On track 1 of 2 machines ready, all by 12:40 {line}" in page
    assert page_url("blocktime", cs101.pk) in viewer.get(TODAY).content.decode()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("over", "Over 08:00–10:00 over – Ubuntu 22.04 1 1 1 1 0 0 0 0 –"),
        ("skipped", "Skipped 13:00–15:00 skipped – Ubuntu 22.04 1 1 1 1 0 0 0 0 –"),
        ("later", "Later not processed yet, begins in 9 h 21:00–23:00 later"),
        ("on", "Ready the machine is ready 11:00–13:00 on – Ubuntu 22.04 1 1 1 1 0 0 0 0 on, ends in 1 h"),
        ("watched", "Watch never asked for, begins in 5 h What would help 17:00–19:00"),
        ("risk", f"At risk no computers, begins in 30 min: {NO_RECORD} What would help 12:30–14:30"),
    ],
)
def test_signals_in_words(viewer: Client, day: None, name: str, words: str) -> None:
    assert words in text(viewer, TODAY)


def test_what_began_yesterday_and_is_on_is_shown_and_refused_requests_are_not(viewer: Client, site: Site) -> None:
    time = add(site, "all night", NOW - 20 * HOUR)
    BlockTime.objects.filter(pk=time.pk).update(end=NOW + HOUR)
    for status in ("rejected", "deleted", "requested"):
        request = site.request(status, site.ubuntu, None, 1, status=status)
        site.time(request, NOW + HOUR)
    assert blocks(viewer, TODAY) == ["all night", "requested"]
    page = text(viewer, TODAY)
    assert "1 class today, none at risk, 1 on now." in page
    assert "Ready the machine is ready Tue 16:00–13:00 all night" in page
    assert "Request requested 13:00–15:00 requested" in page


def test_the_ends_of_the_day_are_those_of_the_site(viewer: Client, site: Site) -> None:
    add(site, "first", datetime(2026, 11, 25, 0, 0, tzinfo=NEW_YORK))
    add(site, "last", datetime(2026, 11, 25, 23, 59, tzinfo=NEW_YORK))
    add(site, "before", datetime(2026, 11, 24, 22, 0, tzinfo=NEW_YORK))
    add(site, "after", datetime(2026, 11, 26, 0, 0, tzinfo=NEW_YORK))
    assert sorted(blocks(viewer, TODAY)) == ["first", "last"]


def test_a_day_without_classes(viewer: Client, site: Site) -> None:
    assert "No classes today." in text(viewer, TODAY)
    assert "No classes." in text(viewer, WEEK)


# --- The week -----------------------------------------------------------------------------------


def test_the_week_goes_by_days(viewer: Client, day: None) -> None:
    page = text(viewer, WEEK)
    assert "Week of Monday 23 Nov" in page
    order = ["Tuesday 24 Nov", "yesterday", "Today, Wednesday 25 Nov", "risk", "Thursday 26 Nov", "tomorrow", "Sunday"]
    places = [page.index(f" {word} ") for word in order]
    assert places == sorted(places)
    assert "Tuesday 24 Nov 1 class, over." in page
    assert "Thursday 26 Nov 1 class, not checked." in page


@pytest.mark.parametrize(
    ("asked", "monday"),
    [
        ("2026-11-30", "Monday 30 Nov"),
        ("2026-12-06", "Monday 30 Nov"),
        ("2027-01-01", "Monday 28 Dec"),
        ("2027-01-04", "Monday 4 Jan 2027"),
        ("", "Monday 23 Nov"),
        ("nonsense", "Monday 23 Nov"),
        ("9999-12-31", "Monday 23 Nov"),
        ("0001-01-01", "Monday 23 Nov"),
    ],
)
def test_weeks_are_paged(viewer: Client, site: Site, asked: str, monday: str) -> None:
    assert f"Week of {monday}" in text(viewer, f"{WEEK}?from={asked}")


def test_links_lead_to_the_weeks_beside(viewer: Client, cs101: BlockTime) -> None:
    page = viewer.get(WEEK).content.decode()
    assert 'href="?from=2026-11-16"' in page
    assert 'href="?from=2026-11-30"' in page
    assert [each.name for each in blocks_of_week(viewer, f"{WEEK}?from=2026-11-30")] == ["CS101"]
    assert blocks_of_week(viewer, WEEK) == []


# --- Who, how often, at what cost ---------------------------------------------------------------


@pytest.mark.parametrize("name", ["today", "week", "feeds"])
def test_pages_want_the_permission_to_view_block_times(client: Client, site: Site, name: str) -> None:
    url = reverse(f"admin:{name}")
    assert client.get(url).status_code == 302  # to the sign-in page
    client.force_login(StaffUser.objects.create_user("other", is_staff=True))
    assert client.get(url).status_code == 403
    assert url not in client.get(reverse("admin:index")).content.decode()


def test_the_menu_begins_with_them(viewer: Client, site: Site) -> None:
    menu = text(viewer, TODAY)
    assert menu.index("Today This week Timeline Classes") < menu.index("Calendars")


@pytest.mark.parametrize("url", [TODAY, WEEK])
def test_pages_see_to_it_that_they_are_not_old(viewer: Client, site: Site, url: str) -> None:
    answer = viewer.get(url)
    assert '<noscript><meta http-equiv="refresh" content="30"></noscript>' in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize("url", [TODAY, WEEK])
def test_queries_do_not_grow(viewer: Client, site: Site, url: str) -> None:
    counts = []
    for number in (1, 7):
        for each in range(number):
            add(site, f"block{number}-{each}", NOW + HOUR, computers=each + 1)
        viewer.get(url)
        with CaptureQueriesContext(connection) as queries:
            viewer.get(url)
        counts.append(len(queries))
    assert counts[0] == counts[1] < {TODAY: 14, WEEK: 17}[url]


@pytest.mark.parametrize("url", [TODAY, WEEK])
def test_only_blocks_within_the_scope(viewer: Client, site: Site, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    other = Affiliation.objects.create(name="Other")
    owner = User.objects.create(unityid="teacher", affiliation=other)
    add(site, "theirs", NOW + HOUR)
    add(site, "ours", NOW + HOUR)
    BlockRequest.objects.filter(name="ours").update(owner=owner)
    limit_to(other.pk, monkeypatch)
    assert (blocks(viewer, url) or [each.name for each in blocks_of_week(viewer, url)]) == ["ours"]


def test_names_are_escaped(viewer: Client, site: Site) -> None:
    evil = '"><script>alert(1)</script>'
    add(site, evil[:30], NOW + HOUR)
    assert "<script>alert" not in viewer.get(TODAY).content.decode()
