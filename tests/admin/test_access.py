"""Who may see the pages, and that nobody may change anything or get at secrets."""

import re

import pytest
from django.contrib.auth.models import Permission
from django.contrib.auth.models import User as StaffUser
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from blockalloc.models import (
    BlockTime,
    Image,
)
from tests.support.sites.staff_site import MONDAY, PAGES, Site, key_of, list_url, listed, page_url, text

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("page", PAGES)
def test_lists_and_pages_can_be_seen(staff: Client, cs101: BlockTime, page: str) -> None:
    assert listed(staff, page)
    assert staff.get(page_url(page, key_of(page))).status_code == 200


@pytest.mark.parametrize("page", PAGES)
def test_nothing_can_be_changed(staff: Client, cs101: BlockTime, page: str) -> None:
    key = key_of(page)
    add, delete = f"{list_url(page)}add/", page_url(page, key).replace("/change/", "/delete/")
    assert staff.get(add).status_code == 403
    assert staff.post(add, {}).status_code == 403
    assert staff.get(delete).status_code == 403
    assert staff.post(delete, {"post": "yes"}).status_code == 403
    assert staff.post(page_url(page, key), {"name": "x"}).status_code == 403
    assert staff.post(list_url(page), {"action": "delete_selected", "_selected_action": key}).status_code == 403
    assert key_of(page) == key


@pytest.mark.parametrize("page", PAGES)
def test_pages_offer_no_change(staff: Client, cs101: BlockTime, page: str) -> None:
    for url in (list_url(page), page_url(page, key_of(page))):
        # Beside it, a menu leads to the accounts of staff.
        _menu, main = staff.get(url).content.decode().split('id="content-main"')
        for sign in ("addlink", "deletelink", "historylink", 'name="_save"', 'name="action"', 'value="Save'):
            assert sign not in main, (url, sign)


@pytest.mark.parametrize("page", PAGES)
def test_staff_without_permission_see_nothing(client: Client, cs101: BlockTime, page: str) -> None:
    client.force_login(StaffUser.objects.create_user("other", is_staff=True))
    assert client.get(list_url(page)).status_code == 403
    assert client.get(page_url(page, key_of(page))).status_code == 403


def test_the_menu_names_the_pages(staff: Client, site: Site) -> None:
    index = text(staff, reverse("admin:today"))
    for name in ("Block allocations", "Series", "Classes", "Computers", "Images", "Reloads"):
        assert name in index


def test_the_first_page_of_staff_who_may_see_no_class_leads_to_what_they_may_see(client: Client, site: Site) -> None:
    user = StaffUser.objects.create_user("other", is_staff=True)
    client.force_login(user)
    assert "may see none of these pages yet" in text(client, reverse("admin:index"))
    user.user_permissions.add(Permission.objects.get(codename="view_computer"))
    page = client.get(reverse("admin:index")).content.decode().partition('id="content-main"')[2]
    assert f'<a href="{reverse("admin:blockalloc_computer_changelist")}">' in page
    assert reverse("admin:blockalloc_image_changelist") not in page


def test_one_is_told_to_be_signed_out(staff: Client, site: Site) -> None:
    page = staff.post(reverse("admin:logout")).content.decode()
    assert "You are signed out." in page
    assert "Sign in again" in page
    assert 'id="menu"' not in page


def test_the_menu_marks_where_one_is(staff: Client, site: Site) -> None:
    """The page itself, or the list above it."""
    images = reverse("admin:blockalloc_image_changelist")
    for url, value in ((images, "page"), (page_url("image", key_of("image")), "true")):
        marked = re.findall(r'<a href="([^"]*)"[^>]* aria-current="(\w+)"', staff.get(url).content.decode())
        assert set(marked) == {(images, value)}, url


def test_the_page_of_a_row_has_no_form(staff: Client, cs101: BlockTime) -> None:
    page = staff.get(page_url("computer", key_of("computer"))).content.decode().partition('id="content-main"')[2]
    assert "<form" not in page
    assert '<details class="fold card"' in page  # what one rarely needs


# --- Secrets ------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES)
def test_keys_and_passwords_are_not_even_read(viewer: Client, cs101: BlockTime, page: str) -> None:
    with CaptureQueriesContext(connection) as queries:
        viewer.get(list_url(page))
        viewer.get(page_url(page, key_of(page)))
    sql = " ".join(query["sql"] for query in queries).replace("`", '"')
    assert "blockTimes" in sql
    for column in ("rsa", "dsa", "host", "pw", "keys", "sshpublickeys"):
        assert f'"{column}"' not in sql


@pytest.mark.parametrize(
    ("page", "query"),
    [
        ("computer", {"rsa__startswith": "P"}),
        ("computer", {"hostname": "x"}),
        ("request", {"reservation__pw__startswith": "S"}),
        ("blocktime", {"blockRequest__owner__localauth__passhash__startswith": "a"}),
    ],
)
def test_addresses_cannot_ask_for_other_columns(
    viewer: Client, cs101: BlockTime, page: str, query: dict[str, str]
) -> None:
    assert viewer.get(list_url(page, **query)).status_code == 400


def test_texts_are_escaped(viewer: Client, site: Site) -> None:
    evil = "<script>alert(1)</script>"
    time = site.time(site.request(evil, site.ubuntu, site.group(evil), 1, comments=evil), MONDAY)
    computer = site.computer("pc", site.windows, notes=evil, location=evil)
    Image.objects.filter(pk=site.ubuntu.pk).update(prettyname=evil, description=evil)
    reload = site.hold(time, computer)
    keys = {"blockrequest": time.blockRequest_id, "blocktime": time.pk, "computer": computer.pk}
    keys |= {"image": site.ubuntu.pk, "request": reload.pk}
    for page, key in keys.items():
        for url in (list_url(page), page_url(page, key)):
            assert evil not in viewer.get(url).content.decode(), url


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("key", ["0", "999", "9" * 30, "x", "-1"])
def test_rows_that_are_not_there_lead_to_the_index(viewer: Client, site: Site, page: str, key: str) -> None:
    assert viewer.get(page_url(page, key)).status_code == 302
