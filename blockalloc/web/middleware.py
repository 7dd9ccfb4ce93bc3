"""What every request passes through first."""

from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import request_finished
from django.http import HttpRequest, HttpResponse

from blockalloc.web import transport
from vclsite.logs import request_id


class RequestIdMiddleware:
    """Gives each request an id: in its log lines, its decision records, and the header X-Request-Id of its answer.

    A trusted proxy's id is taken over if it is well-formed. Anybody else could send one that is in the log already.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request under its id, which stays until the answer has been sent: a download is made meanwhile."""
        id_ = self._given_id(request) or request_id.new()
        request_id.begin(id_)
        request.META[request_id.ID_KEY] = id_
        response = self.get_response(request)
        response.headers[request_id.HEADER] = id_
        return response

    @staticmethod
    def _given_id(request: HttpRequest) -> str:
        """The id that a trusted proxy has given; "" without one. Leaves the caller's address for the access line."""
        try:
            request.META[request_id.ADDRESS_KEY] = transport.client_address(request)
            is_trusted = transport.is_from_trusted_proxy(request)
        except ImproperlyConfigured:  # whoever asks again answers with a fault that says what is wrong
            return ""
        given = request.headers.get(request_id.HEADER, "") if is_trusted else ""
        return given if request_id.is_well_formed(given) else ""


def _forget_request_id(**_signal: object) -> None:
    request_id.end()


request_finished.connect(_forget_request_id, dispatch_uid="blockalloc.request_id")


class AskedByAddressMiddleware:
    """Lets monitoring ask by an address, 127.0.0.1:8000 say: Prometheus sends it as the host name, and no other.

    A name that is not in ALLOWED_HOSTS stays refused: a page could have a browser near the service ask by its own.
    """

    _PATHS = ("/metrics", "/readyz")

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Replace an address by a name of the service: these answers have no links."""
        if request.path_info in self._PATHS and transport.is_address(request.META.get("HTTP_HOST", "")):
            name = next((host for host in settings.ALLOWED_HOSTS if host != "*"), None)
            if name is not None:
                request.META["HTTP_HOST"] = name.removeprefix(".")
        return self.get_response(request)


class TrustedProxyMiddleware:
    """Lets Django know that a request came by HTTPS when a trusted proxy says so: for cookies, forms, redirects.

    Django's own SECURE_PROXY_SSL_HEADER trusts the header from anybody.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Replace the scheme of the proxy's connection by that of the client's."""
        if not request.is_secure() and transport.is_secure(request):
            request.META["wsgi.url_scheme"] = "https"
        return self.get_response(request)
