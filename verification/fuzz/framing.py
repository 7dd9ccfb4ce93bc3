"""Requests as bytes on a connection: framed as HTTP has it, in ways that are bad, or cut off in the middle."""

import base64
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from random import Random
from typing import Any, Self
from urllib.parse import quote

from verification.fuzz import generator
from verification.fuzz.request import FuzzRequest

_CHUNK_SIZES = (
    b"zz", b"-1", b"+5", b"0x5", b"", b" 5", b"5 ", b"f" * 16, b"9" * 5000, b"_5", b"5;x=y", b"5;" + b"x" * 9000,
)  # fmt: skip
_BAD_HEADERS = (
    ("Content-Length: 1",), ("Content-Length: 0",), ("X Y: z",), ("no colon",), (": no name",), (" folded",),
    ("\xff: \xff",),
    ("X-Pass : fuzzpw-space",), ("X-Pass: fuzzpw-fold", "\tfolded"), ("X-Pass: fuzzpw-nul\x00",),
    ("X_Pass: fuzzpw-line",),
    ("X-Pass: fuzzpw-" + "x" * 9000,), ("X-Pass\xff: fuzzpw-name",), ("X-Pass: fuzzpw-\x7f\x01",), ("X-User\x00: a",),
    ("Expect: 100-continue",), ("Expect: x",), ("Upgrade: h2c",), ("Host: localhost",),
    ("Connection: keep-alive, close",),
    ("X-Pass\x1a fuzzpw-colon",), ("X-Pass fuzzpw-colon",), ("Trailer: X-User",),
    tuple(f"X-{number}: y" for number in range(60)),
)  # fmt: skip
_BAD_LINES = (
    "POST /xmlrpc/ HTTP/1.0", "POST /xmlrpc/ HTTP/0.9", "POST /xmlrpc/ HTTP/2.0", "POST /xmlrpc/ HTTP/3.7",
    "POST /xmlrpc/", "POST  /xmlrpc/ HTTP/1.1", "POST /xmlrpc/ HTTP/1.1 x", "post /xmlrpc/ HTTP/1.1", "POST",
    "POST http://localhost/xmlrpc/ HTTP/1.1", "POST http://[ HTTP/1.1", "POST * HTTP/1.1", "POST // HTTP/1.1",
    "POST /xmlrpc/" + "a" * 5000 + " HTTP/1.1", "PO\x00ST /xmlrpc/ HTTP/1.1", "POST /xmlrpc/#x HTTP/1.1",
    "POST /%00%0a HTTP/1.1", "POST /%zz HTTP/1.1", "POST /index.php?%00=%ff HTTP/1.1",
    "CONNECT localhost:80 HTTP/1.1",
    "PRI * HTTP/2.0", "\x16\x03\x01\x02", "PROXY TCP4 1.1.1.1 2.2.2.2 1 2",
    "\r\n\r\nPOST /xmlrpc/ HTTP/1.1", "é é é",
)  # fmt: skip


Make = Callable[[int, int], FuzzRequest]  # of seed and number
More = Callable[[int], FuzzRequest]  # another one that goes with it
ONE_BYTE_CHUNKS = 3000  # so many at most


@dataclass(frozen=True, slots=True)
class Exchange:
    """The bytes that are sent on one connection. `cut`: it is closed at once, before the (last) request is complete.

    `body` is what is sent in chunks.
    """

    data: bytes
    recipe: str
    cut: bool = False
    body: bytes = b""

    def as_json(self) -> dict[str, Any]:
        """For a file; bytes in base64."""
        return {**asdict(self), **{name: base64.b64encode(getattr(self, name)).decode() for name in ("data", "body")}}

    @classmethod
    def from_json(cls, saved: dict[str, Any]) -> Self:
        """The exchange that as_json() has written."""
        data, body = (base64.b64decode(saved[name]) for name in ("data", "body"))
        return cls(data, saved["recipe"], saved["cut"], body)


def exchange(seed: int, number: int, make: Make = generator.request) -> Exchange:
    """Exchange `number` of the run with this seed, of requests that `make` makes."""
    rng = Random(f"socket:{seed}:{number}")
    request = make(seed, number)
    if rng.random() < 0.4:
        return Exchange(_plain(request), f"plain, {request.recipe}", body=request.body)
    made = rng.choice(_FRAMINGS)(rng, request, lambda more: make(seed, number * 10 + more + 1_000_000))
    return replace(made, body=request.body[:ONE_BYTE_CHUNKS] if made.recipe == "short chunks" else request.body)


def _head(request: FuzzRequest, *more: str, line: str = "") -> bytes:
    """Request line and headers; the request comes through a proxy that passes its address on."""
    target = quote(request.path.encode("latin-1")) + (f"?{request.query}" if request.query else "")
    lines = [line or f"{request.verb} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in request.headers)]
    if not request.header("X-Forwarded-For"):
        lines += [f"X-Forwarded-For: {request.peer}", f"X-Forwarded-Proto: {request.scheme}"]
    return "\r\n".join([*lines, *more, "", ""]).encode("latin-1", "replace")


def _plain(request: FuzzRequest, *more: str, line: str = "") -> bytes:
    length = str(len(request.body)) if request.length is None else request.length
    if request.chunked:
        return _head(request, "Transfer-Encoding: chunked", *more, line=line) + _chunked(
            request.body, len(request.body)
        )
    return _head(request, f"Content-Length: {length}", *more, line=line) + request.body


def _chunked(body: bytes, size: int) -> bytes:
    chunks = [body[begin : begin + size] for begin in range(0, len(body), max(size, 1))]
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"


# --- Framings ---------------------------------------------------------------------------------
def _in_chunks(rng: Random, request: FuzzRequest, _more: More) -> Exchange:
    size = rng.choice((1, 7, 100, 5000))
    if size == 1:
        request = FuzzRequest(request.body[:ONE_BYTE_CHUNKS], request.headers)
    sent = _head(request, "Transfer-Encoding: chunked") + _chunked(request.body, size)
    return Exchange(sent, "short chunks" if size == 1 else "chunks")


def _in_bad_chunks(rng: Random, request: FuzzRequest, _more: More) -> Exchange:
    good = _chunked(request.body, rng.choice((50, 5000)))
    size, _, rest = good.partition(b"\r\n")
    bad = rng.choice(
        (
            rng.choice(_CHUNK_SIZES) + b"\r\n" + rest,
            size + b"\n" + rest,
            size + b"\r\n" + rest[:1] + rest[2:],
            good.replace(b"\r\n0\r\n\r\n", b"XX0\r\n\r\n"),
            good[:-5],
            good[: len(good) // 2],
            good[:-2] + b"X-Trailer: x\r\n\r\n",
            good[:-2] + b"no colon\r\n\r\n",
            b"0\r\n\r\n" + good,
        )
    )
    return Exchange(_head(request, "Transfer-Encoding: chunked") + bad, "bad chunks")


def _with_bad_coding(rng: Random, request: FuzzRequest, _more: More) -> Exchange:
    codings = ("gzip", "chunked, gzip", "chunked, chunked", "identity", "x", "", " chunked", "chunked\x0b", "CHUNKED")
    line = f"Transfer-Encoding: {rng.choice(codings)}"
    body = rng.choice((request.body, _chunked(request.body, 500)))
    return Exchange(_head(request, line, *rng.choice(((), ("Content-Length: 5",)))) + body, "bad coding")


def _with_bad_header(rng: Random, request: FuzzRequest, _more: More) -> Exchange:
    return Exchange(_plain(request, *rng.choice(_BAD_HEADERS)), "bad header")


def _with_bad_line(rng: Random, request: FuzzRequest, _more: More) -> Exchange:
    return Exchange(_plain(request, line=rng.choice(_BAD_LINES)), "bad line")


def _with_bare_line_ends(_rng: Random, request: FuzzRequest, _more: More) -> Exchange:
    return Exchange(_plain(request).replace(b"\r\n", b"\n"), "bare line ends")


def _pipelined(rng: Random, request: FuzzRequest, more: More) -> Exchange:
    others = (more(number) for number in range(rng.choice((1, 2, 4))))
    return Exchange(b"".join(map(_plain, (request, *others))), "pipelined")


def _flipped(rng: Random, request: FuzzRequest, _more: More) -> Exchange:
    head = bytearray(_head(request, f"Content-Length: {len(request.body)}"))
    head[rng.randrange(len(head))] ^= 1 << rng.randrange(8)
    return Exchange(bytes(head) + request.body, "flipped")


def _cut_off(rng: Random, request: FuzzRequest, _more: More) -> Exchange:
    whole = _head(request, f"Content-Length: {len(request.body) + 1}") + request.body
    return Exchange(whole[: rng.randrange(1, len(whole) + 1)], "cut off", cut=True)


_FRAMINGS: tuple[Callable[[Random, FuzzRequest, More], Exchange], ...] = (
    _in_chunks, _in_bad_chunks, _in_bad_chunks, _with_bad_coding, _with_bad_header, _with_bad_header, _with_bad_line,
    _with_bare_line_ends, _pipelined, _flipped, _cut_off,
)  # fmt: skip
