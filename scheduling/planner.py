"""The plan for a block time: adoption first, then machine by machine (SPEC 5 and 6)."""

from collections import Counter
from collections.abc import Iterator, Sequence

from scheduling.choice import Chooser
from scheduling.facts import Block, Image, Member, Reservation, Site
from scheduling.machines import computers_by_image, whole_machines
from scheduling.occupancy import occupies
from scheduling.plan import Assignment, Machine, Plan
from scheduling.reasons import Reason
from scheduling.reload_plan import Window, adopted, is_late, staggered
from scheduling.windows import overlap


def make_plan(site: Site, block: Block, *, ignore_privileges: bool) -> Plan:
    """Choose computers until `block` has the machines wanted, or none can be had any more.

    Nothing is written and nothing is read: the same facts give the same plan.
    """
    return _Planning(site, block, ignore_privileges=ignore_privileges).run()


class _Planning:
    """One plan in the making."""

    def __init__(self, site: Site, block: Block, *, ignore_privileges: bool) -> None:
        self._site = site
        self._block = block
        self._chooser = Chooser(site, block, ignore_privileges=ignore_privileges)
        caller = Member(site.caller_id, "the calling account", frozenset())
        self._members: Sequence[Member] = [caller] if ignore_privileges else site.members
        self._computers = computers_by_image(site, block)  # of the block time, with those chosen so far
        self._machines: list[Machine] = []
        self._stopped_by: Reason | None = None

    def run(self) -> Plan:
        """Adopt, then fill, and sum up."""
        had_before = self._whole_machines()
        missing = max(self._block.machines - had_before, 0)
        load = self._site.load_seconds
        if missing:
            self._adopt()
            self._fill()
        if self._whole_machines() == had_before:
            self._machines.clear()  # parts of a cluster alone are no machine
        return Plan(
            machines=self._machines,
            had_before=had_before,
            allocated=min(self._whole_machines(), self._block.machines),
            wanted=self._block.machines,
            load_seconds=load,
            late=is_late(self._site.now, self._block.start, load, missing),
            stopped_by=self._stopped_by,
            excluded=self._chooser.excluded(),
        )

    def _whole_machines(self) -> int:
        return whole_machines(self._block.image_ids, self._computers)

    # --- members' own reservations --------------------------------------------------------------

    def _adopt(self) -> None:
        """Let members' own reservations of the image join the block (SPEC 5, 8.8)."""
        for member, request in self._own_reservations():
            if self._whole_machines() >= self._block.machines:
                return
            first = request[0]
            window = adopted(self._block.start, first.start, self._site.load_seconds)
            assignments = self._adopt_computers(member, request, window)
            if assignments:
                self._add(Machine(tuple(assignments), window, member, first.request_id))

    def _own_reservations(self) -> Iterator[tuple[Member, list[Reservation]]]:
        """Members' future requests for the block's image that overlap the block time, by start.

        Each with its reservations; the first one is of the request's image, the others of its cluster.
        """
        members = {member.id: member for member in self._site.members}
        requests: dict[int, list[Reservation]] = {}
        for reservation in self._site.reservations:
            if reservation.user_id in members and occupies(reservation):
                requests.setdefault(reservation.request_id, []).append(reservation)
        for request in sorted(requests.values(), key=_start_and_id):
            first = request[0]
            begins_later = first.start > self._site.now
            overlaps = overlap(self._block.start, self._block.end, first.start, first.end)
            if first.image_id == self._block.images[0].id and begins_later and overlaps:
                yield members[first.user_id], request

    def _adopt_computers(self, member: Member, request: list[Reservation], window: Window) -> list[Assignment]:
        """All computers of the request, or none of them."""
        images = {image.id: image for image in self._block.images}
        needed = Counter(self._block.image_ids)
        added = Counter(reservation.image_id for reservation in request)
        if any(self._computers[image] + added[image] > needed[image] * self._block.machines for image in added):
            return []
        assignments: list[Assignment] = []
        for reservation in request:
            image = images[reservation.image_id]
            assignment = self._chooser.adopt(reservation.computer_id, image, window, member, reservation.request_id)
            if assignment is None:
                self._chooser.remove(assignments)
                return []
            assignments.append(assignment)
        return assignments

    # --- machine by machine ---------------------------------------------------------------------

    def _fill(self) -> None:
        """Take machines on behalf of members until the block has all, or no member can have another one."""
        missing = self._block.machines - self._whole_machines()
        # VCL repeats or cuts the members to the number of missing machines, and takes their turns from the last one on.
        # Only machines that are taken here count for the stagger of reloads, adopted ones do not.
        for allocated, turn in enumerate(reversed(range(missing))):
            window = staggered(self._block.start, self._site.load_seconds, allocated)
            machine = self._next_machine(turn, window)
            if machine is None:
                self._stopped_by = self._chooser.stopped_by
                return
            self._add(machine)

    def _next_machine(self, turn: int, window: Window) -> Machine | None:
        """The next machine, on behalf of the member whose turn it is or of the first after them who can have one."""
        images = self._images_of_next_machine()
        hopeless: set[tuple[object, ...]] = set()
        for member in _from_turn(self._members, turn):
            access = self._chooser.access_of(member)
            if access in hopeless:
                continue
            assignments = self._choose_all(images, window, member)
            if assignments:
                return Machine(tuple(assignments), window, member)
            hopeless.add(access)
        return None

    def _choose_all(self, images: list[Image], window: Window, member: Member) -> list[Assignment]:
        """A computer for each of `images`, or none at all."""
        assignments: list[Assignment] = []
        for image in images:
            assignment = self._chooser.choose(image, window, member)
            if assignment is None:
                self._chooser.remove(assignments)
                return []
            assignments.append(assignment)
        return assignments

    def _images_of_next_machine(self) -> list[Image]:
        """The images of one machine; of a cluster that is incomplete those that it lacks."""
        complete = self._whole_machines()
        needed = Counter(self._block.image_ids)
        spare = Counter({image_id: self._computers[image_id] - complete * needed[image_id] for image_id in needed})
        missing = []
        for image in self._block.images:
            if spare[image.id] > 0:
                spare[image.id] -= 1
            else:
                missing.append(image)
        return missing

    def _add(self, machine: Machine) -> None:
        self._machines.append(machine)
        self._chooser.add_reloads(list(machine.assignments), machine.reload)
        self._computers.update(assignment.image.id for assignment in machine.assignments)


def _start_and_id(request: list[Reservation]) -> tuple[int, int]:
    return request[0].start, request[0].request_id


def _from_turn(members: Sequence[Member], turn: int) -> Iterator[Member]:
    """Members in the order in which they are tried (SPEC 8.9): downwards from the turn's, then round from the last."""
    number = len(members)
    return (members[(turn - step) % number] for step in range(number))
