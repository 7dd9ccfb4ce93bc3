"""What keeps a computer from a window of time: closed, booked, claimed (SPEC 4, rules 1, 2, 4 and 8)."""

from collections.abc import Callable, Iterator, Sequence

from scheduling.bookings import Bookings
from scheduling.facts import BlockComputer, Computer, OrphanedReload, Reservation, Site
from scheduling.reasons import BlockTimeId, Instant, Reason, RequestId
from scheduling.reload_plan import RELOAD_MARGIN
from scheduling.rules import BUSY_NOW_STATES
from scheduling.state_ids import COMPLETE, FAILED, PENDING, RELOAD
from scheduling.windows import MINUTE, overlap, schedule_covers

RESERVATION_MARGIN = 15 * MINUTE  # kept free on both sides of a user's reservation
_OPENS_ON = 15 * MINUTE  # schedules are looked at in such steps
BEFORE_MAINTENANCE = 30 * MINUTE  # no reload begins this shortly before a maintenance

# Names of rules.
RESERVATION, OTHER_BLOCK = "reservation", "other_block"  # their reasons are about a booking, and name its times
ORPHANED_RELOAD = "orphaned_reload"
SCHEDULE = "schedule"
SEMAPHORE = "semaphore"


def occupies(reservation: Reservation) -> bool:
    """Whether a reservation takes its computer: those of requests that are over, that failed, or that reload do not."""
    return is_occupying(reservation.state_id, reservation.last_state_id)


def is_occupying(state_id: int, last_state_id: int) -> bool:
    """The same by the ids of a request's state and last state."""
    return state_id not in (FAILED, COMPLETE) and not is_reload(state_id, last_state_id)


def is_reload(state_id: int, last_state_id: int) -> bool:
    """Whether a request in this state and last state is a reload that waits, or one that has begun."""
    return state_id == RELOAD or (state_id == PENDING and last_state_id == RELOAD)


def occupied_from(block_start: int, reload_start: int | None, planned: int | None, load_seconds: int) -> int:
    """When a computer of a block time begins to be taken for it (SPEC 4, rule 8; 8.15). Unix seconds.

    `reload_start` is when its reload request begins, None once that is gone (the back end deletes it when the computer
    is loaded); `planned` is the start in our own record of that reload, None without one. Where neither is known it is
    the start that a reload of `load_seconds` would have.
    """
    for begins in (reload_start, planned):
        if begins is not None:
            return min(begins, block_start)
    return block_start - (load_seconds + RELOAD_MARGIN)


class Occupancy:
    """What is promised already on each computer to others than one block time."""

    def __init__(self, site: Site, block_time_id: int, bookings: Bookings | None = None) -> None:
        """`bookings`: those of `site`, where they are at hand."""
        self._site, self._block_time_id = site, block_time_id
        self._bookings = Bookings.of(site) if bookings is None else bookings
        self._open: dict[tuple[int, int, int], bool] = {}

    def maintenance(self, start: int, end: int) -> Reason | None:
        """Rule 1: the site maintenance that forbids this window to every computer, or None."""
        for each in self._site.maintenances:
            if each.end <= self._site.now:
                continue
            forbids = not each.allow_reservations and overlap(start, end, each.start, each.end)
            if forbids or each.start - BEFORE_MAINTENANCE < start < each.end:
                return Reason("maintenance", "site maintenance from {} to {}", _times(each.start, each.end))
        return None

    def gaps(self) -> list[tuple[int, int]]:
        """Between which instants no reload begins because of site maintenance; at these instants themselves it may."""
        maintenances = (each for each in self._site.maintenances if each.end > self._site.now)
        return [(each.start - BEFORE_MAINTENANCE, each.end) for each in maintenances]

    def maintained_until(self, first: int, last: int, end: int) -> int | Reason:
        """The first instant from `first` to `last` at which site maintenance lets reloads begin, or the maintenance."""
        return self._first(first, last, lambda begin: self.maintenance(begin, end))

    def reason_against(
        self, computer: Computer, start: int, end: int, adopted_request: int | None = None
    ) -> Reason | None:
        """The first thing that keeps `computer` from this window, or None.

        `adopted_request` does not count: a member's reservation that joins the block.
        """
        return next(self.reasons_against(computer, start, end, adopted_request), None)

    def free_from(self, computer: Computer, first: int, last: int, end: int) -> int | Reason:
        """The first instant from `first` to `last` from which on `computer` is free until `end`, or what keeps it.

        No reload begins at this instant where site maintenance forbids it.
        """
        return self._first(
            first, last, lambda at: self.maintenance(at, end) or self.reason_against(computer, at, end), computer.id
        )

    def loadable_from(self, computer: Computer, image_id: int, first: int, last: int, end: int) -> int | Reason:
        """The same for a new reload of a computer that the block time has."""
        return self._first(first, last, lambda at: self.reason_against_reload(computer, image_id, at, end), computer.id)

    def _first(
        self, first: int, last: int, reason_against: Callable[[int], Reason | None], computer_id: int = 0
    ) -> int | Reason:
        """The first begin from `first` to `last` that nothing is against, or what is; `computer_id`: 0 for any."""
        begin = first
        while (reason := reason_against(begin)) is not None:
            later = self._over(reason, begin, computer_id)
            if later is None or later > last:
                return reason
            begin = later
        return begin

    def _over(self, reason: Reason, begin: int, computer_id: int) -> int | None:
        """When a reason against a window that begins at `begin` may hold no longer; None: that is not known."""
        match reason.rule:
            case "free_now":
                return begin + MINUTE
            case "schedule":
                return begin + _OPENS_ON
            case "reservation":
                return reason.times[-1] + RESERVATION_MARGIN
            case "other_block" | "maintenance":
                return int(reason.times[-1])
            case "orphaned_reload":
                orphans = self._bookings.orphans[computer_id]
                return next(row.end for row in orphans if row.request_id == reason.about)
        return None

    def reasons_against(
        self, computer: Computer, start: int, end: int, adopted_request: int | None = None
    ) -> Iterator[Reason]:
        """All that keeps `computer` from this window."""
        yield from self._closed(computer, start, end)
        yield from self._busy_now(computer, start)
        bookings, id_ = self._bookings, computer.id
        yield from self._reserved(bookings.reservations.get(id_, ()), start, end, adopted_request)
        yield from self._in_other_blocks(bookings.block_computers.get(id_, ()), start, end)
        yield from self._reloaded_for_nobody(bookings.orphans.get(id_, ()), start, end)
        if computer.id in self._site.claimed:
            yield Reason(SEMAPHORE, "somebody is reserving it at this moment")

    def reason_against_reload(self, computer: Computer, image_id: int, start: int, end: int) -> Reason | None:
        """The first thing that keeps a computer that the block time has from a new reload, or None.

        Members' reservations of the image do not count: the computer is loaded for them.
        """
        members = {member.id for member in self._site.members}
        theirs = {
            row.request_id
            for row in self._bookings.reservations.get(computer.id, ())
            if row.user_id in members and row.image_id == image_id
        }
        reasons = self.reasons_against(computer, start, end)
        others = (each for each in reasons if not (each.rule == RESERVATION and each.about in theirs))
        return self.maintenance(start, end) or next(others, None)

    def _closed(self, computer: Computer, start: int, end: int) -> Iterator[Reason]:
        if computer.schedule_id is None:
            return  # excluded by a rule of its own: rules.has_schedule
        key = (computer.schedule_id, start, end)
        if key not in self._open:
            times = self._site.schedule_times.get(computer.schedule_id, ())
            self._open[key] = schedule_covers(times, start, end, self._site.zone)
        if not self._open[key]:
            figures = (computer.schedule_id, *_times(start, end))
            yield Reason(SCHEDULE, "its schedule {} is not open from {} to {}", figures)

    def _busy_now(self, computer: Computer, start: int) -> Iterator[Reason]:
        if start <= self._site.now and computer.state in BUSY_NOW_STATES:
            yield Reason("free_now", "its state is {} and its reload would begin now", (computer.state,))

    @staticmethod
    def _reserved(
        reservations: Sequence[Reservation], start: int, end: int, adopted_request: int | None
    ) -> Iterator[Reason]:
        for row in reservations:
            if row.request_id == adopted_request or not occupies(row):
                continue
            if overlap(start, end, row.start, row.end, RESERVATION_MARGIN):
                figures = (RequestId(row.request_id), Instant(row.start), Instant(row.end))
                yield Reason(RESERVATION, "reserved by request {} from {} to {}", figures)

    def _in_other_blocks(self, block_computers: Sequence[BlockComputer], start: int, end: int) -> Iterator[Reason]:
        for row in block_computers:
            if row.block_time_id != self._block_time_id and overlap(start, end, row.reload_start, row.end):
                figures = (BlockTimeId(row.block_time_id), Instant(row.reload_start), Instant(row.end))
                yield Reason(OTHER_BLOCK, "held by block time {} from {} to {}", figures)

    def _reloaded_for_nobody(self, orphans: Sequence[OrphanedReload], start: int, end: int) -> Iterator[Reason]:
        """Reloads that wait begin when they can, even if another block has the computer by then (SPEC 8.15)."""
        for row in orphans:
            # One that the block time itself gave up, and that has begun, may go on: it loads the image wanted now.
            if row.block_time_id == self._block_time_id and row.end is not None:
                continue
            if row.start < end and (row.end is None or start < row.end):
                text = "reload request {} is left over from a block that no longer has this computer; it begins at {}"
                yield Reason(ORPHANED_RELOAD, text, (RequestId(row.request_id), Instant(row.start)))


def _times(start: int, end: int) -> tuple[Instant, Instant]:
    return Instant(start), Instant(end)
