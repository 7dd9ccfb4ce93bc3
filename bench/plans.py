"""What policy `ready` costs a plan: reading the facts and planning, in milliseconds beside policy `vcl`.

    python -m bench.plans [--mariadb] [--machines N ...] [--plans N] [--profile]

Makes the site of bench/readiness in a private database: nothing of the class is loaded, others have three in ten
computers. A plan of each policy is made by turns, so that both meet the same load of the machine.
"""

import argparse
import cProfile
import pstats
import statistics
import time
from collections.abc import Callable, Sequence
from random import Random

from bench.readiness.cells import Cell
from bench.readiness.workers import database
from simulation.connections import Connection
from simulation.days.load_laws import LogNormal

LIMIT = 20.0  # milliseconds that policy `ready` may cost more, for 100 machines
_NODES_FROM = 60  # machines: so many take a second management node


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 1 when policy `ready` costs more than its limit."""
    options = _options().parse_args(arguments)
    print(f"{'machines':>8} {'policy':>7} {'reading':>8} {'planning':>9} {'both':>8}   milliseconds, median of plans")
    with database(mariadb=options.mariadb) as doubles:
        more = [_compare(each, doubles, options.plans, profile=options.profile) for each in options.machines]
    print(f"policy ready costs at most {max(more):.1f} ms more; limit: {LIMIT:g}")
    return int(max(more) > LIMIT)


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.plans", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--mariadb", action="store_true", help="on a private MariaDB server (default: SQLite)")
    parser.add_argument("--machines", type=int, nargs="+", default=[10, 30, 50, 100], help="of the class")
    parser.add_argument("--plans", type=int, default=31, help="of each policy")
    parser.add_argument("--profile", action="store_true", help="print where the time of policy ready goes")
    return parser


def _compare(machines: int, doubles: Connection, plans: int, *, profile: bool) -> float:
    """Print what plans of each policy take; how many milliseconds `ready` takes more."""
    import time_machine

    from bench.readiness import site
    from bench.readiness.play import stage

    nodes = 1 + machines // _NODES_FROM
    cell = Cell(machines, loaded=0.0, nodes=nodes, law=LogNormal(0.3), minutes_before=360).fitted()
    with stage(), time_machine.travel(site.begin(cell), tick=False):
        _morning(cell, doubles)
        medians = _measured(plans)
        for policy, (reading, planning) in medians.items():
            print(f"{machines:8} {policy:>7} {reading:8.1f} {planning:9.1f} {reading + planning:8.1f}", flush=True)
        if profile:
            _profile(lambda: _plan("ready"))
    return sum(medians["ready"]) - sum(medians["vcl"])


def _morning(cell: Cell, doubles: Connection) -> None:
    """The rows of the morning, with the users who are there, and the class."""
    from bench.readiness import site
    from simulation.days.day import Day
    from simulation.days.demand import Demand
    from simulation.days.people import People
    from simulation.days.users import Users

    site.load(cell, seed=1)
    begin = site.begin(cell)
    day = Day(doubles, site.ZONE, begin, site.nodes(cell), lambda _block_time, _ignore: {}, seed=1)
    users = Users(day, People(doubles, site.users(cell)), list(site.computers(cell)), seed=1)
    demand = Demand(cell.users, cell.computers, site.shares(cell, cell.wanted))
    users.seat(demand.present(begin, Random(1)), Random(2))
    site.insert_classes(cell)


def _measured(plans: int) -> dict[str, tuple[float, float]]:
    """Policy -> medians of the milliseconds of reading and of planning."""
    took: dict[str, list[tuple[float, float]]] = {"vcl": [], "ready": []}
    for _ in range(plans):
        for policy, theirs in took.items():
            theirs.append(_plan(policy))
    return {
        policy: (statistics.median(each[0] for each in theirs), statistics.median(each[1] for each in theirs))
        for policy, theirs in took.items()
    }


def _plan(policy: str) -> tuple[float, float]:
    """Milliseconds of reading the facts for a plan, and of planning."""
    from django.db import transaction
    from django.test import override_settings

    from bench.readiness.play import CALLER
    from bench.readiness.site import BLOCK_TIME
    from blockalloc import clock
    from blockalloc.allocation.look import make_plan, question_of
    from blockalloc.allocation.validation import order_of
    from blockalloc.contract.messages import FillCall
    from blockalloc.store import snapshot

    now = clock.now()
    with override_settings(VCL_RELOAD_POLICY=policy), transaction.atomic():
        order = order_of(FillCall(BLOCK_TIME, ignore_privileges=True), CALLER, now)
        begun = time.perf_counter()
        seen = snapshot.read(question_of(order, CALLER, now))
        read, begun_to_plan = time.perf_counter(), time.process_time()  # planning waits for nobody
        plan = make_plan(seen.site, order)
        planned = time.process_time()
    assert len(plan.machines) == order.block.machines, len(plan.machines)
    return 1000 * (read - begun), 1000 * (planned - begun_to_plan)


def _profile(work: Callable[[], object]) -> None:
    profile = cProfile.Profile()
    profile.runcall(work)
    pstats.Stats(profile).sort_stats("cumulative").print_stats(40)


if __name__ == "__main__":
    raise SystemExit(main())
