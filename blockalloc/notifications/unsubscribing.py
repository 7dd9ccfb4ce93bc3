"""Signed addresses at which people end what they are sent, without signing in: whoever has the mail may do so."""

from django.conf import settings
from django.core import signing
from django.urls import reverse


def address_of(person_key: str) -> str:
    """The full address for the recipient with this key; "" for a webhook, and if the service has no address.

    It is the same in all messages to that recipient, and valid for as long as the site's secret key is.
    """
    if not settings.VCL_SERVICE_URL or person_key.startswith("webhook:"):
        return ""
    return f"{settings.VCL_SERVICE_URL}{reverse('unsubscribe', args=[_signer().sign_object([person_key])])}"


def key_of(token: str) -> str | None:
    """The recipient whose token this is; None for one that was not signed here."""
    try:
        contents = _signer().unsign_object(token)
    except (signing.BadSignature, ValueError):
        return None
    match contents:
        case [str() as key]:
            return key
    return None


def _signer() -> signing.Signer:
    """Signs and reads tokens. The salt keeps other signed texts of the site from being accepted as tokens.

    The separator is not the usual colon, which some mail programs take for the end of an address.
    """
    return signing.Signer(salt="blockalloc.notifications.unsubscribing", sep=".")
