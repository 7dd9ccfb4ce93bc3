"""A connection that is cut after the rows are written: the caller calls again and hears the same (SPEC 2.1)."""

import re
import socket
import time
import xmlrpc.client
from collections.abc import Callable, Iterator

import pytest
from django.db.utils import ConnectionHandler
from pytest_django import DjangoDbBlocker

from blockalloc.demo.people import PASSWORD
from tests.support.servers.clients import database_url
from tests.support.servers.live_server import LiveServer
from vclsite.database import database

Counts = Callable[[], list[int]]

HEADERS = {"X-User": "vclsystem", "X-Pass": PASSWORD, "X-APIVERSION": "2"}
MACHINES = 20

# The seven parameters for the demo's class, or for a block of its own at the same hours.
PARAMETERS = """
from blockalloc.models import BlockTime
t = BlockTime.objects.select_related("blockRequest").get(pk=101)
r = t.blockRequest
print("numbers", r.image_id, int(t.start.timestamp()), int(t.end.timestamp()), 20, r.group_id, 1, t.pk)
"""
COUNTS = """
    SELECT (SELECT COUNT(*) FROM blockTimes), (SELECT COUNT(*) FROM blockComputers),
        (SELECT COUNT(*) FROM request WHERE stateid = 19)
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[LiveServer]:
    """The demo site on the real server."""
    with LiveServer(tmp_path_factory.mktemp("site"), database_url(request, "lost_answers")) as server:
        server.migrate()
        server.load_demo_site()
        yield server.start({"VCL_ALLOW_PLAIN_HTTP": "1"})


@pytest.fixture(scope="module")
def counts(site: LiveServer, django_db_blocker: DjangoDbBlocker) -> Iterator[Counts]:
    """How many block times, computers of blocks and reloads the site has, whenever it is asked."""
    with django_db_blocker.unblock():
        connection = ConnectionHandler({"default": database(site.database_url)})["default"]

        def count() -> list[int]:
            with connection.cursor() as cursor:
                cursor.execute(COUNTS)
                return list(cursor.fetchone())

        yield count
        connection.close()


def the_parameters(site: LiveServer) -> list[int]:
    """The seven of the demo's class."""
    printed = site.manage("shell", "--verbosity=0", "--command", PARAMETERS)
    found = re.search(r"^numbers (.*)$", printed, re.MULTILINE)
    assert found, printed
    return [int(word) for word in found[1].split()]


def send(site: LiveServer, parameters: list[int], headers: dict[str, str]) -> socket.socket:
    """Send the call and read nothing."""
    body = xmlrpc.client.dumps(tuple(parameters), "XMLRPCblockAllocation").encode()
    lines = ["POST /xmlrpc/ HTTP/1.1", "Host: 127.0.0.1", "Content-Type: text/xml", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    connection = socket.create_connection(("127.0.0.1", site.port))
    connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
    return connection


def call_again(site: LiveServer, parameters: list[int], headers: dict[str, str]) -> object:
    """The same call, and its answer."""
    with xmlrpc.client.ServerProxy(f"{site.url}/xmlrpc/", headers=list(headers.items())) as client:
        return client.XMLRPCblockAllocation(*parameters)


def wait_for(counts: Counts, wanted: list[int]) -> None:
    """Wait until the rows are there."""
    deadline = time.monotonic() + 30
    while (found := counts()) != wanted:
        assert time.monotonic() < deadline, f"{found} instead of {wanted}"
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("new_block", "at_once"),
    [(False, False), (True, False), (True, True)],
    ids=["of a block time", "of a new block", "of a call that is made again before it has ended"],
)
def test_a_lost_answer_costs_nothing(site: LiveServer, counts: Counts, new_block: bool, at_once: bool) -> None:
    parameters, headers = the_parameters(site), HEADERS
    times, computers, reloads = counts()
    if new_block:
        parameters[-1] = 0
        headers = HEADERS | {"X-Idempotency-Key": f"monday {at_once}"}
    after = [times + new_block, computers + MACHINES, reloads + MACHINES]
    cut = send(site, parameters, headers)
    if not at_once:
        wait_for(counts, after)
    cut.close()
    assert call_again(site, parameters, headers) == MACHINES
    assert counts() == after
