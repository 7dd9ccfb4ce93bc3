"""A message as a mail: the bytes that are sent, the same at each attempt."""

import re
from datetime import UTC, datetime
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from email.utils import format_datetime

from blockalloc.notifications.delivery import Outgoing, Refused

DISPLAY_NAME = "Block allocations"
# Lines of the text may have 76 characters (RFC 2045), and so may those with encoded words, as in a subject (RFC 2047).
# Other headers have 998: a long address that is folded, or written as an encoded word, is none any more.
_LINE, _HEADER_LINE = 76, 998
_MAILBOX = re.compile(r"""[^\s<>()\[\],;:\\"@]+@[^\s<>()\[\],;:\\"@]+""")


class _Policy(EmailPolicy):
    """Encodes a subject as a whole, in words that are short enough: EmailPolicy loses spaces when it folds some."""

    def fold_binary(self, name: str, value: str) -> bytes:
        """The header in lines."""
        if name != "Subject" or (value.isascii() and "=?" not in value):
            return super().fold_binary(name, value)
        encoded = Header(str(value), "utf-8", header_name=name, maxlinelen=_LINE).encode(linesep=self.linesep)
        return f"{name}: {encoded}{self.linesep}".encode("ascii")


_POLICY = _Policy(linesep="\r\n", max_line_length=_HEADER_LINE)


def mailbox(address: str) -> str:
    """The address as it is given to a mail server; its domain is ASCII. Raises Refused when it is none.

    It may come from VCL's table of users, with anything in it.
    """
    if not address.isprintable() or not _MAILBOX.fullmatch(address):
        raise Refused(f"{address!r} is not a mail address")
    local, _, domain = address.rpartition("@")
    try:
        return f"{local}@{domain.encode('idna').decode('ascii')}"
    except UnicodeError:
        raise Refused(f"{address!r} is not a mail address: no such domain can exist") from None


def as_bytes(message: Outgoing, to: str, sender: str) -> bytes:
    """The mail to `to` (see `mailbox`) from the address `sender`."""
    mail = EmailMessage(policy=SMTP.clone(max_line_length=_LINE))
    mail.set_content(message.text, cte="quoted-printable")
    if message.html:
        mail.add_alternative(message.html, subtype="html", cte="quoted-printable")
        mail.set_boundary(f"=_{message.key}")
    policy = _POLICY.clone(utf8=not to.isascii())
    mail.policy = policy
    mail["From"] = f"{DISPLAY_NAME} <{sender}>"
    mail["To"] = to
    mail["Subject"] = " ".join("".join(each if each.isprintable() else " " for each in message.subject).split())
    mail["Date"] = format_datetime(datetime.fromtimestamp(message.created, UTC))
    mail["Message-ID"] = f"<{message.key}@{sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    if message.unsubscribe:
        mail["List-Unsubscribe"] = f"<{message.unsubscribe}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"  # RFC 8058
    return mail.as_bytes(policy=policy)
