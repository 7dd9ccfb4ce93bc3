"""Calls that come by a wrong way: to another host name or path, by a proxy that nobody trusts.

All are answered without a look at the database: these tests may not use it.
"""

import logging

import pytest
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from blockalloc.web.front_end.passing_on import MARKER
from tests.support.rpc_calls import SIGNED_IN, document, fault_of, post

pytestmark = pytest.mark.once(on="sqlite")

TEST = document("XMLRPCtest", "x")
DOORS = ["/xmlrpc/", "/xmlrpc", "/vcl/index.php?mode=xmlrpccall"]
WRONG_HOST = (210, "the host name that was called is not in DJANGO_ALLOWED_HOSTS; the log of the service has the name")
WRONG_PATH = (
    210,
    "no calls are answered at this address: its path must be /xmlrpc/ or end in /index.php?mode=xmlrpccall",
)


def post_to(host: str, path: str = "/xmlrpc/", content_type: str = "text/xml") -> HttpResponse:
    """A call with `host` in its Host header."""
    return post(TEST, path=path, headers={**SIGNED_IN, "Host": host}, content_type=content_type)


def refusals(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the log says, of any logger."""
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


# --- Host names -------------------------------------------------------------------------------
@pytest.mark.parametrize("path", [*DOORS, "/elsewhere"])
@pytest.mark.parametrize("host", ["blocks.example.edu", "blocks.example.edu:443", "192.0.2.7", "localhost.evil", "_"])
def test_another_host_name_is_named_and_logged_once(host: str, path: str, caplog: pytest.LogCaptureFixture) -> None:
    assert fault_of(post_to(host, path)) == WRONG_HOST
    said = f"210, the host name {host} is not in DJANGO_ALLOWED_HOSTS"
    assert refusals(caplog) == [f"refused 'vclsystem' from 127.0.0.1: {said}"]


@pytest.mark.parametrize("host", ["<script>", "a\x1b[31mb", "x" * 5000, "a b", "a'\"b"])
def test_what_a_host_header_holds_is_not_repeated(host: str, caplog: pytest.LogCaptureFixture) -> None:
    response = post_to(host)
    assert fault_of(response) == WRONG_HOST
    (line,) = refusals(caplog)
    assert len(line) < 600
    assert "\x1b" not in line


@pytest.mark.parametrize("path", ["/admin/", "/healthz", "/", "/xmlrpc/"])
def test_pages_are_not_opened_to_other_host_names(path: str) -> None:
    assert Client().get(path, headers={"Host": "blocks.example.edu"}).status_code == 400
    assert post_to("blocks.example.edu", path, "text/plain").status_code == 400


# --- Paths ------------------------------------------------------------------------------------
@pytest.mark.parametrize("content_type", ["text/xml", "application/xml; charset=utf-8", "TEXT/XML"])
@pytest.mark.parametrize("path", ["/", "/index.php", "/index.php?mode=home", "/vcl/", "/admin", "/RPC2", "/favicon"])
def test_a_call_to_another_path_learns_the_right_one(
    path: str, content_type: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert fault_of(post(TEST, path=path, content_type=content_type)) == WRONG_PATH
    (line,) = [line for line in refusals(caplog) if line.startswith("refused")]
    assert line == f"refused 'vclsystem' from 127.0.0.1: 210, no calls are answered at {path.partition('?')[0]}"


@pytest.mark.django_db
def test_a_call_to_the_pages_too() -> None:
    assert fault_of(post(TEST, path="/admin/login/")) == WRONG_PATH  # Django: 403, for want of a token


@pytest.mark.parametrize(("path", "status"), [("/", 302), ("/nothing", 404), ("/healthz", 405)])
def test_what_is_no_xml_is_answered_as_ever(path: str, status: int) -> None:
    assert post("a=1", path=path, content_type="application/x-www-form-urlencoded").status_code == status


@pytest.mark.parametrize(
    ("host", "path", "secure"),
    [("elsewhere.example", "/xmlrpc/", True), ("localhost", "/vcl/", True), ("localhost", "/xmlrpc/", False)],
)
def test_a_call_that_was_passed_on_came_back_whatever_else_is_wrong(host: str, path: str, secure: bool) -> None:
    """VCL_FRONT_END_URL is the mistake: the caller would look for another one."""
    headers = {**SIGNED_IN, MARKER: "1", "Host": host}
    code, said = fault_of(post(TEST, path=path, headers=headers, secure=secure))
    assert (code, "addresses are crossed" in said) == (209, True)


# --- Proxies ----------------------------------------------------------------------------------
def test_an_untrusted_proxy_gets_another_text_than_plain_http(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.VCL_TRUSTED_PROXIES = ["10.0.0.1"]
    headers = {**SIGNED_IN, "X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.7"}
    code, said = fault_of(post(TEST, headers=headers, secure=False, peer="10.0.0.2"))
    assert code == 4
    assert "not in VCL_TRUSTED_PROXIES" in said
    assert refusals(caplog) == [
        "refused 'vclsystem' from 10.0.0.2: 4, X-Forwarded-Proto says HTTPS, "
        "but this address is not in VCL_TRUSTED_PROXIES"
    ]


@pytest.mark.parametrize(("peer", "scheme"), [("10.0.0.2", "http"), ("10.0.0.2", ""), ("10.0.0.1", "http")])
def test_plain_http_is_called_that(peer: str, scheme: str, settings: Settings) -> None:
    settings.VCL_TRUSTED_PROXIES = ["10.0.0.1"]
    headers = {**SIGNED_IN, "X-Forwarded-Proto": scheme}
    said = "HTTPS is needed: name and password must not travel in the clear"
    assert fault_of(post(TEST, headers=headers, secure=False, peer=peer)) == (4, said)
