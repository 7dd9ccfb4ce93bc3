"""Django's own accounts, for staff who don't sign in with an account of VCL."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User


class AccountAdmin(UserAdmin):  # type: ignore[type-arg]  # only the stubs have type parameters
    """Django's page; the dates of creation and of the last sign-in are read-only."""

    readonly_fields = ("last_login", "date_joined")


admin.site.unregister(User)
admin.site.register(User, AccountAdmin)
