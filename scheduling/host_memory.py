"""Memory of VM hosts: what their virtual machines take, and are planned to take (SPEC 4, rule 9; 8.11)."""

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property

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

    def __init__(self, site: Site) -> None:
        self._site = site
        self._computers = site.computers
        self._added: dict[int, list[_Load]] = defaultdict(list)

    @cached_property
    def _planned(self) -> dict[int, list[_Load]]:
        """Computer -> what it is planned to have loaded, by what is promised already."""
        site, planned = self._site, defaultdict[int, list[_Load]](list)
        for reservation in site.reservations:
            if reservation.state_id not in (FAILED, COMPLETE):
                load = _Load(reservation.start, reservation.end, reservation.image_ram)
                planned[reservation.computer_id].append(load)
        for row in site.block_computers:
            planned[row.computer_id].append(_Load(row.reload_start, row.end, row.image_ram))
        for orphan in site.orphans:
            end = _FOR_EVER if orphan.end is None else orphan.end
            planned[orphan.computer_id].append(_Load(orphan.start, end, orphan.image_ram))
        return planned

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
        others = sum(
            self._ram(id_, start, end)
            for id_ in self._computers.virtual_machines.get(host.id, ())
            if id_ != computer.id
        )
        left = host.ram - others
        if left - image.min_ram > 0:
            return None
        figures = (HostName(host.hostname), left, image.min_ram)
        return Reason("host_memory", "VM host {} has {} MB left for {} MB", figures)

    def _ram(self, computer_id: int, start: int, end: int) -> int:
        """Memory that a virtual machine takes during a window, MB."""
        loads = [*self._planned.get(computer_id, ()), *self._added.get(computer_id, ())]
        planned = (load.ram for load in loads if overlap(start, end, load.start, load.end))
        return max(self._computers[computer_id].loaded_ram, max(planned, default=0))
