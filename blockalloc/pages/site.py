"""The staff's site: Django's admin with our sign-in, our pages and our menu."""

from typing import Any

from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, reverse

from blockalloc.accounts.staff_accounts import manager_of
from blockalloc.pages.sign_in import SignInForm


class StaffSite(AdminSite):
    """The admin, with the pages of this package and the menu of `blockalloc.pages.menu`."""

    login_form = SignInForm
    site_header = "Block allocations"
    site_title = "Block allocations"
    index_title = "Staff pages"
    site_url = None  # there is no other site to view
    # The menu links to every page, and tables need the width.
    enable_nav_sidebar = False

    def get_urls(self) -> list[URLResolver | URLPattern]:
        """Our URLs before the admin's own."""
        from blockalloc.pages import addresses  # after the site, which views import

        return [*addresses.patterns(self), *super().get_urls()]

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Django's context, with the menu of the person, and their account of VCL, if any."""
        from blockalloc.pages.menu import menu

        return {**super().each_context(request), "menu": menu(request), "vcl_manager": manager_of(request.user)}

    def index(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """A redirect to "Today"; for people who may see no class, Django's list of tables."""
        if request.user.has_perm("blockalloc.view_blocktime"):
            return HttpResponseRedirect(reverse(f"{self.name}:today"))
        return super().index(request, extra_context)

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """Django's page, for its own accounts. Raises PermissionDenied for the others, whose passwords are VCL's."""
        if manager_of(request.user):
            raise PermissionDenied
        return super().password_change(request, extra_context)
