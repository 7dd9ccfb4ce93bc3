"""Does a plan still stand? Looked at again on facts that others may have changed (SPEC 8.7, 8.11)."""

from collections.abc import Sequence
from typing import NamedTuple

from scheduling.concurrency import ConcurrentUse
from scheduling.facts import Block, Site
from scheduling.host_memory import HostMemory
from scheduling.machines import computers_by_image, whole_machines
from scheduling.occupancy import Occupancy
from scheduling.plan import Assignment, Machine
from scheduling.reasons import Reason


class Standing(NamedTuple):
    """The machines that stand, and by computer why others were lost."""

    kept: list[Machine]
    lost: dict[int, Reason]


def standing(site: Site, block: Block, machines: Sequence[Machine], *, ignore_privileges: bool) -> Standing:
    """Those of `machines`, planned on earlier facts, that may be written by the facts of now.

    What a computer is and who may use it is not judged again; what others took meanwhile is:
    reservations, block times (this one's own too), claims, the memory of hosts, limits of use.
    """
    return _Confirmation(site, block, ignore_privileges=ignore_privileges).run(machines)


class _Confirmation:
    def __init__(self, site: Site, block: Block, *, ignore_privileges: bool) -> None:
        self._block = block
        self._occupancy = Occupancy(site, block.block_time_id)
        self._memory = HostMemory(site)
        self._use = ConcurrentUse(site, block, ignore_privileges=ignore_privileges)
        self._held = computers_by_image(site, block)
        self._own = {held.computer_id for held in site.holdings if held.block_time_id == block.block_time_id}
        self._lost: dict[int, Reason] = {}

    def run(self, machines: Sequence[Machine]) -> Standing:
        """Machine by machine, each beside those before it."""
        had = whole_machines(self._block.image_ids, self._held)
        kept: list[Machine] = []
        for machine in machines:
            if whole_machines(self._block.image_ids, self._held) >= self._block.machines:
                break
            if self._stands(machine):
                kept.append(machine)
                self._held.update(assignment.image.id for assignment in machine.assignments)
        # Parts of a cluster alone are no machine.
        if whole_machines(self._block.image_ids, self._held) == had:
            for machine in kept:
                self._lose(machine, "other computers of its cluster were lost")
            kept.clear()
        return Standing(kept, self._lost)

    def _stands(self, machine: Machine) -> bool:
        """Whether every computer of the machine can be had, each beside those before it; else none is noted."""
        noted: list[Assignment] = []
        for assignment in machine.assignments:
            reason = self._reason_against(assignment, machine)
            if reason is not None:
                self._lose(machine, f"{assignment.computer.hostname} of the same machine was lost")
                self._lost[assignment.computer.id] = reason
                self._take_back(noted)
                return False
            noted.append(assignment)
            self._use.choose(assignment.computer.id, assignment.image)
            self._memory.plan(assignment.computer, assignment.image, machine.reload.start, self._block.end)
        return True

    def _lose(self, machine: Machine, why: str) -> None:
        """The computers of a machine go together."""
        self._lost |= {found.computer.id: Reason("no_computer", "{}", (why,)) for found in machine.assignments}

    def _take_back(self, noted: list[Assignment]) -> None:
        for assignment in noted:
            self._use.forget(assignment.computer.id, assignment.image)
            self._memory.forget(assignment.computer)

    def _reason_against(self, assignment: Assignment, machine: Machine) -> Reason | None:
        computer, image = assignment.computer, assignment.image
        start, end, aside = machine.reload.start, self._block.end, machine.adopted_request
        if computer.id in self._own:
            return Reason("own", "it is in the block already")
        return (
            self._occupancy.maintenance(start, end)
            or self._use.reason_against(image, start, end, machine.member, aside)
            or self._occupancy.reason_against(computer, start, end, aside)
            or self._memory.reason_against(computer, image, start, end)
        )
