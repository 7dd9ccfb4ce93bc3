"""The service as the back end calls it: sometimes it cannot be reached."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

ProcessBlockTime = Callable[[int, int], Mapping[str, Any]]


class Service:
    """Passes the back end's calls on, but not in the `away` hours (pairs of Unix seconds).

    `lost` are the block times of calls that were not answered.
    """

    def __init__(
        self, process: ProcessBlockTime, clock: Callable[[], int], away: Sequence[tuple[int, int]] = ()
    ) -> None:
        self._process = process
        self._clock = clock
        self.away = away
        self.lost: list[int] = []

    def process_block_time(self, block_time: int, ignore_privileges: int) -> Mapping[str, Any]:
        """XMLRPCprocessBlockTime. Raises ConnectionError while the service is away."""
        now = self._clock()
        if any(begin <= now < end for begin, end in self.away):
            self.lost.append(block_time)
            raise ConnectionError("the service cannot be reached")
        return self._process(block_time, ignore_privileges)
