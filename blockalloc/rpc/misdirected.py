"""Calls to a wrong address, or from a proxy that is not trusted, answered with a fault that says what is wrong.

Of an HTTP error a back end logs the words of the status line only: "Bad Request" for a host name that Django
refuses, "Not Found" or "Found" for a path where no calls are answered. A fault it logs in full.
"""

import time
from collections.abc import Callable
from contextlib import suppress

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve

from blockalloc.measures import calls
from blockalloc.rpc.authentication import claimed_user
from blockalloc.rpc.endpoint import HTTPS_WANTED, front_end_path, xmlrpc
from blockalloc.rpc.refusal_log import log_refusal
from blockalloc.rpc.wire import RequestRefused, fault_document, internal_fault, is_xml, read_body
from blockalloc.web import transport
from blockalloc.web.front_end import passing_on

WRONG_ADDRESS = 210

_DOORS = (xmlrpc, front_end_path)
NOT_FOUND = 404  # front_end_path's answer to modes other than xmlrpccall
SERVER_ERROR = 500  # Django's answer, logged by it, when a middleware between this one and the views fails
_XML = "text/xml; charset=utf-8"


class MisdirectedCallMiddleware:
    """Answers POSTs of XML that must not or can't reach the XML-RPC views; all other requests pass.

    A call never gets an HTML page for an answer.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The answer to `request`, or the fault in its place."""
        if request.method != "POST" or not request.content_type or not is_xml(request):
            return self.get_response(request)
        if refused := _crossed(request) or _wrong_host(request) or _wrong_proxy(request):
            return _answer(request, refused)
        if not _is_a_door(request):
            return _answer(request, _wrong_path(request))
        response = self.get_response(request)
        if response.status_code == SERVER_ERROR:
            return HttpResponse(fault_document(internal_fault()), content_type=_XML)
        return _answer(request, _wrong_path(request)) if response.status_code == NOT_FOUND else response


def _is_a_door(request: HttpRequest) -> bool:
    try:
        return resolve(request.path_info).func in _DOORS
    except Resolver404:
        return False


def _crossed(request: HttpRequest) -> RequestRefused | None:
    """Checked first: whatever else is wrong with a call that this service passed on is not the caller's mistake."""
    try:
        passing_on.refuse_loop(request)
    except RequestRefused as refused:
        return refused
    return None


def _wrong_host(request: HttpRequest) -> RequestRefused | None:
    try:
        request.get_host()
    except DisallowedHost:
        # The name goes into the log, but not into the answer: anything may be in it.
        name = request.META.get("HTTP_HOST", "")
        return RequestRefused(
            WRONG_ADDRESS,
            "the host name that was called is not in DJANGO_ALLOWED_HOSTS; the log of the service has the name",
            f"the host name {name} is not in DJANGO_ALLOWED_HOSTS",
        )
    return None


def _wrong_proxy(request: HttpRequest) -> RequestRefused | None:
    """The refusal when a proxy that is not trusted says that the call came by HTTPS."""
    if settings.VCL_ALLOW_PLAIN_HTTP or transport.is_secure(request) or not transport.is_said_to_be_secure(request):
        return None
    return RequestRefused(
        HTTPS_WANTED,
        "HTTPS is needed: the proxy that vouches for it (X-Forwarded-Proto) is not in VCL_TRUSTED_PROXIES; "
        "the log of the service has its address",
        "X-Forwarded-Proto says HTTPS, but this address is not in VCL_TRUSTED_PROXIES",
    )


def _wrong_path(request: HttpRequest) -> RequestRefused:
    return RequestRefused(
        WRONG_ADDRESS,
        "no calls are answered at this address: its path must be /xmlrpc/ or end in /index.php?mode=xmlrpccall",
        f"no calls are answered at {request.path}",
    )


def _answer(request: HttpRequest, refused: RequestRefused) -> HttpResponse:
    began = time.monotonic()
    # A body that is left unread would break the connection before the client has read the answer.
    with suppress(RequestRefused):
        read_body(request, settings.VCL_MAX_BODY_BYTES)
    log_refusal(claimed_user(request), transport.client_address(request), refused.code, refused.reason)
    calls.count(calls.Method.OTHER, calls.Outcome.REFUSED, time.monotonic() - began)
    return HttpResponse(fault_document(refused), content_type=_XML)
