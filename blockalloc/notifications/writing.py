"""A letter written out for the channel that it goes by."""

from django.conf import settings

from blockalloc.models import Recipient
from blockalloc.notifications import composing
from blockalloc.notifications.letter import Letter
from blockalloc.notifications.webhooks import bodies, keys
from blockalloc.store.outbox import Content

_LONGEST_SUBJECT = 255


def content(letter: Letter, channel: str, recipient_key: str) -> Content:
    """What a message with this letter says."""
    subject = letter.subject[:_LONGEST_SUBJECT]
    if channel == Recipient.WEBHOOK:
        return Content(subject, body=bodies.body_of(_format(recipient_key), letter))
    return Content(subject, composing.as_text(letter), composing.as_html(letter), unsubscribe=letter.unsubscribe)


def _format(recipient_key: str) -> str:
    """The format of a webhook; of one that is not in the settings any more JSON, and its channel will refuse it."""
    formats = {keys.key_of(hook): hook.format for hook in settings.VCL_WEBHOOK_URL}
    return str(formats.get(recipient_key, "json"))
