"""The addresses of our pages, below the admin's own."""

from django.contrib.admin import AdminSite
from django.urls import URLPattern, path

from blockalloc.pages import duty, feeds


def patterns(site: AdminSite) -> list[URLPattern]:
    """All of them. Who is not signed in is sent to the sign-in page; see `frame.page` for who may see what."""
    return [
        path("today/", site.admin_view(duty.today), name="today"),
        path("week/", site.admin_view(duty.week), name="week"),
        path("feeds/", site.admin_view(feeds.addresses), name="feeds"),
    ]
