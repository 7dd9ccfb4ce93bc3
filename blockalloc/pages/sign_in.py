"""Signing in to the staff pages: Django's form, with the lock-out that callers over XML-RPC have too."""

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
    """Name and password of a staff account. Refuses, without looking at either, while there is a lock-out.

    The lock-outs are the staff form's own: failures with an account of VCL over XML-RPC don't count here, nor those
    here there; those of an address count for both. A name alone may be meant for VCL's account of affiliation Local:
    failures with "jdoe" and with "jdoe@Local" count together. A success ends those of the name that was typed only,
    for a Django account "jdoe" may be somebody else's.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].label = "Name (VCL: name or name@affiliation)"

    def clean(self) -> dict[str, Any]:
        """The form's values. Raises ValidationError when they let nobody in, or nobody for now."""
        if not (self.cleaned_data.get("username") and self.cleaned_data.get("password")):
            return super().clean()  # nothing that could be checked
        assert self.request is not None, "the admin gives its request to the form"
        name, address = self.cleaned_data["username"], client_address(self.request)
        attempt = lockout.begin("staff", name, address, vcl_accounts.other_name(name))
        if attempt.seconds_to_wait:
            text = lockout.refusal(attempt.seconds_to_wait)
            log.warning("staff sign-in refused: %.100r from %s: %s", name, address, text)
            raise ValidationError(f"{text[0].upper()}{text[1:]}.", code="locked_out")
        # SQLite refuses to look for very long texts.
        if len(name) > LONGEST_NAME or not fits_latin1(name):
            self.cleaned_data["username"] = ""  # nobody's; asked for all the same, to take the same work
        try:
            cleaned = super().clean()
            self._check_name(name)
        except ValidationError:
            reason = refusal(self.request) or "not asked"
            said = "wrong name or password, or not staff"
            log.warning("staff sign-in refused: %.100r from %s: Django: %s; VCL: %s", name, address, said, reason)
            attempt.failed()
            raise
        attempt.succeeded()
        return cleaned

    def _check_name(self, name: str) -> None:
        """Refuse another spelling that only the database takes for the name: it would have a lock-out of its own.

        And refuse a password of Django's for an account of VCL, should it have got one: VCL has to know it.
        """
        user = self.get_user()
        manager = manager_of(user)
        found, typed = (manager.name, vcl_accounts.full_name(name)) if manager else (user.get_username(), name)
        if lockout.folded(found) != lockout.folded(typed) or (manager is None and is_linked(user)):
            raise self.get_invalid_login_error()
