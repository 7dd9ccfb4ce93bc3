"""Lists find what staff look for: by day, by filter, by word."""

from datetime import datetime

import pytest
from django.test import Client

from blockalloc.models import (
    BlockTime,
    Computer,
)
from tests.support.sites.staff_site import (
    DAY,
    HOUR,
    MONDAY,
    NEW_YORK,
    NOW,
    Site,
    add_image,
    list_url,
    listed,
    rows,
    state,
    text,
)

pytestmark = pytest.mark.django_db


# --- Days ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (None, ["on", "tonight", "saturday", "monday", "later"]),
        ("coming", ["on", "tonight", "saturday", "monday", "later"]),
        ("2026-11-25", ["earlier", "on", "tonight"]),
        ("2026-11-26", ["tonight"]),  # it ends after midnight
        ("2026-11-28", ["saturday"]),
        ("2026-11-30", ["monday"]),
        ("2027-01-11", ["later"]),  # not among the next days: from a link
        ("this-week", ["earlier", "on", "tonight", "saturday"]),
        ("next-week", ["monday"]),
        ("past", ["earlier"]),
        ("all", ["later", "monday", "saturday", "tonight", "on", "earlier"]),
        ("nonsense", ["on", "tonight", "saturday", "monday", "later"]),
        ("9999-12-31", ["on", "tonight", "saturday", "monday", "later"]),
    ],
)
def test_days(viewer: Client, site: Site, day: str | None, expected: list[str]) -> None:
    starts = {
        "earlier": NOW - 4 * HOUR,
        "on": NOW - HOUR,
        "tonight": NOW.replace(hour=23),
        "saturday": NOW.replace(hour=22) + 3 * DAY,
        "monday": MONDAY,
        "later": MONDAY + 42 * DAY,
    }
    for name, start in starts.items():
        site.time(site.request(name, site.ubuntu, None, 1), start)
    assert listed(viewer, "blocktime", **({"day": day} if day else {})) == expected


def test_days_of_the_week_are_named(viewer: Client, cs101: BlockTime) -> None:
    page = text(viewer, list_url("blocktime"))
    assert "Now and to come Today, Wednesday 25 Nov Tomorrow, Thursday 26 Nov Friday 27 Nov" in page
    assert "This week Next week Over All" in page


@pytest.mark.parametrize(
    ("start", "inside"),
    [
        (datetime(2026, 3, 8, 23, 30), True),  # the day of 23 hours: half past midnight if it had 24
        (datetime(2026, 3, 9, 0, 0), False),
        (datetime(2026, 3, 8, 0, 0), True),
    ],
)
def test_the_day_of_summer_time_ends_at_midnight(viewer: Client, site: Site, start: datetime, inside: bool) -> None:
    site.time(site.request("CS1", site.ubuntu, None, 1), start.replace(tzinfo=NEW_YORK))
    assert listed(viewer, "blocktime", day="2026-03-08") == (["CS1"] if inside else [])


# --- Search and filters -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("page", "words", "expected"),
    [
        ("blocktime", "cs101", ["CS101"]),
        ("blocktime", "cs1 ubuntu", ["CS101"]),
        ("blocktime", "math-pc1", ["Math"]),
        ("blocktime", "file-ubuntu", ["CS101", "Math"]),
        ("blocktime", "nothing", []),
        ("blocktime", "☃", []),
        ("blockrequest", "math", ["Math"]),
        ("blockrequest", "ubuntu", ["CS101", "Math"]),
        ("computer", "math-pc", ["host-of-math-pc0", "host-of-math-pc1", "math-pc0", "math-pc1"]),
        ("computer", "virtual nothing", []),
        ("image", "windows", ["Windows 11"]),
        ("request", "math-pc0", ["Tue 1 Dec 08:30"]),
        ("request", "☃", []),
    ],
)
def test_search(viewer: Client, site: Site, cs101: BlockTime, page: str, words: str, expected: list[str]) -> None:
    site.class_("Math", MONDAY + DAY)
    assert listed(viewer, page, q=words) == expected


def test_filters_of_block_times(viewer: Client, site: Site, cs101: BlockTime) -> None:
    math = site.request("Math", site.windows, site.group("Math"), 3)
    site.time(math, MONDAY, skip=1)
    waiting = site.time(math, MONDAY + DAY)
    site.time(math, MONDAY + 2 * DAY, processed=1)
    site.time(site.request("Asked", site.ubuntu, None, 1, status="requested"), MONDAY)
    starts = {"complete": "Mon 30 Nov", "waiting": "Tue 1 Dec", "short": "Wed 2 Dec", "skipped": "Mon 30 Nov"}
    for chosen, start in starts.items():
        found = rows(viewer, list_url("blocktime", status=chosen), "when_")
        assert [cell.partition(" 0")[0] for cell in found] == [start], chosen
    assert listed(viewer, "blocktime", status="not-accepted") == ["Asked"]
    assert listed(viewer, "blocktime", group=math.group_id) == ["Math"] * 3
    assert listed(viewer, "blocktime", image=site.windows.pk) == ["Math"] * 3
    assert listed(viewer, "blocktime", image=site.windows.pk, status="waiting", day="2026-12-01") == ["Math"]
    assert waiting.pk


def test_filters_offer_what_occurs_in_blocks(viewer: Client, site: Site, cs101: BlockTime) -> None:
    page = viewer.get(list_url("blocktime")).content.decode()
    assert f'<option value="{site.ubuntu.pk}">Ubuntu 22.04</option>' in page
    assert ">Windows 11</option>" not in page
    assert "Windows 11" in text(viewer, list_url("blocktime", image=site.windows.pk))


@pytest.mark.parametrize("value", ["", "x", "-1", "0", "9" * 30, "9" * 5000, "٣", "%00", "1' OR '1"])
@pytest.mark.parametrize("filter_", ["group", "image", "status", "day"])
def test_nonsense_in_a_filter_is_as_no_filter(viewer: Client, cs101: BlockTime, filter_: str, value: str) -> None:
    assert listed(viewer, "blocktime", **{filter_: value}) == ["CS101"]


def test_filters_of_block_requests(viewer: Client, site: Site, cs101: BlockTime) -> None:
    site.request("Last year", site.windows, site.group("Math"), 1, expireTime=NOW - 100 * DAY, status="completed")
    assert listed(viewer, "blockrequest") == ["CS101"]
    assert listed(viewer, "blockrequest", open="expired") == ["Last year"]
    assert listed(viewer, "blockrequest", open="all") == ["CS101", "Last year"]
    assert listed(viewer, "blockrequest", open="all", status="completed") == ["Last year"]
    assert listed(viewer, "blockrequest", open="all", image=site.windows.pk) == ["Last year"]
    assert listed(viewer, "blockrequest", group=cs101.blockRequest.group_id) == ["CS101"]


def test_filters_of_computers(viewer: Client, site: Site) -> None:
    site.class_("CS101", computers=1)
    site.computer("lab1", site.ubuntu, type="lab", notes="broken")
    Computer.objects.filter(hostname="lab1").update(state=state("maintenance"))
    site.computer("gone", site.ubuntu, deleted=1, datedeleted=NOW - DAY)
    site.class_("Over", NOW - 3 * DAY, computers=1)
    everything = ["cs101-pc0", "host-of-cs101-pc0", "host-of-over-pc0", "lab1", "over-pc0"]
    assert listed(viewer, "computer") == everything
    assert listed(viewer, "computer", removed="yes") == ["gone"]
    assert listed(viewer, "computer", removed="all") == sorted([*everything, "gone"])
    assert listed(viewer, "computer", type="lab") == ["lab1"]
    assert listed(viewer, "computer", state=state("maintenance").pk) == ["lab1"]
    assert listed(viewer, "computer", block="yes") == ["cs101-pc0"]
    assert "over-pc0" in listed(viewer, "computer", block="no")


def test_filters_of_images(viewer: Client, site: Site, cs101: BlockTime) -> None:
    add_image("Old", deleted=1)
    assert "Ubuntu 22.04" in listed(viewer, "image")
    assert "Old" not in listed(viewer, "image")
    assert listed(viewer, "image", removed="yes") == ["Old"]
    assert listed(viewer, "image", blocks="yes") == ["Ubuntu 22.04"]
    assert "Windows 11" in listed(viewer, "image", blocks="no")
