"""The channel: which webhook gets a message, its headers, what an answer means, and what people are told."""

import base64
import hashlib
import hmac
from collections.abc import Iterator

import pytest
import time_machine
from pytest_django import Settings

from blockalloc.notifications.delivery import Channel, NotDelivered, Outgoing, Refused
from blockalloc.notifications.webhooks.channel import WebhookChannel
from blockalloc.notifications.webhooks.keys import key_of
from blockalloc.version import VERSION
from tests.support.servers.front_end_server import FrontEndServer, always, http
from vclsite.notifications import Webhook

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="mariadb")]

SECRET = "whsec_" + base64.b64encode(bytes(32)).decode()
BODY = '{"text":"\\u00fc"}'


@pytest.fixture
def receiver(settings: Settings) -> Iterator[FrontEndServer]:
    """A receiver of JSON and of messages for Slack, as the settings name it."""
    with FrontEndServer(always(http(b"ok"))) as server:
        settings.VCL_WEBHOOK_URL = [webhook(server), webhook(server, "slack")]
        settings.VCL_WEBHOOK_SECRET = SECRET
        settings.VCL_WEBHOOK_PRIVATE_ADDRESSES = True
        yield server


def webhook(server: FrontEndServer, format_: str = "json") -> Webhook:
    """A webhook with secrets in its address."""
    return Webhook(format_, f"http://127.0.0.1:{server.port}/services/hunter2?sig=hunter2")


def outgoing(to: Webhook) -> Outgoing:
    """A message on its way."""
    return Outgoing("0123abcd", key_of(to), "127.0.0.1", "subject", "", "", BODY, "", 1764504000)


def deliver(to: Webhook) -> None:
    """Deliver a message, within one round."""
    channel: Channel = WebhookChannel()
    try:
        channel.deliver(outgoing(to))
    finally:
        channel.close()


@time_machine.travel(1764504123, tick=False)
def test_json_is_signed_at_each_attempt(receiver: FrontEndServer) -> None:
    deliver(webhook(receiver))
    (call,) = receiver.received
    assert (call.target, call.body) == ("/services/hunter2?sig=hunter2", BODY.encode())
    expected = hmac.new(bytes(32), b"0123abcd.1764504123." + call.body, hashlib.sha256).digest()
    assert {name.lower(): value for name, value in call.headers} == {
        "host": f"127.0.0.1:{receiver.port}",
        "content-type": "application/json",
        "content-length": str(len(BODY)),
        "accept-encoding": "identity",
        "user-agent": f"blockalloc/{VERSION}",
        "webhook-id": "0123abcd",
        "webhook-timestamp": "1764504123",
        "webhook-signature": "v1," + base64.b64encode(expected).decode(),
    }


def test_chat_programs_see_no_signature(receiver: FrontEndServer) -> None:
    deliver(webhook(receiver, "slack"))
    (call,) = receiver.received
    assert (call.header("webhook-signature"), call.header("webhook-id")) == (None, "0123abcd")


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_success(receiver: FrontEndServer, status: int) -> None:
    receiver.behave = always(http(b"", status=f"{status} X"))
    deliver(webhook(receiver))


@pytest.mark.parametrize("status", [400, 410, 413, 422])
def test_refused_for_good(receiver: FrontEndServer, status: int) -> None:
    receiver.behave = always(http(b"hunter2", status=f"{status} hunter2"))
    with pytest.raises(Refused, match=rf"^127\.0\.0\.1 answered with status {status}$"):
        deliver(webhook(receiver))


@pytest.mark.parametrize("status", [301, 302, 307, 401, 403, 404, 408, 425, 429, 500, 502, 503])
def test_tried_again(receiver: FrontEndServer, status: int) -> None:
    receiver.behave = always(http(b"hunter2", status=f"{status} hunter2", more="Location: /hunter2\r\n"))
    with pytest.raises(NotDelivered, match=rf"^127\.0\.0\.1 answered with status {status}$") as caught:
        deliver(webhook(receiver))
    assert not caught.value.everybody  # other receivers may answer
    assert len(receiver.received) == 1


def test_no_answer_and_no_secret_in_what_people_read(
    receiver: FrontEndServer, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    to = webhook(receiver)
    receiver.behave = always(b"hunter2\r\n\r\n")
    with pytest.raises(NotDelivered, match=r"^127\.0\.0\.1 broke off the connection$"):
        deliver(to)
    receiver.__exit__(None, None, None)
    with pytest.raises(NotDelivered, match=r"^127\.0\.0\.1 cannot be reached$"):
        deliver(to)
    settings.VCL_WEBHOOK_PRIVATE_ADDRESSES = False
    with pytest.raises(NotDelivered, match="VCL_WEBHOOK_PRIVATE_ADDRESSES"):
        deliver(to)
    assert len(caplog.messages) == 2
    assert "hunter2" not in caplog.text


def test_a_webhook_that_is_no_longer_in_the_settings(receiver: FrontEndServer, settings: Settings) -> None:
    settings.VCL_WEBHOOK_URL = [webhook(receiver, "slack")]
    with pytest.raises(Refused, match=r"^the webhook at 127\.0\.0\.1 is no longer in VCL_WEBHOOK_URL$"):
        deliver(webhook(receiver))
    assert receiver.connections == 0
