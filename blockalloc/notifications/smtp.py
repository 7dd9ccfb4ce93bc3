"""A connection to the mail server: smtplib's, under the deadline of a delivery, with certificates that are checked."""

import smtplib
import socket
import ssl
from collections.abc import Callable
from typing import Any

from django.core.mail.utils import DNS_NAME

from blockalloc.web.outgoing import SLACK, Deadline
from vclsite.notifications import MailServer


class NoConnection(Exception):
    """The mail server cannot be used now; the text says why, for people. It repeats nothing of a password."""


class Connection(smtplib.SMTP):
    """One connection; `deadline` is that of the delivery in progress. Open it with `connected`."""

    def __init__(self, server: MailServer, deadline: Deadline) -> None:
        super().__init__(local_hostname=DNS_NAME.get_fqdn())
        self._server = server
        self._host = server.host  # smtplib takes certificates to be for it
        self.deadline = deadline

    def resume(self, deadline: Deadline) -> None:
        """Use the open connection for another delivery. Raises TimeoutError."""
        self.deadline = deadline
        if self.sock is not None:
            self.sock.settimeout(deadline.left() + SLACK)
            deadline.watch(self.sock)

    def greeted(self) -> None:
        """Connect, and say hello. Raises OSError, SMTPException."""
        code, text = self.connect(self._server.host, self._server.port)
        if code != 220:
            raise smtplib.SMTPConnectError(code, text)
        self.ehlo_or_helo_if_needed()

    def encrypted(self) -> None:
        """Go over to TLS. Raises OSError, SMTPException."""
        if not self.has_extn("starttls"):
            raise smtplib.SMTPNotSupportedError("it offers no STARTTLS")
        code, text = self.docmd("STARTTLS")
        if code != 220:
            raise smtplib.SMTPResponseException(code, text)
        assert self.sock is not None
        self.sock, self.file = self._tls(self.sock), None
        # What the server said before may have been put in by somebody in between (RFC 3207).
        self.helo_resp = self.ehlo_resp = None
        self.esmtp_features, self.does_esmtp = {}, False
        self.ehlo_or_helo_if_needed()

    def _get_socket(self, host: str, port: int, _timeout: float) -> socket.socket:
        """Of several addresses of the host the first that answers, all within the deadline."""
        problem: OSError | None = None
        for *_, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            if self.deadline.is_past:
                break
            try:
                opened = socket.create_connection((str(address[0]), port), self.deadline.left())
            except OSError as error:
                problem = error
                continue
            opened.settimeout(self.deadline.left() + SLACK)
            self.deadline.watch(opened)
            return self._tls(opened) if self._server.security == "tls" else opened
        raise problem or TimeoutError()

    def _tls(self, plain: socket.socket) -> ssl.SSLSocket:
        context = ssl.create_default_context()
        encrypted = context.wrap_socket(plain, server_hostname=self._host, do_handshake_on_connect=False)
        self.deadline.watch(encrypted)
        encrypted.do_handshake()
        return encrypted


def connected(server: MailServer, deadline: Deadline) -> Connection:
    """A connection to the server that is ready for messages. Raises NoConnection."""
    where = f"the mail server {server.host}:{server.port}"
    connection = Connection(server, deadline)
    steps: list[tuple[str, Callable[[], Any]]] = [("cannot be reached", connection.greeted)]
    if server.security == "starttls":
        steps.append(("cannot be spoken to by TLS", connection.encrypted))
    if server.user:
        steps.append(("refuses the sign-in", lambda: connection.login(server.user, server.password)))
    try:
        for failure, step in steps:
            try:
                step()
            except (OSError, smtplib.SMTPException, UnicodeError) as error:
                raise NoConnection(f"{where} {failure}: {_why(error, deadline)}") from None
    except BaseException:
        connection.close()
        raise
    return connection


def _why(error: Exception, deadline: Deadline) -> str:
    """What happened, for people. A server's answer to a sign-in is not quoted: it may repeat the password."""
    if deadline.is_past or isinstance(error, TimeoutError):
        return f"it did not answer within {deadline.seconds:g} seconds"
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return f"error {error.smtp_code}"
    if isinstance(error, smtplib.SMTPResponseException):
        return said(error.smtp_code, error.smtp_error)
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message})"
    if isinstance(error, UnicodeError):
        return "smtplib takes only ASCII characters in name and password"
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)


def said(code: int, text: bytes | str) -> str:
    """A server's answer in one line, without control characters and not too long."""
    words = text.decode(errors="replace") if isinstance(text, bytes) else text
    printable = "".join(each if each.isprintable() else " " for each in words)
    return f"{code} {' '.join(printable.split())}"[:300]
