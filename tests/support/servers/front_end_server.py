"""A double of VCL's front end as an HTTP server: on a real socket, as well or as badly behaved as a test wants it.

It records what it receives. `behave` is its reaction: a function of a call that returns the bytes to send.
"""

import socket
import ssl
import threading
import time
import xmlrpc.client
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import BinaryIO, Self


@dataclass(frozen=True, slots=True)
class Received:
    """A call as it came."""

    target: str  # path and query
    headers: list[tuple[str, str]]
    body: bytes
    connection: int  # which one, counted from 0
    head: bytes = b""  # request line and headers, as they came

    def header(self, name: str) -> str | None:
        """The only header of that name; None when there is none."""
        values = [value for given, value in self.headers if given.lower() == name.lower()]
        assert len(values) <= 1, self.headers
        return values[0] if values else None

    @property
    def method(self) -> str:
        """The method that the body calls, as a full parser sees it."""
        return xmlrpc.client.loads(self.body)[1] or ""


@dataclass
class FrontEndServer:
    """The server. `tls` holds the certificate of a server that speaks TLS."""

    behave: "Behaviour"
    tls: ssl.SSLContext | None = None
    received: list[Received] = field(default_factory=list)
    unreadable: list[bytes] = field(default_factory=list)  # what came and is no call with one length
    at_work: int = 0
    most_at_work: int = 0

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._connections: list[socket.socket] = []

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._listener.getsockname()[1])

    @property
    def url(self) -> str:
        """The setting VCL_FRONT_END_URL for it."""
        return f"{'https' if self.tls else 'http'}://localhost:{self.port}/vcl/index.php"

    @property
    def connections(self) -> int:
        """How many connections were made to it."""
        return len(self._connections)

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        for each in (self._listener, *self._connections):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def wait(self, seconds: float) -> None:
        """For behaviours: let time pass, but not longer than the server lives."""
        self._stopped.wait(seconds)

    def _accept(self) -> None:
        while not self._stopped.is_set():
            try:
                connection, _address = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            number = len(self._connections)
            self._connections.append(connection)
            threading.Thread(target=self._serve, args=(connection, number), daemon=True).start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        with suppress(OSError, ValueError):
            stream = self.tls.wrap_socket(connection, server_side=True) if self.tls else connection
            with stream, stream.makefile("rb") as lines:
                while call := self._read(lines, number):
                    self._answer(stream, call)

    def _read(self, lines: BinaryIO, number: int) -> Received | None:
        """The next call on a connection; None when the client is done."""
        head = [lines.readline()]
        if not head[0]:
            return None
        while head[-1].strip():
            head.append(lines.readline())
        try:
            return _call(head, lines, number)
        except (ValueError, IndexError):
            self.unreadable.append(b"".join(head))
            raise ValueError("not a call") from None

    def _answer(self, stream: socket.socket, call: Received) -> None:
        with self._lock:
            self.received.append(call)
            self.at_work += 1
            self.most_at_work = max(self.most_at_work, self.at_work)
        try:
            parts = self.behave(self, call)
            for part in [parts] if isinstance(parts, bytes) else parts:
                if isinstance(part, bytes):
                    stream.sendall(part)
                else:
                    self.wait(part)
        finally:
            with self._lock:
                self.at_work -= 1


# What to send: bytes, or bytes and pauses (seconds) in turns. An OSError on the way closes the connection.
Behaviour = Callable[[FrontEndServer, Received], "bytes | Iterable[bytes | float]"]


def _call(head: list[bytes], lines: BinaryIO, number: int) -> Received:
    """The call that begins with these lines. Raises ValueError, IndexError when there is none."""
    headers = []
    for line in head[1:-1]:
        name, _, text = line.decode("latin-1").partition(":")
        headers.append((name, text.strip()))
    (length,) = [int(text) for name, text in headers if name.lower() == "content-length"]
    body = lines.read(length)
    if len(body) != length:
        raise ValueError("the body broke off")
    return Received(head[0].split()[1].decode("latin-1"), headers, body, number, b"".join(head))


# --- Answers ----------------------------------------------------------------------------------
def http(body: bytes, *, status: str = "200 OK", length: int | None = None, more: str = "") -> bytes:
    """An HTTP answer; `length` may lie, `more` are further headers (each with \\r\\n)."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/xml\r\nContent-Length: {len(body) if length is None else length}"
    return f"{head}\r\n{more}\r\n".encode() + body


def value(of: object) -> bytes:
    """An XML-RPC answer as PHP writes it."""
    return xmlrpc.client.dumps((of,), methodresponse=True, encoding="iso-8859-1").encode("iso-8859-1")  # type: ignore[arg-type]


def fault(code: int, text: str) -> bytes:
    """An XML-RPC fault."""
    return xmlrpc.client.dumps(xmlrpc.client.Fault(code, text), methodresponse=True).encode()


def well_behaved(server: FrontEndServer, call: Received) -> bytes:
    """Sign-in as the front end has it, with the password p4ss; the answer names the user and the method."""
    if call.header("X-APIVERSION") != "2":
        return http(fault(8 if call.header("X-APIVERSION") == "1" else 7, "API version"))
    if call.header("X-Pass") != "p4ss":
        return http(fault(3, "Access denied"))
    return http(value({"status": "success", "method": call.method, "user": call.header("X-User") or ""}))


def slow(seconds: float, then: Behaviour = well_behaved) -> Behaviour:
    """A behaviour that waits before it answers."""

    def behave(server: FrontEndServer, call: Received) -> "bytes | Iterable[bytes | float]":
        server.wait(seconds)
        return then(server, call)

    return behave


def always(*sent: bytes | float) -> Behaviour:
    """A behaviour that always sends the same."""
    return lambda _server, _call: list(sent)


def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait until a condition holds. Fails when it does not hold in time."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the condition did not hold in time"
        time.sleep(0.005)
