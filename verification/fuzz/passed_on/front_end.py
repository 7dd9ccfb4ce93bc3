"""The simulated front end behind the door: it behaves as the password of a call says, well or badly.

It follows the password so that a repeated call is answered in the same way.
"""

import itertools
import re
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from tests.support.servers.front_end_server import FrontEndServer, Received, fault, http, value
from verification.fuzz.request import PASSWORD_MARK

MARK = "double-of-the-front-end-"  # in each of its answers, with a number of its own
PAUSE = 0.003  # seconds
TWO_MEGABYTES, TOO_MUCH = 2_000_000, 4 * 1024 * 1024
_TEMPER = re.compile(rf"{PASSWORD_MARK}\d+-(\w+)")

Sent = Iterable[bytes | float]


@dataclass(frozen=True, slots=True)
class Passed:
    """A call that it got, and the document that has to come back for it: None when that is a fault of ours.

    `fault` is the code of the fault that it answers with.
    """

    call: Received
    document: bytes | None
    fault: int | None


@dataclass(frozen=True, slots=True)
class Temper:
    """One way to answer. `send` makes what is sent of the document; `whole`: the caller has to get just that."""

    send: Callable[[bytes, Received], Sent]
    whole: bool = True
    fault: int | None = None
    filler: int = 0  # bytes that make it larger


class FrontEnd:
    """The simulated front end."""

    def __init__(self) -> None:
        self._server = FrontEndServer(self._behave)
        self._numbers = itertools.count()
        self._passed: list[Passed] = []
        self._used: set[int] = set()  # connections
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """The setting VCL_FRONT_END_URL for it."""
        return self._server.url

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.__exit__(kind, error, trace)

    def take(self, wanted: Callable[[Received], bool] = lambda _call: True) -> list[Passed]:
        """The calls that came since the last time and are wanted; the others wait for somebody else."""
        with self._lock:
            self._server.received.clear()
            taken = [passed for passed in self._passed if wanted(passed.call)]
            self._passed = [passed for passed in self._passed if not wanted(passed.call)]
        return taken

    def take_unreadable(self) -> list[bytes]:
        """Bytes since the last time that are no call."""
        taken, self._server.unreadable = self._server.unreadable, []
        return taken

    def settle(self) -> None:
        """Wait until no call is being answered: those whose callers have left may still be."""
        end = time.monotonic() + 5
        while self._server.at_work and time.monotonic() < end:
            time.sleep(0.001)

    def _behave(self, _server: FrontEndServer, call: Received) -> Sent:
        match = _TEMPER.match(call.header("X-Pass") or "")
        temper = TEMPERS.get(match[1] if match else "", TEMPERS["good"])
        text = f"{MARK}{next(self._numbers)}-"
        if temper.fault is None:
            document = value({"status": "success", "answer": text, "filler": "x" * temper.filler})
        else:
            document = fault(temper.fault, text)
        with self._lock:
            self._passed.append(Passed(call, document if temper.whole else None, temper.fault))
        if call.connection in self._used:  # a late answer to the call before comes at the worst moment
            return [http(value(f"{MARK}stale")), *temper.send(document, call)]
        self._used.add(call.connection)
        return temper.send(document, call)


def _then_closes(*parts: bytes | float) -> Sent:
    yield from parts
    raise OSError("closes the connection")


def _answer(status: str = "200 OK", more: str = "", body: bytes | None = None) -> Callable[[bytes, Received], Sent]:
    return lambda document, _call: [http(document if body is None else body, status=status, more=more)]


def _in_chunks(document: bytes, _call: Received) -> Sent:
    yield b"HTTP/1.1 200 OK\r\nContent-Type: text/xml; charset=iso-8859-1\r\nTransfer-Encoding: chunked\r\n\r\n"
    for begin in range(0, len(document), 70):
        yield b"%x\r\n%s\r\n" % (len(piece := document[begin : begin + 70]), piece)
    yield b"0\r\n\r\n"


def _slowly(document: bytes, _call: Received) -> Sent:
    whole = http(document)
    return [PAUSE, whole[:30], PAUSE, whole[30:-9], PAUSE, whole[-9:]]


def _stale(document: bytes, _call: Received) -> Sent:
    return [http(document) + http(value(f"{MARK}stale"))]


def _stale_later(document: bytes, _call: Received) -> Sent:
    return [http(document), PAUSE, http(value(f"{MARK}stale"))]


def _echoed(document: bytes, call: Received) -> Sent:
    """The answer of a server that echoes requests: password and all."""
    return _then_closes(call.head + call.body)


def _password(call: Received) -> bytes:
    return (call.header("X-Pass") or "").encode("latin-1")


def _closed(head: bytes) -> Callable[[bytes, Received], Sent]:
    return lambda document, _call: _then_closes(head + document)


_ODD_HEADERS = f"Set-Cookie: {MARK}=1\r\nX-More: {MARK}\r\nLocation: /{MARK}\r\nStatus: 500\r\n"
_REDIRECT = "Location: /vcl/index.php?mode=xmlrpccall\r\n"
_GOOD: dict[str, Temper] = {
    "good": Temper(_answer()),
    "chunks": Temper(_in_chunks),
    "slow": Temper(_slowly),
    "large": Temper(_answer(), filler=TWO_MEGABYTES),
    "headers": Temper(_answer(more=_ODD_HEADERS)),
    "continue": Temper(lambda document, _call: [b"HTTP/1.1 100 Continue\r\n\r\n", http(document)]),
    "last": Temper(lambda document, _call: _then_closes(http(document, more="Connection: close\r\n"))),
    "old": Temper(_closed(b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n")),
    # Lengths that are no numbers: the answer ends with the connection.
    "bad_length": Temper(lambda document, _call: _then_closes(http(document, length=-5))),
    "odd_length": Temper(
        lambda document, _call: _then_closes(http(document).replace(b"Content-Length: ", b"Content-Length: x", 1))
    ),
    "password_as_second_length": Temper(
        lambda document, call: _then_closes(
            http(document).replace(b"\r\n\r\n", b"\r\nContent-Length: " + _password(call) + b"\r\n\r\n", 1)
        )
    ),
    "stale": Temper(_stale),
    "stale_later": Temper(_stale_later),
}
_FAULTS = {f"fault_{code}": Temper(_answer(), fault=code) for code in (3, 7, 8, 34, 209, 100, -32601)}
_BAD = {
    "error": _answer("500 Internal Server Error"),
    "refused": _answer("401 Unauthorized"),
    "missing": _answer("404 Not Found"),
    "down": _answer("503 Service Unavailable", body=b"<h1>Down</h1>"),
    "moved": _answer("302 Found", _REDIRECT),
    "moved_for_good": _answer("308 Permanent Redirect", _REDIRECT),
    "nothing": lambda _document, _call: [b"HTTP/1.1 204 No Content\r\n\r\n"],
    "empty": _answer(body=b""),
    "html": _answer(body=b"<!DOCTYPE html><html><body>hello</body></html>"),
    "page": _answer(body=b"<html><body/></html>"),
    "warning": lambda document, _call: [http(b"<b>Warning</b>: x\n" + document)],
    "cut": lambda document, _call: [http(document[:-20])],
    "packed": _answer(more="Content-Encoding: gzip\r\n"),
    "odd_encoding": _answer(body=b"<?xml version='1.0' encoding='bogus'?><methodResponse><params/></methodResponse>"),
    "wide_encoding": _answer(body=b"<?xml version='1.0' encoding='big5'?><methodResponse><params/></methodResponse>"),
    "entities": _answer(body=b'<!DOCTYPE a [<!ENTITY b "c">]><methodResponse><params>&b;</params></methodResponse>'),
    "odd_fault": _answer(body=b"<methodResponse><fault><value><int>x</int></value></fault></methodResponse>"),
    "short": lambda document, _call: _then_closes(http(document, length=len(document) + 500)),
    "long": lambda document, _call: [http(document, length=len(document) - 30)],
    "two_lengths": lambda document, _call: [http(document, more="Content-Length: 7\r\n")],
    "bad_chunks": lambda document, _call: _then_closes(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n" + document
    ),
    "open_ended": lambda document, _call: _then_closes(b"HTTP/1.1 200 OK\r\n\r\n" + document[:-9]),
    "garbage": lambda document, _call: _then_closes(b"\x16\x03\x01\x02\x00" + document),
    "closes": lambda _document, _call: _then_closes(),
    "closes_in_head": lambda document, _call: _then_closes(http(document)[:25]),
    "call": lambda _document, call: [http(call.body)],
    "said_again": _echoed,
    "password_as_status": lambda _document, call: _then_closes(b"X-Pass: " + _password(call) + b"\r\n\r\n"),
    "password_as_reason": lambda document, call: [
        http(document, status="500 x").replace(b"500 x", b"500 " + _password(call), 1)
    ],
    "password_as_root": lambda _document, call: [http(b"<" + _password(call) + b"/>")],
    "password_as_encoding": lambda _document, call: [
        http(b"<?xml version='1.0' encoding='" + _password(call)[:30] + b"'?><a/>")
    ],
    "password_in_odd_line": lambda _document, call: _then_closes(
        b"HTTP/1.1 200 OK\r\n" + _password(call) + b"\r\n\r\n"
    ),
    "password_as_chunk": lambda _document, call: _then_closes(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + _password(call) + b"\r\n"
    ),
}
TEMPERS: dict[str, Temper] = {
    **_GOOD,
    **_FAULTS,
    **{name: Temper(send, whole=False) for name, send in _BAD.items()},
    "too_large": Temper(_answer(), whole=False, filler=TOO_MUCH),
}
GOOD, FAULTS, BAD = tuple(_GOOD), tuple(_FAULTS), (*_BAD, "too_large")
