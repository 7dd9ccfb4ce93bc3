"""A computer's page tells its next load, and how the last ones went."""

from datetime import datetime, timedelta
from html import unescape

import pytest
from django.test import Client

from blockalloc.models import (
    Affiliation,
    BlockTime,
    Computer,
    ComputerLoadLog,
    ComputerLoadState,
    Image,
    Log,
    ManagementNode,
    Module,
    Request,
    Reservation,
    Sublog,
    User,
)
from tests.support.scoped import limit_to
from tests.support.sites.staff_site import (
    ADMIN,
    HOUR,
    LOCAL,
    MONDAY,
    NOW,
    PENDING,
    VCLRELOAD,
    Site,
    page_url,
    revision,
    rows,
    text,
)

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
NEW = {"state_id": 13, "laststate_id": 13, "user_id": ADMIN}


def page(client: Client, hostname: str) -> str:
    return text(client, page_url("computer", Computer.objects.get(hostname=hostname).pk))


def next_load(client: Client, hostname: str, label: str = "Next load") -> str:
    return unescape(page(client, hostname)).partition(f"{label}: ")[2].partition(" State ")[0]


def history(client: Client, computer: Computer) -> list[tuple[str, ...]]:
    """(began, took, ending) of each line."""
    address = page_url("computer", computer.pk)
    return list(zip(*(rows(client, address, f"load_{name}") for name in ("start", "took", "ending")), strict=True))


def used(computer: Computer, image: Image, start: datetime, taken: int | None, **values: object) -> Log:
    """A past reservation."""
    loaded = None if taken is None else start + timedelta(seconds=taken)
    values = {"user_id": ADMIN, "wasavailable": 1, "ending": "released", **values}
    log = Log.objects.create(image=image, start=start, loaded=loaded, initialend=start, finalend=start, **values)
    Sublog.objects.create(
        log=log,
        image=image,
        imagerevision=revision(image, 2),
        computer=computer,
        managementnode=ManagementNode.objects.order_by("pk")[0],
        predictivemodule=Module.objects.order_by("pk")[0],
    )
    return log


def steps(request: Request, start: datetime, *names: str) -> None:
    """The load log of a request's only reservation: a step each five minutes."""
    reservation = Reservation.objects.get(request=request)
    for number, name in enumerate(names):
        ComputerLoadLog.objects.create(
            reservation=reservation,
            computer=reservation.computer,
            loadstate=ComputerLoadState.objects.get(loadstatename=name),
            timestamp=start + number * 5 * MINUTE,
        )


# --- The next load ------------------------------------------------------------------------------


def test_the_next_load_is_that_of_the_next_block(viewer: Client, site: Site, cs101: BlockTime) -> None:
    pc = Computer.objects.get(hostname="cs101-pc0")
    site.hold(site.time(site.request("Later", site.ubuntu, None, 1), MONDAY + 5 * HOUR), pc)
    told = "Mon 30 Nov 08:30 , Ubuntu 22.04 , for CS101, Mon 30 Nov 09:00 , by mn0.edu"
    assert next_load(viewer, "cs101-pc0") == told
    assert next_load(viewer, "cs101-pc1") == told.replace("22.04 ,", "22.04 (already on it),")
    html = viewer.get(page_url("computer", pc.pk)).content.decode()
    reload = Reservation.objects.filter(computer=pc).order_by("pk")[0].request_id
    for address in (page_url("request", reload), page_url("image", site.ubuntu.pk), page_url("blocktime", cs101.pk)):
        assert f'href="{address}"' in html.partition('id="next-load"')[2].partition("</p>")[0]


def test_there_may_be_none(viewer: Client, site: Site) -> None:
    pc = site.computer("pc", site.ubuntu)
    site.reserve(site.windows, NOW - HOUR, NOW + HOUR, pc, state_id=8, laststate_id=8, user_id=ADMIN)
    site.reserve(site.windows, NOW - HOUR, NOW + HOUR, pc, **NEW)
    assert next_load(viewer, "pc") == "none planned"


def test_loads_for_users_and_for_no_block(viewer: Client, site: Site) -> None:
    pc = site.computer("pc", site.ubuntu)
    site.reserve(site.windows, NOW + 2 * HOUR, NOW + 3 * HOUR, pc, **NEW)
    assert next_load(viewer, "pc") == "Wed 25 Nov 14:00, Windows 11 , for a user's reservation, by mn0.edu"
    reload = {"state_id": 19, "laststate_id": 19, "user_id": VCLRELOAD}
    site.reserve(site.windows, NOW + HOUR, NOW + 2 * HOUR, pc, **reload)
    assert next_load(viewer, "pc") == "Wed 25 Nov 13:00, Windows 11 , for no class, by mn0.edu"


@pytest.mark.parametrize(
    ("state", "label", "expected"),
    [(PENDING, "Loading now", ", in progress"), (19, "Next load", ", due and not begun")],
)
def test_a_load_that_should_be_at_work(viewer: Client, site: Site, state: int, label: str, expected: str) -> None:
    time = site.time(site.request("CS1", site.windows, None, 1), NOW + HOUR / 4)
    site.hold(time, site.computer("pc", site.ubuntu), state_id=state)
    assert next_load(viewer, "pc", label).startswith(f"Wed 25 Nov 11:45{expected} ,")


def test_another_affiliations_block_is_not_named(viewer: Client, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = User.objects.create(unityid="prof", affiliation=Affiliation.objects.create(name="Away"))
    site.class_("Secret", owner_id=owner.pk)
    limit_to(LOCAL, monkeypatch)
    assert next_load(viewer, "secret-pc0").endswith("for another affiliation's class, by mn0.edu")
    line = viewer.get(page_url("computer", Computer.objects.get(hostname="secret-pc0").pk)).content.decode()
    line = line.partition('id="next-load"')[2].partition("</p>")[0]
    assert "/request/" not in line
    assert "/blocktime/" not in line


# --- The history --------------------------------------------------------------------------------


def test_past_loads_are_listed_the_newest_first(viewer: Client, site: Site) -> None:
    pc, other = site.computer("pc", site.ubuntu), site.computer("other", site.ubuntu)
    used(pc, site.windows, NOW - 9 * HOUR, 570)
    used(pc, site.windows, NOW - 7 * HOUR, None, ending="failed")
    used(pc, site.windows, NOW - 8 * HOUR, 30, ending="nologin")
    used(pc, site.windows, NOW - 6 * HOUR, 2000)
    used(pc, site.windows, NOW - 5 * HOUR, -400, nowfuture="future")
    used(pc, site.windows, NOW - 4 * HOUR, None, wasavailable=0)
    used(other, site.windows, NOW - 3 * HOUR, 500)
    assert history(viewer, pc) == [
        ("Wed 25 Nov 07:00", "loaded ahead", "released"),
        ("Wed 25 Nov 06:00", "33 min 20 s", "released"),
        ("Wed 25 Nov 05:00", "–", "failed"),
        ("Wed 25 Nov 04:00", "30 s, no load was needed", "ready, but nobody signed in"),
        ("Wed 25 Nov 03:00", "9 min 30 s", "released"),
    ]
    html = viewer.get(page_url("computer", pc.pk)).content.decode()
    assert '<span class="signal bad">failed</span>' in html
    assert '<span class="signal watch">33 min 20 s</span>' in html
    assert "1 of the last 5 loads failed." in html


def test_a_load_over_the_change_of_the_clock(viewer: Client, site: Site) -> None:
    pc = site.computer("pc", site.ubuntu)
    log = used(pc, site.windows, NOW, 0)
    Log.objects.filter(pk=log.pk).update(
        start=datetime(2026, 11, 1, 1, 55, tzinfo=NOW.tzinfo), loaded=datetime(2026, 11, 1, 2, 5, tzinfo=NOW.tzinfo)
    )
    assert history(viewer, pc)[0][1] == "70 min"


def test_the_load_log_tells_more_while_it_is_there(viewer: Client, site: Site) -> None:
    pc = site.computer("pc", site.ubuntu)
    done, failed, begun = (
        site.reserve(site.windows, NOW - hours * HOUR, NOW, pc, state_id=8, laststate_id=8, user_id=ADMIN)
        for hours in (5, 4, 3)
    )
    log = used(pc, site.windows, NOW - 5 * HOUR, 999)
    Request.objects.filter(pk=done.pk).update(log=log)
    steps(done, NOW - 5 * HOUR, "begin", "startload", "nodeready", "inuseend5")
    steps(failed, NOW - 4 * HOUR, "begin", "loadimagefailed", "failed")
    steps(begun, NOW - 3 * HOUR, "begin", "bootstate")
    assert history(viewer, pc) == [
        ("Wed 25 Nov 09:00", "in progress", "image loading"),
        ("Wed 25 Nov 08:00", "5 min", "preparing computer failed"),
        ("Wed 25 Nov 07:00", "10 min", "resource ready"),
    ]
    assert "1 of the last 2 loads failed." in page(viewer, "pc")


def test_fifty_are_listed(viewer: Client, site: Site) -> None:
    pc = site.computer("pc", site.ubuntu)
    for number in range(52):
        used(pc, site.windows, NOW - (number + 1) * HOUR, 300)
    told = history(viewer, pc)
    assert len(told) == 50
    assert told[0][0] == "Wed 25 Nov 11:00"
    assert "None of the last 50 loads failed." in page(viewer, "pc")


def test_without_loads(viewer: Client, site: Site) -> None:
    site.computer("pc", site.ubuntu)
    assert "Load history (0) None." in page(viewer, "pc")
