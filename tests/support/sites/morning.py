"""A site on which time passes: the doubles of VCL's back ends, the service that they call, and keep_ready."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import time_machine
from django.test import override_settings

from blockalloc.allocation import service
from blockalloc.contract.messages import Caller
from blockalloc.upkeep.passes import Keeper, PassReport
from simulation.back_end.conditions import Result
from tests.support.sites.back_end_stage import MINUTE, Stage, at
from tests.support.sites.class_site import ZONE

START, END = at("14:00"), at("16:00")  # of block time 10
BACK_END = Caller(3, "vclsystem@Local", door="XMLRPCprocessBlockTime")


class Morning(Stage):
    """A stage whose back ends call the service, and on which keep_ready looks once a minute while `keeps`.

    `failing`: the loads that fail, by computer -> how many of its loads; `down`: the service can't be reached.
    """

    def __init__(self, traveller: time_machine.Traveller, computers: int = 6, **more: Any) -> None:
        self.failing: dict[int, int] = {}
        super().__init__(computers, result=self._result, **more)
        self._traveller = traveller
        self.keeper = Keeper()
        self.keeps = True
        self.down = False
        self.reports: list[PassReport] = []
        self.each_minute: Callable[[], None] = lambda: None
        self.send("UPDATE blockRequest SET expireTime = '2026-03-02 23:59:59'")

    def until(self, clock: str, since: str | None = None) -> None:
        """Let time pass until a time of day, in steps of twelve seconds; keep_ready looks at each full minute."""
        if since is not None:
            self.now = at(since) - 12
        while self.now < at(clock):
            self.now += 12
            self._traveller.move_to(self.now)
            self.back_ends.round(self.now)
            if self.now % MINUTE == 0:
                self.each_minute()
                if self.keeps:
                    self.look()

    def look(self) -> PassReport:
        """A look of keep_ready."""
        report = self.keeper.look()
        self.reports.append(report)
        return report

    @property
    def done(self) -> list[str]:
        """What keep_ready did, in words."""
        return [action.text for report in self.reports for action in report.actions]

    def ready(self, block_time: int = 10) -> int:
        """How many computers of the block time hold its image and are available, or in use."""
        sql = """
SELECT COUNT(*) FROM blockComputers b JOIN computer c ON c.id = b.computerid JOIN state s ON s.id = c.stateid
WHERE b.blockTimeid = %s AND c.currentimageid = b.imageid AND s.name IN ('available', 'inuse', 'reserved')
"""
        return int(self.send(sql, block_time)[0][0])

    def _answer(self, block_time: int, ignore_privileges: int) -> Mapping[str, Any]:
        self.asked.append(block_time)
        if self.down:
            raise ConnectionRefusedError
        outcome = service.process_block_time(block_time, bool(ignore_privileges), BACK_END)
        return {"status": outcome.status, "allocated": outcome.allocated, "unallocated": outcome.unallocated}

    def _result(self, computer: int, _image: int, _chance: Any) -> Result:
        if self.failing.get(computer, 0) > 0:
            self.failing[computer] -= 1
            return Result.FAILED
        return Result.LOADED


@contextmanager
def morning(computers: int = 6, **more: Any) -> Iterator[Morning]:
    """The site at eight in the morning of its class at two."""
    settings = override_settings(TIME_ZONE=ZONE, VCL_ALLOW_PLAIN_HTTP=True)
    with settings, time_machine.travel(at("08:00"), tick=False) as traveller:
        yield Morning(traveller, computers, **more)
