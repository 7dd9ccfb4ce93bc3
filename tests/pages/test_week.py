"""This week: seven columns of classes, and how much of their computers the images take."""

import re
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from blockalloc.models import (
    Affiliation,
    BlockTime,
    ClassHeld,
    Computer,
    Decision,
    Forecast,
    Image,
    ImageMeta,
    Resource,
    ResourceGroup,
    ResourceGroupMember,
    ResourceMap,
    ResourceType,
    Schedule,
    SubImage,
    User,
)
from blockalloc.pages.week.capacity import busiest
from blockalloc.store.images_wanted import WantedRow
from tests.support.scoped import limit_to
from tests.support.sites.kept_forecast import forecast_run, foresee
from tests.support.sites.staff_site import DAY, HOUR, MONDAY, NOW, Site, add_image, list_url, page_url, state, text
from tests.support.week_page import Shown, blocks_of_week, capacity_of_week

pytestmark = pytest.mark.django_db

WEEK = reverse("admin:week")
NEXT_WEEK = f"{WEEK}?from=2026-11-30"
NONE = "–"


def class_(site: Site, name: str, start: datetime, machines: int = 4, image: Image | None = None) -> BlockTime:
    """A class of two hours that nobody has asked for yet."""
    return site.time(site.request(name, image or site.ubuntu, None, machines), start)


def closed(key: int, name: str, start: datetime, **values: Any) -> ClassHeld:
    """The closing row of a class of two hours."""
    usual: dict[str, Any] = {"block_request_id": 1, "image_id": 1, "image_name": "Old image", "wanted": 20, "had": 18}
    usual |= {"user_group": "CS@NCSU", "owner": "odette@NCSU", "affiliation_id": 1, "end": start + 2 * HOUR}
    usual |= {"ready_at_start": 17, "ready_after_five": 18, "closed": True}
    return ClassHeld.objects.create(block_time_id=key, block_name=name, start=start, **{**usual, **values})


def skip_or_release(key: int, action: str, name: str = "CS101", **values: Any) -> Decision:
    usual: dict[str, Any] = {"outcome": Decision.DONE, "person": "anna@NCSU", "duration": 1, "affiliation_id": 1}
    usual |= {"block_start": NOW - 4 * HOUR, "block_end": NOW - 2 * HOUR, "started": NOW - 10 * HOUR}
    return Decision.objects.create(block_time_id=key, block_name=name, action=action, **{**usual, **values})


def only(client: Client, url: str = WEEK) -> Shown:
    (shown,) = blocks_of_week(client, url)
    return shown


def days(client: Client, url: str) -> dict[str, str]:
    """The opening tags of the days, by date."""
    page = client.get(url).content.decode()
    return {found[1]: found[0] for found in re.findall(r'(<details class="day[^>]*id="day-([^"]*)"[^>]*>)', page)}


# --- The columns ----------------------------------------------------------------------------------


def test_the_classes_of_a_day_are_by_start(viewer: Client, site: Site) -> None:
    class_(site, "noon", MONDAY + 3 * HOUR)
    class_(site, "long", MONDAY)
    class_(site, "other", MONDAY)
    assert [each.name for each in blocks_of_week(viewer, NEXT_WEEK)] == ["long", "other", "noon"]
    assert [each.hours for each in blocks_of_week(viewer, NEXT_WEEK)] == ["09:00–11:00", "09:00–11:00", "12:00–14:00"]


def test_today_is_marked_and_open_and_the_others_are_folded(viewer: Client, site: Site) -> None:
    found = days(viewer, WEEK)
    assert list(found) == [f"{date(2026, 11, 23) + timedelta(days=day)}" for day in range(7)]
    assert [day for day, tag in found.items() if " open>" in tag] == ["2026-11-25"]
    assert [day for day, tag in found.items() if '"day today' in tag] == ["2026-11-25"]
    assert [day for day, tag in found.items() if '"day past' in tag] == ["2026-11-23", "2026-11-24"]


def test_in_another_week_the_first_day_that_needs_a_look_is_open(viewer: Client, site: Site) -> None:
    assert not any(" open>" in tag for tag in days(viewer, NEXT_WEEK).values())
    class_(site, "CS101", MONDAY + DAY)
    assert [day for day, tag in days(viewer, NEXT_WEEK).items() if " open>" in tag] == ["2026-12-01"]
    forecast_run()
    foresee(class_(site, "CS300", MONDAY + 3 * DAY), 3, "other classes have them")
    assert [day for day, tag in days(viewer, NEXT_WEEK).items() if " open>" in tag] == ["2026-12-03"]


def test_a_class_at_risk_says_why_in_short_and_what_can_be_done(viewer: Client, site: Site) -> None:
    time = site.class_("CS101", NOW + HOUR, 2)
    time.blockRequest.numMachines = 4
    time.blockRequest.save()
    shown = only(viewer)
    assert (shown.number, shown.signal, shown.short) == ("2 of 4 usable", "At risk", "2 of 4 machines missing")
    assert "bad" in shown.kinds
    assert (
        "2 of 4 machines allocated, 2 usable, 1 ready; computers: 1 loaded, 1 waiting. Starts in 1 h. For CS101@Local."
        in shown.more
    )
    assert reverse("admin:what_would_help", args=[time.pk]) in shown.markup
    assert f'<a class="name" href="{page_url("blocktime", time.pk)}">CS101</a>' in shown.markup


def test_failed_machines_are_told_from_those_that_are_not_allocated(viewer: Client, site: Site) -> None:
    time = site.class_("CS101", NOW + HOUR, 2)
    time.blockRequest.numMachines = 4
    time.blockRequest.save()
    Computer.objects.filter(hostname="cs101-pc1").update(state=state("failed"))
    shown = only(viewer)
    assert (shown.number, shown.short) == ("1 of 4 usable", "3 of 4 machines missing, 1 of them failed")


def test_a_class_that_was_skipped_is_struck_and_says_by_whom(viewer: Client, site: Site) -> None:
    time = site.time(site.request("CS101", site.ubuntu, None, 1), NOW + HOUR, skip=1)
    skip_or_release(time.pk, Decision.SKIP, block_start=time.start, block_end=time.end)
    shown = only(viewer)
    assert "struck" in shown.kinds
    assert (shown.signal, shown.short, shown.number) == ("Skipped", "by anna@NCSU at 02:00", "")


def test_a_class_whose_computers_were_released_is_struck_and_says_by_whom(viewer: Client, site: Site) -> None:
    time = site.time(site.request("CS101", site.ubuntu, None, 4), NOW + HOUR, processed=1)
    skip_or_release(time.pk, Decision.RELEASE, block_start=time.start, block_end=time.end)
    shown = only(viewer)
    assert "struck" in shown.kinds
    assert (shown.signal, shown.short, shown.number) == ("Watch", "released by anna@NCSU at 02:00", "0 of 4 usable")


def test_a_class_that_is_over_says_what_came_of_it(viewer: Client, site: Site) -> None:
    closed(901, "CS101", NOW - DAY, used_at_peak=9, used_in_the_mean=7.25)
    shown = only(viewer)
    assert (shown.number, shown.signal, shown.short) == ("18 of 20 allocated", "Over", "17 ready at the start")
    assert "17 of 20 machines ready at the start, 18 five minutes later; 9 computers used at the peak" in shown.more
    assert f'href="{list_url("decision", block_time=901)}"' in shown.markup
    assert {"over", "plain"} <= {*shown.kinds}


def test_one_that_was_released_and_is_over_says_by_whom(viewer: Client, site: Site) -> None:
    closed(901, "CS101", NOW - 4 * HOUR)
    skip_or_release(901, Decision.RELEASE)
    shown = only(viewer)
    assert "struck" in shown.kinds
    assert shown.short == "released by anna@NCSU at 02:00"


def test_without_a_closing_row_the_decisions_tell_what_they_can(viewer: Client, site: Site) -> None:
    skip_or_release(901, Decision.ALLOCATE, outcome="success", wanted=12, had=0, allocated=12)
    shown = only(viewer)
    assert (shown.number, shown.signal) == ("12 of 12 allocated", "Over")
    assert "12 of 12 machines allocated, nobody counted" in shown.more


def test_names_are_escaped(viewer: Client, site: Site) -> None:
    class_(site, '"><script>alert(1)</script>'[:30], MONDAY)
    assert "<script>alert" not in viewer.get(NEXT_WEEK).content.decode()


# --- Labs -----------------------------------------------------------------------------------------


def group(kind: str, name: str, *ids: int) -> ResourceGroup:
    """A resource group of things of a type."""
    type_ = ResourceType.objects.get(name=kind)
    made = ResourceGroup.objects.create(name=name, resourcetype=type_, ownerusergroup_id=1)
    for id_ in ids:
        resource, _ = Resource.objects.get_or_create(resourcetype=type_, subid=id_)
        ResourceGroupMember.objects.create(resource=resource, resourcegroup=made)
    return made


def open_hours() -> Schedule:
    return Schedule.objects.get_or_create(name="open")[0]


def map_to(image: Image, *computers: Computer) -> ResourceGroup:
    """A lab of the computers, to which the image is mapped. They are open at some hours."""
    Computer.objects.filter(pk__in=[each.pk for each in computers]).update(schedule=open_hours())
    lab = group("computer", f"lab of {image.prettyname}", *(each.pk for each in computers))
    images = group("image", f"images of {image.prettyname}", image.pk)
    kinds = {name: ResourceType.objects.get(name=name) for name in ("image", "computer")}
    ResourceMap.objects.create(
        resourcegroup1=images, resourcetype1=kinds["image"], resourcegroup2=lab, resourcetype2=kinds["computer"]
    )
    return lab


def test_a_lab_can_be_chosen_and_stays_so(viewer: Client, site: Site) -> None:
    lab = map_to(site.ubuntu, site.computer("pc-1", site.ubuntu))
    map_to(site.windows, site.computer("pc-2", site.windows))
    class_(site, "CS101", MONDAY)
    class_(site, "CS300", MONDAY, image=site.windows)
    address = f"{NEXT_WEEK}&lab={lab.pk}"
    assert [each.name for each in blocks_of_week(viewer, address)] == ["CS101"]
    assert list(capacity_of_week(viewer, address)) == ["Ubuntu 22.04 1 usable"]
    page = viewer.get(address).content.decode()
    assert f'href="?lab={lab.pk}&amp;from=2026-12-07"' in page
    assert f'href="?lab={lab.pk}"' in page
    assert [each.name for each in blocks_of_week(viewer, NEXT_WEEK)] == ["CS101", "CS300"]


# --- The strip of capacity --------------------------------------------------------------------------


def test_a_day_counts_what_is_wanted_at_the_same_time(viewer: Client, site: Site) -> None:
    forecast_run()
    for name, start, machines in (("a", MONDAY, 50), ("b", MONDAY + HOUR, 20), ("c", MONDAY + 2 * HOUR, 30)):
        foresee(class_(site, name, start, machines), machines)
    foresee(class_(site, "d", MONDAY + DAY, 17), 17)
    assert capacity_of_week(viewer, NEXT_WEEK) == {
        "Ubuntu 22.04 68 usable": ["70 of 68 , 2 too few", "17 of 68", *[NONE] * 5]
    }


def test_the_strip_is_below_the_days(viewer: Client, site: Site) -> None:
    forecast_run()
    foresee(class_(site, "CS101", MONDAY, 20), 20)
    page = viewer.get(NEXT_WEEK).content.decode()
    assert 0 < page.index('<div class="week">') < page.index("CS101") < page.index("Computers wanted at the busiest")


def test_the_number_is_that_of_the_list_above(viewer: Client, site: Site) -> None:
    forecast_run()
    foresee(class_(site, "CS101", MONDAY, 20), 20)
    foresee(class_(site, "exam", MONDAY, 50), 48, "other classes have them")
    assert "Ubuntu 22.04: 70 wanted, 68 usable" in text(viewer, NEXT_WEEK)
    assert capacity_of_week(viewer, NEXT_WEEK)["Ubuntu 22.04 68 usable"][0] == "70 of 68 , 2 too few"


@pytest.mark.parametrize("values", [{"skip": 1}, {"status": "requested"}])
def test_what_does_not_take_place_wants_nothing(viewer: Client, site: Site, values: dict[str, Any]) -> None:
    forecast_run()
    foresee(class_(site, "CS101", MONDAY, 20), 20)
    other = class_(site, "other", MONDAY, 20)
    if "skip" in values:
        BlockTime.objects.filter(pk=other.pk).update(skip=1)
    else:
        type(other.blockRequest).objects.filter(pk=other.blockRequest_id).update(status=values["status"])
    assert capacity_of_week(viewer, NEXT_WEEK)["Ubuntu 22.04 68 usable"][0] == "20 of 68"


def test_a_cluster_wants_each_of_its_computers(viewer: Client, site: Site) -> None:
    meta = ImageMeta.objects.create(subimages=1)
    hadoop = add_image("Hadoop", imagemeta=meta)
    for _ in range(2):
        SubImage.objects.create(imagemeta=meta, image=site.ubuntu)
    class_(site, "big data", MONDAY, 3, hadoop)
    class_(site, "CS101", MONDAY, 10)
    found = capacity_of_week(viewer, NEXT_WEEK)
    assert {image: cells[0] for image, cells in found.items()} == {"Hadoop": "3", "Ubuntu 22.04": "16"}


def test_what_is_over_is_counted_once(viewer: Client, site: Site) -> None:
    time = class_(site, "CS101", NOW - DAY, 4)
    closed(time.pk, "CS101", NOW - DAY, wanted=4, image_id=site.ubuntu.pk)
    closed(901, "CS102", NOW - DAY, wanted=3, image_id=site.ubuntu.pk, image_name="Ubuntu 22.04")
    assert capacity_of_week(viewer, WEEK)["Ubuntu 22.04"][1] == "7"


def test_a_day_that_is_over_is_not_measured_by_the_computers_of_today(viewer: Client, site: Site) -> None:
    map_to(site.ubuntu, *(site.computer(f"pc-{number}", site.ubuntu) for number in range(3)))
    for key, start, machines in ((901, NOW - DAY, 4), (902, NOW - 7 * DAY, 5)):
        closed(key, "CS101", start, wanted=machines, image_id=site.ubuntu.pk, image_name="Ubuntu 22.04")
    class_(site, "CS102", NOW + DAY, 4)
    assert capacity_of_week(viewer, WEEK) == {
        "Ubuntu 22.04 3 usable": [NONE, "4", NONE, "4 of 3 , 1 too few", *[NONE] * 3]
    }
    (week_before,) = capacity_of_week(viewer, f"{WEEK}?from={NOW - 7 * DAY:%Y-%m-%d}").items()
    assert week_before == ("Ubuntu 22.04", [NONE, NONE, "5", *[NONE] * 4])


def test_without_a_forecast_the_computers_are_counted_that_the_image_is_mapped_to(viewer: Client, site: Site) -> None:
    fit = [site.computer(f"pc-{number}", site.ubuntu) for number in range(3)]
    broken, small = site.computer("broken", site.ubuntu), site.computer("small", site.ubuntu)
    Computer.objects.filter(pk=broken.pk).update(state=10)
    Computer.objects.filter(pk=small.pk).update(RAM=1024)
    map_to(site.ubuntu, *fit, broken, small)
    group("computer", "other lab", site.computer("elsewhere", site.ubuntu).pk)
    class_(site, "CS101", MONDAY, 4)
    assert capacity_of_week(viewer, NEXT_WEEK) == {"Ubuntu 22.04 3 usable": ["4 of 3 , 1 too few", *[NONE] * 6]}


def test_the_classes_of_others_count_too_but_not_their_images(
    viewer: Client, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = class_(site, "ours", MONDAY, 4)
    theirs = class_(site, "theirs", MONDAY, 5)
    other_image = class_(site, "theirs too", MONDAY, 5, site.windows)
    other = User.objects.create(unityid="teacher", affiliation=Affiliation.objects.create(name="Other"))
    for each in (theirs, other_image):
        each.blockRequest.owner = other
        each.blockRequest.save()
    affiliation = ours.blockRequest.owner.affiliation_id
    assert affiliation is not None
    limit_to(affiliation, monkeypatch)
    assert [each.name for each in blocks_of_week(viewer, NEXT_WEEK)] == ["ours"]
    assert {image: cells[0] for image, cells in capacity_of_week(viewer, NEXT_WEEK).items()} == {"Ubuntu 22.04": "9"}


def test_images_that_have_room_are_folded(viewer: Client, site: Site) -> None:
    forecast_run()
    for number in range(5):
        image = add_image(f"Image {number}")
        foresee(class_(site, f"class {number}", MONDAY + number * DAY, 10 + number, image), 10 + number)
    assert list(capacity_of_week(viewer, NEXT_WEEK)) == [f"Image {number} 68 usable" for number in (4, 3, 2)]
    page = text(viewer, NEXT_WEEK)
    more = "2 more images, none using more than 16 % of its computers"
    assert f"{more} Image 1: 11 of 68 on Tue Image 0: 10 of 68 on" in page


def test_no_strip_without_classes(viewer: Client, site: Site) -> None:
    assert "Computers wanted" not in text(viewer, WEEK)


@pytest.mark.parametrize(
    ("hours", "most"),
    [
        ([(0, 4, 5)], 5),
        ([(0, 4, 5), (4, 8, 6)], 6),  # one after the other
        ([(0, 4, 5), (3, 8, 6)], 11),
        ([(-5, 4, 5), (2, 20, 6)], 11),  # beyond the ends of the day
        ([(-5, 0, 5), (10, 12, 6)], 0),
        ([], 0),
    ],
)
def test_the_busiest_moment(hours: list[tuple[int, int, int]], most: int) -> None:
    rows = [WantedRow(id_, start, end, number, 1, "", 0) for id_, (start, end, number) in enumerate(hours)]
    assert busiest(rows, 0, 10) == most


# --- At what cost -----------------------------------------------------------------------------------


@pytest.mark.parametrize("url", [WEEK, NEXT_WEEK])
@pytest.mark.parametrize("limited", [False, True])
def test_statements_do_not_grow(
    viewer: Client, site: Site, monkeypatch: pytest.MonkeyPatch, url: str, *, limited: bool
) -> None:
    if limited:
        limit_to(1, monkeypatch)
    forecast_run()
    counts = []
    for number in (1, 6):
        for each in range(number):
            image = add_image(f"image {number} {each}")
            foresee(class_(site, f"ahead {number} {each}", MONDAY + each * HOUR, 4, image), 3, "others have them")
            site.class_(f"now {number} {each}", NOW + each * HOUR)
            closed(100 * number + each, f"over {number} {each}", NOW - DAY, image_id=image.pk)
        viewer.get(url)
        with CaptureQueriesContext(connection) as queries:
            viewer.get(url)
        counts.append(len(queries))
    assert Forecast.objects.count() == 7
    assert counts[0] == counts[1] < 20
