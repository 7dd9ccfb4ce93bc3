"""The cost of a scrape of /metrics on a large university's site, and of counting what a call does.

    python -m bench.metrics [--database sqlite|mariadb] [--computers N] [--block-times N] [--decisions N]

Makes a site of its own (bench/large_site.py) in a private database, on a private server for MariaDB, with a term of
loads, classes, notifications and failed sign-ins. /metrics is asked for through Django's test client, which leaves out
the web server and the network: with nothing kept from an earlier time, and with the site's part kept. The counts are in
files, those of as many processes as a site has.
"""

import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from bench.staff_pages import make, options, statements
from tests.support.servers.private_database import private_database

if TYPE_CHECKING:
    from blockalloc.models import ClassHeld, SeenLoad

MILLISECONDS = 50  # fewer than these
_REPEAT = 40
_LOADS, _CLASSES, _MESSAGES, _FAILURES = 30_000, 5_000, 20_000, 2_000
_PROCESSES = 6  # that have counted: workers of two gunicorns and loops
_CALLS = 20_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 1 when a scrape takes too long."""
    given = options("bench.metrics").parse_args(arguments)
    os.environ["VCL_TIME_ZONE"] = "America/New_York"
    with tempfile.TemporaryDirectory() as directory:
        os.environ["VCL_METRICS_DIR"] = directory
        with private_database(mariadb=given.database == "mariadb", arguments=["--innodb-buffer-pool-size=2G"]):
            import time_machine

            from bench.large_site import NOW, Sizes

            with time_machine.travel(NOW):
                make(Sizes(given.computers, given.block_times, given.decisions))
                _add_records(NOW.astimezone(UTC))
                slowest = _scrapes(Path(directory))
                _counting()
    return 1 if slowest >= MILLISECONDS else 0


def _scrapes(directory: Path) -> float:
    """Measure scrapes; the median of the slowest kind, in milliseconds."""
    from django.test import Client

    from blockalloc.monitoring import site_metrics
    from blockalloc.monitoring.latest import Latest

    client = Client(SERVER_NAME="localhost")
    size = len(client.get("/metrics").content)
    for kind in ("counter", "histogram"):
        for number in range(1, _PROCESSES):
            shutil.copy(directory / f"{kind}_0.db", directory / f"{kind}_{number}.db")

    def scrape() -> None:
        client.get("/metrics")

    def scrape_anew() -> None:
        site_metrics.latest.forget()
        scrape()

    print(f"{size:,} bytes, {statements(site_metrics.read)} statements")
    print(f"{'milliseconds':34} {'median':>8} {'least':>8} {'p95':>8} {'CPU':>8}")
    anew = _print("nothing kept", scrape_anew)
    _print("last reading less than 10 s old", scrape)
    # As it is with a scrape every 15 s: each one begins a new reading.
    site_metrics.latest = Latest(
        "metrics", site_metrics.read, kept=0, usable=site_metrics.USABLE, pause=site_metrics.PAUSE, wait=60
    )
    due = _print("last reading less than a minute old", scrape)
    return max(anew, due)


def _print(what: str, work: Callable[[], object]) -> float:
    """Measure `work`: the wall clock, and what all processors did for it, here and in the database server."""
    took, spent = [], _cpu_seconds()
    for _ in range(_REPEAT):
        began = time.perf_counter()
        work()
        took.append(1000 * (time.perf_counter() - began))
    spent = 1000 * (_cpu_seconds() - spent) / _REPEAT
    took.sort()
    median = statistics.median(took)
    print(f"{what:34} {median:8.1f} {took[0]:8.1f} {took[-1 - _REPEAT // 20]:8.1f} {spent:8.1f}", flush=True)
    return median


def _cpu_seconds() -> float:
    """The processor time of this process and of those that it has started."""
    seconds = time.process_time()
    for task in Path("/proc/self/task").iterdir():
        for child in (task / "children").read_text().split():
            fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
            seconds += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return seconds


def _counting() -> None:
    """Measure all that is counted of one call."""
    from blockalloc.contract.messages import Outcome
    from blockalloc.measures import calls, guard

    outcome = Outcome("success", 20, 0, 1)
    began = time.perf_counter()
    for _ in range(_CALLS):
        guard.observe_wait(0.01)
        calls.count_machines("XMLRPCblockAllocation", outcome)
        calls.count(calls.Method.BLOCK_ALLOCATION, calls.Outcome.COMPLETE, 0.2)
    print(f"counting a call: {1e6 * (time.perf_counter() - began) / _CALLS:.1f} microseconds")


def _add_records(now: datetime) -> None:
    """What a term leaves in our own tables, the latest of it just now."""
    from django.core.cache import cache

    from blockalloc.models import ClassHeld, Image, Message, Recipient, SeenLoad

    random, images = Random("metrics"), [*Image.objects.values_list("pk", flat=True)]
    SeenLoad.objects.bulk_create(_loads(now, random, images), batch_size=500)
    ClassHeld.objects.bulk_create(_classes(now, random), batch_size=500)
    recipients = [
        Recipient.objects.create(key=f"vcl:{number}", channel=Recipient.MAIL, address=f"u{number}@example.edu")
        for number in range(200)
    ]
    Message.objects.bulk_create(
        [
            Message(
                recipient=random.choice(recipients), key=f"key-{number}", kind=Message.NEWS, address="a@example.edu",
                subject="3 classes", text="text " * 200, html="<p>text</p> " * 400,
                created=now - timedelta(minutes=number), sent=now if number > 20 else None,
            )
            for number in range(_MESSAGES)
        ],
        batch_size=200,
    )  # fmt: skip
    for number in range(_FAILURES):
        cache.add(f"lockout:{number // 20:040}:1:{number}", 1, timeout=300)


def _loads(now: datetime, random: Random, images: Sequence[int]) -> Iterator["SeenLoad"]:
    from blockalloc.models import SeenLoad

    for number in range(_LOADS):
        begun = now - timedelta(minutes=2 * number)
        yield SeenLoad(
            request_id=number, computer_id=random.randrange(10_000), hostname="computer", revision_id=1,
            image_id=random.choice(images), begun=begun, at_work=begun, over=begun,
            outcome=random.choice(SeenLoad.OUTCOMES[1:]),
        )  # fmt: skip


def _classes(now: datetime, random: Random) -> Iterator["ClassHeld"]:
    from blockalloc.models import ClassHeld

    for number in range(_CLASSES):
        start, said = now - timedelta(hours=number / 2), random.random()
        yield ClassHeld(
            block_time_id=number + 1, block_request_id=1, block_name="class", image_id=1, image_name="image",
            user_group="group", owner="owner", start=start, end=start, wanted=20, had=20,
            ready_at_start=20 if random.random() < said else 19, said_at_allocation=said, said_last=said, closed=True,
        )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
