"""The staff's site: Django's admin with our sign-in, our pages and a menu."""

from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.urls import URLPattern, URLResolver, reverse

from blockalloc.pages.sign_in import SignInForm


class StaffSite(AdminSite):
    """The admin, with the pages of `blockalloc.pages.menu` under the same roof."""

    login_form = SignInForm
    site_header = "Block allocations"
    site_title = "Block allocations"
    index_title = "Staff pages"
    site_url = None  # there is no other site to view
    # The menu leads everywhere, and tables need the room.
    enable_nav_sidebar = False

    def get_urls(self) -> list[URLResolver | URLPattern]:
        """Our pages before the admin's own."""
        from blockalloc.pages import addresses  # views need the site to be there

        return [*addresses.patterns(self), *super().get_urls()]

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """With the menu: what this person may see."""
        from blockalloc.pages.menu import ENTRIES

        menu = [
            {"title": entry.title, "address": reverse(f"{self.name}:{entry.name}")}
            for entry in ENTRIES
            if request.user.has_perm(entry.permission)
        ]
        return {**super().each_context(request), "menu": menu}
