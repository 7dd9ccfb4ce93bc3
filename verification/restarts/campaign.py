"""Makes the calls and the restarts, and judges the answers and the rows."""

import http.client
import queue
import threading
import time
import xmlrpc.client
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.support.rpc_calls import SIGNED_IN, document
from tests.support.servers.nginx_server import NAME, Nginx
from tests.support.servers.supervisor import Supervisor
from verification.restarts.site import FIRST_BLOCK, rows

_ANSWER_SECONDS = 180  # as long as VCL's back end waits
KINDS = ("restart", "reload", "crash")


@dataclass(frozen=True)
class Size:
    """So many calls by so many clients, while each kind of restart in `restarts` happens, in turn."""

    calls: int
    clients: int
    restarts: tuple[str, ...]


@dataclass
class Outcome:
    """What became of the calls: how long each took, in seconds; what is wrong, in words."""

    seconds: list[float] = field(default_factory=list)
    during: Counter[str] = field(default_factory=Counter)  # calls that were on the way while it happened
    took: list[tuple[str, float]] = field(default_factory=list)  # each restart
    wrong: list[str] = field(default_factory=list)
    total: float = 0.0


def run(size: Size, supervisor: Supervisor, nginx: Nginx) -> Outcome:
    """Play the campaign on Django's database, whose rows are replaced, with a service that runs on it."""
    outcome, begun = Outcome(), time.monotonic()
    calls: queue.SimpleQueue[int | None] = queue.SimpleQueue()
    spans: list[tuple[float, float]] = []
    clients = [
        threading.Thread(target=_client, args=(f"127.0.0.{10 + number}", calls, nginx, outcome, spans))
        for number in range(size.clients)
    ]
    for client in clients:
        client.start()
    moments: list[tuple[str, float, float]] = []
    given = 0
    for number, kind in enumerate(size.restarts, 1):
        # Each restart comes when half of its portion of the calls is done: there are calls, however slow it is.
        done, given = given, _give(calls, given, size.calls * number // len(size.restarts))
        _wait_until(lambda: len(spans) >= (done + given) // 2)  # noqa: B023
        moments.append(_restart(kind, supervisor, outcome))
        _wait_until(lambda: len(spans) >= given)  # noqa: B023
        _check_in()
    for _ in clients:
        calls.put(None)
    for client in clients:
        client.join()
    for kind, since, until in moments:
        outcome.took.append((kind, until - since))
        outcome.during[kind] += sum(end >= since and start <= until for start, end in spans)
    outcome.seconds = sorted(end - start for start, end in spans)
    outcome.total = time.monotonic() - begun
    outcome.wrong += _judge(size.calls)
    return outcome


def load(calls: int) -> None:
    """Replace the rows of Django's database by those of the site."""
    from tests.golden import tables

    tables.load(rows(calls), "UTC")


def _restart(kind: str, supervisor: Supervisor, outcome: Outcome) -> tuple[str, float, float]:
    since = time.monotonic()
    if kind == "reload":
        done = supervisor.reload()
        if done.returncode:
            outcome.wrong.append(f"reload: {done.stdout}{done.stderr}")
    else:
        {"restart": supervisor.restart, "crash": supervisor.crash}[kind]()
    return kind, since, time.monotonic()


def _client(
    source: str,
    calls: "queue.SimpleQueue[int | None]",
    nginx: Nginx,
    outcome: Outcome,
    spans: list[tuple[float, float]],
) -> None:
    while (block_time := calls.get()) is not None:
        since = time.monotonic()
        try:
            answer = _call(nginx, source, block_time)
        except Exception as error:
            answer = repr(error)
        spans.append((since, time.monotonic()))
        if answer != 1:
            outcome.wrong.append(f"block time {block_time}: {answer}")


def _call(nginx: Nginx, source: str, block_time: int) -> object:
    """The machines in the answer to a call that is made once. It has a connection of its own, as vcld's have."""
    body = document("XMLRPCprocessBlockTime", block_time, 1).encode()
    connection = http.client.HTTPSConnection(NAME, timeout=_ANSWER_SECONDS)
    connection.sock = nginx.connect(source)
    connection.sock.settimeout(_ANSWER_SECONDS)
    try:
        connection.request("POST", "/index.php?mode=xmlrpccall", body, {**SIGNED_IN, "Content-Type": "text/xml"})
        response = connection.getresponse()
        text = response.read()
    finally:
        connection.close()
    if response.status != 200:
        return f"HTTP {response.status}"
    (answer,), _ = xmlrpc.client.loads(text)
    return answer["allocated"] if isinstance(answer, dict) else answer


def _give(calls: "queue.SimpleQueue[int | None]", given: int, until: int) -> int:
    for number in range(given, until):
        calls.put(FIRST_BLOCK + number)
    return until


def _wait_until(condition: Callable[[], bool]) -> None:
    while not condition():
        time.sleep(0.01)


def _check_in() -> None:
    """The management node is alive."""
    from blockalloc.store.sql import execute
    from blockalloc.store.times import to_utc

    execute("UPDATE managementnode SET lastcheckin = %s", [to_utc(int(time.time()))])


def _judge(calls: int) -> list[str]:
    """What is wrong in the rows: each class is to have one computer, nobody else's, by one call."""
    from blockalloc.store.sql import fetch

    wanted = range(FIRST_BLOCK, FIRST_BLOCK + calls)
    had = Counter(id_ for (id_,) in fetch("SELECT blockTimeid FROM blockComputers"))
    computers = Counter(id_ for (id_,) in fetch("SELECT computerid FROM blockComputers"))
    reloads = Counter(
        id_ for (id_,) in fetch("SELECT v.computerid FROM request q JOIN reservation v ON v.requestid = q.id")
    )
    written = Counter(
        id_
        for (id_,) in fetch(
            "SELECT block_time_id FROM blockalloc_decision WHERE action = 'allocate' AND outcome = 'success'"
        )
    )
    return [
        *(f"block time {id_} has {had[id_]} computers" for id_ in wanted if had[id_] != 1),
        *(f"computer {id_} is in {number} classes" for id_, number in computers.items() if number != 1),
        *(f"computer {id_} has {number} reloads" for id_, number in reloads.items() if number != 1),
        *(f"block time {id_} was allocated {written[id_]} times" for id_ in wanted if written[id_] != 1),
    ]
