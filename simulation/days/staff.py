"""What staff do: computers into maintenance, failed ones put right, a class skipped, computers loaded again."""

from collections.abc import Sequence

from simulation.back_end import states
from simulation.back_end.events import Event, What
from simulation.days.day import Day
from simulation.front_end.block_times import toggle_skip
from simulation.front_end.computer_states import change_states
from simulation.front_end.reloading import reload_computers
from simulation.front_end.semaphores import Load

_AGAIN = 60  # seconds after "try again later"
_LOADED = "SELECT c.currentimageid, c.imagerevisionid, c.stateid FROM computer c WHERE c.id = %s"
_OF_BLOCK = "SELECT b.computerid FROM blockComputers b WHERE b.blockTimeid = %s ORDER BY b.computerid"


class Staff:
    """The administrators of a site. `repair_after`: seconds after which a failed computer is put right; None: never.

    `not_now` counts how often VCL's page has asked them to try again later.
    """

    def __init__(self, day: Day, node: int, repair_after: int | None = None) -> None:
        self._day = day
        self._node = node
        self._repair_after = repair_after
        self.not_now = 0
        day.watchers.append(self._see)

    def _see(self, event: Event) -> None:
        """Notice a failed computer."""
        if event.what is What.RESERVATION_FAILED and self._repair_after is not None:
            self._day.at(event.at + self._repair_after, lambda: self._repair(event.computer))

    def change_state(self, computer: int, state: int) -> None:
        """Change a computer's state on VCL's page, patiently."""
        procid = f"staff-{computer}-{self._day.now}"
        if not change_states(self._day.front_end, [computer], state, self._load(computer), procid).finish():
            self.not_now += 1
            self._day.at(self._day.now + _AGAIN, lambda: self.change_state(computer, state))

    def maintain(self, computers: Sequence[int]) -> None:
        """Put computers into maintenance at once, each by itself."""
        for computer in computers:
            self.change_state(computer, states.MAINTENANCE)

    def maintain_some_of(self, block_time: int, number: int) -> None:
        """Put so many computers of a block time into maintenance: the first ones that it has."""
        rows = self._day.front_end.connection.send(_OF_BLOCK, [block_time]).rows
        self.maintain([row[0] for row in rows[:number]])

    def reload(self, computers: Sequence[int], image: int, revision: int) -> None:
        """Load computers at once with another image, whatever they are for."""
        load = Load(image, revision, self._node)
        reload_computers(self._day.front_end, computers, load, f"staff-reload-{self._day.now}").finish()

    def skip(self, block_time: int) -> None:
        """Skip a block time, or undo that."""
        toggle_skip(self._day.front_end, block_time).finish()

    def _repair(self, computer: int) -> None:
        rows = self._day.front_end.connection.send(_LOADED, [computer]).rows
        if rows and rows[0][2] == states.FAILED:
            self.change_state(computer, states.AVAILABLE)

    def _load(self, computer: int) -> Load:
        image, revision, _ = self._day.front_end.connection.send(_LOADED, [computer]).rows[0]
        return Load(image, revision, self._node)
