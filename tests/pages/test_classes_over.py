"""The pages for the person on duty go on showing classes of which VCL has removed the rows."""

from datetime import datetime
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.contrib.auth.models import User as StaffUser
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from blockalloc.models import ClassHeld
from tests.support.scoped import limit_to
from tests.support.sites.staff_site import DAY, HOUR, NOW, Site, list_url, page_url, text

pytestmark = pytest.mark.django_db

TODAY, WEEK = reverse("admin:today"), reverse("admin:week")


def closing_row(key: int, name: str, start: datetime = NOW - 4 * HOUR, **values: Any) -> ClassHeld:
    """The closing row of a class of two hours for twelve machines."""
    usual: dict[str, Any] = {
        "block_request_id": 1,
        "image_id": 1,
        "image_name": "Ubuntu 22.04",
        "wanted": 12,
        "had": 11,
    }
    usual |= {"user_group": f"{name}@NCSU", "owner": "odette@NCSU", "affiliation_id": 1, "end": start + 2 * HOUR}
    usual |= {"ready_at_start": 10, "ready_after_five": 11, "used_at_peak": 9, "used_in_the_mean": 7.25, "closed": True}
    return ClassHeld.objects.create(block_time_id=key, block_name=name, start=start, **{**usual, **values})


@pytest.mark.parametrize("url", [TODAY, WEEK])
def test_a_class_that_is_over_is_shown_with_how_it_was(viewer: Client, site: Site, url: str) -> None:
    closing_row(901, "CS101")
    line = (
        "Over 10 of 12 machines ready at the start, 11 five minutes later; "
        "9 computers used at the peak, 7.2 in the mean 08:00–10:00 CS101 CS101@NCSU Ubuntu 22.04 12 11 – – – – – –"
    )
    page = text(viewer, url)
    assert line in page
    assert "1 class" in page


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"ready_after_five": 10}, "Over 10 of 12 machines ready at the start; 9 computers"),
        ({"ready_at_start": None}, "Over 11 of 12 machines ready five minutes after the start; 9 computers"),
        ({"ready_at_start": None, "ready_after_five": None}, "Over 9 computers used at the peak"),
        ({"used_at_peak": 1, "used_in_the_mean": 0.5}, "; 1 computer used at the peak, 0.5 in the mean"),
        ({"used_at_peak": 0, "used_in_the_mean": 0.0}, "later; nobody used it 08:00"),
        ({"used_at_peak": None, "used_in_the_mean": None}, "11 five minutes later 08:00"),
    ],
)
def test_words(viewer: Client, site: Site, values: dict[str, Any], words: str) -> None:
    closing_row(901, "CS101", **values)
    assert words in text(viewer, TODAY)


def test_it_leads_to_the_decisions_which_outlive_it(viewer: Client, site: Site) -> None:
    closing_row(901, "CS101")
    assert f'<a href="{list_url("decision", block_time=901)}">CS101</a>' in viewer.get(TODAY).content.decode()
    assert viewer.get(list_url("decision", block_time=901)).status_code == 200


def test_who_may_not_see_decisions_gets_no_link(client: Client, site: Site) -> None:
    user = StaffUser.objects.create_user("other", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_blocktime"))
    client.force_login(user)
    closing_row(901, "CS101")
    assert '<th scope="row">CS101</th>' in client.get(TODAY).content.decode()


def test_a_class_whose_rows_are_still_there_is_shown_once(viewer: Client, site: Site) -> None:
    time = site.time(site.request("CS101", site.ubuntu, None, 12), NOW - 4 * HOUR, processed=1)
    closing_row(time.pk, "CS101")
    page = viewer.get(TODAY).content.decode()
    assert page.count("CS101</a>") == 1
    assert f'<a href="{page_url("blocktime", time.pk)}">CS101</a>' in page
    assert "10 of 12 machines ready at the start" in text(viewer, TODAY)


def test_a_class_that_is_on_is_shown_as_it_is(viewer: Client, site: Site) -> None:
    time = site.time(site.request("CS101", site.ubuntu, None, 1), NOW - HOUR, processed=1)
    site.hold(time, site.computer("pc", site.ubuntu))
    closing_row(time.pk, "CS101", NOW - HOUR, used_at_peak=None, closed=False)
    assert "Ready the machine is ready 11:00–13:00 CS101" in text(viewer, TODAY)
    assert "at the start" not in text(viewer, TODAY)


def test_one_that_was_skipped_while_it_was_on_is_shown_as_skipped(viewer: Client, site: Site) -> None:
    time = site.time(site.request("CS101", site.ubuntu, None, 1), NOW - 4 * HOUR, skip=1)
    closing_row(time.pk, "CS101")
    assert "Skipped 08:00–10:00 CS101" in text(viewer, TODAY)


def test_order_and_days(viewer: Client, site: Site) -> None:
    site.time(site.request("to come", site.ubuntu, None, 1), NOW + HOUR)
    site.time(site.request("over, still there", site.ubuntu, None, 1), NOW - 5 * HOUR)
    closing_row(901, "over second")
    closing_row(902, "over first", NOW - 6 * HOUR)
    closing_row(903, "yesterday", NOW - DAY)
    closing_row(904, "last week", NOW - 7 * DAY)
    page = text(viewer, TODAY)
    places = [page.index(f" {name} ") for name in ("to come", "over first", "over, still there", "over second")]
    assert places == sorted(places)
    assert "4 classes today, 1 at risk" in page
    assert " yesterday " not in page
    week = text(viewer, WEEK)
    assert week.index(" yesterday ") < week.index("Today, Wednesday")
    assert "last week" not in week
    assert "last week" in text(viewer, f"{WEEK}?from=2026-11-16")


@pytest.mark.parametrize("url", [TODAY, WEEK])
def test_only_classes_within_the_scope(viewer: Client, site: Site, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    closing_row(901, "ours", affiliation_id=7)
    closing_row(902, "theirs", affiliation_id=8)
    closing_row(903, "nobody's", affiliation_id=None)
    limit_to(7, monkeypatch)
    page = text(viewer, url)
    assert " ours " in page
    assert "theirs" not in page
    assert "nobody" not in page.replace("nobody used", "")


@pytest.mark.parametrize("url", [TODAY, WEEK])
def test_queries_do_not_grow(viewer: Client, site: Site, url: str) -> None:
    counts = []
    for number in (1, 30):
        for each in range(number):
            closing_row(1000 * number + each, f"class {each}")
        with CaptureQueriesContext(connection) as queries:
            viewer.get(url)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_names_are_escaped(viewer: Client, site: Site) -> None:
    closing_row(901, "<script>alert(1)</script>")
    assert "<script>alert" not in viewer.get(TODAY).content.decode()
