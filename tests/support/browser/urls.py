"""The service's addresses, and a page that always fails."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from vclsite.urls import handler403, handler404  # noqa: F401 - Django looks for them here
from vclsite.urls import urlpatterns as pages


def failing(_request: HttpRequest) -> HttpResponse:
    """Raise, as a page of the service does that has an error."""
    raise RuntimeError("this page is meant to fail")


urlpatterns = [path("admin/failing/", failing), *pages]
