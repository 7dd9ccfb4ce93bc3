"""The page "My notifications": whose choices they are, where mails go, and what is remembered."""

import pytest
from django.contrib.auth.models import User as StaffUser
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import Settings

from blockalloc.models import Preference, User
from blockalloc.notifications.preferences import Choice, choice_of
from scheduling.news.kinds import Kind
from tests.support.https_client import Browser
from tests.support.sites.accounts import OWN, manager, sign_in
from tests.support.sites.staff_site import text
from vclsite.notifications import MailServer

pytestmark = pytest.mark.django_db
PAGE = reverse("admin:my_notifications")


@pytest.fixture(autouse=True)
def _fast(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.VCL_SMTP_URL = MailServer("mail.example.edu", 25)


@pytest.fixture
def jdoe() -> User:
    """A user who manages the blocks of NCSU."""
    user = manager("jdoe", "NCSU", OWN)
    User.objects.filter(pk=user.pk).update(email="jdoe@example.edu")
    return user


@pytest.fixture
def signed_in(client: Client, jdoe: User) -> Client:
    assert sign_in(client, "jdoe@NCSU")
    return client


def checked(client: Client) -> set[str]:
    """What is ticked on the page."""
    form = client.get(PAGE).context["form"]
    values = {name: form[name].value() for name in form.fields}
    return {*values.pop("kinds"), *(name for name, value in values.items() if value)}


def test_where_mails_go_and_why(signed_in: Client) -> None:
    page = text(signed_in, PAGE)
    assert "Mails go to jdoe@example.edu , the address of your account in VCL." in page
    assert "You get them because you are staff for classes of NCSU." in page
    assert "No mail is sent" not in page
    assert checked(signed_in) == {kind.value for kind in Kind}


def test_what_is_chosen_is_remembered(signed_in: Client, jdoe: User) -> None:
    answer = signed_in.post(PAGE, {"kinds": ["short", "not ready"], "only_own": "on", "summary": "on"}, follow=True)
    assert "From now on you get what you chose." in answer.content.decode()
    assert choice_of(f"vcl:{jdoe.pk}") == Choice(frozenset({Kind.SHORT, Kind.NOT_READY}), only_own=True, summary=True)
    assert checked(signed_in) == {"short", "not ready", "only_own", "summary"}
    answer = signed_in.post(PAGE, {}, follow=True)
    assert "From now on you get no mails about classes." in answer.content.decode()
    assert choice_of(f"vcl:{jdoe.pk}").is_nothing
    assert checked(signed_in) == set()
    assert Preference.objects.count() == 1


def test_what_is_no_kind_is_refused(signed_in: Client) -> None:
    answer = signed_in.post(PAGE, {"kinds": ["short", "flooded"]})
    assert answer.status_code == 200
    assert "flooded is not one of the available choices" in answer.content.decode()
    assert not Preference.objects.exists()


def test_own_classes_are_a_restriction(signed_in: Client) -> None:
    assert "Restriction Only for classes that I own Also" in text(signed_in, PAGE)


def test_accounts_of_django_own_no_classes(staff: Client) -> None:
    page = text(staff, PAGE)
    assert "There is no mail address in your account on these pages" in page
    assert "Only for classes that I own" not in page
    user = StaffUser.objects.get()
    StaffUser.objects.update(email="root@example.edu")
    assert "Mails go to root@example.edu , the address of your account on these pages." in text(staff, PAGE)
    staff.post(PAGE, {"kinds": ["ready"], "only_own": "on"})
    assert choice_of(f"staff:{user.pk}") == Choice(frozenset({Kind.READY}))


def test_without_an_address_or_a_mail_server(signed_in: Client, jdoe: User, settings: Settings) -> None:
    User.objects.filter(pk=jdoe.pk).update(email="nobody")
    settings.VCL_SMTP_URL = None
    page = text(signed_in, PAGE)
    assert "No mail is sent" in page
    assert "There is no mail address in your account in VCL: enter one on VCL’s pages" in page


def test_who_may_not_see_classes_may_not_choose(client: Client) -> None:
    client.force_login(StaffUser.objects.create_user("other", is_staff=True))
    assert client.get(PAGE).status_code == 403
    assert client.post(PAGE, {"kinds": ["short"]}).status_code == 403
    assert Browser().get(PAGE).status_code == 302
    assert not Preference.objects.exists()


def test_forged_forms_change_nothing(jdoe: User) -> None:
    client = Browser(enforce_csrf_checks=True)
    client.force_login(StaffUser.objects.create_superuser("root"))
    assert client.post(PAGE, {"kinds": []}).status_code == 403
    assert not Preference.objects.exists()


def test_few_statements(signed_in: Client) -> None:
    signed_in.get(PAGE)
    with CaptureQueriesContext(connection) as queries:
        signed_in.get(PAGE)
    assert len(queries) <= 8
