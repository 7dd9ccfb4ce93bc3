"""Hostile, broken and unusual requests: each is answered with a document that an XML-RPC client can read."""

import encodings
import gzip
import io
import logging
import time
import xmlrpc.client
from typing import Any

import pytest
from django.db import DatabaseError
from django.test import Client, RequestFactory
from gunicorn.http.errors import InvalidChunkSize
from pytest_django import Settings

from blockalloc.contract.messages import Caller, Refusal
from blockalloc.rpc.endpoint import xmlrpc as view
from tests.support.rpc_calls import SIGNED_IN, StubService, answer, document, fault_of, post
from vclsite.wsgi import Request, application

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="sqlite")]

CALLER = Caller(3, "vclsystem@Local", "127.0.0.1")


@pytest.fixture(autouse=True)
def service(monkeypatch: pytest.MonkeyPatch) -> StubService:
    """A stand-in for the service, and a caller who is signed in."""
    stub = StubService()
    monkeypatch.setattr("blockalloc.rpc.methods.service", stub)
    monkeypatch.setattr("blockalloc.rpc.endpoint.sign_in", lambda _request, _address: CALLER)
    return stub


def one_value(value: str) -> str:
    """A call of XMLRPCprocessBlockTime with one value, as XML."""
    return (
        "<methodCall><methodName>XMLRPCprocessBlockTime</methodName>"
        f"<params><param><value>{value}</value></param></params></methodCall>"
    )


BOMB = '<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;&b;">]>'
EXTERNAL = '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]>'


# --- Broken documents -------------------------------------------------------------------------
@pytest.mark.parametrize(
    "body",
    [
        "",
        " ",
        "not xml",
        "<methodCall>",
        '{"jsonrpc": "2.0", "method": "XMLRPCtest", "id": 1}',
        one_value("a\x00b"),
        one_value("a\x07b"),
        one_value("&#0;"),
        one_value("&#7;"),
        one_value("&#xD800;"),
        one_value("&nosuch;"),
        one_value("1") + "<more/>",
        BOMB + one_value("&c;"),
        EXTERNAL + one_value("&b;"),
        "<!DOCTYPE methodCall>" + one_value("<int>1</int>"),
        '<!DOCTYPE methodCall SYSTEM "http://localhost/x.dtd">' + one_value("<int>1</int>"),
    ],
)
def test_what_is_no_xml_or_asks_for_entities(body: str, service: StubService) -> None:
    assert fault_of(post(body))[0] == -32700
    assert not service.asked


@pytest.mark.parametrize(
    "body",
    [
        "<nonsense/>",
        "<methodCall/>",
        "<methodCall><params/></methodCall>",
        "<methodCall><methodName> </methodName></methodCall>",
        xmlrpc.client.dumps((1,), methodresponse=True),
        xmlrpc.client.dumps(xmlrpc.client.Fault(1, "x"), methodresponse=True),
        "<fault><value><int>1</int></value></fault>",
        one_value("<int></int>"),
        one_value("<int>x</int>"),
        one_value("<int>1.0</int>"),
        one_value("<int>1_000</int>"),
        one_value("<int>٣</int>"),
        one_value(f"<int>{'9' * 5000}</int>"),
        one_value("<i8>0x10</i8>"),
        one_value("<boolean>true</boolean>"),
        one_value("<boolean>2</boolean>"),
        one_value("<double>x</double>"),
        one_value("<double>nan</double>"),
        one_value("<double>1_0.5</double>"),
        one_value("<dateTime.iso8601>yesterday</dateTime.iso8601>"),
        one_value("<dateTime.iso8601>20261301T10:00:00</dateTime.iso8601>"),
        one_value("<dateTime.iso8601>20260301T25:00:00</dateTime.iso8601>"),
        one_value("<dateTime.iso8601>20260301T10:00:00Z</dateTime.iso8601>"),
        one_value("<base64>****</base64>"),
        one_value("<base64>a</base64>"),
        one_value("<base64>é</base64>"),
        one_value("<bigdecimal>1</bigdecimal>"),
        one_value("<colour>red</colour>"),
        one_value("<struct><member><name>a</name></member></struct>"),
        one_value("<array><data><value>" * 30 + "1" + "</value></data></array>" * 30),
        one_value("<array><data><value>" * 2000),
    ],
)
def test_what_is_xml_but_no_call(body: str, service: StubService) -> None:
    assert fault_of(post(body))[0] in (-32600, -32700)
    assert not service.asked


@pytest.mark.parametrize(
    "value",
    [
        "<array><data><value>1</value></data></array>",
        "<struct><member><name>a</name><value><int>1</int></value></member></struct>",
        "<base64>MTA=</base64>",
        "<nil/>",
        "<double>1e300</double>",
        f"<int>{2**70}</int>",
        f"<string>{'9' * 5000}</string>",
        "<array><data><value>" * 15 + "1" + "</value></data></array>" * 15,
    ],
)
def test_values_of_other_types_are_for_the_service_to_refuse(value: str, service: StubService) -> None:
    answer(post(one_value(value)))
    assert service.asked[0][0] is None


@pytest.mark.parametrize("number", ["1" * 60000 + "x", "1" * 60000 + ".e", "." + "1" * 60000 + "x"])
def test_a_long_number_that_goes_wrong_at_its_end_costs_no_time(number: str, service: StubService) -> None:
    begun = time.thread_time()
    assert fault_of(post(one_value(f"<double>{number}</double>"))) == (-32600, "Invalid request: not a double")
    assert time.thread_time() - begun < 1


def test_a_method_name_that_is_too_long_is_not_repeated() -> None:
    body = f"<methodCall><methodName>{'x' * 101}</methodName></methodCall>"
    assert fault_of(post(body)) == (-32600, "Invalid request: the method name is longer than 100 characters")


def test_a_malformed_call_is_logged_once_with_who_made_it_and_why(caplog: pytest.LogCaptureFixture) -> None:
    post("not xml")
    (record,) = [record for record in caplog.records if record.name.startswith("blockalloc")]
    assert record.levelno == logging.WARNING
    assert record.getMessage().startswith("refused 'vclsystem@Local' from 127.0.0.1: -32700, Parse error")


# --- Encodings and media types ----------------------------------------------------------------
@pytest.mark.parametrize(
    ("content_type", "declared", "encoding"),
    [
        ("text/xml", "", "utf-8"),
        ("text/xml", "us-ascii", "utf-8"),  # as Perl does
        ("text/xml; charset=us-ascii", "", "utf-8"),
        ("text/xml; charset=UTF-8", "", "utf-8"),
        ('application/xml; charset="utf-8"', "", "utf-8-sig"),
        ("Text/XML", "iso-8859-1", "iso-8859-1"),
        ("text/xml; charset=iso-8859-1", "utf-8", "iso-8859-1"),
        ("text/xml; charset=windows-1252", "", "cp1252"),
        ("text/xml", "utf-16", "utf-16"),
        ("application/rpc+xml", "", "utf-8"),
        ("", "", "utf-8"),
    ],
)
def test_encodings_and_media_types_that_are_read(content_type: str, declared: str, encoding: str) -> None:
    declaration = f'<?xml version="1.0" encoding="{declared}"?>' if declared else '<?xml version="1.0"?>'
    body = document("XMLRPCtest", "é").replace("<?xml version='1.0'?>", declaration)
    value = answer(post(body.encode(encoding), content_type=content_type))
    assert isinstance(value, dict)
    assert value["string"] == "é"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/xml", document("XMLRPCtest", "é").encode("iso-8859-1")),
        ("text/xml", gzip.compress(document("XMLRPCtest", "x").encode())),
        ("text/xml", b"\xff\xfe\x00"),
        ("text/xml; charset=bogus", document("XMLRPCtest", "x").encode()),
        ("text/xml; charset=punycode", document("XMLRPCtest", "x").encode()),
        ("text/xml; charset=hex", document("XMLRPCtest", "x").encode()),
        ("text/xml", b'<?xml version="1.0" encoding="idna"?><methodCall/>'),
        ("application/json", b"{}"),
        ("text/plain", document("XMLRPCtest", "x").encode()),
        ("application/x-www-form-urlencoded", b"a=b"),
        ("multipart/form-data; boundary=x", b"--x--"),
    ],
)
def test_encodings_and_media_types_that_are_not(content_type: str, body: bytes) -> None:
    assert fault_of(post(body, content_type=content_type))[0] in (-32600, -32700)


def test_names_of_encodings_that_nobody_knows_are_not_kept() -> None:
    """Python's codecs.lookup() keeps each one for ever, and a caller can send any number of them."""
    before = len(encodings._cache)
    body = document("XMLRPCtest", "x")
    for number in range(20):
        declaration = f'<?xml version="1.0" encoding="x-unknown-{number}"?>'
        assert fault_of(post(body.replace("<?xml version='1.0'?>", declaration)))[0] == -32700
        assert with_environ(body.encode(), CONTENT_TYPE=f"text/xml; charset=x-unheard-{number}") == -32700
    assert len(encodings._cache) == before


# --- Sizes ------------------------------------------------------------------------------------
def padded(length: int) -> bytes:
    """A call of XMLRPCtest of exactly `length` bytes."""
    body = document("XMLRPCtest", "x").encode()
    return body + b" " * (length - len(body))


def test_a_body_as_large_as_allowed(settings: Settings) -> None:
    settings.VCL_MAX_BODY_BYTES = 2000
    assert answer(post(padded(2000)))


@pytest.mark.parametrize("length", [2001, 3_000_000])
def test_a_body_that_is_larger(length: int, settings: Settings) -> None:
    settings.VCL_MAX_BODY_BYTES = 2000
    assert fault_of(post(padded(length))) == (-32600, "request body larger than 2000 bytes")


def with_environ(body: bytes, **environ: Any) -> object:
    """The answer, or the code of the fault, to a request with a WSGI environment of its own."""
    plain = RequestFactory().post("/xmlrpc/", data=body, content_type="text/xml", headers=SIGNED_IN, secure=True)
    response = view(Request(plain.environ | environ))
    try:
        return answer(response)
    except xmlrpc.client.Fault as fault:
        return fault.faultCode


def chunked(body: bytes) -> dict[str, object]:
    """The environment of a request without a Content-Length, as gunicorn makes it."""
    return {
        "CONTENT_LENGTH": "",
        "HTTP_TRANSFER_ENCODING": "chunked",
        "wsgi.input": io.BytesIO(body),
        "wsgi.input_terminated": True,
    }


def test_a_chunked_body_is_read_and_limited(settings: Settings) -> None:
    settings.VCL_MAX_BODY_BYTES = 2000
    assert isinstance(with_environ(b"", **chunked(padded(2000))), dict)
    assert with_environ(b"", **chunked(padded(2001))) == -32600


@pytest.mark.parametrize("length", ["65537", "9" * 30, "9" * 5000, "0" * 5000 + "65537"])
def test_a_content_length_above_the_limit_is_refused_before_anything_is_read(length: str) -> None:
    unread = io.BytesIO(padded(500))
    assert with_environ(b"", CONTENT_LENGTH=length, **{"wsgi.input": unread}) == -32600
    assert unread.tell() == 0


@pytest.mark.parametrize("length", ["", "0", "10", "-5", "x", "²"])
def test_a_content_length_that_is_missing_or_too_short(length: str) -> None:
    assert with_environ(b"", CONTENT_LENGTH=length, **{"wsgi.input": io.BytesIO(padded(500))}) == -32700


def test_a_content_length_that_is_too_long() -> None:
    body = document("XMLRPCtest", "x").encode()
    cut_off = io.BytesIO(body[:-30])
    assert with_environ(b"", CONTENT_LENGTH=str(len(body)), **{"wsgi.input": cut_off}) == -32700


@pytest.mark.parametrize("error", [ConnectionResetError("reset by peer"), InvalidChunkSize(b"zz")])
def test_a_body_that_cannot_be_read_to_its_end(error: Exception) -> None:
    class Broken(io.BytesIO):
        """Fails as a socket does, or the HTTP server that reads it."""

        def read(self, size: int | None = -1, /) -> bytes:
            """Never anything."""
            raise error

    assert with_environ(b"", CONTENT_LENGTH="100", **{"wsgi.input": Broken()}) == -32700


# --- Answers ----------------------------------------------------------------------------------
def test_nothing_in_an_answer_breaks_xml(service: StubService) -> None:
    service.error = Refusal(10, "image\x00\x07\ud800: <b>&amp;</b>]]>\uffff")
    assert fault_of(post(seven())) == (10, "image\ufffd\ufffd\ufffd: <b>&amp;</b>]]>\ufffd")


def seven() -> str:
    """A call with seven parameters."""
    return document("XMLRPCblockAllocation", 10, 1772478000, 1772485200, 4, 11, 1, 12)


def test_an_error_before_any_method_is_a_fault_too(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_request: object, _address: str) -> Caller:
        raise DatabaseError("secret of the database")

    monkeypatch.setattr("blockalloc.rpc.endpoint.sign_in", fail)
    assert fault_of(post(seven())) == (206, "internal error (logged)")
    assert "secret of the database" in caplog.text


# --- Addresses and verbs ----------------------------------------------------------------------
@pytest.mark.parametrize(
    "path",
    [
        "/xmlrpc/",
        "/xmlrpc",
        "/index.php?mode=xmlrpccall",
        "/vcl/index.php?mode=xmlrpccall",
        "/a/b/index.php?x=1&mode=xmlrpccall",
    ],
)
def test_addresses(path: str) -> None:
    assert answer(post(document("XMLRPCtest", "x"), path=path))


def test_the_mode_is_found_among_any_number_of_fields() -> None:
    """Django itself answers more than 1000 with HTTP 400."""
    assert answer(post(document("XMLRPCtest", "x"), path=f"/index.php?{'a&' * 1500}mode=xmlrpccall"))


@pytest.mark.parametrize("charset", ["rot13", "hex", "punycode", "undefined", "utf-16", "nonsense"])
def test_no_charset_breaks_a_request_before_it_reaches_us(charset: str) -> None:
    """Django decodes the query with it before any middleware or view, and fails with HTTP 500."""
    environ = RequestFactory().get("/xmlrpc/?mode=é").environ | {"CONTENT_TYPE": f"text/xml; charset={charset}"}
    assert Request(environ).GET["mode"] == "é"
    assert application.request_class is Request


@pytest.mark.parametrize("value", ["nosuch''x", "idna''x%ff", "punycode''%ff%ff", "undefined''x"])
@pytest.mark.parametrize("media_type", ["text/xml", "multipart/form-data"])
def test_no_parameter_with_an_encoding_of_its_own_does(value: str, media_type: str) -> None:
    """Django looks these encodings up too (RFC 2231)."""
    content_type = f"{media_type}; charset*={value}; boundary*={value}"
    environ = RequestFactory().post("/xmlrpc/").environ | {"CONTENT_TYPE": content_type}
    assert (Request(environ).content_type, Request(environ).content_params) == (media_type, {})
    assert dict(Request(environ).headers)["Content-Type"] == media_type


@pytest.mark.parametrize("path", ["/index.php", "/vcl/index.php?mode=home", "/vcl/index.php?mode="])
def test_other_modes_of_the_front_end_are_not_found(path: str) -> None:
    assert post("x", path=path, content_type="text/plain").status_code == 404
    assert fault_of(post(document("XMLRPCtest", "x"), path=path))[0] == 210  # tests/web/test_misdirected_calls.py


@pytest.mark.parametrize("verb", ["get", "head", "put", "delete", "options", "patch"])
@pytest.mark.parametrize("path", ["/xmlrpc/", "/index.php?mode=xmlrpccall"])
def test_only_post_is_answered(verb: str, path: str) -> None:
    response = getattr(Client(), verb)(path)
    assert (response.status_code, response["Allow"]) == (405, "POST")


def test_posts_need_no_csrf_token() -> None:
    client = Client(enforce_csrf_checks=True)
    body = document("XMLRPCtest", "x").encode()
    response = client.post("/xmlrpc/", data=body, content_type="text/xml", headers=SIGNED_IN, secure=True)
    assert response.status_code == 200
