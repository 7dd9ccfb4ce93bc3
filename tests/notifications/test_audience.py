"""Who is told what: owners, staff by their rights of now and by what they chose, the site's addresses, webhooks."""

import hashlib

import pytest
from django.contrib.auth.models import Group, Permission
from django.contrib.auth.models import User as StaffUser
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from blockalloc.models import LocalAuth, News, Preference, StaffAccount, User, UserGroupMember
from blockalloc.models.scope import Scope
from blockalloc.notifications import preferences
from blockalloc.notifications.audience import Person, recipients, summary_recipients
from blockalloc.notifications.preferences import Choice
from scheduling.news.kinds import Kind
from tests.support.sites.accounts import GLOBAL, OWN
from tests.support.sites.staff_site import NOW
from tests.support.sites.told import news, teacher, vcl_staff
from vclsite.notifications import MailServer, Webhook

pytestmark = pytest.mark.django_db
ALL = frozenset(Kind)


@pytest.fixture(autouse=True)
def _mail(settings: Settings) -> None:
    settings.VCL_SMTP_URL = MailServer("mail.example.edu", 25)
    settings.VCL_SITE_MAIL = []
    settings.VCL_WEBHOOK_URL = []
    settings.VCL_BACK_END_MAILS = True


@pytest.fixture
def odette() -> User:
    """A teacher of NCSU."""
    return teacher()


def told(about: News) -> dict[str, str]:
    """The addresses, with the reasons."""
    return {person.address: person.reason for person in recipients(about)}


def choose(key: str, *kinds: Kind, only_own: bool = False, summary: bool = False) -> None:
    preferences.choose(key, Choice(frozenset(kinds), only_own, summary), int(NOW.timestamp()))


# --- Owners -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", Kind)
def test_owners_are_told_of_their_own_class(odette: User, kind: Kind) -> None:
    teacher("other")
    assert recipients(news(kind, odette)) == [
        Person(f"vcl:{odette.pk}", "mail", "odette@example.edu", "you own this class")
    ]


def test_owners_are_not_told_what_vcl_mails_them(odette: User, settings: Settings) -> None:
    assert told(news(Kind.SHORT, odette, by_back_end=True)) == {}
    assert told(news(Kind.SHORT, odette, by_back_end=False)) != {}
    assert told(news(Kind.MENDED, odette, by_back_end=True)) != {}  # nobody else says so
    settings.VCL_BACK_END_MAILS = False
    assert told(news(Kind.SHORT, odette, by_back_end=True)) != {}


def test_owners_who_are_staff_are_not_told_it_twice_either(settings: Settings) -> None:
    chief = vcl_staff("chief", "NCSU", GLOBAL)
    vcl_staff("other", "NCSU", GLOBAL)
    assert [*told(news(Kind.SHORT, chief, by_back_end=True))] == ["other@example.edu"]
    assert {*told(news(Kind.SHORT, chief))} == {"chief@example.edu", "other@example.edu"}


def test_owners_without_notices_in_vcl_are_told_if_they_chose_so() -> None:
    quiet = teacher("quiet", emailnotices=0)
    assert told(news(Kind.SHORT, quiet)) == {}
    choose(f"vcl:{quiet.pk}", Kind.SHORT)
    assert told(news(Kind.SHORT, quiet)) == {"quiet@example.edu": "you own this class"}
    assert told(news(Kind.READY, quiet)) == {}


@pytest.mark.parametrize("address", ["", "   ", "nobody", "a b@example.edu", "a@example.edu\nBcc: x@example.edu"])
def test_texts_that_are_no_address_are_not_written_to(address: str) -> None:
    assert told(news(Kind.SHORT, teacher(email=address))) == {}


def test_an_owner_who_is_gone_is_nobody(odette: User) -> None:
    about = news(Kind.SHORT, odette)
    User.objects.filter(pk=odette.pk).delete()
    assert told(about) == {}
    assert told(news(Kind.SHORT)) == {}


# --- Staff ------------------------------------------------------------------------------------------
def test_staff_are_told_of_the_classes_that_they_may_see(odette: User) -> None:
    vcl_staff("all", "Local", GLOBAL)
    vcl_staff("own", "NCSU", OWN)
    vcl_staff("foreign", "Elsewhere", OWN)
    vcl_staff("former", "NCSU")
    assert told(news(Kind.AT_RISK, odette)) == {
        "odette@example.edu": "you own this class",
        "all@example.edu": "you are staff for all classes",
        "own@example.edu": "you are staff for classes of NCSU",
    }
    assert [*told(news(Kind.AT_RISK))] == ["all@example.edu"]  # nobody knows whose it is


def test_rights_are_those_of_now(odette: User) -> None:
    own = vcl_staff("own", "NCSU", OWN)
    about = news(Kind.SHORT, odette)
    assert "own@example.edu" in told(about)
    LocalAuth.objects.filter(user=own).update(lockedout=1)
    assert "own@example.edu" not in told(about)
    LocalAuth.objects.filter(user=own).update(lockedout=0)
    StaffUser.objects.filter(staffaccount__vcl_user_id=own.pk).update(is_active=False)
    assert "own@example.edu" not in told(about)
    StaffUser.objects.filter(staffaccount__vcl_user_id=own.pk).update(is_active=True)
    StaffAccount.objects.update(digest="")  # it only has to sign in again
    assert "own@example.edu" in told(about)
    UserGroupMember.objects.filter(user=own).delete()
    assert "own@example.edu" not in told(about)


def test_django_s_accounts_are_told_of_all_classes_if_they_may_see_them(odette: User) -> None:
    view = Permission.objects.get(codename="view_blocktime")
    group = Group.objects.create(name="viewers")
    group.permissions.add(view)

    def account(name: str, **values: object) -> StaffUser:
        columns: dict[str, object] = {"email": f"{name}@example.edu", "is_staff": True, **values}
        return StaffUser.objects.create(username=name, **columns)

    account("root", is_superuser=True)
    account("viewer").user_permissions.add(view)
    account("member").groups.add(group)
    account("without")
    account("off", is_active=False, is_superuser=True)
    account("visitor", is_staff=False, is_superuser=True)
    account("silent", is_superuser=True, email="")
    found = told(news(Kind.SHORT, odette))
    assert {*found} == {f"{name}@example.edu" for name in ("odette", "root", "viewer", "member")}
    assert found["root@example.edu"] == "you are staff for all classes"


def test_staff_get_what_they_chose(odette: User) -> None:
    own = vcl_staff("own", "NCSU", OWN)
    key = f"vcl:{own.pk}"
    choose(key, Kind.NOT_READY)
    assert "own@example.edu" in told(news(Kind.NOT_READY, odette))
    assert "own@example.edu" not in told(news(Kind.SHORT, odette))
    choose(key, *Kind, only_own=True)
    assert "own@example.edu" not in told(news(Kind.SHORT, odette))
    assert told(news(Kind.SHORT, own)) == {"own@example.edu": "you own this class"}
    choose(key)
    assert "own@example.edu" not in told(news(Kind.SHORT, own))


def test_kinds_of_another_version_are_none_of_ours(odette: User) -> None:
    choose(f"vcl:{odette.pk}", Kind.SHORT)
    Preference.objects.update(kinds="flooded,short,")
    assert preferences.choice_of(f"vcl:{odette.pk}").kinds == {Kind.SHORT, Kind.FORESEEN}


@pytest.mark.parametrize(
    ("kept", "kinds"),
    [
        ("short,at risk", {Kind.SHORT, Kind.AT_RISK, Kind.FORESEEN}),
        ("mended", {Kind.MENDED, Kind.FORESEEN_OVER}),
        ("at risk,ready", {Kind.AT_RISK, Kind.READY}),
        ("", set()),
    ],
)
def test_who_chose_before_there_was_a_forecast_gets_its_news_with_those_of_missing_machines(
    odette: User, kept: str, kinds: set[Kind]
) -> None:
    choose(f"vcl:{odette.pk}", Kind.SHORT)
    Preference.objects.update(kinds=kept)
    assert preferences.choice_of(f"vcl:{odette.pk}").kinds == kinds


@pytest.mark.parametrize("kinds", [{Kind.SHORT}, {Kind.FORESEEN}, {Kind.SHORT, Kind.FORESEEN_OVER}, set(), set(Kind)])
def test_who_chooses_now_gets_what_they_chose(odette: User, kinds: set[Kind]) -> None:
    choose(f"vcl:{odette.pk}", *kinds)
    assert preferences.choice_of(f"vcl:{odette.pk}").kinds == kinds


# --- The site and webhooks --------------------------------------------------------------------------
def test_an_address_gets_a_thing_once(odette: User, settings: Settings) -> None:
    settings.VCL_SITE_MAIL = ["Odette@Example.edu", "desk@example.edu", "desk@example.edu"]
    vcl_staff("own", "NCSU", OWN, email="desk@example.edu")
    people = recipients(news(Kind.SHORT, odette))
    assert [(person.address, person.reason) for person in people] == [
        ("odette@example.edu", "you own this class"),
        ("desk@example.edu", "you are staff for classes of NCSU"),
    ]


def test_the_site_s_addresses_get_everything_until_they_choose(odette: User, settings: Settings) -> None:
    settings.VCL_SITE_MAIL = ["Desk@example.edu"]
    assert told(news(Kind.SHORT))["Desk@example.edu"] == "this address gets the news of all classes (VCL_SITE_MAIL)"
    choose("mail:desk@example.edu")
    assert told(news(Kind.SHORT)) == {}


def test_webhooks_are_there_without_a_mail_server(odette: User, settings: Settings) -> None:
    settings.VCL_SMTP_URL = None
    settings.VCL_SITE_MAIL = ["desk@example.edu"]
    settings.VCL_WEBHOOK_URL = [Webhook("slack", "https://hooks.example.com/T/secret")]
    digest = hashlib.sha256(b"slack+https://hooks.example.com/T/secret").hexdigest()[:32]
    expected = Person(
        f"webhook:{digest}",
        "webhook",
        "hooks.example.com",
        "this address gets the news of all classes (VCL_WEBHOOK_URL)",
    )
    assert recipients(news(Kind.SHORT, odette)) == [expected]
    assert summary_recipients() == [expected]


# --- The daily summary ------------------------------------------------------------------------------
def test_the_summary_is_for_the_site_and_for_those_who_chose_it(odette: User, settings: Settings) -> None:
    settings.VCL_SITE_MAIL = ["desk@example.edu"]
    own = vcl_staff("own", "NCSU", OWN)
    vcl_staff("all", "NCSU", GLOBAL)
    assert [person.address for person in summary_recipients()] == ["desk@example.edu"]
    choose(f"vcl:{own.pk}", summary=True)
    choose(f"vcl:{odette.pk}", summary=True)  # is no staff
    choose("mail:desk@example.edu", *Kind)
    (person,) = summary_recipients()
    assert (person.address, person.scope) == ("own@example.edu", Scope(own.affiliation_id))


# --- Cost -------------------------------------------------------------------------------------------
def test_statements_do_not_grow(odette: User, settings: Settings) -> None:
    settings.VCL_SITE_MAIL = ["desk@example.edu"]
    counts = []
    for number in (1, 12):
        for each in range(number):
            vcl_staff(f"staff{number}-{each}", "NCSU", OWN)
            StaffUser.objects.create(
                username=f"root{number}-{each}", email=f"r{number}-{each}@x.edu", is_staff=True, is_superuser=True
            )
        about = news(Kind.SHORT, odette)
        with CaptureQueriesContext(connection) as queries:
            people = recipients(about)
        with CaptureQueriesContext(connection) as of_summary:
            summary_recipients()
        counts.append((len(queries), len(of_summary)))
        assert len(people) >= 2 * number + 2
    assert counts == [(6, 5), (6, 5)]
