"""Addresses of the site: XML-RPC (also at the path of VCL's own front end), the admin, calendars, unsubscribing,
health checks and metrics.
"""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import path, re_path
from django.views.generic import RedirectView

from blockalloc.monitoring.metrics import metrics
from blockalloc.monitoring.readyz import readyz
from blockalloc.pages import feeds, row_id  # noqa: F401 - row_id: for the addresses
from blockalloc.pages.unsubscribe import unsubscribe
from blockalloc.rpc.endpoint import front_end_path, xmlrpc
from blockalloc.web.health import healthz


def no_icon(_request: HttpRequest) -> HttpResponse:
    """For browsers, which ask for one whatever the page says: there is none, and that is no error."""
    return HttpResponse(status=204)


handler403 = "blockalloc.pages.frame.not_allowed"
handler404 = "blockalloc.pages.frame.not_found"

urlpatterns = [
    path("xmlrpc/", xmlrpc),
    path("xmlrpc", xmlrpc),
    # Back ends configured for VCL's front end call …/index.php?mode=xmlrpccall.
    re_path(r"^(?:.*/)?index\.php$", front_end_path),
    path("admin/", admin.site.urls),
    path("admin", RedirectView.as_view(url="/admin/")),
    path("", RedirectView.as_view(url="/admin/")),
    # Calendar programs have no way to sign in: anybody with the address, which nobody can guess, may read.
    path("feeds/<str:key>.ics", feeds.calendar, name="feed"),
    # Addresses of before 0.4, which are signed.
    path("feeds/all/<str:token>.ics", feeds.all_blocks, name="feed-all"),
    path("feeds/group/<row_id:group>/<str:token>.ics", feeds.blocks_of_group, name="feed-group"),
    # The same for people who read a mail.
    path("notifications/unsubscribe/<str:token>/", unsubscribe, name="unsubscribe"),
    path("favicon.ico", no_icon),
    path("healthz", healthz),
    path("readyz", readyz),
    path("metrics", metrics),
]
