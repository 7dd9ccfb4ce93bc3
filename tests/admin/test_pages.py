"""Which computers does Monday's CS101 have? The pages tell, and link to each other."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User as StaffUser
from django.test import Client
from django.urls import reverse

from blockalloc.models import (
    BlockTime,
    Computer,
    Decision,
    ImageMeta,
    Log,
    Request,
    Reservation,
    SubImage,
    User,
)
from scheduling.what_happened import NO_RECORD
from tests.support.sites.staff_site import (
    ADMIN,
    DAY,
    HOUR,
    MONDAY,
    NOW,
    PENDING,
    VCLRELOAD,
    Site,
    add_image,
    list_url,
    listed,
    page_url,
    rows,
    text,
)

pytestmark = pytest.mark.django_db


def test_block_times_tell_how_far_they_are(viewer: Client, site: Site, cs101: BlockTime) -> None:
    row = text(viewer, list_url("blocktime"))
    assert "CS101 Mon 30 Nov 09:00–11:00 CS101@Local Ubuntu 22.04 2 of 2 allocated On track" in row


def test_the_page_of_a_block_time_shows_its_computers(viewer: Client, site: Site, cs101: BlockTime) -> None:
    page = text(viewer, page_url("blocktime", cs101.pk))
    assert "CS101, Mon 30 Nov 09:00–11:00" in page
    assert "Computers (2)" in page
    reload = "Mon 30 Nov 08:30 09:00 mn0.edu"
    assert f"cs101-pc0 virtualmachine available Windows 11 Ubuntu 22.04 waiting: must load {reload}" in page
    assert f"cs101-pc1 virtualmachine available Ubuntu 22.04 Ubuntu 22.04 loaded {reload}" in page


def test_an_old_revision_is_not_loaded(viewer: Client, site: Site) -> None:
    time = site.time(site.request("CS1", site.ubuntu, None, 1), MONDAY)
    site.hold(time, site.computer("old", site.ubuntu, number=1))
    assert rows(viewer, page_url("blocktime", time.pk), "loading") == ["waiting: must load"]
    assert rows(viewer, page_url("blocktime", time.pk), "image_now") == ["Ubuntu 22.04 (old revision)"]
    assert rows(viewer, list_url("blocktime"), "machines") == ["1 of 1 allocated"]


def test_a_reload_that_is_over_leaves_a_dash(viewer: Client, cs101: BlockTime) -> None:
    Reservation.objects.all().delete()
    Request.objects.all().delete()
    assert rows(viewer, page_url("blocktime", cs101.pk), "reload_(?:start|end|node)") == ["–"] * 6


def test_a_cluster_wants_more_computers_than_machines(viewer: Client, site: Site) -> None:
    meta = ImageMeta.objects.create(subimages=1)
    image = add_image("Hadoop", imagemeta=meta)
    for _ in range(2):
        SubImage.objects.create(imagemeta=meta, image=site.ubuntu)
    time = site.time(site.request("CS1", image, None, 5), MONDAY, processed=1)
    assert rows(viewer, list_url("blocktime"), "machines") == ["0 of 5 usable"]
    assert "5, each of 3 computers" in text(viewer, page_url("blocktime", time.pk))
    assert "Ubuntu 22.04, Ubuntu 22.04" in text(viewer, page_url("image", image.pk))


@pytest.mark.parametrize(
    ("request_values", "time_values", "held", "expected"),
    [
        ({}, {}, 2, "On track"),
        ({}, {"processed": 1}, 1, "Watch: 1 of 2 machines missing"),
        ({"machines": 3}, {"processed": 1}, 1, "Watch: 2 of 3 machines missing"),
        ({}, {"processed": 1}, 0, f"Watch: no computers, begins in 4 days: {NO_RECORD}"),
        ({}, {}, 0, "Later: not asked for yet, begins in 4 days"),
        ({}, {"skip": 1}, 2, "Skipped"),
        ({"status": "requested"}, {}, 0, "Request requested"),
        ({"expireTime": NOW - DAY}, {}, 0, "Request expired"),
        ({}, {"start": NOW - 3 * DAY}, 2, "Over"),
    ],
)
def test_the_state_in_words(
    viewer: Client,
    site: Site,
    request_values: dict[str, object],
    time_values: dict[str, object],
    held: int,
    expected: str,
) -> None:
    request = site.request("CS1", site.ubuntu, None, **{"machines": 2, **request_values})  # type: ignore[arg-type]
    time = site.time(request, **{"start": MONDAY, **time_values})  # type: ignore[arg-type]
    site.hold(time, *(site.computer(f"pc{number}", site.ubuntu) for number in range(held)))
    assert rows(viewer, list_url("blocktime", day="all"), "state") == [expected]


# --- Reloads ------------------------------------------------------------------------------------


def test_reloads_are_those_of_blocks(viewer: Client, site: Site, cs101: BlockTime) -> None:
    computer = site.computer("other", site.ubuntu)
    session = {"state_id": 13, "laststate_id": 13, "user_id": ADMIN}
    site.reserve(site.ubuntu, MONDAY, MONDAY + HOUR, computer, **session)
    other = {"state_id": 18, "laststate_id": 18, "user_id": VCLRELOAD}
    site.reserve(site.ubuntu, MONDAY, MONDAY + HOUR, computer, **other)
    assert rows(viewer, list_url("request"), "computers") == ["cs101-pc0", "cs101-pc1"]
    assert rows(viewer, list_url("request"), "block") == ["CS101, Mon 30 Nov 09:00"] * 2
    assert rows(viewer, list_url("request"), "state") == ["waiting", "already loaded"]
    assert rows(viewer, list_url("request"), "reserved_until") == ["09:00"] * 2
    page = text(viewer, list_url("request"))
    assert "Load begins" in page
    assert "Reserved until" in page


def test_a_reload_that_has_begun_is_still_listed(viewer: Client, site: Site) -> None:
    time = site.time(site.request("CS1", site.ubuntu, None, 1), NOW + HOUR / 4)
    site.hold(time, site.computer("pc", site.windows), state_id=PENDING)
    assert rows(viewer, list_url("request"), "state") == ["loading"]


def test_reloads_of_a_management_node(viewer: Client, site: Site, cs101: BlockTime) -> None:
    second = site.node()
    time = site.time(site.request("Cluster", site.ubuntu, None, 1), MONDAY)
    site.hold(time, *(site.computer(f"part{number}", site.windows) for number in range(3)))
    assert rows(viewer, list_url("request", node=second.pk), "computers") == ["part0, part1, part2"]
    assert len(listed(viewer, "request", node=site.nodes[0].pk)) == 2


def test_the_page_of_a_reload_shows_its_computers(viewer: Client, site: Site, cs101: BlockTime) -> None:
    reload = Reservation.objects.get(computer__hostname="cs101-pc0").request
    page = text(viewer, page_url("request", reload.pk))
    assert "Reload of cs101-pc0, Mon 30 Nov 08:30" in page
    assert "cs101-pc0 available Ubuntu 22.04 file-Ubuntu 22.04-v2 must load mn0.edu" in page


# --- Pages of computers, images and requests ----------------------------------------------------


def test_the_page_of_a_computer_shows_its_blocks_and_reservations(viewer: Client, site: Site, cs101: BlockTime) -> None:
    computer = Computer.objects.get(hostname="cs101-pc0")
    session = {"state_id": 13, "laststate_id": 13, "user": User.objects.get(pk=ADMIN)}
    site.reserve(site.windows, MONDAY - DAY, MONDAY - DAY + HOUR, computer, **session)
    site.reserve(site.windows, NOW - DAY, NOW - DAY + HOUR, computer, **session)
    page = text(viewer, page_url("computer", computer.pk))
    assert "Classes now and to come (1)" in page
    assert "CS101 CS101@Local Ubuntu 22.04 Mon 30 Nov 09:00 11:00 Mon 30 Nov 08:30" in page
    assert "Reservations and reloads now and to come (2)" in page
    assert "admin@Local Windows 11 Sun 29 Nov 09:00 10:00" in page
    assert "reload Ubuntu 22.04 Mon 30 Nov 08:30 09:00 waiting to be loaded (reload) mn0.edu" in page
    assert "host-of-cs101-pc0" in page


def test_the_page_of_an_image_shows_its_load_time_and_blocks(viewer: Client, site: Site, cs101: BlockTime) -> None:
    page = text(viewer, page_url("image", site.ubuntu.pk))
    assert "Expected load time 10 min – load times Computers" in page
    for minutes in (5, 6):
        start = NOW - 9 * DAY
        Log.objects.create(
            user_id=ADMIN,
            image=site.ubuntu,
            start=start,
            loaded=start + timedelta(minutes=minutes),
            wasavailable=1,
            ending="released",
        )
    page = text(viewer, page_url("image", site.ubuntu.pk))
    assert "Expected load time 5 min 30 s – load times Computers" in page
    assert "file-Ubuntu 22.04-v2" in page
    assert "Open series (1)" in page
    assert "CS101 CS101@Local 2 accepted Mon 30 Nov 09:00 1" in page
    assert "2048 MB" in page


def test_the_page_of_a_request_shows_its_times(viewer: Client, site: Site, cs101: BlockTime) -> None:
    site.time(cs101.blockRequest, MONDAY - 14 * DAY)
    site.time(cs101.blockRequest, MONDAY + 7 * DAY, skip=1)
    page = text(viewer, page_url("blockrequest", cs101.blockRequest_id))
    assert page.index("Classes to come (2)") < page.index("Classes that are over (1)")
    assert "Mon 30 Nov 09:00–11:00 2 of 2 allocated On track" in page
    assert rows(viewer, list_url("blockrequest"), "next_times") == ["Mon 30 Nov 09:00"]
    site.time(cs101.blockRequest, MONDAY + 21 * DAY)
    assert rows(viewer, list_url("blockrequest"), "next_times") == ["Mon 30 Nov 09:00 and 1 more"]


def test_pages_link_to_each_other(viewer: Client, site: Site, cs101: BlockTime) -> None:
    computer = Computer.objects.get(hostname="cs101-pc0")
    reload = Reservation.objects.get(computer=computer).request
    image = page_url("image", site.ubuntu.pk)
    request, time = page_url("blockrequest", cs101.blockRequest_id), page_url("blocktime", cs101.pk)
    links = {
        time: [request, image, page_url("computer", computer.pk), page_url("request", reload.pk)],
        request: [time, image],
        image: [request, time],
        page_url("computer", computer.pk): [time, image, page_url("request", reload.pk)],
        page_url("request", reload.pk): [time, image, page_url("computer", computer.pk)],
    }
    for page, targets in links.items():
        html = viewer.get(page).content.decode()
        for target in targets:
            assert f'href="{target}"' in html, (page, target)


def test_the_page_of_a_series_has_the_history_of_its_classes(client: Client, cs101: BlockTime) -> None:
    client.force_login(StaffUser.objects.create_superuser("root"))
    time = cs101
    decided = Decision.objects.create(
        started=NOW, action=Decision.RELEASE, outcome=Decision.DONE, block_time_id=time.pk, duration=1,
        block_request_id=time.blockRequest_id, text=f"held by block time {time.pk}",
    )  # fmt: skip
    page = client.get(page_url("blockrequest", time.blockRequest_id))
    assert page.status_code == 200
    assert reverse("admin:blockalloc_decision_change", args=[decided.pk]) in page.content.decode()
