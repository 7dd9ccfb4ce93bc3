"""Signing in to the staff pages: Django's form, with the lock-out that callers over XML-RPC have too."""

import logging
from typing import Any

from django.contrib.admin.forms import AdminAuthenticationForm
from django.core.exceptions import ValidationError

from blockalloc import lockout
from blockalloc.fields import fits_latin1
from blockalloc.transport import client_address

log = logging.getLogger(__name__)


class SignInForm(AdminAuthenticationForm):
    """Name and password of a staff account. Refuses, without looking at either, while there is a lock-out."""

    def clean(self) -> dict[str, Any]:
        """The form's values. Raises ValidationError when they let nobody in, or nobody for now."""
        if not (self.cleaned_data.get("username") and self.cleaned_data.get("password")):
            return super().clean()  # nothing that could be checked
        assert self.request is not None, "the admin gives its request to the form"
        name, address = self.cleaned_data["username"], client_address(self.request)
        attempt = lockout.begin("staff", name, address)
        if attempt.seconds_to_wait:
            text = lockout.refusal(attempt.seconds_to_wait)
            log.warning("staff sign-in refused: %.100r from %s: %s", name, address, text)
            raise ValidationError(f"{text[0].upper()}{text[1:]}.", code="locked_out")
        if not fits_latin1(name):
            self.cleaned_data["username"] = ""  # nobody's; asked for all the same, to take the same work
        try:
            cleaned = super().clean()
            self._check_name(name)
        except ValidationError:
            log.warning("staff sign-in refused: %.100r from %s: wrong name or password, or not staff", name, address)
            attempt.failed()
            raise
        attempt.succeeded()
        return cleaned

    def _check_name(self, name: str) -> None:
        """Refuse another spelling that only the database takes for the name: it would have a lock-out of its own."""
        if lockout.folded(self.get_user().get_username()) != lockout.folded(name):
            raise self.get_invalid_login_error()
