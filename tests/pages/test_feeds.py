"""Calendars: what they tell, and who may read them."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.urls.base import get_script_prefix, set_script_prefix
from icalendar import Calendar, Event

from blockalloc.models import Affiliation, BlockRequest, BlockTime, User
from scheduling.what_happened import NO_RECORD
from tests.support.scoped import limit_to
from tests.support.sites.kept_forecast import forecast_run, foresee
from tests.support.sites.staff_site import DAY, HOUR, LOCAL, MONDAY, NOW, Site, page_url

pytestmark = pytest.mark.django_db

PAGE = reverse("admin:feeds")


def links(client: Client) -> dict[str, str]:
    """Addresses for all that the page offers, made there, by what they are called."""
    made = {line.feed.name for line in client.get(PAGE, HTTP_HOST="testserver").context["feeds"]}
    for key, name in client.get(PAGE, HTTP_HOST="testserver").context["form"].fields["group"].choices:
        if name not in made:
            assert client.post(PAGE, {"name": name, "group": key}, HTTP_HOST="testserver").status_code == 302
    page = client.get(PAGE, HTTP_HOST="testserver")
    return {line.feed.name: line.https for line in page.context["feeds"]}


def calendar(client: Client, url: str) -> Calendar:
    answer = client.get(url, HTTP_HOST="testserver")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/calendar; charset=utf-8"
    found = Calendar.from_ical(answer.content)
    assert isinstance(found, Calendar)
    return found


def events(client: Client, url: str) -> dict[str, Event]:
    """The events by the name of their block."""
    return {str(event["SUMMARY"]).partition(":")[0]: event for event in calendar(client, url).events}


def test_an_event_says_how_ready_the_class_is(viewer: Client, client: Client, site: Site, cs101: BlockTime) -> None:
    BlockRequest.objects.update(numMachines=3)
    (event,) = calendar(client, links(viewer)["All classes"]).events
    assert event["SUMMARY"] == "CS101: 0/3 ready"  # days ahead: others may still use what is loaded now
    assert event["UID"] == f"blocktime-{cs101.pk}@testserver"
    assert event.start == datetime(2026, 11, 30, 14, 0, tzinfo=UTC)  # 9:00 in New York
    assert event.end == datetime(2026, 11, 30, 16, 0, tzinfo=UTC)
    assert event.stamp == NOW.astimezone(UTC)
    assert event["STATUS"] == "CONFIRMED"
    assert event["URL"] == f"https://testserver{page_url('blocktime', cs101.pk)}"
    assert event["DESCRIPTION"] == f"Image: Ubuntu 22.04\nUser group: CS101@Local\n1 of 3 machines missing: {NO_RECORD}"
    assert "LOCATION" not in event


def test_the_calendar_says_when_to_ask_again(viewer: Client, site: Site, cs101: BlockTime) -> None:
    address = links(viewer)["All classes"]
    found = calendar(viewer, address)
    assert found.refresh_interval == timedelta(minutes=15)
    assert found.prodid.startswith("-//Block allocations")
    raw = viewer.get(address).content.decode()
    for line in ("REFRESH-INTERVAL;VALUE=DURATION:PT15M", "X-PUBLISHED-TTL:PT15M", "DTSTART:20261130T140000Z"):
        assert f"{line}\r\n" in raw
    assert max(len(line) for line in raw.encode().split(b"\r\n")) <= 75


def test_texts_that_are_kept_tell_when_they_were_asked_for(viewer: Client, site: Site, cs101: BlockTime) -> None:
    address = links(viewer)["All classes"]
    before = viewer.get(address).content.decode()
    with time_machine.travel(NOW + timedelta(minutes=7), tick=False):
        after = viewer.get(address).content.decode()
    assert before.count("DTSTAMP:20261125T170000Z\r\n") == 1
    assert before.replace("DTSTAMP:20261125T170000Z", "DTSTAMP:20261125T170700Z") == after


def test_skipped_ones_are_cancelled_and_keep_their_id(viewer: Client, site: Site, cs101: BlockTime) -> None:
    address = links(viewer)["All classes"]
    before = events(viewer, address)["CS101"]["UID"]
    BlockTime.objects.update(skip=1)
    event = events(viewer, address)["CS101"]
    assert (event["STATUS"], event["SUMMARY"], event["UID"]) == ("CANCELLED", "CS101: skipped", before)


def test_which_block_times_are_shown(viewer: Client, site: Site) -> None:
    starts = {
        "to come": NOW + 200 * DAY,
        "on": NOW - HOUR,
        "over": NOW - 28 * DAY,
        "long over": NOW - 28 * DAY - 3 * HOUR,
    }
    for name, start in starts.items():
        site.time(site.request(name, site.ubuntu, None, 1), start)
    for status in ("requested", "rejected", "deleted", "completed"):
        site.time(site.request(status, site.ubuntu, None, 1, status=status), MONDAY)
    found = events(viewer, links(viewer)["All classes"])
    assert set(found) == {"to come", "on", "over"}
    assert found["over"]["SUMMARY"] == "over"  # nothing about it is ready or not any more
    assert found["on"]["SUMMARY"] == "on: 0/1 ready"


def test_texts_are_escaped_and_stay_what_they_are(viewer: Client, site: Site) -> None:
    name = "Café; labs, \\ üben\nBEGIN:VEVENT" + "x" * 40
    site.time(site.request(name, site.ubuntu, site.group("Größe"), 1), MONDAY)
    (event,) = calendar(viewer, links(viewer)["All classes"]).events
    assert event["SUMMARY"] == f"{name}: 0/1 ready"


# --- Addresses ----------------------------------------------------------------------------------


def test_a_group_has_its_own_calendar(viewer: Client, client: Client, site: Site, cs101: BlockTime) -> None:
    site.class_("Math", MONDAY + DAY)
    found = links(viewer)
    assert list(found) == ["All classes", "CS101@Local", "Math@Local"]
    assert set(events(client, found["Math@Local"])) == {"Math"}
    assert calendar(client, found["Math@Local"]).calendar_name == "Classes of Math@Local"
    assert set(events(client, found["All classes"])) == {"CS101", "Math"}


def test_nobody_signs_in_and_nothing_is_set(viewer: Client, site: Site, cs101: BlockTime) -> None:
    from tests.support.https_client import Browser

    answer = Browser().get(links(viewer)["All classes"])
    assert answer.status_code == 200
    assert not answer.cookies
    assert Browser().post(links(viewer)["All classes"]).status_code == 405


def test_a_scope_goes_with_the_address(
    viewer: Client, client: Client, site: Site, cs101: BlockTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An account that sees only the blocks of one affiliation has a calendar of those, for every reader."""
    other = Affiliation.objects.create(name="Other")
    site.class_("Math")
    owner = User.objects.create(unityid="teacher", affiliation=other)
    BlockRequest.objects.filter(name="Math").update(owner=owner)
    limit_to(other.pk, monkeypatch)
    found = links(viewer)
    assert list(found) == ["All classes", "Math@Local"]
    monkeypatch.undo()
    assert set(events(client, found["All classes"])) == {"Math"}
    limit_to(LOCAL, monkeypatch)
    assert set(events(client, links(viewer)["CS101@Local"])) == {"CS101"}
    # A group of both: each sees its own.
    BlockRequest.objects.filter(name="Math").update(group=cs101.blockRequest.group_id)
    assert set(events(client, links(viewer)["CS101@Local"])) == {"CS101"}


def test_an_entry_says_that_its_class_will_be_short_and_not_why(viewer: Client, site: Site, cs101: BlockTime) -> None:
    """Everybody may have the address: the reason may name people, and classes of others."""
    forecast_run()
    exam = site.time(site.request("Exam", site.ubuntu, None, 50), MONDAY)
    foresee(exam, 48, "anna@Local has 2 of the computers")
    foresee(cs101, 1, "asked for long ago")
    served = site.time(site.request("Served", site.ubuntu, None, 5), MONDAY)
    foresee(served, 5)
    found = events(viewer, links(viewer)["All classes"])
    assert str(found["Exam"]["summary"]) == "Exam: 48 of 50 foreseen"
    assert "48 of 50 machines foreseen" in str(found["Exam"]["description"])
    assert "anna" not in str(found["Exam"]["description"])
    assert str(found["CS101"]["summary"]) == "CS101: 0/2 ready"
    assert str(found["Served"]["summary"]) == "Served: 0/5 ready"
    forecast_run(checked=NOW - HOUR)
    assert str(events(viewer, links(viewer)["All classes"])["Exam"]["summary"]) == "Exam: 0/50 ready"


def test_queries_do_not_grow(viewer: Client, site: Site, cs101: BlockTime) -> None:
    counts = []
    for number in (1, 5):
        for each in range(number):
            site.class_(f"Class {number}-{each}", NOW + HOUR, computers=each + 1)
        found = links(viewer)
        for url in (found["All classes"], found["CS101@Local"], PAGE):
            viewer.get(url)
            with CaptureQueriesContext(connection) as queries:
                viewer.get(url)
            counts.append(len(queries))
    assert counts[:3] == counts[3:]
    assert max(counts) < 12


def test_the_address_of_a_page_below_a_path_with_digits(viewer: Client, site: Site, cs101: BlockTime) -> None:
    address = links(viewer)["All classes"]
    usual = get_script_prefix()
    set_script_prefix("/vcl0/")
    try:
        (event,) = calendar(viewer, address).events
    finally:
        set_script_prefix(usual)
    assert event["URL"] == f"https://testserver/vcl0{page_url('blocktime', cs101.pk)}"
