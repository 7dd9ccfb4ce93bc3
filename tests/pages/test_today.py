"""The pages for the person on duty: what is at risk today, and this week."""

import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import Permission
from django.contrib.auth.models import User as StaffUser
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import Settings

import blockalloc
from blockalloc.models import (
    Affiliation,
    BlockRequest,
    BlockTime,
    Computer,
    Decision,
    Heartbeat,
    ImageMeta,
    Request,
    Resource,
    ResourceGroup,
    ResourceGroupMember,
    ResourceType,
    SubImage,
    User,
)
from blockalloc.pages.duty import MOST_IN_ICON
from scheduling.what_happened import NO_RECORD
from tests.support.cards import cards, markups
from tests.support.scoped import limit_to
from tests.support.sites.staff_site import DAY, HOUR, NEW_YORK, NOW, Site, add_image, page_url, text
from tests.support.week_page import blocks_of_week

pytestmark = pytest.mark.django_db

RISK = f"no computers, begins in 30 min: {NO_RECORD} What would help"
TODAY, WEEK = reverse("admin:today"), reverse("admin:week")


def blocks(client: Client, url: str) -> list[str]:
    """The classes of the page, in its order."""
    if url.startswith(TODAY):
        return [*cards(client, url)]
    return [each.name for each in blocks_of_week(client, url)]


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
        "2 at risk 1 to watch 1 of the later ones not checked 1 on now next in 30 min 7 classes today "
        "Updated 12:00:00 ."
    ) in page


def test_a_card_tells_the_figures_and_leads_to_the_block_time(viewer: Client, site: Site, cs101: BlockTime) -> None:
    BlockTime.objects.update(start=NOW + HOUR, end=NOW + 3 * HOUR)
    Request.objects.update(start=NOW + HOUR / 2)
    assert cards(viewer)["CS101"] == (
        "On track 13:00–15:00 CS101 CS101@Local · Ubuntu 22.04 starts in 1 h "
        "1 of 2 ready 1 loaded 1 waiting all ready by 12:40"
    )
    assert f'<a href="{page_url("blocktime", cs101.pk)}">CS101</a>' in markups(viewer)["CS101"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("over", "08:00–10:00 over Ubuntu 22.04 · 1 of 1 machine allocated Over"),
        ("skipped", "13:00–15:00 skipped Ubuntu 22.04 · 1 of 1 machine allocated Skipped"),
        ("later", "Later 21:00–23:00 later Ubuntu 22.04 starts in 9 h 1 machine wanted not asked for yet, "),
        ("on", "Ready 11:00–13:00 on Ubuntu 22.04 on now, ends in 1 h 1 of 1 ready 1 loaded"),
        ("watched", "Watch 17:00–19:00 watched Ubuntu 22.04 starts in 5 h 0 of 1 usable 1 missing never asked for, "),
        ("risk", f"At risk 12:30–14:30 risk Ubuntu 22.04 starts in 30 min 0 of 1 usable 1 missing {RISK}"),
    ],
)
def test_signals_in_words(viewer: Client, day: None, name: str, words: str) -> None:
    assert cards(viewer)[name].startswith(words)


def test_what_goes_well_is_compact_and_what_is_over_is_folded(viewer: Client, day: None) -> None:
    page = viewer.get(TODAY).content.decode()
    parts = re.split(r'<div class="class-cards first">|<div class="class-cards">|<details [^>]*id="over">', page)
    inside = [re.findall(r"data-key.*?<h3[^>]*>\s*<a [^>]*>([^<]*)<", part, re.DOTALL) for part in parts[1:]]
    assert inside == [["risk", "late risk", "watched"], ["on", "ready", "later"], ["over", "skipped"]]
    assert "Over: 1 class; skipped or not accepted: 1" in page


def test_the_computers_of_a_cluster_are_in_its_bar_and_machines_in_its_figure(viewer: Client, site: Site) -> None:
    meta = ImageMeta.objects.create(subimages=1)
    hadoop = add_image("Hadoop", imagemeta=meta)
    for _ in range(2):
        SubImage.objects.create(imagemeta=meta, image=site.ubuntu)
    time = site.time(site.request("cluster", hadoop, None, 2), NOW + HOUR, processed=1)
    site.hold(time, site.computer("head", hadoop))
    site.hold(time, *(site.computer(f"node-{n}", site.ubuntu) for n in range(2)), image=site.ubuntu)
    assert "1 of 2 usable 1 allocated · 1 ready 3 loaded 3 missing" in cards(viewer)["cluster"]


# --- Title and icon -----------------------------------------------------------------------------


def head(client: Client) -> tuple[str, str]:
    """The title of the page, and the name of its icon."""
    page = client.get(TODAY).content.decode()
    (title,), (icon,) = re.findall("<title>(.*?) [|]", page), re.findall('id="icon"[^>]*href="([^"]*)"', page)
    return title, Path(icon).name.partition(".")[0]


@pytest.mark.parametrize(
    ("risks", "watched", "title", "icon"),
    [
        (0, 0, "Today, Wednesday 25 Nov", "logo"),
        (0, 1, "Today, Wednesday 25 Nov", "watch"),
        (2, 1, "(2) Today, Wednesday 25 Nov", "at-risk-2"),
        (9, 0, "(9) Today, Wednesday 25 Nov", "at-risk-9"),
        (11, 0, "(11) Today, Wednesday 25 Nov", "at-risk-9-or-more"),
    ],
)
def test_the_title_and_the_icon_say_how_many_are_at_risk(
    viewer: Client, site: Site, risks: int, watched: int, title: str, icon: str
) -> None:
    add(site, "ready", NOW + HOUR)
    for number in range(risks):
        add(site, f"risk {number}", NOW + HOUR, computers=0)
    for number in range(watched):
        add(site, f"watched {number}", NOW + 5 * HOUR, computers=0, processed=0)
    assert head(viewer) == (title, icon)


def test_all_icons_are_there() -> None:
    names = {each.name for each in (Path(blockalloc.__file__).parent / "static/blockalloc/icons").iterdir()}
    of_numbers = {f"at-risk-{number}.svg" for number in range(1, MOST_IN_ICON + 1)}
    assert names == {*of_numbers, f"at-risk-{MOST_IN_ICON}-or-more.svg", "watch.svg"}


# --- What can be done ---------------------------------------------------------------------------


@pytest.fixture
def wanda(client: Client, site: Site) -> Client:
    """Somebody who may do all."""
    client.force_login(StaffUser.objects.create_superuser("wanda"))
    return client


def buttons(client: Client, name: str) -> list[tuple[str, bool]]:
    """The buttons of a card, and whether each is the primary one."""
    found = re.findall(r'<a class="button( primary)?"[^>]*>([^<]*)</a>', markups(client)[name])
    return [(title, bool(primary)) for primary, title in found]


def test_what_is_short_is_put_right_first(wanda: Client, site: Site) -> None:
    time = site.time(site.request("short", site.ubuntu, None, 3), NOW + HOUR, processed=1)
    site.hold(time, *(site.computer(f"pc-{number}", site.ubuntu) for number in range(2)))
    assert buttons(wanda, "short") == [("Put right now", True), ("What would help", False)]
    looked = Heartbeat.objects.create(pk=1, at=NOW, host="mn0", milliseconds=1)
    assert buttons(wanda, "short") == [("Put right now", False), ("What would help", False)]
    looked.delete()
    usual = {"started": NOW - HOUR, "duration": 1, "door": "admin", "action": Decision.ALLOCATE}
    made = [
        Decision.objects.create(**usual, block_time_id=time.pk, outcome="warning", wanted=wanted, had=0, allocated=2)
        for wanted in (3, 4)
    ]
    assert buttons(wanda, "short")[2:] == [("Why not more?", False)]
    assert f'href="{page_url("decision", made[-1].pk)}">Why not more?' in markups(wanda)["short"]
    Decision.objects.filter(pk=made[-1].pk).update(wanted=2)  # the last call got all that it asked for
    assert len(buttons(wanda, "short")) == 2


def test_who_may_not_see_decisions_is_not_led_to_them(client: Client, site: Site) -> None:
    user = StaffUser.objects.create_user("other", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_blocktime"))
    client.force_login(user)
    time = site.time(site.request("short", site.ubuntu, None, 3), NOW + HOUR, processed=1)
    site.hold(time, site.computer("pc", site.ubuntu))
    Decision.objects.create(
        started=NOW, duration=1, door="admin", action=Decision.ALLOCATE, block_time_id=time.pk, outcome="warning",
        wanted=3, had=0, allocated=1,
    )  # fmt: skip
    assert buttons(client, "short") == [("What would help", False)]


def test_without_computers_what_would_help_says_what_to_do(wanda: Client, day: None) -> None:
    """Where they were released, nothing would be put right."""
    assert buttons(wanda, "risk") == [("What would help", False)]
    assert buttons(wanda, "ready") == buttons(wanda, "later") == []


# --- What looks after the classes ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "level"), [(11.5 * HOUR, "quiet"), (9 * HOUR, "signal watch"), (-HOUR, "signal watch")]
)
def test_that_nobody_looks_after_classes_is_said_loudly_once_one_is_near(
    viewer: Client, site: Site, settings: Settings, start: timedelta, level: str
) -> None:
    settings.VCL_KEEP_READY_HOURS = 10
    words = ": nobody puts right what goes wrong before a class" if level != "quiet" else ""
    BlockTime.objects.filter(pk=add(site, "class", NOW + start).pk).update(end=NOW + start + 2 * HOUR)
    line = f'<span class="{level}">keep_ready has never run{words}.</span>'
    assert line in viewer.get(TODAY).content.decode()
    Heartbeat.objects.create(pk=1, at=NOW, host="mn0", milliseconds=1)
    assert '<span class="quiet">keep_ready looked just now.</span>' in viewer.get(TODAY).content.decode()


# --- Labs ---------------------------------------------------------------------------------------


def in_lab(name: str, computer: Computer) -> None:
    """Make a lab of one computer."""
    kind = ResourceType.objects.get(name="computer")
    lab = ResourceGroup.objects.create(name=name, resourcetype=kind, ownerusergroup_id=1)
    resource, _ = Resource.objects.get_or_create(resourcetype=kind, subid=computer.pk)
    ResourceGroupMember(resource=resource, resourcegroup=lab).save(force_insert=True)


def test_the_classes_of_a_lab(viewer: Client, site: Site) -> None:
    for name in ("CS", "EE"):
        time = add(site, f"of {name}", NOW + HOUR, computers=0)
        computer = site.computer(f"{name}-1", site.ubuntu)
        site.hold(time, computer)
        in_lab(f"{name} lab", computer)
    assert blocks(viewer, TODAY) == ["of CS", "of EE"]
    url = f"{TODAY}?lab={ResourceGroup.objects.get(name='CS lab').pk}"
    assert blocks(viewer, url) == ["of CS"]
    page = text(viewer, url)
    assert page.startswith("Today, Wednesday 25 Nov: CS lab |")
    assert "1 class today" in page


def test_what_began_yesterday_and_is_on_is_shown_and_refused_requests_are_not(viewer: Client, site: Site) -> None:
    time = add(site, "all night", NOW - 20 * HOUR)
    BlockTime.objects.filter(pk=time.pk).update(end=NOW + HOUR)
    for status in ("rejected", "deleted", "requested"):
        request = site.request(status, site.ubuntu, None, 1, status=status)
        site.time(request, NOW + HOUR)
    assert blocks(viewer, TODAY) == ["all night", "requested"]
    assert "none at risk 1 on now 1 class today" in text(viewer, TODAY)
    found = cards(viewer)
    assert found["all night"].startswith("Ready Tue 16:00–13:00 all night")
    assert found["requested"].startswith("13:00–15:00 requested Ubuntu 22.04 · 1 machine Request requested")


def test_the_ends_of_the_day_are_those_of_the_site(viewer: Client, site: Site) -> None:
    add(site, "first", datetime(2026, 11, 25, 0, 0, tzinfo=NEW_YORK))
    add(site, "last", datetime(2026, 11, 25, 23, 59, tzinfo=NEW_YORK))
    add(site, "before", datetime(2026, 11, 24, 22, 0, tzinfo=NEW_YORK))
    add(site, "after", datetime(2026, 11, 26, 0, 0, tzinfo=NEW_YORK))
    assert sorted(blocks(viewer, TODAY)) == ["first", "last"]


def test_a_day_without_classes(viewer: Client, site: Site) -> None:
    assert "No classes today Updated" in text(viewer, TODAY)
    assert blocks(viewer, TODAY) == []
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
    assert counts[0] == counts[1] < {TODAY: 16, WEEK: 17}[url]


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
