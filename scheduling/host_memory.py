"""Memory of VM hosts: what their virtual machines take, and are planned to take (SPEC 4, rule 9; 8.11)."""

from collections import defaultdict
from dataclasses import dataclass

from scheduling.bookings import Bookings
from scheduling.facts import Computer, Image, Site
from scheduling.reasons import HostName, Reason
from scheduling.state_ids import COMPLETE, FAILED
from scheduling.windows import overlap

HOST_STATE = "vmhostinuse"
VMWARE = "vmware"  # the OS install type whose images must fit into the memory of the VM host
_FOR_EVER = 2**62  # Unix seconds


@dataclass(frozen=True, slots=True)
class _Load:
    start: int
    end: int
    ram: int  # MB


class HostMemory:
    """The memory that each VM host has left, with the loads planned so far."""

    def __init__(self, site: Site, bookings: Bookings | None = None) -> None:
        """`bookings`: those of `site`, where they are at hand."""
        self._computers = site.computers
        self._bookings = Bookings.of(site) if bookings is None else bookings
        self._added: dict[int, list[_Load]] = defaultdict(list)

    def add(self, computer: Computer, image: Image, start: int, end: int) -> None:
        """Count `image`, which will be loaded on `computer` during this window."""
        self._added[computer.id].append(_Load(start, end, image.min_ram))

    def remove(self, computer: Computer) -> None:
        """Count the last image added for `computer` no longer: its machine could not be completed."""
        self._added[computer.id].pop()

    def reason_against(self, computer: Computer, image: Image, start: int, end: int) -> Reason | None:
        """Why `image` does not fit on the host of `computer` during this window, or None.

        Only images with the VMware install type count. Each other virtual machine of the host counts with the larger
        of what it has loaded now and what it is planned to have loaded in the window. More than 0 MB must be left.
        """
        # The rule is about loading the image on a host. A virtual machine that has it loaded takes no more memory, and
        # runs already: VCL does not look at its host at all, nor at the host's state.
        if image.install_type != VMWARE or computer.revision_id == image.revision_id:
            return None
        if computer.host_computer_id is None:
            return None
        host = self._computers.get(computer.host_computer_id)
        if host is None or host.state != HOST_STATE:
            return Reason("host_state", "its VM host is not in state {}", (HOST_STATE,))
        there = self._computers.virtual_machines[host.id]  # `computer` at least
        others = sum(self._ram(id_, start, end) for id_ in there if id_ != computer.id)
        left = host.ram - others
        if left - image.min_ram > 0:
            return None
        figures = (HostName(host.hostname), left, image.min_ram)
        return Reason("host_memory", "VM host {} has {} MB left for {} MB", figures)

    def _ram(self, computer_id: int, start: int, end: int) -> int:
        """Memory that a virtual machine takes during a window, MB."""
        bookings, most = self._bookings, self._computers[computer_id].loaded_ram
        for reservation in bookings.reservations.get(computer_id, ()):
            if reservation.state_id not in (FAILED, COMPLETE) and overlap(
                start, end, reservation.start, reservation.end
            ):
                most = max(most, reservation.image_ram)
        for row in bookings.block_computers.get(computer_id, ()):
            if overlap(start, end, row.reload_start, row.end):
                most = max(most, row.image_ram)
        for orphan in bookings.orphans.get(computer_id, ()):
            if overlap(start, end, orphan.start, _FOR_EVER if orphan.end is None else orphan.end):
                most = max(most, orphan.image_ram)
        for load in self._added.get(computer_id, ()):
            if overlap(start, end, load.start, load.end):
                most = max(most, load.ram)
        return most
