"""Fixtures of tests of pages: a site on a Wednesday at noon, and staff accounts. conftest.py names them."""

from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Permission
from django.contrib.auth.models import User as StaffUser
from django.test import Client

from blockalloc.models import BlockTime
from tests.support.sites.staff_site import NOW, Site


@pytest.fixture
def wednesday_noon(settings: Any) -> Iterator[None]:
    """The clock is stopped at NOW, in New York."""
    settings.TIME_ZONE = "America/New_York"
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture(autouse=True)
def _at_noon(wednesday_noon: None) -> None:
    """For folders in which it is noon for every test."""


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def cs101(site: Site) -> BlockTime:
    return site.class_("CS101")


@pytest.fixture
def viewer(client: Client) -> Client:
    """Signed in as one of the staff who may view everything and change nothing."""
    user = StaffUser.objects.create_user("viewer", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client.force_login(user)
    return client


@pytest.fixture(params=["viewer", "superuser"])
def staff(request: pytest.FixtureRequest, client: Client) -> Client:
    if request.param == "viewer":
        client_of_viewer: Client = request.getfixturevalue("viewer")
        return client_of_viewer
    client.force_login(StaffUser.objects.create_superuser("root"))
    return client
