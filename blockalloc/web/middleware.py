"""What every request passes through first."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from blockalloc.web import transport


class TrustedProxyMiddleware:
    """Lets Django know that a request came by HTTPS when a trusted proxy says so: for cookies, forms, redirects.

    Django's own SECURE_PROXY_SSL_HEADER believes the header from everybody.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Put what is known about the client's connection in the place of what is known about the proxy's."""
        if not request.is_secure() and transport.is_secure(request):
            request.META["wsgi.url_scheme"] = "https"
        return self.get_response(request)
