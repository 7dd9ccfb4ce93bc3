"""A real SMTP server (aiosmtpd) on a socket of this machine, as well or as badly behaved as a test wants it.

In this process: `MailServer`. As a process of its own, which can be killed and writes down what it has taken:
`python -m tests.support.servers.mail_server JOURNAL [PORT] [SECONDS]`; `read_journal` reads it.
"""

import asyncio
import json
import os
import socket
import ssl
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

TAKEN = "250 2.0.0 taken"
HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail as it was taken."""

    sender: str
    to: str
    content: bytes

    @property
    def message(self) -> EmailMessage:
        """The mail, read."""
        message = message_from_bytes(self.content, _class=EmailMessage, policy=SMTP_POLICY)
        assert isinstance(message, EmailMessage)
        return message

    @property
    def id(self) -> str:
        """Its Message-ID."""
        return str(self.message["Message-ID"])


Answer = Callable[[str], str | None]  # of an address: what the server says instead of that it is fine


@dataclass
class MailServer:
    """The server. `recipient`, `content`: what it says to RCPT and to the content; `seconds`: how slow it is by then.

    `tls`: of a server that speaks TLS from the first byte on (`at_once`) or after STARTTLS. With `users`, nobody is
    heard who has not signed in.
    """

    recipient: Answer = lambda _address: None
    content: Answer = lambda _address: None
    seconds: Callable[[str], float] = lambda _address: 0.0
    tls: ssl.SSLContext | None = None
    at_once: bool = False
    users: Mapping[str, str] = field(default_factory=dict)
    smtputf8: bool = True
    journal: Callable[[Mail], None] = lambda _mail: None
    received: list[Mail] = field(default_factory=list)
    connections: int = 0
    port: int = 0

    def __enter__(self) -> Self:
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._listener = _listening(self.port)
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    @property
    def ids(self) -> list[str]:
        """The Message-IDs of what was taken, in its order."""
        return [mail.id for mail in self.received]

    def to(self, address: str) -> list[Mail]:
        """What was taken for an address."""
        return [mail for mail in self.received if mail.to == address]

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        context = self.tls if self.at_once else None
        server = self._loop.run_until_complete(
            self._loop.create_server(self._protocol, sock=self._listener, ssl=context)
        )
        self._ready.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                self._loop.run_until_complete(task)
        self._loop.close()

    def _protocol(self) -> SMTP:
        self.connections += 1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of passwords without TLS
            return self._smtp()

    def _smtp(self) -> SMTP:
        return SMTP(
            _Handler(self),
            enable_SMTPUTF8=self.smtputf8,
            hostname="mail.example.edu",
            tls_context=None if self.at_once else self.tls,
            require_starttls=bool(self.tls) and not self.at_once,
            auth_required=bool(self.users),
            auth_require_tls=False,
            authenticator=self._sign_in if self.users else None,
            loop=self._loop,
        )

    def _sign_in(self, _server: SMTP, _session: Session, _envelope: Envelope, _how: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        known = self.users.get(data.login.decode()) == data.password.decode()
        return AuthResult(success=known, handled=known)


class _Handler:
    """What aiosmtpd asks."""

    def __init__(self, server: MailServer) -> None:
        self._server = server

    async def handle_RCPT(
        self, _smtp: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        await asyncio.sleep(self._server.seconds(address))
        if refusal := self._server.recipient(address):
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _smtp: SMTP, _session: Session, envelope: Envelope) -> str:
        (to,) = envelope.rcpt_tos
        if refusal := self._server.content(to):
            return refusal
        assert isinstance(envelope.content, bytes)
        mail = Mail(envelope.mail_from or "", to, envelope.content)
        self._server.journal(mail)
        self._server.received.append(mail)
        return TAKEN


def _listening(port: int) -> socket.socket:
    return socket.create_server((HOST, port), backlog=128)


# --- A server that says what it is told to ---------------------------------------------------------
Said = bytes | float  # what it sends, or how many seconds it waits
FAIR: Mapping[str, Sequence[Said]] = {
    "": [b"220 mail.example.edu\r\n"],
    "EHLO": [b"250 mail.example.edu\r\n"],
    "MAIL": [b"250 OK\r\n"],
    "RCPT": [b"250 OK\r\n"],
    "DATA": [b"354 go on\r\n"],
    ".": [b"250 taken\r\n"],
    "RSET": [b"250 OK\r\n"],
    "QUIT": [b"221 bye\r\n"],
}


class ScriptedServer:
    """A server that answers each command as its script says, and otherwise as is fair; `commands` are all that came.

    "" is the greeting, "." the end of the content. An answer that is empty closes the connection.
    """

    def __init__(self, script: Mapping[str, Sequence[Said]]) -> None:
        self.commands: list[str] = []
        self._answers = {**FAIR, **script}
        self._ended = threading.Event()
        self._listener = _listening(0)
        self._open = [self._listener]

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._listener.getsockname()[1])

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._ended.set()
        for each in self._open:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._open.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError), connection, connection.makefile("rb") as lines:
            goes_on, in_content = self._say(connection, ""), False
            while goes_on and (line := lines.readline()):
                command = line.strip().decode() if in_content else line.strip().decode().upper()[:4]
                if in_content and command != ".":
                    continue
                self.commands.append(command)
                in_content = command == "DATA" and self._answers["DATA"] == FAIR["DATA"]
                goes_on = self._say(connection, command)

    def _say(self, connection: socket.socket, command: str) -> bool:
        """Answer; whether the connection stays open."""
        parts = self._answers.get(command, [b"502 what?\r\n"])
        for part in parts:
            if isinstance(part, bytes):
                connection.sendall(part)
            elif self._ended.wait(part):
                return False
        return bool(parts)


@contextmanager
def scripted(script: Mapping[str, Sequence[Said]]) -> Iterator[tuple[int, list[str]]]:
    """A ScriptedServer: its port, and all commands that came."""
    with ScriptedServer(script) as server:
        yield server.port, server.commands


# --- As a process of its own -------------------------------------------------------------------------
def read_journal(path: Path) -> list[dict[str, Any]]:
    """What the process has taken, in its order: key (of the Message-ID), recipient, subject, and when (monotonic)."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def main() -> None:
    """Serve until the process is killed. Prints the port when it listens."""
    journal, port, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    file = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def write(mail: Mail) -> None:
        message = mail.message
        key = str(message["Message-ID"]).strip("<>").partition("@")[0]
        line = {"key": key, "to": mail.to, "subject": str(message["Subject"]), "at": time.monotonic()}
        os.write(file, f"{json.dumps(line)}\n".encode())

    with MailServer(journal=write, port=port, seconds=lambda _address: seconds) as server:
        print(server.port, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
