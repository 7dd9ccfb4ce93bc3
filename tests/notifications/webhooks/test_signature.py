"""Keys and signatures. What verifies them here is written from the specification, Standard Webhooks 1.0.0."""

import base64
import hashlib
import hmac

import pytest

from blockalloc.notifications.webhooks.keys import key_of
from blockalloc.notifications.webhooks.signature import identity, signature
from vclsite.notifications import Webhook, secret_bytes

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="mariadb")]

KEY = base64.b64encode(bytes(range(32))).decode()
BODY = '{"text":"\u00fc"}'.encode()


def is_authentic(headers: dict[str, str], body: bytes, key: bytes) -> bool:
    """Whether a receiver would believe a message: RFC 2104 by hand, over the text that the specification names."""
    content = headers["webhook-id"].encode() + b"." + headers["webhook-timestamp"].encode() + b"." + body
    block = key.ljust(64, b"\0") if len(key) <= 64 else hashlib.sha256(key).digest().ljust(64, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block) + content).digest()
    outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in block) + inner).digest()
    expected = "v1," + base64.b64encode(outer).decode()
    return any(hmac.compare_digest(each, expected) for each in headers["webhook-signature"].split(" "))


def signed(secret: str) -> dict[str, str]:
    """The headers of a message."""
    return identity("msg-1", 1674087231) | signature("msg-1", 1674087231, BODY, secret_bytes(secret))


@pytest.mark.parametrize(
    ("secret", "key"),
    [
        (f"whsec_{KEY}", bytes(range(32))),
        ("a secret of the site, long enough", b"a secret of the site, long enough"),
        ("ein Geheimnis für den Empfänger", "ein Geheimnis für den Empfänger".encode()),
        ("ab" * 50, b"ab" * 50),
        (KEY, KEY.encode()),
    ],
)
def test_a_receiver_verifies_what_is_signed(secret: str, key: bytes) -> None:
    headers = signed(secret)
    assert is_authentic(headers, BODY, key)
    assert not is_authentic(headers, BODY + b" ", key)
    assert not is_authentic(headers, BODY, key[::-1])
    assert not is_authentic(headers | {"webhook-timestamp": "1674087232"}, BODY, key)
    assert not is_authentic(headers | {"webhook-id": "msg-2"}, BODY, key)


def test_the_headers_are_those_of_the_specification() -> None:
    assert sorted(signed(f"whsec_{KEY}")) == ["webhook-id", "webhook-signature", "webhook-timestamp"]


@pytest.mark.parametrize("secret", ["", "x" * 23, "whsec_" + base64.b64encode(b"x" * 23).decode(), "whsec_!" + KEY])
def test_secrets_that_are_too_short_or_broken(secret: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        secret_bytes(secret)


def test_a_key_says_nothing_about_the_address() -> None:
    key = key_of(Webhook("slack", "https://hooks.slack.com/services/T0/B0/secret"))
    digest = hashlib.sha256(b"slack+https://hooks.slack.com/services/T0/B0/secret").hexdigest()
    assert key == f"webhook:{digest[:32]}"
    assert key != key_of(Webhook("json", "https://hooks.slack.com/services/T0/B0/secret"))
