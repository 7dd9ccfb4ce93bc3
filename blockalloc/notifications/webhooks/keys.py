"""The keys of webhooks: what stands for an address that may contain a secret."""

import hashlib

from vclsite.notifications import Webhook


def key_of(webhook: Webhook) -> str:
    """The key of the webhook's Recipient: the same for the same format and address, and the address can't be read."""
    digest = hashlib.sha256(f"{webhook.format}+{webhook.url}".encode()).hexdigest()
    return f"webhook:{digest[:32]}"
