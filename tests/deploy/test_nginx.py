"""The shipped configuration of the server in front: real nginx, the real service behind it."""

import http.client
import re
import ssl
import threading
import time
import xmlrpc.client
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from types import TracebackType
from typing import Self

import pytest

from tests.support.rpc_calls import SIGNED_IN, document
from tests.support.servers.clients import ACCOUNT
from tests.support.servers.live_server import ROOT, LiveServer
from tests.support.servers.nginx_server import NAME, Nginx
from vclsite.front_end import ANSWER_SECONDS

pytestmark = pytest.mark.once(on="sqlite")

THREADS = 2
PATIENCE_SECONDS = 60  # with what takes a busy machine longer
SILENCE_SECONDS = 5  # client_header_timeout, client_body_timeout
CALL = document("XMLRPCtest", "x").encode()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """The service as on a real site, but for its database; with so few threads that a slow client could hold all."""
    with LiveServer(tmp_path_factory.mktemp("service")) as server:
        server.migrate()
        server.manage("shell", "--verbosity=0", "--command", ACCOUNT)
        yield server.start(
            {
                "DJANGO_ALLOWED_HOSTS": f"{NAME},127.0.0.1",
                "VCL_TRUSTED_PROXIES": "127.0.0.1",
                "GUNICORN_THREADS": str(THREADS),
            }
        )


@pytest.fixture(scope="module")
def nginx(service: LiveServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    """nginx in front of it."""
    with Nginx(tmp_path_factory.mktemp("nginx"), service.port) as server:
        yield server


class Connection(http.client.HTTPSConnection):
    """HTTPS to nginx from an address of this machine, under the name of the site."""

    def __init__(self, nginx: Nginx, source: str = "127.0.0.1") -> None:
        super().__init__(NAME, timeout=20)
        self._nginx, self._source = nginx, source

    def connect(self) -> None:
        """Not to the host of the name."""
        self.sock = self._nginx.connect(self._source)


def call(nginx: Nginx, source: str = "127.0.0.1", body: bytes = CALL, **headers: str) -> http.client.HTTPResponse:
    """Post a call."""
    connection = Connection(nginx, source)
    wanted = {**SIGNED_IN, "Content-Type": "text/xml", **{name.replace("_", "-"): headers[name] for name in headers}}
    connection.request("POST", "/index.php?mode=xmlrpccall", body, wanted)
    return connection.getresponse()


def assert_served(nginx: Nginx) -> None:
    """A call is answered, before the socket's time is over."""
    response = call(nginx)
    assert response.status == 200
    assert b"RPC call worked" in response.read()


def head(length: int) -> bytes:
    """The head of a call with a body of that length."""
    lines = [f"POST /xmlrpc/ HTTP/1.1\r\nHost: {NAME}", "Content-Type: text/xml", f"Content-Length: {length}"]
    return "\r\n".join([*lines, *(f"{name}: {value}" for name, value in SIGNED_IN.items()), "", ""]).encode()


# --- Calls ----------------------------------------------------------------------------------------
def test_a_call_over_tls_is_answered(nginx: Nginx) -> None:
    assert_served(nginx)


def test_the_service_learns_the_true_address(nginx: Nginx, service: LiveServer) -> None:
    response = call(nginx, "127.0.0.9", X_User="mallory", X_Forwarded_For="198.51.100.7", X_Real_IP="198.51.100.7")
    with pytest.raises(xmlrpc.client.Fault):
        xmlrpc.client.loads(response.read())
    (line,) = [line for line in service.log.read_text().splitlines() if "mallory" in line]
    assert "from 127.0.0.9: 3, unknown user" in line


def test_nginx_gives_the_id_by_which_a_request_is_found(nginx: Nginx, service: LiveServer) -> None:
    """Once in the answer, and in the service's log; the client's own does not count."""
    response = call(nginx, X_User="finder", X_Request_Id="forged")
    (id_,) = response.headers.get_all("X-Request-Id", [])
    assert re.fullmatch("[0-9a-f]{32}", id_)
    (line,) = [line for line in service.log.read_text().splitlines() if "finder" in line]
    assert f"[{id_}] refused 'finder'" in line
    assert "forged" not in service.log.read_text()


def test_what_nginx_answers_itself_has_an_id_too(nginx: Nginx) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", nginx.http_port, timeout=20)
    for method, path, status in (("GET", "/", 301), ("POST", "/xmlrpc/", 200), ("GET", "/xmlrpc/", 403)):
        connection.request(method, path, headers={"Host": NAME})
        response = connection.getresponse()
        response.read()
        (id_,) = response.headers.get_all("X-Request-Id", [])
        assert (response.status, len(id_)) == (status, 32)
    too_large = call(nginx, body=b"x" * 70_000)
    assert (too_large.status, len(too_large.headers.get_all("X-Request-Id", []))) == (413, 1)


def test_a_client_cannot_say_that_it_came_by_https_when_it_did_not(nginx: Nginx) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", nginx.http_port, timeout=20)
    connection.request("POST", "/xmlrpc/", CALL, {**SIGNED_IN, "X-Forwarded-Proto": "https"})
    with pytest.raises(xmlrpc.client.Fault, match="HTTPS is needed"):
        xmlrpc.client.loads(connection.getresponse().read())


@pytest.mark.parametrize("port", [80, 443])
@pytest.mark.parametrize("path", ["/xmlrpc", "/xmlrpc/", "/index.php?mode=xmlrpccall", "/vcl/index.php"])
def test_calls_by_plain_http_get_the_fault_of_the_service(
    path: str, port: int, nginx: Nginx, service: LiveServer
) -> None:
    """Also at the port of HTTPS. The service has no part in it."""
    reached = nginx.http_port if port == 80 else nginx.https_port
    connection = http.client.HTTPConnection("127.0.0.1", reached, timeout=20)
    connection.request("POST", path, CALL, {**SIGNED_IN, "X-User": "plain"})
    response = connection.getresponse()
    assert (response.status, response.headers["Content-Type"]) == (200, "text/xml")
    with pytest.raises(xmlrpc.client.Fault) as caught:
        xmlrpc.client.loads(response.read())
    said = "HTTPS is needed: name and password must not travel in the clear"
    assert (caught.value.faultCode, caught.value.faultString) == (4, said)
    assert "plain" not in service.log.read_text()


@pytest.mark.parametrize("path", ["/xmlrpc/", "/index.php?mode=xmlrpccall"])
def test_whoever_looks_there_by_plain_http_is_refused(path: str, nginx: Nginx) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", nginx.http_port, timeout=20)
    connection.request("GET", path)
    response = connection.getresponse()
    assert (response.status, b"HTTPS is needed" in response.read()) == (403, True)


@pytest.mark.parametrize("port", [80, 443])
@pytest.mark.parametrize("path", ["/", "/admin/", "/admin/blockalloc/blocktime/?q=a", "/xmlrpcs"])
def test_people_are_sent_to_https(path: str, port: int, nginx: Nginx) -> None:
    reached = nginx.http_port if port == 80 else nginx.https_port
    connection = http.client.HTTPConnection("127.0.0.1", reached, timeout=20)
    connection.request("GET", path, headers={"Host": "elsewhere.example.com"})
    response = connection.getresponse()
    assert (response.status, response.headers["Location"]) == (301, f"https://{NAME}{path}")


def test_the_pages_know_that_they_came_by_https(nginx: Nginx) -> None:
    """Cookies for HTTPS only; a form is taken whose origin is the site."""
    connection = Connection(nginx)
    connection.request("GET", "/admin/login/")
    page = connection.getresponse()
    assert (page.status, page.headers["Server"]) == (200, "nginx")
    assert page.headers["Strict-Transport-Security"] == "max-age=31536000"
    cookie = page.headers["Set-Cookie"]
    assert cookie.startswith("__Host-csrftoken=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Strict"} <= set(cookie.split("; "))
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.read().decode())
    assert token
    form = f"username=nobody&password=x&csrfmiddlewaretoken={token[1]}"
    headers = {
        "Cookie": cookie.split(";")[0],
        "Content-Type": "application/x-www-form-urlencoded",
        "Origin": f"https://{NAME}",
        "Referer": f"https://{NAME}/admin/login/",
    }
    connection.request("POST", "/admin/login/", form, headers)
    answer = connection.getresponse()
    assert (answer.status, b"Please enter the correct username" in answer.read()) == (200, True)
    connection.request("POST", "/admin/login/", form, {**headers, "Origin": "https://elsewhere.example.com"})
    assert connection.getresponse().status == 403


# --- Limits ---------------------------------------------------------------------------------------
def test_a_large_body_does_not_reach_the_service(nginx: Nginx, service: LiveServer) -> None:
    assert call(nginx, body=b"x" * 68_000, X_User="larger").status == 413
    connection = Connection(nginx)  # chunked: nothing says beforehand how large it is
    chunks = (b"x" * 1000 for _ in range(68))
    connection.request("POST", "/xmlrpc/", chunks, {**SIGNED_IN, "X-User": "larger"}, encode_chunked=True)
    assert connection.getresponse().status == 413
    assert "larger" not in service.log.read_text()


def test_one_just_above_the_services_own_limit_gets_its_fault(nginx: Nginx) -> None:
    response = call(nginx, body=b"x" * 65_537)
    with pytest.raises(xmlrpc.client.Fault, match="larger than 65536 bytes"):
        xmlrpc.client.loads(response.read())


def test_large_headers_are_refused(nginx: Nginx, service: LiveServer) -> None:
    assert call(nginx, X_User="header", X_Pass="p" * 5000).status == 400
    assert "header" not in service.log.read_text()


def test_a_flood_from_one_address_is_stopped_and_nobody_else(nginx: Nginx) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    stopped = threading.Event()

    def flood() -> list[int]:
        connection, statuses = Connection(nginx, "127.0.0.66"), []
        while not stopped.is_set() and time.monotonic() < deadline:
            connection.request("GET", "/static/admin/css/base.css")
            response = connection.getresponse()
            response.read()
            statuses.append(response.status)
            if response.status == 429:
                stopped.set()
        return statuses

    with ThreadPoolExecutor(8) as clients:
        floods = [clients.submit(flood) for _ in range(8)]
    statuses = Counter(status for each in floods for status in each.result())
    assert statuses[429] > 0
    assert statuses[200] >= 200  # before
    assert_served(nginx)


def test_one_address_cannot_take_all_connections(nginx: Nginx) -> None:
    with ExitStack() as stack, Drips() as drips:
        for _ in range(100):
            client = stack.enter_context(nginx.connect("127.0.0.77"))
            client.sendall(head(1000))
            drips.add(client)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (status := call(nginx, "127.0.0.77").status) == 200:
            assert time.monotonic() < deadline  # nginx has read all the heads by then
            time.sleep(0.2)  # far from the rate that is refused with the same status
        assert status == 429
        assert_served(nginx)


# --- Slow clients ---------------------------------------------------------------------------------
class Drips:
    """One more byte on each connection again and again, whatever else the test has to wait for."""

    PAUSE_SECONDS = 0.5

    def __init__(self) -> None:
        self.cut_off: set[ssl.SSLSocket] = set()
        self._clients: list[ssl.SSLSocket] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._drip)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def add(self, client: ssl.SSLSocket) -> None:
        """Drip here too from now on, until the server has cut it off."""
        self._clients.append(client)

    def _drip(self) -> None:
        while not self._over.wait(self.PAUSE_SECONDS):
            for client in [each for each in self._clients if each not in self.cut_off]:
                try:
                    client.send(b"x")
                except OSError:
                    self.cut_off.add(client)


def test_slow_clients_hold_no_worker_and_are_cut_off(nginx: Nginx, service: LiveServer) -> None:
    """Many more of them than the service has threads, of all kinds at once; calls go on meanwhile."""
    with ExitStack() as stack, Drips() as drips:

        def clients(sent: bytes) -> list[ssl.SSLSocket]:
            opened = []
            for _ in range(4 * THREADS):
                opened.append(stack.enter_context(nginx.connect("127.0.0.5")))
                opened[-1].sendall(sent)
            return opened

        silent_body = clients(head(1000) + b"<?xml")
        slow_head = clients(head(1000)[:-4])  # the last header goes on and on
        dripping = clients(head(1000) + b"<?xml")
        for client in (*slow_head, *dripping):
            drips.add(client)
        began = time.monotonic()
        # Cut off are those whose pause was too long, and slow heads, however steadily they dripped.
        while (
            time.monotonic() - began < SILENCE_SECONDS + 1
            or not drips.cut_off.issuperset(slow_head)
            or not all(_is_closed(client) for client in silent_body)
        ):
            assert time.monotonic() - began < PATIENCE_SECONDS
            assert_served(nginx)
            time.sleep(1)
        assert drips.cut_off == set(slow_head)  # nginx waits for the others, the service does not
    requests = [line for line in service.log.read_text().splitlines() if '"POST /xmlrpc/ HTTP' in line]
    assert requests == []  # of this path, which nothing but slow clients and refused ones use here


def _is_closed(client: ssl.SSLSocket) -> bool:
    """Whether the server has closed the connection, with an answer (408) or without."""
    client.settimeout(0.2)
    try:
        while client.recv(1000):
            pass
    except TimeoutError:
        return False
    except OSError:
        return True
    return True


# --- The file -------------------------------------------------------------------------------------
def _seconds(name: str) -> int:
    found = re.search(rf"^\s*{name} (\d+)s;", (ROOT / "deploy" / "nginx.conf").read_text(), re.MULTILINE)
    assert found
    return int(found[1])


def test_nginx_waits_longer_than_the_service_works() -> None:
    assert ANSWER_SECONDS < _seconds("proxy_read_timeout") < 180  # which is what VCL's back end waits
    assert _seconds("proxy_read_timeout") > 20 + 40  # VCL_GUARD_WAIT_SECONDS, and deploy/gunicorn.conf.py
    assert _seconds("client_header_timeout") == _seconds("client_body_timeout") == SILENCE_SECONDS
