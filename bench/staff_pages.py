"""The cost of the staff's pages on a large university's site: statements, milliseconds, bytes.

    python -m bench.staff_pages [--database sqlite|mariadb] [--computers N] [--block-times N] [--decisions N]

Makes a site of its own (bench/large_site.py) in a private database, on a private server for MariaDB. Each page is
asked for through Django's test client, which leaves out the web server and the network, by a superuser and by an
account of VCL that manages the blocks of one affiliation. The last column names the limits that were exceeded.
"""

import argparse
import gc
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.support.servers.private_database import private_database

if TYPE_CHECKING:
    from django.test import Client

    from bench.large_site import Site, Sizes

QUERIES, MILLISECONDS = 19, 300  # fewer than these: one statement less than is promised, so that it can't creep up
_AT_MOST_SECONDS = 3.0  # for one page, beside the first request


@dataclass(frozen=True, slots=True)
class Measured:
    """The results of a page; times are milliseconds."""

    page: str
    queries: int
    median: float
    least: float
    slow: float  # of 100 requests 95 are faster
    bytes: int

    @property
    def beyond(self) -> str:
        """The limits that were exceeded."""
        return " ".join([
            *(["QUERIES"] if self.queries >= QUERIES else []), *(["TIME"] if self.median >= MILLISECONDS else []),
        ])  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 1 when a page is beyond the limits."""
    parser = options("bench.staff_pages")
    parser.add_argument("--only", default="", help="pages with this in their names")
    parser.add_argument("--repeat", type=int, default=9, help="requests for each page, at most")
    given = parser.parse_args(arguments)
    os.environ["VCL_TIME_ZONE"] = "America/New_York"
    gc.set_threshold(50_000, 20, 20)  # as deploy/gunicorn.conf.py does
    # As on the server of a site of this size: rows and indexes are in memory.
    with private_database(mariadb=given.database == "mariadb", arguments=["--innodb-buffer-pool-size=2G"]):
        import time_machine

        from bench.large_site import NOW, Sizes

        with time_machine.travel(NOW):
            site = make(Sizes(given.computers, given.block_times, given.decisions))
            results = [*measure(site, given.only, given.repeat)]
    slow = [each for each in results if each.beyond]
    print(f"{len(results)} pages, {len(slow)} beyond {QUERIES - 1} statements or {MILLISECONDS} ms")
    return 1 if slow else 0


def options(program: str) -> argparse.ArgumentParser:
    """The options of a program that measures on this site."""
    parser = argparse.ArgumentParser(prog=f"python -m {program}")
    parser.add_argument("--database", choices=("sqlite", "mariadb"), default="sqlite")
    parser.add_argument("--computers", type=int, default=10_000)
    parser.add_argument("--block-times", type=int, default=5_000)
    parser.add_argument("--decisions", type=int, default=100_000)
    return parser


def make(sizes: "Sizes") -> "Site":
    """The site in the database, statistics of its tables included."""
    from django.db import connection

    from bench import kept_forecast, large_past, large_record, large_site

    began = time.perf_counter()
    site = large_site.build(sizes)
    large_record.build(site)
    large_past.build(site)
    kept_forecast.build(site)
    with connection.cursor() as cursor:
        if connection.vendor == "mysql":
            tables = ", ".join(f"`{name}`" for name in connection.introspection.table_names())
            cursor.execute(f"ANALYZE TABLE {tables}")
            cursor.fetchall()
    print(f"site made in {time.perf_counter() - began:.0f} s: {sizes}", file=sys.stderr)
    return site


def measure(site: "Site", only: str = "", repeat: int = 9) -> Iterator[Measured]:
    """Ask for all pages; prints each as it is measured."""
    from bench.staff_addresses import addresses

    head = f"{'page':58} {'queries':>7} {'median':>8} {'least':>8} {'p95':>8} {'bytes':>9}"
    for who, client in (("superuser", superuser()), ("manager of one affiliation", manager())):
        print(f"\n{who}, milliseconds\n{head}")
        for name, url in addresses(site, limited=who != "superuser"):
            if only not in name:
                continue
            if "p=" in url and client.get(url).status_code == 302:
                continue  # a smaller site has fewer pages of a list
            each = measured(f"{name}", client, url, repeat)
            print(
                f"{each.page:58} {each.queries:7} {each.median:8.0f} {each.least:8.0f} {each.slow:8.0f} "
                f"{each.bytes:9,} {each.beyond}",
                flush=True,
            )
            yield each


def measured(page: str, client: "Client", url: str, repeat: int) -> Measured:
    """A page, asked for several times after a first time that fills caches."""
    get(client, url)
    queries = statements(lambda: get(client, url))
    took: list[float] = []
    size = 0
    while len(took) < repeat and sum(took) < _AT_MOST_SECONDS:
        began = time.perf_counter()
        size = get(client, url)
        took.append(time.perf_counter() - began)
    took = sorted(1000 * seconds for seconds in took)
    return Measured(page, queries, statistics.median(took), took[0], took[-1 - len(took) // 20], size)


def get(client: "Client", url: str) -> int:
    """Read the page to its end; its bytes."""
    answer: Any = client.get(url)
    if answer.status_code != 200:
        raise RuntimeError(f"{url}: {answer.status_code}")
    return sum(map(len, answer.streaming_content)) if answer.streaming else len(answer.content)


def statements(work: Callable[[], object]) -> int:
    """The number of statements that the work sends."""
    from django.db import connection

    sent = []

    def count(execute: Any, sql: str, *rest: Any) -> Any:
        sent.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(count):
        work()
    return len(sent)


def _client() -> "Client":
    from django.test import Client

    class Browser(Client):
        """Asks over HTTPS, which a real site sends people to."""

        def request(self, **request: Any) -> Any:
            return super().request(**request | {"wsgi.url_scheme": "https"})

    return Browser(SERVER_NAME="localhost")


def superuser() -> "Client":
    """Signed in as one who may see everything."""
    from django.contrib.auth.models import User

    client = _client()
    user = User.objects.filter(username="root").first() or User.objects.create_superuser("root")
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


def manager() -> "Client":
    """Signed in by the form with an account of VCL, which sees the blocks of its affiliation."""
    from django.urls import reverse

    from bench.large_site import MANAGER, PASSWORD

    client = _client()
    answer = client.post(reverse("admin:login"), {"username": MANAGER, "password": PASSWORD})
    if answer.status_code != 302:
        raise RuntimeError("the manager was not let in")
    return client


if __name__ == "__main__":
    sys.exit(main())
