"""What VCL's back end loads on its own on the computers of a class before it starts (BACKEND.md).

After a user it loads a computer with the image of the class that has it next. Such a load may be for the class that is
planned, or for an earlier one, and one at work may be of any image.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from scheduling.facts import Block, BlockComputer, Computer, Reservation, Site
from scheduling.occupancy import is_reload, occupies
from scheduling.state_ids import PENDING
from scheduling.windows import MINUTE

_RECLAIM = 2 * MINUTE  # from a user's end until the back end loads the computer anew


class BackEndLoad(NamedTuple):
    """A load that the back end begins on its own before the class. Instants are Unix seconds.

    `is_for_class`: it leaves the image of the class, and no other class has the computer in between. `over`: when it is
    over if it takes as long as others.
    """

    node_id: int
    begin: int
    over: int
    is_at_work: bool
    is_for_class: bool


class BackEndLoads:
    """The loads that the back end begins on its own before the class starts. `mean`: seconds that a load takes."""

    def __init__(self, site: Site, block: Block, mean: float) -> None:
        self._site, self._block, self._mean = site, block, round(mean)
        self._members = {member.id for member in site.members}
        self._bookings: dict[int, list[Reservation]] = defaultdict(list)
        for booking in site.reservations:
            if booking.start < block.start:
                self._bookings[booking.computer_id].append(booking)
        self._earlier: dict[int, list[BlockComputer]] = defaultdict(list)  # what other classes have before this one
        for row in site.block_computers:
            if row.block_time_id != block.block_time_id and row.start < block.start:
                self._earlier[row.computer_id].append(row)

    def after_users(self, computer: Computer) -> BackEndLoad | None:
        """The load after the last user, None where nobody has the computer before the class.

        Computers of labs are not loaded after users.
        """
        users = [row for row in self._bookings.get(computer.id, ()) if occupies(row) and not self._is_members(row)]
        if not users or computer.type == "lab":
            return None
        last = max(users, key=lambda row: row.end)
        begin = max(last.end, self._site.now) + _RECLAIM
        is_for_class = not self._is_with_another_class(computer.id, begin)
        return BackEndLoad(last.management_node_id, begin, begin + self._mean, False, is_for_class)

    def at_work(self, computer: Computer, image_id: int) -> BackEndLoad | None:
        """A load at work that no request of the class asked for. `image_id`: what the class has on the computer.

        Only for a computer whose reload for the class, if it has one, still waits.
        """
        pending = [row for row in self._reloads(computer.id) if row.state_id == PENDING]
        if not pending:
            return None
        row = max(pending, key=lambda each: (each.start, each.request_id))
        begin = min(row.start, self._site.now)
        is_for_class = row.image_id == image_id and not self._is_with_another_class(computer.id, self._site.now)
        return BackEndLoad(row.management_node_id, begin, begin + row.reload_minutes * MINUTE, True, is_for_class)

    def is_loaded_otherwise(self, computer_id: int) -> bool:
        """Whether another image is to be loaded on the computer before the class, for an earlier one."""
        return any(row.image_id not in self._block.image_ids for row in self._reloads(computer_id))

    def _reloads(self, computer_id: int) -> Iterator[Reservation]:
        return (row for row in self._bookings.get(computer_id, ()) if is_reload(row.state_id, row.last_state_id))

    def _is_with_another_class(self, computer_id: int, after: int) -> bool:
        """Whether another class has the computer between an instant and the class.

        The back end loads that class's image then, and its students may use the computer.
        """
        return any(row.end > after for row in self._earlier.get(computer_id, ()))

    def _is_members(self, row: Reservation) -> bool:
        """Whether a member of the class has the image of the class."""
        return row.image_id in self._block.image_ids and row.user_id in self._members
