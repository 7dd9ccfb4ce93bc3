"""The staff's site: Django's admin with our sign-in, our pages and a menu."""

from typing import Any

from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, reverse

from blockalloc.accounts.staff_accounts import manager_of
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
        """With the menu: what this person may see; and by which account of VCL the person has signed in."""
        from blockalloc.pages.menu import ENTRIES

        menu = [
            {"title": entry.title, "address": reverse(f"{self.name}:{entry.name}"), "about": entry.about}
            for entry in ENTRIES
            if request.user.has_perm(entry.permission)
        ]
        return {**super().each_context(request), "menu": menu, "vcl_manager": manager_of(request.user)}

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """For Django's own accounts. The passwords of the others are VCL's."""
        if manager_of(request.user):
            raise PermissionDenied
        return super().password_change(request, extra_context)
