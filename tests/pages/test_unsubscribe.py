"""Unsubscribing: by the address in a mail, without a sign-in; never by opening it."""

import pytest
from django.core import signing
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from blockalloc.models import Preference, Recipient
from blockalloc.notifications.preferences import Choice, choice_of, choose
from blockalloc.notifications.unsubscribing import address_of
from scheduling.news.kinds import Kind
from tests.support.https_client import Browser
from tests.support.sites.staff_site import NOW, text

pytestmark = pytest.mark.django_db
KEY, SITE = "vcl:12", "mail:desk@example.edu"


@pytest.fixture(autouse=True)
def _address(settings: Settings) -> None:
    settings.VCL_SERVICE_URL = "https://testserver"


def path(key: str = KEY) -> str:
    return address_of(key).removeprefix("https://testserver")


@pytest.fixture
def outside() -> Client:
    """A program that has no cookies of ours, and would fail at Django's check of forms."""
    return Browser(enforce_csrf_checks=True)


def test_looking_changes_nothing(outside: Client) -> None:
    """Programs that look for bad links open every address in a mail."""
    Recipient.objects.create(key=KEY, channel="mail", address="odette@example.edu")
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            page = text(outside, path())
            assert outside.head(path()).status_code == 200
        assert "odette@example.edu gets mails from this service" in page
        assert "Keep them" in page
        assert "Nothing has been changed yet" in page
        assert {query["sql"].split()[0] for query in queries} == {"SELECT"}
    assert "Nothing was changed: odette@example.edu still gets mails" in text(outside, f"{path()}?keep=1")
    assert not Preference.objects.exists()
    for method in (outside.put, outside.delete, outside.patch):
        assert method(path()).status_code == 405


def test_the_button_ends_it_and_offers_the_way_back(outside: Client) -> None:
    choose(KEY, Choice(frozenset({Kind.SHORT}), only_own=True, summary=True), int(NOW.timestamp()))
    answer = outside.post(path(), {"end": "1"})
    assert "you get no more mails about classes" in answer.content.decode()
    assert choice_of(KEY).is_nothing
    assert 'name="again"' in answer.content.decode()
    assert "You get no mails about classes" in text(outside, path())
    assert "You get no mails about classes" in text(outside, f"{path()}?keep=1")
    assert "you get mails about classes again" in outside.post(path(), {"again": "1"}).content.decode()
    assert choice_of(KEY) == Choice(frozenset(Kind))


def test_the_site_s_address_gets_its_summary_back(outside: Client) -> None:
    assert "and a daily summary" in text(outside, path(SITE))
    outside.post(path(SITE), {"end": "1"})
    assert choice_of(SITE).is_nothing
    outside.post(path(SITE), {"again": "1"})
    assert choice_of(SITE) == Choice(frozenset(Kind), summary=True)


@pytest.mark.parametrize("encoding", ["application/x-www-form-urlencoded", "multipart/form-data"])
def test_mail_programs_do_it_with_one_click(encoding: str, outside: Client) -> None:
    """RFC 8058: a POST of their own servers, with this field alone, from an origin that is not ours."""
    fields = {"List-Unsubscribe": "One-Click"}
    headers = {"origin": "https://mail.example.com", "referer": "https://mail.example.com/inbox"}
    if encoding.startswith("multipart"):
        answer = outside.post(path(), fields, headers=headers)
    else:
        answer = outside.post(path(), "List-Unsubscribe=One-Click", content_type=encoding, headers=headers)
    assert answer.status_code == 200
    assert choice_of(KEY).is_nothing
    assert outside.post(path(), fields, headers=headers).status_code == 200  # twice does no harm
    assert choice_of("vcl:13") == Choice(frozenset(Kind))


def test_nothing_is_set_and_nothing_is_kept(outside: Client) -> None:
    for answer in (outside.get(path()), outside.post(path(), {"end": "1"})):
        assert not answer.cookies
        assert "no-store" in answer["Cache-Control"]
        assert answer["X-Robots-Tag"] == "noindex"
        assert answer["Referrer-Policy"] == "same-origin"


def test_wrong_and_foreign_tokens_are_not_found(outside: Client) -> None:
    token = path().split("/")[-2]

    def signed(contents: object, salt: str = "blockalloc.notifications.unsubscribing") -> str:
        return signing.Signer(salt=salt, sep=".").sign_object(contents)

    bad = ["x", "é", "x.y", f"{token}x", token.replace(".", "x.", 1), signed([KEY], "blockalloc.pages.feeds")]
    bad += [signed([KEY, 1]), signed([12]), signed({"key": KEY}), signed(5), "a" * 3000]
    for each in bad:
        address = f"/notifications/unsubscribe/{each}/"
        assert outside.get(address).status_code == 404, each
        assert outside.post(address, {"end": "1"}).status_code == 404, each
    assert not Preference.objects.exists()
    assert outside.get(f"/notifications/unsubscribe/{token}/").status_code == 200
    with override_settings(SECRET_KEY="another" * 10):
        assert outside.get(f"/notifications/unsubscribe/{token}/").status_code == 404


def test_webhooks_cannot_unsubscribe(settings: Settings) -> None:
    assert address_of("webhook:" + "0" * 32) == ""
    settings.VCL_SERVICE_URL = ""
    assert address_of(KEY) == ""
