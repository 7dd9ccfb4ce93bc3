"""The allowed texts of faults and errors, word for word but for the caller's own values.

Any other text in an answer was not written for callers.
"""

import re
from xml.parsers.expat import errors

TIME = r"(-?\d+|not a whole number|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d local time)"
GIVEN = r"(-?\d+|not a whole number)"
_MINUTE = r"\d{4}-\d\d-\d\d \d\d:\d\d"
ECHO = r".{0,110}"  # of the caller's own, bounded
_EXPAT = "|".join(re.escape(text) for text in errors.messages.values())
_NAME = r"(imageid|start|end|machinecount|numMachines|usergroupid|blockTimeid|blockTimesid)"

_PASSED_ON = "(XMLRPCautoCapture|XMLRPCcheckCryptSecrets|XMLRPCfinishBaseImageCapture)"

# Of the dates of a series, which are two arrays.
_OF_SERIES = (
    "(starts|ends): not an array of whole numbers: give an array of Unix seconds",
    r"(starts|ends): \d+ dates: give at most \d+, and the rest in another call",
    r"ends: \d+ for \d+ starts: give one for each start",
    "starts: there is none: give weekdays, hours and weeks that have a date, or dates",
    rf"starts: all are past, the last one ended at {_MINUTE}: give dates of which one at least is to come",
    rf"starts: the end {_MINUTE}: give an end after the start, {_MINUTE}",
    r"starts: -?\d+: give times from 1970 to 2038-01-01 00:00:00",
    rf"starts: {_MINUTE}: give times that are not in the second pass of an hour that the clock repeats",
)

_FAULTS: dict[int, tuple[str, ...]] = {
    3: ("Access denied",),
    4: (
        "HTTPS is needed: name and password must not travel in the clear",
        r"HTTPS is needed: the proxy that vouches for it \(X-Forwarded-Proto\) is not in VCL_TRUSTED_PROXIES; "
        "the log of the service has its address",
        rf"start: {TIME}: give a time from 1970 to 2038-01-01 00:00:00",
        rf"start: {TIME}: give a time that is not in the second pass of an hour that the clock repeats",
        *(each for each in _OF_SERIES if "the end" not in each),
    ),
    7: ("Unknown API version: send X-APIVERSION: 2",),
    8: ("Unsupported API version: send X-APIVERSION: 2", r"blockTimes?id: there is no block time -?\d+"),
    9: (r"blockTimes?id: the block request of block time \d+ expired at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d",),
    10: (
        rf"imageid: {GIVEN}: give the id of an image that exists and is not deleted",
        r"imageid: image \d+ \(Image \d+\) has no production revision or is deleted: make one of its "
        r"revisions the production revision",
    ),
    11: (
        r"usergroupid: (there is no user group|user group \d+ has no members), and privileges count: "
        "add members or ignore privileges",
    ),
    12: ("blockTimeid: no management node has checked in within the last hour to handle a new block",),
    34: ("access denied for managing block allocations",),
    36: (
        rf"end: {TIME}: give a time from 1970 to 2038-01-01 00:00:00",
        rf"end: {TIME}: give a time after start, {TIME}",
        rf"end: {TIME}: give a time that is not past",
        rf"end: {TIME}: give a time that is not in the second pass of an hour that the clock repeats",
        *(each for each in _OF_SERIES if "all are past" not in each),
    ),
    64: (
        rf"machinecount: {GIVEN}: give a whole number from 1 to \d+",
        rf"machinecount: {GIVEN}: give a whole number from 1 to the machines of the block request",
    ),
    67: (rf"usergroupid: {GIVEN}: give the id of a user group that exists",),
    77: (r"blockTimes?id: not a whole number: give the id of a block time",),
    86: ("ignoreprivileges: must be 0 or 1",),
    201: (rf"({_NAME}: given ({GIVEN}|{TIME}|None), stored ({GIVEN}|{TIME})(; )?)+ \(block time \d+\)",),
    202: (r"blockTimes?id: block time \d+ is marked to be skipped: undo that first \(Do not skip\)",),
    203: (r"blockTimes?id: the block request of block time \d+ is requested: only accepted ones are processed",),
    204: (
        r"X-Idempotency-Key: .{0,2000} was used with other parameters, or by an earlier version of this service: "
        "a new call needs a new key",
        r"X-Idempotency-Key: \d+ characters, at most 200 are allowed",
    ),
    207: (r".*\d+ seconds.*",),
    208: (
        rf"{_PASSED_ON}: VCL's front end, to which these calls are passed on, ("
        "broke off the connection|cannot be reached|answered (in an encoding that was not asked for"
        "|with (HTTP status \\d+(, a redirect, which is not followed)?|more than \\d+ bytes|something else than XML-RPC"
        ")))",
    ),
    209: (
        "a call that this service passed on to VCL's front end came back to it: the addresses are crossed. "
        "VCL_FRONT_END_URL has to be the front end's own address, and must not lead here; xmlrpc_url of the "
        "management nodes is the one that leads here",
    ),
    210: (
        "the host name that was called is not in DJANGO_ALLOWED_HOSTS; the log of the service has the name",
        r"no calls are answered at this address: its path must be /xmlrpc/ or end in /index\.php\?mode=xmlrpccall",
    ),
    -32600: (
        r"request body larger than \d+ bytes",
        "the Content-Type must be text/xml",
        "Invalid request: (not a methodCall|nested too deeply|not an integer|not a double|not a dateTime.iso8601"
        r"|no method name|the method name is longer than \d+ characters|a value or element is not as XML-RPC has it)",
    ),
    -32601: (f'Method not found: "{ECHO}"',),
    -32602: (r"\d+ parameters given: call [\w.(), \[\]]+", "the parameter must be a string"),
    -32700: (
        "the request body broke off",
        "the request body is not text in an encoding known here",
        rf"Parse error, unable to read the request: ({_EXPAT}): line \d+, column \d+",
        "Parse error, unable to read the request: document type declarations and entities are not allowed",
    ),
}  # fmt: skip

# VCL's own texts, in structs.
_STRUCTS: dict[int, tuple[str, ...]] = {
    3: (f"access denied to {ECHO}",),
    4: ("received invalid input for start",),
    8: ("unknown blockTimesid",),
    9: ("expired block allocation",),
    10: ("unknown or deleted image", r"image \d+ has no production revision"),
    11: ("empty user group and ignoreprivileges set to 0",),
    12: ("could not allocate a management node to handle block allocation",),
    34: _FAULTS[34],
    36: ("received invalid input for end",),
    64: (r"The submitted number of seats must be between \d+ and \d+.",),
    67: ("Submitted user group does not exist",),
    77: ("Invalid blockTimesid specified",),
    86: ("ignoreprivileges must be 0 or 1",),
    202: _FAULTS[202],
    203: _FAULTS[203],
}
# Codes that bad input must reach; 205 and 206 it must not.
OF_PASSING_ON = frozenset({207, 208, 209})  # with a front end only
CODES = frozenset(set(_FAULTS) - OF_PASSING_ON)
FORBIDDEN = frozenset({205, 206})

# The page for what is not there has the staff pages' style sheets: their addresses are known to everybody.
ASSETS = re.compile(rb'(href|src)="/static/[^"]*"')
LEAKS = re.compile(
    rb"Traceback|\w(Error|Exception)\b|[Ff]ile \"|\.py\b|site-packages|/usr/|/home/|/tmp/|<(class|module|function)"
    rb"|\b(SELECT|INSERT|UPDATE|FROM)\b|sqlite|[Mm]y[Ss][Qq][Ll]|MariaDB|modernrpc|blockalloc|[Dd]jango"
    rb"|\bobject at 0x|\bb'[\\\w]|\bcodec"
)


def is_worded(code: int, text: str, *, struct: bool) -> bool:
    """Whether our code words such an error. A struct's texts are VCL's."""
    wordings = (_STRUCTS if struct else _FAULTS).get(code, ())
    return any(re.fullmatch(wording, text, re.DOTALL) for wording in wordings)
