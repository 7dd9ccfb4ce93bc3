"""Addresses of calendars: made, found and revoked one by one; what was signed before 0.4 goes on until then."""

import logging
import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Permission
from django.contrib.auth.models import User as StaffUser
from django.core import signing
from django.db import DatabaseError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext, override_settings
from django.urls import reverse
from icalendar import Calendar

from blockalloc.models import Affiliation, BlockRequest, BlockTime, CalendarFeed, User
from blockalloc.pages.feeds import Contents
from tests.support.scoped import limit_to
from tests.support.sites.staff_site import DAY, HOUR, LOCAL, NOW, Site, text

pytestmark = pytest.mark.django_db

PAGE, FIND = reverse("admin:feeds"), reverse("admin:find_feed")
MINUTE = timedelta(minutes=1)


def make(client: Client, name: str = "for Anna", group: int | None = None) -> CalendarFeed:
    """Make an address on the page."""
    answer = client.post(PAGE, {"name": name, "group": group or ""})
    assert answer.status_code == 302, answer.context["form"].errors
    assert "was created." in text(client, PAGE)  # which is said once
    return CalendarFeed.objects.get(name=name)


def path_of(feed: CalendarFeed) -> str:
    return reverse("feed", args=[feed.key])


def revoke_at(feed: CalendarFeed) -> str:
    return reverse("admin:revoke_feed", args=[feed.pk])


def names(client: Client, path: str) -> set[str]:
    """The classes that the calendar at an address shows."""
    answer = client.get(path)
    assert answer.status_code == 200
    events = Calendar.from_ical(answer.content).walk("VEVENT")
    return {str(event["SUMMARY"]).partition(":")[0] for event in events}


@pytest.fixture
def reviewer(viewer: Client) -> Client:
    """Somebody else, who may revoke what others have made."""
    user = StaffUser.objects.create_user("reviewer", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_blocktime", "change_calendarfeed"]))
    client = type(viewer)()
    client.force_login(user)
    return client


@pytest.fixture
def group(cs101: BlockTime) -> int:
    """The user group of CS101."""
    assert cs101.blockRequest.group_id is not None
    return cs101.blockRequest.group_id


# --- Making ---------------------------------------------------------------------------------------
def test_an_address_is_made_with_a_random_key(viewer: Client, client: Client, site: Site, group: int) -> None:
    site.class_("Math")
    one, other = make(viewer, "for Anna", group), make(viewer, "for the door", group)
    assert re.fullmatch(r"[\w-]{43}", one.key)
    assert one.key != other.key
    assert (one.made_by, one.made, one.affiliation_id, one.is_signed) == ("viewer", NOW, None, False)
    assert names(client, path_of(one)) == names(client, path_of(other)) == {"CS101"}
    assert names(client, path_of(make(viewer, "all"))) == {"CS101", "Math"}


def test_the_page_shows_it_with_its_links(viewer: Client, site: Site, group: int) -> None:
    feed = make(viewer, "for Anna", group)
    page = viewer.get(PAGE, HTTP_HOST="testserver").content.decode()
    assert f'<a href="https://testserver{path_of(feed)}"' in page
    assert f'<a class="button small" href="webcal://testserver{path_of(feed)}"' in page
    assert f'<button type="button" class="copy button small" data-copies="feed-{feed.pk}"' in page
    assert "for Anna CS101@Local https" in text(viewer, PAGE)
    assert "Wed 25 Nov 12:00 by viewer never" in text(viewer, PAGE)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"name": ""}, "This field is required"),
        ({"name": " "}, "This field is required"),
        ({"name": "x" * 121}, "at most 120 characters (it has 121)"),
        ({"name": "x", "group": "99"}, "99 is not one of the available choices"),
        ({"name": "x", "group": "x"}, "x is not one of the available choices"),
    ],
)
def test_bad_input_makes_none(viewer: Client, site: Site, values: dict[str, str], said: str) -> None:
    answer = viewer.post(PAGE, values)
    assert said in answer.content.decode()
    assert not CalendarFeed.objects.exists()


def test_names_are_text(viewer: Client, site: Site) -> None:
    make(viewer, "<script>alert(1)</script> Größe €")
    page = viewer.get(PAGE).content.decode()
    assert "<script>alert" not in page
    assert "Größe €" in page


def test_who_may_not_see_classes_makes_none(client: Client, site: Site) -> None:
    client.force_login(StaffUser.objects.create_user("other", is_staff=True))
    for url in (PAGE, FIND, reverse("admin:revoke_signed_feed", args=["all", "any"])):
        assert client.post(url, {"name": "x"}).status_code == 403
    assert not CalendarFeed.objects.exists()


# --- Reading --------------------------------------------------------------------------------------
def test_reading_is_noted_once_an_hour(viewer: Client, client: Client, site: Site, group: int) -> None:
    feed = make(viewer)
    writes = []
    for minutes in (0, 1, 59, 60, 61, 121):
        with time_machine.travel(NOW + minutes * MINUTE, tick=False), CaptureQueriesContext(connection) as queries:
            client.get(path_of(feed))
        writes.append(sum("UPDATE" in each["sql"] for each in queries))
        feed.refresh_from_db()
        assert NOW + minutes * MINUTE - feed.last_read < HOUR  # type: ignore[operator]
    assert writes == [1, 0, 0, 1, 0, 1]
    assert "Wed 25 Nov 14:01" in text(viewer, PAGE)


def test_a_database_that_takes_no_note_gives_the_calendar_all_the_same(
    viewer: Client, client: Client, site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    feed = make(viewer)

    def fail(*_args: object, **_kwargs: object) -> int:
        raise DatabaseError("read only")

    monkeypatch.setattr("blockalloc.store.feeds.execute", fail)
    with caplog.at_level(logging.WARNING):
        assert client.get(path_of(feed)).status_code == 200
    assert "could not be noted: read only" in caplog.text


@pytest.mark.parametrize("change", ["unknown", "short", "long", "upper", "signed", "revoked"])
def test_what_is_no_address_is_not_found_in_one_way(viewer: Client, site: Site, change: str) -> None:
    feed = make(viewer)
    key = feed.key
    if change == "revoked":
        CalendarFeed.objects.update(revoked=NOW)
    elif change == "signed":
        CalendarFeed.objects.update(is_signed=True)
    else:
        key = {"unknown": "x" * 43, "short": key[:-1], "long": f"{key}x", "upper": key.swapcase()}[change]
    stranger = type(viewer)()
    answers = [stranger.get(reverse("feed", args=[each])) for each in (key, "y" * 43)]
    assert [answer.status_code for answer in answers] == [404, 404]
    for answer in answers:
        del answer["X-Request-Id"]
    assert answers[0].content == answers[1].content
    assert dict(answers[0].headers) == dict(answers[1].headers)


def test_nobody_signs_in_and_nothing_is_posted(viewer: Client, site: Site) -> None:
    feed = make(viewer)
    stranger = type(viewer)()
    answer = stranger.get(path_of(feed))
    assert (answer.status_code, dict(answer.cookies)) == (200, {})
    assert stranger.post(path_of(feed)).status_code == 405


# --- Revoking -------------------------------------------------------------------------------------
def test_one_is_revoked_and_the_others_go_on(
    viewer: Client, client: Client, site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        feed, other = make(viewer), make(viewer, "for Bob")
        assert "Revoke the calendar address “for Anna”" in text(viewer, revoke_at(feed))
        assert client.get(path_of(feed)).status_code == 200  # to look at the page changes nothing
        assert viewer.post(revoke_at(feed)).status_code == 302
    assert client.get(path_of(feed)).status_code == 404
    assert client.get(path_of(other)).status_code == 200
    feed.refresh_from_db()
    assert (feed.revoked, feed.revoked_by) == (NOW, "viewer")
    page = viewer.get(PAGE).content.decode()
    assert feed.key not in page
    assert other.key in page
    assert "Revoked addresses (1)" in text(viewer, PAGE)
    assert f"calendar address {feed.pk} made by viewer: 'for Anna', all classes" in caplog.text
    assert f"calendar address {feed.pk} revoked by viewer: 'for Anna', all classes" in caplog.text
    assert feed.key not in caplog.text


def test_it_is_revoked_once(viewer: Client, reviewer: Client, site: Site) -> None:
    feed = make(viewer)
    viewer.post(revoke_at(feed))
    assert "revoked by viewer on Wed 25 Nov 12:00" in text(reviewer, revoke_at(feed))
    with time_machine.travel(NOW + DAY, tick=False):
        reviewer.post(revoke_at(feed))
    feed.refresh_from_db()
    assert (feed.revoked, feed.revoked_by) == (NOW, "viewer")


def test_those_of_others_need_a_permission(viewer: Client, reviewer: Client, site: Site) -> None:
    own, other = make(viewer, "own"), make(reviewer, "other")
    page = viewer.get(PAGE).content.decode()
    assert revoke_at(own) in page
    assert revoke_at(other) not in page
    assert viewer.get(revoke_at(other)).status_code == viewer.post(revoke_at(other)).status_code == 403
    other.refresh_from_db()
    assert other.revoked is None
    assert revoke_at(own) in reviewer.get(PAGE).content.decode()
    reviewer.post(revoke_at(own))
    own.refresh_from_db()
    assert own.revoked_by == "reviewer"


# --- Whose they are ---------------------------------------------------------------------------------
def test_each_scope_has_its_own(
    viewer: Client, client: Client, site: Site, cs101: BlockTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Affiliation.objects.create(name="Other")
    site.class_("Math")
    teacher = User.objects.create(unityid="teacher", affiliation=other)
    BlockRequest.objects.filter(name="Math").update(owner=teacher)
    of_all = make(viewer, "of all")
    limit_to(other.pk, monkeypatch)
    assert "of all" not in viewer.get(PAGE).content.decode()
    for answer in (viewer.get(revoke_at(of_all)), viewer.post(revoke_at(of_all))):
        assert answer.status_code == 404
    feed = make(viewer, "of the others")
    assert feed.affiliation_id == other.pk
    assert names(client, path_of(feed)) == {"Math"}
    assert "CS101" not in viewer.get(PAGE).content.decode()
    assert viewer.post(PAGE, {"name": "x", "group": cs101.blockRequest.group_id}).status_code == 200
    assert CalendarFeed.objects.count() == 2
    limit_to(LOCAL, monkeypatch)
    assert "of the others" not in viewer.get(PAGE).content.decode()
    monkeypatch.undo()
    assert "All classes (owners of Other)" in text(viewer, PAGE)


@pytest.mark.parametrize("is_signed", [False, True])
def test_nobody_finds_out_about_those_of_others(
    viewer: Client, site: Site, monkeypatch: pytest.MonkeyPatch, is_signed: bool
) -> None:
    path = Contents(None, None).signed_path() if is_signed else path_of(make(viewer))
    limit_to(LOCAL, monkeypatch)
    answers = [
        viewer.post(FIND, {"address": f"https://testserver{each}"}, follow=True).content.decode()
        for each in (path, f"/feeds/{'x' * 43}.ics")
    ]
    assert all("No calendar that you may see" in answer for answer in answers)


# --- Of before 0.4 --------------------------------------------------------------------------------
def signed_revoke_at(group: int | str = "all", affiliation: int | str = "any") -> str:
    return reverse("admin:revoke_signed_feed", args=[group, affiliation])


def test_they_go_on_working_until_they_are_revoked(reviewer: Client, client: Client, site: Site, group: int) -> None:
    site.class_("Math")
    of_all, of_group = Contents(None, None).signed_path(), Contents(group, None).signed_path()
    assert names(client, of_all) == {"CS101", "Math"}
    assert names(client, of_group) == {"CS101"}
    assert "An old shared address, from before version 0.4" in text(reviewer, signed_revoke_at(group))
    reviewer.post(signed_revoke_at(group))
    assert client.get(of_group).status_code == 404
    assert client.get(of_all).status_code == 200
    row = CalendarFeed.objects.get(group_id=group)
    assert (row.is_signed, row.revoked, row.revoked_by) == (True, NOW, "reviewer")
    assert names(client, path_of(make(reviewer, "anew", group))) == {"CS101"}


def test_one_that_was_never_read_is_revoked_too(reviewer: Client, client: Client, site: Site, group: int) -> None:
    reviewer.post(signed_revoke_at(group))
    assert client.get(Contents(group, None).signed_path()).status_code == 404
    assert client.get(Contents(group, LOCAL).signed_path()).status_code == 200  # another one: of some owners only
    reviewer.post(signed_revoke_at(group, LOCAL))
    assert client.get(Contents(group, LOCAL).signed_path()).status_code == 404


def test_the_page_lists_them_with_the_last_reading(viewer: Client, client: Client, site: Site, group: int) -> None:
    page = text(viewer, PAGE)
    assert "Old shared addresses (2)" in page
    assert page.count("not since the upgrade") == 2
    for minutes in (0, 1):
        with time_machine.travel(NOW + minutes * MINUTE, tick=False):
            client.get(Contents(group, None).signed_path())
            client.get(Contents(group, LOCAL).signed_path())
    page = text(viewer, PAGE)
    assert "Old shared addresses (3)" in page
    assert "CS101@Local (owners of Local) Wed 25 Nov 12:00" in page
    assert CalendarFeed.objects.count() == 2
    assert Contents(group, None).signed_path() not in viewer.get(PAGE).content.decode()


def test_what_was_signed_needs_the_permission_to_be_revoked(viewer: Client, client: Client, site: Site) -> None:
    assert viewer.post(signed_revoke_at()).status_code == 403
    assert client.get(Contents(None, None).signed_path()).status_code == 200


def test_only_those_of_the_scope(reviewer: Client, site: Site, group: int, monkeypatch: pytest.MonkeyPatch) -> None:
    other = Affiliation.objects.create(name="Other").pk
    limit_to(LOCAL, monkeypatch)
    for affiliation in ("any", other):
        assert reviewer.post(signed_revoke_at(group, affiliation)).status_code == 404
    assert reviewer.post(signed_revoke_at(group, LOCAL)).status_code == 302
    assert list(CalendarFeed.objects.values_list("affiliation_id", flat=True)) == [LOCAL]


def test_ids_do_not_lead_to_names_of_other_user_groups(
    reviewer: Client, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Affiliation.objects.create(name="Other").pk
    secret = site.group("Secret seminar").pk
    limit_to(other, monkeypatch)
    assert "Secret" not in text(reviewer, signed_revoke_at(secret, other))
    assert reviewer.post(signed_revoke_at(secret, other)).status_code == 302
    page = text(reviewer, PAGE)
    assert f"user group {secret} (owners of Other)" in page
    assert "Secret" not in page


@pytest.mark.parametrize(
    ("group", "affiliation"),
    [("99", "any"), ("all", "99"), ("x", "any"), ("all", "x"), ("9" * 30, "any"), ("-1", "any"), ("0", "any")],
)
def test_what_cannot_be_an_address_is_not_found(reviewer: Client, site: Site, group: str, affiliation: str) -> None:
    assert reviewer.post(signed_revoke_at(group, affiliation)).status_code == 404
    assert not CalendarFeed.objects.exists()


def test_wrong_and_foreign_tokens_are_not_found(client: Client, site: Site, cs101: BlockTime, group: int) -> None:
    math = site.class_("Math").blockRequest.group_id
    all_, own = Contents(None, None).signed_path(), Contents(group, None).signed_path()
    own_token, all_token = own.rpartition("/")[2], all_.rpartition("/")[2]
    foreign = signing.Signer(salt="something else", sep=".").sign_object([None, None])
    bad = [
        f"/feeds/group/{math}/{own_token}",
        f"/feeds/all/{own_token}",
        f"/feeds/group/{math}/{all_token}",
        f"/feeds/all/{all_token.replace('.', 'x.', 1)}",
        f"{all_.removesuffix('.ics')}x.ics",
        f"/feeds/all/{foreign}.ics",
        f"/feeds/all/{signing.Signer(salt='blockalloc.pages.feeds', sep='.').sign('x')}.ics",
        "/feeds/all/x.ics",
        "/feeds/all/é.ics",
        "/feeds/all/.ics",
        "/feeds/é.ics",
        f"/feeds/{'é' * 43}.ics",
    ]
    for address in bad:
        assert client.get(address).status_code == 404, address
    assert client.get(all_).status_code == 200


def test_they_change_with_the_secret_key_and_others_do_not(viewer: Client, client: Client, site: Site) -> None:
    signed, feed = Contents(None, None).signed_path(), make(viewer)
    with override_settings(SECRET_KEY="another" * 10):
        assert client.get(signed).status_code == 404
        assert client.get(path_of(feed)).status_code == 200


# --- Finding ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "form", ["https://testserver{}", "webcal://other.example{}", " {} ", "https://testserver{}?x=1"]
)
def test_an_address_leads_to_where_it_is_revoked(viewer: Client, site: Site, group: int, form: str) -> None:
    feed = make(viewer)
    for path, place in (
        (path_of(feed), revoke_at(feed)),
        (Contents(group, LOCAL).signed_path(), signed_revoke_at(group, LOCAL)),
        (Contents(None, None).signed_path().replace("=", "%3D"), signed_revoke_at()),
    ):
        answer = viewer.post(FIND, {"address": form.format(path)})
        assert (answer.status_code, answer["Location"]) == (302, place)


@pytest.mark.parametrize("address", ["", "x", "/feeds/x.ics", "https://[", "/admin/", "/feeds/all/x.ics", "\0", "é"])
def test_others_lead_back(viewer: Client, site: Site, address: str) -> None:
    answer = viewer.post(FIND, {"address": address}, follow=True)
    assert answer.redirect_chain == [(PAGE, 302)]
    assert "No calendar that you may see has this address" in answer.content.decode()


def test_finding_is_a_form_of_this_site(viewer: Client) -> None:
    assert viewer.get(FIND).status_code == 405


def test_queries_of_the_page_do_not_grow(viewer: Client, site: Site, group: int) -> None:
    counts: list[Any] = []
    for number in (1, 20):
        for each in range(number):
            feed = make(viewer, f"{number}-{each}", group)
            if each % 2:
                viewer.post(revoke_at(feed))
        with CaptureQueriesContext(connection) as queries:
            viewer.get(PAGE)
        counts.append(len(queries))
    assert counts[0] == counts[1] < 12
