"""The cost of a decision record on a site with 10,000 computers, in the worst imaginable cases.

    python -m bench.decision_records [computers]

For each case: bytes of the findings and milliseconds of encoding them, beside the milliseconds of the plan
that they describe. The last row is the roster of all names, which most decisions share. No database is needed.
"""

import argparse
import os
import random
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import django

from scheduling.facts import Block, Computer, Site
from scheduling.planner import make_plan
from tests.support.sites import facts
from tests.support.sites.facts import END, MINUTE, RELOAD_START

T = TypeVar("T")
Case = Callable[[int, random.Random], Site]
MACHINES = 70
_REPEATS = 5


def _computers(number: int, **changes: object) -> list[Computer]:
    return [facts.computer(id_, hostname=f"vm-{id_:05}.example.edu", **changes) for id_ in range(1, number + 1)]


def _free(number: int, _rng: random.Random) -> Site:
    return facts.site(_computers(number))


def _of_few_kinds(number: int, rng: random.Random) -> Site:
    kinds: list[dict[str, Any]] = [
        {},
        {"ram": 1024},
        {"state": "failed"},
        {"state": "maintenance"},
        {"schedule_id": 2},
        {"platform_id": 2},
    ]
    computers = [each._replace(**rng.choice(kinds)) for each in _computers(number)]
    return facts.site(computers)


def _with_memory_of_their_own(number: int, rng: random.Random) -> Site:
    return facts.site([each._replace(ram=rng.randrange(2048)) for each in _computers(number)])


def _reserved(number: int, rng: random.Random) -> Site:
    """Each by a request of its own, begun when its user came, in the order in which they came."""
    reserved = []
    for request, computer in enumerate(rng.sample(range(1, number + 1), number), 480_000):
        begin = RELOAD_START - (480_000 + number - request) * 12 * 60 // number * MINUTE
        end = RELOAD_START + rng.randrange(1, 40) * 15 * MINUTE
        reserved.append(facts.reservation(computer, begin, end, request_id=request))
    return facts.site(_computers(number), reservations=reserved)


def _reserved_to_the_second(number: int, rng: random.Random) -> Site:
    """No request follows from another one: ids, starts and ends are all random."""
    ids = rng.sample(range(1, 20_000_000), number)
    reserved = [
        facts.reservation(
            computer, RELOAD_START - rng.randrange(86400), END + rng.randrange(86400), request_id=ids[computer - 1]
        )
        for computer in range(1, number + 1)
    ]
    return facts.site(_computers(number), reservations=reserved)


def _in_other_blocks(number: int, rng: random.Random) -> Site:
    """By blocks of forty machines, each machine with a reload start of its own."""
    block_computers = []
    for place, computer in enumerate(rng.sample(range(1, number + 1), number)):
        reload_start = RELOAD_START - place % 40 * MINUTE
        block_computers.append(
            facts.block_computer(computer, block_time_id=9000 + place // 40)._replace(reload_start=reload_start)
        )
    return facts.site(_computers(number), block_computers=block_computers)


CASES: Sequence[tuple[str, Case]] = (
    ("all free, 70 chosen", _free),
    ("a few faults and sizes", _of_few_kinds),
    ("each with a memory of its own", _with_memory_of_their_own),
    ("each reserved: a day of users", _reserved),
    ("each reserved: random to the second", _reserved_to_the_second),
    ("each in one of 250 other blocks", _in_other_blocks),
)


def _measured(what: Callable[[], T]) -> tuple[T, float]:
    """The result, and the milliseconds of the fastest run."""
    times = []
    for _ in range(_REPEATS):
        begun = time.perf_counter()
        result = what()
        times.append((time.perf_counter() - begun) * 1000)
    return result, min(times)


def main() -> None:
    """Print the table."""
    os.environ |= {"DJANGO_SETTINGS_MODULE": "vclsite.settings", "DATABASE_URL": "sqlite://:memory:"}
    django.setup()
    from blockalloc.store.decisions import RosterOf
    from blockalloc.store.findings import decode, encode

    parser = argparse.ArgumentParser(prog="python -m bench.decision_records", description=__doc__)
    parser.add_argument("computers", type=int, nargs="?", default=10_000, help="of the site (default: %(default)s)")
    number: int = parser.parse_args().computers
    print(f"{'':36} {'bytes':>8} {'encode ms':>10} {'decode ms':>10} {'plan ms':>8}")
    for name, case in CASES:
        site = case(number, random.Random(1))
        block: Block = facts.block(MACHINES)
        ids = sorted(site.computers)
        made, planning = _measured(lambda: make_plan(site, block, ignore_privileges=True))  # noqa: B023 - runs at once
        data, encoding = _measured(lambda: encode(ids, made, made.machines, [], {}))  # noqa: B023
        _, decoding = _measured(lambda: decode(data, ids))  # noqa: B023
        print(f"{name:36} {len(data):>8} {encoding:>10.1f} {decoding:>10.1f} {planning:>8.1f}")
    roster, naming = _measured(lambda: RosterOf.site(site.computers))
    packed, packing = _measured(lambda: roster.packed())
    print(f"{'the roster: its id':36} {'':>8} {naming:>10.1f}")
    print(f"{'the roster: written anew':36} {len(packed):>8} {packing:>10.1f}")


if __name__ == "__main__":
    main()
