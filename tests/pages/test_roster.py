"""The roster of a class: computers, addresses, states, users; as a page and as CSV."""

import csv
import io
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from blockalloc.models import BlockTime, Computer
from tests.support.scoped import limit_to
from tests.support.sites.accounts import make_user
from tests.support.sites.staff_site import LOCAL, NOW, Site, TwoAffiliations, page_url, state, text

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
IN_USE = 8


@pytest.fixture
def on(site: Site) -> BlockTime:
    """A class of three that is on: one loaded, one in use, one failed."""
    time = site.class_("CS101", NOW - HOUR, 3)
    first, second, third = computers(time)
    for computer in (first, second):
        Computer.objects.filter(pk=computer.pk).update(currentimage=site.ubuntu)
    site.reserve(
        site.ubuntu, NOW - HOUR / 2, NOW + HOUR, second, state_id=IN_USE, laststate_id=IN_USE,
        user_id=make_user("jdoe", "NCSU").pk,
    )  # fmt: skip
    Computer.objects.filter(pk=second.pk).update(state=state("inuse"), privateIPaddress="192.168.0.7")
    Computer.objects.filter(pk=third.pk).update(state=state("failed"))
    return time


def computers(time: BlockTime) -> list[Computer]:
    return list(Computer.objects.filter(blockcomputer__blockTime=time).order_by("hostname"))


def address(time: BlockTime, name: str = "roster") -> str:
    return reverse(f"admin:{name}", args=[time.pk])


def lines(client: Client, time: BlockTime) -> list[list[str]]:
    response = client.get(address(time, "roster_csv"))
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert f'filename="roster-{time.pk}.csv"' in response["Content-Disposition"]
    return list(csv.reader(io.StringIO(response.getvalue().decode())))


def test_it_has_addresses_states_and_users(viewer: Client, on: BlockTime) -> None:
    first, second, third = computers(on)
    page = text(viewer, address(on))
    assert "Roster: CS101 Wed 25 Nov 2026 11:00–13:00 : 3 computers, as of Wed 25 Nov 12:00" in page
    assert f"{second.hostname} {second.IPaddress} 192.168.0.7 in use (old revision)" not in page
    assert f"{second.hostname} {second.IPaddress} 192.168.0.7 in use Ubuntu 22.04 jdoe@NCSU" in page
    assert f"{third.hostname} {third.IPaddress} – is in state failed Windows 11 –" in page
    html = viewer.get(address(on)).content.decode()
    assert page_url("computer", first.pk) in html
    assert address(on) in viewer.get(page_url("blocktime", on.pk)).content.decode()


def test_a_column_that_says_nothing_is_left_out(viewer: Client, on: BlockTime) -> None:
    assert "Private address" in text(viewer, address(on))
    Computer.objects.update(privateIPaddress=None)
    assert "Private address" not in text(viewer, address(on))


def test_on_phones_each_value_has_its_name(viewer: Client, on: BlockTime) -> None:
    html = viewer.get(address(on)).content.decode()
    assert '<table id="roster" class="cards"' in html
    assert '<td role="cell" data-label="Used by">jdoe@NCSU</td>' in html
    assert '<td role="cell" data-label="Used by" data-none>–</td>' in html


def test_as_csv(viewer: Client, on: BlockTime) -> None:
    _, second, _ = computers(on)
    headings, *rows = lines(viewer, on)
    assert headings == ["computer", "address", "private address", "state", "image now", "used by"]
    assert [row[0] for row in rows] == [each.hostname for each in computers(on)]
    assert rows[1] == [second.hostname, second.IPaddress, "192.168.0.7", "in use", "Ubuntu 22.04", "jdoe@NCSU"]


def test_a_name_is_no_formula(viewer: Client, on: BlockTime) -> None:
    Computer.objects.filter(pk=computers(on)[0].pk).update(hostname="=cmd()")
    assert "'=cmd()" in [row[0] for row in lines(viewer, on)]


def test_a_class_without_computers(viewer: Client, site: Site) -> None:
    empty = site.class_("empty", NOW, 0)
    assert "The class has no computers." in text(viewer, address(empty))
    assert len(lines(viewer, empty)) == 1
    assert address(empty) not in viewer.get(page_url("blocktime", empty.pk)).content.decode()


@pytest.mark.parametrize("name", ["roster", "roster_csv"])
def test_who_may_see_it(name: str, client: Client, viewer: Client, on: BlockTime) -> None:
    assert viewer.get(address(on, name)).status_code == 200
    viewer.logout()
    assert viewer.get(address(on, name)).status_code == 302


def test_within_the_scope(viewer: Client, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    both = TwoAffiliations(site)
    own, other = both.own[0], both.others[0]
    site.reserve(
        site.ubuntu, NOW - HOUR, NOW + HOUR, both.shared[0], state_id=IN_USE, laststate_id=IN_USE,
        user_id=both.stranger.pk,
    )  # fmt: skip
    assert both.owner.affiliation_id is not None
    assert both.owner.affiliation_id != LOCAL
    limit_to(both.owner.affiliation_id, monkeypatch)
    for name in ("roster", "roster_csv"):
        assert viewer.get(address(other, name)).status_code == 404
    page = viewer.get(address(own)).content.decode()
    assert "somebody else" in page
    assert "strangers" not in page


@pytest.mark.parametrize("name", ["roster", "roster_csv"])
def test_queries_do_not_grow(name: str, viewer: Client, site: Site) -> None:
    counts = []
    for number in (2, 12):
        time = site.class_(f"CS{number}", NOW - HOUR, number)
        list(viewer.get(address(time, name)))  # what a process remembers for some minutes is read once
        with CaptureQueriesContext(connection) as queries:
            assert list(viewer.get(address(time, name)))
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 20
