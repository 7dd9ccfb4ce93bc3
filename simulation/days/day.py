"""A day: the clock, and who does what at which second. Everything of a day runs in one thread, in the order of time."""

import heapq
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from simulation.back_end.conditions import Conditions, Visit
from simulation.back_end.events import Event
from simulation.back_end.loop import BackEnds
from simulation.back_end.site import Site
from simulation.connections import Connection
from simulation.days.loads import DrawnLoads, Loads
from simulation.days.service import Service
from simulation.front_end.session import FrontEnd

ROUND = 12  # seconds between two rounds of a back end, as VCL is shipped
Action = Callable[[], object]


class Day:
    """The programs of a site from `begin` (Unix seconds) on.

    `process` is the service's XMLRPCprocessBlockTime; it cannot be reached in the `away` hours. `visits` has how the
    user of a request behaves; users write it when they have reserved. `watchers` are called with each event of the back
    ends, while the rows are as they are at that moment.
    """

    def __init__(
        self,
        connection: Connection,
        zone: ZoneInfo,
        begin: int,
        nodes: Sequence[int],
        process: Callable[[int, int], Mapping[str, Any]],
        *,
        loads: Loads | None = None,
        away: Sequence[tuple[int, int]] = (),
        seed: int = 0,
    ) -> None:
        drawn = DrawnLoads(loads or Loads(), seed)
        conditions = Conditions(drawn.seconds, drawn.result, drawn.copy_seconds, self._visit)
        self.visits: dict[int, Visit] = {}
        self.service = Service(process, lambda: self.site.now, away)
        self.site = Site(connection, zone, self.service.process_block_time, conditions, seed)
        self.watchers: list[Callable[[Event], object]] = []
        self.site.log.watch = self._watch
        self.front_end = FrontEnd(connection, lambda: float(self.site.now), zone)
        self.back_ends = BackEnds(self.site, nodes)
        self._agenda: list[tuple[int, int, Action]] = []  # a heap: by time, then in the order in which it was filled
        self._entries = 0
        self.site.processes.run(begin)
        self._each(ROUND, begin, lambda: self.back_ends.round(self.now))

    @property
    def now(self) -> int:
        """The present time of the day (Unix seconds)."""
        return self.site.now

    def at(self, instant: int, action: Action) -> None:
        """Do something at a time (Unix seconds), at once if it is past."""
        self._entries += 1
        heapq.heappush(self._agenda, (max(instant, self.now), self._entries, action))

    def every(self, seconds: int, action: Action) -> None:
        """Do something in so many seconds, and again and again."""
        self._each(seconds, self.now + seconds, action)

    def run(self, until: int) -> None:
        """Let time pass until then (Unix seconds); what is to be done at that second is done."""
        while self._agenda and self._agenda[0][0] <= until:
            instant, _order, action = heapq.heappop(self._agenda)
            self.site.processes.run(instant)
            action()
        self.site.processes.run(until)

    def stop_node(self, node: int, at: int, back_at: int | None = None) -> None:
        """Let a management node's host die, and come back (Unix seconds; None: it does not)."""
        self.at(at, self.back_ends.of[node].stop)
        if back_at is not None:
            self.at(back_at, self.back_ends.of[node].start)

    def _each(self, seconds: int, first: int, action: Action) -> None:
        def again() -> None:
            action()
            self.at(self.now + seconds, again)

        self.at(first, again)

    def _watch(self, event: Event) -> None:
        for watcher in self.watchers:
            watcher(event)

    def _visit(self, request: int, _user: int) -> Visit:
        return self.visits.get(request, Visit())
