"""The promises of the door, judged for one request and its answer."""

import logging
import re
import xmlrpc.client
from dataclasses import dataclass, replace
from typing import Any

from verification.fuzz import rows, wording
from verification.fuzz.door import Answer
from verification.fuzz.generator import MOST_BYTES
from verification.fuzz.request import PASSWORD_MARK, FuzzRequest
from verification.fuzz.rows import Digest
from verification.fuzz.site import OTHER_PASSWORD, PASSWORD

MOST_SECONDS = 2.0
LONGEST_LINE = 600
DEEPEST = 60
# Other answers than XML-RPC, where the request was none or was not for the door: Django's refusal of a
# Host header or of a query with too many fields (400), an address that is not there (404), a verb other
# than POST (405), the staff pages and their form (200, 302, 403), the health check and static files (200, 304), the
# icon, which there is not (204).
ELSEWHERE = {200, 204, 301, 302, 304, 400, 403, 404, 405}
_REFUSED = re.compile(r"refused (?:'|\").*(?:'|\") from (\S*): \S.*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_TAGS = re.compile(rb"<(/?)[A-Za-z][^<>]*?(/?)>")
# Faults of the address, of sign-in and of reading the document.
_BEFORE_ANY_METHOD = {3, 4, 7, 8, 34, 207, 210, -32600, -32700}
_STRUCTS_OF_PROCESS = (
    {"status"}, {"status", "allocated", "unallocated"},
    {"status", "allocated", "unallocated", "warningcode", "warningmsg"},
)  # fmt: skip
_EXPLANATION = {
    "status", "allocated", "unallocated", "warningcode", "warningmsg", "computers", "funnel", "machines", "stoppedby",
    "obstacles", "remedies",
}  # fmt: skip
# How sure it is that the machines are ready: in answers about machines, under the policy `ready`.
_OUTLOOK = {"ready", "late", "minutes"}


class Broken(Exception):
    """A promise does not hold; the text says which and how."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The kind of an answer, for the table; `refusal` is the fault's or error's code, None when there is none."""

    kind: str
    refusal: int | None = None
    wrote: bool = False


def judge(request: FuzzRequest, answer: Answer, before: Digest, after: Digest) -> Verdict:
    """The verdict on an answer. Raises Broken."""
    decent(answer)
    if not re.fullmatch("[0-9a-f]{32}", answer.headers.get("X-Request-Id", "")):
        raise Broken("an answer without an id of its own")
    if answer.headers.get("Content-Type") != "text/xml; charset=utf-8":
        return _elsewhere(request, answer, before, after)
    verdict = judge_document(answer)
    _limits_hold(request, verdict.refusal)
    if verdict.refusal is None:
        _nothing_refused(answer)
        value = _value(answer)
        _rows_as_answered(request, value, before, after)
        _as_asked(request, value, before, after)
        return replace(verdict, wrote=before != after)
    if before != after:
        raise Broken(f"refused with {verdict.refusal}, and rows were written: {rows.added(before, after)}")
    logged_once(request, answer)
    return verdict


def decent(answer: Answer) -> None:
    """That an answer took little time, is no HTTP status 500, and left no secret in the log. Raises Broken."""
    _bounded(answer)
    _no_secrets(answer)
    if answer.status >= 500:
        raise Broken(f"HTTP status {answer.status}\n" + "\n".join(answer.lines))


def judge_document(answer: Answer) -> Verdict:
    """The verdict on an XML-RPC document, whatever the request. Raises Broken."""
    if answer.status != 200:
        raise Broken(f"an XML-RPC document with HTTP status {answer.status}")
    value = _value(answer)
    _no_internals(answer)
    code = _refusal(value)
    if code in wording.FORBIDDEN:
        raise Broken(f"code {code}\n" + "\n".join(answer.lines))
    if code is None:
        return Verdict(_kind(value))
    return Verdict(f"{'fault' if isinstance(value, xmlrpc.client.Fault) else 'error'} {code}", code)


def rows_fit_together(more: dict[str, int]) -> None:
    """That machines and blocks were written whole. Raises Broken."""
    if more["request"] < 0 or not more["request"] == more["reservation"] == more["blockComputers"]:
        raise Broken(f"machines by halves: {more}")
    if more["blockTimes"] < 0 or not (
        more["blockTimes"] == more["blockRequest"] == more["blockWebDate"] == more["blockWebTime"]
    ):
        raise Broken(f"a block by halves: {more}")


# --- The answer -------------------------------------------------------------------------------
def _bounded(answer: Answer) -> None:
    if answer.seconds > MOST_SECONDS:
        raise Broken(f"took {answer.seconds:.1f} s of processor time, more than {MOST_SECONDS:g}")


def _elsewhere(request: FuzzRequest, answer: Answer, before: Digest, after: Digest) -> Verdict:
    if request.is_for_the_door():
        raise Broken(f"HTTP status {answer.status} and no XML-RPC document: {answer.body[:200]!r}")
    if answer.status not in ELSEWHERE:
        raise Broken(f"HTTP status {answer.status}")
    if answer.status >= 400:
        _no_internals(answer)
    if before != after:
        raise Broken(f"no call, and rows were written: {rows.added(before, after)}")
    return Verdict(f"HTTP {answer.status}")


def _value(answer: Answer) -> Any:
    """The value, or the Fault, that Python's own client finds in the answer."""
    try:
        (value,), _method = xmlrpc.client.loads(answer.body)
    except xmlrpc.client.Fault as fault:
        return fault
    except Exception as error:
        raise Broken(f"an answer that no client can read: {error!r}: {answer.body[:300]!r}") from error
    return value


def _no_internals(answer: Answer) -> None:
    if leak := wording.LEAKS.search(wording.ASSETS.sub(b"", answer.body)):
        raise Broken(f"internal text in the answer, {leak[0]!r}: {answer.body[:500]!r}")


def _refusal(value: Any) -> int | None:
    """The code, when it is a refusal in words that our code has."""
    if isinstance(value, xmlrpc.client.Fault):
        code, text, struct = value.faultCode, value.faultString, False
    elif isinstance(value, dict) and value.get("status") == "error":
        if set(value) != {"status", "errorcode", "errormsg"}:
            raise Broken(f"an error with other members: {value!r}")
        code, text, struct = value["errorcode"], value["errormsg"], True
    else:
        return None
    if code in wording.FORBIDDEN:
        return int(code)
    if not wording.is_worded(code, text, struct=struct):
        raise Broken(f"a text that is not worded for callers: {code}, {text[:500]!r}")
    return int(code)


def _kind(value: Any) -> str:
    if isinstance(value, dict):
        return f"struct {value['status']}"
    if isinstance(value, int):
        return "machines" if value else "0"
    return type(value).__name__


def _limits_hold(request: FuzzRequest, refusal: int | None) -> None:
    """That a document that is too large or too deep went no further than to the parser."""
    if refusal in _BEFORE_ANY_METHOD:
        return
    if len(request.body) > MOST_BYTES and request.length is None:
        raise Broken(f"a body of {len(request.body)} bytes was read, more than the {MOST_BYTES} that are allowed")
    if b"<!DOCTYPE" in request.body:
        raise Broken("a document with a type declaration was read")
    if (depth := _depth(request.body)) > DEEPEST:
        raise Broken(f"a document of {depth} levels was read, more than {DEEPEST}")


def _depth(body: bytes) -> int:
    """How deep elements lie in each other, counted by their tags alone."""
    depth = deepest = 0
    for closing, empty in _TAGS.findall(body):
        depth += -1 if closing else 0 if empty else 1
        deepest = max(deepest, depth)
    return deepest


# --- The rows ---------------------------------------------------------------------------------
def _rows_as_answered(request: FuzzRequest, value: Any, before: Digest, after: Digest) -> None:
    """That exactly the rows of the answer were written."""
    if isinstance(value, dict) and "funnel" in value:
        _explains(value)
        if before != after:
            raise Broken(f"an explanation, and rows were written: {rows.added(before, after)}")
        return
    more = rows.added(before, after)
    rows_fit_together(more)
    machines, new = more["request"], more["blockTimes"]
    if new > 1:
        raise Broken(f"{new} new blocks by one call")
    if more["computer"] or before["computer"] != after["computer"]:
        raise Broken("computers were changed")
    if new:
        _as_answered(rows.newest_block_time(), value, machines)
    elif machines and machines > (allocated := _allocated(value)):
        raise Broken(f"{machines} machines were written, {allocated} answered")
    elif machines and allocated not in rows.machines_by_block_time().values():
        raise Broken(f"no block time has the {allocated} machines of the answer")
    _key_as_answered(request, value, more, new)


def _explains(value: dict[str, Any]) -> None:
    """That an explanation is whole, and that its stages end at the computers of the block."""
    if _members(value) != _EXPLANATION:
        raise Broken(f"an explanation with other members: {sorted(value)}")
    left = value["computers"]
    for stage in value["funnel"]:
        left -= stage["lost"]
        if stage["left"] != left or not stage["lost"]:
            raise Broken(f"stages that do not add up: {value['funnel']}")
    if value["status"] != "completed" and left < value["allocated"]:
        raise Broken(f"{value['allocated']} machines of {left} computers")
    if bool(value["unallocated"]) != bool(value["remedies"]):
        raise Broken(f"{value['unallocated']} machines are missing, and the remedies are {value['remedies']}")


def _as_answered(block_time: int, value: Any, machines: int) -> None:
    """A new block: kept only with machines by the call that answers with a number."""
    if isinstance(value, dict) and value.get("blockTimesid") != block_time:
        raise Broken(f"a new block time {block_time}, and the answer {value!r}")
    if _allocated(value) != machines or (not isinstance(value, dict) and not machines):
        raise Broken(f"a new block time with {machines} machines, and the answer {value!r}")


def _allocated(value: Any) -> int:
    if isinstance(value, dict) and _members(value) - {"blockTimesid"} in _STRUCTS_OF_PROCESS:
        return int(value.get("allocated", 0))
    return value if isinstance(value, int) else 0


def _members(value: dict[str, Any]) -> set[str]:
    """The members but for the outlook, which is there whole or not at all. Raises Broken."""
    members = set(value)
    if not members & _OUTLOOK:
        return members
    if not members > _OUTLOOK or not 0 <= value["ready"] <= 1 or value["late"] < 0 or value["minutes"] < 0:
        raise Broken(f"an outlook that is none: {value!r}")
    return members - _OUTLOOK


def _key_as_answered(request: FuzzRequest, value: Any, more: dict[str, int], new: int) -> None:
    remembered = more[rows.KEYS]
    wanted = 1 if new and not isinstance(value, dict) and request.header("X-Idempotency-Key").strip() else 0
    if remembered != wanted:
        raise Broken(f"{remembered} idempotency keys were remembered, not {wanted}")


def _as_asked(request: FuzzRequest, value: Any, before: Digest, after: Digest) -> None:
    """That values arrived unchanged: texts come back, and new blocks are at the times of the request."""
    if request.header("Content-Type") != "text/xml":  # a charset there would count more than what Python's client reads
        return
    parameters: Any
    try:
        parameters, method = xmlrpc.client.loads(request.body)
    except Exception:  # not as Python's own client spells it: then others of its kind are
        return
    if method == "XMLRPCtest" and isinstance(parameters[0], str) and parameters[0] != value["string"]:
        raise Broken(f"{parameters[0]!r} came back as {value['string']!r}")
    if method == "XMLRPCblockAllocation" and isinstance(value, int) and before["blockTimes"] != after["blockTimes"]:
        asked, stored = [int(each) for each in parameters[1:3]], rows.newest_times()
        if asked != stored:
            raise Broken(f"a block from {asked[0]} to {asked[1]} was asked for, {stored} are its times")


# --- The log ----------------------------------------------------------------------------------
def _no_secrets(answer: Answer) -> None:
    for line in answer.lines:
        for secret in (PASSWORD, OTHER_PASSWORD, PASSWORD_MARK):
            if secret in line:
                raise Broken(f"a password in the log: {line}")
        if "Traceback" not in line and _CONTROL.search(line):
            raise Broken(f"a control character in the log: {line!r}")


def warnings(answer: Answer) -> list[logging.LogRecord]:
    """The records that an operator would see."""
    return [record for record in answer.records if record.levelno >= logging.WARNING]


def _nothing_refused(answer: Answer) -> None:
    if warnings(answer):
        raise Broken("not refused, and the log warns:\n" + "\n".join(answer.lines))


def logged_once(request: FuzzRequest, answer: Answer) -> None:
    """That the log has one line of a refusal, with the user, the address and the reason. Raises Broken."""
    records = warnings(answer)
    if len(records) != 1 or records[0].levelno != logging.WARNING or not records[0].name.startswith("blockalloc"):
        raise Broken(f"a refusal is in the log {len(records)} times, not once:\n" + "\n".join(answer.lines))
    text = records[0].getMessage()
    matched = _REFUSED.fullmatch(text)
    if not matched:
        raise Broken(f"a refusal is logged without who, from where and why: {text!r}")
    if not request.header("X-Forwarded-For") and matched[1] != request.peer[:60]:
        raise Broken(f"a refusal is logged with another address than {request.peer!r}: {text!r}")
    if len(text) > LONGEST_LINE:
        raise Broken(f"a log line of {len(text)} characters: {text[:200]!r}…")
