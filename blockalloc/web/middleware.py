"""What every request passes through first."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from blockalloc.web import transport


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
