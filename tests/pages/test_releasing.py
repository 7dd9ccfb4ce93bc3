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
from tests.support.sites.still_morning import CLASS, MAINTENANCE, StillMorning, still_morning

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


@pytest.mark.parametrize(
    ("number", "why"),
    [
        (1, "1 that will not be ready; the class will miss it least"),
        (2, "1 that will not be ready and 1 that would be ready last; the class will miss them least"),
    ],
)
def test_what_has_failed_is_chosen_first_and_the_page_says_why(
    number: int, why: str, site: StillMorning, wanda: Client
) -> None:
    site.set(11, stateid=MAINTENANCE)
    found = boxes(wanda, f"?computers={number}")
    assert found[0] == ("computer", "11", True)
    assert [chosen for *_, chosen in found].count(True) == number
    verb = "is" if number == 1 else "are"
    assert f"{number} of its 4 computers {verb} already ticked</strong>: {why}." in page_of(wanda, number)
    assert "already ticked" not in page_of(wanda, 0)


def page_of(client: Client, number: int) -> str:
    return client.get(f"{ADDRESS}?computers={number}").content.decode()


def test_loaded_ones_are_chosen_when_there_are_no_others(site: StillMorning, wanda: Client) -> None:
    for computer in (10, 13):
        site.set(computer, stateid=MAINTENANCE)
    site.send("DELETE FROM request WHERE id = %s", site.named_reloads()[11])
    site.set(11, currentimageid=IMAGE, imagerevisionid=IMAGE)
    why = "2 that will not be ready and 1 that is ready, since there are no others"
    assert f"already ticked</strong>: {why}; the class will miss them least." in page_of(wanda, 3)


def test_what_another_class_could_use_is_not_said_to_be_missed_least(site: StillMorning, wanda: Client) -> None:
    page = wanda.get(f"{ADDRESS}?choose=13").content.decode()
    assert "1 of its 4 computers is already ticked</strong>: another class could use it." in page


def test_it_says_what_happens_to_each(site: StillMorning, wanda: Client) -> None:
    page = wanda.get(ADDRESS).content.decode()
    assert page.count("; its reload will be removed</span>") == 3
    assert "<p>1 of its 4 computers is in use.</p>" in page
    site.use(13, START + 30 * MINUTE, START + 60 * MINUTE, image=IMAGE)
    assert "<p>1 of its 4 computers is in use, 1 is reserved.</p>" in wanda.get(ADDRESS).content.decode()
    assert "in use by a member: the reservation goes on, but the computer is no longer kept for the class" in page
    assert "The class should have 4 machines; releasing some lowers that number." in page
    before = tables.read()
    wanda.get(f"{ADDRESS}?computers=2")
    assert tables.read() == before


def test_the_chosen_ones_are_released(site: StillMorning, wanda: Client) -> None:
    page = said(wanda, computer=["10", "13"])
    assert "Released 2 computers: c10 and c13. 2 reloads were removed. The class has 2 machines left." in page
    assert "2 of 4 machines missing: 2 computers released by wanda at 09:00: CS420 needs them" in page
    assert sorted(site.named_reloads()) == [11, 12]
    assert Decision.objects.latest("pk").person == "wanda"


def test_one_in_use_goes_only_when_its_own_box_is_chosen(site: StillMorning, wanda: Client) -> None:
    """Its box has another name: who began to use it after the page was shown keeps it."""
    page = said(wanda, computer="12")
    assert "No computer was released. Left in the class: c12, in use by now." in page
    assert sorted(site.named_reloads()) == [10, 11, 12, 13]
    done = "Released 1 computer: c12. The class has 3 machines left."
    assert done in said(wanda, in_use="12")
    assert sorted(site.named_reloads()) == [10, 11, 13]


def test_without_a_choice_nothing_is_done(site: StillMorning, wanda: Client) -> None:
    records = Decision.objects.count()
    assert "Nothing was done: tick the computers to release." in said(wanda)
    assert "Nothing was done: tick the computers to release." in said(wanda, computer="x")
    assert (len(site.named_reloads()), Decision.objects.count()) == (4, records)


def test_it_is_offered_where_there_is_something_to_release(site: StillMorning, wanda: Client) -> None:
    page = reverse("admin:blockalloc_blocktime_change", args=[CLASS])
    assert ADDRESS in wanda.get(page).content.decode()
    said(wanda, computer=["10", "11", "13"], in_use="12")
    assert ADDRESS not in wanda.get(page).content.decode()
    assert "The class has no computers." in wanda.get(ADDRESS).content.decode()
