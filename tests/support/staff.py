"""The site, and who looks at it."""

from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Permission
from django.contrib.auth.models import User as StaffUser
from django.test import Client

from blockalloc.models import BlockTime
from tests.support.sites.staff_site import NOW, Site


@pytest.fixture(autouse=True)
def _clock(settings: Any) -> Iterator[None]:
    settings.TIME_ZONE = "America/New_York"
    with time_machine.travel(NOW, tick=False):
        yield


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
        found: Client = request.getfixturevalue("viewer")
        return found
    client.force_login(StaffUser.objects.create_superuser("root"))
    return client
