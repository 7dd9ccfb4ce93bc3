"""A test message to everybody who is named in the settings, at once, past the outbox: what the servers say."""

import uuid
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

from django.conf import settings

from blockalloc import clock
from blockalloc.models import Recipient
from blockalloc.notifications import composing, writing
from blockalloc.notifications.delivery import NotDelivered, Outgoing, Refused
from blockalloc.notifications.sending import channels_of_round
from blockalloc.notifications.webhooks import keys
from blockalloc.store.outbox import Address


class Trial(NamedTuple):
    """What became of a test message; `said` is for people."""

    channel: str
    address: str
    delivered: bool
    said: str


def recipients(address: str = "") -> list[Address]:
    """Whom to try: the mail address, or all that the settings name: VCL_SITE_MAIL, and every webhook.

    Where VCL_SITE_MAIL names nobody the sender's own address has to do.
    """
    if address:
        return [_mail(address)]
    mail = [_mail(each) for each in settings.VCL_SITE_MAIL or [settings.VCL_MAIL_FROM]]
    hooks = [
        Address(keys.key_of(hook), Recipient.WEBHOOK, urlsplit(hook.url).hostname or "")
        for hook in settings.VCL_WEBHOOK_URL
    ]
    return [*(mail if settings.VCL_SMTP_URL else []), *hooks]


def tried(to: list[Address]) -> Iterator[Trial]:
    """Send each its message."""
    channels = channels_of_round()()
    try:
        for each in to:
            channel = channels[each.channel]
            try:
                channel.deliver(_message(each))
            except (NotDelivered, Refused) as failure:
                yield Trial(each.channel, each.address, False, str(failure))
            else:
                yield Trial(each.channel, each.address, True, channel.said)
    finally:
        for channel in channels.values():
            channel.close()


def _mail(address: str) -> Address:
    return Address(f"mail:{address.lower()}", Recipient.MAIL, address)


def _message(to: Address) -> Outgoing:
    key, now = f"test-{uuid.uuid4().hex}", clock.now()
    letter = composing.letter_of_test(to.key, to.address, key, now)
    content = writing.content(letter, to.channel, to.key)
    return Outgoing(
        key, to.key, to.address, content.subject, content.text, content.html, content.body, content.unsubscribe, now
    )
