"""Django's own accounts and their groups, for staff who don't sign in with an account of VCL."""

from datetime import datetime
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest, HttpResponse

from blockalloc.pages.columns import column


@column("Last sign-in")
def last_sign_in(user: User) -> datetime | None:
    """The time of the last one."""
    return user.last_login


@column("Created")
def made(user: User) -> datetime:
    """The time at which the account was made."""
    return user.date_joined


class AccountAdmin(UserAdmin):  # type: ignore[type-arg]  # only the stubs have type parameters
    """Django's pages; the dates of creation and of the last sign-in are read-only."""

    readonly_fields: ClassVar[Any] = (last_sign_in, made)
    fieldsets: ClassVar[Any] = (*(UserAdmin.fieldsets or ())[:-1], ("Dates", {"fields": (last_sign_in, made)}))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list, with our title."""
        return super().changelist_view(request, {"title": "Users", **(extra_context or {})})


class AccountGroupAdmin(GroupAdmin):
    """Django's pages."""

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list, with our title."""
        return super().changelist_view(request, {"title": "Groups", **(extra_context or {})})


admin.site.unregister(User)
admin.site.register(User, AccountAdmin)
admin.site.unregister(Group)
admin.site.register(Group, AccountGroupAdmin)
