"""Calls that are passed on, end to end: real clients, the real server, a front end that speaks TLS; and in a rush."""

import http.client
import socket
import ssl
import subprocess
import threading
import xmlrpc.client
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.rpc_calls import SIGNED_IN, document
from tests.support.servers.clients import ACCOUNT, database_url, perl_call, python_client
from tests.support.servers.front_end_server import FrontEndServer, always, fault, slow, until, value, well_behaved
from tests.support.servers.front_end_server import http as answered
from tests.support.servers.live_server import LiveServer

pytestmark = pytest.mark.once(on="mariadb")

CAPTURE = document("XMLRPCautoCapture", 17).encode()
NODE = "127.0.0.9"  # its address, as a row says
A_NODE = f"""
from blockalloc.models import ManagementNode
ManagementNode.objects.create(hostname="mn9", IPaddress="{NODE}", state_id=2)
"""


def certificate(directory: Path, name: str) -> ssl.SSLContext:
    """What a server needs to speak TLS as `name`; its certificate, which vouches for itself, is NAME.pem."""
    key, cert = directory / f"{name}.key", directory / f"{name}.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", "2", "-keyout", str(key), "-out", str(cert)]
    command += ["-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the front end's certificate is."""
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture(scope="module")
def front_end(certificates: Path) -> Iterator[FrontEndServer]:
    """A front end that speaks TLS, with a certificate that only the site knows."""
    with FrontEndServer(well_behaved, certificate(certificates, "localhost")) as server:
        yield server


@pytest.fixture(scope="module")
def site(
    front_end: FrontEndServer,
    certificates: Path,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Iterator[LiveServer]:
    """The service before it, with one worker."""
    with LiveServer(tmp_path_factory.mktemp("site"), database_url(request, "live_front_end")) as server:
        server.migrate()
        server.manage("shell", "--verbosity=0", "--command", ACCOUNT + A_NODE)
        ca = certificates / "localhost.pem"
        yield server.start(
            {"VCL_ALLOW_PLAIN_HTTP": "1", "VCL_FRONT_END_URL": front_end.url, "VCL_FRONT_END_CA": str(ca)}
        )


@pytest.fixture(autouse=True)
def _well_behaved(front_end: FrontEndServer) -> None:
    front_end.behave = well_behaved


# --- One call ---------------------------------------------------------------------------------
@pytest.mark.parametrize("method", ["XMLRPCautoCapture", "XMLRPCcheckCryptSecrets", "XMLRPCfinishBaseImageCapture"])
def test_the_back_ends_client_gets_the_front_ends_answer(site: LiveServer, method: str) -> None:
    assert perl_call(site, method, "17") == {"status": "success", "method": method, "user": "vclsystem"}


def test_the_back_ends_client_lists_what_both_can_do(site: LiveServer) -> None:
    listed = perl_call(site, "system.listMethods")
    assert isinstance(listed, list)
    assert {"XMLRPCprocessBlockTime", "XMLRPCautoCapture"} < set(listed)


def test_the_back_ends_client_reads_long_answers_faults_and_failures(
    site: LiveServer, front_end: FrontEndServer
) -> None:
    front_end.behave = always(answered(value("x" * 2_000_000)))
    assert perl_call(site, "XMLRPCautoCapture", "17") == "x" * 2_000_000
    front_end.behave = always(answered(fault(34, "access denied to this function")))
    assert perl_call(site, "XMLRPCautoCapture", "17") == ["fault", "34", "access denied to this function"]
    front_end.behave = always(answered(b"<html>", status="503 Down"))
    answer = perl_call(site, "XMLRPCautoCapture", "17")
    assert isinstance(answer, list)
    assert answer[:2] == ["fault", "208"]


def test_pythons_client_too(site: LiveServer) -> None:
    answer = python_client(site).XMLRPCautoCapture(17)
    assert isinstance(answer, dict)
    assert answer["user"] == "vclsystem"


@pytest.mark.parametrize("name", ["localhost", "elsewhere.example"])
def test_a_front_end_that_nobody_vouches_for_gets_nothing(site: LiveServer, tmp_path: Path, name: str) -> None:
    """Another certificate than the one that is trusted, and one for another name."""
    with FrontEndServer(well_behaved, certificate(tmp_path, name)) as impostor:
        trusted = {"VCL_FRONT_END_CA": str(tmp_path / f"{name}.pem")} if name != "localhost" else {}
        with LiveServer(tmp_path, site.database_url) as service:
            service.start({"VCL_ALLOW_PLAIN_HTTP": "1", "VCL_FRONT_END_URL": impostor.url, **trusted})
            with pytest.raises(xmlrpc.client.Fault, match="no certificate that is trusted") as refused:
                python_client(service).XMLRPCautoCapture(17)
            assert refused.value.faultCode == 208
        assert impostor.received == []
        assert SIGNED_IN["X-Pass"] not in service.log.read_text()


def test_a_service_that_is_its_own_front_end_says_that_the_addresses_are_crossed(
    site: LiveServer, tmp_path: Path
) -> None:
    with LiveServer(tmp_path, site.database_url) as service:
        url = f"{service.url}/index.php"
        service.start({"VCL_ALLOW_PLAIN_HTTP": "1", "VCL_FRONT_END_URL": url})
        with pytest.raises(xmlrpc.client.Fault, match="addresses are crossed") as refused:
            python_client(service).XMLRPCautoCapture(17)
        assert refused.value.faultCode == 209


# --- Requests that say two things -------------------------------------------------------------
HEAD = b"POST /xmlrpc/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\n" + b"".join(
    f"{name}: {text}\r\n".encode() for name, text in SIGNED_IN.items()
)
SECOND = HEAD + b"X-User: smuggled\r\nContent-Length: %d\r\n\r\n" % len(CAPTURE) + CAPTURE


@pytest.mark.parametrize(
    "sent",
    [
        HEAD + b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" % len(CAPTURE + SECOND) + SECOND,
        HEAD + b"Content-Length: 4\r\nContent-Length: %d\r\n\r\n" % len(CAPTURE) + CAPTURE,
        HEAD + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + SECOND,
        HEAD + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + SECOND,
        HEAD + b"Content-Length: +%d\r\n\r\n" % len(CAPTURE) + CAPTURE,
        HEAD + b"Content-Length: %d\r\n\r\n" % (len(CAPTURE) + 9) + CAPTURE,
    ],
    ids=["both", "two lengths", "two encodings", "odd encoding", "signed length", "shorter than it says"],
)
def test_requests_that_say_two_things_reach_no_front_end(
    site: LiveServer, front_end: FrontEndServer, sent: bytes
) -> None:
    before = len(front_end.received)
    with socket.create_connection(("127.0.0.1", site.port), timeout=10) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass
    assert len(front_end.received) == before


def test_a_body_in_chunks_is_one_body(site: LiveServer, front_end: FrontEndServer) -> None:
    """What is sent on has one length, whatever the client's was."""
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (CAPTURE[:30], CAPTURE[30:])) + b"0\r\n\r\n"
    with socket.create_connection(("127.0.0.1", site.port), timeout=10) as connection:
        connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n" + chunks)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 200"), answer
    call = front_end.received[-1]
    assert call.body == CAPTURE
    assert call.header("Content-Length") == str(len(CAPTURE))
    assert call.header("Transfer-Encoding") is None


# --- A rush -----------------------------------------------------------------------------------
SLOW = 2.5  # seconds; bench/passed_on_calls.py has the whole minute


def _post(site: LiveServer, body: bytes, source: str = "127.0.0.1") -> tuple[str, float]:
    return site.timed_call(body, SIGNED_IN, source)


def test_a_rush_on_a_slow_front_end_disturbs_nobody(site: LiveServer, front_end: FrontEndServer) -> None:
    front_end.behave = slow(SLOW)
    with ThreadPoolExecutor(44) as callers:
        rush = [callers.submit(_post, site, CAPTURE) for _ in range(40)]
        until(lambda: front_end.at_work == 2)
        until(lambda: sum(call.done() for call in rush) == 38)  # all of this before the first of them is answered
        assert front_end.at_work == 2
        # Two places are left, for management nodes.
        from_nodes = [callers.submit(_post, site, CAPTURE, NODE) for _ in range(4)]
        until(lambda: front_end.at_work == 4)
        ours = [_post(site, document("XMLRPCtest", "x").encode()) for _ in range(20)]
        assert front_end.at_work == 4
    assert Counter(call.result()[0] for call in rush) == {"answer": 2, "205": 38}
    assert Counter(call.result()[0] for call in from_nodes) == {"answer": 2, "205": 2}
    assert [what for what, _seconds in ours] == ["answer"] * 20
    assert max(seconds for _what, seconds in ours) < 2.0  # and not as long as the front end takes
    assert front_end.most_at_work == 4
    until(lambda: _post(site, CAPTURE)[0] == "answer")  # the places are free again


def test_one_caller_never_gets_anothers_answer(site: LiveServer, front_end: FrontEndServer) -> None:
    """Many at once over few connections, some of which break: each answer goes to its caller."""
    lock, number = threading.Lock(), 0

    def behave(server: FrontEndServer, call: object) -> "bytes | list[bytes | float]":
        nonlocal number
        with lock:
            number += 1
            odd = number % 5
        if odd == 1:
            return answered(b"<html>", status="500 Oops")
        if odd == 2:
            raise OSError("hangs up")
        if odd == 3:
            return well_behaved(server, call) + answered(value("stale"))  # type: ignore[arg-type]
        return well_behaved(server, call)  # type: ignore[arg-type]

    front_end.behave = behave

    def ask(caller: int) -> str:
        headers = {**SIGNED_IN, "X-User": f"caller{caller}", "Content-Type": "text/xml"}
        connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=60)
        connection.request("POST", "/xmlrpc/", CAPTURE, headers)
        text = connection.getresponse().read()
        connection.close()
        try:
            ((answer,), _method) = xmlrpc.client.loads(text)
        except xmlrpc.client.Fault as refused:
            return str(refused.faultCode)
        assert answer == {"status": "success", "method": "XMLRPCautoCapture", "user": f"caller{caller}"}
        return "answer"

    with ThreadPoolExecutor(4) as callers:
        came = Counter(callers.map(ask, range(200)))
    assert set(came) <= {"answer", "208", "205"}
    assert came["answer"] > 20
    assert came["208"] > 5
