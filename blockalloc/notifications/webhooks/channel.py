"""The channel of webhooks: delivers a message to the address that the settings name, and says what an answer means."""

import logging

from django.conf import settings

from blockalloc import clock
from blockalloc.notifications.delivery import NotDelivered, Outgoing, Refused
from blockalloc.notifications.webhooks import signature
from blockalloc.notifications.webhooks.keys import key_of
from blockalloc.notifications.webhooks.posting import NoAnswer, post
from blockalloc.version import VERSION
from vclsite.notifications import JSON, Webhook, secret_bytes

log = logging.getLogger(__name__)

# This very message is refused (its form, its size), or the receiver is gone for good. Anything else may be mended by
# somebody, such as a wrong address (404) or a permission that was taken away (403).
_FOR_GOOD = {400, 410, 413, 422}


class WebhookChannel:
    """Delivers messages to webhooks; a connection for each, so that one receiver can do nothing to another."""

    def __init__(self) -> None:
        """Messages go to the webhooks that the settings name now."""
        self.said = ""  # the receiver's answer to the last message that it took
        self._webhooks = {key_of(webhook): webhook for webhook in settings.VCL_WEBHOOK_URL}

    def deliver(self, message: Outgoing) -> None:
        """Deliver it within some seconds. Raises NotDelivered, Refused."""
        webhook = self._webhooks.get(message.recipient)
        if webhook is None:
            raise Refused(f"the webhook at {message.address} is no longer in VCL_WEBHOOK_URL")
        body = message.body.encode()
        try:
            status = post(
                webhook.url,
                _headers(webhook, message.key, body),
                body,
                private=settings.VCL_WEBHOOK_PRIVATE_ADDRESSES,
            )
        except NoAnswer as error:
            if error.detail:
                log.warning("webhook: %s: %s", error, error.detail)
            raise NotDelivered(str(error)) from error
        if not 200 <= status < 300:
            problem = f"{message.address} answered with status {status}"
            raise Refused(problem) if status in _FOR_GOOD else NotDelivered(problem)
        self.said = f"status {status}"

    def close(self) -> None:
        """End the round. No connection is kept."""


def _headers(webhook: Webhook, key: str, body: bytes) -> dict[str, str]:
    """Chat programs verify no signature, and need not see one of theirs."""
    now = clock.now()
    headers = {
        "Content-Type": "application/json",
        "Accept-Encoding": "identity",
        "User-Agent": f"blockalloc/{VERSION}",
        **signature.identity(key, now),
    }
    if webhook.format == JSON and settings.VCL_WEBHOOK_SECRET:
        headers |= signature.signature(key, now, body, secret_bytes(settings.VCL_WEBHOOK_SECRET))
    return headers
