"""Calls that are passed on to VCL's front end: what goes there, what comes back, and what becomes of a bad answer.

The front end is a double on a real socket. With the real server and real clients: tests/web/test_front_end_live.py.
"""

import socket
import time
import xmlrpc.client
from collections.abc import Iterable, Iterator
from urllib.parse import unquote_to_bytes

import pytest
from django.http import HttpResponse
from django.test import Client, RequestFactory
from pytest_django import Settings

from blockalloc.models import LocalAuth, ManagementNode, User
from blockalloc.version import VERSION
from blockalloc.web.front_end import http, passing_on, seats, trial
from blockalloc.web.front_end.method_name import method_to_pass_on
from tests.support.rpc_calls import SIGNED_IN, call, document, fault_of, post
from tests.support.servers.front_end_server import (
    Behaviour,
    FrontEndServer,
    always,
    fault,
    slow,
    until,
    value,
    well_behaved,
)
from tests.support.servers.front_end_server import http as answered
from tests.support.sites.accounts import give_password
from vclsite.front_end import ANSWER_SECONDS

pytestmark = [pytest.mark.django_db, pytest.mark.once(on="mariadb")]
METHODS = ["XMLRPCautoCapture", "XMLRPCcheckCryptSecrets", "XMLRPCfinishBaseImageCapture"]
CAPTURE = document("XMLRPCautoCapture", 17)


@pytest.fixture
def front_end(settings: Settings) -> Iterator[FrontEndServer]:
    """A front end that behaves well, until the test says otherwise."""
    with FrontEndServer(well_behaved) as server:
        settings.VCL_FRONT_END_URL = server.url
        settings.VCL_FRONT_END_METHODS = METHODS
        yield server


@pytest.fixture(autouse=True)
def vclsystem() -> LocalAuth:
    """An account for calls that are ours."""
    return give_password(User.objects.get(unityid="vclsystem"), b"p4ss")


def passed(body: str | bytes = CAPTURE, **options: object) -> HttpResponse:
    """The answer to a call."""
    return post(body, **options)  # type: ignore[arg-type]


def value_of(response: HttpResponse) -> object:
    """The value in the answer. Raises xmlrpc.client.Fault."""
    assert response.status_code == 200
    (found,), _method = xmlrpc.client.loads(response.content)
    return found


# --- What goes there --------------------------------------------------------------------------
@pytest.mark.parametrize(
    "path", ["/xmlrpc/", "/index.php?mode=xmlrpccall", "/some/where/index.php?x=1&mode=xmlrpccall"]
)
@pytest.mark.parametrize("method", METHODS)
def test_a_call_goes_to_exactly_the_front_ends_address(front_end: FrontEndServer, path: str, method: str) -> None:
    body = document(method, 17, "x" * 20_000)
    assert value_of(passed(body, path=path)) == {"status": "success", "method": method, "user": "vclsystem"}
    (call,) = front_end.received
    assert call.target == "/vcl/index.php?mode=xmlrpccall"
    assert call.body == body.encode()


def test_only_the_callers_credentials_go_with_it(front_end: FrontEndServer) -> None:
    more = {"Cookie": "sessionid=x", "Authorization": "Basic eA==", "X-Forwarded-For": "10.9.9.9", "Via": "1.1 x"}
    also = {"X-Idempotency-Key": "k", "Accept-Encoding": "gzip", "User-Agent": "me", "X-Request-Id": "mine"}
    answer = passed(headers={**SIGNED_IN, **more, **also})
    (call,) = front_end.received
    assert {name.lower(): text for name, text in call.headers} == {
        "host": f"localhost:{front_end.port}",
        "content-length": str(len(CAPTURE)),
        "content-type": "text/xml",
        "accept-encoding": "identity",
        "user-agent": f"blockalloc/{VERSION}",
        "x-forwarded-for": "127.0.0.1",
        "x-request-id": answer["X-Request-Id"],
        "x-blockalloc-passed-on": "1",
        "x-user": "vclsystem",
        "x-pass": "p4ss",
        "x-apiversion": "2",
    }


def test_passwords_are_the_bytes_that_were_sent(front_end: FrontEndServer) -> None:
    passed(headers={**SIGNED_IN, "X-Pass": "p\xc3\xa4ss"})
    assert front_end.received[0].header("X-Pass") == "p\xc3\xa4ss"


def test_the_caller_needs_no_account_here(front_end: FrontEndServer) -> None:
    assert value_of(passed(headers={**SIGNED_IN, "X-User": "somebody@LDAP"})) == {
        "status": "success",
        "method": "XMLRPCautoCapture",
        "user": "somebody@LDAP",
    }


def test_connections_are_kept(front_end: FrontEndServer) -> None:
    for _ in range(5):
        passed()
    assert [call.connection for call in front_end.received] == [0] * 5


@pytest.mark.parametrize("other", [{"X-User": "next"}, {"X-Pass": "next"}, {"X-APIVERSION": "1"}, {}])
def test_connections_are_kept_for_one_caller(front_end: FrontEndServer, other: dict[str, str]) -> None:
    """Of another name, another password, another address."""
    passed()
    passed(headers={**SIGNED_IN, **other}, peer="127.0.0.1" if other else "127.0.0.2")
    passed()
    assert [call.connection for call in front_end.received] == [0, 1, 0]


def test_connections_are_kept_for_the_last_callers_only(front_end: FrontEndServer) -> None:
    for number in range(12):
        passed(headers={**SIGNED_IN, "X-User": f"caller{number}"})
    until(lambda: sum(connection.fileno() != -1 for connection in front_end._connections) == http.CALLERS)


def test_a_connection_that_was_idle_for_long_is_not_used(
    front_end: FrontEndServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "KEPT_SECONDS", 0.02)
    passed()
    time.sleep(0.05)
    passed()
    assert [call.connection for call in front_end.received] == [0, 1]


def test_a_connection_that_the_front_end_closed_is_not_used(front_end: FrontEndServer) -> None:
    passed()
    front_end._connections[0].shutdown(socket.SHUT_RDWR)
    passed()
    assert [call.connection for call in front_end.received] == [0, 1]


def test_a_connection_whose_answer_was_not_read_to_its_end_is_closed(front_end: FrontEndServer) -> None:
    front_end.behave = always(answered(value("x" * (2 * http.LONGEST_ANSWER))))
    passed()
    front_end.behave = well_behaved
    passed()
    assert [call.connection for call in front_end.received] == [0, 1]


@pytest.mark.parametrize("name", ["X-User", "X-Pass", "X-APIVERSION"])
@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\n ", "\0"])
def test_credentials_are_one_header(
    front_end: FrontEndServer, name: str, end: str, caplog: pytest.LogCaptureFixture
) -> None:
    """No server hands on such headers; if one did, they must not become others."""
    assert fault_of(passed(headers={**SIGNED_IN, name: f"p4ss{end}X-User: somebody"}))[0] == 3
    assert front_end.received == []
    assert f"{name} has a line end" in caplog.text
    assert "p4ss" not in caplog.text or name == "X-User"


# --- What comes back --------------------------------------------------------------------------
@pytest.mark.parametrize(
    "body",
    [
        value("ä"),
        b"<?xml version='1.0'?>\r\n<methodResponse>\r\n<params/></methodResponse>\n\n",
        value("x" * 2_000_000),
        fault(3, "Access denied"),
        fault(7, "Unknown API version"),
        fault(8, "Unsupported API version"),
        fault(34, "access denied"),
        fault(209, "crossed further on"),
    ],
    ids=["latin-1", "line ends", "2 MB", "3", "7", "8", "34", "209"],
)
def test_an_answer_comes_back_byte_for_byte(front_end: FrontEndServer, body: bytes) -> None:
    front_end.behave = always(answered(body))
    response = passed()
    assert response.status_code == 200
    assert response.content == body
    assert response["Content-Type"] == "text/xml"


@pytest.mark.parametrize("size", [http.LONGEST_ANSWER, http.LONGEST_ANSWER + 1])
def test_the_longest_answer(front_end: FrontEndServer, size: int) -> None:
    empty = len(value(""))
    front_end.behave = always(answered(value("x" * (size - empty))))
    if size <= http.LONGEST_ANSWER:
        assert len(passed().content) == size
    else:
        assert fault_of(passed())[0] == 208


def test_an_answer_in_chunks(front_end: FrontEndServer) -> None:
    body = value("x" * 100)
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: text/xml; charset=iso-8859-1\r\n\r\n"
    front_end.behave = always(
        head, b"%x\r\n%s\r\n" % (50, body[:50]), 0.01, b"%x\r\n%s\r\n0\r\n\r\n" % (len(body) - 50, body[50:])
    )
    response = passed()
    assert response.content == body
    assert response["Content-Type"] == "text/xml; charset=iso-8859-1"


@pytest.mark.parametrize(
    "media_type",
    ["text/html; charset=utf-8", "image/svg+xml", "text/xml; x=<script>", "text/xml; charset=utf-7", ""],
)
def test_no_answer_is_anything_that_a_browser_renders(front_end: FrontEndServer, media_type: str) -> None:
    more = f"Set-Cookie: a=b\r\nX-More: 1\r\nContent-Length: {len(value(1))}"
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {media_type}\r\n{more}\r\n\r\n"
    front_end.behave = always(head.encode() + value(1))
    response = passed()
    assert response["Content-Type"] == "text/xml"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert not response.cookies
    assert "X-More" not in response


# --- Bad answers ------------------------------------------------------------------------------
BAD = {
    "nothing": (always(b""), "broke off the connection"),
    "no HTTP": (always(b"hello\r\n\r\n"), "broke off the connection"),
    "short": (always(answered(value(1), length=5000)), "broke off the connection"),
    "long": (always(answered(value(1), length=len(value(1)) - 20)), "answered with something else than XML-RPC"),
    "two lengths": (
        always(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 900\r\n\r\n" + value(1)),
        "broke off the connection",
    ),
    "bad chunks": (always(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), "broke off the connection"),
    "no length": (always(b"HTTP/1.1 200 OK\r\n\r\n" + value(1)[:-20]), "answered with something else than XML-RPC"),
    "redirect": (
        always(answered(b"", status="302 Found", more="Location: http://127.0.0.1:9/index.php\r\n")),
        "answered with HTTP status 302, a redirect, which is not followed",
    ),
    "307": (
        always(answered(b"", status="307 Temporary Redirect", more="Location: /elsewhere\r\n")),
        "answered with HTTP status 307, a redirect, which is not followed",
    ),
    "error": (always(answered(b"<h1>Oops</h1>", status="500 Oops")), "answered with HTTP status 500"),
    "unwanted": (always(answered(value(1), status="401 No")), "answered with HTTP status 401"),
    "a part": (always(answered(value(1), status="206 Partial Content")), "answered with HTTP status 206"),
    "HTML": (always(answered(b"<html><body>hello</body></html>")), "answered with something else than XML-RPC"),
    "text": (
        always(answered(b"No authentication mechanism found for passed in X-User")),
        "answered with something else than XML-RPC",
    ),
    "warning before": (
        always(answered(b"<b>Warning</b>: x\n" + value(1))),
        "answered with something else than XML-RPC",
    ),
    "empty": (always(answered(b"")), "answered with something else than XML-RPC"),
    "a call": (always(answered(CAPTURE.encode())), "answered with something else than XML-RPC"),
    "no params": (always(answered(b"<methodResponse/>")), "answered with something else than XML-RPC"),
    "entities": (
        always(answered(b'<!DOCTYPE x [<!ENTITY a "b">]><methodResponse><params>&a;</params></methodResponse>')),
        "answered with something else than XML-RPC",
    ),
    "bad fault": (
        always(answered(b"<methodResponse><fault><value><int>x</int></value></fault></methodResponse>")),
        "answered with something else than XML-RPC",
    ),
    "compressed": (always(answered(value(1), more="Content-Encoding: gzip\r\n")), "answered in an encoding"),
    "unknown encoding": (
        always(answered(b"<?xml version='1.0' encoding='bogus'?><methodResponse><params/></methodResponse>")),
        "answered with something else than XML-RPC",
    ),
}


@pytest.mark.parametrize(("behave", "did"), BAD.values(), ids=BAD.keys())
def test_a_bad_answer_is_fault_208_and_logged_once(
    front_end: FrontEndServer, behave: Behaviour, did: str, caplog: pytest.LogCaptureFixture
) -> None:
    front_end.behave = lambda server, call_: _then_closes(behave(server, call_))
    code, text = fault_of(passed())
    assert (code, did in text) == (208, True), text
    assert text.startswith("XMLRPCautoCapture: VCL's front end")
    (record,) = [record for record in caplog.records if record.name.startswith("blockalloc")]
    assert record.getMessage().startswith("refused 'vclsystem' from 127.0.0.1: 208, XMLRPCautoCapture: VCL")
    assert SIGNED_IN["X-Pass"] not in caplog.text
    # Nothing of it stays behind for the next caller.
    front_end.behave = well_behaved
    assert value_of(passed(headers={**SIGNED_IN, "X-User": "next"}))["user"] == "next"  # type: ignore[index]


def test_what_a_front_end_says_unasked_is_nobodys_answer(front_end: FrontEndServer) -> None:
    """An answer with another one after it: the next caller must not get that."""
    front_end.behave = lambda _server, _call: answered(value("first")) + answered(value("stale"))
    assert value_of(passed()) == "first"
    front_end.behave = well_behaved
    assert value_of(passed())["user"] == "vclsystem"  # type: ignore[index]


def test_a_late_rest_of_an_answer_is_nobodys_answer(front_end: FrontEndServer) -> None:
    front_end.behave = always(answered(value("first")), 0.05, answered(value("stale")))
    assert value_of(passed()) == "first"
    time.sleep(0.1)
    front_end.behave = well_behaved
    assert value_of(passed())["user"] == "vclsystem"  # type: ignore[index]


def test_a_rest_that_is_later_still_is_no_other_callers_answer(front_end: FrontEndServer) -> None:
    """It comes while the next call is on its way."""
    for number in range(3):
        front_end.behave = always(answered(value("first")), 0.05, answered(value("stale")))
        assert value_of(passed()) == "first"
        front_end.behave = slow(0.1)
        found = value_of(passed(headers={**SIGNED_IN, "X-User": f"next{number}"}))
        assert found["user"] == f"next{number}"  # type: ignore[index]
        time.sleep(0.1)


def test_a_header_that_can_not_be_sent_is_no_answer_and_is_not_quoted(front_end: FrontEndServer) -> None:
    with pytest.raises(http.NoAnswer) as refused:
        http.FrontEnd(front_end.url).post({"X-Pass": "p4ss\n"}, CAPTURE.encode())
    assert "p4ss" not in f"{refused.value} {refused.value.detail}"
    assert front_end.received == []


def test_an_error_of_our_own_is_a_fault_and_no_page(
    front_end: FrontEndServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(seats, "is_management_node", lambda _address: 1 / 0)
    assert fault_of(passed()) == (206, "internal error (logged)")
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize(
    "repeat",
    [
        always(b"X-Pass: s3cret\r\n\r\n"),
        always(b"HTTP/1.1 200 OK\r\nX-Pass s3cret\r\n\r\n"),
        always(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\ns3cret\r\n"),
        always(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: s3cret\r\n\r\n"),
        always(answered(b"<s3cret/>")),
        always(answered(b"<?xml version='1.0' encoding='s3cret'?><a/>")),
    ],
    ids=["status", "header", "chunk", "length", "root", "encoding"],
)
def test_a_front_end_that_repeats_the_password_does_not_get_it_into_the_log(
    front_end: FrontEndServer, repeat: Behaviour, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    front_end.behave = lambda server, call_: _then_closes(repeat(server, call_))
    code, text = fault_of(passed(headers={**SIGNED_IN, "X-Pass": "s3cret"}))
    assert code == 208
    assert "s3cret" not in text + caplog.text + "".join(capfd.readouterr())
    assert len(caplog.records) == 1


def _then_closes(parts: "bytes | Iterable[bytes | float]") -> Iterator[bytes | float]:
    yield from [parts] if isinstance(parts, bytes) else parts
    raise OSError("closes the connection")


def test_a_front_end_that_is_down(
    front_end: FrontEndServer, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    settings.VCL_FRONT_END_URL = f"http://127.0.0.1:{port}/index.php"
    code, text = fault_of(passed())
    assert (code, "cannot be reached" in text) == (208, True)
    assert str(port) not in text
    assert caplog.messages[-1].endswith("cannot be reached: [Errno 111] Connection refused")


def test_a_name_that_is_not_known(front_end: FrontEndServer, settings: Settings) -> None:
    settings.VCL_FRONT_END_URL = "http://front-end.invalid/index.php"
    code, text = fault_of(passed())
    assert (code, "cannot be reached" in text) == (208, True)


def _dripping(drop: bytes) -> list[bytes | float]:
    return [0.05, drop] * 90


@pytest.mark.parametrize(
    "behave",
    [
        slow(30),
        always(b"HTTP/1.1 200 OK\r\n", *_dripping(b"X-Drip: 1\r\n")),
        always(answered(b"", length=9), *_dripping(b" ")),
    ],
    ids=["silent", "drips headers", "drips the body"],
)
def test_a_slow_front_end_has_its_time_and_no_longer(
    front_end: FrontEndServer, behave: Behaviour, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http.FrontEnd.post, "__defaults__", (0.3,))
    front_end.behave = behave
    begun = time.monotonic()
    code, text = fault_of(passed())
    assert (code, "did not answer within 0.3 seconds" in text) == (208, True), text
    assert 0.25 < time.monotonic() - begun < 1.5


def test_a_front_end_that_reads_nothing(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http.FrontEnd.post, "__defaults__", (0.3,))
    settings.VCL_MAX_BODY_BYTES = 10_000_000
    settings.VCL_FRONT_END_METHODS = METHODS
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        settings.VCL_FRONT_END_URL = f"http://127.0.0.1:{deaf.getsockname()[1]}/index.php"
        code, text = fault_of(passed(document("XMLRPCautoCapture", "x" * 9_000_000)))
    assert (code, "did not answer within 0.3 seconds" in text) == (208, True), text


def test_the_times_are_those_that_the_back_end_allows() -> None:
    assert http.CONNECT_SECONDS == 5
    assert ANSWER_SECONDS == 170
    assert http.FrontEnd.post.__defaults__ == (170,)


# --- Sign-in and lock-out ---------------------------------------------------------------------
def test_sign_ins_that_the_front_end_refuses_lock_out(
    front_end: FrontEndServer, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.VCL_LOCKOUT_FAILURES = 3
    wrong = {**SIGNED_IN, "X-Pass": "wrong"}
    for _ in range(3):
        with pytest.raises(xmlrpc.client.Fault, match="Access denied"):
            value_of(passed(headers=wrong))
    refusals = [record.getMessage() for record in caplog.records if "refused" in record.getMessage()]
    assert refusals == ["refused 'vclsystem' from 127.0.0.1: XMLRPCautoCapture: 3, by VCL's front end"] * 3
    # Nothing is passed on any more, and no method of ours lets in either: it is one lock-out.
    assert fault_of(passed())[0] == 207
    assert fault_of(post(document("XMLRPCtest", "x")))[0] == 207
    assert len(front_end.received) == 3
    assert "wrong" not in caplog.text


def test_names_that_are_one_for_a_database_count_together(front_end: FrontEndServer, settings: Settings) -> None:
    settings.VCL_LOCKOUT_FAILURES = 3
    for user in ("gu\xc3\xa9sser", "GUESSER@Local", "gu\xe9sser"):
        passed(headers={**SIGNED_IN, "X-User": user, "X-Pass": "wrong"})
        call("XMLRPCtest", "x")  # somebody else signs in, which ends the count of the address
    assert fault_of(passed(headers={**SIGNED_IN, "X-User": "guesser"}))[0] == 207
    assert len(front_end.received) == 1  # letters beyond ASCII are not passed on


@pytest.mark.parametrize(
    "name", ["vclsystem<{}", "vcl<b{}>system", "<{}>vclsystem", "vcls\xfcstem{}", "vclsystem\x01{}"]
)
def test_one_name_has_one_spelling(front_end: FrontEndServer, settings: Settings, name: str) -> None:
    """PHP drops what looks like a tag: else each spelling would have guesses of its own."""
    settings.VCL_LOCKOUT_FAILURES = 3
    for number in range(3):
        assert fault_of(passed(headers={**SIGNED_IN, "X-User": name.format(number)}))[0] == 3
    assert fault_of(passed())[0] == 207
    assert front_end.received == []


@pytest.mark.parametrize("status", ["200 OK", "500 Oops"])
def test_a_refusal_behind_a_warning_of_php_counts(front_end: FrontEndServer, settings: Settings, status: str) -> None:
    settings.VCL_LOCKOUT_FAILURES = 3
    warning = b"<br />\n<b>Warning</b>: ldap_bind(): Invalid credentials\n"
    front_end.behave = always(answered(warning + fault(3, "Access denied"), status=status))
    assert [fault_of(passed())[0] for _ in range(4)] == [208, 208, 208, 207]
    front_end.behave = always(answered(warning + fault(34, "Access denied")))
    other = {**SIGNED_IN, "X-User": "other"}
    assert [fault_of(passed(headers=other, peer="127.0.0.2"))[0] for _ in range(4)] == [208] * 4


def test_failures_here_keep_calls_from_being_passed_on(front_end: FrontEndServer, settings: Settings) -> None:
    settings.VCL_LOCKOUT_FAILURES = 3
    for _ in range(3):
        assert fault_of(post(document("XMLRPCtest", "x"), headers={**SIGNED_IN, "X-Pass": "wrong"}))[0] == 3
    assert fault_of(passed())[0] == 207
    assert front_end.received == []


def test_an_answer_of_the_front_end_ends_no_lock_out(front_end: FrontEndServer, settings: Settings) -> None:
    """It may answer some methods without a sign-in: that proves nothing."""
    settings.VCL_LOCKOUT_FAILURES = 3
    for password in ("wrong", "p4ss", "wrong", "p4ss", "wrong"):
        passed(headers={**SIGNED_IN, "X-Pass": password})
    assert fault_of(passed())[0] == 207


# --- What is not passed on --------------------------------------------------------------------
def test_without_a_front_end_nothing_is_passed_on(settings: Settings) -> None:
    settings.VCL_FRONT_END_URL = ""
    assert fault_of(passed())[0] == -32601


def test_other_methods_are_ours(front_end: FrontEndServer) -> None:
    assert fault_of(post(document("XMLRPCgetImages")))[0] == -32601
    assert call("XMLRPCtest", "x") == {
        "status": "success",
        "message": "RPC call worked successfully",
        "string": "x",
    }
    assert front_end.received == []


def test_plain_http_and_large_bodies_are_refused_here(front_end: FrontEndServer) -> None:
    assert fault_of(passed(secure=False))[0] == 4
    assert fault_of(passed(document("XMLRPCautoCapture", "x" * 70_000)))[0] == -32600
    assert front_end.received == []


def test_a_body_that_broke_off_is_not_passed_on(front_end: FrontEndServer) -> None:
    client = Client(raise_request_exception=False)
    response = client.generic(
        "POST", "/xmlrpc/", data=CAPTURE, content_type="text/xml", headers=SIGNED_IN, secure=True,
        CONTENT_LENGTH=str(len(CAPTURE) + 1),
    )  # fmt: skip
    assert fault_of(response)[0] == -32700  # type: ignore[arg-type]
    assert front_end.received == []


def test_a_call_that_comes_back_is_crossed_addresses(front_end: FrontEndServer) -> None:
    for body in (CAPTURE, document("XMLRPCtest", "x"), "nonsense"):
        code, text = fault_of(passed(body, headers={**SIGNED_IN, passing_on.MARKER: "1"}))
        assert (code, "VCL_FRONT_END_URL" in text) == (209, True)
    assert front_end.received == []


def test_the_methods_that_are_listed(front_end: FrontEndServer, settings: Settings) -> None:
    listed = call("system.listMethods")
    assert isinstance(listed, list)
    assert set(METHODS) < set(listed)
    assert listed == sorted(listed)
    assert call("system.methodHelp", METHODS[0]) == "Calls of this method are passed on to VCL's front end."
    assert call("system.methodSignature", METHODS[0]) == "undef"
    settings.VCL_FRONT_END_URL = ""
    assert not set(METHODS) & set(call("system.listMethods"))  # type: ignore[call-overload]
    with pytest.raises(xmlrpc.client.Fault, match=METHODS[0]):
        call("system.methodHelp", METHODS[0])


# --- A trial ----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("behave", "told"),
    [
        (well_behaved, ""),
        (always(answered(fault(3, "Access denied"))), ""),
        (always(answered(fault(209, "crossed"))), "leads to this service"),
        (always(answered(fault(4, "need HTTPS"))), "use its https:// address"),
        (always(answered(b"", status="301 Moved")), "HTTP status 301"),
        (always(answered(b"<html/>")), "does not answer in XML-RPC"),
        (always(b"x\r\n\r\n"), "broke off the connection"),
    ],
)
def test_whether_it_is_the_front_end(front_end: FrontEndServer, behave: Behaviour, told: str) -> None:
    front_end.behave = behave
    found = trial.problem()
    assert (told in found) if told else (found == "")
    (call_,) = front_end.received
    assert call_.header("X-User") is call_.header("X-Pass") is None


def test_without_a_front_end_there_is_nothing_to_try(settings: Settings) -> None:
    settings.VCL_FRONT_END_URL = ""
    assert trial.problem() == ""


# --- The look at the name ---------------------------------------------------------------------
BEGIN = "<?xml version='1.0'?><methodCall><methodName>"
END = "</methodName><params/></methodCall>"
READ = [
    f"{BEGIN}XMLRPCautoCapture{END}",
    f"<methodCall><methodName>XMLRPCautoCapture{END}",
    f" \n\t<methodCall>\r\n  <methodName>XMLRPCautoCapture{END}",
    f'<?xml version="1.0" encoding="UTF-8" standalone="yes" ?>\n<methodCall>\n<methodName>XMLRPCautoCapture{END}',
    f'<?xml version="1.0" encoding="us-ascii"?><methodCall><methodName>XMLRPCautoCapture{END}',
    f'\ufeff<?xml version="1.0" encoding="utf-8"?><methodCall><methodName>XMLRPCautoCapture{END}',
]
NOT_READ = [
    f"{BEGIN}XMLRPCautocapture{END}",
    f"{BEGIN} XMLRPCautoCapture{END}",
    f"{BEGIN}XMLRPC&#97;utoCapture{END}",
    f"{BEGIN}<![CDATA[XMLRPCautoCapture]]>{END}",
    f"{BEGIN}XMLRPCautoCapture<!-- -->{END}",
    f"{BEGIN}XMLRPCautoCapture</methodName><methodName>system.multicall{END}",
    f"{BEGIN}XMLRPCautoCapture</methodName><METHODNAME>system.multicall</METHODNAME></methodCall>",
    f"{BEGIN}XMLRPCautoCapture</methodName></methodCall><methodCall><params/></methodCall>",
    f"<?xml version='1.0'?><!-- --><methodCall><methodName>XMLRPCautoCapture{END}",
    f"<!DOCTYPE x><methodCall><methodName>XMLRPCautoCapture{END}",
    f"<?xml version='1.0'?><?x?><methodCall><methodName>XMLRPCautoCapture{END}",
    f"<?xml version='1.0' encoding='utf-7'?><methodCall><methodName>XMLRPCautoCapture{END}",
    f"<?xml version='1.0' encoding='cp037'?><methodCall><methodName>XMLRPCautoCapture{END}",
    f"<?xml version='1.1'?><methodCall><methodName>XMLRPCautoCapture{END}",
    f"<methodCall x='1'><methodName>XMLRPCautoCapture{END}",
    f"{' ' * 1100}<methodCall><methodName>XMLRPCautoCapture{END}",
    f"x<methodCall><methodName>XMLRPCautoCapture{END}",
    f"mode=main&x=<methodCall><methodName>XMLRPCautoCapture{END}",
]


@pytest.mark.parametrize("body", READ)
def test_a_name_that_is_read(front_end: FrontEndServer, body: str) -> None:
    assert value_of(passed(body))["method"] == "XMLRPCautoCapture"  # type: ignore[index]
    assert front_end.received[0].body == body.encode()


@pytest.mark.parametrize("body", NOT_READ)
def test_a_name_that_is_not_read_is_ours_to_refuse(front_end: FrontEndServer, body: str) -> None:
    assert fault_of(passed(body))[0] in (-32600, -32601, -32602, -32700)
    assert front_end.received == []


@pytest.mark.parametrize("encoding", ["utf-16", "utf-7", "cp037"])
def test_a_body_in_an_encoding_of_other_bytes_is_ours_to_refuse(front_end: FrontEndServer, encoding: str) -> None:
    body = f"<?xml version='1.0' encoding='{encoding}'?><methodCall><methodName>XMLRPCautoCapture{END}".encode(encoding)
    assert fault_of(passed(body))[0] in (-32601, -32700)
    assert front_end.received == []


@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/xml; charset=utf-7"]
)
def test_a_body_that_is_said_to_be_something_else_is_ours_to_refuse(
    front_end: FrontEndServer, content_type: str
) -> None:
    assert fault_of(passed(content_type=content_type))[0] in (-32600, -32700)
    assert front_end.received == []


def test_the_look_takes_no_time_on_hostile_bodies() -> None:
    request = RequestFactory().post("/xmlrpc/", data=b"", content_type="text/xml")
    hostile = [b"<?xml version='1.0'" + b" \t" * 40_000, b"<methodCall>" + b" " * 70_000, b"<methodname" * 6000]
    begun = time.process_time()
    for body in hostile * 20:
        assert method_to_pass_on(request, body, METHODS) == ""
    assert time.process_time() - begun < 0.5


# --- At a time --------------------------------------------------------------------------------
def test_four_at_a_time_and_half_of_them_for_nodes() -> None:
    places = seats.Seats(4, 2)

    def tries(*, by_node: bool) -> bool:
        place = places.taken(by_node=by_node)
        try:
            place.__enter__()
        except seats.NoSeat:
            return False
        held.append(place)
        return True

    held: list[object] = []
    assert [tries(by_node=False) for _ in range(3)] == [True, True, False]
    assert [tries(by_node=True) for _ in range(3)] == [True, True, False]
    held.pop(0).__exit__(None, None, None)  # type: ignore[attr-defined]
    assert tries(by_node=False)
    assert not tries(by_node=True)
    places = seats.Seats(4, 2)
    held = []
    assert [tries(by_node=True) for _ in range(5)] == [True] * 4 + [False]
    assert not tries(by_node=False)


def test_an_error_gives_the_place_back() -> None:
    places = seats.Seats(1, 0)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), places.taken(by_node=False):
            raise ZeroDivisionError


@pytest.mark.parametrize(
    ("address", "state", "is_node"),
    [("10.1.2.3", 2, True), ("10.1.2.3", 10, True), ("10.1.2.3", 1, False), ("10.1.2.4", 2, False), ("", 2, False)],
)
def test_who_is_a_management_node(address: str, state: int, is_node: bool) -> None:
    ManagementNode.objects.create(hostname="mn9", IPaddress="10.1.2.3", state_id=state)
    assert seats.is_management_node(address) is is_node


def test_beyond_the_bound_calls_are_refused_at_once(
    front_end: FrontEndServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(seats, "is_management_node", lambda address: address == "10.1.2.3")
    full = seats.Seats(4, 2)
    monkeypatch.setattr(passing_on, "SEATS", full)
    with full.taken(by_node=False), full.taken(by_node=False):
        code, text = fault_of(passed())
        assert (code, text.startswith("XMLRPCautoCapture: busy")) == (205, True)
        assert value_of(passed(peer="10.1.2.3"))["status"] == "success"  # type: ignore[index]
        with full.taken(by_node=True), full.taken(by_node=True):
            assert fault_of(passed(peer="10.1.2.3"))[0] == 205
    assert value_of(passed())["status"] == "success"  # type: ignore[index]
    assert [record.getMessage()[:60] for record in caplog.records if "205" in record.getMessage()]


# --- Browsers ---------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("asked", "sent_to"),
    [
        ("/index.php?mode=blockallocations", "https://vcl.example.edu/index.php?mode=blockallocations"),
        ("/index.php", "https://vcl.example.edu/index.php"),
        ("/vcl/index.php?mode=a&b=%C3%A4%22+c", "https://vcl.example.edu/vcl/index.php?mode=a&b=%C3%A4%22+c"),
        ("//elsewhere.example/index.php?mode=x", "https://vcl.example.edu//elsewhere.example/index.php?mode=x"),
        ("/\\elsewhere.example/index.php", "https://vcl.example.edu/%5Celsewhere.example/index.php"),
        ("/@elsewhere.example/index.php?mode=x", "https://vcl.example.edu/@elsewhere.example/index.php?mode=x"),
        ("/index.php?mode=http://elsewhere.example", "https://vcl.example.edu/index.php?mode=http://elsewhere.example"),
    ],
)
@pytest.mark.parametrize("verb", ["GET", "HEAD"])
def test_browsers_are_sent_to_the_front_end_and_nowhere_else(
    settings: Settings, asked: str, sent_to: str, verb: str
) -> None:
    settings.VCL_FRONT_END_URL = "https://vcl.example.edu/index.php"
    path, _, query = asked.partition("?")
    # Not client.get(asked): it would take //elsewhere.example for a host.
    response = Client().generic(verb, "/", secure=True, PATH_INFO=_decoded(path), QUERY_STRING=query)
    assert (response.status_code, response["Location"]) == (302, sent_to)


def _decoded(path: str) -> str:
    return unquote_to_bytes(path).decode("latin-1")


def test_line_ends_get_into_no_header(settings: Settings) -> None:
    settings.VCL_FRONT_END_URL = "https://vcl.example.edu/index.php"
    for path in ("/x%0d%0aLocation:%20y/index.php", "/index.php%0d%0a/index.php"):
        response = Client().generic("GET", "/", secure=True, PATH_INFO=_decoded(path), QUERY_STRING="a=%0d%0a")
        assert "\r" not in response.get("Location", "")


@pytest.mark.parametrize("verb", ["POST", "PUT", "DELETE"])
def test_forms_are_not_sent_on(settings: Settings, verb: str) -> None:
    settings.VCL_FRONT_END_URL = "https://vcl.example.edu/index.php"
    assert Client().generic(verb, "/index.php?mode=submitLogin", secure=True).status_code == 404


def test_browsers_are_not_sent_round_in_circles(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["testserver"]
    for front_end, host in (
        ("testserver", "testserver"),
        ("testserver:443", "testserver."),
        ("TestServer", "testserver:443"),
    ):
        settings.VCL_FRONT_END_URL = f"https://{front_end}/index.php"
        response = Client().get("/index.php?mode=blockallocations", secure=True, headers={"Host": host})
        assert response.status_code == 404


def test_without_a_front_end_there_is_no_other_mode(settings: Settings) -> None:
    settings.VCL_FRONT_END_URL = ""
    assert Client().get("/index.php?mode=blockallocations", secure=True).status_code == 404
