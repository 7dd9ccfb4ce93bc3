"""What all processes of all management nodes share."""

from collections.abc import Callable, Mapping
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from simulation.back_end.conditions import Conditions
from simulation.back_end.events import Event, Log, What
from simulation.back_end.mails import Mail
from simulation.back_end.processes import Processes
from simulation.back_end.rows import Rows, Task
from simulation.back_end.times import SiteTimes
from simulation.connections import Connection

ProcessBlockTime = Callable[[int, int], Mapping[str, Any]]  # XMLRPCprocessBlockTime(block time, ignoreprivileges)


class Site:
    """A site's rows, its processes, what is on its computers, and what has happened.

    `process` is the service's XMLRPCprocessBlockTime; to the back end, any exception from it is a failed call.
    """

    def __init__(
        self,
        connection: Connection,
        zone: ZoneInfo,
        process: ProcessBlockTime,
        conditions: Conditions | None = None,
        seed: int = 0,
    ) -> None:
        self.times = SiteTimes(zone)
        self.rows = Rows(connection, self.times)
        self.process_block_time = process
        self.conditions = conditions or Conditions()
        self.chance = Random(seed)
        self.processes = Processes()
        self.log = Log()
        self.mails: list[Mail] = []
        # State that is in no row.
        self.tainted: set[int] = set()  # computers on which a user was
        self.absent: dict[int, int] = {}  # request -> when its user is seen to have left without ending it
        self.half_loaded: set[int] = set()  # computers whose last load did not end well
        self.installing: dict[int, int] = {}  # reservation that xCAT loads at the moment -> its node
        self.copying: dict[tuple[int, int], int] = {}  # VM host and image -> the reservation that copies it
        self.parts: dict[int, str] = {}  # reservation of a cluster -> "begun", "ready", "failed"

    @property
    def now(self) -> int:
        """The present time of the running process (Unix seconds)."""
        return self.processes.now

    def note(self, what: What, task: Task, **more: Any) -> None:
        """Log something that happened to a reservation."""
        about = {"computer": task.computer, "request": task.request, "state": task.state, "image": task.image}
        self.log.add(Event(self.now, what, task.node, **{**about, **more}))
