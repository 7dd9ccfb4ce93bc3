"""The morning of a class without its back ends: time moves when a test says so, and one look is made at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import time_machine
from django.test import override_settings

from blockalloc.allocation import service
from blockalloc.contract.messages import FillCall
from blockalloc.models import Decision, SeenLoad
from blockalloc.store.times import to_utc
from blockalloc.upkeep.passes import PassReport
from simulation.back_end import states
from tests.support.sites.back_end_stage import IMAGE, OTHER_IMAGE, at, local
from tests.support.sites.class_site import NODE, ZONE
from tests.support.sites.morning import BACK_END, START, Morning

CLASS = 10  # the block time
NODES_GROUP = 12
MAINTENANCE, FAILED_STATE = 10, 5  # states of computers


class StillMorning(Morning):
    """The site of `Morning`, on which nobody does anything between two looks."""

    def go(self, clock: str) -> None:
        """Move the time; all management nodes check in."""
        self.now = at(clock)
        self._traveller.move_to(self.now)
        self.check_in()

    def request(self, *computers: int, start: int, end: int | None = None, **more: Any) -> int:
        """A request as `Stage` makes it, made now: one from the future would cast doubt on the site's clock."""
        id_ = super().request(*computers, start=start, end=end, **more)
        self.send("UPDATE request SET daterequested = %s WHERE id = %s", local(min(start, self.now)), id_)
        return id_

    def check_in(self, *silent: int) -> None:
        """All management nodes but these check in."""
        self.send("UPDATE managementnode SET lastcheckin = %s", to_utc(self.now))
        for node in silent:
            self.send("UPDATE managementnode SET lastcheckin = %s WHERE id = %s", to_utc(self.now - 3600), node)

    def allocate(self, machines: int | None = None, *, ignore: bool = True, block_time: int = CLASS) -> int:
        """A call as a person makes one; how many machines the class has."""
        return service.allocate(FillCall(block_time, ignore, machines=machines), BACK_END).outcome.allocated

    def look_at(self, clock: str) -> PassReport:
        """A look of keep_ready at that time of day."""
        self.go(clock)
        return self.look()

    def reloads(self) -> dict[int, int]:
        """Computer -> the reload that waits for it, for as many as have one."""
        rows = self.send(
            "SELECT v.computerid, q.id FROM request q JOIN reservation v ON v.requestid = q.id "
            "WHERE q.stateid = 19 AND q.laststateid = 19 ORDER BY q.id"
        )
        assert len({computer for computer, _ in rows}) == len(rows), "two reloads wait for one computer"
        return dict(rows)

    def named_reloads(self, block_time: int = CLASS) -> dict[int, int]:
        """Computer -> the reload that its block computer names."""
        sql = "SELECT computerid, reloadrequestid FROM blockComputers WHERE blockTimeid = %s"
        return {int(computer): int(request) for computer, request in self.send(sql, block_time)}

    def semaphores(self) -> list[tuple[int, str]]:
        """The semaphore rows, as (computer, what of its procid says whose it is)."""
        rows = self.send("SELECT computerid, procid FROM semaphore ORDER BY computerid, procid")
        return [(computer, procid.split(".")[0]) for computer, procid in rows]

    def semaphore(self, computer: int, seconds: int, procid: str = "front end") -> None:
        """Somebody's semaphore row, which expires in so many seconds."""
        self.send(
            "INSERT INTO semaphore (computerid, imageid, imagerevisionid, managementnodeid, expires, procid) "
            "VALUES (%s, 10, 10, 10, %s, %s)",
            computer, to_utc(self.now + seconds), procid,
        )  # fmt: skip

    def fail(self, computer: int) -> None:
        """Its load has failed, but VCL has not yet taken it from its blocks."""
        self.set(computer, stateid=states.FAILED)

    @staticmethod
    def records() -> list[str]:
        """What keep_ready has on record, the oldest first."""
        return [*Decision.objects.filter(action=Decision.KEEP_READY).order_by("id").values_list("text", flat=True)]


@contextmanager
def still_morning(clock: str = "09:00", computers: int = 8, **more: Any) -> Iterator[StillMorning]:
    """A class at two that wants four of the computers 10, 11 …, which have another image loaded; nothing is allocated.

    The back end's turn is over.
    """
    settings = override_settings(TIME_ZONE=ZONE, VCL_ALLOW_PLAIN_HTTP=True)
    with settings, time_machine.travel(at("08:00"), tick=False) as traveller:
        stage = StillMorning(traveller, computers, **more)
        stage.send("UPDATE computer SET currentimageid = %s, imagerevisionid = %s", OTHER_IMAGE, OTHER_IMAGE)
        stage.go(clock)
        yield stage


def past_loads(*, loaded: int, failed: int) -> None:
    """What keep_ready saw of the image's loads some weeks ago."""
    for number in range(loaded + failed):
        begun = datetime.fromtimestamp(START, UTC) - timedelta(days=30, hours=number)
        SeenLoad.objects.create(
            request_id=90_000 + number, computer_id=10, hostname="c10", image_id=IMAGE, revision_id=IMAGE, node_id=NODE,
            begun=begun, begun_is_exact=True, at_work=begun + timedelta(minutes=9), over=begun + timedelta(minutes=10),
            outcome=SeenLoad.FAILED if number < failed else SeenLoad.LOADED,
        )  # fmt: skip
