"""Django's own accounts: those of staff who don't sign in by an account of VCL."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User


class AccountAdmin(UserAdmin):  # type: ignore[type-arg]  # only the stubs have type parameters
    """Django's page, but when somebody was added and has signed in is told, not entered."""

    readonly_fields = ("last_login", "date_joined")


admin.site.unregister(User)
admin.site.register(User, AccountAdmin)
