"""Mail, by the server of VCL_SMTP_URL."""

import smtplib
from contextlib import suppress
from threading import Lock

from django.conf import settings

from blockalloc.notifications.delivery import NotDelivered, Outgoing, Refused
from blockalloc.notifications.mail_format import as_bytes, mailbox
from blockalloc.notifications.smtp import Connection, NoConnection, connected, said
from blockalloc.web.outgoing import Deadline
from vclsite.notifications import MailServer

SECONDS = 30.0  # for a delivery, from the look-up of the name to the server's last word
_STUMBLES = 3  # messages one after another on which the server breaks off or hangs, before it counts as away
_CLOSING = 421  # the server closes the connection, whatever the command was
_SIGN_IN_WANTED = 530


class MailRound:
    """What the channels of one round know of the mail server together: once it is away, nobody tries it again."""

    def __init__(self) -> None:
        self._connecting = Lock()
        self._stumbles = 0
        self.away = ""

    def connected(self, server: MailServer, deadline: Deadline) -> Connection:
        """A new connection; one is made at a time. Raises NotDelivered when the server is away."""
        with self._connecting:
            if self.away:
                raise NotDelivered(self.away, everybody=True)
            try:
                return connected(server, deadline)
            except NoConnection as error:
                self.away = str(error)
                raise NotDelivered(self.away, everybody=True) from None

    def answered(self) -> None:
        """The server has answered to a message."""
        self._stumbles = 0

    def stumbled(self, problem: str) -> NotDelivered:
        """The server broke off or hung within a message: the error for it."""
        self._stumbles += 1
        if self._stumbles >= _STUMBLES:
            self.away = problem
        return NotDelivered(problem, everybody=bool(self.away))


class MailChannel:
    """A delivery.Channel for one thread. A connection is kept for the messages that follow."""

    def __init__(self, together: MailRound | None = None, seconds: float = SECONDS) -> None:
        self.said = ""  # the server's answer to the last message that it took
        self._round = together or MailRound()
        self._seconds = seconds
        self._connection: Connection | None = None

    def deliver(self, message: Outgoing) -> None:
        """Hand the message to the mail server. Raises NotDelivered, Refused."""
        server: MailServer | None = settings.VCL_SMTP_URL
        if server is None:
            raise NotDelivered("VCL_SMTP_URL names no mail server", everybody=True)
        sender, to = str(settings.VCL_MAIL_FROM), mailbox(message.address)
        mail = as_bytes(message, to, sender)
        with Deadline(self._seconds) as deadline:
            try:
                connection = self._ready(
                    server, sender, [] if to.isascii() else ["SMTPUTF8", "BODY=8BITMIME"], deadline
                )
                self._send(connection, to, mail)
            except (NotDelivered, Refused):
                self._reset()
                raise
            except (OSError, smtplib.SMTPException) as error:
                self.close()
                raise self._round.stumbled(_what_happened(error, deadline)) from None

    def close(self) -> None:
        """End the connection, as is polite."""
        if self._connection is not None:
            with suppress(OSError, smtplib.SMTPException):
                self._connection.putcmd("quit")
        self._drop()

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _ready(self, server: MailServer, sender: str, options: list[str], deadline: Deadline) -> Connection:
        """A connection on which a mail from `sender` has begun; one that was kept too long is made anew."""
        if self._connection is not None:
            with suppress(OSError, smtplib.SMTPException):
                self._connection.resume(deadline)
                code, text = self._begin(self._connection, sender, options)
                if code != _CLOSING and code > 0:
                    return self._begun(code, text)
            self._drop()
        self._connection = self._round.connected(server, deadline)
        return self._begun(*self._begin(self._connection, sender, options))

    @staticmethod
    def _begin(connection: Connection, sender: str, options: list[str]) -> tuple[int, bytes]:
        if options and not connection.has_extn("smtputf8"):
            raise Refused("the mail server takes no addresses with such characters (it offers no SMTPUTF8)")
        return connection.mail(sender, options)

    def _begun(self, code: int, text: bytes) -> Connection:
        assert self._connection is not None
        if code != 250:  # the sender is the same for all
            raise NotDelivered(f"the mail server takes nothing from the sender: {said(code, text)}", everybody=True)
        return self._connection

    def _send(self, connection: Connection, to: str, mail: bytes) -> None:
        code, text = connection.rcpt(to)
        if code in (250, 251):
            try:
                code, text = connection.data(mail)
            except smtplib.SMTPDataError as error:
                code, text = error.smtp_code, _bytes(error.smtp_error)
        if code < 0:
            raise smtplib.SMTPServerDisconnected("it does not speak SMTP")
        self._round.answered()
        answer = said(code, text)
        if code in (_CLOSING, _SIGN_IN_WANTED):
            raise NotDelivered(f"the mail server says: {answer}", everybody=True)
        if code >= 500:
            raise Refused(f"the mail server says: {answer}")
        if not 200 <= code < 300:
            raise NotDelivered(f"the mail server says: {answer}")
        self.said = answer

    def _reset(self) -> None:
        """Let the connection be as before the message; end it where that is not possible."""
        with suppress(OSError, smtplib.SMTPException):
            if self._connection is not None and self._connection.rset()[0] == 250:
                return
        self._drop()


def _bytes(text: bytes | str) -> bytes:
    return text if isinstance(text, bytes) else text.encode()


def _what_happened(error: Exception, deadline: Deadline) -> str:
    if deadline.is_past or isinstance(error, TimeoutError):
        return f"the mail server did not answer within {deadline.seconds:g} seconds"
    return f"the mail server broke off the connection: {error}"
