"""Thousands of calls by many processes at once. It passes with 0 double bookings, 0 partial calls, 0 lost calls.

python -m verification.allocations --database mariadb|sqlite|galera --calls 10000 --processes 16 --seed 1

On MariaDB one call of eight goes over HTTP through gunicorn, and some of these lose their connection when they have
been sent. On Galera every call goes through a node of its own choice; one node is killed when a third of the calls is
done and brought back after half of them, with nobody's help.
"""

import argparse
import os
import signal
import statistics
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.servers.galera_cluster import GaleraCluster
from tests.support.servers.live_server import LiveServer
from tests.support.servers.mariadb_server import SECRET_KEY, PrivateMariaDB
from verification.allocations.journal import Attempt
from verification.allocations.worker import BUSY, retries

if TYPE_CHECKING:
    from verification.allocations.campaign import Result, Size

HTTP_SHARE = 1 / 8
KILLED = 1  # the node; not the one that the campaign itself uses
KILL_AT, BRING_BACK_AT = 1 / 3, 1 / 2


@dataclass
class Place:
    """Where a campaign runs: `urls` of the same database, and hooks during and after it."""

    urls: list[str]
    http: LiveServer | None = None
    watch: Callable[[float], None] = lambda done: None
    before_judging: Callable[[], None] = lambda: None
    differences: Callable[[], list[str]] = list


@contextmanager
def sqlite(directory: Path) -> Iterator[Place]:
    """A file."""
    yield Place([f"sqlite:///{directory / 'campaign.sqlite3'}"])


@contextmanager
def mariadb(directory: Path) -> Iterator[Place]:
    """One server, and gunicorn beside it."""
    with PrivateMariaDB() as server:
        server.execute("CREATE DATABASE vcl CHARACTER SET latin1")
        url = server.url("vcl")
        with LiveServer(directory, url) as front:
            yield Place([url], front)


@contextmanager
def galera(_directory: Path) -> Iterator[Place]:
    """Three nodes, one of which crashes meanwhile."""
    with GaleraCluster() as cluster:
        cluster.nodes[0].execute("CREATE DATABASE vcl CHARACTER SET latin1")
        crash = Crash(cluster)
        urls = [cluster.url(number, "vcl") for number in range(len(cluster.nodes))]
        yield Place(urls, None, crash.watch, crash.over, lambda: _differences(cluster))


class Crash:
    """Kills a node of the cluster and brings it back, by the share of the calls that is done."""

    def __init__(self, cluster: GaleraCluster) -> None:
        self._cluster = cluster
        self._killed = False
        self._return: threading.Thread | None = None

    def watch(self, done: float) -> None:
        """Do what is due."""
        if not self._killed and done >= KILL_AT:
            self._cluster.kill_node(KILLED)
            self._killed = True
            print(f"node {KILLED} killed after {done:.0%} of the calls", flush=True)
        if self._killed and self._return is None and done >= BRING_BACK_AT:
            print(f"node {KILLED} starts again after {done:.0%} of the calls", flush=True)
            self._return = threading.Thread(target=self._bring_back)
            self._return.start()

    def over(self) -> None:
        """Wait until all nodes are there and alike."""
        assert self._return is not None
        self._return.join()
        self._cluster.wait_synced()
        self._cluster.wait_alike()

    def _bring_back(self) -> None:
        self._cluster.bring_back(KILLED)
        print(f"node {KILLED} has caught up", flush=True)


def _differences(cluster: GaleraCluster) -> list[str]:
    """Differences between the rows of the nodes."""
    arguments = ["--no-create-info", "--skip-comments", "--skip-extended-insert", "--databases", "vcl"]
    first, *others = [Counter(node.dump(*arguments).splitlines()) for node in cluster.nodes]
    return [f"node {number} differs: {list((other - first) + (first - other))[:5]}"
            for number, other in enumerate(others, 1) if other != first]  # fmt: skip


def main() -> None:
    """Run a campaign and print its table; exit status 1 when something is wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m verification.allocations",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    places = {"sqlite": sqlite, "mariadb": mariadb, "galera": galera}
    parser.add_argument("--database", choices=places, required=True)
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--processes", type=int, default=16)
    parser.add_argument("--computers", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="a directory for the workers' notes (default: thrown away)")
    chosen = parser.parse_args()
    # When a campaign is stopped its servers must stop too: SIGTERM ends it as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory() as temporary:
        directory = chosen.keep or Path(temporary)
        directory.mkdir(parents=True, exist_ok=True)
        with places[chosen.database](directory) as place:
            sys.exit(_run(chosen, place, directory))


def _run(chosen: argparse.Namespace, place: Place, directory: Path) -> int:
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "vclsite.settings",
        "DJANGO_SECRET_KEY": SECRET_KEY,
        "DATABASE_URL": place.urls[0],
        "VCL_TIME_ZONE": "UTC",
    }
    import django
    from django.core.management import call_command

    django.setup()
    from verification.allocations.campaign import Size, run

    call_command("migrate", verbosity=0)
    http = None
    if place.http is not None:
        place.http.start({"VCL_ALLOW_PLAIN_HTTP": "1", "WEB_CONCURRENCY": "2"})
        http = ("127.0.0.1", place.http.port)
    size = Size(chosen.calls, chosen.processes, chosen.computers, chosen.seed, HTTP_SHARE if http else 0.0)
    result = run(size, place.urls, directory, http=http, watch=place.watch, before_judging=place.before_judging)
    result.verdict.partial_calls.extend(place.differences())
    if place.http is not None:
        result.retries.update(retries(place.http.log.read_text(errors="replace")))
    _print(chosen.database, size, result)
    return 0 if result.verdict.is_clean() else 1


def _print(database: str, size: "Size", result: "Result") -> None:
    attempts, verdict = result.evidence.attempts, result.verdict
    kinds = Counter(attempt.kind for attempt in attempts)
    refused = Counter(attempt.value for attempt in attempts if attempt.kind == "refused")
    answered = [attempt for attempt in attempts if attempt.kind == "answer"]
    short = sum(attempt.value < result.evidence.call_of(attempt).machines for attempt in answered)
    seconds = sorted(attempt.ended - attempt.begun for attempt in answered)
    ended = {(attempt.worker, attempt.call): attempt for attempt in attempts}  # the last attempt of each
    unanswered = [attempt for attempt in ended.values() if attempt.kind in ("lost", "broken") or _is_busy(attempt)]
    rows: list[tuple[str, object]] = [
        ("database", database),
        ("processes, computers, seed", f"{size.processes}, {size.computers}, {size.seed}"),
        ("calls", len(ended)),
        ("attempts", len(attempts)),
        ("answers", len(answered)),
        ("  fewer machines than wanted", short),
        ("refusals by code", _in_words(refused)),
        ("attempts without an answer", kinds["lost"] + kinds["broken"]),
        ("calls never answered", len(unanswered)),
        ("computers allocated", len(result.evidence.after["blockComputers"])),
        ("transactions lost and retried", _in_words(result.retries)),
        ("seconds", f"{result.seconds:.0f}"),
        ("calls a second", f"{len(ended) / result.seconds:.1f}"),
        ("median, p95, longest answer", _milliseconds(seconds)),
        ("double bookings", len(verdict.double_bookings)),
        ("partial calls", len(verdict.partial_calls)),
        ("lost acknowledged calls", len(verdict.lost_calls)),
        ("wrong answers, errors", len(verdict.wrong_answers)),
        ("findings of check_vcl", len(verdict.inspection)),
    ]
    for name, value in rows:
        print(f"{name:32}{value}")
    for kind, texts in vars(verdict).items():
        for wrong in texts[:20]:
            print(f"{kind}: {wrong}", file=sys.stderr)


def _is_busy(attempt: Attempt) -> bool:
    return attempt.kind == "refused" and attempt.value == BUSY


def _in_words(counted: Counter[int] | Counter[str]) -> str:
    return ", ".join(f"{code}: {count}" for code, count in sorted(counted.items(), key=str)) or "none"


def _milliseconds(seconds: Sequence[float]) -> str:
    if len(seconds) < 2:
        return "-"
    cuts = statistics.quantiles(seconds, n=20)
    return ", ".join(f"{value * 1000:.0f} ms" for value in (cuts[9], cuts[18], seconds[-1]))


if __name__ == "__main__":
    main()
