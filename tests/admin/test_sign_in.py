"""Signing in to the staff pages: the lock-out there, sessions, and what the pages tell browsers."""

import re

import pytest
import time_machine
from django.contrib.auth.models import Permission
from django.contrib.auth.models import User as StaffUser
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import Settings

from blockalloc.accounts import lockout
from blockalloc.models import BlockTime
from tests.support.rpc_calls import TEST, fault_of, post, signing_in
from tests.support.sites.staff_site import NOW, PAGES, key_of, list_url, page_url

pytestmark = pytest.mark.django_db
A, B = "198.51.100.1", "198.51.100.2"
LIMIT = 3
PASSWORD = "correct horse"


@pytest.fixture(autouse=True)
def _few(settings: Settings) -> None:
    settings.VCL_LOCKOUT_FAILURES = LIMIT
    settings.VCL_LOCKOUT_SECONDS = 300
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # fast


@pytest.fixture(autouse=True)
def wanda() -> StaffUser:
    """One of the staff."""
    return StaffUser.objects.create_superuser("wanda", password=PASSWORD)


def sign_in(client: Client, password: str = PASSWORD, *, user: str = "wanda", peer: str = A, **headers: str) -> str:
    """Fill in the form. "" when it lets in, else what it says."""
    response = client.post(
        reverse("admin:login"), {"username": user, "password": password}, REMOTE_ADDR=peer, headers=headers
    )
    if response.status_code == 302:
        client.logout()
        return ""
    assert response.status_code == 200
    (text,) = response.context["form"].non_field_errors()
    assert text in response.content.decode()
    return str(text)


def test_after_so_many_failures_the_form_tells_how_long_to_wait(client: Client) -> None:
    for _ in range(LIMIT):
        assert "Please enter the correct username" in sign_in(client, "wrong")
    assert sign_in(client) == "Too many failed sign-ins: try again in 300 seconds."
    assert sign_in(client, "wrong") == "Too many failed sign-ins: try again in 300 seconds."
    assert sign_in(client, peer=B) == ""


def test_it_ends_by_time(client: Client) -> None:
    for _ in range(LIMIT):
        sign_in(client, "wrong")
    with time_machine.travel(NOW.timestamp() + 299, tick=False):
        assert "in 1 seconds" in sign_in(client)
    with time_machine.travel(NOW.timestamp() + 300, tick=False):
        assert sign_in(client) == ""


def test_a_success_ends_both_counters(client: Client) -> None:
    for _ in range(3):
        for _ in range(LIMIT - 1):
            sign_in(client, "wrong")
        assert sign_in(client) == ""


def test_another_account_does_not_end_the_pairs(client: Client) -> None:
    StaffUser.objects.create_superuser("attacker", password=PASSWORD)
    for name in ("wanda", "Wanda", "wánda"):
        sign_in(client, "wrong", user=name)
        assert sign_in(client, user="attacker") == ""
    assert "Too many" in sign_in(client)


def test_a_name_that_only_the_database_takes_for_another_is_nobody(client: Client) -> None:
    """MariaDB takes y and ü for one letter: each such spelling would have guesses of its own."""
    StaffUser.objects.create_superuser("system", password=PASSWORD)
    assert sign_in(client, user="system") == ""
    assert "Please enter the correct username" in sign_in(client, user="süstem")


def test_accounts_here_and_there_are_not_the_same_people(client: Client) -> None:
    """Of a pair's failures; the address is the same."""
    for _ in range(LIMIT):
        sign_in(client, "wrong", user="wanda@Local")
        lockout.begin("VCL", "other@Local", A).succeeded()  # ends the address's
    assert "Too many" in sign_in(client, user="wanda@Local")
    assert fault_of(post(TEST, headers=signing_in("wanda@Local"), peer=A))[0] == 3


def test_the_address_is_one_for_both(client: Client) -> None:
    for number in range(LIMIT):
        assert fault_of(post(TEST, headers=signing_in(f"user{number}"), peer=A))[0] == 3
    assert "Too many" in sign_in(client)


def test_the_address_is_that_behind_a_trusted_proxy(client: Client, settings: Settings) -> None:
    settings.VCL_TRUSTED_PROXIES = ["10.0.0.1"]
    for number in range(LIMIT):
        sign_in(client, "wrong", user=f"user{number}", peer="10.0.0.1", **{"X-Forwarded-For": A})
    assert "Too many" in sign_in(client, peer="10.0.0.1", **{"X-Forwarded-For": A})
    assert sign_in(client, peer="10.0.0.1", **{"X-Forwarded-For": B}) == ""
    assert "Too many" in sign_in(client, peer=A, **{"X-Forwarded-For": B})


@pytest.mark.parametrize(("user", "staff", "active"), [("other", False, True), ("other", True, False)])
def test_accounts_that_may_not_see_the_pages_are_told_nothing_and_counted(
    user: str, staff: bool, active: bool, client: Client
) -> None:
    StaffUser.objects.create_user(user, password=PASSWORD, is_staff=staff, is_active=active)
    told = {sign_in(client, user=user), sign_in(client, user="nobody"), sign_in(client, "wrong")}
    assert len(told) == 1
    assert "Too many" in sign_in(client)


@pytest.mark.usefixtures("no_purge")
def test_a_failure_costs_the_same_whoever_exists(client: Client) -> None:
    counts = []
    for user, peer in (("wanda", A), ("nobody", B)):
        with CaptureQueriesContext(connection) as queries:
            sign_in(client, "wrong", user=user, peer=peer)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_every_refusal_is_logged_once_without_the_password(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(LIMIT + 1):
        sign_in(client, "s3cret", user="wan\nda")
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("blockalloc")]
    refused = [line for line in lines if "refused" in line]
    assert len(refused) == LIMIT + 1
    assert len(lines) == LIMIT + 2  # and one for the beginning
    assert all(A in line and "\n" not in line for line in lines)
    assert "try again in 300 seconds" in refused[-1]
    assert "s3cret" not in caplog.text


@pytest.mark.parametrize("name", ["☃", "x" * 151, "a\x00b", "☃" * 150])
def test_names_of_any_kind_are_refused(name: str, client: Client) -> None:
    response = client.post(reverse("admin:login"), {"username": name, "password": "x"})
    assert response.status_code == 200
    assert response.context["form"].errors


def test_a_very_long_name_counts_and_is_looked_for_nowhere(client: Client) -> None:
    with CaptureQueriesContext(connection) as queries:
        for _ in range(LIMIT):
            assert "Please enter the correct username" in sign_in(client, "wrong", user="x" * 60_000)
    assert all("xxx" not in query["sql"] for query in queries)
    assert "Too many" in sign_in(client, user="x" * 60_000)


def test_empty_fields_are_no_attempt(client: Client) -> None:
    for _ in range(LIMIT):
        client.post(reverse("admin:login"), {"username": "wanda", "password": ""}, REMOTE_ADDR=A)
    assert sign_in(client) == ""


# --- Sessions and headers -------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("permission", "asked", "lands"),
    [
        ("view_blocktime", "admin:index", "admin:today"),
        ("view_blocktime", "admin:week", "admin:week"),
        ("view_image", "admin:index", "admin:index"),
    ],
)
def test_who_signs_in_comes_to_today_unless_another_page_was_asked_for(
    permission: str, asked: str, lands: str, client: Client
) -> None:
    user = StaffUser.objects.create_user("anna", password="right", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename=permission))
    form = client.get(reverse(asked), follow=True).content.decode()
    assert f'<input type="hidden" name="next" value="{reverse(asked)}">' in form
    filled = {"username": "anna", "password": "right", "next": reverse(asked)}
    answer = client.post(reverse("admin:login"), filled, follow=True)
    assert (answer.status_code, answer.request["PATH_INFO"]) == (200, reverse(lands))


def test_a_session_ends_with_the_browser_and_the_working_day(client: Client, settings: Settings) -> None:
    client.post(reverse("admin:login"), {"username": "wanda", "password": PASSWORD})
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    assert (cookie["max-age"], cookie["expires"]) == ("", "")
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert client.get(reverse("admin:index"), follow=True).status_code == 200
    with time_machine.travel(NOW.timestamp() + 10 * 3600 + 1, tick=False):
        assert client.get(reverse("admin:index")).status_code == 302


@pytest.mark.parametrize("path", ["/admin/login/", "/static/admin/css/base.css", "/healthz", "/xmlrpc/"])
def test_every_answer_tells_browsers_what_not_to_do(path: str, client: Client) -> None:
    response = client.get(path)
    policy = dict(part.strip().split(" ", 1) for part in response["Content-Security-Policy"].split(";"))
    assert policy == {
        "default-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
        "object-src": "'none'",
    }
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Referrer-Policy"] == "same-origin"
    assert response["Cross-Origin-Opener-Policy"] == "same-origin"


@pytest.mark.parametrize("page", PAGES)
def test_pages_hold_nothing_that_the_policy_forbids(page: str, viewer: Client, cs101: BlockTime) -> None:
    """Styles and scripts are files of our own; browsers would not apply any others."""
    for url in (list_url(page), page_url(page, key_of(page))):
        body = viewer.get(url).content.decode()
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:|<script(?![^>]*\ssrc=)", body), url
        assert all(re.match(r"/\w", source) for source in re.findall(r'\ssrc="([^"]*)"', body)), url


def test_pages_cannot_be_framed(client: Client) -> None:
    assert client.get("/admin/login/")["X-Frame-Options"] == "DENY"


def test_a_form_from_elsewhere_is_refused() -> None:
    browser = Client(enforce_csrf_checks=True)
    form = {"username": "wanda", "password": PASSWORD}
    assert browser.post(reverse("admin:login"), form, secure=True).status_code == 403


# --- Behind a proxy -------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("peer", "scheme", "secure"),
    [
        ("10.0.0.1", "https", True),
        ("10.0.0.1", "http", False),
        ("10.0.0.1", "https, http", False),
        ("203.0.113.9", "https", False),
    ],
)
def test_a_trusted_proxys_word_counts_for_pages_too(peer: str, scheme: str, secure: bool, settings: Settings) -> None:
    settings.VCL_TRUSTED_PROXIES = ["10.0.0.1"]
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_HSTS_SECONDS = 3600
    response = Client().get("/admin/login/", REMOTE_ADDR=peer, headers={"X-Forwarded-Proto": scheme})
    assert response.status_code == (200 if secure else 301)
    assert ("Strict-Transport-Security" in response) is secure
    assert response.wsgi_request.is_secure() is secure


def test_back_ends_and_health_checks_are_not_redirected(settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    for path in ("/xmlrpc/", "/xmlrpc", "/index.php?mode=xmlrpccall", "/vcl/index.php?mode=xmlrpccall"):
        assert fault_of(post(TEST, path=path, secure=False))[0] == 4
    assert Client().get("/healthz").status_code == 200
    for path in ("/", "/admin/", "/xmlrpcx", "/healthzx", "/admin/index.phpx"):
        assert Client(SERVER_NAME="localhost").get(path)["Location"] == f"https://localhost{path}"
