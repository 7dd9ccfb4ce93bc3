"""Three classes at overlapping hours on computers with their image loaded, beside VCL's front end."""

import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager

import time_machine

from blockalloc.allocation import service
from blockalloc.contract.messages import BlockAllocationCall
from simulation.connections import Connection
from simulation.front_end.reserving import Reserving
from tests.support.front_end import a_wish, connect, reserving
from tests.support.sites.class_site import (
    BLOCK_TIME,
    CALLER,
    END,
    GROUP,
    IMAGE,
    NOW,
    START,
    class_site,
    computers_of,
    give_to_others,
    load,
)
from verification.front_end.loaded import LISTING_SECONDS
from verification.front_end.scenarios import CLASS, HOUR, MEMBER

HALF = HOUR // 2
HOURS = {BLOCK_TIME: (START, END), 11: (START - HALF, END - HALF), 12: (START + HALF, END + HALF)}  # by block time


class Classes:
    """Three classes at overlapping hours on six computers with their image loaded; members of the first want one."""

    def __init__(self, others: Connection, clock: time_machine.Traveller) -> None:
        self.others = others
        self.clock = clock
        self._members = itertools.count(MEMBER)

    def allocate(self, block_time: int) -> None:
        """Our call for one of the classes: two machines."""
        call = BlockAllocationCall(IMAGE, *HOURS[block_time], 2, GROUP, True, block_time)
        assert service.allocate_block(call, CALLER) == 2

    def member(self, start: int = CLASS[0], end: int = CLASS[1]) -> Reserving:
        """The next member of the first class, who wants the last computers first."""
        user = next(self._members)
        wish = a_wish(range(15, 9, -1), start, end, user=user)
        return reserving(self.others, wish, f"front-end-{user}", time.time, promise=LISTING_SECONDS)

    def in_other_classes(self) -> list[int]:
        """Computers of the other classes that members of the first have reserved."""
        taken = self.others.send(
            "SELECT r.computerid FROM reservation r JOIN request q ON q.id = r.requestid WHERE q.userid >= %s", [MEMBER]
        ).rows
        others = {computer for block_time in HOURS if block_time != BLOCK_TIME for computer in computers_of(block_time)}
        return [computer for (computer,) in taken if computer in others]

    def with_our_rows(self) -> list[int]:
        """Computers with a semaphore row of ours that has not expired."""
        rows = self.others.send("SELECT computerid, expires, procid FROM semaphore").rows
        now = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(time.time()))
        return sorted(computer for computer, expires, procid in rows if "blockalloc" in procid and str(expires) >= now)


@contextmanager
def classes(at: float = NOW.timestamp()) -> Iterator[Classes]:
    """The site, with its clock stopped at `at` (Unix seconds)."""
    with class_site(computers=6, machines=2, blocks=3, members=5):
        give_to_others((11, 12))
        load(range(10, 16))
        others = connect()
        for block_time, (start, end) in HOURS.items():
            local = [time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(hour - 5 * HOUR)) for hour in (start, end)]
            others.send("UPDATE blockTimes SET start = %s, `end` = %s WHERE id = %s", [*local, block_time])
            others.send("UPDATE blockRequest SET expireTime = '2026-03-02 23:59:59' WHERE id = %s", [block_time])
        others.send("UPDATE managementnode SET lastcheckin = '2026-03-02 22:00:00'")
        try:
            with time_machine.travel(at, tick=False) as clock:
                yield Classes(others, clock)
        finally:
            others.close()
