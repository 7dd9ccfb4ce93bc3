"""One process of the free race: `python -m verification.front_end.worker ours|theirs NUMBER SECONDS`.

Prints READY and reads when the race begins (seconds of the real clock); works on the database of DATABASE_URL for so
many SECONDS from then, at least for one attempt, and prints the counts as JSON.
"""

import json
import logging
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from zoneinfo import ZoneInfo

import django

from verification.front_end import race_site as site

READY = "ready"
_DEADLOCK = 1213


def main(side: str, number: int, seconds: float) -> None:
    """Take part in every meeting until the time is over."""
    django.setup()
    logging.getLogger("blockalloc").setLevel(logging.ERROR)  # with claims that live so shortly, calls are held up often
    rng = random.Random(number)
    counts: Counter[str] = Counter()
    attempt = _ours(counts) if side == "ours" else _theirs(counts, number, rng)
    print(READY, flush=True)
    begun = float(sys.stdin.readline())
    tick = 0
    while time.time() < begun + seconds or not counts["attempts"]:
        tick = site.next_tick(begun, tick)
        time.sleep(rng.choice((0, 0, 0.003, 0.01)))
        attempt(site.meeting(tick, begun))
        counts["attempts"] += 1
    print(json.dumps(counts), flush=True)


def _ours(counts: Counter[str]) -> Callable[[site.Meeting], None]:
    from blockalloc.allocation import service
    from blockalloc.contract.messages import BlockAllocationCall, Refusal
    from tests.support.sites.class_site import CALLER, GROUP

    def attempt(at: site.Meeting) -> None:
        """A new block of one or two machines."""
        wanted = 1 + counts["attempts"] % 2
        call = BlockAllocationCall(at.image, at.start, at.end, wanted, GROUP, True, 0)
        try:
            result = service.allocate(call, CALLER)
        except Refusal as refusal:
            counts[f"refusals {refusal.code}"] += 1
            return
        counts["got"] += result.outcome.allocated
        counts["short"] += result.outcome.allocated < wanted

    return attempt


def _theirs(counts: Counter[str], number: int, rng: random.Random) -> Callable[[site.Meeting], None]:
    from MySQLdb import OperationalError

    from simulation.front_end.candidates import Wish
    from simulation.front_end.reserving import Reserving
    from simulation.front_end.session import FrontEnd
    from tests.support.front_end import connect
    from tests.support.sites.class_site import NODE

    connection = connect(wait=50)
    front_end = FrontEnd(connection, time.time, ZoneInfo("UTC"))

    def attempt(at: site.Meeting) -> None:
        """A user's reservation within the same hours."""
        wish = Wish(
            rng.sample(at.computers, site.COMPUTERS), at.start + 600, at.end - 600,
            user=1, image=at.image, revision=at.image, node=NODE,
        )  # fmt: skip
        procid = f"front-end-{number}-{counts['attempts']}"
        session = Reserving(front_end, wish, procid, promise=site.SEMAPHORE_SECONDS)
        try:
            while not session.done and session.patience > 0.5:
                session.advance()
                time.sleep(rng.choice((0, 0, 0, 0.002, 0.01)))
                if session.letters == "aobB" and rng.random() < 0.1:  # a slow one
                    time.sleep(max(rng.random() * (session.patience - 0.7), 0))
        except OperationalError as error:
            if error.args[0] != _DEADLOCK:
                raise
            counts[f"deadlocks at {session.next_step}"] += 1
        if not session.done:
            counts["given up"] += 1
            connection.send("DELETE FROM semaphore WHERE procid = %s", [procid])
        counts["got"] += session.computer is not None
        counts["lost at c"] += session.letters.count("cc")

    return attempt


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
