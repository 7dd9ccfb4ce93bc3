"""Settings about mail: what can't be right is a problem, and its text repeats no password."""

import json
from collections.abc import Callable, Iterator
from datetime import time
from typing import Any

import pytest

from tests.support.servers.own_process import run_on_sqlite
from vclsite import environment, notifications
from vclsite.notifications import MailServer

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="mariadb")]

NAME = "VCL_SMTP_URL"


@pytest.fixture(autouse=True)
def _nothing_told() -> Iterator[None]:
    """What one test finds wrong is not in the next one's way."""
    yield
    environment.text(NAME, "")


def read(monkeypatch: pytest.MonkeyPatch, value: str, reader: Callable[..., Any], *more: Any) -> tuple[Any, str]:
    """What the reader makes of a value, and what is wrong with it."""
    monkeypatch.setenv(NAME, value)
    return reader(NAME, *more), dict(environment.problems()).get(NAME, "")


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("", None),
        ("smtp://mail.example.edu", MailServer("mail.example.edu", 25)),
        ("smtp://127.0.0.1:2525/", MailServer("127.0.0.1", 2525)),
        ("smtps://vcl:p4ss@mail.example.edu", MailServer("mail.example.edu", 465, "tls", "vcl", "p4ss")),
        ("smtp+starttls://mail.example.edu", MailServer("mail.example.edu", 587, "starttls")),
        (
            "smtp+starttls://vcl%40example.edu:p%40ss%2F%23@mail.example.edu:25",
            MailServer("mail.example.edu", 25, "starttls", "vcl@example.edu", "p@ss/#"),
        ),
        ("smtp://[::1]", MailServer("::1", 25)),
    ],
)
def test_mail_servers(monkeypatch: pytest.MonkeyPatch, url: str, server: MailServer | None) -> None:
    assert read(monkeypatch, url, notifications.mail_server) == (server, "")


@pytest.mark.parametrize(
    "url",
    [
        *("mail.example.edu", "mail.example.edu:25", "http://hunter2@mail.example.edu", "smtp://", "smtp:hunter2"),
        *("smtp://user:hunter2@mail.example.edu:port", "smtp://user:hunter2@mail.example.edu:99999"),
        *("smtp://user:hunter2@mail.example.edu:0/x", "smtp://user:hunter2@mail.example.edu/path"),
        *("smtp://user:hunter2@mail.example.edu?x=1", "smtp://user:hun#ter2@mail.example.edu", "smtp://[::1"),
        "smtp://user:hunt/er2@mail.example.edu",
    ],
)
def test_what_is_no_mail_server(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    server, problem = read(monkeypatch, url, notifications.mail_server)
    assert server is None
    assert problem.startswith("VCL_SMTP_URL: use an address such as smtp://mail.example.edu, smtps://")
    assert "hun" not in problem


@pytest.mark.parametrize("address", ["vcl@example.edu", "block-allocations+x@mail.example.edu", "o'brien@localhost"])
def test_senders(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    assert read(monkeypatch, address, notifications.sender, []) == (address, "")


@pytest.mark.parametrize("address", ["vcl", "VCL <vcl@example.edu>", "a@b, c@d", "a b@example.edu", "ü@example.edu"])
def test_what_is_no_sender(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    sender, problem = read(monkeypatch, address, notifications.sender, [])
    assert sender == "blockalloc@localhost"
    assert problem.endswith("use one mail address, such as vcl@example.edu")


@pytest.mark.parametrize(
    ("hosts", "sender"),
    [
        (["localhost", "127.0.0.1", "blocks.example.edu", "x.example.edu"], "blockalloc@blocks.example.edu"),
        (["*", ".example.edu", "[::1]"], "blockalloc@localhost"),
    ],
)
def test_the_sender_by_default(monkeypatch: pytest.MonkeyPatch, hosts: list[str], sender: str) -> None:
    monkeypatch.delenv(NAME, raising=False)
    assert notifications.sender(NAME, hosts) == sender


def test_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    read_ = read(monkeypatch, "a@example.edu, b@example.edu,", notifications.addresses)
    assert read_ == (["a@example.edu", "b@example.edu"], "")
    addresses, problem = read(monkeypatch, "a@example.edu, Desk <b@example.edu>", notifications.addresses)
    assert (addresses, "'Desk <b@example.edu>'" in problem) == (["a@example.edu"], True)


@pytest.mark.parametrize(
    ("text", "at"), [("07:00", time(7)), ("23:59", time(23, 59)), ("00:00", time(0)), ("off", None), ("OFF", None)]
)
def test_times_of_day(monkeypatch: pytest.MonkeyPatch, text: str, at: time | None) -> None:
    assert read(monkeypatch, text, notifications.time_of_day, "07:00") == (at, "")


@pytest.mark.parametrize("text", ["7:00", "24:00", "07:60", "07:00:00", "7", "", "never"])
def test_what_is_no_time_of_day(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    at, problem = read(monkeypatch, text, notifications.time_of_day, "07:00")
    assert (at, problem) == (time(7), f"VCL_SMTP_URL={text!r}: use a time of day such as 07:00, or off")


_ALL = """
import json, vclsite.settings as s
print(json.dumps([s.VCL_SMTP_URL, s.VCL_MAIL_FROM, s.VCL_MAILS_PER_HOUR, str(s.VCL_SUMMARY_TIME), s.VCL_MESSAGE_DAYS]))
"""


@pytest.mark.parametrize(
    ("variables", "settings"),
    [
        ({}, [None, "blockalloc@localhost", 12, "07:00:00", 90]),
        (
            {
                "VCL_SMTP_URL": "smtp://mail.example.edu",
                "VCL_MAIL_FROM": "vcl@example.edu",
                "VCL_MAILS_PER_HOUR": "1000",
                "VCL_SUMMARY_TIME": "off",
                "VCL_MESSAGE_DAYS": "1",
            },
            [["mail.example.edu", 25, "", "", ""], "vcl@example.edu", 1000, "None", 1],
        ),
    ],
)
def test_they_are_read(variables: dict[str, str], settings: list[object]) -> None:
    assert json.loads(run_on_sqlite("-c", _ALL, **variables).stdout) == settings
