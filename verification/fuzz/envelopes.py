"""The rest of a request beside the document: headers, the verb, the address, and how long the body claims to be."""

from collections.abc import Callable
from dataclasses import replace
from random import Random

from verification.fuzz.documents import ENCODINGS
from verification.fuzz.request import PASSWORD_MARK, FuzzRequest
from verification.fuzz.site import LOCKED_USER, OTHER_PASSWORD, OTHER_USER, PASSWORD

PROXY = "10.7.0.1"  # trusted; see door.SETTINGS
LONGEST = 8000  # what the HTTP server lets through in one header

_ODD_TEXTS = (
    "", " ", "\t", "x", "0", "é", "\xff\xfe", "\xc3\xa9\xe2\x98\x83", "\xf0\x9f\x98\x80", "a\x01b", "a\x00b",
    "a\r\nX-User: b",
    "\x1b[31m", "\x85", "\xc2\x85\xe2\x80\xa8", "%0a%s%(x)s", "{0.__class__}", "' OR '1'='1",
    "☃".encode().decode("latin-1") * 50,
    "x" * 190, "x" * 191, "x" * 255, "x" * LONGEST, ",", ";", "a,b", "a;b", "=?utf-8?q?x?=",
)  # fmt: skip
_VERSIONS = ("1", "2", " 2 ", "3", "0", "02", "2.0", "-1", "two", "", "2,2", "²", "2" * 400)
_MEDIA_TYPES = (
    "text/xml", "application/xml", "Text/XML", "application/rpc+xml", "text/plain", "application/json", "",
    "*/*", "text",
    "multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "text/xml;;;",
    'text/xml; charset="', "text/xml; =",
)  # fmt: skip
_CHARSETS = (
    *ENCODINGS, "hex", "rot13", "idna", "punycode", "zlib", "bz2", "base64", "unicode_escape", "undefined",
    "utf-8; charset=hex",
    "'utf-8'", '"utf-8"', "é", "", "a/b", "..", "utf-8\t", "a\x00b",
)  # fmt: skip
_HOSTS = (
    "localhost", "127.0.0.1", "example.org", "", "localhost:99999", "localhost, example.org", "[::1",
    "user@localhost", "é",
    "localhost/path", "lo\tcalhost", "." * 300, "localhost\x00",
)  # fmt: skip
_LENGTHS = (
    "", "0", "1", "10", "-1", "x", "1e3", "²", "٣", " 5", "5 ", "65536", "65537", "99999999999", "9" * 5000,
    "0x10", "+5",
)  # fmt: skip
_VERBS = (
    "GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "post", "POSTS", "", "P\xd6ST",
    "M-SEARCH",
)  # fmt: skip
_PATHS = (
    "/xmlrpc", "/index.php", "/vcl/index.php", "/xmlrpc//", "//xmlrpc/", "/xmlrpc/x", "/XMLRPC/",
    "/xmlrpc/\n", "/index.php\n",
    "/", "", "*", "/admin/", "/admin/login/", "/admin", "/healthz", "/static/../settings.py",
    "/static/admin/css/base.css",
    "/\x00", "/\xff", "/%2e%2e/%2e%2e/etc/passwd", "/a" * 500, "/index.php/index.php", "/admin/jsi18n/",
    "/favicon.ico",
)  # fmt: skip
_QUERIES = (
    "mode=xmlrpccall", "mode=xmlrpccall", "mode=xmlrpccall&mode=x", "mode=x&mode=xmlrpccall", "mode=", "mode",
    "mode=%FF%FE",
    "mode=xmlrpccall&\xff", "mode=%00", "a&" * 600 + "mode=xmlrpccall", "a&" * 1500 + "mode=xmlrpccall",
    "mode[]=xmlrpccall", "%",
    "mode=xmlrpccall;x=1", "=" * 1000,
)  # fmt: skip
_FORWARDED = (
    "198.51.100.1", "1.1.1.1, 198.51.100.1", "198.51.100.1, 10.7.0.2", "nonsense", "", ",", "::1",
    "[::1]:443", "10.7.0.1",
    "1.1.1.1" + ", 10.7.0.3" * 500, "256.1.1.1", "fe80::1%eth0", "fe80::1%\x1b[31m", "unix:/socket", "\xff",
    "198.51.100.1:80",
)  # fmt: skip
_OTHER_HEADERS = (
    "Cookie", "Accept-Encoding", "Expect", "Authorization", "Content-Encoding", "X-HTTP-Method-Override",
    "Range", "X-Y",
)  # fmt: skip
_OTHER_VALUES = ("sessionid=" + "☃".encode().decode("latin-1") * 12, "csrftoken=x; sessionid=x", "gzip", "100-continue")
_SCHEMES = ("https", "http", "HTTPS", "https, http", "https,https", "", "wss", "https;", "\xff")


def orderly(rng: Random, body: bytes) -> FuzzRequest:
    """A signed-in POST of `body`, from an address of its own."""
    headers = (
        ("Host", "localhost"),
        ("Content-Type", "text/xml"),
        ("X-User", rng.choice(("vclsystem", "vclsystem@Local", "VCLsystem"))),
        ("X-Pass", PASSWORD),
        ("X-APIVERSION", "2"),
    )
    path, query = rng.choice((("/xmlrpc/", ""), ("/xmlrpc", ""), ("/vcl/index.php", "mode=xmlrpccall")))
    request = FuzzRequest(body, headers, path=path, query=query, peer=_somebody(rng), chunked=rng.random() < 0.1)
    if rng.random() < 0.25:
        request = request.with_header("X-Idempotency-Key", f"key {rng.randrange(12)}")
    return request


def signed_in_badly(rng: Random, request: FuzzRequest, number: int) -> FuzzRequest:
    """The same from somebody who does not get in, or may not do anything here."""
    kind = rng.randrange(6)
    if kind == 0:
        return request.with_header("X-User", OTHER_USER).with_header("X-Pass", OTHER_PASSWORD)
    if kind == 1:
        password = rng.choice((OTHER_PASSWORD, _invented(rng, number)))
        return request.with_header("X-User", LOCKED_USER).with_header("X-Pass", password)
    if kind == 2:
        return request.with_header("X-User", *rng.sample(_ODD_TEXTS, rng.choice((0, 1, 1, 2))))
    if kind == 3:
        return request.with_header("X-APIVERSION", *rng.sample(_VERSIONS, rng.choice((0, 1, 1, 1))))
    if kind == 4:
        return replace(request, scheme="http")
    return request.with_header("X-Pass", *(_invented(rng, number) for _ in range(rng.choice((0, 1, 1, 2)))))


def spoiled(rng: Random, request: FuzzRequest, number: int) -> FuzzRequest:
    """The same in a bad envelope."""
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        request = rng.choice(_SPOILERS)(rng, request, number)
    return request


def _somebody(rng: Random) -> str:
    """An address; so many that nobody's failures add up."""
    if rng.random() < 0.1:
        return f"2001:db8::{rng.randrange(1, 2**16):x}:{rng.randrange(2**16):x}:{rng.randrange(2**16):x}"
    return f"203.{rng.randrange(256)}.{rng.randrange(256)}.{rng.randrange(1, 255)}"


def _invented(rng: Random, number: int) -> str:
    return f"{PASSWORD_MARK}{number}-{rng.choice(_ODD_TEXTS)}"


def _spoil_login(rng: Random, request: FuzzRequest, number: int) -> FuzzRequest:
    return signed_in_badly(rng, request, number)


def _spoil_key(rng: Random, request: FuzzRequest, _number: int) -> FuzzRequest:
    texts = (*_ODD_TEXTS, "k" * 199, "k" * 200, "k" * 201, "é" * 200, "KEY 1", "key 1 ")
    return request.with_header("X-Idempotency-Key", *rng.sample(texts, rng.choice((1, 1, 2))))


def _spoil_media_type(rng: Random, request: FuzzRequest, _number: int) -> FuzzRequest:
    kind = rng.random()
    if kind < 0.4:
        return request.with_header("Content-Type", *rng.sample(_MEDIA_TYPES, rng.choice((0, 1, 1, 2))))
    # Unknown names, each a new one, to see whether they are kept anywhere.
    unknown = f"x-{rng.getrandbits(64):x}" + "x" * rng.choice((0, LONGEST - 50))
    charset = rng.choice(_CHARSETS) if kind < 0.8 else unknown
    return request.with_header("Content-Type", f"text/xml; charset={charset}")


def _spoil_host(rng: Random, request: FuzzRequest, _number: int) -> FuzzRequest:
    return request.with_header("Host", *rng.sample(_HOSTS, rng.choice((0, 1, 1, 2))))


def _spoil_length(rng: Random, request: FuzzRequest, _number: int) -> FuzzRequest:
    wrong = str(max(len(request.body) + rng.choice((-20, -1, 1, 20)), 0))
    length = rng.choice((*_LENGTHS, wrong, wrong, wrong))
    return replace(request, length=length, chunked=False)


def _spoil_transfer(rng: Random, request: FuzzRequest, _number: int) -> FuzzRequest:
    coding = rng.choice(("chunked", "gzip, chunked", "identity", "", "chunked, chunked", "x"))
    return replace(request, length=rng.choice((None, "", "5"))).with_header("Transfer-Encoding", coding)


def _spoil_verb(rng: Random, request: FuzzRequest, _number: int) -> FuzzRequest:
    return replace(request, verb=rng.choice(_VERBS))


def _spoil_path(rng: Random, request: FuzzRequest, _number: int) -> FuzzRequest:
    return replace(request, path=rng.choice(_PATHS), query=rng.choice(("", *_QUERIES)))


def _spoil_query(rng: Random, request: FuzzRequest, _number: int) -> FuzzRequest:
    return replace(request, path="/index.php", query=rng.choice(_QUERIES))


def _spoil_way(rng: Random, request: FuzzRequest, _number: int) -> FuzzRequest:
    peer = rng.choice((PROXY, PROXY, _somebody(rng), "", "unix:", "::ffff:10.7.0.1", "nonsense", "1" * 300))
    request = replace(request, peer=peer, scheme=rng.choice(("http", "https")))
    headers = (("X-Forwarded-For", _FORWARDED), ("X-Forwarded-Proto", _SCHEMES), ("X-Forwarded-Host", _HOSTS))
    for name, values in headers:
        if rng.random() < 0.6:
            request = request.with_header(name, *rng.sample(values, rng.choice((1, 1, 2))))
    return request


def _add_others(rng: Random, request: FuzzRequest, _number: int) -> FuzzRequest:
    for name in rng.sample(_OTHER_HEADERS, 2):
        request = request.with_header(name, rng.choice((*_ODD_TEXTS, *_OTHER_VALUES)))
    return request


_SPOILERS: tuple[Callable[[Random, FuzzRequest, int], FuzzRequest], ...] = (
    _spoil_login, _spoil_login, _spoil_key, _spoil_media_type, _spoil_media_type, _spoil_host, _spoil_length,
    _spoil_transfer,
    _spoil_verb, _spoil_path, _spoil_query, _spoil_way, _add_others,
)  # fmt: skip
