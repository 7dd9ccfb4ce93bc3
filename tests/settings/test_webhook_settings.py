"""Settings about webhooks: what can't be right, or would do harm, is a problem, and its text repeats no secret."""

import base64
from collections.abc import Iterator

import pytest

from tests.support.servers.own_process import run
from vclsite import environment, notifications
from vclsite.notifications import Webhook

pytestmark = pytest.mark.once(on="mariadb")

PUBLIC = [
    ("https://example.edu/hook", [("json", "https://example.edu/hook")]),
    ("slack+https://hooks.slack.com/services/T/B/x", [("slack", "https://hooks.slack.com/services/T/B/x")]),
    (
        "https://a.example.edu/?key=1  teams+https://b.example.edu:8443/x?sig=y\tmatrix+https://[2606:2800::1]/w",
        [
            ("json", "https://a.example.edu/?key=1"),
            ("teams", "https://b.example.edu:8443/x?sig=y"),
            ("matrix", "https://[2606:2800::1]/w"),
        ],
    ),
    (
        "mattermost+https://m.example.edu/hooks/x mattermost+https://m.example.edu/hooks/x",
        [("mattermost", "https://m.example.edu/hooks/x")],
    ),
    ("", []),
]
WRONG = [
    "hunter2",
    "ftp://example.edu/hunter2",
    "irc+https://example.edu/hunter2",
    "https:///hunter2",
    "https://user:hunter2@example.edu/",
    "https://example.edu/hunter2#fragment",
    "https://example.edu:port/hunter2",
    "https://example.edu/hünter2",
    "https://[::1/hunter2",
]
INSIDE = [
    *("https://127.0.0.1/hunter2", "https://localhost/hunter2", "https://[::1]/hunter2", "https://10.1.2.3/hunter2"),
    *("http://localhost:8080/hunter2", "https://192.168.1.1/hunter2", "https://[fd00::1]/hunter2"),
]
SECRET = "whsec_" + base64.b64encode(b"x" * 24).decode()
JSON = [Webhook("json", "https://example.edu/hook")]


@pytest.fixture(autouse=True)
def _nothing_told() -> Iterator[None]:
    """What one test finds wrong is not in the next one's way."""
    yield
    for name in ("VCL_WEBHOOK_URL", "VCL_WEBHOOK_SECRET"):
        environment.text(name, "")


def problem(name: str) -> str:
    """What is wrong with a setting; "" when nothing is."""
    return dict(environment.problems()).get(name, "")


def webhooks(monkeypatch: pytest.MonkeyPatch, value: str, *, private: bool = False) -> list[Webhook]:
    """The webhooks in the setting."""
    monkeypatch.setenv("VCL_WEBHOOK_URL", value)
    return notifications.webhooks("VCL_WEBHOOK_URL", private_addresses=private)


def secret(monkeypatch: pytest.MonkeyPatch, value: str, hooks: list[Webhook]) -> str:
    """The secret in the setting, where these webhooks are."""
    monkeypatch.setenv("VCL_WEBHOOK_SECRET", value)
    return notifications.webhook_secret("VCL_WEBHOOK_SECRET", hooks)


@pytest.mark.parametrize(("value", "hooks"), PUBLIC)
@pytest.mark.parametrize("private", [False, True])
def test_addresses(monkeypatch: pytest.MonkeyPatch, value: str, hooks: list[tuple[str, str]], private: bool) -> None:
    assert webhooks(monkeypatch, value, private=private) == [Webhook(*hook) for hook in hooks]
    assert problem("VCL_WEBHOOK_URL") == ""


@pytest.mark.parametrize("value", WRONG)
def test_addresses_that_are_none(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    hooks = webhooks(monkeypatch, f"https://example.edu/hook {value}", private=True)
    assert hooks == [Webhook("json", "https://example.edu/hook")]
    text = problem("VCL_WEBHOOK_URL")
    assert text.startswith(
        "VCL_WEBHOOK_URL: address 2: use addresses such as https://example.edu/hook (JSON) or slack+"
    )
    assert "nter2" not in text


@pytest.mark.parametrize("value", INSIDE)
def test_addresses_inside(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    assert webhooks(monkeypatch, value) == []
    assert "VCL_WEBHOOK_PRIVATE_ADDRESSES=1 allows that" in problem("VCL_WEBHOOK_URL")
    assert "hunter2" not in problem("VCL_WEBHOOK_URL")
    assert webhooks(monkeypatch, value, private=True) == [Webhook("json", value)]
    assert problem("VCL_WEBHOOK_URL") == ""


def test_plain_http_is_for_internal_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    assert webhooks(monkeypatch, "http://mattermost.example.edu/hooks/hunter2") == []
    assert "it is plain HTTP: use https://" in problem("VCL_WEBHOOK_URL")
    assert len(webhooks(monkeypatch, "http://mattermost.example.edu/hooks/hunter2", private=True)) == 1


def test_all_that_is_wrong_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    webhooks(monkeypatch, "hunter2 https://example.edu/hook http://example.edu/hunter2")
    assert "address 1: use addresses" in problem("VCL_WEBHOOK_URL")
    assert "; VCL_WEBHOOK_URL: address 3: it is plain HTTP" in problem("VCL_WEBHOOK_URL")


@pytest.mark.parametrize("value", [SECRET, "x" * 24, "ä" * 12])
def test_secrets(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    assert secret(monkeypatch, value, JSON) == value
    assert problem("VCL_WEBHOOK_SECRET") == ""


@pytest.mark.parametrize("value", ["hunter2", "whsec_aHVudGVyMg==", "whsec_hunter2 but not base64 at all, at all"])
@pytest.mark.parametrize("hooks", [JSON, []])
def test_secrets_that_are_too_short(monkeypatch: pytest.MonkeyPatch, value: str, hooks: list[Webhook]) -> None:
    assert secret(monkeypatch, value, hooks) == ""
    text = problem("VCL_WEBHOOK_SECRET")
    assert text.startswith("VCL_WEBHOOK_SECRET: use at least 24 characters")
    assert "hunter2" not in text


def test_json_is_not_posted_without_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    assert secret(monkeypatch, "", JSON) == ""
    assert "VCL_WEBHOOK_URL has an address for JSON" in problem("VCL_WEBHOOK_SECRET")


def test_chat_programs_need_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    assert secret(monkeypatch, "", [Webhook("slack", "https://hooks.slack.com/services/T/B/x")]) == ""
    assert problem("VCL_WEBHOOK_SECRET") == ""


def test_the_command_in_the_message_makes_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    secret(monkeypatch, "", JSON)
    command = problem("VCL_WEBHOOK_SECRET").partition("python3 -c '")[2].removesuffix("'")
    made = run("-c", command).stdout.strip()
    assert len(notifications.secret_bytes(made)) == 32


def test_a_site_does_not_start_with_them() -> None:
    done = run("manage.py", "check", BLOCKALLOC_DEMO="1", VCL_WEBHOOK_URL="https://example.edu/hunter2")
    assert done.returncode == 2
    assert "VCL_WEBHOOK_SECRET is not set" in done.stderr
    assert "hunter2" not in done.stdout + done.stderr
