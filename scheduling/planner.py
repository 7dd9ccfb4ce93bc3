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


def plan(site: Site, block: Block, *, ignore_privileges: bool) -> Plan:
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
        self._held = computers_by_image(site, block)
        self._machines: list[Machine] = []
        self._shortfall: Reason | None = None

    def run(self) -> Plan:
        """Adopt, then fill, and sum up."""
        had = self._whole()
        wanting = max(self._block.machines - had, 0)
        load = self._site.load_seconds
        if wanting:
            self._adopt()
            self._fill()
        if self._whole() == had:
            self._machines.clear()  # parts of a cluster alone are no machine
        return Plan(
            machines=self._machines,
            had=had,
            allocated=min(self._whole(), self._block.machines),
            wanted=self._block.machines,
            load_seconds=load,
            late=is_late(self._site.now, self._block.start, load, wanting),
            shortfall=self._shortfall,
            passed_over=self._chooser.passed_over(),
        )

    def _whole(self) -> int:
        return whole_machines(self._block.image_ids, self._held)

    # --- members' own reservations --------------------------------------------------------------

    def _adopt(self) -> None:
        """Members' own reservations of the image join the block (SPEC 5, 8.8)."""
        for member, request in self._own_reservations():
            if self._whole() >= self._block.machines:
                return
            window = adopted(self._block.start, request[0].start, self._site.load_seconds)
            assignments = self._adopt_computers(member, request, window)
            if assignments:
                self._keep(Machine(tuple(assignments), window, member, request[0].request_id))

    def _own_reservations(self) -> Iterator[tuple[Member, list[Reservation]]]:
        """Future reservations of the block's image by members, overlapping the block time, oldest start first."""
        members = {member.id: member for member in self._site.members}
        requests: dict[int, list[Reservation]] = {}
        for found in self._site.reservations:
            if found.user_id in members and occupies(found):
                requests.setdefault(found.request_id, []).append(found)
        for request in sorted(requests.values(), key=lambda rows: (rows[0].start, rows[0].request_id)):
            first = request[0]
            begins_later = first.start > self._site.now
            touches = overlap(self._block.start, self._block.end, first.start, first.end)
            if first.image_id == self._block.images[0].id and begins_later and touches:
                yield members[first.user_id], request

    def _adopt_computers(self, member: Member, request: list[Reservation], window: Window) -> list[Assignment]:
        """All computers of the request, or none of them."""
        images = {image.id: image for image in self._block.images}
        needed = Counter(image.id for image in self._block.images)
        adding = Counter(found.image_id for found in request)
        if any(self._held[image] + adding[image] > needed[image] * self._block.machines for image in adding):
            return []
        assignments: list[Assignment] = []
        for found in request:
            image = images[found.image_id]
            taken = self._chooser.adopt(found.computer_id, image, window, member, found.request_id)
            if taken is None:
                self._chooser.undo(assignments)
                return []
            assignments.append(taken)
        return assignments

    # --- machine by machine ---------------------------------------------------------------------

    def _fill(self) -> None:
        """Take machines on behalf of members until enough are there or nobody can have one."""
        wanting = self._block.machines - self._whole()
        # VCL repeats or cuts the members to the machines wanting and uses them from the last. Adopted
        # machines take no step of the stagger: `allocated` counts those taken here.
        for allocated, turn in enumerate(reversed(range(wanting))):
            window = staggered(self._block.start, self._site.load_seconds, allocated)
            machine = self._machine(turn, window)
            if machine is None:
                self._shortfall = self._chooser.obstacle
                return
            self._keep(machine)

    def _machine(self, turn: int, window: Window) -> Machine | None:
        """The next machine, on behalf of the member whose turn it is or of the first after him who can have one."""
        images = self._missing()
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
            chosen = self._chooser.choose(image, window, member)
            if chosen is None:
                self._chooser.undo(assignments)
                return []
            assignments.append(chosen)
        return assignments

    def _missing(self) -> list[Image]:
        """The images that the next whole machine still needs: all of them, or the rest of an incomplete cluster."""
        needed = Counter(image.id for image in self._block.images)
        whole = self._whole()
        left = {image: self._held[image] - whole * number for image, number in needed.items()}
        missing = []
        for image in self._block.images:
            if left[image.id] > 0:
                left[image.id] -= 1
            else:
                missing.append(image)
        return missing

    def _keep(self, machine: Machine) -> None:
        self._machines.append(machine)
        self._chooser.keep(list(machine.assignments), machine.reload)
        self._held.update(assignment.image.id for assignment in machine.assignments)


def _from_turn(members: Sequence[Member], turn: int) -> Iterator[Member]:
    """Members in the order in which they are tried (SPEC 8.9): downwards from the turn's, then round from the last."""
    number = len(members)
    return (members[(turn - step) % number] for step in range(number))
