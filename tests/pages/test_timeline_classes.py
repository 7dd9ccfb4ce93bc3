"""The timeline's rows: a class each with its computers on demand, computers that are alike together; what overlaps."""

import re
from html import unescape
from typing import NamedTuple

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from blockalloc.models import (
    Affiliation,
    BlockComputer,
    BlockTime,
    Computer,
    Request,
    Resource,
    ResourceGroup,
    ResourceGroupMember,
    ResourceType,
    SiteMaintenance,
    User,
    UserGroupMember,
)
from blockalloc.pages.timeline.computers import in_ranges
from tests.support.scoped import limit_to
from tests.support.sites.staff_site import ADMIN, DAY, HOUR, LOCAL, MONDAY, NEW_YORK, NOW, Site, page_url, text

pytestmark = pytest.mark.django_db
IN_USE = {"state_id": 8, "laststate_id": 8, "user_id": ADMIN}


class Shown(NamedTuple):
    """A row as the page has it: its name, what is beside it, its bars by kind, what it says overlaps."""

    name: str
    beside: str
    kinds: list[str]
    overlaps: str


def url(**query: object) -> str:
    return reverse("admin:timeline", query={"day": "2026-11-30", **query})


def rows(client: Client, **query: object) -> list[Shown]:
    page = client.get(url(**query)).content.decode()
    found = []
    for row in re.split(r'<li id="(?:class|computer|free)', page)[1:]:
        label = re.search(r'<span class="name".*?>(.*?)((?:\s<span class="(?:signal|about)).*?)?</div>', row, re.DOTALL)
        note = re.search(r'<p class="overlap">(.*?)</p>', row)
        assert label
        kinds = re.findall(r'<svg class="bar ([\w ]+)"', row.partition("</section>")[0])
        found.append(Shown(plain(label[1]), plain(label[2] or ""), kinds, plain(note[1]) if note else ""))
    return found


def plain(html: str) -> str:
    return " ".join(unescape(re.sub("<[^>]*>", " ", html)).split())


# --- By class -----------------------------------------------------------------------------------


def test_a_class_is_a_row_with_its_hours_its_computers_and_how_it_is(viewer: Client, cs101: BlockTime) -> None:
    (row,) = rows(viewer)
    assert (row.name, row.kinds) == ("CS101", ["lead", "block"])
    assert re.fullmatch("(At risk|On track|Later|Watch) 09:00–11:00 2 computers , show each", row.beside)
    page = viewer.get(url()).content.decode()
    assert f'<a href="{page_url("blocktime", cs101.pk)}">CS101</a>' in page
    assert "CS101, Mon 30 Nov 09:00–11:00, for CS101@Local, Ubuntu 22.04, 2 computers" in page
    assert "Lead time of CS101, Mon 30 Nov 08:30–09:00, 2 computers" in page
    assert "1 class." in text(viewer, url())


def test_its_computers_are_shown_on_demand(viewer: Client, cs101: BlockTime) -> None:
    page = unescape(viewer.get(url()).content.decode())
    assert f'href="/admin/timeline/?day=2026-11-30&open={cs101.pk}#class-{cs101.pk}"' in page
    assert [row.name for row in rows(viewer, open=cs101.pk)] == ["CS101", "cs101-pc0", "cs101-pc1"]
    page = unescape(viewer.get(url(open=cs101.pk)).content.decode())
    assert f'href="/admin/timeline/?day=2026-11-30#class-{cs101.pk}"' in page
    assert [row.name for row in rows(viewer, open=99999)] == ["CS101"]


def test_the_lead_time_is_that_of_the_computer_that_is_taken_first(viewer: Client, cs101: BlockTime) -> None:
    reload = BlockComputer.objects.filter(blockTime=cs101).latest("computer__hostname").reloadrequestid
    Request.objects.filter(pk=reload).update(start=MONDAY - HOUR)
    assert "Lead time of CS101, Mon 30 Nov 08:00–09:00, 2 computers" in viewer.get(url()).content.decode()


def test_a_series_has_one_row_in_a_week(viewer: Client, site: Site, cs101: BlockTime) -> None:
    again = site.time(cs101.blockRequest, MONDAY + 2 * DAY)
    site.hold(again, site.computer("other", site.ubuntu))
    (row,) = rows(viewer, zoom="week")
    assert row.name == "CS101"
    assert row.beside.startswith("2 classes up to 2 computers")
    assert row.kinds == ["lead", "block"] * 2
    opened = rows(viewer, zoom="week", open=cs101.blockRequest_id)
    assert [each.name for each in opened] == ["CS101", "cs101-pc0", "cs101-pc1", "other"]


def test_classes_of_other_affiliations_have_no_name_and_are_not_opened(
    viewer: Client, site: Site, cs101: BlockTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = User.objects.create(unityid="prof", affiliation=Affiliation.objects.create(name="Away"))
    theirs = site.class_("Secret", owner_id=owner.pk)
    limit_to(LOCAL, monkeypatch)
    other = next(row for row in rows(viewer, open=theirs.pk) if row.name != "CS101")
    assert other == Shown("Another affiliation's class", "09:00–11:00 2 computers", ["lead", "foreign"], "")
    assert "Secret" not in viewer.get(url(open=theirs.pk)).content.decode()
    assert [row.name for row in rows(viewer, image=site.ubuntu.pk)] == ["CS101"]


def test_a_lab_has_the_classes_with_computers_of_it(viewer: Client, site: Site, cs101: BlockTime) -> None:
    site.class_("CS2")
    kind = ResourceType.objects.get(name="computer")
    lab = ResourceGroup.objects.create(name="Lab", resourcetype=kind, ownerusergroup_id=1)
    resource = Resource.objects.create(resourcetype=kind, subid=Computer.objects.get(hostname="cs2-pc1").pk)
    ResourceGroupMember(resource=resource, resourcegroup=lab).save(force_insert=True)
    (row,) = rows(viewer, lab=lab.pk)
    assert row.name == "CS2"
    assert "1 computer ," in row.beside
    answer = viewer.get(url(group=lab.pk, zoom="week"))
    assert answer["Location"] == f"/admin/timeline/?day=2026-11-30&lab={lab.pk}&zoom=week"
    assert f'<option value="{lab.pk}" selected>' in viewer.get(url(lab=lab.pk)).content.decode()


# --- The hours in view --------------------------------------------------------------------------


def test_the_hours_of_classes_are_in_view_and_what_is_not_is_said(viewer: Client, site: Site) -> None:
    site.class_("Night", MONDAY - 9 * HOUR)
    site.class_("Early", MONDAY - 4 * HOUR)  # 05:00 to 07:00
    site.class_("Late", MONDAY + 12.5 * HOUR)  # 21:30 to 23:30
    maintenance = {"ownerid": 1, "created": NOW, "usermessage": "", "informhoursahead": 1, "allowreservations": 0}
    SiteMaintenance.objects.create(start=MONDAY - 6 * HOUR, end=MONDAY - 5 * HOUR, **maintenance)
    assert [row.name for row in rows(viewer)] == ["Early", "Late"]
    said = text(viewer, url())
    assert "Not in view: 2 classes before 06:00, 1 class after 22:00, site maintenance before 06:00" in said
    assert "05:00" not in re.findall(r'class="hour[^>]*>(\d\d)', viewer.get(url()).content.decode())
    assert [row.name for row in rows(viewer, zoom="day")] == ["Night", "Early", "Late"]
    assert "Not in view" not in text(viewer, url(zoom="day"))
    assert "2 bookings before 06:00, 1 booking after 22:00" in text(viewer, url(by="computer"))


def test_a_class_that_had_no_computers_is_named(viewer: Client, site: Site) -> None:
    past = site.time(site.request("Night", site.ubuntu, None, 3), NOW - 3 * HOUR)
    day = f"{NOW.astimezone(NEW_YORK):%Y-%m-%d}"
    assert "Not in view: 1 class without computers." in text(viewer, url(day=day))
    assert "without computers" not in text(viewer, url(day=day, block=past.blockRequest_id + 1))
    BlockTime.objects.update(skip=1)
    assert "without computers" not in text(viewer, url(day=day))


def test_now_is_in_view_early_in_the_morning(viewer: Client, cs101: BlockTime) -> None:
    now = NOW.astimezone(NEW_YORK).replace(hour=4, minute=40)
    with time_machine.travel(now):
        page = viewer.get(url(day=f"{now:%Y-%m-%d}", by="computer")).content.decode()
    assert [int(each) for each in re.findall(r'<text class="hour[^>]*>(\d\d)', page)] == [*range(3, 22)]
    assert 'class="now"' in page
    assert ">03–22</a>" in page


# --- By computer --------------------------------------------------------------------------------


def test_computers_with_the_same_bookings_share_a_row(viewer: Client, site: Site, cs101: BlockTime) -> None:
    for number in range(3):
        site.computer(f"idle-{number}", site.ubuntu)
    site.reserve(site.windows, MONDAY, MONDAY + HOUR, site.computer("used", site.ubuntu), **IN_USE)
    Computer.objects.filter(hostname__startswith="host-").update(deleted=1)
    together, used, free = rows(viewer, by="computer")
    assert (together.name, together.kinds) == ("cs101-pc0, cs101-pc1", ["lead", "block"])
    assert together.beside == "2 computers , show each"
    assert (used.name, used.kinds) == ("used", ["user"])
    assert (free.name, free.kinds) == ("idle-0 to idle-2", [])
    assert free.beside == "not booked 3 computers , show each"
    opened = Computer.objects.get(hostname="cs101-pc1").pk
    assert [row.name for row in rows(viewer, by="computer", open=opened)][:3] == [
        "cs101-pc0, cs101-pc1", "cs101-pc0", "cs101-pc1",
    ]  # fmt: skip


def test_names_have_no_domain_of_the_site(viewer: Client, site: Site) -> None:
    for name in ("a.example.edu", "b.example.edu", "c.elsewhere.org"):
        site.computer(name, site.ubuntu)
    (row,) = rows(viewer, by="computer")
    assert row.name == "a , b , c.elsewhere.org"


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ([], []),
        (["a"], ["a"]),
        (["cs-01", "cs-02", "cs-03", "cs-05"], ["cs-01 to cs-03", "cs-05"]),
        (["cs-09", "cs-10"], ["cs-09, cs-10"]),
        (["a1.x.edu", "a2.x.edu", "a3.x.edu", "b4.x.edu"], ["a1.x.edu to a3.x.edu", "b4.x.edu"]),
        (["a", "b"], ["a", "b"]),
    ],
)
def test_names_that_are_counted_on_are_a_range(names: list[str], said: list[str]) -> None:
    assert [*in_ranges(names)] == said


# --- What overlaps ------------------------------------------------------------------------------


def test_a_reservation_of_somebody_else_in_the_hours_of_a_class(viewer: Client, site: Site, cs101: BlockTime) -> None:
    site.reserve(site.windows, MONDAY, MONDAY + HOUR, Computer.objects.get(hostname="cs101-pc0"), **IN_USE)
    (row,) = rows(viewer)
    assert row.overlaps == "Overlaps: cs101-pc0 is reserved by admin@Local 09:00–10:00"
    assert row.kinds == ["lead", "block overlaps"]
    mine, other = rows(viewer, by="computer", busy=1)
    assert mine.overlaps == "Overlaps: it is reserved by admin@Local 09:00–10:00 during CS101"
    assert mine.kinds == ["lead", "block overlaps", "user overlaps"]
    assert (other.overlaps, other.kinds) == ("", ["lead", "block"])


def test_what_a_member_does_in_the_class_is_no_overlap(viewer: Client, site: Site, cs101: BlockTime) -> None:
    group = cs101.blockRequest.group
    UserGroupMember(user_id=ADMIN, usergroup=group).save(force_insert=True)
    pc = Computer.objects.get(hostname="cs101-pc0")
    own = site.reserve(site.windows, MONDAY, MONDAY + HOUR, pc, **IN_USE)
    assert rows(viewer)[0].overlaps == ""
    type(own).objects.filter(pk=own.pk).update(end=MONDAY + 3 * HOUR)
    assert rows(viewer)[0].overlaps == (
        "Overlaps: cs101-pc0 is reserved by admin@Local, who is in the class, 09:00–12:00"
    )


def test_reservations_beside_the_class_and_reloads_are_no_overlap(viewer: Client, site: Site, cs101: BlockTime) -> None:
    pc = Computer.objects.get(hostname="cs101-pc0")
    site.reserve(site.windows, MONDAY + 2 * HOUR, MONDAY + 3 * HOUR, pc, **IN_USE)
    site.reserve(site.windows, MONDAY, MONDAY + HOUR, pc, state_id=12, laststate_id=8, user_id=ADMIN)  # over
    site.reserve(site.windows, MONDAY, MONDAY + HOUR, pc, state_id=19, laststate_id=19, user_id=ADMIN)
    assert rows(viewer)[0].overlaps == ""


def test_two_classes_on_one_computer(viewer: Client, site: Site, cs101: BlockTime) -> None:
    other = site.time(site.request("CS2", site.ubuntu, None, 1), MONDAY + HOUR)
    site.hold(other, Computer.objects.get(hostname="cs101-pc0"))
    assert [row.overlaps for row in rows(viewer)] == [
        "Overlaps: cs101-pc0 is in CS2 10:00–12:00 too",
        "Overlaps: cs101-pc0 is in CS101 09:00–11:00 too",
    ]
    both = rows(viewer, by="computer")[0]
    assert both.kinds == ["lead", "block overlaps", "lead", "block overlaps"]
    BlockTime.objects.filter(pk=other.pk).update(skip=1)
    assert [row.overlaps for row in rows(viewer)] == ["", ""]


def test_names_of_overlaps_are_for_those_who_may_read_them(
    viewer: Client, site: Site, cs101: BlockTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = User.objects.create(unityid="prof", affiliation=Affiliation.objects.create(name="Away"))
    theirs = site.time(site.request("Secret", site.ubuntu, None, 1, owner_id=owner.pk), MONDAY + HOUR)
    pc = Computer.objects.get(hostname="cs101-pc0")
    site.hold(theirs, pc)
    site.reserve(site.windows, MONDAY, MONDAY + HOUR / 2, pc, **IN_USE)
    limit_to(LOCAL, monkeypatch)
    said = next(row for row in rows(viewer) if row.name == "CS101").overlaps
    assert said == (
        "Overlaps: cs101-pc0 is reserved 09:00–09:30; cs101-pc0 is in another affiliation's class 10:00–12:00 too"
    )
    for by in ("class", "computer"):
        page = viewer.get(url(by=by)).content.decode()
        assert "Secret" not in page
        assert "admin@Local" not in page


def test_only_the_first_overlaps_of_many_are_said(viewer: Client, site: Site) -> None:
    site.class_("CS1", computers=5)
    for number in range(5):
        pc = Computer.objects.get(hostname=f"cs1-pc{number}")
        site.reserve(site.windows, MONDAY, MONDAY + HOUR, pc, **IN_USE)
    assert rows(viewer)[0].overlaps.endswith("; and 2 more overlaps")
