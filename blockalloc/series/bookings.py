"""How many computers can be free at most: a cheap question, which saves plans that could not succeed."""

from collections import Counter, defaultdict
from collections.abc import Iterable

from scheduling.facts import BlockComputer, Image, Site
from scheduling.occupancy import RESERVATION_MARGIN, Occupancy, occupies
from scheduling.shared import Shared
from scheduling.windows import DAY, overlap, schedule_covers


class Bookings:
    """What the computers that can run the images of a class are booked for, day by day.

    `fit` are these computers. What members of the class have reserved themselves is in nobody's way.
    """

    def __init__(self, site: Site, shared: Shared, images: Iterable[Image]) -> None:
        self._site = site
        self._occupancy = Occupancy(site, 0)
        self.fit = fit(shared, images)
        self._schedules = Counter(
            schedule for id_, schedule in site.computers.columns("id", "schedule_id") if id_ in self.fit
        )
        self._by_day: dict[int, list[tuple[int, int, int]]] = defaultdict(list)  # computer, start, end
        self._note_all(site)

    def _note_all(self, site: Site) -> None:
        members = {member.id for member in site.members}
        for row in site.reservations:
            if occupies(row) and row.user_id not in members:
                self._note(row.computer_id, row.start - RESERVATION_MARGIN, row.end + RESERVATION_MARGIN)
        for held in site.block_computers:
            self._note(held.computer_id, held.reload_start, held.end)

    def _note(self, computer: int, start: int, end: int) -> None:
        if computer in self.fit:
            for day in range(start // DAY, min(end // DAY, start // DAY + 366) + 1):
                self._by_day[day].append((computer, start, end))

    def free_at_most(self, start: int, end: int, more: Iterable[BlockComputer] = ()) -> int:
        """How many of the computers can be free for a class then, as far as schedules, maintenance and bookings go.

        `more` are computers that other classes will have.
        """
        if self._occupancy.maintenance(start, end):
            return 0
        taken = {row.computer_id for row in more if overlap(start, end, row.reload_start, row.end)} & self.fit
        for day in range(start // DAY, end // DAY + 1):
            taken |= {id_ for id_, first, last in self._by_day.get(day, ()) if overlap(start, end, first, last)}
        return min(len(self.fit) - len(taken), self._open(start, end))

    def _open(self, start: int, end: int) -> int:
        times, zone = self._site.schedule_times, self._site.zone
        return sum(
            number for id_, number in self._schedules.items()
            if id_ is not None and schedule_covers(times.get(id_, ()), start, end, zone)
        )  # fmt: skip


def fit(shared: Shared, images: Iterable[Image]) -> frozenset[int]:
    """The computers that can run one of the images at all."""
    return frozenset().union(*(shared.fit(image).ids for image in images))
