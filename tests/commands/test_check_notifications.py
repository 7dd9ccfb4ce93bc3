"""`manage.py check_settings` of notifications and metrics: what would not get through, and that nothing is sent."""

import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from pytest_django import Settings

from blockalloc.settings_check import notifications
from blockalloc.settings_check.monitoring import check_metrics_directory
from blockalloc.settings_check.notifications import check_mail_server, check_recipients, check_webhooks
from blockalloc.settings_check.problems import Severity
from tests.support.servers.certificates import make
from tests.support.servers.live_server import free_port
from vclsite.notifications import MailServer, Webhook

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="sqlite")]

PASSWORD = "of the relay"


@pytest.fixture(autouse=True)
def _a_site(settings: Settings) -> None:
    settings.VCL_SERVICE_URL = "https://blocks.example.edu"
    settings.VCL_MAIL_FROM = "vcl@example.edu"


class Handler:
    """What a mail server of the tests got; it refuses senders of `unknown`."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.sent = 0

    async def handle_MAIL(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.begun.append(address)
        if "unknown" in address:
            return "553 sender unknown"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, _envelope: Envelope) -> str:
        self.sent += 1
        return "250 OK"


@contextmanager
def mail_server(**options: Any) -> Iterator[tuple[Handler, int]]:
    """A real one, and its port."""
    handler = Handler()
    controller = Controller(handler, hostname="127.0.0.1", port=free_port(), **options)
    controller.start()
    try:
        yield handler, controller.port
    finally:
        controller.stop()


def problems(check: Any) -> list[tuple[str, str]]:
    """Setting and text of each; none of them stops the service."""
    found = list(check())
    assert {problem.severity for problem in found} <= {Severity.DOUBTFUL}
    assert not any(PASSWORD in problem.text for problem in found)
    return [(problem.name, problem.text) for problem in found]


# --- The mail server ----------------------------------------------------------------------------
def test_a_server_that_takes_mails(settings: Settings) -> None:
    with mail_server() as (handler, port):
        settings.VCL_SMTP_URL = MailServer("127.0.0.1", port)
        assert problems(check_mail_server) == []
        assert (handler.begun, handler.sent) == (["vcl@example.edu"], 0)


def test_no_server_is_no_problem() -> None:
    assert problems(check_mail_server) == []


def test_a_sender_that_the_server_refuses(settings: Settings) -> None:
    settings.VCL_MAIL_FROM = "unknown@example.edu"
    with mail_server() as (_, port):
        settings.VCL_SMTP_URL = MailServer("127.0.0.1", port)
        assert problems(check_mail_server) == [
            (
                "VCL_MAIL_FROM",
                "VCL_MAIL_FROM=unknown@example.edu: the mail server takes nothing from this address: "
                "553 sender unknown",
            )
        ]


@pytest.mark.parametrize(("password", "is_right"), [(PASSWORD, True), ("wrong", False)])
def test_the_sign_in(password: str, is_right: bool, settings: Settings) -> None:
    def authenticate(
        _server: SMTP, _session: Session, _envelope: Envelope, _how: str, data: LoginPassword
    ) -> AuthResult:
        return AuthResult(success=data.password.decode() == PASSWORD, handled=False)

    with mail_server(authenticator=authenticate, auth_require_tls=False) as (_, port):
        settings.VCL_SMTP_URL = MailServer("127.0.0.1", port, user="blocks", password=password)
        found = problems(check_mail_server)
    expected = (
        "VCL_SMTP_URL",
        f"VCL_SMTP_URL: the mail server 127.0.0.1:{port} refuses the sign-in: error 535; "
        "mails wait until it can be used",
    )
    assert found == ([] if is_right else [expected])


def test_a_server_without_tls(settings: Settings) -> None:
    with mail_server() as (_, port):
        settings.VCL_SMTP_URL = MailServer("127.0.0.1", port, "starttls")
        ((_, text),) = problems(check_mail_server)
    assert "cannot be spoken to by TLS: it offers no STARTTLS" in text


def test_a_certificate_of_nobody(settings: Settings, tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(make(tmp_path)["self-signed"])
    with mail_server(tls_context=context) as (_, port):
        settings.VCL_SMTP_URL = MailServer("127.0.0.1", port, "starttls")
        ((_, text),) = problems(check_mail_server)
    assert "its certificate is not trusted" in text


def test_a_port_where_nobody_listens(settings: Settings) -> None:
    port = free_port()
    settings.VCL_SMTP_URL = MailServer("127.0.0.1", port)
    ((name, text),) = problems(check_mail_server)
    assert name == "VCL_SMTP_URL"
    assert text.startswith(f"VCL_SMTP_URL: the mail server 127.0.0.1:{port} cannot be reached: ")


def test_a_server_that_says_nothing(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notifications, "SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.VCL_SMTP_URL = MailServer("127.0.0.1", silent.getsockname()[1])
        begun = time.monotonic()
        ((_, text),) = problems(check_mail_server)
    assert time.monotonic() - begun < 3
    assert "it did not answer within 0.3 seconds" in text


def test_a_password_in_the_clear(settings: Settings) -> None:
    settings.VCL_SMTP_URL = MailServer("mail.invalid", 25, user="blocks", password=PASSWORD)
    in_the_clear, unknown = problems(check_mail_server)
    assert in_the_clear[1] == (
        "VCL_SMTP_URL: the password is sent to mail.invalid in the clear: use smtp+starttls:// or smtps://"
    )
    assert "cannot be reached" in unknown[1]


# --- Who is written to --------------------------------------------------------------------------
def test_addresses_without_a_server(settings: Settings) -> None:
    settings.VCL_SITE_MAIL = ["desk@example.edu"]
    ((name, text),) = problems(check_recipients)
    assert name == "VCL_SITE_MAIL"
    assert "VCL_SMTP_URL names no mail server: no mail is sent" in text


def test_messages_without_links(settings: Settings) -> None:
    settings.VCL_SERVICE_URL = ""
    assert problems(check_recipients) == []
    settings.VCL_WEBHOOK_URL = [Webhook("slack", "https://hooks.example.edu/x")]
    ((name, text),) = problems(check_recipients)
    assert name == "VCL_SERVICE_URL"
    assert "no links" in text


# --- Webhooks -----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("url", "private", "said"),
    [
        ("http://127.0.0.1:8065/hooks/SECRET", True, ""),
        ("https://127.0.0.1/SECRET", False, "127.0.0.1 leads to 127.0.0.1, an address of an internal network"),
        ("https://169.254.169.254/SECRET", True, "169.254.169.254 leads to 169.254.169.254, where nothing is posted"),
        ("https://hooks.invalid/SECRET", False, "hooks.invalid is a name without an address"),
    ],
)
def test_hosts_of_webhooks(url: str, private: bool, said: str, settings: Settings) -> None:
    settings.VCL_WEBHOOK_PRIVATE_ADDRESSES = private
    settings.VCL_WEBHOOK_URL = [Webhook("mattermost", url)]
    found = problems(check_webhooks)
    assert [name for name, _ in found] == (["VCL_WEBHOOK_URL"] if said else [])
    assert all(text.startswith(f"VCL_WEBHOOK_URL: address 1: {said}") for _, text in found)
    assert not any("SECRET" in text for _, text in found)


# --- Metrics ------------------------------------------------------------------------------------
def test_the_directory_of_metrics(settings: Settings, tmp_path: Path) -> None:
    for directory, said in (("", None), (tmp_path, None), (tmp_path / "none", "is not there")):
        settings.VCL_METRICS_DIR = str(directory)
        found = problems(check_metrics_directory)
        assert bool(found) == bool(said)
        assert all(str(said) in text for _, text in found)
    tmp_path.chmod(0o777)
    settings.VCL_METRICS_DIR = str(tmp_path)
    ((name, text),) = problems(check_metrics_directory)
    assert name == "VCL_METRICS_DIR"
    assert "can be written by others than its owner" in text


def test_the_standard_directory_may_be_missing(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("blockalloc.settings_check.monitoring.METRICS_DIR", "/nowhere/metrics")
    settings.VCL_METRICS_DIR = "/nowhere/metrics"
    assert problems(check_metrics_directory) == []
