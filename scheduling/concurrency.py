"""How many computers may run an image at one time (SPEC 4, rule 11; 8.11)."""

from collections import defaultdict

from scheduling.facts import Block, Holding, Image, Member, Reservation, Site
from scheduling.occupancy import RESERVATION_MARGIN
from scheduling.reasons import Reason
from scheduling.windows import overlap

# Requests that are over or on their way out: deleted, failed, timeout, complete, image, makeproduction.
NOT_COUNTED_STATES = frozenset({1, 5, 11, 12, 16, 17})


class ConcurrentUse:
    """Counts the use of the block's images, with what was chosen so far."""

    def __init__(self, site: Site, block: Block, *, ignore_privileges: bool) -> None:
        self._block = block
        self._ignore_privileges = ignore_privileges
        limited = {image.id for image in block.images if image.max_concurrent is not None}
        self._reservations: dict[int, list[Reservation]] = defaultdict(list)
        for found in site.reservations:
            in_use = found.user_id != site.reload_user_id and found.state_id not in NOT_COUNTED_STATES
            if found.image_id in limited and in_use:
                self._reservations[found.image_id].append(found)
        self._holdings: dict[int, list[Holding]] = defaultdict(list)
        for held in site.holdings:
            if held.image_id in limited and not held.skip and held.status != "deleted":
                self._holdings[held.image_id].append(held)
        self._chosen: dict[int, set[int]] = defaultdict(set)

    def choose(self, computer_id: int, image: Image) -> None:
        """Take note that this block will hold a computer for `image`."""
        self._chosen[image.id].add(computer_id)

    def forget(self, computer_id: int, image: Image) -> None:
        """Take back a note: the machine did not come about."""
        self._chosen[image.id].discard(computer_id)

    def exempt_groups(self, member: Member) -> frozenset[int]:
        """Groups of the member whose blocks do not count when a machine is taken on his behalf."""
        if self._ignore_privileges:
            return frozenset()
        return member.group_ids & {held.group_id for rows in self._holdings.values() for held in rows}

    def reason_against(
        self, image: Image, start: int, end: int, member: Member, aside: int | None = None
    ) -> Reason | None:
        """Why no further computer may run `image` during this window, or None.

        `aside` is a request that does not count (a member's reservation that joins the block).
        """
        if image.max_concurrent is None:
            return None
        users = {
            (found.request_id, found.computer_id)
            for found in self._reservations[image.id]
            if found.request_id != aside and overlap(start, end, found.start, found.end, RESERVATION_MARGIN)
        }
        in_use = {computer_id for _, computer_id in users}
        held = {
            (held.block_time_id, held.computer_id)
            for held in self._holdings[image.id]
            if self._counts(held, member, start, end) and held.computer_id not in in_use
        }
        count = len(users) + len(held) + len(self._chosen[image.id] - in_use)
        if count < image.max_concurrent:
            return None
        figures = (count, image.max_concurrent, image.name)
        return Reason("concurrent_use", "{} of at most {} of image {} are in use already", figures)

    def _counts(self, held: Holding, member: Member, start: int, end: int) -> bool:
        if held.block_time_id == self._block.block_time_id:
            return True
        if not overlap(start, end, held.start, held.end, RESERVATION_MARGIN):
            return False
        return self._ignore_privileges or held.group_id not in member.group_ids
