"""The wire format: request bodies in, XML-RPC documents out.

Whatever a client sends, it is answered with a document that an XML-RPC client can read: the texts
of our own exceptions stay in the log, and characters that XML does not allow are replaced.
"""

import base64
import codecs
import encodings
import encodings.aliases
import logging
import re
import xml.parsers.expat
import xmlrpc.client
from collections.abc import Callable
from datetime import datetime

import defusedxml
from defusedxml.xmlrpc import DefusedExpatParser
from django.http import HttpRequest
from modernrpc.exceptions import (
    RPC_INVALID_REQUEST,
    RPC_PARSE_ERROR,
    RPCException,
    RPCInvalidRequest,
    RPCParseError,
)
from modernrpc.xmlrpc.handler import XmlRpcRequest

from blockalloc.contract import refusals

log = logging.getLogger(__name__)

MAX_NESTING = 20
LONGEST_METHOD_NAME = 100

_INTEGER = re.compile(r"[ \t\r\n]*[+-]?[0-9]+[ \t\r\n]*", re.ASCII)
# Digits match in one way only: otherwise a long number with an error at its end would take quadratic time.
_DOUBLE = re.compile(r"[ \t\r\n]*[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?[ \t\r\n]*", re.ASCII)
_DATE_TIME = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)T(\d\d):(\d\d):(\d\d)", re.ASCII)
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_DECLARED_ENCODING = re.compile(rb"""^\s*<\?xml[^>]*?\sencoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")

# Python has codecs whose decoding takes quadratic time (idna, punycode): only these are used.
# Perl declares us-ascii, and sends bytes above 127 as UTF-8 all the same.
_ENCODINGS = {
    "ascii": "utf-8",
    "utf_8": "utf-8",
    "latin_1": "iso8859-1",
    "iso8859_15": "iso8859-15",
    "cp1252": "cp1252",
    "utf_16": "utf-16",
}
_XML_TYPES = {"", "text/xml", "application/xml"}


class RequestRefused(RPCException):
    """A request that gets a fault before any method runs. `reason` is for the log, not for the caller."""

    def __init__(self, code: int, message: str, reason: str = "") -> None:
        super().__init__(code, message)
        self.reason = reason or message


# --- Bodies -----------------------------------------------------------------------------------
def read_body(request: HttpRequest, limit: int) -> bytes:
    """The request's body. Raises RequestRefused when it has more than `limit` bytes or breaks off.

    Not request.body: Django answers a large one with HTTP 400 and reads nothing of one without
    a Content-Length.
    """
    too_large = RequestRefused(RPC_INVALID_REQUEST, f"request body larger than {limit} bytes")
    length = request.META.get("CONTENT_LENGTH") or ""
    if _is_above(length, limit):
        raise too_large
    # A chunked body has no length; the HTTP server ends the stream (and says so, as it must here:
    # reading one that has no end would wait for the client for ever).
    chunked = not length and request.META.get("HTTP_TRANSFER_ENCODING") and request.META.get("wsgi.input_terminated")
    try:
        body: bytes = request.META["wsgi.input"].read(limit + 1) if chunked else request.read(limit + 1)
    except Exception as error:  # also the HTTP server's own, for a malformed chunked body
        raise RequestRefused(RPC_PARSE_ERROR, "the request body broke off") from error
    if len(body) > limit:
        raise too_large
    if _is_above(length, len(body)):  # the server hands on the part that arrived before the client left
        raise RequestRefused(RPC_PARSE_ERROR, "the request body broke off")
    return body


def _is_above(length: str, limit: int) -> bool:
    """Whether a Content-Length is a number above `limit`. Python refuses to convert thousands of digits."""
    digits = length.lstrip("0")
    return digits.isdecimal() and (len(digits) > len(str(limit)) or int(digits) > limit)


def is_xml(request: HttpRequest) -> bool:
    """Whether the request says that its body is XML, or says nothing."""
    media_type = (request.content_type or "").lower()
    return media_type in _XML_TYPES or media_type.endswith("+xml")


def decode_body(body: bytes, request: HttpRequest) -> str:
    """The body as text. Raises RequestRefused when its media type or encoding is not supported."""
    if not is_xml(request):
        raise RequestRefused(RPC_INVALID_REQUEST, "the Content-Type must be text/xml")
    charset = (request.content_params or {}).get("charset", "")
    try:
        return body.decode(_encoding(body, charset)).removeprefix("\ufeff")
    except (UnicodeDecodeError, KeyError) as error:
        raise RequestRefused(RPC_PARSE_ERROR, "the request body is not text in an encoding known here") from error


def _encoding(body: bytes, charset: str) -> str:
    """The body's encoding: by the Content-Type, else by a byte order mark, else by the XML declaration."""
    if charset:
        return _ENCODINGS[_codec(charset)]
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    declared = _DECLARED_ENCODING.match(body)
    return _ENCODINGS[_codec(declared[1].decode("ascii"))] if declared else "utf-8"


def _codec(encoding: str) -> str:
    """Python's name of an encoding. Not codecs.lookup(): that remembers every unknown name for ever."""
    name = encodings.normalize_encoding(encoding.lower())
    return encodings.aliases.aliases.get(name, name)


# --- Parsing ----------------------------------------------------------------------------------
class StrictUnmarshaller(xmlrpc.client.Unmarshaller):
    """Reads a methodCall and nothing else. Python's own takes `1_000` for a number and any root element."""

    # The types of XML-RPC and its usual extensions; big decimals are of no use to any method here.
    dispatch: dict[str, Callable[..., None]] = {
        tag: read
        for tag, read in xmlrpc.client.Unmarshaller.dispatch.items()
        if tag not in ("fault", "biginteger", "bigdecimal")
    }

    def __init__(self) -> None:
        super().__init__(use_datetime=True, use_builtin_types=True)
        self._depth = 0

    def start(self, tag: str, attrs: dict[str, str]) -> None:
        """An element begins. Raises RPCInvalidRequest for another kind of document, or one nested too deeply."""
        if self._depth == 0 and tag != "methodCall":
            raise RPCInvalidRequest("not a methodCall")
        self._depth += 1
        # Each level of an array is three elements deep (value, array, data), of a struct too.
        if self._depth > 3 * MAX_NESTING:
            raise RPCInvalidRequest("nested too deeply")
        super().start(tag, attrs)

    def end(self, tag: str) -> None:
        """An element ends."""
        self._depth -= 1
        super().end(tag)

    def _read_integer(self, data: str) -> None:
        if not _INTEGER.fullmatch(data):
            raise RPCInvalidRequest("not an integer")
        super().end_int(data)

    def _read_double(self, data: str) -> None:
        if not _DOUBLE.fullmatch(data):
            raise RPCInvalidRequest("not a double")
        super().end_double(data)

    def _read_date_time(self, data: str) -> None:
        match = _DATE_TIME.fullmatch(data.strip())
        if not match:
            raise RPCInvalidRequest("not a dateTime.iso8601")
        # It has no zone on the wire either.
        self.append(datetime(*(int(part) for part in match.groups())))  # type: ignore[arg-type]
        self._value = False

    def _read_base64(self, data: str) -> None:
        self.append(base64.b64decode("".join(data.split()), validate=True))
        self._value = False

    dispatch.update(dict.fromkeys(("int", "i1", "i2", "i4", "i8"), _read_integer))
    dispatch.update(dict.fromkeys(("double", "float"), _read_double))
    dispatch["base64"] = _read_base64
    dispatch["dateTime.iso8601"] = _read_date_time


class StrictDeserializer:
    """django-modern-rpc's deserializer (settings name it): any error in a document becomes a fault."""

    def loads(self, data: str) -> XmlRpcRequest:
        """The call in an XML document. Raises RPCException, and nothing else, when there is none."""
        try:
            return self._read(data)
        except RPCException:
            raise
        except xml.parsers.expat.ExpatError as error:
            raise RPCParseError(str(error)) from error
        except defusedxml.DefusedXmlException as error:
            raise RPCParseError("document type declarations and entities are not allowed") from error
        except Exception as error:
            # For bad values, Python's unmarshaller raises exceptions of many kinds.
            raise RPCInvalidRequest("a value or element is not as XML-RPC has it") from error

    def _read(self, data: str) -> XmlRpcRequest:
        target = StrictUnmarshaller()
        parser = DefusedExpatParser(target, forbid_dtd=True)
        parser.feed(data)
        parser.close()
        arguments = list(target.close())
        name = (target.getmethodname() or "").strip()
        if not name:
            raise RPCInvalidRequest("no method name")
        if len(name) > LONGEST_METHOD_NAME:  # the answer would repeat it
            raise RPCInvalidRequest(f"the method name is longer than {LONGEST_METHOD_NAME} characters")
        return XmlRpcRequest(name, arguments)


# --- Answers ----------------------------------------------------------------------------------
def internal_error(error: BaseException) -> RPCException:
    """The fault for an error of our own, which is logged: its text may contain anything, even secrets."""
    log.error("internal error in an XML-RPC call", exc_info=error)
    return internal_fault()


def internal_fault() -> RPCException:
    """The fault for an error of our own that is in the log already."""
    return RPCException(refusals.INTERNAL, "internal error (logged)")


def fault_document(fault: RPCException) -> str:
    """The XML-RPC document of `fault`."""
    return xmlrpc.client.dumps(xmlrpc.client.Fault(fault.code, fault.message), methodresponse=True)


def printable(document: str) -> str:
    """`document` without characters that XML forbids; a carriage return as one that a parser keeps."""
    return _NOT_IN_XML.sub("\ufffd", document).replace("\r", "&#13;")
