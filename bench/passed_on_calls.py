"""Do calls that are passed on to a slow front end disturb allocations? Measured over HTTP, on the demo site.

    python -m bench.passed_on_calls [--mariadb] [--seconds N] [--calls N]

A simulated front end answers after a minute. 40 calls for it come at once, and some of a management node; the time of
an allocation that is planned in full (XMLRPCexplainBlockAllocation) meanwhile is compared with its time when nothing
is passed on.
"""

import argparse
import statistics
import sys
import tempfile
import time
import xmlrpc.client
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from tests.support.servers.front_end_server import FrontEndServer, always, slow, value
from tests.support.servers.front_end_server import http as answered
from tests.support.servers.live_server import LiveServer
from tests.support.servers.mariadb_server import PrivateMariaDB

RUSH, FROM_NODES = 40, 2
CAPTURE = xmlrpc.client.dumps((17,), "XMLRPCautoCapture").encode()
HEADERS = {"X-User": "vclsystem", "X-Pass": "demo-pass", "X-APIVERSION": "2"}
NODE = "127.0.0.9"
CLASS = f"""
from blockalloc.demo.rows import FIRST_ID
from blockalloc.models import BlockTime, ManagementNode
ManagementNode.objects.filter(pk=ManagementNode.objects.earliest("pk").pk).update(IPaddress="{NODE}")
time = BlockTime.objects.select_related("blockRequest").get(pk=FIRST_ID)
request = time.blockRequest
start, end = int(time.start.timestamp()), int(time.end.timestamp())
print("class", request.image_id, start, end, 20, request.group_id, 0, FIRST_ID)
"""

Timed = tuple[str, float]  # "answer" or a fault's code, and seconds


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 1 when a call has a wrong result."""
    options = _options().parse_args(arguments)
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = ""
        if options.mariadb:
            database = stack.enter_context(PrivateMariaDB())
            database.execute("CREATE DATABASE vcl CHARACTER SET latin1")
            url = database.url("vcl")
        front_end = stack.enter_context(FrontEndServer(slow(options.seconds, always(answered(value("done"))))))
        service = stack.enter_context(LiveServer(directory, url))
        service.migrate()
        service.load_demo_site()
        (line,) = (line for line in service.manage("shell", "--command", CLASS).splitlines() if line[:6] == "class ")
        explain = xmlrpc.client.dumps(tuple(map(int, line.split()[1:])), "XMLRPCexplainBlockAllocation").encode()
        service.start(
            {"VCL_ALLOW_PLAIN_HTTP": "1", "VCL_FRONT_END_URL": front_end.url, "WEB_CONCURRENCY": str(options.workers)}
        )
        return _measure(service, front_end, explain, options)


def _measure(service: LiveServer, front_end: FrontEndServer, explain: bytes, options: argparse.Namespace) -> int:
    for _ in range(10 * options.workers):
        _post(service, explain)
    quiet = [_post(service, explain) for _ in range(options.calls)]
    with ThreadPoolExecutor(RUSH + FROM_NODES) as callers:
        begun = time.monotonic()
        rush = [callers.submit(_post, service, CAPTURE) for _ in range(RUSH)]
        time.sleep(1)
        refused_at_once = _results([call for call in rush if call.done()])
        from_nodes = [callers.submit(_post, service, CAPTURE, NODE) for _ in range(FROM_NODES)]
        time.sleep(1)
        beside = [_post(service, explain) for _ in range(options.calls)]
        in_time = time.monotonic() - begun < options.seconds
        passed = _results([call for call in (*rush, *from_nodes) if call not in refused_at_once])
    answers = Counter(what for what, _seconds in passed.values())
    nodes = [call.result() for call in from_nodes]
    print(f"an allocation, planned in full, nothing passed on:      {_in_words(quiet)}")
    print(f"the same beside {RUSH} calls for a front end that takes {options.seconds:g} s: {_in_words(beside)}")
    print(f"of the {RUSH}: {dict(Counter(what for what, _s in refused_at_once.values()))} at once", end="")
    print(f" (the last after {max((s for _w, s in refused_at_once.values()), default=0) * 1000:.0f} ms)", end="")
    print(f", {dict(answers)} in the end, with those of a management node: {[f'{w} {s:.0f} s' for w, s in nodes]}")
    print(f"most at work in the front end at a time: {front_end.most_at_work} ({options.workers} workers)")
    right = {what for what, _seconds in (*quiet, *beside, *nodes)} == {"answer"} and in_time
    if not right:
        print(
            "NOT as it should be: a call was refused, or the measuring took longer than the front end", file=sys.stderr
        )
    return 0 if right else 1


def _post(service: LiveServer, body: bytes, source: str = "127.0.0.1") -> Timed:
    return service.timed_call(body, HEADERS, source)


def _results(calls: Sequence[Future[Timed]]) -> dict[Future[Timed], Timed]:
    return {call: call.result() for call in calls}


def _in_words(calls: Sequence[Timed]) -> str:
    times = sorted(seconds * 1000 for _what, seconds in calls)
    return f"median {statistics.median(times):.1f} ms, 95 of 100 within {times[int(len(times) * 0.95)]:.1f} ms"


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.passed_on_calls", description=__doc__.split("\n")[0])
    parser.add_argument("--mariadb", action="store_true", help="on a private MariaDB server instead of SQLite")
    parser.add_argument("--seconds", type=float, default=60.0, help="that the front end takes (default: %(default)s)")
    parser.add_argument("--calls", type=int, default=200, help="allocations each time (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=2, help="of the service (default: %(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
