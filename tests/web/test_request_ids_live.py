"""The real server: the id in the header, the log and the record is one; nothing secret or forged is in the log."""

import http.client
import json
import re
import socket
import sqlite3
import time
import xmlrpc.client
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest

from blockalloc.demo.people import PASSWORD
from tests.support.rpc_calls import document
from tests.support.servers.live_server import LiveServer, LiveServerFailed

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="sqlite")]

HEADERS = {"X-User": "vclsystem", "X-Pass": PASSWORD, "X-APIVERSION": "2", "Content-Type": "text/xml"}
PROXY, OTHER = "127.0.0.1", "127.0.0.9"
TRUSTING = {"VCL_ALLOW_PLAIN_HTTP": "1", "VCL_TRUSTED_PROXIES": PROXY}
CLASS = 101
IMAGE_AND_GROUP = """
    SELECT imageid, groupid FROM blockRequest WHERE id = (SELECT blockRequestid FROM blockTimes WHERE id = ?)
"""
LONGEST = 20  # seconds
LINE_OF_TEXT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (INFO|WARNING|ERROR) (blockalloc|gunicorn)\.[\w.]+: ")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """The demo site, with a log in JSON."""
    with LiveServer(tmp_path_factory.mktemp("site")) as site:
        site.migrate()
        site.load_demo_site()
        yield site.start({**TRUSTING, "VCL_LOG_FORMAT": "json"})


@pytest.fixture(scope="module")
def second(server: LiveServer, tmp_path_factory: pytest.TempPathFactory) -> LiveServer:
    """Another server of the same site, which is not at work yet."""
    return LiveServer(tmp_path_factory.mktemp("second"), server.database_url)


def answer(server: LiveServer, body: str, source: str = PROXY, **headers: str) -> tuple[str, Any]:
    """The id in the answer to a call, and its value or fault."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60, source_address=(source, 0))
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    with closing(connection):
        connection.request("POST", "/xmlrpc/", body, HEADERS | given)
        response = connection.getresponse()
        (id_,) = response.headers.get_all("X-Request-Id", [])
        try:
            return id_, xmlrpc.client.loads(response.read())[0][0]
        except xmlrpc.client.Fault as fault:
            return id_, fault


def lines(server: LiveServer, **wanted: object) -> list[dict[str, Any]]:
    """The lines of the log with these members. Every line has to be an object."""
    found = [json.loads(line) for line in server.log.read_text().splitlines()]
    return [line for line in found if wanted.items() <= line.items()]


def soon(server: LiveServer, number: int, **wanted: object) -> list[dict[str, Any]]:
    """So many lines with these members: an access line is written after the answer."""
    deadline = time.monotonic() + LONGEST
    while len(found := lines(server, **wanted)) < number and time.monotonic() < deadline:
        time.sleep(0.02)
    assert len(found) == number
    return found


def database(server: LiveServer) -> closing[sqlite3.Connection]:
    """The server's database."""
    path = server.database_url.removeprefix("sqlite:///")
    return closing(sqlite3.connect(path, timeout=LONGEST, isolation_level=None))


def recorded(server: LiveServer) -> dict[str, dict[str, Any]]:
    """Request id -> parameters of its decision record."""
    with database(server) as connection:
        rows = connection.execute("SELECT request_id, parameters FROM blockalloc_decision WHERE request_id IS NOT NULL")
        return {id_: json.loads(parameters) for id_, parameters in rows}


def test_header_lines_and_record_have_one_id(server: LiveServer) -> None:
    given, value = answer(server, document("XMLRPCprocessBlockTime", CLASS, 1), X_Request_Id="from-nginx_1")
    assert given == "from-nginx_1"
    assert value["status"] in ("success", "completed")
    call, access = soon(server, 2, request_id=given)
    assert (call["method"], call["outcome"], call["machines"]) == ("XMLRPCprocessBlockTime", value["status"], 20)
    about = ("logger", "method", "path", "status", "address")
    assert [access[name] for name in about] == ["gunicorn.access", "POST", "/xmlrpc/", 200, PROXY]
    assert access["bytes"] > 100
    assert 0 < call["duration_ms"] <= access["duration_ms"] + 1
    assert recorded(server)[given]["blockTimeid"] == CLASS


def test_who_is_no_proxy_gives_no_id(server: LiveServer) -> None:
    given, _ = answer(server, document("XMLRPCtest", "x"), OTHER, X_Request_Id="forged", X_Forwarded_For=PROXY)
    assert re.fullmatch("[0-9a-f]{32}", given)
    assert {line["address"] for line in soon(server, 2, request_id=given)} == {OTHER}
    assert "forged" not in server.log.read_text()


def test_what_a_proxy_says_of_the_caller_is_in_the_access_line(server: LiveServer) -> None:
    answer(server, document("XMLRPCtest", "x"), X_Request_Id="told", X_Forwarded_For="192.0.2.7")
    assert {line["address"] for line in soon(server, 2, request_id="told")} == {"192.0.2.7"}


def test_calls_at_the_same_time_do_not_mix_their_ids(server: LiveServer) -> None:
    def fail(number: int) -> None:
        user = f"u{number}"
        assert answer(server, document("XMLRPCtest"), X_User=user, X_Request_Id=f"of-{user}.")[0] == f"of-{user}."

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(fail, range(15)))  # fewer than lock the address out
    for number in range(15):
        call, _access = soon(server, 2, request_id=f"of-u{number}.")
        assert call["user"] == f"u{number}"


def test_calls_that_wait_for_others_keep_theirs(server: LiveServer) -> None:
    """One waits for the database, the others for their turns: all are at work before the first is done."""

    def call(machines: int) -> tuple[str, Any]:
        with database(server) as connection:
            image, group = connection.execute(IMAGE_AND_GROUP, [CLASS]).fetchone()
        start = int(time.time()) // 3600 * 3600 + 5 * 86400
        body = document("XMLRPCblockAllocation", image, start, start + 3600, machines, group, 1, 0)
        return answer(server, body, X_Request_Id=f"wants-{machines}.")

    with ThreadPoolExecutor(4) as threads:
        with database(server) as holding:
            holding.execute("BEGIN IMMEDIATE")
            calls = [threads.submit(call, machines) for machines in (1, 2, 3, 4)]
            time.sleep(1.0)
            assert not any(each.done() for each in calls)
            holding.execute("ROLLBACK")
        answers = [each.result() for each in calls]
    assert answers == [(f"wants-{machines}.", machines) for machines in (1, 2, 3, 4)]
    records = recorded(server)
    for machines in (1, 2, 3, 4):
        assert records[f"wants-{machines}."]["machinecount"] == machines
        (line,) = soon(server, 1, request_id=f"wants-{machines}.", method="XMLRPCblockAllocation")
        assert (line["machines"], line["duration_ms"] > 500) == (machines, True)


# --- Hostile requests -----------------------------------------------------------------------------
SECRET = "s3cret"
FORGED = "2026-01-01 00:00:00,000 INFO blockalloc: all is well"
BODY = document("XMLRPCtest", SECRET).encode()
REST = b"Content-Type: text/xml\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
HOSTILE = [
    b"POST /xmlrpc/?p=s3cret HTTP/1.1\r\nHost: x\r\nX-User: a\r\nX-Pass: s3cret\r\nCookie: sessionid=s3cret\r\n" + REST,
    b"POST /xmlrpc/ HTTP/1.1\r\nHost: 127.0.0.1\r\nX-User: vclsystem\r\nX-Pass: s3cret\r\nX-APIVERSION: 2\r\n" + REST,
    b"POST /xmlrpc/ HTTP/1.1\r\nHost: 127.0.0.1\r\nX-User: a\r\n 2026\r\nX-Pass: s3cret\r\n" + REST,
    b"POST /xmlrpc/ HTTP/1.1\r\nHost: 127.0.0.1\r\nX-User: \xff\x85\xe2\x80\xa8\x1b[31m\r\nX-Pass: s3cret\r\n" + REST,
    b"POST /xmlrpc/ HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Pass s3cret\r\n" + REST,
    b"POST /xmlrpc/ HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Pass\x00: s3cret\r\n" + REST,
    b"POST /xmlrpc/ HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Pass: s3cret" + b"x" * 20_000 + b"\r\n" + REST,
    b"POST /xmlrpc/ HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Request-Id: " + b"x" * 8000 + b"\r\nX-Pass: s3cret\r\n" + REST,
    b"GET /%0d%0a" + FORGED.replace(" ", "%20").encode() + b"?s3cret HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"GET /\xff\xe2\x80\xa8\x85 HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: sessionid=s3cret\r\n\r\n",
    b"GET http://a:s3cret@127.0.0.1/healthz?s3cret HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"GET /feeds/all/s3cret.ics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"GET /notifications/unsubscribe/s3cret.x/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nHost: s3cret\r\nAuthorization: Basic s3cret\r\n\r\n",
    b"POST /admin/login/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 15\r\n\r\npassword=s3cret",
    b"\x16\x03\x01 s3cret\r\n\r\n",
    b"GET /" + b"s" * 5000 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
]  # fmt: skip


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_hostile_requests_leave_lines_without_secrets_and_forge_none(second: LiveServer, log_format: str) -> None:
    second.log.unlink(missing_ok=True)
    with second.start({**TRUSTING, "VCL_LOG_FORMAT": log_format}):
        for request in HOSTILE:
            with socket.create_connection(("127.0.0.1", second.port), timeout=LONGEST) as connection:
                connection.sendall(request)
                head = connection.recv(65536)
                assert head.startswith(b"HTTP/1.1 ")
                assert head.lower().count(b"x-request-id:") <= 1
    text = second.log.read_bytes().decode()  # what is no UTF-8 would fail here
    assert SECRET not in text
    assert PASSWORD not in text
    assert FORGED not in text
    found = text.splitlines()
    assert len(found) > len(HOSTILE)
    for line in found:
        assert line.isprintable()
        if log_format == "json":
            assert json.loads(line)["logger"].partition(".")[0] in ("blockalloc", "gunicorn")
        else:
            assert LINE_OF_TEXT.match(line) or line.startswith("    ")


def test_an_error_at_the_start_says_what_is_wrong(second: LiveServer) -> None:
    """Before there is a log: one plain line, whatever the format."""
    with pytest.raises(LiveServerFailed, match="VCL_LOG_FORMAT='yaml': use text or json"):
        second.start({**TRUSTING, "VCL_LOG_FORMAT": "yaml"})
