"""Pages that are not there, or that one may not see: staff who are signed in keep the menu."""

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db
MENU = 'aria-label="Staff pages"'


def test_staff_keep_the_menu(viewer: Client) -> None:
    answer = viewer.get("/admin/blockalloc/nothing/")
    assert answer.status_code == 404
    assert MENU in answer.content.decode()
    answer = viewer.get("/admin/plan-series/")
    assert answer.status_code == 403
    assert MENU in answer.content.decode()
    assert "You are not allowed to see this page" in answer.content.decode()


def test_strangers_see_no_menu(client: Client) -> None:
    answer = client.get("/feeds/unknown.ics")
    assert answer.status_code == 404
    assert "Not found" in answer.content.decode()
    assert MENU not in answer.content.decode()
