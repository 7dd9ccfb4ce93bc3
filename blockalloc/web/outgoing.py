"""What the HTTP calls of the service share: a deadline for each, the CAs that are trusted, what went wrong in words.

urllib3 has no such deadline. Its time-outs count for each read, so a server that sends a byte every minute would
occupy a thread for hours.
"""

import socket
import ssl
import time
from contextlib import suppress
from contextvars import ContextVar
from functools import lru_cache
from threading import Lock, Timer
from types import TracebackType
from typing import Any, Self

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError, SSLError

SLACK = 1.0  # seconds by which single time-outs are longer than the deadline, so that the deadline ends the call


class Deadline:
    """Shuts down the connection in use when the time for the call is over."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.is_past = False
        self._until = time.monotonic() + seconds
        self._socket: socket.socket | None = None
        self._lock = Lock()
        self._timer = Timer(seconds, self._end)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        self._token = _deadline.set(self)
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        _deadline.reset(self._token)
        self._timer.cancel()
        with self._lock:
            self._socket = None

    def left(self) -> float:
        """Seconds left, for time-outs: never 0, which would mean not to wait at all."""
        return max(self._until - time.monotonic(), 0.001)

    def watch(self, used: socket.socket) -> None:
        """Set the socket that the call uses. Raises TimeoutError when the time is over already."""
        with self._lock:
            if self.is_past:
                raise TimeoutError
            self._socket = used

    def _end(self) -> None:
        with self._lock:
            self.is_past = True
            if self._socket is not None:
                with suppress(OSError):  # it may be closed already
                    # Not SSLSocket's own: it would remove the TLS session under the thread that reads.
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


_deadline: ContextVar[Deadline] = ContextVar("_deadline")


class WatchedConnection(HTTPConnection):
    """A connection for calls within a Deadline, which shuts it down. Connecting has a time-out of its own."""

    def request(self, *arguments: Any, **options: Any) -> None:
        """Send the request."""
        if self.sock is None:
            self.connect()
        assert self.sock is not None
        deadline = _deadline.get()
        deadline.watch(self.sock)
        self.timeout = deadline.seconds + SLACK  # urllib3 would send with the time-out for connecting
        super().request(*arguments, **options)


class WatchedTlsConnection(WatchedConnection, HTTPSConnection):
    """The same over TLS."""


@lru_cache
def trust(ca_file: str = "") -> ssl.SSLContext:
    """The CAs that are trusted; "": those of the system. Cached, for reading all of the system's takes long."""
    return ssl.create_default_context(cafile=ca_file or None)


def is_unreachable(error: Exception) -> bool:
    """Whether there was no connection, so that nothing was sent."""
    return isinstance(error, NewConnectionError | ConnectTimeoutError)


def what_happened(error: Exception) -> str:
    """What the server did, for people: the end of a sentence that begins with its name."""
    if isinstance(error, SSLError | ssl.SSLError):
        return "has no certificate that is trusted here, or speaks no TLS"
    return "cannot be reached" if is_unreachable(error) else "broke off the connection"


def detail(error: Exception) -> str:
    """The error, for the log. Nothing of the answer is quoted, as it may repeat a secret."""
    if is_unreachable(error):
        return str(error.__cause__ or error)  # urllib3 puts our class's name in front
    if isinstance(error, SSLError | OSError):
        return str(error)
    causes = [type(cause).__name__ for cause in error.args if isinstance(cause, Exception)]
    return ": ".join([type(error).__name__, *causes])
