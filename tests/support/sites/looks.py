"""A stage on which somebody looks at the loads once a minute, beside the back ends."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import time_machine
from django.test import override_settings

from blockalloc.models import PlannedReload, SeenLoad
from blockalloc.upkeep.loads import note_loads
from simulation.back_end.conditions import Result
from tests.support.sites.back_end_stage import MINUTE, OTHER_IMAGE, Stage, at
from tests.support.sites.class_site import ZONE

CLASS = 10  # the block time at two


class LookedAt(Stage):
    """The stage; its computers hold another image, and the class at two has none.

    `results`: how loads go, by computer, for those that are not loaded well.
    """

    def __init__(self, traveller: time_machine.Traveller, computers: int, **conditions: Any) -> None:
        self.results: dict[int, Result] = {}
        super().__init__(computers, result=self._result, **conditions)
        self._traveller = traveller
        self.send("UPDATE computer SET currentimageid = %s, imagerevisionid = %s", OTHER_IMAGE, OTHER_IMAGE)
        self.send("UPDATE blockRequest SET expireTime = '2026-03-02 23:59:59'")
        self.send("UPDATE blockTimes SET processed = 1")

    def until(self, clock: str, since: str | None = None, every: int = MINUTE) -> None:
        """Let time pass, in rounds of the back ends of 12 seconds; a look comes `every` so many seconds."""
        if since is not None:
            self.now = at(since) - 12
        while self.now < at(clock):
            self.now += 12
            self._traveller.move_to(self.now)
            self.back_ends.round(self.now)
            if self.now % every == 0:
                note_loads(self.now)

    def reload_for_class(self, *computers: int, start: int, **more: Any) -> int:
        """A planned reload of computers that the class gets."""
        request = self.request(*computers, start=start, **more)
        self.add_block_computers(CLASS, *computers, reload=request)
        begin = datetime.fromtimestamp(start, UTC)
        for computer in computers:
            PlannedReload.objects.create(block_time_id=CLASS, computer_id=computer, request_id=request, start=begin)
        return request

    def seen(self) -> list[tuple[int, str]]:
        """(computer, outcome) of the loads that were seen, in the order of their begins."""
        return [*SeenLoad.objects.order_by("begun", "pk").values_list("computer_id", "outcome")]

    def _result(self, computer: int, _image: int, _chance: Any) -> Result:
        return self.results.get(computer, Result.LOADED)


@contextmanager
def looked_at(computers: int = 4, **conditions: Any) -> Iterator[LookedAt]:
    """The site on the day of its class."""
    settings = override_settings(TIME_ZONE=ZONE, VCL_ALLOW_PLAIN_HTTP=True)
    with settings, time_machine.travel(at("08:00"), tick=False) as traveller:
        yield LookedAt(traveller, computers, **conditions)
