"""One process beside the looks: `python -m verification.keepers.worker ROLE NUMBER SECONDS SEED BEGUN`.

ROLE is caller, user, staff or back_end; BEGUN is when the campaign began (Unix seconds). Prints READY, reads a line,
takes part for so many SECONDS on the database of DATABASE_URL, and prints its counts as JSON. Errors that nobody
expects end it with a traceback.
"""

import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

import django

from verification.allocations.site import GROUP, LAB, NODE, PLAIN, VIRTUAL, Site
from verification.keepers.site import MINUTE, rows

READY = "ready"
REMOVED = "removed from its block times: computer "
_DEADLOCK = 1213
_CALLER_PAUSE, _USER_PAUSE, _STAFF_PAUSE, _ROUND = 4.0, 1.5, 1.0, 1.0  # seconds, in the mean
_AVAILABLE, _FAILED, _MAINTENANCE = 2, 5, 10
_FAILING = 0.04  # loads

Attempt = Callable[[], None]


def main(role: str, number: int, seconds: float, seed: int, begun: int) -> None:
    """Take part until the time is over."""
    django.setup()
    rng, counts = random.Random(f"{seed} {role} {number}"), Counter[str]()
    place = rows(seed, begun)
    make: Mapping[str, Callable[..., tuple[Attempt, float]]] = {
        "caller": _caller, "user": _user, "staff": _staff, "back_end": _back_end,
    }  # fmt: skip
    attempt, pause = make[role](place, number, rng, counts)
    print(READY, flush=True)
    sys.stdin.readline()
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        attempt()
        counts["attempts"] += 1
        time.sleep(rng.uniform(0, 2 * pause))
    print(json.dumps(counts), flush=True)


def _caller(place: Site, number: int, rng: random.Random, counts: Counter[str]) -> tuple[Attempt, float]:
    """Fills block times, all or some of their machines, and makes new blocks."""
    from blockalloc.allocation import service
    from blockalloc.contract.messages import BlockAllocationCall, Caller, Refusal

    caller = Caller(3, "vclsystem@Local", door="campaign")

    def attempt() -> None:
        key = None
        if rng.random() < 0.15:
            image, start, end, machines = place.wish(rng)
            block_time, machines, key = 0, max(machines // 3, 1), f"{number} {rng.random()}"
        else:
            block = rng.choice(place.block_times)
            image, start, end, block_time = block.image_id, block.start, block.end, block.id
            machines = block.machines if rng.random() < 0.6 else rng.randint(1, block.machines)
        call = BlockAllocationCall(image, start, end, machines, GROUP, True, block_time, key)
        try:
            counts["machines answered"] += service.allocate_block(call, caller)
        except Refusal as refusal:
            counts[f"refusals {refusal.code}"] += 1

    return attempt, _CALLER_PAUSE


def _user(place: Site, number: int, rng: random.Random, counts: Counter[str]) -> tuple[Attempt, float]:
    """Reserves computers through the front end: now, or for the hours of classes."""
    from MySQLdb import OperationalError

    from simulation.front_end.candidates import Wish
    from simulation.front_end.reserving import Reserving
    from simulation.front_end.session import FrontEnd
    from tests.support.front_end import connect

    connection = connect(wait=50)
    front_end = FrontEnd(connection, time.time, ZoneInfo("UTC"))
    computers = [row["id"] for row in place.rows["computer"] if row["stateid"] == _AVAILABLE]

    def attempt() -> None:
        image, start, end, _ = place.wish(rng)
        image = rng.choice((PLAIN, LAB, VIRTUAL)) if rng.random() < 0.5 else image
        if rng.random() < 0.5:
            start = int(time.time()) // (15 * MINUTE) * 15 * MINUTE
            end = start + rng.choice((30, 60)) * MINUTE
        wish = Wish(rng.sample(computers, 40), start, end, user=1, image=image, revision=image, node=NODE)
        session = Reserving(front_end, wish, f"front-end-{number}-{rng.random()}", promise=4)
        try:
            while not session.done and session.patience > 1:
                session.advance()
                time.sleep(rng.choice((0, 0, 0.005, 0.05)))
        except OperationalError as error:
            if error.args[0] != _DEADLOCK:
                raise
            counts[f"deadlocks at {session.next_step}"] += 1
        if not session.done:
            counts["given up"] += 1
            connection.send("DELETE FROM semaphore WHERE procid = %s", [session.procid])
        counts["got"] += session.computer is not None
        counts["lost at c"] += session.letters.count("cc")

    return attempt, _USER_PAUSE


def _staff(place: Site, _number: int, rng: random.Random, counts: Counter[str]) -> tuple[Attempt, float]:
    """Breaks and repairs computers; releases, skips and puts classes right."""
    from blockalloc.allocation import block_time_actions
    from blockalloc.contract.messages import Caller, Refusal
    from blockalloc.upkeep import staff
    from tests.support.front_end import connect

    connection = connect(wait=50)
    caller = Caller(3, "vclsystem@Local", door="admin", person="staff")
    actions = [
        block_time_actions.release_block_time, block_time_actions.skip_block_time, block_time_actions.unskip_block_time,
        staff.put_right, staff.put_right, staff.stop_holding, staff.hold_again,
    ]  # fmt: skip
    computers = [row["id"] for row in place.rows["computer"] if row["stateid"] == _AVAILABLE]

    def attempt() -> None:
        if rng.random() < 0.5:
            sql = "UPDATE computer SET stateid = %s WHERE id = %s AND stateid IN (2, 5, 10)"
            state = rng.choice((_AVAILABLE, _FAILED, _MAINTENANCE))
            connection.send(sql, [state, rng.choice(computers)])
            return
        action, block = rng.choice(actions), rng.choice(place.block_times)
        try:
            action(block.id, caller)
            counts[action.__name__] += 1
        except Refusal as refusal:
            counts[f"refusals {refusal.code}"] += 1

    return attempt, _STAFF_PAUSE


def _back_end(place: Site, _number: int, rng: random.Random, counts: Counter[str]) -> tuple[Attempt, float]:
    """The double of vcld, whose loads take seconds and fail now and then."""
    from MySQLdb import OperationalError

    from blockalloc.allocation import service
    from blockalloc.contract.messages import Caller
    from simulation.back_end import site as simulated
    from simulation.back_end.conditions import Conditions, Result
    from simulation.back_end.events import What
    from simulation.back_end.loop import BackEnds
    from tests.support.front_end import connect

    caller = Caller(3, "vclsystem@Local", door="XMLRPCprocessBlockTime")

    def answer(block_time: int, _ignore: int) -> Mapping[str, Any]:
        counts["block times asked for"] += 1
        outcome = service.process_block_time(block_time, True, caller)
        return {"status": outcome.status, "allocated": outcome.allocated, "unallocated": outcome.unallocated}

    def result(_computer: int, _image: int, chance: random.Random) -> Result:
        return Result.FAILED if chance.random() < _FAILING else Result.LOADED

    conditions = Conditions(load_seconds=lambda _computer, _image, chance: chance.randint(5, 30), result=result)
    site = simulated.Site(connect(wait=50), ZoneInfo("UTC"), answer, conditions, rng.randrange(10**6))
    back_ends = BackEnds(site, [NODE])

    def attempt() -> None:
        try:
            back_ends.round(int(time.time()))
        except OperationalError as error:
            if error.args[0] != _DEADLOCK:
                raise
            counts["deadlocks of the back end"] += 1
        counts["loads"] = len(site.log.of(What.LOAD_ENDED))
        counts["loads that failed"] = len(site.log.of(What.LOAD_FAILED))
        for event in site.log.of(What.REMOVED_FROM_BLOCKS):
            counts[f"{REMOVED}{event.computer}"] = 1

    return attempt, _ROUND


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5]))
