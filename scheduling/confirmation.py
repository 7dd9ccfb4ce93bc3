"""Whether a plan still stands on newer facts, which others may have changed meanwhile (SPEC 8.7, 8.11)."""

from collections.abc import Sequence
from typing import NamedTuple

from scheduling.bookings import Bookings
from scheduling.concurrency import ConcurrentUse
from scheduling.facts import Block, Site
from scheduling.host_memory import HostMemory
from scheduling.machines import computers_by_image, whole_machines
from scheduling.occupancy import Occupancy
from scheduling.plan import Assignment, Machine
from scheduling.reasons import Reason
from scheduling.reload_plan import Moved


class Standing(NamedTuple):
    """The machines that still stand, and by computer why the others were lost."""

    kept: list[Machine]
    lost: dict[int, Reason]


def standing(
    site: Site, block: Block, machines: Sequence[Machine], *, ignore_privileges: bool, spares: int = 0
) -> Standing:
    """Which of the `machines`, planned on earlier facts, may be written by the facts of now.

    What others have taken meanwhile is judged again: reservations, block times (this one too), claims, the memory of
    VM hosts, limits of use. What a computer is and who may use it is not. So many `spares` are kept beyond the machines
    wanted.
    """
    return _Confirmation(site, block, ignore_privileges=ignore_privileges).run(machines, block.machines + spares)


def still_to_load(site: Site, block: Block, again: Sequence[Machine]) -> Standing:
    """Which reloads of computers that the block time has may be written by the facts of now."""
    occupancy = Occupancy(site, block.block_time_id)
    kept, lost = [], {}
    for machine in again:
        (assignment,) = machine.assignments
        start = machine.reload.start
        reason = occupancy.reason_against_reload(assignment.computer, assignment.image.id, start, block.end)
        if reason is None:
            kept.append(machine)
        else:
            lost[assignment.computer.id] = reason
    return Standing(kept, lost)


def still_free(site: Site, block: Block, moved: Sequence[Moved]) -> list[Moved]:
    """Which reloads of computers that the block time has may begin at their new times by the facts of now.

    One that begins later than before takes nothing from anybody. The computers of a cluster have one reload, which
    begins for all of them or for none.
    """
    occupancy = Occupancy(site, block.block_time_id)
    rows = {row.computer_id: row for row in site.block_computers if row.block_time_id == block.block_time_id}

    def is_free(each: Moved) -> bool:
        row, start = rows.get(each.computer_id), each.reload.start
        if row is None or start >= row.reload_start:
            return row is not None
        computer = site.computers[each.computer_id]
        return occupancy.reason_against_reload(computer, row.image_id, start, block.end) is None

    kept = {each.request_id for each in moved} - {each.request_id for each in moved if not is_free(each)}
    return [each for each in moved if each.request_id in kept]


class _Confirmation:
    def __init__(self, site: Site, block: Block, *, ignore_privileges: bool) -> None:
        self._block = block
        bookings = Bookings.of(site)
        self._occupancy = Occupancy(site, block.block_time_id, bookings)
        self._memory = HostMemory(site, bookings)
        self._use = ConcurrentUse(site, block, ignore_privileges=ignore_privileges)
        self._computers = computers_by_image(site, block)  # of the block time, with those kept so far
        self._own = {row.computer_id for row in site.block_computers if row.block_time_id == block.block_time_id}
        self._lost: dict[int, Reason] = {}

    def run(self, machines: Sequence[Machine], at_most: int) -> Standing:
        """Confirm machine by machine, each together with those kept before it, until the block time has so many."""
        had = self._whole_machines()
        kept: list[Machine] = []
        for machine in machines:
            if self._whole_machines() >= at_most:
                break
            if self._stands(machine):
                kept.append(machine)
                self._computers.update(assignment.image.id for assignment in machine.assignments)
        # Parts of a cluster alone are no machine.
        if self._whole_machines() == had:
            for machine in kept:
                self._lose(machine, "other computers of its cluster were lost")
            kept.clear()
        return Standing(kept, self._lost)

    def _whole_machines(self) -> int:
        return whole_machines(self._block.image_ids, self._computers)

    def _stands(self, machine: Machine) -> bool:
        """Whether every computer of the machine is still free for it; then all of them count for the next machines."""
        counted: list[Assignment] = []
        for assignment in machine.assignments:
            reason = self._reason_against(assignment, machine)
            if reason is not None:
                self._lose(machine, f"{assignment.computer.hostname} of the same machine was lost")
                self._lost[assignment.computer.id] = reason
                self._remove(counted)
                return False
            counted.append(assignment)
            self._use.add(assignment.computer.id, assignment.image)
            self._memory.add(assignment.computer, assignment.image, machine.reload.start, self._block.end)
        return True

    def _lose(self, machine: Machine, why: str) -> None:
        """The computers of a machine are lost together."""
        reason = Reason("no_computer", "{}", (why,))
        self._lost |= {assignment.computer.id: reason for assignment in machine.assignments}

    def _remove(self, assignments: Sequence[Assignment]) -> None:
        for assignment in assignments:
            self._use.remove(assignment.computer.id, assignment.image)
            self._memory.remove(assignment.computer)

    def _reason_against(self, assignment: Assignment, machine: Machine) -> Reason | None:
        computer, image, request = assignment.computer, assignment.image, machine.adopted_request
        start, end = machine.reload.start, self._block.end
        if computer.id in self._own:
            return Reason("own", "it is in the block already")
        return (
            self._occupancy.maintenance(start, end)
            or self._use.reason_against(image, start, end, machine.member, request)
            or self._occupancy.reason_against(computer, start, end, request)
            or self._memory.reason_against(computer, image, start, end)
        )
