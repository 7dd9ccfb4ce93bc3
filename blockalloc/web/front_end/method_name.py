"""The method that a body calls: the only thing that is read of it before its caller is known.

Reading is strict and bounded: a regular expression on the first kilobyte, and a count of one word in the rest.
A body that is not recognised is not passed on, so that the front end can't find a method in it other than the one
that was recognised here.
"""

import re
from collections.abc import Container

from django.http import HttpRequest

from blockalloc.rpc.wire import is_xml

_LONGEST_BEGIN = 1024  # bytes; clients write the name within the first 150
_BEGIN = re.compile(
    rb"""
    (?:\xef\xbb\xbf)?
    (?:<\?xml [ \t\r\n]+ version=["']1\.0["']
        (?:[ \t\r\n]+ encoding=["'] ([\w.-]{1,40}) ["'])?
        (?:[ \t\r\n]+ standalone=["'](?:yes|no)["'])?
        [ \t\r\n]* \?>)?
    [ \t\r\n]* <methodCall> [ \t\r\n]* <methodName> ([\w.]{1,100}) </methodName>
    """,
    re.VERBOSE,
)

# In all of them, an ASCII letter is that letter. In others (UTF-7, UTF-16, EBCDIC) the bytes may say something else.
_ENCODINGS = {"", "utf-8", "us-ascii", "iso-8859-1"}


def method_to_pass_on(request: HttpRequest, body: bytes, names: Container[str]) -> str:
    """The name of the method that `body` calls, if it is one of `names` and unambiguous; else ""."""
    begin = _BEGIN.match(body[:_LONGEST_BEGIN])
    if not begin:
        return ""
    declared, method = ((group or b"").decode("ascii") for group in begin.groups())
    charset = (request.content_params or {}).get("charset", "")
    if method in names and {declared.lower(), charset.lower()} <= _ENCODINGS and is_xml(request) and _calls_once(body):
        return method
    return ""


def _calls_once(body: bytes) -> bool:
    """Whether there is one call and one name in the body: of two, the front end might take the other."""
    lower = body.lower()
    return lower.count(b"<methodname") == lower.count(b"<methodcall") == 1
