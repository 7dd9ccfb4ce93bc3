"""The id of a request: whose counts, and that every answer and every line of the log has it."""

import logging
import re

import pytest
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import Client
from django.urls import path
from pytest_django import Settings

from tests.support.rpc_calls import TEST, post, signing_in
from vclsite.logs import request_id
from vclsite.urls import urlpatterns as pages

pytestmark = [pytest.mark.django_db, pytest.mark.once(on="sqlite")]

log = logging.getLogger("blockalloc.test")


def failing(_request: HttpRequest) -> HttpResponse:
    """A page with an error."""
    raise RuntimeError


def download(_request: HttpRequest) -> StreamingHttpResponse:
    """An answer that is made while it is sent."""
    return StreamingHttpResponse(request_id.current() for _ in range(2))


urlpatterns = [path("failing/", failing), path("download/", download), *pages]


@pytest.fixture
def trusting(settings: Settings) -> None:
    """A site with a proxy in front."""
    settings.VCL_TRUSTED_PROXIES = ["10.0.0.0/24"]


@pytest.mark.parametrize("given", ["a-request_1.2", "x" * 64])
def test_the_id_of_a_trusted_proxy_is_taken_over(given: str, trusting: None) -> None:
    answer = post(TEST, headers={"X-Request-Id": given}, peer="10.0.0.1")
    assert answer["X-Request-Id"] == given


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", "a, b", "<script>", "a\r\nSet-Cookie: x=y", "\xe4", "a\n"])
def test_one_that_is_not_well_formed_is_not(given: str, trusting: None) -> None:
    answer = post(TEST, headers={"X-Request-Id": given}, peer="10.0.0.1")
    assert re.fullmatch("[0-9a-f]{32}", answer["X-Request-Id"])


@pytest.mark.parametrize("peer", ["10.0.1.1", "127.0.0.1", "", "no address"])
def test_nobody_else_gives_one(peer: str, trusting: None) -> None:
    headers = {"X-Request-Id": "forged", "X-Forwarded-For": "10.0.0.1"}
    assert re.fullmatch("[0-9a-f]{32}", post(TEST, headers=headers, peer=peer)["X-Request-Id"])


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/healthz", 200),
        ("/xmlrpc/", 405),
        ("/admin/", 302),
        ("/nowhere", 404),
        ("/failing/", 500),
        ("/favicon.ico", 204),
        ("/static/blockalloc/parts.css", 200),
        ("/index.php?mode=x", 404),
    ],
)
def test_every_answer_has_one(address: str, status: int, client: Client, settings: Settings) -> None:
    settings.ROOT_URLCONF = __name__
    client.raise_request_exception = False
    answers = [client.get(address) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [status] * 2
    assert len({answer["X-Request-Id"] for answer in answers}) == 2


def test_so_has_one_for_a_wrong_host_and_one_of_plain_http(client: Client, settings: Settings) -> None:
    assert client.get("/admin/", headers={"host": "elsewhere"}).has_header("X-Request-Id")
    settings.SECURE_SSL_REDIRECT = True
    assert Client().get("/admin/", secure=False).has_header("X-Request-Id")


@pytest.mark.parametrize("body", [TEST, "no XML"])
@pytest.mark.parametrize("headers", [{}, signing_in()])
def test_so_have_faults(body: str, headers: dict[str, str]) -> None:
    assert post(body, headers=headers).has_header("X-Request-Id")
    assert post(body, headers=headers, path="/nowhere/").has_header("X-Request-Id")


def test_a_download_keeps_its_id_until_it_is_sent_and_then_it_is_forgotten(client: Client, settings: Settings) -> None:
    settings.ROOT_URLCONF = __name__
    answer = client.get("/download/")
    assert isinstance(answer, StreamingHttpResponse)
    assert answer.getvalue().decode() == answer["X-Request-Id"] * 2
    answer.close()
    assert request_id.current() == ""


def test_lines_after_the_view_have_it_too(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Django's own line of a 503 is written when all middleware has returned."""
    seen: list[tuple[str, str]] = []

    class Seeing(logging.Filter):
        def filter(self, record: logging.LogRecord) -> bool:
            seen.append((record.name, request_id.current()))
            return True

    def no_cursor(*_arguments: object) -> None:
        raise DatabaseError("gone")

    monkeypatch.setattr("django.db.backends.base.base.BaseDatabaseWrapper.cursor", no_cursor)
    for name in ("django.request", "blockalloc.web.health"):
        logging.getLogger(name).addFilter(filter_ := Seeing())
        monkeypatch.setattr(logging.getLogger(name), "filters", [filter_])
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert seen == [(name, answer["X-Request-Id"]) for name in ("blockalloc.web.health", "django.request")]
