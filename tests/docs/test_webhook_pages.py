"""What docs/notifications.md says about webhooks is what is posted, and its example verifies our signatures."""

import json
import re
import time
from collections.abc import Callable
from typing import Any

import pytest

from blockalloc.notifications.letter import Section
from blockalloc.notifications.webhooks import event
from blockalloc.notifications.webhooks.signature import identity, signature
from tests.support.letters import item, letter
from tests.support.servers.own_process import ROOT
from vclsite.notifications import FORMATS, JSON, secret_bytes

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="sqlite")]

WEBHOOKS = (ROOT / "docs/notifications.md").read_text().partition("\n## Webhooks\n")[2].partition("\n## ")[0]
SECRETS = ["whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "a secret that is long enough"]


def fenced(language: str) -> str:
    """The only block in that language."""
    (block,) = re.findall(rf"^```{language}\n(.*?)^```", WEBHOOKS, re.MULTILINE | re.DOTALL)
    return str(block)


@pytest.fixture
def example() -> Callable[..., Any]:
    """The function of the example in Python."""
    names: dict[str, Any] = {}
    exec(fenced("python"), names)  # noqa: S102 - it is our own
    function: Callable[..., Any] = names["event"]
    return function


def test_the_example_of_json_has_every_member_and_no_other() -> None:
    shown, made = json.loads(fenced("json")), event.body(letter(item()))
    assert list(shown) == list(made)
    assert list(shown["classes"][0]) == list(made["classes"][0])
    assert shown["classes"][0]["machines"].keys() == made["classes"][0]["machines"].keys()


def test_every_member_and_value_is_explained() -> None:
    table = WEBHOOKS.partition("| member | meaning |")[2].partition("###")[0]
    section = event.body(letter(sections=[Section("x", [("y", "")])]))["sections"][0]
    named = {"version", "type", "timestamp", "sections", *section, *section["lines"][0]}
    for word in (*named, *event.TYPES.values(), *event.EVENTS.values(), "earlier", "sureness", "headline"):
        assert f"`{word}`" in table, word


@pytest.mark.parametrize("secret", SECRETS)
def test_the_example_verifies_what_is_signed(example: Callable[..., Any], secret: str) -> None:
    body = json.dumps({"version": 1}).encode()
    now = int(time.time())
    headers = identity("message", now) | signature("message", now, body, secret_bytes(secret))
    assert example(headers, body, secret) == {"version": 1}
    with pytest.raises(ValueError, match="forged"):
        example(headers, body + b" ", secret)
    with pytest.raises(ValueError, match="forged"):
        example(headers, body, "another secret that is long enough")
    with pytest.raises(ValueError, match="old"):
        example(headers | {"webhook-timestamp": str(now - 301)}, body, secret)


def test_every_format_is_in_the_table() -> None:
    for name in FORMATS:
        assert name == JSON or f"| `{name}+` and the address" in WEBHOOKS
