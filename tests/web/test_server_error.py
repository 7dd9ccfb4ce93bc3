"""What people and back ends see when the service fails: a page of ours, and a fault."""

import re
from collections.abc import Callable

import pytest
from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from pytest_django import Settings

from tests.support.rpc_calls import document, fault_of, post
from vclsite.settings import BASE_DIR
from vclsite.urls import urlpatterns as pages


def failing(_request: HttpRequest) -> HttpResponse:
    """A page with an error."""
    raise RuntimeError("secret of the error")


urlpatterns = [path("failing/", failing), *pages]


@pytest.fixture
def response(client: Client, settings: Settings) -> HttpResponse:
    """The answer to somebody who opens the page. Without the mark `django_db` a look at the database would fail."""
    settings.ROOT_URLCONF = __name__
    client.raise_request_exception = False
    answer = client.get("/failing/")
    assert isinstance(answer, HttpResponse)
    return answer


def test_a_page_that_fails_is_answered_with_a_page_of_ours(response: HttpResponse) -> None:
    text = response.content.decode()
    assert response.status_code == 500
    assert text.startswith("<!DOCTYPE html>")
    assert "<h1>Server error</h1>" in text
    assert "secret" not in text


def test_it_is_under_the_policy_of_all_pages_and_keeps_to_it(response: HttpResponse) -> None:
    assert "default-src 'self'" in response["Content-Security-Policy"]
    text = response.content.decode()
    assert not re.search(r"<style|\sstyle=|<script(?! src=)|\son\w+=", text)
    addresses = re.findall(r'<(?:link|script)[^>]* (?:href|src)="([^"]+)"', text)
    assert len(addresses) == 8
    for address in addresses:
        assert finders.find(address.removeprefix("/static/")), address


def test_it_needs_neither_addresses_nor_a_database() -> None:
    template = (BASE_DIR / "templates" / "500.html").read_text()
    assert re.findall(r"{% *(\w+)", template).count("static") == 9
    assert set(re.findall(r"{% *(\w+)", template)) == {"load", "static"}
    assert "{{" not in template


# --- Back ends --------------------------------------------------------------------------------
class FailingMiddleware:
    """Fails between the service's own middleware and its views."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Raise, whatever is asked for."""
        raise RuntimeError("secret of the error")


@pytest.mark.parametrize("path", ["/xmlrpc/", "/vcl/index.php?mode=xmlrpccall"])
def test_a_call_gets_a_fault_even_when_it_never_reaches_its_view(path: str, settings: Settings) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.FailingMiddleware"]
    assert fault_of(post(document("XMLRPCtest", "x"), path=path)) == (206, "internal error (logged)")
    assert "<h1>Server error</h1>" in post("mode=other", path=path, content_type="text/plain").content.decode()
