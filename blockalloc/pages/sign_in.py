"""Signing in to the staff pages: Django's form, with the lock-out of calls over XML-RPC."""

import logging
from typing import Any

from django.contrib.admin.forms import AdminAuthenticationForm
from django.core.exceptions import ValidationError

from blockalloc.accounts import lockout, vcl_accounts
from blockalloc.accounts.staff_accounts import is_linked, manager_of, refusal
from blockalloc.fields import fits_latin1
from blockalloc.web.transport import client_address

log = logging.getLogger(__name__)

LONGEST_NAME = 254  # characters; names of Django have 150, those of VCL with their affiliation fewer


class SignInForm(AdminAuthenticationForm):
    """Name and password of a staff account. During a lock-out it refuses without checking either.

    Names have lock-outs of this form alone: failures over XML-RPC with an account of VCL don't count here, nor failures
    here there. Failures of an address count for both. A name alone may mean VCL's account of affiliation Local:
    failures with "jdoe" and with "jdoe@Local" count together. A success clears only those of the name as typed, since
    a Django account "jdoe" may be another person's.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.label_suffix = ""
        self.fields["username"].label = "Name (VCL: name or name@affiliation)"

    def clean(self) -> dict[str, Any]:
        """The form's values. Raises ValidationError when they are wrong, or during a lock-out."""
        if not (self.cleaned_data.get("username") and self.cleaned_data.get("password")):
            return super().clean()  # nothing to check
        assert self.request is not None, "the admin gives its request to the form"
        name, address = self.cleaned_data["username"], client_address(self.request)
        attempt = lockout.begin("staff", name, address, vcl_accounts.other_name(name))
        if attempt.seconds_to_wait:
            text = lockout.refusal(attempt.seconds_to_wait)
            log.warning("staff sign-in refused: %.100r from %s: %s", name, address, text)
            raise ValidationError(f"{text[0].upper()}{text[1:]}.", code="locked_out")
        # SQLite refuses to compare with very long texts.
        if len(name) > LONGEST_NAME or not fits_latin1(name):
            self.cleaned_data["username"] = ""  # no account's; checked all the same, to take as long
        try:
            cleaned = super().clean()
            self._check_name(name)
        except ValidationError:
            reason = refusal(self.request) or "not asked"
            by_django = "wrong name or password, or not staff"
            log.warning("staff sign-in refused: %.100r from %s: Django: %s; VCL: %s", name, address, by_django, reason)
            attempt.failed()
            raise
        attempt.succeeded()
        return cleaned

    def _check_name(self, name: str) -> None:
        """Refuse another spelling of the name, which only the database takes for equal: it has its own lock-out.

        Also refuse a password of Django's for an account of VCL, should it have one: only VCL's counts.
        """
        user = self.get_user()
        manager = manager_of(user)
        name_of_account, typed = (
            (manager.name, vcl_accounts.full_name(name)) if manager else (user.get_username(), name)
        )
        if lockout.folded(name_of_account) != lockout.folded(typed) or (manager is None and is_linked(user)):
            raise self.get_invalid_login_error()
