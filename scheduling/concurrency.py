"""How many computers may run an image at one time (SPEC 4, rule 11; 8.11)."""

from collections import defaultdict

from scheduling import vcl_names
from scheduling.facts import Block, BlockComputer, Image, Member, Reservation, Site
from scheduling.occupancy import RESERVATION_MARGIN
from scheduling.reasons import Reason
from scheduling.state_ids import COMPLETE, DELETED, FAILED, IMAGE, MAKE_PRODUCTION, TIMEOUT
from scheduling.windows import overlap

NOT_COUNTED_STATES = frozenset({DELETED, FAILED, TIMEOUT, COMPLETE, IMAGE, MAKE_PRODUCTION})  # over, or about to be


class ConcurrentUse:
    """Counts the computers that run the block's images, with those chosen so far."""

    def __init__(self, site: Site, block: Block, *, ignore_privileges: bool) -> None:
        self._block = block
        self._ignore_privileges = ignore_privileges
        limited = {image.id for image in block.images if image.max_concurrent is not None}
        self._reservations: dict[int, list[Reservation]] = defaultdict(list)
        for reservation in site.reservations:
            counts = reservation.user_id != site.reload_user_id and reservation.state_id not in NOT_COUNTED_STATES
            if reservation.image_id in limited and counts:
                self._reservations[reservation.image_id].append(reservation)
        self._block_computers: dict[int, list[BlockComputer]] = defaultdict(list)
        for row in site.block_computers:
            if row.image_id in limited and not row.skip and row.status != vcl_names.DELETED:
                self._block_computers[row.image_id].append(row)
        self._chosen: dict[int, set[int]] = defaultdict(set)

    def add(self, computer_id: int, image: Image) -> None:
        """Count a computer that this block will have for `image`."""
        self._chosen[image.id].add(computer_id)

    def remove(self, computer_id: int, image: Image) -> None:
        """Count it no longer: its machine could not be completed."""
        self._chosen[image.id].discard(computer_id)

    def exempt_groups(self, member: Member) -> frozenset[int]:
        """Groups of the member whose blocks do not count when a machine is taken on their behalf."""
        if self._ignore_privileges:
            return frozenset()
        return member.group_ids & {row.group_id for rows in self._block_computers.values() for row in rows}

    def reason_against(
        self, image: Image, start: int, end: int, member: Member, adopted_request: int | None = None
    ) -> Reason | None:
        """Why no further computer may run `image` during this window, or None.

        `adopted_request` does not count: a member's reservation that joins the block.
        """
        if image.max_concurrent is None:
            return None
        reserved = {
            (row.request_id, row.computer_id)
            for row in self._reservations[image.id]
            if row.request_id != adopted_request and overlap(start, end, row.start, row.end, RESERVATION_MARGIN)
        }
        in_use = {computer_id for _, computer_id in reserved}
        in_blocks = {
            (row.block_time_id, row.computer_id)
            for row in self._block_computers[image.id]
            if self._counts(row, member, start, end) and row.computer_id not in in_use
        }
        count = len(reserved) + len(in_blocks) + len(self._chosen[image.id] - in_use)
        if count < image.max_concurrent:
            return None
        figures = (count, image.max_concurrent, image.name)
        return Reason("concurrent_use", "{} of at most {} of image {} are in use already", figures)

    def _counts(self, row: BlockComputer, member: Member, start: int, end: int) -> bool:
        if row.block_time_id == self._block.block_time_id:
            return True
        # From its start, not from its reload as in Occupancy: rule 11 is about the hours of block times, and a computer
        # that is being loaded for a class runs the image for nobody yet.
        if not overlap(start, end, row.start, row.end, RESERVATION_MARGIN):
            return False
        return self._ignore_privileges or row.group_id not in member.group_ids
