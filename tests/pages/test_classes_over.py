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

from blockalloc.models import ClassHeld, Decision
from tests.support.cards import cards
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


def test_today_shows_a_class_that_is_over_with_how_it_was(viewer: Client, site: Site) -> None:
    closing_row(901, "CS101")
    assert cards(viewer) == {
        "CS101": "08:00–10:00 CS101 CS101@NCSU · Ubuntu 22.04 · 11 of 12 machines allocated "
        "Over 10 of 12 machines ready at the start, 11 five minutes later; "
        "9 computers used at the peak, 7.2 in the mean"
    }
    assert "1 class today" in text(viewer, TODAY)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"ready_after_five": 10}, "Over 10 of 12 machines ready at the start; 9 computers"),
        ({"ready_at_start": None}, "Over 11 of 12 machines ready five minutes after the start; 9 computers"),
        ({"ready_at_start": None, "ready_after_five": None}, "Over 9 computers used at the peak"),
        ({"used_at_peak": 1, "used_in_the_mean": 0.5}, "; 1 computer used at the peak, 0.5 in the mean"),
        ({"used_at_peak": 0, "used_in_the_mean": 0.0}, "later; nobody used it."),
        ({"used_at_peak": None, "used_in_the_mean": None}, "11 five minutes later."),
    ],
)
def test_words(viewer: Client, site: Site, values: dict[str, Any], words: str) -> None:
    closing_row(901, "CS101", **values)
    assert words in f"{cards(viewer)['CS101']}."


def test_it_leads_to_the_decisions_which_outlive_it(viewer: Client, site: Site) -> None:
    closing_row(901, "CS101")
    assert f'<a href="{list_url("decision", block_time=901)}">CS101</a>' in viewer.get(TODAY).content.decode()
    assert viewer.get(list_url("decision", block_time=901)).status_code == 200


def test_who_may_not_see_decisions_gets_no_link(client: Client, site: Site) -> None:
    user = StaffUser.objects.create_user("other", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_blocktime"))
    client.force_login(user)
    closing_row(901, "CS101")
    assert "<h3>CS101</h3>" in client.get(TODAY).content.decode()


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
    assert cards(viewer)["CS101"].startswith("Ready 11:00–13:00 CS101")
    assert "at the start" not in text(viewer, TODAY)


def test_one_that_was_skipped_while_it_was_on_is_shown_as_skipped(viewer: Client, site: Site) -> None:
    time = site.time(site.request("CS101", site.ubuntu, None, 1), NOW - 4 * HOUR, skip=1)
    closing_row(time.pk, "CS101")
    assert cards(viewer)["CS101"].endswith("Skipped")


def test_order_and_days(viewer: Client, site: Site) -> None:
    site.time(site.request("to come", site.ubuntu, None, 1), NOW + HOUR)
    site.time(site.request("over, still there", site.ubuntu, None, 1), NOW - 5 * HOUR)
    closing_row(901, "over second")
    closing_row(902, "over first", NOW - 6 * HOUR)
    closing_row(903, "yesterday", NOW - DAY)
    closing_row(904, "last week", NOW - 7 * DAY)
    assert [*cards(viewer)] == ["to come", "over first", "over, still there", "over second"]
    assert "1 at risk next in 1 h 4 classes today" in text(viewer, TODAY)
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
    viewer.get(url)  # what a process remembers for some minutes is read once
    counts = []
    for number in (1, 30):
        for each in range(number):
            closing_row(1000 * number + each, f"class {each}")
        viewer.get(url)  # so that old loads are known
        with CaptureQueriesContext(connection) as queries:
            viewer.get(url)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_names_are_escaped(viewer: Client, site: Site) -> None:
    closing_row(901, "<script>alert(1)</script>")
    assert "<script>alert" not in viewer.get(TODAY).content.decode()


# --- Without a closing row ------------------------------------------------------------------------
def decision(key: int, name: str, action: str = Decision.ALLOCATE, **values: Any) -> Decision:
    """A call about a class that was from 8 to 10, at 2 o'clock."""
    usual: dict[str, Any] = {"outcome": "success", "wanted": 12, "had": 0, "allocated": 12}
    if action in (Decision.RELEASE, Decision.SKIP, Decision.UNSKIP):
        usual |= {"outcome": Decision.DONE, "had": None, "allocated": None, "person": "anna@NCSU"}
    usual |= {"block_start": NOW - 4 * HOUR, "block_end": NOW - 2 * HOUR, "started": NOW - 10 * HOUR, "duration": 1}
    usual |= {"user_group": f"{name}@NCSU", "image_name": "Ubuntu 22.04", "affiliation_id": 1}
    return Decision.objects.create(block_time_id=key, block_name=name, action=action, **{**usual, **values})


def test_without_a_closing_row_today_says_what_the_decisions_tell(viewer: Client, site: Site) -> None:
    decision(901, "CS101")
    line = "CS101 CS101@NCSU · Ubuntu 22.04 Over 12 of 12 machines allocated, nobody counted"
    assert cards(viewer) == {"CS101": f"08:00–10:00 {line}"}
    assert f'<a href="{list_url("decision", block_time=901)}">CS101</a>' in viewer.get(TODAY).content.decode()


@pytest.mark.parametrize(
    ("actions", "words"),
    [
        ([{"allocated": 7, "outcome": "warning"}], "Over 7 of 12 machines allocated, nobody counted"),
        ([{"wanted": None}], "Over 12 machines allocated, nobody counted"),
        ([{"wanted": 1, "allocated": 1}], "Over 1 of 1 machine allocated, nobody counted"),
        ([{}, {"action": Decision.KEEP_READY, "allocated": 11}], "Over 11 of 12 machines allocated"),
        ([{}, {"action": Decision.KEEP_READY, "allocated": None}], "Over 12 of 12 machines allocated"),
        ([{"allocated": 7}, {"outcome": Decision.REFUSED, "allocated": None}], "Over 7 of 12 machines allocated"),
        ([{"outcome": Decision.REFUSED, "allocated": None}], "Over asked for in vain, nobody counted"),
        ([{}, {"action": Decision.RELEASE}], "Over released by anna@NCSU at 02:00."),
        ([{}, {"action": Decision.SKIP}], "Skipped by anna@NCSU at 02:00."),
        ([{"action": Decision.SKIP}, {"action": Decision.UNSKIP}], "Over not asked for again after it was skipped"),
        ([{"action": Decision.RELEASE}, {"allocated": 5}], "Over 5 of 12 machines allocated"),
    ],
)
def test_words_of_decisions(viewer: Client, site: Site, actions: list[dict[str, Any]], words: str) -> None:
    for values in actions:
        decision(901, "CS101", **values)
    (line,) = cards(viewer).values()
    assert words in f"{line}."
    assert line.startswith("08:00–10:00")
    assert ("No classes" in text(viewer, TODAY)) == words.startswith("Skipped")


def test_dry_runs_are_no_class(viewer: Client, site: Site) -> None:
    decision(901, "CS101", Decision.DRY_RUN)
    decision(902, "CS102", Decision.HOLDING)
    assert "08:00–10:00" not in text(viewer, TODAY)


def test_a_class_that_is_on_or_to_come_is_not_over(viewer: Client, site: Site) -> None:
    decision(901, "on", block_start=NOW - HOUR, block_end=NOW + HOUR)
    decision(902, "to come", block_start=NOW + HOUR, block_end=NOW + 2 * HOUR)
    assert "nobody counted" not in text(viewer, TODAY)


def test_a_class_that_was_moved_is_shown_where_it_is(viewer: Client, site: Site) -> None:
    time = site.time(site.request("moved in VCL", site.ubuntu, None, 1), NOW + DAY)
    decision(time.pk, "moved in VCL")
    decision(902, "moved")
    decision(902, "moved", block_start=NOW + 3 * DAY, block_end=NOW + 3 * DAY + HOUR)
    decision(903, "not moved")
    assert [*cards(viewer)] == ["not moved"]
    assert cards(viewer)["not moved"].endswith("nobody counted")
    assert "nobody counted 08:00–10:00 moved" not in text(viewer, WEEK)


def test_a_class_whose_rows_are_there_is_told_of_once(viewer: Client, site: Site) -> None:
    over = site.time(site.request("CS101", site.ubuntu, None, 12), NOW - 4 * HOUR, processed=1)
    skipped = site.time(site.request("CS102", site.ubuntu, None, 12), NOW - 4 * HOUR, skip=1)
    decision(over.pk, "CS101")
    decision(skipped.pk, "CS102", Decision.SKIP)
    found = cards(viewer)
    assert [*found] == ["CS101", "CS102"]
    assert found["CS101"].endswith("Over 12 of 12 machines allocated, nobody counted")
    assert found["CS102"].endswith("Skipped by anna@NCSU at 02:00")
    assert text(viewer, TODAY).count("CS101 ") == text(viewer, TODAY).count("CS102 ") == 1
    assert f'<a href="{page_url("blocktime", over.pk)}">CS101</a>' in viewer.get(TODAY).content.decode()


@pytest.mark.parametrize(("action", "word"), [(Decision.RELEASE, "released"), (Decision.SKIP, "skipped")])
def test_a_closing_row_is_told_with_who_took_the_computers(viewer: Client, site: Site, action: str, word: str) -> None:
    closing_row(901, "CS101")
    decision(901, "CS101")
    assert "Over 10 of 12 machines ready at the start" in text(viewer, TODAY)
    decision(901, "CS101", action, started=NOW - 3 * HOUR)
    assert f"Over {word} by anna@NCSU at 09:00; 10 of 12 machines ready at the start" in text(viewer, TODAY)


def test_past_days_of_the_week_are_in_order(viewer: Client, site: Site) -> None:
    closing_row(901, "closed", NOW - DAY - 3 * HOUR)
    for key, hours in ((902, 5), (903, 2)):
        start = NOW - DAY - hours * HOUR
        decision(key, f"told {key}", block_start=start, block_end=start + HOUR)
    page = text(viewer, WEEK)
    places = [page.index(name) for name in ("Tuesday", "told 902", "closed", "told 903", "Today, Wednesday")]
    assert places == sorted(places)
    assert "Tuesday 24 Nov 3 classes" in page


@pytest.mark.parametrize("url", [TODAY, WEEK])
def test_only_decisions_within_the_scope(viewer: Client, site: Site, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    decision(901, "ours", affiliation_id=7)
    decision(902, "theirs", affiliation_id=8)
    decision(903, "nobodys", affiliation_id=None)
    limit_to(7, monkeypatch)
    page = text(viewer, url)
    assert " ours " in page
    assert "theirs" not in page
    assert "nobodys" not in page


@pytest.mark.parametrize("url", [TODAY, WEEK])
def test_queries_do_not_grow_with_decisions(viewer: Client, site: Site, url: str) -> None:
    viewer.get(url)
    counts = []
    for number in (1, 30):
        for each in range(number):
            decision(1000 * number + each, f"class {each}")
        viewer.get(url)  # so that old loads are known
        with CaptureQueriesContext(connection) as queries:
            viewer.get(url)
        counts.append(len(queries))
    assert counts[0] == counts[1] < 13
