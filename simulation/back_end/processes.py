"""The forked processes of all management nodes, each a generator that yields how many seconds it sleeps.

They wake at their own times, in order, even when the test advances its clock by a minute or an hour:
nothing that they do depends on how far apart the rounds are.
"""

import heapq
from collections.abc import Callable, Generator
from dataclasses import dataclass, field

Steps = Generator[int, None, None]


@dataclass(eq=False, slots=True)
class Process:
    """One process on a management node; `reservation` 0: it works on a block request."""

    node: int
    reservation: int
    steps: Steps
    alive: bool = True


@dataclass
class Processes:
    """All processes, and the present time of the running one (Unix seconds)."""

    now: int = 0
    _sleeping: list[tuple[int, int, Process]] = field(default_factory=list)
    _at_work: dict[tuple[int, int], Process] = field(default_factory=dict)  # by node and reservation
    _forks: int = 0

    def fork(self, node: int, steps: Steps, reservation: int = 0) -> None:
        """Begin a process; it runs at once, until it first sleeps."""
        process = Process(node, reservation, steps)
        if reservation:
            self._at_work[node, reservation] = process
        self._work(process)

    def run(self, until: int) -> None:
        """Let time pass until then; processes that wake run, in the order of time."""
        while self._sleeping and self._sleeping[0][0] <= until:
            wakes, _order, process = heapq.heappop(self._sleeping)
            if process.alive:
                self.now = max(self.now, wakes)
                self._work(process)
        self.now = max(self.now, until)

    def working_on(self, reservation: int, node: int) -> bool:
        """Whether a process of this node works on the reservation. A node cannot see other nodes' processes."""
        return (node, reservation) in self._at_work

    def is_worked_on(self, reservation: int) -> bool:
        """Whether a process of any node works on the reservation."""
        return any(worked_on == reservation for _node, worked_on in self._at_work)

    def kill(self, reservation: int, node: int) -> bool:
        """Kill the node's process that works on the reservation; whether there was one."""
        process = self._at_work.get((node, reservation))
        if process is not None:
            self._end(process)
        return process is not None

    def kill_all(self, node: int) -> None:
        """Kill every process of the node: it dies."""
        sleeping = [process for _wakes, _order, process in self._sleeping if process.node == node]
        for process in sleeping:
            self._end(process)

    def _work(self, process: Process) -> None:
        try:
            seconds = next(process.steps)
        except StopIteration:
            self._end(process)
            return
        except BaseException:
            self._end(process)
            raise
        self._forks += 1
        heapq.heappush(self._sleeping, (self.now + seconds, self._forks, process))

    def _end(self, process: Process) -> None:
        process.alive = False
        process.steps.close()
        if self._at_work.get((process.node, process.reservation)) is process:
            del self._at_work[process.node, process.reservation]


def until(clock: Callable[[], int], met: Callable[[], bool], limit: int, pause: int) -> Generator[int, None, bool]:
    """Wait until `met()`, with a look every `pause` seconds for `limit` seconds; returns whether it was met."""
    begun = clock()
    while not met():
        if clock() - begun >= limit:
            return False
        yield pause
    return True
