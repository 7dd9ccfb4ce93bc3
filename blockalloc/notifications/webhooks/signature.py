"""The headers of Standard Webhooks 1.0.0 (standardwebhooks.com): which message, when it was sent, and by whom."""

import base64
import hashlib
import hmac

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"


def identity(key: str, at: int) -> dict[str, str]:
    """The headers that say which message it is, at each attempt the same, and when this attempt is made."""
    return {ID: key, TIMESTAMP: str(at)}


def signature(key: str, at: int, body: bytes, secret: bytes) -> dict[str, str]:
    """The header with which a receiver who has the `secret` verifies id, time and body.

    HMAC-SHA256 of "id.time.body". The id has no full stop: keys are digits, letters and hyphens.
    """
    mac = hmac.digest(secret, b".".join((key.encode(), str(at).encode(), body)), hashlib.sha256)
    return {SIGNATURE: f"v1,{base64.b64encode(mac).decode()}"}
