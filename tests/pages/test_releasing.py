"""The page on which some computers of a class are chosen and released."""

import html
import re
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import Permission
from django.contrib.auth.models import User as StaffUser
from django.test import Client
from django.urls import reverse

from blockalloc.models import Decision
from tests.golden import tables
from tests.support.sites.back_end_stage import IMAGE, MINUTE
from tests.support.sites.morning import START
from tests.support.sites.still_morning import CLASS, StillMorning, still_morning

pytestmark = [pytest.mark.django_db(transaction=True)]

ADDRESS = reverse("admin:blocktime_action", args=[CLASS, "release-some"])


@pytest.fixture
def site() -> Iterator[StillMorning]:
    """At nine the class of four has got its computers 10 to 13; a member uses 12 already."""
    with still_morning() as stage:
        assert stage.allocate() == 4
        request = stage.named_reloads()[12]
        stage.send("DELETE FROM reservation WHERE requestid = %s", request)
        stage.send("DELETE FROM request WHERE id = %s", request)
        stage.set(12, currentimageid=IMAGE, imagerevisionid=IMAGE)
        stage.use(12, stage.now - MINUTE, START + 60 * MINUTE, image=IMAGE)
        yield stage


@pytest.fixture
def wanda(client: Client) -> Client:
    """One of the staff who may release."""
    user = StaffUser.objects.create_user("wanda", is_staff=True)
    names = ["view_blocktime", "view_decision", "release_blocktime"]
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(user)
    return client


def boxes(client: Client, query: str = "") -> list[tuple[str, str, bool]]:
    """The boxes of the page: name, value, whether it is chosen."""
    page = client.get(f"{ADDRESS}{query}").content.decode()
    found = re.findall(r'<input type="checkbox" name="(\w+)" value="(\d+)"[^>]*?( checked)?>', page)
    return [(name, value, bool(checked)) for name, value, checked in found]


def said(client: Client, **form: object) -> str:
    form = {"reason": "CS420 needs them", **form}
    return html.unescape(client.post(ADDRESS, form, follow=True).content.decode())


def test_the_computers_that_are_missed_least_come_first(site: StillMorning, wanda: Client) -> None:
    found = boxes(wanda)
    assert {value for name, value, _ in found if name == "computer"} == {"10", "11", "13"}
    assert found[-1] == ("in_use", "12", False)
    assert not any(chosen for _, _, chosen in found)
    begins = dict(site.send("SELECT v.computerid, q.start FROM request q JOIN reservation v ON v.requestid = q.id"))
    order = [int(value) for name, value, _ in found if name == "computer"]
    assert order == sorted(order, key=lambda computer: begins[computer], reverse=True)


@pytest.mark.parametrize(
    ("query", "chosen"), [("?computers=2", 2), ("?computers=9", 3), ("?computers=x", 0), ("?choose=13,12,99", 1)]
)
def test_the_address_chooses_some_but_none_in_use(query: str, chosen: int, site: StillMorning, wanda: Client) -> None:
    found = boxes(wanda, query)
    assert sum(chosen for *_, chosen in found) == chosen
    assert [name for name, _, chosen in found if chosen] == ["computer"] * chosen
    if "computers" in query:
        assert [chosen for *_, chosen in found] == sorted((chosen for *_, chosen in found), reverse=True)


def test_it_says_what_happens_to_each(site: StillMorning, wanda: Client) -> None:
    page = wanda.get(ADDRESS).content.decode()
    assert page.count("; its reload will be removed</span>") == 3
    assert "in use by a member: the reservation goes on, but the computer is no longer kept for the class" in page
    assert "The class is to have 4 machines now." in page
    before = tables.read()
    wanda.get(f"{ADDRESS}?computers=2")
    assert tables.read() == before


def test_the_chosen_ones_are_released(site: StillMorning, wanda: Client) -> None:
    page = said(wanda, computer=["10", "13"])
    assert "Computers released: 2, reloads removed: 2: c10, c13; machines left: 2." in page
    assert "2 of 4 machines missing: 2 computers released by wanda at 09:00: CS420 needs them" in page
    assert sorted(site.named_reloads()) == [11, 12]
    assert Decision.objects.latest("pk").person == "wanda"


def test_one_in_use_goes_only_when_its_own_box_is_chosen(site: StillMorning, wanda: Client) -> None:
    """Its box has another name: who began to use it after the page was shown keeps it."""
    assert "No computer was released; in use by now, so left in the class: c12." in said(wanda, computer="12")
    assert sorted(site.named_reloads()) == [10, 11, 12, 13]
    assert "Computers released: 1, reloads removed: 0: c12; machines left: 3." in said(wanda, in_use="12")
    assert sorted(site.named_reloads()) == [10, 11, 13]


def test_without_a_choice_nothing_is_done(site: StillMorning, wanda: Client) -> None:
    records = Decision.objects.count()
    assert "Nothing was done: choose the computers." in said(wanda)
    assert "Nothing was done: choose the computers." in said(wanda, computer="x")
    assert (len(site.named_reloads()), Decision.objects.count()) == (4, records)


def test_it_is_offered_where_there_is_something_to_release(site: StillMorning, wanda: Client) -> None:
    page = reverse("admin:blockalloc_blocktime_change", args=[CLASS])
    assert ADDRESS in wanda.get(page).content.decode()
    said(wanda, computer=["10", "11", "13"], in_use="12")
    assert ADDRESS not in wanda.get(page).content.decode()
    assert "The class has no computers." in wanda.get(ADDRESS).content.decode()
