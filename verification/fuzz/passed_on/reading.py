"""The methods that a front end could find in a body: read twice, and more liberally than by any parser of XML-RPC.

Nothing here is shared with the service's own look at the name.
"""

import codecs
import re
import xml.parsers.expat
from collections.abc import Collection, Iterator
from contextlib import suppress
from email.message import Message

ROOT = "methodCall"
_NAME = re.compile(r"<methodname(?:[\s/][^>]*)?>([^<]*)", re.IGNORECASE)
_FIRST_TAG = re.compile(r"<([^\s<>/?!]+)")
_XML = re.compile(r"(text/xml|application/([\w.-]+\+)?xml|)", re.IGNORECASE)
_DECLARED = re.compile(rb"""<\?xml[^>]*?encoding\s*=\s*["']?([^"'\s?>]*)""", re.IGNORECASE)
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip


def problem(body: bytes, content_type: str, allowed: Collection[str]) -> str:
    """Why a front end could find something else in `body` than a call of one method that is allowed; "" if it can't.

    `content_type` is the caller's.
    """
    roots, calls, names = _as_expat_reads(body)
    media_types = content_type.partition(";")[0].split(",")  # of repeated headers
    if not all(_XML.fullmatch(each.strip()) for each in media_types):
        return f"the caller calls it {content_type!r}"
    if roots[:1] not in ([], [ROOT]):
        return f"the root is {roots[0]!r}"
    if calls > 1:
        return f"a parser finds {calls} calls"
    if len(names) > 1 or set(names) - set(allowed):
        return f"a parser finds the methods {names}"
    for encoding in _encodings(body, content_type):
        try:
            text = codecs.decode(body, encoding, "replace")
        except (LookupError, ValueError, AssertionError, TypeError) as error:
            return f"it cannot be read in {encoding!r}: {error}"
        if not isinstance(text, str):
            return f"{encoding!r} is no encoding of text"
        methods = _NAME.findall(text)
        first = _FIRST_TAG.search(text)
        if len(methods) != 1 or methods[0] not in allowed or first is None or first[1] != ROOT:
            return f"read as {encoding}, it calls {methods} in {first and first[1]!r}"
    return ""


def _as_expat_reads(body: bytes) -> tuple[list[str], int, list[str]]:
    """Root elements, the number of calls, and methods, with entities and all, as far as the document is well-formed."""
    parser = xml.parsers.expat.ParserCreate()
    open_elements: list[str] = []
    roots: list[str] = []
    names: list[str] = []
    calls = 0

    def start(name: str, _attributes: dict[str, str]) -> None:
        nonlocal calls
        calls += name.lower() == ROOT.lower()
        if not open_elements:
            roots.append(name)
        open_elements.append(name.lower())
        if open_elements[-1] == "methodname":
            names.append("")

    def text(characters: str) -> None:
        if "methodname" in open_elements:
            names[-1] += characters

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _name: open_elements.pop()
    parser.CharacterDataHandler = text
    with suppress(xml.parsers.expat.ExpatError, LookupError, ValueError):
        parser.Parse(body, True)
    return roots, calls, names


def _encodings(body: bytes, content_type: str) -> Iterator[str]:
    """All possible encodings of the body: by its first bytes, its declaration, its Content-Type."""
    marked = [encoding for mark, encoding in _MARKS if body.startswith(mark)]
    declared = _DECLARED.search(body[:2000])
    yield from marked[:1] or ["utf-8"]
    yield "latin-1"
    if declared and declared[1]:
        yield declared[1].decode("latin-1")
    yield from _charset(content_type)


def _charset(content_type: str) -> Iterator[str]:
    """The encoding in the Content-Type, if it is a known one."""
    message = Message()
    message["Content-Type"] = re.sub(r"[\r\n]", " ", content_type)
    with suppress(LookupError, ValueError):
        yield codecs.lookup(message.get_content_charset("")).name
