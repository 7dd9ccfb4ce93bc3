"""Checks of the front end's answers: XML-RPC or not, a fault or not. The answer itself goes back byte for byte."""

import re
import xml.parsers.expat
import xmlrpc.client

from defusedxml.xmlrpc import DefusedExpatParser

_XML_TYPE = re.compile(
    r"(?:text|application)/xml(?:; ?charset=\"?(?:utf-8|us-ascii|iso-8859-15?|windows-1252)\"?)?", re.IGNORECASE
)
_FAULT_CODE = re.compile(rb"<name>\s*faultCode\s*</name>\s*<value>\s*<(?:int|i4)>\s*(\d{1,9})\s*<", re.IGNORECASE)
_LONGEST_FAULT = 65536  # bytes; of a longer one the code is not read


class NotAnAnswer(Exception):
    """The document is not one that an XML-RPC client could read as an answer."""


def fault_code(document: bytes) -> int | None:
    """The fault's code when `document` is a fault; None when it is an answer with a value. Raises NotAnAnswer."""
    kind = _kind(document)
    if kind != "fault" or len(document) > _LONGEST_FAULT:
        return None
    target = xmlrpc.client.Unmarshaller()
    parser = DefusedExpatParser(target, forbid_dtd=True)
    try:
        parser.feed(document)
        parser.close()
        target.close()
    except xmlrpc.client.Fault as fault:
        return fault.faultCode if isinstance(fault.faultCode, int) else None
    except Exception as error:  # Python's unmarshaller raises exceptions of many kinds
        raise NotAnAnswer("a fault that is not valid XML-RPC") from error
    raise NotAnAnswer("a fault without a code")


def speaks_of_fault(document: bytes, code: int) -> bool:
    """Whether there is a fault with this code in a document that is no answer: PHP may have put a warning before it."""
    return any(int(match[1]) == code for match in _FAULT_CODE.finditer(document[:_LONGEST_FAULT]))


def media_type(content_type: str) -> str:
    """The media type to send the answer with: the front end's own, if it is XML in a usual encoding, else text/xml."""
    return content_type if _XML_TYPE.fullmatch(content_type) else "text/xml"


def _kind(document: bytes) -> str:
    """ "params" or "fault": the content of the methodResponse. Raises NotAnAnswer."""
    parser = xml.parsers.expat.ParserCreate()
    path: list[str] = []

    def start(name: str, _attributes: dict[str, str]) -> None:
        path.append(name)
        if len(path) == 2:
            parser.StartElementHandler = None  # the rest only has to be well-formed, which expat checks by itself

    def doctype(*_declared: object) -> None:
        raise NotAnAnswer("a document type declaration")

    parser.StartElementHandler = start
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(document, True)
    except xml.parsers.expat.ExpatError as error:
        raise NotAnAnswer(f"not XML: {error}") from error
    except (LookupError, ValueError) as error:
        raise NotAnAnswer("not in a supported encoding") from error
    if path[:1] != ["methodResponse"] or path[1:] not in (["params"], ["fault"]):
        # None of it is quoted: it may repeat the password.
        raise NotAnAnswer(
            "an HTML page" if path[0].lower() == "html" else "not a methodResponse with params or a fault"
        )
    return path[1]
