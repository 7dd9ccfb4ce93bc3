"""XML-RPC documents: orderly ones in all their spellings, mutated ones, and shapes that are expensive to read."""

import re
from collections.abc import Callable
from random import Random

from verification.fuzz.calls import Call
from verification.fuzz.values import anything

# Declared, and really used, in every combination; encodings that Python does not know are left out here.
ENCODINGS = (
    "utf-8", "us-ascii", "iso-8859-1", "iso-8859-15", "windows-1252", "utf-16", "utf-16-le", "utf-16-be", "utf-32",
    "utf-32-be", "utf-7", "utf-8-sig", "cp037", "cp500", "koi8-r", "shift_jis", "gb18030", "big5", "iso-2022-jp",
)  # fmt: skip
_DECLARED = (
    *ENCODINGS, "", "UTF8", "punycode", "idna", "hex", "rot13", "zlib", "unicode_escape",
    "raw_unicode_escape", "undefined",
    "mbcs", "x-user-defined", "none", "utf-8\u00e9", "a" * 500,
)  # fmt: skip
_TAG = re.compile(r"(<[^<>]*>)")
_NAMES = (
    "methodCall", "methodResponse", "methodName", "params", "param", "value", "int", "i4", "i8", "string", "double",
    "boolean", "nil", "array", "data", "struct", "member", "name", "base64", "dateTime.iso8601", "fault",
    "x:value", "é",
)  # fmt: skip
_DOCTYPES = (
    "<!DOCTYPE methodCall>",
    '<!DOCTYPE methodCall SYSTEM "http://localhost/x.dtd">',
    '<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>',
    '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]>',
    '<!DOCTYPE a [<!ENTITY % b SYSTEM "file:///etc/hostname"> %b;]>',
    '<!DOCTYPE a [<!ATTLIST methodCall x CDATA "y"><!ELEMENT methodCall ANY>]>',
    '<!DOCTYPE a [<!NOTATION n SYSTEM "x"><!ENTITY u SYSTEM "x" NDATA n>]>',
)
_REFERENCES = ("&b;", "&c;", "&amp;", "&#0;", "&#7;", "&#x9;", "&#xD800;", "&#x10FFFF;", "&#x110000;", "&nosuch;", "&#")
_PIECES = (
    "<!-- comment -->", "<!-- -- -->", "<?target data?>", "<?xml version='1.0'?>", "<![CDATA[]]>",
    "<![CDATA[<int>]]>",
    "<![INCLUDE[]]>", "]]>", " ", "\n" * 20, "text", "\x00", "\x0b", "\x1f", "\x7f", "\x85", "\ufeff",
    "\ufffe", "☃", "<", ">",
    "</value>", "<value>", "<params>", "</methodCall>",
)  # fmt: skip
_ATTRIBUTES = (
    ' a="b"', " a='&lt;'", ' xmlns="http://example.org"', ' xmlns:x="y"', " a", ' a="b" a="c"', ' a="<"', ' é="☃"',
)  # fmt: skip


def spelled(call: Call) -> str:
    """A call as a document, in the plainest way."""
    method, parameters = call
    params = "".join(f"<param>{parameter}</param>" for parameter in parameters)
    return f"<methodCall><methodName>{method}</methodName><params>{params}</params></methodCall>"


def encoded(rng: Random, call: Call) -> bytes:
    """A call as callers send it: with or without a declaration, with white space and comments here and there."""
    text = spelled(call)
    if rng.random() < 0.2:
        text = _TAG.sub(lambda tag: rng.choice(("", "", "\n", "  ")) + tag[0] if _between(tag) else tag[0], text)
    declared, encoding = rng.choice(
        (("", "utf-8"), ("utf-8", "utf-8"), ("us-ascii", "utf-8"), ("utf-16", "utf-16"), ("", "utf-8-sig"))
    )
    return (_declaration(declared) + text).encode(encoding)


def mutated(rng: Random, call: Call) -> bytes:
    """A document that is broken in one to four ways, as XML, as text, or as bytes."""
    text = spelled(call)
    for _ in range(rng.choice((1, 1, 2, 4))):
        text = rng.choice(_TEXT_MUTATIONS)(rng, text)
    declared, encoding = rng.choice((rng.choice(_DECLARED), "")), rng.choice((rng.choice(ENCODINGS), "utf-8", "utf-8"))
    body = (_declaration(declared) + text).encode(encoding, "replace")
    if rng.random() < 0.5:
        for _ in range(rng.choice((1, 2, 8))):
            body = rng.choice(_BYTE_MUTATIONS)(rng, body)
    return body


def costly(rng: Random, most: int) -> bytes:
    """A document of about `most` bytes, sometimes just above, in a shape that is expensive for careless parsers."""
    size = rng.choice((most - 1200, most - 1200, most // 4, most + 1, most * 2))
    return rng.choice(SHAPES)(size).encode("utf-8", "replace")


def padded(rng: Random, call: Call, most: int) -> bytes:
    """A call in a document of just the bytes that are allowed, or one or many more."""
    body = spelled(call).encode()
    wanted = most + rng.choice((-1, 0, 0, 1, 2, most))
    return body + rng.choice((b" ", b"\n")) * (wanted - len(body))


def _declaration(encoding: str) -> str:
    return f'<?xml version="1.0" encoding="{encoding}"?>' if encoding else ""


def _between(tag: re.Match[str]) -> bool:
    """Whether white space before the tag has no meaning."""
    return tag[0] in ("<params>", "<param>", "</param>", "</params>", "</methodCall>", "<methodName>")


# --- Mutations of the text --------------------------------------------------------------------
def _parts(text: str) -> list[str]:
    return [part for part in _TAG.split(text) if part]


def _drop(rng: Random, text: str) -> str:
    parts = _parts(text)
    del parts[rng.randrange(len(parts)) : rng.randrange(len(parts)) + 1]
    return "".join(parts) or "<a/>"


def _repeat(rng: Random, text: str) -> str:
    parts = _parts(text)
    begin = rng.randrange(len(parts))
    piece = parts[begin : begin + rng.choice((1, 2, 3, 4, 5, 20))]
    return "".join(parts[:begin] + piece * rng.choice((2, 2, 3, 30)) + parts[begin:])


def _swap(rng: Random, text: str) -> str:
    parts = _parts(text)
    one, other = rng.randrange(len(parts)), rng.randrange(len(parts))
    parts[one], parts[other] = parts[other], parts[one]
    return "".join(parts)


def _rename(rng: Random, text: str) -> str:
    old, new = rng.choice(_NAMES), rng.choice(_NAMES)
    if rng.random() < 0.5:
        return text.replace(f"<{old}>", f"<{new}>").replace(f"</{old}>", f"</{new}>")
    return text.replace(f"<{old}>", f"<{new}>", 1)


def _insert(rng: Random, text: str) -> str:
    parts = _parts(text)
    parts.insert(rng.randrange(len(parts) + 1), rng.choice((*_PIECES, *_REFERENCES)))
    return "".join(parts)


def _insert_anywhere(rng: Random, text: str) -> str:
    place = rng.randrange(len(text) + 1)
    return text[:place] + rng.choice((*_PIECES, *_REFERENCES)) + text[place:]


def _add_attributes(rng: Random, text: str) -> str:
    return text.replace(tag := f"<{rng.choice(_NAMES)}", tag + rng.choice(_ATTRIBUTES), rng.choice((1, 100)))


def _prefix(rng: Random, text: str) -> str:
    name = rng.choice(_NAMES)
    return text.replace(f"<{name}>", f"<x:{name}>").replace(f"</{name}>", f"</x:{name}>")


def _declare_type(rng: Random, text: str) -> str:
    return rng.choice(_DOCTYPES) + text


def _cut(rng: Random, text: str) -> str:
    return text[: rng.randrange(len(text))] or "<"


def _more_params(rng: Random, text: str) -> str:
    more = "".join(f"<param>{anything(rng)}</param>" for _ in range(rng.choice((1, 10, 100))))
    return text.replace("</params>", f"{more}</params>", 1)


def _outside(rng: Random, text: str) -> str:
    return text.replace("<methodName>", f"{anything(rng)}<methodName>", 1)


def _wrap(rng: Random, text: str) -> str:
    name = rng.choice(_NAMES)
    return f"<{name}>{text}</{name}>"


_TEXT_MUTATIONS: tuple[Callable[[Random, str], str], ...] = (
    _drop, _repeat, _swap, _rename, _rename, _insert, _insert, _insert_anywhere, _add_attributes, _prefix,
    _declare_type,
    _cut, _more_params, _outside, _wrap,
)  # fmt: skip


_BYTE_ORDER_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff", b"+/v8-")


# --- Mutations of the bytes -------------------------------------------------------------------
def _flip(rng: Random, body: bytes) -> bytes:
    place = rng.randrange(len(body))
    return body[:place] + bytes([body[place] ^ 1 << rng.randrange(8)]) + body[place + 1 :]


def _put(rng: Random, body: bytes) -> bytes:
    place = rng.randrange(len(body) + 1)
    junk = rng.choice((b"\x00", b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf8\x88", b"\xff\xfe", b"\x1b$B"))
    return body[:place] + junk + body[place:]


def _lose(rng: Random, body: bytes) -> bytes:
    begin = rng.randrange(len(body))
    return body[:begin] + body[begin + rng.choice((1, 2, 10)) :] or b"\n"


def _cut_bytes(rng: Random, body: bytes) -> bytes:
    return body[: rng.randrange(1, len(body) + 1)]


def _mark(rng: Random, body: bytes) -> bytes:
    return rng.choice(_BYTE_ORDER_MARKS) + body


def _append(rng: Random, body: bytes) -> bytes:
    return body + rng.choice((b"\x00", b"\r\n\r\n", body, b"GET / HTTP/1.1\r\n\r\n", rng.randbytes(30)))


_BYTE_MUTATIONS: tuple[Callable[[Random, bytes], bytes], ...] = (_flip, _flip, _put, _lose, _cut_bytes, _mark, _append)


# --- Shapes that cost -------------------------------------------------------------------------
def _with_value(content: str) -> str:
    return spelled(("XMLRPCprocessBlockTime", [f"<value>{content}</value>"]))


def _filled(begin: str, unit: Callable[[int], str], end: str) -> Callable[[int], str]:
    """Documents of a value that holds `unit(0)`, `unit(1)` … up to a size in bytes."""

    def make(size: int) -> str:
        parts, length, number = [], 0, 0
        while length < size:
            parts.append(unit(number))
            length += len(parts[-1])
            number += 1
        return _with_value(begin + "".join(parts) + end)

    return make


def _of_params(size: int) -> str:
    return spelled(("XMLRPCprocessBlockTime", ["<value>1</value>"] * (size // 31)))


def _of_nesting(size: int) -> str:
    levels = size // 49
    return _with_value("<array><data><value>" * levels + "1" + "</value></data></array>" * levels)


def _of_open_elements(size: int) -> str:
    return "<methodCall>" + "<a>" * (size // 3)


def _of_name(size: int) -> str:
    return spelled(("x" * size, []))


def _of_ampersands_in_name(size: int) -> str:
    return spelled((">" * size, []))


def _of_element_name(size: int) -> str:
    return _with_value(f"<{'n' * (size // 2)}></{'n' * (size // 2)}>")


def _of_entities(size: int) -> str:
    levels = "".join(f'<!ENTITY e{level} "{f"&e{level - 1};" * 10}">' for level in range(1, 10))
    return f'<!DOCTYPE a [<!ENTITY e0 "{"x" * (size // 2)}">{levels}]>' + _with_value("&e9;")


def _of_attributes(size: int) -> str:
    attributes = " ".join(f"a{number}=''" for number in range(size // 10))
    return f"<methodCall {attributes}/>"


def _of_image(size: int) -> str:
    texts = [f"<value>{'>' * size}</value>", *["<value>2026-03-02 14:00:00</value>"] * 2, "<value>1</value>"]
    return spelled(("XMLRPCblockAllocation", [*texts, "<value>10</value>"]))


SHAPES: tuple[Callable[[int], str], ...] = (
    _filled("<double>", lambda _n: "1", "x</double>"),
    _filled("<double>", lambda _n: "1", ".e</double>"),
    _filled("<double>.", lambda _n: "1", "</double>"),
    _filled("<double>1e", lambda _n: "1", "</double>"),
    _filled("<int>", lambda _n: "9", "</int>"),
    _filled("<int>", lambda _n: " ", "x</int>"),
    _filled("<int>1", lambda _n: " ", "x</int>"),
    _filled("<string>", lambda _n: "9", "</string>"),
    _filled("<string>", lambda _n: "0", "</string>"),
    _filled("<string>", lambda _n: " ", "x</string>"),
    _filled("<string>", lambda _n: "&#38;", "</string>"),
    _filled("<string>", lambda _n: "<!---->", "</string>"),
    _filled("<string>", lambda _n: "<?a?>", "</string>"),
    _filled("<string>", lambda _n: "<![CDATA[]]>", "</string>"),
    _filled("<dateTime.iso8601>", lambda _n: " ", "</dateTime.iso8601>"),
    _filled("<base64>", lambda _n: "A ", "</base64>"),
    _filled("<array><data>", lambda _n: "<value/>", "</data></array>"),
    _filled("<array><data>", lambda _n: "<value><nil/></value>", "</data></array>"),
    _filled("<struct>", lambda n: f"<member><name>{n}</name><value/></member>", "</struct>"),
    _filled("<struct>", lambda _n: "<member><name>a</name><value/></member>", "</struct>"),
    _filled("", lambda n: f"<e{n}/>", ""),
    _filled("", lambda _n: "<value/>", ""),
    _of_params, _of_nesting, _of_open_elements, _of_name, _of_ampersands_in_name, _of_element_name, _of_entities,
    _of_attributes, _of_image,
)  # fmt: skip
