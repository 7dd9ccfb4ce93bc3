"""The loads of an image as CSV: each with its computer, and whether the estimate counts it."""

import csv
import io
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.contrib.auth.models import User as StaffUser
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from blockalloc import clock
from blockalloc.models import Computer, Image, Log, ManagementNode, Sublog
from blockalloc.store import loads
from tests.support.sites.staff_site import ADMIN, Site, revision

pytestmark = pytest.mark.django_db


def url(image: Image) -> str:
    return reverse("admin:load_times_csv", args=[image.pk])


def add(image: Image, start: str, loaded: str | None, *computers: tuple[Computer, Image], **values: Any) -> Log:
    """A row of VCL's log (site time), with its computers and what was loaded on each."""
    usual = {"user_id": ADMIN, "image": image, "wasavailable": 1, "ending": "released", "nowfuture": "now"}
    usual |= {"initialend": start, "finalend": start}
    row = Log.objects.create(start=start, loaded=loaded, **{**usual, **values})
    for computer, its_image in computers:
        Sublog.objects.create(
            log=row,
            image=its_image,
            imagerevision=revision(its_image, 2),
            computer=computer,
            managementnode=ManagementNode.objects.get(hostname="mn0.edu"),
        )
    return row


def lines(client: Client, image: Image) -> list[dict[str, str]]:
    answer = client.get(url(image))
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(answer.getvalue().decode())))


def test_a_load_with_its_computer(viewer: Client, site: Site) -> None:
    computer = site.computer("cs-01", site.ubuntu)
    add(site.ubuntu, "2026-11-10 08:00:00", "2026-11-10 08:05:30", (computer, site.ubuntu))
    (line,) = lines(viewer, site.ubuntu)
    assert line == {
        **{"begun": "2026-11-10 08:00:00", "seconds": "330", "computer": "cs-01", "management_node": "mn0.edu"},
        **{"ending": "released", "counts": "yes", "why_not": ""},
    }


@pytest.mark.parametrize(
    ("loaded", "ending", "seconds", "why"),
    [
        ("2026-11-10 08:02:00", "released", "120", "the computer had the image already"),
        ("2026-11-10 07:59:00", "released", "-60", "the computer had the image already"),
        ("2026-11-10 08:02:01", "released", "121", ""),
        ("2026-11-10 08:29:59", "timeout", "1799", ""),
        ("2026-11-10 08:30:00", "released", "1800", "stuck"),
        ("2026-11-10 08:05:00", "failed", "300", "failed"),
        (None, "failed", "", "failed"),
        (None, "deleted", "", "no end in the log"),
    ],
)
def test_whether_it_counts(viewer: Client, site: Site, loaded: str | None, ending: str, seconds: str, why: str) -> None:
    add(site.ubuntu, "2026-11-10 08:00:00", loaded, ending=ending)
    (line,) = lines(viewer, site.ubuntu)
    assert (line["seconds"], line["counts"], line["why_not"]) == (seconds, "no" if why else "yes", why)
    assert bool(sum(each.number for each in loads.read(site.ubuntu.pk, clock.now()) if 120 < each.seconds < 1800)) == (
        not why
    )


def test_a_load_while_the_clock_was_put_back_took_the_time_that_passed(viewer: Client, site: Site) -> None:
    add(site.ubuntu, "2026-11-01 00:55:00", "2026-11-01 02:05:00")
    assert lines(viewer, site.ubuntu)[0]["seconds"] == str(130 * 60)


def test_which_loads_there_are(viewer: Client, site: Site) -> None:
    add(site.ubuntu, "2026-11-10 08:00:00", "2026-11-10 08:05:00")
    add(site.windows, "2026-11-11 08:00:00", "2026-11-11 08:05:00")
    add(site.ubuntu, "2025-11-25 11:59:59", "2025-11-25 12:05:00")
    add(site.ubuntu, "2025-11-25 12:00:01", "2025-11-25 12:05:00")
    add(site.ubuntu, "2026-11-12 08:00:00", "2026-11-12 08:05:00", wasavailable=0)
    add(site.ubuntu, "2026-11-12 08:00:00", "2026-11-12 08:05:00", nowfuture="future")
    assert [line["begun"] for line in lines(viewer, site.ubuntu)] == ["2026-11-10 08:00:00", "2025-11-25 12:00:01"]


def test_a_cluster_is_one_load(viewer: Client, site: Site) -> None:
    head, other = site.computer("head", site.ubuntu), site.computer("other", site.ubuntu)
    add(site.ubuntu, "2026-11-10 08:00:00", None, (other, site.windows), (head, site.ubuntu), (other, site.ubuntu))
    assert [line["computer"] for line in lines(viewer, site.ubuntu)] == ["head"]


def test_names_are_no_formulas(viewer: Client, site: Site) -> None:
    add(site.ubuntu, "2026-11-10 08:00:00", None, (site.computer("=1+1", site.ubuntu), site.ubuntu))
    assert lines(viewer, site.ubuntu)[0]["computer"] == "'=1+1"


def test_it_is_read_in_portions(viewer: Client, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("blockalloc.store.loads.ROWS_AT_ONCE", 2)
    for minute in range(5):
        add(site.ubuntu, f"2026-11-10 08:0{minute}:00", None)
    with CaptureQueriesContext(connection) as queries:
        found = lines(viewer, site.ubuntu)
    assert [line["begun"][14:16] for line in found] == ["00", "01", "02", "03", "04"]
    assert sum("FROM log" in each["sql"] for each in queries) == 4  # three portions, and none


def test_the_page_leads_to_it_where_there_are_loads(viewer: Client, site: Site) -> None:
    link = f'href="{url(site.ubuntu)}">Export as CSV</a>'
    page = reverse("admin:load_times", args=[site.ubuntu.pk])
    assert link not in viewer.get(page).content.decode()
    add(site.ubuntu, "2026-11-10 08:00:00", "2026-11-10 08:10:00")
    assert link in viewer.get(page).content.decode()


def test_it_needs_the_permissions_for_images_and_computers(client: Client, site: Site) -> None:
    user = StaffUser.objects.create_user("other", is_staff=True)
    client.force_login(user)
    for names, status in ((["view_image"], 403), (["view_computer"], 403), (["view_image", "view_computer"], 200)):
        user.user_permissions.set(Permission.objects.filter(codename__in=names))
        assert client.get(url(site.ubuntu)).status_code == status
    user.user_permissions.set(Permission.objects.filter(codename="view_image"))
    page = client.get(reverse("admin:load_times", args=[site.ubuntu.pk])).content.decode()
    assert "Export as CSV" not in page


def test_there_is_none_of_no_image(viewer: Client, site: Site) -> None:
    assert viewer.get(reverse("admin:load_times_csv", args=[999_999])).status_code == 404
