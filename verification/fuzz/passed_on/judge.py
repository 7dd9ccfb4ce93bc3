"""The promises about calls that are passed on, judged by a request, the calls to the front end, and the answer."""

import re
from collections import Counter
from collections.abc import Sequence

from tests.support.servers.front_end_server import Received
from verification.fuzz import judge
from verification.fuzz.door import Answer
from verification.fuzz.judge import Broken, Verdict
from verification.fuzz.passed_on import reading
from verification.fuzz.passed_on.calls import GUESS, MARKER, METHODS, ODD, PLACES, SURE
from verification.fuzz.passed_on.front_end import MARK, Passed
from verification.fuzz.request import FuzzRequest
from verification.fuzz.rows import Digest

LOCKOUT_FAILURES = 3  # the setting of the door
CREDENTIALS = ("X-User", "X-Pass", "X-APIVERSION")
_LINE = re.compile(rb"POST /vcl/index\.php\?mode=xmlrpccall HTTP/1\.1\r\n")
_HEADER = re.compile(rb"([A-Za-z-]+): ([^\r\n\0]*)\r\n")
_OURS = {
    b"host": rb"localhost:\d+", b"content-type": b"text/xml", b"accept-encoding": b"identity",
    b"user-agent": rb"blockalloc/[\d.]+", b"x-blockalloc-passed-on": b"1", b"content-length": rb"\d+",
    b"x-forwarded-for": rb".*", b"x-request-id": rb"[0-9a-f]{32}",
}  # fmt: skip
_PLAIN_NAME = re.compile("[ -;=-~]*")
_XML = re.compile(r"(text|application)/xml(; charset=[\w-]+)?")
_REFUSALS = (3, 7, 8, 34)  # of the front end, that are logged
_BY_FRONT_END = re.compile(r"refused (?:'|\").*(?:'|\") from (\S*): (\w+): (\d+), by VCL's front end")
_LOCK_OUT = re.compile(r"lock-out of .* begins: \d+ failed sign-ins within \d+ seconds", re.DOTALL)


class PassingJudge:
    """Judges a run. It counts the failures of those who guess passwords at the front end, to know who is locked out."""

    def __init__(self) -> None:
        self._failures: Counter[tuple[str, ...]] = Counter()

    def new_site(self) -> None:
        """The counts of failures are gone."""
        self._failures.clear()

    def judge(
        self, request: FuzzRequest, answer: Answer, got: Sequence[Passed], before: Digest, after: Digest
    ) -> Verdict:
        """The verdict on an answer; `got` are the calls to the front end meanwhile. Raises Broken."""
        judge.decent(answer)
        nothing_of_its_own(answer)
        if not got:
            return self._not_passed_on(request, answer, before, after)
        if len(got) > 1:
            raise Broken(f"one request, and the front end got {len(got)} calls")
        if before != after:
            raise Broken("a call was passed on, and rows were written here")
        if any(name.lower() == MARKER.lower() for name, _text in request.headers):
            raise Broken("a call that came back was passed on again")
        if _has_odd_name(request):
            raise Broken("a name was passed on of which the front end makes another one")
        (passed,) = got
        arrived(passed.call, request.header("Content-Type"))
        _as_sent(request, passed.call)
        if self._is_locked_out(request):
            raise Broken(f"a guess was passed on after {LOCKOUT_FAILURES} failures")
        return self._came_back(request, answer, passed)

    def _not_passed_on(self, request: FuzzRequest, answer: Answer, before: Digest, after: Digest) -> Verdict:
        if MARK.encode() in answer.body:
            raise Broken(f"words of the front end, which got no call: {answer.body[:300]!r}")
        locked_out = self._is_locked_out(request)
        if request.recipe in (ODD, GUESS) and _has_odd_name(request) and not locked_out:
            return self._odd_name(request, answer)
        verdict = judge.judge(request, answer, before, after)
        if request.recipe in (SURE, GUESS) and not locked_out:
            raise Broken(f"a call was not passed on, the answer is {verdict.kind}: {answer.body[:500]!r}")
        if locked_out and verdict.refusal != 207:
            raise Broken(f"a guess after {LOCKOUT_FAILURES} failures was answered with {verdict.kind}")
        return verdict

    def _odd_name(self, request: FuzzRequest, answer: Answer) -> Verdict:
        verdict = judge.judge_document(answer)
        if verdict.refusal != 3:
            raise Broken(f"a name of which the front end makes another one was answered with {verdict.kind}")
        lines = [record.getMessage() for record in judge.warnings(answer)]
        if self._fails(request):
            lines = [text for text in lines if not _LOCK_OUT.fullmatch(text)]
        if len(lines) != 1 or "X-User has characters" not in lines[0]:
            raise Broken(f"such a name is not logged once, with the reason: {lines}")
        return Verdict("odd name: 3", 3)

    def _came_back(self, request: FuzzRequest, answer: Answer, passed: Passed) -> Verdict:
        if passed.document is None:
            if MARK.encode() in answer.body:
                raise Broken(f"words of the front end in a refusal of ours: {answer.body[:300]!r}")
            verdict = judge.judge_document(answer)
            if verdict.refusal != 208:
                raise Broken(f"a bad answer of the front end became {verdict.kind}")
            judge.logged_once(request, answer)
            return Verdict("passed on: 208", 208)
        if answer.body != passed.document or answer.status != 200:
            raise Broken(f"not the front end's answer to this call: HTTP {answer.status}, {answer.body[:500]!r}")
        warnings = [record.getMessage() for record in judge.warnings(answer)]
        if passed.fault == 3 and self._fails(request):
            warnings = [text for text in warnings if not _LOCK_OUT.fullmatch(text)]
        _refusal_is_logged(request, passed, warnings)
        return Verdict("passed on: answer" if passed.fault is None else f"passed on: fault {passed.fault}")

    # --- Lock-out -----------------------------------------------------------------------------
    def _is_locked_out(self, request: FuzzRequest) -> bool:
        return any(self._failures[key] >= LOCKOUT_FAILURES for key in _keys(request))

    def _fails(self, request: FuzzRequest) -> bool:
        """Count a failure; whether a lock-out may begin with it."""
        self._failures.update(_keys(request))
        return request.recipe != GUESS or self._is_locked_out(request)


def _has_odd_name(request: FuzzRequest) -> bool:
    return not _PLAIN_NAME.fullmatch(request.header("X-User"))


def _keys(request: FuzzRequest) -> list[tuple[str, ...]]:
    """The counters of a guess: of an address (an IPv6 network is one), and of a name there."""
    if request.recipe != GUESS:
        return []
    place = "2001:db8:77" if ":" in request.peer else request.peer
    assert request.peer in PLACES
    name = "guesser2" if "2" in request.header("X-User") else "guesser"
    return [(place,), (place, name)]


# --- What the front end got -------------------------------------------------------------------
def arrived(call: Received, content_type: str) -> None:
    """That a call is one that may be passed on, and in our words but for the credentials. Raises Broken.

    `content_type` is the caller's.
    """
    if problem := reading.problem(call.body, content_type, METHODS):
        raise Broken(f"passed on, and {problem}: {call.body[:500]!r}")
    headers = _headers(call.head)
    for name, text in headers.items():
        wanted = _OURS.get(name, rb".*" if name in _lower(CREDENTIALS) else None)
        if wanted is None or not re.fullmatch(wanted, text, re.DOTALL):
            raise Broken(f"the front end got the header {name!r}: {text[:200]!r}")
    if missing := _OURS.keys() - headers.keys():
        raise Broken(f"the front end did not get {sorted(missing)}")
    if headers[b"content-length"] != b"%d" % len(call.body):
        raise Broken(f"a Content-Length of {headers[b'content-length']!r} for {len(call.body)} bytes")


def _headers(head: bytes) -> dict[bytes, bytes]:
    """The headers by their names in small letters. Raises Broken for a head that is not plain, or repeats one."""
    first, *lines = head.splitlines(keepends=True) if b"\r" not in head.replace(b"\r\n", b"") else [head]
    matched = [_HEADER.fullmatch(line) for line in re.findall(rb"[^\n]*\n", head)[1:-1]]
    if not _LINE.fullmatch(first) or None in matched or not lines or lines[-1] != b"\r\n":
        raise Broken(f"the front end got a head that is not plain: {head[:800]!r}")
    headers: dict[bytes, bytes] = {}
    for line in matched:
        assert line is not None
        if line[1].lower() in headers:
            raise Broken(f"the front end got {line[1]!r} twice")
        headers[line[1].lower()] = line[2]
    return headers


def _lower(names: Sequence[str]) -> list[bytes]:
    return [name.lower().encode() for name in names]


def _as_sent(request: FuzzRequest, call: Received) -> None:
    """That body and credentials are those of the request. Raises Broken."""
    length = "" if request.chunked else request.length or ""
    whole = request.body[: int(length)] if length.isascii() and length.isdigit() else request.body
    if call.body != whole:
        raise Broken(f"other bytes were passed on than were sent: {call.body[:500]!r}")
    headers = _headers(call.head)
    sent = {name.lower() for name, _value in request.headers}
    for name in CREDENTIALS:
        wanted = request.header(name).encode("latin-1").strip(b" \t") if name.lower() in sent else None
        came = headers.get(name.lower().encode())
        if (came is None) != (wanted is None) or (came or b"").strip(b" \t") != (wanted or b""):
            raise Broken(f"{name} was {wanted!r}, the front end got {came!r}")
    # Behind a proxy the address comes from the proxy, which has tests of its own.
    if request.recipe in (SURE, GUESS) and headers[b"x-forwarded-for"] != request.peer.encode():
        raise Broken(f"the front end got the address {headers[b'x-forwarded-for']!r}, not {request.peer!r}")


# --- What came back ---------------------------------------------------------------------------
def nothing_of_its_own(answer: Answer) -> None:
    """That no header is the front end's, and that nobody's browser would render the answer. Raises Broken."""
    for name, text in answer.headers.items():
        if MARK in text:
            raise Broken(f"a header of the front end came back: {name}: {text[:200]}")
    if MARK.encode() in answer.body and not _XML.fullmatch(answer.headers.get("Content-Type", "")):
        raise Broken(f"an answer of the front end as {answer.headers.get('Content-Type')!r}")


def _refusal_is_logged(request: FuzzRequest, passed: Passed, warnings: Sequence[str]) -> None:
    if passed.fault not in _REFUSALS:
        if warnings:
            raise Broken(f"not refused, and the log warns: {warnings}")
        return
    matched = _BY_FRONT_END.fullmatch(warnings[0]) if len(warnings) == 1 else None
    if not matched or matched[2] not in METHODS or matched[3] != str(passed.fault):
        raise Broken(f"a refusal of the front end is not logged once, with who, from where, what and why: {warnings}")
    if not request.header("X-Forwarded-For") and matched[1] != request.peer[:60]:
        raise Broken(f"a refusal is logged with another address than {request.peer!r}: {warnings}")
