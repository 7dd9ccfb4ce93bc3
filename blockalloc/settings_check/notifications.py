"""Whether mails and webhooks would get through. Nothing is sent: `manage.py notify --test` does that."""

import smtplib
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlsplit

from django.conf import settings

from blockalloc.notifications.smtp import NoConnection, connected, said
from blockalloc.notifications.webhooks.addresses import NoAddress, addresses_of
from blockalloc.settings_check.problems import Problem, doubtful
from blockalloc.web.outgoing import Deadline
from vclsite import production
from vclsite.notifications import MailServer

SECONDS = 10.0  # for the mail server
_LOOK_UP_SECONDS = 4.0  # for the host of a webhook
_PORTS = {"http": 80, "https": 443}


def check_recipients() -> Iterator[Problem]:
    """Settings without which others are of no use."""
    if not settings.VCL_SMTP_URL and settings.VCL_SITE_MAIL:
        yield doubtful(
            "VCL_SITE_MAIL",
            "VCL_SITE_MAIL names whom to write to, but VCL_SMTP_URL names no mail server: no mail is sent; set it, "
            "such as VCL_SMTP_URL=smtp://mail.example.edu",
        )
    if (settings.VCL_SMTP_URL or settings.VCL_WEBHOOK_URL) and not settings.VCL_SERVICE_URL:
        yield doubtful(
            "VCL_SERVICE_URL",
            "VCL_SERVICE_URL is not known: messages have no links to the pages, and mails none to unsubscribe; set it, "
            "such as VCL_SERVICE_URL=https://blocks.example.edu",
        )


def check_mail_server() -> Iterator[Problem]:
    """The mail server has to answer, speak TLS where it should, and take the sign-in and the sender."""
    server: MailServer | None = settings.VCL_SMTP_URL
    if server is None:
        return
    if server.password and not server.security and not production.is_loopback(server.host):
        yield doubtful(
            "VCL_SMTP_URL",
            f"VCL_SMTP_URL: the password is sent to {server.host} in the clear: use smtp+starttls:// or smtps://",
        )
    try:
        refusal = _refusal_of_sender(server, settings.VCL_MAIL_FROM)
    except NoConnection as problem:
        yield doubtful("VCL_SMTP_URL", f"VCL_SMTP_URL: {problem}; mails wait until it can be used")
    else:
        if refusal:
            yield doubtful(
                "VCL_MAIL_FROM",
                f"VCL_MAIL_FROM={settings.VCL_MAIL_FROM}: the mail server takes nothing from this address: {refusal}",
            )


def _refusal_of_sender(server: MailServer, sender: str) -> str:
    """What the server says against a mail from `sender`, which is begun and not sent; "" for nothing.

    Raises NoConnection.
    """
    with Deadline(SECONDS) as deadline:
        connection = connected(server, deadline)
        try:
            code, text = connection.mail(sender)
            with suppress(OSError, smtplib.SMTPException):
                connection.rset()
                connection.quit()
        except (OSError, smtplib.SMTPException) as error:
            raise NoConnection(f"the mail server {server.host}:{server.port} broke off: {error}") from None
        finally:
            connection.close()
    return "" if code == 250 else said(code, text)


def check_webhooks() -> Iterator[Problem]:
    """The hosts of webhooks have to have addresses, and such as may be posted to."""
    for number, hook in enumerate(settings.VCL_WEBHOOK_URL, 1):
        parts = urlsplit(hook.url)
        host = parts.hostname or ""
        try:
            addresses_of(
                host,
                parts.port or _PORTS[parts.scheme],
                _LOOK_UP_SECONDS,
                private=settings.VCL_WEBHOOK_PRIVATE_ADDRESSES,
            )
        except NoAddress as problem:
            yield doubtful("VCL_WEBHOOK_URL", f"VCL_WEBHOOK_URL: address {number}: {host} {problem}")
