"""The key of a webhook, by which recipients and messages name it: its address may contain a secret."""

import hashlib

from vclsite.notifications import Webhook

_DIGITS = 32


def key_of(webhook: Webhook) -> str:
    """The Recipient's key; another format or address is another recipient."""
    return "webhook:" + hashlib.sha256(f"{webhook.format}+{webhook.url}".encode()).hexdigest()[:_DIGITS]
