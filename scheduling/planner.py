"""The plan for a block time: adoption first, then machine by machine (SPEC 5 and 6)."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Protocol

from scheduling.bookings import Bookings
from scheduling.choice import Chooser
from scheduling.facts import Block, BlockComputer, Image, Member, Reservation, Site
from scheduling.machines import computers_by_image, machines_of
from scheduling.mending import Mending
from scheduling.occupancy import occupies
from scheduling.plan import Assignment, Machine, Plan
from scheduling.ready_timing import ReadyTiming
from scheduling.reasons import Reason
from scheduling.reload_plan import Window
from scheduling.reloads.policy import ReadyPolicy
from scheduling.reloads.spares import WORTH
from scheduling.shared import Shared
from scheduling.timing import Chosen, Timed, Timing, VclTiming
from scheduling.windows import overlap

_ATTEMPTS = 2  # at spares: the first number is an estimate


class ReadyTimings(Protocol):
    """Makes the timing of a plan under policy `ready`."""

    def __call__(
        self, site: Site, block: Block, policy: ReadyPolicy, mending: Mending | None, missing: int, chooser: Chooser
    ) -> Timing:
        """The timing of a plan that is to choose the `missing` machines."""


def make_plan(
    site: Site, block: Block, *, ignore_privileges: bool, mending: Mending | None = None, shared: Shared | None = None,
    bookings: Bookings | None = None, ready_timing: ReadyTimings = ReadyTiming, is_explained: bool = True,
) -> Plan:  # fmt: skip
    """Choose computers until `block` has the machines wanted, or no further one is free.

    Reloads begin by the policy of the site (SPEC 6). With `mending`, `site` is without the computers that are given up,
    and no reload begins before now. Nothing is written and nothing is read: the same facts give the same plan.

    For who makes many plans: `shared` is what the sites of these have in common,
    `bookings` what this one has promised; `ready_timing` times the reloads under
    policy `ready`; without `is_explained`, computers have reasons only in a plan that lacks machines.
    """
    chooser = Chooser(site, block, ignore_privileges=ignore_privileges, shared=shared, bookings=bookings)
    planning = _Planning(site, block, mending, chooser, ready_timing, ignore_privileges=ignore_privileges)
    return planning.run(is_explained=is_explained)


class _Planning:
    """One plan in the making."""

    def __init__(
        self, site: Site, block: Block, mending: Mending | None, chooser: Chooser, ready_timing: ReadyTimings, *,
        ignore_privileges: bool,
    ) -> None:  # fmt: skip
        self._site = site
        self._block = block
        self._mending = mending
        self._chooser = chooser
        self._ready_timing = ready_timing
        self._caller = Member(site.caller_id, "the calling account", frozenset())
        self._members: Sequence[Member] = [self._caller] if ignore_privileges else site.members
        self._computers = computers_by_image(site, block)  # of the block time, with those chosen so far
        self._needed = Counter(block.image_ids)  # of one machine
        self._machines: list[Machine] = []
        self._again: list[Machine] = []
        self._not_loaded: dict[int, Reason] = {}
        self._stopped_by: Reason | None = None
        self._spares = 0

    def run(self, *, is_explained: bool) -> Plan:
        """Adopt, then fill, and sum up."""
        had_before = self._whole_machines()
        missing = max(self._block.machines - had_before, 0)
        self._timing = self._timing_of(missing)
        self._load_again()
        if missing:
            self._adopt()
            self._fill()
        if self._whole_machines() == had_before:
            self._machines.clear()  # parts of a cluster alone are no machine
        timed = self._with_spares(missing)
        return Plan(
            machines=timed.machines,
            had_before=had_before,
            allocated=min(self._usable_machines(), self._block.machines),
            wanted=self._block.machines,
            load_seconds=self._site.load_seconds,
            late=timed.late,
            stopped_by=self._stopped_by,
            excluded=self._chooser.reasons_by_computer() if is_explained or self._is_short() else {},
            again=timed.again,
            not_loaded=self._not_loaded,
            moved=timed.moved,
            outlook=timed.outlook,
            guide=timed.guide,
            spares=self._spares,
        )

    def _timing_of(self, missing: int) -> Timing:
        policy = self._site.ready_policy
        if policy is None:
            return VclTiming(self._site, self._block, self._mending)
        return self._ready_timing(self._site, self._block, policy, self._mending, missing, self._chooser)

    def _whole_machines(self) -> int:
        return machines_of(self._needed, self._computers)

    def _usable_machines(self) -> int:
        not_loaded = Counter(row.image_id for row in self._own_rows() if row.computer_id in self._not_loaded)
        return machines_of(self._needed, self._computers - not_loaded)

    # --- computers that the block time has ------------------------------------------------------

    def _load_again(self) -> None:
        """Plan reloads of computers that lack the image, and keep given-up ones from being chosen (SPEC 9.3)."""
        if self._mending is None:
            return
        self._chooser.exclude(self._mending.excluded)
        images = {image.id: image for image in self._block.images}
        own = {row.computer_id: row.image_id for row in self._own_rows()}
        for computer_id, node_id in self._mending.again.items():
            image = images.get(own.get(computer_id, 0))
            if image is None:
                continue
            reload = self._timing.again(len(self._again))
            latest = self._timing.latest(reload)
            assignment = self._chooser.load_again(computer_id, image, reload.start, latest, node_id)
            if isinstance(assignment, Reason):
                self._not_loaded[computer_id] = assignment
            else:
                self._again.append(Machine((assignment,), reload, self._caller))
                self._chooser.add_reloads([assignment], reload)

    def _own_rows(self) -> Iterator[BlockComputer]:
        return (row for row in self._site.block_computers if row.block_time_id == self._block.block_time_id)

    # --- members' own reservations --------------------------------------------------------------

    def _adopt(self) -> None:
        """Let members' own reservations of the image join the block (SPEC 5, 8.8)."""
        for member, reservations in self._own_reservations():
            if self._whole_machines() >= self._block.machines:
                return
            first = reservations[0]
            reload = self._timing.adopted(first.start)
            assignments = self._adopt_computers(member, reservations, reload)
            if assignments:
                self._add(Machine(tuple(assignments), reload, member, first.request_id))

    def _own_reservations(self) -> Iterator[tuple[Member, list[Reservation]]]:
        """The reservations of each of the members' future requests that can join the block, by start.

        Such a request is for the block's image and overlaps the block time. Its first reservation is of that image, the
        others are of the images of its cluster.
        """
        members = {member.id: member for member in self._site.members}
        by_request: dict[int, list[Reservation]] = {}
        for reservation in self._site.reservations:
            if reservation.user_id in members and occupies(reservation):
                by_request.setdefault(reservation.request_id, []).append(reservation)
        for reservations in sorted(by_request.values(), key=_start_and_id):
            first = reservations[0]
            begins_later = first.start > self._site.now
            overlaps = overlap(self._block.start, self._block.end, first.start, first.end)
            if first.image_id == self._block.images[0].id and begins_later and overlaps:
                yield members[first.user_id], reservations

    def _adopt_computers(self, member: Member, reservations: list[Reservation], reload: Window) -> list[Assignment]:
        """All computers of a request, or none of them."""
        images = {image.id: image for image in self._block.images}
        needed = self._needed
        added = Counter(reservation.image_id for reservation in reservations)
        # A request joins with all its computers: not if the block would then have more for an image than it needs.
        if any(self._computers[image] + added[image] > needed[image] * self._block.machines for image in added):
            return []
        assignments: list[Assignment] = []
        for reservation in reservations:
            image = images[reservation.image_id]
            assignment = self._chooser.adopt(reservation.computer_id, image, reload, member, reservation.request_id)
            if assignment is None:
                self._chooser.remove(assignments)
                return []
            assignments.append(assignment)
        return assignments

    # --- machine by machine ---------------------------------------------------------------------

    def _fill(self) -> None:
        """Take machines on behalf of members until the block has all, or no member can have another one."""
        missing = self._block.machines - self._whole_machines()
        for already_planned in range(missing):  # without adopted machines: their reloads take no part in the stagger
            # VCL repeats the list of members, or cuts it, to the number of missing machines, and works backwards.
            first_member = missing - 1 - already_planned
            reload = self._timing.machine(len(self._again) + already_planned)
            machine = self._next_machine(first_member, reload)
            if machine is None:
                self._stopped_by = self._chooser.stopped_by
                return
            self._add(machine)

    def _next_machine(self, first_member: int, reload: Window, *, in_time: bool = False) -> Machine | None:
        """The next machine, on behalf of the first member who can have one (see `_members_from`).

        With `in_time`, one whose computers are free early enough, or none.
        """
        images = self._images_of_next_machine()
        hopeless: set[tuple[object, ...]] = set()
        for member in _members_from(self._members, first_member):
            access = self._chooser.access_of(member)
            if access in hopeless:
                continue
            assignments = self._choose_all(images, reload, member, in_time=in_time)
            if assignments:
                return Machine(tuple(assignments), reload, member)
            hopeless.add(access)
        return None

    def _choose_all(self, images: list[Image], reload: Window, member: Member, *, in_time: bool) -> list[Assignment]:
        """A computer for each of `images`, or none at all."""
        assignments: list[Assignment] = []
        accepts = self._timing.accepts(self._machines)
        for image in images:
            assignment = self._chooser.choose(image, reload, member, accepts, in_time=in_time)
            if assignment is None:
                self._chooser.remove(assignments)
                return []
            assignments.append(assignment)
        return assignments

    def _images_of_next_machine(self) -> list[Image]:
        """The images of one machine; of an incomplete cluster only those that it lacks."""
        complete = self._whole_machines()
        needed = self._needed
        spare = {image_id: self._computers[image_id] - complete * needed[image_id] for image_id in needed}
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
        for assignment in machine.assignments:
            self._computers[assignment.image.id] += 1

    # --- spares ---------------------------------------------------------------------------------

    def _with_spares(self, missing: int) -> Timed:
        """The times of all, with spares where the class has got all its machines and is less sure than it should be.

        Spares that hardly make it surer are left alone: their loads take places from the others.
        """
        timed = self._timed(missing)
        for _attempt in range(_ATTEMPTS if self._machines and not self._is_short() else 0):
            taken = self._take_spares(timed.further)
            if not taken:
                break
            with_them = self._timed(missing)
            if not self._is_worth(with_them, timed):
                self._leave(taken)
                break
            timed, self._spares = with_them, self._spares + len(taken)
        return timed

    def _is_worth(self, with_them: Timed, without: Timed) -> bool:
        """Whether spares bring the class to its target, or some way towards it."""
        policy = self._site.ready_policy
        assert policy is not None, "only policy `ready` asks for spares"
        return _sureness(with_them) >= min(policy.target, _sureness(without) + WORTH)

    def _timed(self, missing: int) -> Timed:
        return self._timing.finish(Chosen([*self._machines], self._again, missing))

    def _is_short(self) -> bool:
        return self._whole_machines() < self._block.machines

    def _take_spares(self, number: int) -> list[Machine]:
        """Up to so many more machines, by the same rules, of computers that are free in time."""
        taken: list[Machine] = []
        while len(taken) < number:
            place = self._spares + len(taken)  # after the last member the list begins again
            machine = self._next_machine(-1 - place, self._timing.machine(len(self._machines)), in_time=True)
            if machine is None:
                break
            self._add(machine)
            taken.append(machine)
        return taken

    def _leave(self, machines: list[Machine]) -> None:
        """Do without the machines that were chosen last."""
        del self._machines[-len(machines) :]
        for machine in machines:
            self._chooser.remove(list(machine.assignments))
            self._computers.subtract(assignment.image.id for assignment in machine.assignments)


def _sureness(timed: Timed) -> float:
    return timed.outlook.ready if timed.outlook else 0.0


def _start_and_id(reservations: list[Reservation]) -> tuple[int, int]:
    return reservations[0].start, reservations[0].request_id


def _members_from(members: Sequence[Member], first_member: int) -> Iterator[Member]:
    """Members in the order in which they are tried (SPEC 8.9).

    From the one with index `first_member` (of the repeated list) down to the first, then from the last down.
    """
    number = len(members)
    return (members[(first_member - tried) % number] for tried in range(number))
