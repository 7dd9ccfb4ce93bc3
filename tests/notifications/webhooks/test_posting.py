"""One POST: what goes over the wire, and receivers that do everything wrong. All on real sockets."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from blockalloc.notifications.webhooks import posting
from blockalloc.notifications.webhooks.posting import NoAnswer, post
from blockalloc.web import outgoing
from tests.support.servers import certificates
from tests.support.servers.front_end_server import Behaviour, FrontEndServer, Received, always, http, slow, until
from tests.support.servers.vcld import NAME

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="mariadb")]

BODY = b'{"version":1}'
HEADERS = {"Content-Type": "application/json", "webhook-id": "1"}


def fine(_server: FrontEndServer, _call: Received) -> bytes:
    """What a receiver answers that behaves well."""
    return http(b"ok")


@pytest.fixture
def receiver() -> Iterator[FrontEndServer]:
    """A receiver that behaves well, until the test says otherwise."""
    with FrontEndServer(fine) as server:
        yield server


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """The addresses of names; each look-up takes the first, and leaves the last for ever."""
    known: dict[str, list[str]] = {}
    really = socket.getaddrinfo

    def getaddrinfo(host: str, port: int, *arguments: Any, **options: Any) -> list[Any]:
        if host in known:
            addresses = known[host]
            return really(addresses.pop(0) if len(addresses) > 1 else addresses[0], port, *arguments, **options)
        return really(host, port, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return known


def sent(receiver: FrontEndServer, path: str = "/hook", *, seconds: float = 5.0, private: bool = True) -> int:
    """The status of a message to the receiver."""
    return post(f"http://127.0.0.1:{receiver.port}{path}", HEADERS, BODY, private=private, seconds=seconds)


def refused(receiver: FrontEndServer, **options: Any) -> str:
    """Why there was no answer."""
    with pytest.raises(NoAnswer) as caught:
        sent(receiver, **options)
    return str(caught.value)


# --- What goes there --------------------------------------------------------------------------
@pytest.mark.parametrize("target", ["/", "/hooks/a%2Fb?sp=%2Ftriggers%2Fmanual%2Frun&sig=x_Y-%7e", "/a/../b//c"])
def test_the_address_is_sent_as_it_is(receiver: FrontEndServer, target: str) -> None:
    assert sent(receiver, target) == 200
    (call,) = receiver.received
    assert (call.target.lower(), call.body) == (target.lower(), BODY)
    assert call.header("Host") == f"127.0.0.1:{receiver.port}"
    assert call.header("webhook-id") == "1"


def test_an_address_without_a_path(receiver: FrontEndServer) -> None:
    sent(receiver, "")
    sent(receiver, "?key=x")
    assert [call.target for call in receiver.received] == ["/", "/?key=x"]


def test_proxies_of_the_environment_are_not_used(receiver: FrontEndServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert sent(receiver) == 200


def test_each_message_has_a_connection_of_its_own(receiver: FrontEndServer) -> None:
    for _ in range(3):
        sent(receiver)
    assert receiver.connections == 3


# --- Answers ----------------------------------------------------------------------------------
@pytest.mark.parametrize("status", [200, 204, 301, 302, 307, 308, 400, 404, 429, 500])
def test_the_status_is_the_answer_and_redirects_are_not_followed(receiver: FrontEndServer, status: int) -> None:
    more = f"Location: http://127.0.0.1:{receiver.port}/elsewhere\r\nRefresh: 0; url=/elsewhere\r\n"
    receiver.behave = always(http(b"", status=f"{status} X", more=more))
    assert sent(receiver) == status
    assert [call.target for call in receiver.received] == ["/hook"]


def test_two_gigabytes_are_not_read(receiver: FrontEndServer) -> None:
    taken = []

    def endless(_server: FrontEndServer, _call: Received) -> Iterator[bytes | float]:
        yield http(b"", length=2 << 30)
        while True:
            taken.append(1)
            yield b"x" * 65536

    receiver.behave = endless
    begun = time.monotonic()
    assert sent(receiver) == 200
    assert time.monotonic() - begun < 2
    until(lambda: receiver.at_work == 0)  # the connection is closed
    assert sum(taken) < 200  # what fits into the sockets' buffers


def test_the_body_may_be_anything(receiver: FrontEndServer) -> None:
    receiver.behave = always(http(b"\x1f\x8b\x08 no gzip", more="Content-Encoding: gzip\r\n"))
    assert sent(receiver) == 200


# --- Receivers that take their time -------------------------------------------------------------
def dripping(drop: bytes) -> list[bytes | float]:
    """A drop every 50 ms."""
    return [0.05, drop] * 100


@pytest.mark.parametrize(
    "behave",
    [
        slow(30, fine),
        always(*dripping(b"H")),
        always(b"HTTP/1.1 200 OK\r\n", *dripping(b"X-Drip: 1\r\n")),
        always(*dripping(b"HTTP/1.1 100 Continue\r\n\r\n")),
        always(b"HTTP/1.1 200 OK\r\nX-Drip: ", *dripping(b"x")),
    ],
    ids=["silent", "drips a status", "drips headers", "drips interim answers", "drips one header"],
)
def test_a_slow_receiver_has_its_time_and_no_longer(receiver: FrontEndServer, behave: Behaviour) -> None:
    receiver.behave = behave
    begun = time.monotonic()
    assert refused(receiver, seconds=0.4) == "127.0.0.1 did not answer in time"
    assert 0.35 < time.monotonic() - begun < 1.5


def test_who_has_answered_may_drip(receiver: FrontEndServer) -> None:
    """The status says that the message has arrived; the rest is not waited for longer than the deadline."""
    receiver.behave = always(http(b"", length=9), *dripping(b"x"))
    assert sent(receiver, seconds=0.4) == 200


def test_a_receiver_that_reads_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/"
        begun = time.monotonic()
        with pytest.raises(NoAnswer, match="did not answer in time"):
            post(url, HEADERS, b"x" * 9_000_000, private=True, seconds=0.4)
        assert time.monotonic() - begun < 1.5


def drip_handshake(listener: socket.socket, hello: bytes) -> None:
    """Accept one connection, and go on with a handshake that begins with `hello`, a byte every 50 ms."""
    connection, _address = listener.accept()
    with connection, suppress(OSError):
        connection.sendall(hello)
        for _ in range(60):
            time.sleep(0.05)
            connection.sendall(b"\x02" if hello else b"")


@pytest.mark.parametrize("hello", [b"", b"\x16\x03\x03\x40\x00"], ids=["silent", "drips"])
def test_a_receiver_that_never_ends_its_handshake(hello: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=drip_handshake, args=(listener, hello), daemon=True).start()
        begun = time.monotonic()
        with pytest.raises(NoAnswer, match="did not answer in time"):
            post(f"https://127.0.0.1:{listener.getsockname()[1]}/", HEADERS, BODY, private=True, seconds=0.6)
        assert time.monotonic() - begun < 1.5


# --- No receiver --------------------------------------------------------------------------------
def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(NoAnswer, match=r"^127\.0\.0\.1 cannot be reached$"):
        post(f"http://127.0.0.1:{port}/services/secret?key=secret", HEADERS, BODY, private=True)


@pytest.mark.parametrize("behave", [always(b""), always(b"HTTP/1.1 2"), always(b"SSH-2.0-OpenSSH\r\n")])
def test_receivers_that_break_off_or_speak_something_else(receiver: FrontEndServer, behave: Behaviour) -> None:
    def then_closes(server: FrontEndServer, call: Received) -> Iterator[bytes | float]:
        yield from behave(server, call)
        raise OSError

    receiver.behave = then_closes
    assert refused(receiver) == "127.0.0.1 broke off the connection"


# --- Addresses ----------------------------------------------------------------------------------
def test_an_address_inside_is_not_even_connected_to(receiver: FrontEndServer, names: dict[str, list[str]]) -> None:
    names["hooks.example.edu"] = ["127.0.0.1"]
    for host in ("hooks.example.edu", "127.0.0.1", "localhost"):
        with pytest.raises(NoAnswer, match=rf"^{host} leads to .*VCL_WEBHOOK_PRIVATE_ADDRESSES"):
            post(f"http://{host}:{receiver.port}/", HEADERS, BODY, private=False)
    assert receiver.connections == 0


def test_a_name_is_looked_up_once(receiver: FrontEndServer, names: dict[str, list[str]]) -> None:
    """Whoever answers for the name may say something else a moment later."""
    names["hooks.example.edu"] = ["127.0.0.1", "127.0.0.99"]
    assert post(f"http://hooks.example.edu:{receiver.port}/", HEADERS, BODY, private=True) == 200
    assert names["hooks.example.edu"] == ["127.0.0.99"]
    assert receiver.received[0].header("Host") == f"hooks.example.edu:{receiver.port}"


def test_the_next_address_where_nobody_listens(receiver: FrontEndServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "addresses_of", lambda *_a, **_o: ["127.0.0.2", "::1", "127.0.0.1"])
    assert post(f"http://hooks.example.edu:{receiver.port}/", HEADERS, BODY, private=True) == 200


def test_no_second_address_after_one_that_may_have_taken_it(
    receiver: FrontEndServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posting, "addresses_of", lambda *_a, **_o: ["127.0.0.1", "127.0.0.1"])

    def breaks_off(_server: FrontEndServer, _call: Received) -> bytes:
        raise OSError

    receiver.behave = breaks_off
    assert "broke off" in refused(receiver)
    assert receiver.connections == 1


# --- TLS ----------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Certificates, good and bad."""
    return certificates.make(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def trusted(files: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The system trusts the CA of these certificates."""
    monkeypatch.setenv("SSL_CERT_FILE", str(files["root"]))
    outgoing.trust.cache_clear()
    yield
    outgoing.trust.cache_clear()


@pytest.fixture
def over_tls(files: dict[str, Path], names: dict[str, list[str]]) -> Callable[[str], int]:
    """Post to NAME over TLS, where the server has the certificate of that kind; the name that it was asked for."""
    names[NAME] = ["127.0.0.1", "127.0.0.99"]

    def posted(certificate: str) -> int:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(files[certificate])
        asked: list[str | None] = []
        context.sni_callback = lambda _socket, name, _context: asked.append(name)
        with FrontEndServer(fine, context) as server:
            status = post(f"https://{NAME}:{server.port}/", HEADERS, BODY, private=True)
        assert asked == [NAME]
        assert names[NAME] == ["127.0.0.99"]  # looked up once
        return status

    return posted


@pytest.mark.usefixtures("trusted")
def test_the_certificate_is_that_of_the_name(over_tls: Callable[[str], int]) -> None:
    assert over_tls("good") == 200


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("certificate", ["no intermediate", "expired", "other name", "self-signed"])
def test_other_certificates(over_tls: Callable[[str], int], certificate: str) -> None:
    with pytest.raises(NoAnswer, match=f"^{NAME} has no certificate that is trusted here"):
        over_tls(certificate)


def test_a_ca_that_the_system_does_not_trust(over_tls: Callable[[str], int]) -> None:
    with pytest.raises(NoAnswer, match="has no certificate that is trusted here"):
        over_tls("good")
