"""Calls that this service does not answer are passed on to the front end, with the caller's own name and password.

The front end authenticates the caller, and its refusals (faults 3, 7, 8, 34) are the answer. Failed sign-ins count here
too, and callers who are locked out are not passed on: otherwise passwords could be guessed this way.
"""

import hashlib
import re
import time
from collections.abc import Mapping
from typing import NamedTuple

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse

from blockalloc.contract.refusals import BUSY
from blockalloc.measures import passed_on
from blockalloc.rpc.authentication import ACCESS_DENIED, begin_attempt, claimed_user
from blockalloc.rpc.wire import RequestRefused
from blockalloc.version import VERSION
from blockalloc.web.front_end import answers, http, method_name, seats
from vclsite.front_end import MAX_CONCURRENT_CALLS
from vclsite.logs import request_id

NO_ANSWER, CROSSED = 208, 209
REFUSALS = (ACCESS_DENIED, 7, 8, 34)  # with which the front end turns callers away

MARKER = "X-Blockalloc-Passed-On"  # in each call that is passed on, to recognise one that comes back
_CREDENTIALS = ("X-User", "X-Pass", "X-APIVERSION")
_ENDS_A_HEADER = re.compile("[\r\n\0]")  # for some server on the way, even if not for the one in front of us
# PHP's strip_tags makes one name of "jdoe" and "jdoe<1>", the database one of "y" and "ü". Each spelling would have a
# count of failures of its own.
_ONE_SPELLING = re.compile(r"[ -;=-~]*")

SEATS = seats.Seats(MAX_CONCURRENT_CALLS, seats.KEPT_FOR_NODES)


def names() -> list[str]:
    """The methods that are passed on; none when there is no front end."""
    return settings.VCL_FRONT_END_METHODS if settings.VCL_FRONT_END_URL else []


def refuse_loop(request: HttpRequest) -> None:
    """Raise RequestRefused (fault 209) for a call that was passed on by this service and has come back to it."""
    if MARKER in request.headers:
        raise RequestRefused(
            CROSSED,
            "a call that this service passed on to VCL's front end came back to it: the addresses are crossed. "
            "VCL_FRONT_END_URL has to be the front end's own address, and must not lead here; xmlrpc_url of the "
            "management nodes is the one that leads here",
        )


class PassedOn(NamedTuple):
    """The front end's answer, and the code of the fault when it is one."""

    response: HttpResponse
    fault: int | None


def method_of(request: HttpRequest, body: bytes) -> str:
    """The method, when the call is one that is passed on; else ""."""
    return method_name.method_to_pass_on(request, body, names())


def pass_on(method: str, request: HttpRequest, body: bytes, address: str) -> PassedOn:
    """Pass on a call of such a method; the front end's answer. `address` is the caller's.

    Raises RequestRefused: fault 3 (credentials that are no header), 205 (too many at a time), 207 (locked out),
    208 (no answer from the front end).
    """
    began, outcome = time.monotonic(), passed_on.Outcome.UNANSWERED
    try:
        answer = _passed_on(method, request, body, address)
        outcome = passed_on.Outcome.REFUSED if answer.fault in REFUSALS else passed_on.Outcome.ANSWERED
    except RequestRefused as refused:
        if refused.code != NO_ANSWER:
            outcome = passed_on.Outcome.REFUSED
        raise
    finally:
        passed_on.count(outcome, time.monotonic() - began)
    return answer


def _passed_on(method: str, request: HttpRequest, body: bytes, address: str) -> PassedOn:
    user = claimed_user(request)
    attempt = begin_attempt(user, address)
    if problem := _problem_of_credentials(request):
        attempt.failed()
        raise RequestRefused(ACCESS_DENIED, "Access denied", f"{method}: {problem}")
    answer = _answer(method, _headers(request, address), body, address)
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()  # the database may have ended it in the meantime
    try:
        code = _fault_code(method, answer)
    except RequestRefused:
        if answers.speaks_of_fault(answer.body, ACCESS_DENIED):
            attempt.failed()
        raise
    if code == ACCESS_DENIED:
        attempt.failed()
    kind = answers.media_type(answer.headers.get("Content-Type", ""))
    return PassedOn(HttpResponse(answer.body, content_type=kind), code)


def _problem_of_credentials(request: HttpRequest) -> str:
    """Why these credentials are not passed on; "" when they may be."""
    for name in _CREDENTIALS:
        if _ENDS_A_HEADER.search(request.headers.get(name, "")):
            return f"{name} has a line end or a NUL in it"
    if not _ONE_SPELLING.fullmatch(request.headers.get("X-User", "")):
        return "X-User has characters that VCL's front end drops or takes for others"
    return ""


def _headers(request: HttpRequest, address: str) -> dict[str, str]:
    """All headers that the front end gets. Of the caller's own headers, only the credentials."""
    credentials = {name: request.headers[name] for name in _CREDENTIALS if name in request.headers}
    # Not the caller's Content-Type: PHP would take parameters, even `mode`, from the body of a form.
    return credentials | {
        "Content-Type": "text/xml",
        "Accept-Encoding": "identity",
        "User-Agent": f"blockalloc/{VERSION}",
        "X-Forwarded-For": address,
        request_id.HEADER: request_id.current(),
        MARKER: "1",
    }


def _answer(method: str, headers: Mapping[str, str], body: bytes, address: str) -> http.HttpAnswer:
    front_end = http.front_end(settings.VCL_FRONT_END_URL, settings.VCL_FRONT_END_CA, _caller(headers, address))
    try:
        with SEATS.taken(by_node=seats.is_management_node(address)):
            return front_end.post(headers, body)
    except seats.NoSeat:
        text = f"{method}: busy, as many calls as may be are being passed on to VCL's front end: try again"
        raise RequestRefused(BUSY, text) from None
    except http.NoAnswer as error:
        raise _no_answer(method, str(error), error.detail) from error


def _caller(headers: Mapping[str, str], address: str) -> str:
    """The caller, as the key of kept connections. A hash, so that no password stays in memory."""
    who = (address, *(headers.get(name) for name in _CREDENTIALS))
    return hashlib.sha256(repr(who).encode()).hexdigest()


def _fault_code(method: str, answer: http.HttpAnswer) -> int | None:
    """The fault code of a complete answer, None without a fault. Raises RequestRefused when it is not XML-RPC."""
    if answer.status != 200:
        moved = ", a redirect, which is not followed" if 300 <= answer.status < 400 else ""
        raise _no_answer(method, f"answered with HTTP status {answer.status}{moved}")
    if answer.headers.get("Content-Encoding", "identity") != "identity":
        raise _no_answer(method, "answered in an encoding that was not asked for")
    try:
        return answers.fault_code(answer.body)
    except answers.NotAnAnswer as error:
        problem = "answered with something else than XML-RPC"
        raise _no_answer(method, problem, f"{problem}: {error}") from error


def _no_answer(method: str, problem: str, detail: str = "") -> RequestRefused:
    who = f"{method}: VCL's front end, to which these calls are passed on,"
    return RequestRefused(NO_ANSWER, f"{who} {problem}", f"{who} {detail or problem}")
