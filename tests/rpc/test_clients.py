"""The clients that sites use, against the real server: Python's, and the Perl module of VCL's back end."""

import socket
import xmlrpc.client
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.support.rpc_calls import SIGNED_IN
from tests.support.servers.clients import ACCOUNT, database_url, perl_call, python_client
from tests.support.servers.live_server import LiveServer

pytestmark = pytest.mark.once(on="mariadb")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Generator[LiveServer]:
    """A server that allows plain HTTP, with an account for vclsystem@Local."""
    with LiveServer(tmp_path_factory.mktemp("site"), database_url(request, "live_clients")) as server:
        server.migrate()
        server.manage("shell", "--verbosity=0", "--command", ACCOUNT)
        yield server.start({"VCL_ALLOW_PLAIN_HTTP": "1"})


def worked(string: str) -> dict[str, str]:
    """What XMLRPCtest answers."""
    return {"status": "success", "message": "RPC call worked successfully", "string": string}


# --- Python -----------------------------------------------------------------------------------
@pytest.mark.parametrize("path", ["/xmlrpc/", "/xmlrpc", "/vcl/index.php?mode=xmlrpccall"])
def test_python_calls(site: LiveServer, path: str) -> None:
    with python_client(site, path) as client:
        assert client.XMLRPCtest("Grüße ☃") == worked("Grüße ☃")
        assert client.system.listMethods()


def test_python_with_a_wrong_password(site: LiveServer) -> None:
    with python_client(site, X_Pass="wrong") as client, pytest.raises(xmlrpc.client.Fault) as caught:
        client.XMLRPCtest("x")
    assert (caught.value.faultCode, caught.value.faultString) == (3, "Access denied")


def test_python_with_a_body_that_is_too_large(site: LiveServer) -> None:
    with python_client(site) as client:
        with pytest.raises(xmlrpc.client.Fault, match="larger than 65536 bytes"):
            client.XMLRPCtest("x" * 3_000_000)
        assert client.XMLRPCtest("still there") == worked("still there")


def test_python_asking_for_a_block_time_that_does_not_exist(site: LiveServer) -> None:
    with python_client(site) as client:
        answer = client.XMLRPCprocessBlockTime(999, 1)
    assert answer == {"status": "error", "errorcode": 8, "errormsg": "unknown blockTimesid"}


# --- Perl -------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("sent", "back"), [("hello", "hello"), ("Grüße", "Grüße"), ("20", "20"), ("2026-11-30 08:00:00",) * 2]
)
def test_perl_calls(site: LiveServer, sent: str, back: str) -> None:
    assert perl_call(site, "XMLRPCtest", sent) == worked(back)


def test_perl_with_a_wrong_password(site: LiveServer) -> None:
    answer = perl_call(site, "XMLRPCtest", "x", X_Pass="wrong")
    assert [str(part) for part in answer or ()] == ["fault", "3", "Access denied"]  # type: ignore[attr-defined]


def test_perl_with_another_api_version(site: LiveServer) -> None:
    answer = perl_call(site, "XMLRPCtest", "x", X_APIVERSION="1")
    assert str(answer[1]) == "8"  # type: ignore[index]


def test_perl_asking_for_a_block_time_that_does_not_exist(site: LiveServer) -> None:
    answer = perl_call(site, "XMLRPCprocessBlockTime", "999", "1")
    assert isinstance(answer, dict)
    assert {name: str(value) for name, value in answer.items()} == {
        "status": "error",
        "errorcode": "8",
        "errormsg": "unknown blockTimesid",
    }


# --- The server itself ------------------------------------------------------------------------
def test_plain_http_is_refused_unless_allowed(tmp_path: Path) -> None:
    """Also when a client on the same machine says that it came by HTTPS: no proxy is named."""
    with LiveServer(tmp_path) as server:
        server.start({})
        for scheme in ("http", "https"):
            with (
                python_client(server, X_Forwarded_Proto=scheme) as client,
                pytest.raises(xmlrpc.client.Fault) as caught,
            ):
                client.XMLRPCtest("x")
            assert caught.value.faultCode == 4


def raw(server: LiveServer, request: bytes) -> bytes:
    """Sends bytes as they are and closes this side of the connection; what comes back."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


HEAD = b"POST /xmlrpc/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: text/xml\r\n" + b"".join(
    f"{name}: {value}\r\n".encode() for name, value in SIGNED_IN.items()
)
BODY = xmlrpc.client.dumps(("x",), "XMLRPCtest").encode()


def test_a_chunked_body(site: LiveServer) -> None:
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (BODY[:50], BODY[50:])) + b"0\r\n\r\n"
    assert b"RPC call worked" in raw(site, HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunks)


def test_an_endless_chunked_body(site: LiveServer) -> None:
    chunks = b"1000\r\n" + b" " * 0x1000 + b"\r\n"
    assert b"larger than 65536 bytes" in raw(site, HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunks * 20)


@pytest.mark.parametrize("promised", [len(BODY) + 10, len(BODY) - 10])
def test_a_content_length_that_lies(site: LiveServer, promised: int) -> None:
    answer = raw(site, HEAD + b"Content-Length: %d\r\n\r\n" % promised + BODY)
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"<fault>" in answer


def test_no_content_length(site: LiveServer) -> None:
    answer = raw(site, HEAD + b"\r\n" + BODY)
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"<fault>" in answer


def test_the_password_is_in_no_log(site: LiveServer) -> None:
    perl_call(site, "XMLRPCtest", "x", X_Pass="a-wrong-one")
    log = site.log.read_text()
    assert "wrong password" in log
    assert "a-wrong-one" not in log
    assert "p4ss" not in log


@pytest.mark.parametrize("header", [b"X-Pass\xba s3cret", b"X-Pass> s3cret", b"X-Pass\x1a s3cret", b"X-Pass s3cret"])
def test_the_password_is_in_no_log_when_its_header_is_malformed(site: LiveServer, header: bytes) -> None:
    answer = raw(site, b"POST /xmlrpc/ HTTP/1.1\r\nHost: localhost\r\n" + header + b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400")
    log = site.log.read_text()
    assert "Invalid request from ip=127.0.0.1: Invalid HTTP Header\n" in log
    assert "s3cret" not in log
