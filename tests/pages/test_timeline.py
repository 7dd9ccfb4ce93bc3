"""The timeline shows what computers are booked for, to whom it may be shown."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from html import unescape
from typing import NamedTuple

import pytest
from django.contrib.auth.models import Permission
from django.contrib.auth.models import User as StaffUser
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from blockalloc.models import (
    Affiliation,
    BlockComputer,
    BlockTime,
    Computer,
    Log,
    PlannedReload,
    Request,
    Reservation,
    Resource,
    ResourceGroup,
    ResourceGroupMember,
    ResourceType,
    SiteMaintenance,
    User,
)
from blockalloc.pages.timeline import choices
from blockalloc.store import page_loads
from tests.support.scoped import limit_to
from tests.support.sites.staff_site import (
    ADMIN,
    DAY,
    HOUR,
    LOCAL,
    MONDAY,
    NEW_YORK,
    NOW,
    PENDING,
    RELOAD,
    VCLRELOAD,
    Site,
    page_url,
    state,
    text,
)

pytestmark = pytest.mark.django_db
IN_USE = {"state_id": 8, "laststate_id": 8, "user_id": ADMIN}


class Drawn(NamedTuple):
    """A bar as the page has it."""

    kind: str
    left: float
    width: float
    title: str
    text: str
    address: str


def url(**query: object) -> str:
    return reverse("admin:timeline", query={"day": "2026-11-30", "zoom": "day", "by": "computer", **query})


def names(client: Client, **query: object) -> list[str]:
    """The computers of the page, row by row; those that are alike are in one."""
    found = re.findall(r'<span class="name" title="(.*?)"', client.get(url(**query)).content.decode())
    return [unescape(name) for row in found for name in row.split(", ")]


def bars(client: Client, hostname: str, **query: object) -> list[Drawn]:
    """The bars of a computer, in a row of its own."""
    opened = Computer.objects.get(hostname=unescape(hostname)).pk
    page = client.get(url(**{"open": opened, **query})).content.decode()
    (row,) = re.findall(
        rf'title="{re.escape(hostname)}">.*?<svg class="line"[^>]*>(.*?)</svg>(?:<p|</div>)', page, re.DOTALL
    )
    return drawn(row)


def drawn(row: str) -> list[Drawn]:
    found = re.findall(
        r'<(?:a href="([^"]*)"|g)><title>([^<]*)</title><svg class="bar ([\w ]+)" x="([\d.]+)%" y="\d+" '
        r'width="([\d.]+)%" height="\d+">(.*?)</svg>',
        row,
    )
    return [
        Drawn(kind, float(left), float(width), unescape(title), unescape(re.sub("<[^>]*>", "", inner)), address)
        for address, title, kind, left, width, inner in found
    ]


def share(hours: float, of: int = 24) -> float:
    return round(100 * hours / of, 2)


# --- What is drawn ------------------------------------------------------------------------------


def test_a_block_and_its_lead_time(viewer: Client, cs101: BlockTime) -> None:
    lead, block = bars(viewer, "cs101-pc0")
    assert (block.kind, block.left, block.width) == ("block", share(9), share(2))
    assert block.text == "CS101"
    assert block.title == "CS101, Mon 30 Nov 09:00–11:00, for CS101@Local, Ubuntu 22.04, cs101-pc0"
    assert block.address == page_url("blocktime", cs101.pk)
    assert (lead.kind, lead.left, lead.width) == ("lead", share(8.5), share(0.5))
    reload = Reservation.objects.get(computer__hostname="cs101-pc0").request
    assert lead.address == page_url("request", reload.pk)
    assert viewer.get(lead.address).status_code == 200


def without_reload(number: int | None = None) -> None:
    """The back end has removed the reloads of all blocks; `number` is what their computers tell of them now."""
    Reservation.objects.all().delete()
    Request.objects.all().delete()
    if number is not None:
        BlockComputer.objects.update(reloadrequestid=number)


def planned(hostname: str, before: timedelta, **values: object) -> None:
    """Our record of a computer's reload, so long before the class."""
    held = BlockComputer.objects.select_related("blockTime").get(computer__hostname=hostname)
    PlannedReload.objects.create(
        **{
            "block_time_id": held.blockTime_id,
            "computer_id": held.computer_id,
            "request_id": held.reloadrequestid,
            "start": held.blockTime.start - before,
            **values,
        }
    )


def lead_of(client: Client, hostname: str) -> tuple[float, float]:
    """From when to when, in hours of the day."""
    found = next(bar for bar in bars(client, hostname) if bar.kind == "lead")
    return round(found.left * 0.24, 2), round((found.left + found.width) * 0.24, 2)


def test_a_loaded_computer_is_taken_since_its_reload_was_planned_to_begin(viewer: Client, cs101: BlockTime) -> None:
    """The back end has removed the request: our record of it tells (SPEC 8.15)."""
    planned("cs101-pc0", HOUR * 3 / 4)
    assert lead_of(viewer, "cs101-pc0") == (8.5, 9)  # while the request is there, its own start counts
    without_reload()
    assert lead_of(viewer, "cs101-pc0") == (8.25, 9)
    lead = bars(viewer, "cs101-pc0")[0]
    assert lead.title == "Lead time of CS101, Mon 30 Nov 08:15–09:00, cs101-pc0"
    assert lead.address == page_url("blocktime", cs101.pk)


@pytest.mark.parametrize("number", [None, 0])
def test_without_a_record_the_load_time_counts(viewer: Client, cs101: BlockTime, number: int | None) -> None:
    """A load of ten minutes, as long as nothing is known of the image, and a margin of ten minutes."""
    without_reload(number)
    assert lead_of(viewer, "cs101-pc0") == (8.67, 9)
    page_loads.forget()
    begun = NOW - DAY
    Log.objects.create(
        user_id=ADMIN, image=cs101.blockRequest.image, start=begun, loaded=begun + timedelta(minutes=20),
        initialend=begun, finalend=begun, wasavailable=1,
    )  # fmt: skip
    assert lead_of(viewer, "cs101-pc0") == (8.5, 9)


@pytest.mark.parametrize("other", ["block_time_id", "computer_id", "request_id"])
def test_a_record_of_something_else_is_void(viewer: Client, cs101: BlockTime, other: str) -> None:
    planned("cs101-pc0", HOUR * 3 / 4, **{other: 999})
    without_reload()
    assert lead_of(viewer, "cs101-pc0") == (8.67, 9)


def test_lead_times_by_record_fall_on_the_day_before_too(viewer: Client, site: Site) -> None:
    site.class_("Night", MONDAY - 9 * HOUR)
    planned("night-pc0", HOUR * 3 / 4)
    without_reload()
    (lead,) = bars(viewer, "night-pc0", day="2026-11-29")
    assert lead.title.startswith("Lead time of Night, Sun 29 Nov 23:15 – Mon 30 Nov 00:00")
    assert names(viewer, day="2026-11-29", busy=1) == ["night-pc0", "night-pc1"]


def test_a_reload_of_ours_that_no_class_has_a_computer_for(viewer: Client, site: Site, cs101: BlockTime) -> None:
    """An edit of the block's request on VCL's pages leaves it behind (SPEC 8.15)."""
    planned("cs101-pc0", HOUR / 2)
    BlockComputer.objects.all().delete()
    note = "no class has the computer for it any more"
    (ours,), (foreign,) = bars(viewer, "cs101-pc0"), bars(viewer, "cs101-pc1")
    assert (ours.kind, ours.left, ours.width) == ("reload", share(8.5), share(0.5))
    assert ours.title == f"Reload, {note}, Mon 30 Nov 08:30–09:00, Ubuntu 22.04, cs101-pc0"
    assert foreign.kind == "reload"
    assert note not in foreign.title


def test_a_cluster_that_has_lost_a_computer_leaves_its_part_of_the_reload(viewer: Client, site: Site) -> None:
    time = site.time(site.request("CS1", site.ubuntu, None, 1), MONDAY)
    reload = site.hold(time, site.computer("head", site.windows), site.computer("part", site.windows))
    planned("part", HOUR / 2)
    BlockComputer.objects.filter(computer__hostname="part").delete()
    assert [bar.kind for bar in bars(viewer, "head")] == ["lead", "block"]
    (left,) = bars(viewer, "part")
    assert left.title.startswith("Reload, no class has the computer for it any more")
    assert left.address == page_url("request", reload.pk)


@pytest.mark.parametrize(("day", "hours", "morning"), [("2026-11-01", 25, 10), ("2026-03-08", 23, 8)])
def test_places_are_by_instants(viewer: Client, site: Site, day: str, hours: int, morning: int) -> None:
    start = datetime.fromisoformat(f"{day}T09:00").replace(tzinfo=NEW_YORK)
    site.class_("CS1", start)
    lead, block = bars(viewer, "cs1-pc0", day=day)
    assert (block.left, block.width) == (share(morning, hours), share(2, hours))
    assert (lead.left, lead.width) == (share(morning - 0.5, hours), share(0.5, hours))
    assert f"This day has {hours} hours." in text(viewer, url(day=day))


def test_a_lead_time_before_midnight_is_on_the_day_before(viewer: Client, site: Site) -> None:
    site.class_("Night", MONDAY - 9 * HOUR)
    (lead,) = bars(viewer, "night-pc0", day="2026-11-29")
    assert (lead.kind, lead.title[:18]) == ("lead", "Lead time of Night")
    assert [bar.kind for bar in bars(viewer, "night-pc0")] == ["block"]
    assert names(viewer, day="2026-11-29", busy=1) == ["night-pc0", "night-pc1"]


def test_a_reload_may_be_for_a_block_of_days_later(viewer: Client, site: Site) -> None:
    """So it is when a member's own reservation, which begins before the block, has joined it."""
    time = site.time(site.request("CS1", site.ubuntu, None, 1), MONDAY + 3 * DAY)
    reload = site.hold(time, site.computer("pc", site.windows), site.computer("idle", site.windows))
    Request.objects.filter(pk=reload.pk).update(start=MONDAY, end=MONDAY + HOUR)
    Reservation.objects.filter(request=reload, computer__hostname="idle").delete()
    (lead,) = bars(viewer, "pc")
    assert (lead.kind, lead.left, lead.width) == ("lead", share(9), share(1))
    assert lead.title.startswith("Reload for a later class, Mon 30 Nov 09:00–10:00")
    assert lead.address == page_url("request", reload.pk)
    # On the days between, the computer waits for it.
    assert [(bar.kind, bar.left, bar.width) for bar in bars(viewer, "pc", day="2026-12-02")] == [("lead", 0, 100)]


def test_what_is_over_is_not_drawn(viewer: Client, site: Site) -> None:
    pc = site.computer("pc", site.ubuntu)
    for end in (MONDAY - 9 * HOUR, MONDAY + 18 * HOUR):  # as the day begins, and three hours after it ends
        site.hold(site.time(site.request("CS1", site.ubuntu, None, 1), end - 2 * HOUR), pc)
        site.reserve(site.windows, end - HOUR, end, pc, **IN_USE)
    assert bars(viewer, "pc") == []
    assert names(viewer, busy=1) == []


def test_reservations_of_users_and_other_reloads(viewer: Client, site: Site) -> None:
    pc = site.computer("pc", site.ubuntu)
    site.reserve(site.windows, MONDAY, MONDAY + HOUR, pc, **IN_USE)
    for over in (5, 12):
        site.reserve(site.windows, MONDAY, MONDAY + HOUR, pc, state_id=over, laststate_id=8, user_id=ADMIN)
    reload = site.reserve(
        site.windows, MONDAY + 2 * HOUR, MONDAY + 3 * HOUR, pc, state_id=PENDING, laststate_id=RELOAD, user_id=VCLRELOAD
    )
    user, other = bars(viewer, "pc")
    assert (user.kind, user.text, user.left) == ("user", "admin@Local", share(9))
    assert user.title.startswith("Reservation of admin@Local, Mon 30 Nov 09:00–10:00, Windows 11, state inuse")
    assert user.address == page_url("computer", pc.pk)
    assert (other.kind, other.left, other.address) == ("reload", share(11), page_url("request", reload.pk))


def test_maintenance_failed_computers_and_now(viewer: Client, site: Site) -> None:
    pc = site.computer("sick", site.ubuntu)
    Computer.objects.filter(pk=pc.pk).update(state=state("failed"))
    maintenance = {"ownerid": 1, "created": NOW, "usermessage": "", "informhoursahead": 1}
    SiteMaintenance.objects.create(
        start=MONDAY, end=MONDAY + HOUR, reason="<Power>", allowreservations=0, **maintenance
    )
    SiteMaintenance.objects.create(start=MONDAY - 2 * DAY, end=MONDAY - DAY, allowreservations=0, **maintenance)
    page = viewer.get(url()).content.decode()
    told = "Site maintenance, Mon 30 Nov 09:00–10:00: &lt;Power&gt;; nothing can be reserved"
    assert page.count(f"<title>{told}</title>") == 2  # above, and in what all rows share
    assert 'class="band" x="37.50%" y="0" width="4.17%"' in page
    assert '<span class="signal bad">failed</span>' in page
    assert '<line class="now" y1' not in page
    line = 'x="50.00%" overflow="visible"><line class="now" y1="0" y2="100%"'
    assert line in viewer.get(url(day="2026-11-25")).content.decode()


def test_names_may_hold_anything(viewer: Client, site: Site) -> None:
    bad = """</title><script>alert("1")</script>&'"""
    time = site.time(site.request(bad, site.ubuntu, None, 1), MONDAY)
    site.hold(time, site.computer('<b>"&', site.ubuntu))
    page = viewer.get(url()).content.decode()
    assert "<script>alert" not in page
    assert names(viewer) == ['<b>"&']
    (_, block) = bars(viewer, "&lt;b&gt;&quot;&amp;")
    assert block.text == bad
    assert block.title.startswith(bad)
    assert 'style="' not in page


def test_texts_are_cut_and_short_bars_have_none(viewer: Client, site: Site) -> None:
    site.hold(site.time(site.request("X" * 80, site.ubuntu, None, 1), MONDAY), site.computer("pc", site.ubuntu))
    cut = bars(viewer, "pc")[-1]
    assert cut.text == "X" * 59 + "…"
    assert "X" * 80 in cut.title
    assert bars(viewer, "pc", zoom="week")[-1].text == ""


def test_a_text_that_is_too_long_for_its_bar_is_beside_it(viewer: Client, site: Site) -> None:
    """Only where it has room: on a phone, another class begins before it would end, or the day does."""
    pc, begins = site.computer("pc", site.ubuntu), {"long": MONDAY, "next": MONDAY + 8 * HOUR}
    for name, begin in begins.items():
        site.hold(site.time(site.request(name.ljust(24, "!"), site.ubuntu, None, 1), begin), pc)
    page = viewer.get(url()).content.decode()
    beside = re.findall(r'<svg class="beside block([^"]*)" [^>]*><text [^>]*>(.*?)</text>', page)
    assert beside == [(" if-wide", "long".ljust(24, "!")), (" if-wide", "next".ljust(24, "!"))]
    assert f'<text class="not-if-wide" x="6" y="16">{"long".ljust(24, "!")}</text>' in page


def test_now_is_below_the_hours_of_a_day(viewer: Client, site: Site) -> None:
    """Its line crosses none of their labels; the axis of a week has no room for it."""
    site.class_("CS101")
    head = axis_of_page(viewer, day="2026-11-25")
    assert re.findall(r'<text class="hour[^"]*" x="3" y="(\d+)"', head)[0] == "14"
    assert '<line class="now" y1="18" y2="34"/><text class="now" x="4" y="30">now</text>' in head
    assert 'class="now"' not in axis_of_page(viewer, day="2026-11-25", zoom="week")


def axis_of_page(client: Client, **query: object) -> str:
    """The head of the drawing."""
    return client.get(url(**query)).content.decode().partition('<svg class="axis"')[2].partition("</div>")[0]


def test_the_summary_describes_the_drawing(viewer: Client, site: Site, cs101: BlockTime) -> None:
    site.reserve(site.windows, MONDAY, MONDAY + HOUR, site.computer("pc", site.ubuntu), **IN_USE)
    page = text(viewer, url(busy=1))
    assert "3 computers shown, 3 of them booked: 1 class and 1 reservation of users." in page
    assert "nothing in this time." in text(viewer, url(day="2026-12-24"))
    assert f"{reverse('admin:blockalloc_blocktime_changelist')}?day=2026-11-30" in viewer.get(url()).content.decode()


# --- Which computers, which time ----------------------------------------------------------------


def test_computers_are_in_the_order_that_people_count_in(viewer: Client, site: Site) -> None:
    for name in ("vm10", "vm2", "lab1", "VM1"):
        site.computer(name, site.ubuntu)
    assert names(viewer) == ["lab1", "VM1", "vm2", "vm10"]


def test_filters(viewer: Client, site: Site, cs101: BlockTime) -> None:
    other = site.time(site.request("CS2", site.windows, None, 1), MONDAY)
    pc, idle, used = (site.computer(name, site.ubuntu) for name in ("pc", "idle", "used"))
    site.hold(other, pc)
    site.reserve(site.windows, MONDAY, MONDAY + HOUR, used, **IN_USE)
    kind = ResourceType.objects.get(name="computer")
    group = ResourceGroup.objects.create(name="Lab <1>", resourcetype=kind, ownerusergroup_id=1)
    other_group = ResourceGroup.objects.create(name="Others", resourcetype=kind, ownerusergroup_id=1)
    ResourceGroupMember(
        resource=Resource.objects.create(resourcetype=kind, subid=used.pk), resourcegroup=other_group
    ).save(force_insert=True)
    for computer in (pc, idle):
        resource = Resource.objects.create(resourcetype=kind, subid=computer.pk)
        ResourceGroupMember(resource=resource, resourcegroup=group).save(force_insert=True)
    assert names(viewer, busy=1) == ["cs101-pc0", "cs101-pc1", "pc", "used"]
    assert names(viewer, lab=group.pk) == ["idle", "pc"]
    assert names(viewer, lab=group.pk, busy=1) == ["pc"]
    assert names(viewer, image=site.windows.pk) == ["pc", "used"]
    assert names(viewer, block=other.blockRequest_id) == ["pc"]
    assert names(viewer, block=other.blockRequest_id, day="2026-12-01") == []
    assert names(viewer, block=other.blockRequest_id, zoom="week", day="2026-12-06") == ["pc"]
    page = viewer.get(url(lab=group.pk)).content.decode()
    assert f'<option value="{group.pk}" selected>Lab &lt;1&gt;</option>' in page
    assert f'<option value="{cs101.blockRequest_id}">CS101</option>' in page


def test_filters_stay_on_the_way_to_other_times(viewer: Client, cs101: BlockTime) -> None:
    image = cs101.blockRequest.image_id
    page = unescape(viewer.get(url(zoom="week", busy=1, image=image)).content.decode())
    for day in ("2026-11-23", "2026-12-07", "2026-11-25"):
        assert f"?day={day}&zoom=week&by=computer&image={image}&busy=1" in page
    assert f"?day=2026-12-02&by=computer&image={image}&busy=1" in page  # from the name of a day in the week


def test_removed_computers_are_shown_while_blocks_hold_them(viewer: Client, site: Site, cs101: BlockTime) -> None:
    site.computer("gone", site.ubuntu)
    Computer.objects.filter(hostname__in=("gone", "cs101-pc0")).update(deleted=1)
    assert "gone" not in names(viewer)
    assert "cs101-pc0" in names(viewer)
    assert '<span class="signal bad">removed</span>' in viewer.get(url()).content.decode()


def test_pages_of_computers(viewer: Client, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("blockalloc.pages.timeline.page.PAGE", 2)
    for number in range(5):
        site.computer(f"pc{number}", site.ubuntu)
    assert names(viewer) == ["pc0", "pc1"]
    assert names(viewer, page=2) == ["pc2", "pc3"]
    assert names(viewer, page=3) == ["pc4"]
    assert names(viewer, page=99) == ["pc4"]
    page = unescape(viewer.get(url(page=2)).content.decode())
    assert "Computers 3–4 of 5" in page
    assert "?day=2026-11-30&zoom=day&by=computer&page=3" in page
    assert 'href="/admin/timeline/?day=2026-11-30&zoom=day&by=computer">← The 2 before' in page
    assert choices.PAGE == 500


@pytest.mark.parametrize(
    "query",
    [
        {"day": "x"},
        {"day": "9999-12-31"},
        {"day": "0001-01-01", "zoom": "week"},
        {"zoom": "year"},
        {"lab": "x", "open": "x", "by": "x", "image": "-1", "block": "²", "page": "0"},
        {"lab": 999_999_999, "open": 999_999_999, "image": 999_999_999, "block": 999_999_999, "page": 999_999_999},
        {"page": "9" * 40},
        {"day": "9998-12-31", "zoom": "week"},
        {"day": "1971-01-01", "zoom": "week"},
    ],
)
def test_any_address_will_do(viewer: Client, cs101: BlockTime, query: dict[str, object]) -> None:
    for by in ("class", "computer"):
        assert viewer.get(url(**{"by": by, **query})).status_code == 200
    if query.get("day") == "x":
        assert "“x” can’t be shown; this is today." in text(viewer, url(**query))


def test_nothing_but_reading(viewer: Client) -> None:
    assert viewer.post(url()).status_code == 405


# --- Who sees what ------------------------------------------------------------------------------


def test_who_may_see_it(client: Client, site: Site, cs101: BlockTime) -> None:
    assert client.get(url()).status_code == 302
    user = StaffUser.objects.create_user("other", is_staff=True)
    client.force_login(user)
    assert client.get(url()).status_code == 403
    site.reserve(site.windows, MONDAY, MONDAY + HOUR, Computer.objects.get(hostname="cs101-pc0"), **IN_USE)
    user.user_permissions.add(Permission.objects.get(codename="view_blocktime"))
    lead, block, reservation = bars(client, "cs101-pc0")
    # The pages of reloads and computers, and with them the names of users, are closed to this account.
    assert lead.address == block.address == page_url("blocktime", cs101.pk)
    assert (reservation.address, reservation.text) == ("", "")
    assert "admin@Local" not in client.get(url()).content.decode()


def test_other_affiliations_blocks_are_not_shown(
    viewer: Client, site: Site, cs101: BlockTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = Affiliation.objects.create(name="Away")
    owner = User.objects.create(unityid="prof", affiliation=away)
    theirs = site.class_("Secret", owner_id=owner.pk)
    site.reserve(site.windows, MONDAY, MONDAY + HOUR, Computer.objects.get(hostname="secret-pc0"), **IN_USE)
    limit_to(LOCAL, monkeypatch)
    lead, block, reservation = bars(viewer, "secret-pc0")
    assert (block.kind, block.address, block.text) == ("foreign overlaps", "", "")
    assert block.title == "another affiliation's class, Mon 30 Nov 09:00–11:00, secret-pc0"
    assert lead.title == "Lead time of another affiliation's class, Mon 30 Nov 08:30–09:00, secret-pc0"
    assert lead.address == ""
    assert (reservation.text, reservation.title[:21]) == ("", "Reservation of a user")
    reload = {"state_id": RELOAD, "laststate_id": RELOAD, "user_id": VCLRELOAD}
    pc = site.computer("pc", site.ubuntu)
    site.reserve(site.windows, MONDAY, MONDAY + HOUR, pc, **reload)
    assert bars(viewer, "pc")[0].address == page_url("computer", pc.pk)  # the page of the reload is not theirs
    page = viewer.get(url()).content.decode()
    assert "Secret" not in page
    assert "admin@Local" not in page
    assert bars(viewer, "cs101-pc0")[-1].text == "CS101"
    assert names(viewer, block=theirs.blockRequest_id) == []
    assert names(viewer, image=site.ubuntu.pk) == ["cs101-pc0", "cs101-pc1"]
    assert "secret-pc0" in names(viewer, busy=1)


# --- Cost ---------------------------------------------------------------------------------------


def test_load_times_are_read_once_and_only_when_they_are_needed(viewer: Client, site: Site, cs101: BlockTime) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            viewer.get(url(busy=1))
        return len(queries)

    count()
    before = count()
    without_reload()
    assert count() == before + 3  # of the images: what is known, and the log, of old loads and of those since
    assert count() == before + 2  # old loads are remembered
    other = site.time(site.request("CS2", site.windows, None, 1), MONDAY)
    site.hold(other, site.computer("pc", site.ubuntu))
    without_reload()
    assert count() == before + 3
    assert count() == before + 2


@pytest.mark.parametrize(
    "query",
    [{}, {"busy": 1, "zoom": "week"}, {"by": "class"}, {"by": "class", "zoom": "week"}, {"by": "class", "open": 1}],
)
def test_queries_do_not_grow(viewer: Client, site: Site, query: dict[str, object]) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            viewer.get(url(**query))
        return len(queries)

    more: Callable[[str], object] = lambda name: [site.class_(f"{name}{number}") for number in range(3)]  # noqa: E731
    more("A")
    count()
    before = count()
    more("B")
    site.reserve(site.windows, MONDAY, MONDAY + HOUR, *Computer.objects.all()[:5], **IN_USE)
    assert count() == before
    assert before < 20
