"""What is promised on each computer: reservations, computers of block times, reloads that no block has any more."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from scheduling.facts import BlockComputer, OrphanedReload, Reservation, Site


@dataclass(frozen=True, slots=True)
class Bookings:
    """The promises of a site by computer id: all that it knows of, whatever they come to."""

    reservations: dict[int, list[Reservation]] = field(default_factory=lambda: defaultdict(list))
    block_computers: dict[int, list[BlockComputer]] = field(default_factory=lambda: defaultdict(list))
    orphans: dict[int, list[OrphanedReload]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def of(cls, site: Site) -> "Bookings":
        """Those of a site."""
        bookings = cls()
        for reservation in site.reservations:
            bookings.reservations[reservation.computer_id].append(reservation)
        for row in site.block_computers:
            bookings.block_computers[row.computer_id].append(row)
        bookings.set_orphans(site.orphans)
        return bookings

    def set_orphans(self, orphans: Iterable[OrphanedReload]) -> None:
        """Exchange the reloads that no block has any more."""
        self.orphans.clear()
        for orphan in orphans:
            self.orphans[orphan.computer_id].append(orphan)
