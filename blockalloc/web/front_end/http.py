"""The HTTP client for the front end: urllib3, with connections that are kept, and one deadline for each call.

A kept connection serves the same caller only: whatever a broken front end sends on it too late or unasked would be
taken for the answer to the next call, which must not be somebody else's.

urllib3 has no such deadline. Its time-outs count for each read, so a server that sends a byte every minute would
occupy a thread for hours.
"""

import socket
import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock, Timer
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, ReadTimeoutError, SSLError

from vclsite.front_end import ANSWER_SECONDS, MAX_CONCURRENT_CALLS

CONNECT_SECONDS = 5.0
LONGEST_ANSWER = 4 * 1024 * 1024  # bytes

# Apache closes connections that are idle for five seconds. A call on one that is just being closed would be lost.
KEPT_SECONDS = 4.0
_SLACK = 1.0  # seconds by which single time-outs are longer than the deadline, so that the deadline ends the call
CALLERS = 8  # for whom connections are kept
_CHUNK = 65536


class NoAnswer(Exception):
    """There is no complete answer. `problem` says, for the caller, what the front end did; `detail` is for the log."""

    def __init__(self, problem: str, detail: object = "") -> None:
        super().__init__(problem)
        self.detail = f"{problem}: {detail}" if detail else problem


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """A complete answer."""

    status: int
    headers: Mapping[str, str]  # names in any case
    body: bytes


class _Deadline:
    """Shuts down the connection in use when the time for the call is over."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.is_past = False
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


_deadline: ContextVar[_Deadline] = ContextVar("_deadline")


class _Watched(HTTPConnection):
    """A connection that the call's deadline shuts down, and that is not used again after a long pause."""

    _used_at = 0.0

    def request(self, *arguments: Any, **options: Any) -> None:
        """Send the request."""
        if self.sock is None:
            self.connect()
        assert self.sock is not None
        deadline = _deadline.get()
        deadline.watch(self.sock)
        self.timeout = deadline.seconds + _SLACK  # urllib3 would send with the time-out for connecting
        super().request(*arguments, **options)

    def getresponse(self) -> Any:
        """The head of the answer; its body is read from it."""
        answer = super().getresponse()
        self._used_at = time.monotonic()
        return answer

    @property
    def is_connected(self) -> bool:
        """Whether urllib3 may send another request on the connection."""
        return super().is_connected and time.monotonic() - self._used_at < KEPT_SECONDS


class _WatchedTls(_Watched, HTTPSConnection):
    """The same over TLS."""


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Watched


class _TlsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _WatchedTls


@lru_cache(maxsize=CALLERS)
def front_end(url: str, ca_file: str, caller: str) -> "FrontEnd":
    """The front end at `url`, for one caller of this process: any text that is no other caller's."""
    return FrontEnd(url, ca_file)


@lru_cache
def _trust(ca_file: str) -> ssl.SSLContext:
    """The CAs that are trusted. Cached, for reading all of the system's takes long."""
    return ssl.create_default_context(cafile=ca_file or None)


class FrontEnd:
    """The front end's address and the connections to it. Calls of several threads at a time are fine."""

    def __init__(self, url: str, ca_file: str = "") -> None:
        """`url` is https://host[:port]/…/index.php (or http://…); `ca_file` names the only CAs that are trusted."""
        parts = urlsplit(url)
        assert parts.hostname, "the settings check that"
        self._path = f"{parts.path}?mode=xmlrpccall"
        if parts.scheme == "https":
            self._pool: urllib3.HTTPConnectionPool = _TlsPool(
                parts.hostname, parts.port, maxsize=MAX_CONCURRENT_CALLS, ssl_context=_trust(ca_file)
            )
        else:
            self._pool = _Pool(parts.hostname, parts.port, maxsize=MAX_CONCURRENT_CALLS)

    def post(self, headers: Mapping[str, str], body: bytes, seconds: float = ANSWER_SECONDS) -> HttpAnswer:
        """Post `body`; the answer, whatever its status. Raises NoAnswer when there is none within `seconds`."""
        with _Deadline(seconds) as deadline:
            try:
                answer = self._post(headers, body, seconds)
            except (HTTPError, OSError, ValueError) as error:
                if not (deadline.is_past or isinstance(error, ReadTimeoutError)):
                    raise NoAnswer(_what_happened(error), _detail(error)) from error
                answer = None
        if answer is None or deadline.is_past:  # an answer that was cut off may look complete
            raise NoAnswer(f"did not answer within {seconds:g} seconds")
        return answer

    def _post(self, headers: Mapping[str, str], body: bytes, seconds: float) -> HttpAnswer:
        response = self._pool.urlopen(
            "POST",
            self._path,
            body=body,
            headers=headers,
            retries=False,  # a call that may have been carried out is not made again
            redirect=False,
            timeout=urllib3.Timeout(connect=min(CONNECT_SECONDS, seconds), read=seconds + _SLACK),
            preload_content=False,
            decode_content=False,
        )
        try:
            received = bytearray()
            while chunk := response.read(_CHUNK):
                received += chunk
                if len(received) > LONGEST_ANSWER:
                    raise NoAnswer(f"answered with more than {LONGEST_ANSWER} bytes")
        except BaseException:
            response.close()  # the next call must not get the rest of this answer
            raise
        return HttpAnswer(response.status, response.headers, bytes(received))


def _what_happened(error: Exception) -> str:
    if isinstance(error, SSLError | ssl.SSLError):
        return "has no certificate that is trusted here, or speaks no TLS"
    if isinstance(error, NewConnectionError | ConnectTimeoutError):
        return "cannot be reached"
    return "broke off the connection"


def _detail(error: Exception) -> str:
    """The error, for the log. Nothing of the answer is quoted, as it may repeat the password."""
    if isinstance(error, NewConnectionError | ConnectTimeoutError):
        return str(error.__cause__ or error)  # urllib3 puts our class's name in front
    if isinstance(error, SSLError | OSError):
        return str(error)
    causes = [type(cause).__name__ for cause in error.args if isinstance(cause, Exception)]
    return ": ".join([type(error).__name__, *causes])
