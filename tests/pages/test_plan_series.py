"""The page *Plan a series*: the form, and what it says of input that is not in order."""

import html
import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.contrib.auth.models import User as StaffUser
from django.test import Client
from django.urls import reverse

from blockalloc.models import OS, Image, ImageRevision, UserGroup
from tests.support.scoped import limit_to
from tests.support.sites.accounts import make_user
from tests.support.sites.staff_site import Site, add_image

pytestmark = pytest.mark.django_db
URL = reverse("admin:plan_series")
WHOLE = {
    "image": "Ubuntu", "machines": "2", "privileges": "ignored", "days": ["0"], "begin": "09:00", "end": "11:00",
    "first": "2027-01-11", "weeks": "2",
}  # fmt: skip


@pytest.fixture
def planner(client: Client) -> Client:
    """One of the staff who may try out allocations."""
    user = StaffUser.objects.create_user("planner", is_staff=True)
    names = ["dry_run_blocktime", "view_blocktime", "view_blockrequest"]
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(user)
    return client


def shown(client: Client, **given: Any) -> str:
    """The page of what was entered; None leaves a field out."""
    query = {name: value for name, value in {**WHOLE, **given}.items() if value is not None}
    response = client.get(URL, query)
    assert response.status_code == 200
    return response.content.decode()


def never_captured() -> None:
    """An image without a production revision."""
    Image.objects.create(prettyname="Never captured", name="never", OS=OS.objects.all()[0])


def errors(page: str) -> dict[str, str]:
    """What is wrong, by the id of the field."""
    found = re.findall(r'<ul class="errorlist[^"]*"[^>]*id="id_(\w+)_error"[^>]*><li>(.*?)</li>', page)
    return {name: html.unescape(text) for name, text in found}


def test_the_empty_form_suggests_a_semester_from_next_monday_on(site: Site, planner: Client) -> None:
    page = planner.get(URL).content.decode()
    assert 'name="first" value="2026-11-30"' in page
    assert not errors(page)
    assert 'id="result"' not in page


def test_images_and_groups_are_limited_to_what_exists(site: Site, planner: Client) -> None:
    add_image("Gone", deleted=1)
    never_captured()
    page = planner.get(URL).content.decode()
    images = re.search(r'<datalist id="plan-images">(.*?)</datalist>', page, re.DOTALL)
    assert images is not None
    names = re.findall(r'value="(.*?)"', images[1])
    assert names == sorted(names)
    production = ImageRevision.objects.filter(production=1, image__deleted=0)
    assert set(names) == set(production.values_list("image__prettyname", flat=True))
    assert 'value="Gone"' not in page
    assert f'value="{UserGroup.objects.select_related("affiliation")[0]}"' in page


def test_without_the_permission_there_is_no_page(viewer: Client) -> None:
    assert viewer.get(URL).status_code == 403


@pytest.mark.parametrize(
    ("field", "value", "about", "text"),
    [
        ("image", "Ubunto", "image", "here is no image 'Ubunto'; did you mean"),
        ("image", "Never captured", "image", "has no production revision or is deleted: make one of its"),
        ("group", "nobody", "group", "here is no user group 'nobody'"),
        ("machines", "71", "machines", "machines: 71: give a whole number from 1 to 70"),
        ("machines", "many", "machines", "Enter a whole number."),
        ("days", None, "days", "Fill in “Weekdays”, or give a list of dates below."),
        ("weeks", None, "weeks", "Fill in “Weeks”, or give a list of dates below."),
        ("weeks", "500", "weeks", "Ensure this value is less than or equal to 200."),
        ("begin", "25:00", "begin", "Enter a valid time."),
        ("end", "08:00", "end", "Give a time after the start, 09:00."),
        ("first", "2026-11-02", "first", "all are past, the last one ended at 2026-11-09 11:00"),
        ("first", "2037-12-30", "first", "give times from 1970 to 2038-01-01"),
        ("first", "9999-12-30", "weeks", "These dates are beyond the calendar."),
        ("dates", "2027-01-11", "dates", "dates: '2027-01-11': give a day and its hours, such as"),
        ("dates", "2026-11-24 09:00-11:00", "dates", "all are past"),
        ("privileges", "counted", "group", "Choose the user group whose members’ privileges count."),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(
    site: Site, planner: Client, field: str, value: str | None, about: str, text: str
) -> None:
    add_image("Ubuntu")
    never_captured()
    page = shown(planner, **{field: value})
    assert text in errors(page).get(about, ""), errors(page)
    assert f'aria-describedby="id_{about}' in page or about == "days"


def test_what_is_missing_is_said_once_and_the_list_of_dates_is_open(site: Site, planner: Client) -> None:
    add_image("Ubuntu")
    closed, page = shown(planner, begin="25:00"), shown(planner, begin=None, first=None, weeks=None)
    assert errors(page) == {"begin": "Fill in “From”, “First day” and “Weeks”, or give a list of dates below."}
    assert re.search(r'id="listed-dates" open>', page)
    assert re.search(r'id="listed-dates">', closed)


def test_a_name_that_is_near_a_part_of_one_is_suggested_with_all_of_it(site: Site, planner: Client) -> None:
    page = shown(planner, image="Ubunto")
    assert "here is no image 'Ubunto'; did you mean" in errors(page)["image"]
    assert "Ubuntu 22.04" in errors(page)["image"]


def test_more_dates_than_a_plan_is_made_of(site: Site, planner: Client) -> None:
    add_image("Ubuntu")
    page = shown(planner, days=["0", "1", "2"], weeks="67")
    assert errors(page) == {"weeks": "dates: 201 dates: give at most 200, and the rest in another call"}


def test_staff_of_an_affiliation_choose_among_their_groups(
    site: Site, planner: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    strange = UserGroup.objects.create(name="strangers", affiliation=make_user("odd", "Elsewhere").affiliation)
    assert f'value="{strange}"' in planner.get(URL).content.decode()
    limit_to(1, monkeypatch)
    page = shown(planner, group=str(strange))
    assert f'value="{strange}"></option>' not in page
    assert "there is no user group" in errors(page)["group"]
