"""Do answer times reveal accounts? `python -m verification.sign_in_times [--mariadb] [--each 2000]`, by hand.

Refused sign-ins of every kind, in random order, over HTTP to the real server. Each comes from an address
of its own, so that nobody is locked out. No difference: the chance that a time of one kind is above one
of another is a half, give or take what chance allows (a z between -3 and 3).
"""

import argparse
import http.client
import itertools
import random
import statistics
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from tests.support.rpc_calls import SIGNED_IN, document
from tests.support.servers.live_server import LiveServer
from tests.support.servers.mariadb_server import PrivateMariaDB

ACCOUNTS = """
import hashlib
from blockalloc.models import Affiliation, LocalAuth, User
local = Affiliation.objects.get(name="Local")
for name, locked in (("known", 0), ("locked", 1)):
    user = User.objects.create(unityid=name, affiliation=local, email="")
    passhash = hashlib.sha1(b"p4ss" + b"8ht2Pa55").hexdigest()
    LocalAuth.objects.create(user=user, passhash=passhash, salt="8ht2Pa55", lockedout=locked)
"""
KINDS = {
    "unknown user": ("nobody", "p4ss"),
    "wrong password": ("known", "wr0ng"),
    "locked account": ("locked", "p4ss"),
    "locked, wrong": ("locked", "wr0ng"),
}
BODY = document("XMLRPCtest", "x")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mariadb", action="store_true", help="on a private MariaDB server (default: SQLite)")
    parser.add_argument("--each", type=int, default=2000, help="sign-ins of each kind")
    options = parser.parse_args()
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = ""
        if options.mariadb:
            database = stack.enter_context(PrivateMariaDB())
            database.execute("CREATE DATABASE vcl CHARACTER SET latin1")
            url = database.url("vcl")
        server = stack.enter_context(LiveServer(directory, url))
        server.migrate()
        server.manage("shell", "--verbosity=0", "--command", ACCOUNTS)
        server.start({"VCL_ALLOW_PLAIN_HTTP": "1", "VCL_TRUSTED_PROXIES": "127.0.0.1"})
        report(measure(server, options.each))


def measure(server: LiveServer, each: int) -> dict[str, list[float]]:
    """The answer times of each kind, in milliseconds."""
    times: dict[str, list[float]] = {kind: [] for kind in KINDS}
    order = [kind for kind in KINDS for _ in range(each)]
    random.shuffle(order)
    for number, kind in enumerate([*KINDS, *order]):  # the first of each kind only warm up
        address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        taken = ask(server, *KINDS[kind], address)
        if number >= len(KINDS):
            times[kind].append(taken)
    return times


def ask(server: LiveServer, user: str, password: str, address: str) -> float:
    """The time of one refusal, without that of connecting."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.connect()
    headers = {**SIGNED_IN, "X-User": user, "X-Pass": password, "X-Forwarded-For": address, "Content-Type": "text/xml"}
    began = time.perf_counter()
    connection.request("POST", "/xmlrpc/", BODY, headers)
    answer = connection.getresponse().read()
    taken = (time.perf_counter() - began) * 1000
    connection.close()
    assert b"Access denied" in answer, answer
    return taken


def report(times: dict[str, list[float]]) -> None:
    """Print quantiles of each kind, and how each two compare."""
    for kind, values in times.items():
        cuts = statistics.quantiles(values, n=20)
        print(f"{kind:16} n={len(values)} 5 %: {cuts[0]:.3f}  median: {cuts[9]:.3f}  95 %: {cuts[18]:.3f} ms")
    for one, other in itertools.combinations(times, 2):
        chance, z = mann_whitney(times[one], times[other])
        print(f"{one} slower than {other}: {chance:.4f} of all pairs, z = {z:+.2f}")


def mann_whitney(one: list[float], other: list[float]) -> tuple[float, float]:
    """In how many of all pairs the value of `one` is the larger one; by how many standard deviations that is off."""
    marked = sorted([(value, True) for value in one] + [(value, False) for value in other])
    ranks = sum(rank for rank, (_value, first) in enumerate(marked, start=1) if first)
    pairs = len(one) * len(other)
    above = ranks - len(one) * (len(one) + 1) / 2
    deviation: float = (pairs * (len(one) + len(other) + 1) / 12) ** 0.5
    return above / pairs, (above - pairs / 2) / deviation


if __name__ == "__main__":
    main()
