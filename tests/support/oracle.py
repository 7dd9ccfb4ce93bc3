"""A slow, obvious planner, written from the specification alone, to judge the real one by.

Each question is answered from the raw facts and the list of computers taken so far: nothing is computed in advance,
nothing is cached, no shortcut is taken. Of `scheduling` it knows the fact classes only.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from scheduling.facts import Block, Computer, Image, Member, Reservation, Site
from tests.support.oracle_rules import (
    counts,
    is_strong_enough,
    may_use_group,
    schedule_is_open,
    tried_in_order,
)

FIVE, TEN, QUARTER, HALF = 300, 600, 900, 1800  # seconds


class Taken(NamedTuple):
    """A computer, the image that it gets, the node that loads it."""

    computer_id: int
    image_id: int
    node_id: int


class Machine(NamedTuple):
    """The computers of one machine, its reload, the member it is for, the reservation that it was adopted from."""

    taken: tuple[Taken, ...]
    start: int
    end: int
    member_id: int
    request_id: int | None


@dataclass(frozen=True)
class Answer:
    """The result of a plan."""

    machines: list[Machine]
    had: int
    allocated: int
    late: bool


class Oracle:
    """The site, the block, and the machines so far: `machines` are complete, `making` is the one in the making."""

    def __init__(self, site: Site, block: Block, *, ignore_privileges: bool) -> None:
        self.site, self.block, self.ignore_privileges = site, block, ignore_privileges
        self.machines: list[Machine] = []
        self.making: list[Taken] = []
        self.making_start = 0
        self.images = {image.id: image for image in block.images}

    # --- the plan (sections 5 and 6, 8.8, 8.9, 8.12) ----------------------------------------------

    def answer(self) -> Answer:
        """Plan, and sum up."""
        had = self.whole()
        wanting = max(0, self.block.machines - had)
        late = self.site.now + self.site.load_seconds + TEN + 60 * wanting > self.block.start
        if wanting:
            self.adopt()
            self.fill()
        if self.whole() == had:
            self.machines = []  # a part of a cluster alone is no machine
        return Answer(self.machines, had, min(self.whole(), self.block.machines), late)

    def adopt(self) -> None:
        """Members' own reservations, the earliest first."""
        requests = {row.request_id for row in self.site.reservations}
        rows = [[r for r in self.site.reservations if r.request_id == request] for request in requests]
        for request in sorted(rows, key=lambda rows: (rows[0].start, rows[0].request_id)):
            owner = [someone for someone in self.site.members if someone.id == request[0].user_id]
            if owner and self.whole() < self.block.machines and self.is_own_of_the_block(request):
                self.adopt_request(request, owner[0])

    def is_own_of_the_block(self, request: list[Reservation]) -> bool:
        """Of the block's image, still to come, at the time of the block, and not more than is wanted of any image."""
        first = request[0]
        for image_id in {row.image_id for row in request}:
            wanted = self.block.machines * self.needed(image_id)
            if self.count(image_id) + len([row for row in request if row.image_id == image_id]) > wanted:
                return False
        at_the_time = first.start < self.block.end and first.end > self.block.start
        to_come = first.start > self.site.now and at_the_time
        return first.image_id == self.block.images[0].id and counts(first) and to_come

    def adopt_request(self, request: list[Reservation], owner: Member) -> None:
        """All its computers, or none."""
        end = min(self.block.start, request[0].start)
        start = end - self.site.load_seconds - FIVE
        self.making_start = start
        for row in request:
            computer, image = self.site.computers[row.computer_id], self.images[row.image_id]
            if self.objections(computer, image, start, owner, row.request_id):
                self.making = []
                return
            self.take(computer, image)
        self.finish(end, owner, request[0].request_id)

    def fill(self) -> None:
        """Machine by machine, each on behalf of a member."""
        members = [Member(self.site.caller_id, "", frozenset())] if self.ignore_privileges else list(self.site.members)
        wanting = self.block.machines - self.whole()
        step = 120 if self.site.load_seconds > 840 else 60
        allocated = 0
        for turn in reversed(range(wanting)):
            start = self.block.start - (self.site.load_seconds + TEN) - allocated * step
            for someone in tried_in_order(members, turn):
                if self.machine_for(someone, start):
                    allocated += 1
                    break

    def machine_for(self, someone: Member, start: int) -> bool:
        """One whole machine (or what an incomplete one lacks), on behalf of `someone`."""
        self.making_start = start
        for image in self.missing():
            fit = [c for c in self.site.computers.values() if not self.objections(c, image, start, someone)]
            if not fit:
                self.making = []
                return False
            self.take(self.first_choice(fit, image, someone), image)
        self.finish(self.block.start, someone, None)
        return True

    def first_choice(self, fit: list[Computer], image: Image, someone: Member) -> Computer:
        """The lowest rank of all that fit."""
        return min(fit, key=lambda computer: self.rank(computer, image, someone))

    def rank(self, computer: Computer, image: Image, someone: Member) -> tuple[bool, bool, int, int, int, int]:
        """The rank of a computer: the lowest comes first."""
        may_have_failed = computer.id in (self.site.recent_failures or {}).get((someone.id, image.id), ())
        loaded = computer.revision_id == image.revision_id
        speed = computer.speed * computer.processors
        return (may_have_failed, not loaded, computer.ram, speed, computer.network, computer.id)

    def take(self, computer: Computer, image: Image) -> None:
        """Add a computer to the machine in the making, with the least loaded of its nodes."""
        node = min(self.nodes(computer), key=lambda node_id: (self.node_load(node_id, self.making_start), node_id))
        self.making.append(Taken(computer.id, image.id, node))

    def finish(self, end: int, someone: Member, request_id: int | None) -> None:
        """The machine in the making is whole."""
        self.machines.append(Machine(tuple(self.making), self.making_start, end, someone.id, request_id))
        self.making = []

    # --- clusters ---------------------------------------------------------------------------------

    def needed(self, image_id: int) -> int:
        """Computers with this image that one machine has."""
        return len([image for image in self.block.images if image.id == image_id])

    def count(self, image_id: int) -> int:
        """Computers with this image that the block has, finished machines included."""
        before = [h for h in self.site.block_computers if self.is_ours(h.block_time_id) and h.image_id == image_id]
        since = [taken for machine in self.machines for taken in machine.taken if taken.image_id == image_id]
        return len(before) + len(since)

    def is_ours(self, block_time_id: int) -> bool:
        """Whether it is the block time to be filled."""
        return block_time_id == self.block.block_time_id

    def whole(self) -> int:
        """Whole machines that the block has."""
        machines = 0
        while all(self.count(image_id) >= (machines + 1) * self.needed(image_id) for image_id in self.images):
            machines += 1
        return machines

    def missing(self) -> list[Image]:
        """The images that the next whole machine lacks, in the order of the block's images."""
        lacking = []
        for image_id in self.images:
            there = self.count(image_id) - self.whole() * self.needed(image_id)
            places = [place for place, image in enumerate(self.block.images) if image.id == image_id]
            lacking += places[there:]
        return [self.block.images[place] for place in sorted(lacking)]

    # --- the rules (section 4) ---------------------------------------------------------------------

    def objections(
        self, computer: Computer, image: Image, start: int, someone: Member, aside: int | None = None
    ) -> list[str]:
        """The rules that `computer` breaks for `image` from `start` to the block's end, without request `aside`."""
        kept = {
            "1 maintenance": self.no_maintenance(start),
            "2 schedule": self.is_open(computer, start),
            "3 platform and power": is_strong_enough(computer, image),
            "4 state": self.has_a_good_state(computer, start),
            "5 provisioning": image.install_type in self.site.install_types.get(computer.provisioning_id, ()),
            "6 mapping": self.is_mapped(computer, self.site.image_groups.get(image.id, frozenset())),
            "7 privileges": self.ignore_privileges or self.may_use(someone, computer),
            "8 free": self.is_free(computer, start, aside),
            "9 memory of the VM host": self.fits_on_host(computer, image, start),
            "10 management node": bool(self.nodes(computer)),
            "11 concurrent use": self.is_below_limit(image, start, someone, aside),
        }
        return [rule for rule, holds in kept.items() if not holds]

    def no_maintenance(self, start: int) -> bool:
        """Rule 1; a maintenance that is over does not count."""
        for m in self.site.maintenances:
            over = m.end <= self.site.now
            closed = m.allow_reservations == 0 and m.start < self.block.end and m.end > start
            begins_in_it = m.start - HALF < start < m.end
            if not over and (closed or begins_in_it):
                return False
        return True

    def is_open(self, computer: Computer, start: int) -> bool:
        """Rule 2."""
        if computer.schedule_id is None:
            return False
        entries = self.site.schedule_times.get(computer.schedule_id, ())
        return schedule_is_open(entries, start, self.block.end, self.site.zone)

    def has_a_good_state(self, computer: Computer, start: int) -> bool:
        """Rule 4."""
        bad = ["maintenance", "vmhostinuse", "hpc", "failed"]
        if start <= self.site.now:
            bad += ["timeout", "inuse"]
        placed = computer.type != "virtualmachine" or computer.vm_host_id is not None
        return computer.state not in bad and not computer.deleted and placed

    def is_mapped(self, computer: Computer, groups: frozenset[int]) -> bool:
        """Rule 6: whether one of `groups` is mapped to a group of the computer."""
        its_groups = self.site.groups_of(computer.id)
        return any(own in self.site.mapped_groups.get(group, ()) for group in groups for own in its_groups)

    def may_use(self, someone: Member, computer: Computer) -> bool:
        """Rule 7."""
        groups = self.site.groups_of(computer.id)
        by_group = any(may_use_group(self.site.privileges, someone, group) for group in groups)
        return computer.owner_id == someone.id or by_group

    def is_free(self, computer: Computer, start: int, aside: int | None) -> bool:
        """Rule 8, and no computer twice in one block."""
        end = self.block.end
        for r in self.site.reservations:
            near = start < r.end + QUARTER and end + QUARTER > r.start
            if r.computer_id == computer.id and r.request_id != aside and counts(r) and near:
                return False
        for h in self.site.block_computers:
            at_the_time = self.is_ours(h.block_time_id) or (start < h.end and end > h.reload_start)
            if h.computer_id == computer.id and at_the_time:
                return False
        for o in self.site.orphans:
            gone_soon = o.end is not None and (o.end <= start or self.is_ours(o.block_time_id))
            if o.computer_id == computer.id and o.start < end and not gone_soon:
                return False
        taken = [t.computer_id for t, _ in self.all_taken()]
        return computer.id not in taken and computer.id not in self.site.claimed

    def fits_on_host(self, computer: Computer, image: Image, start: int) -> bool:
        """Rule 9 with 8.11, for each computer of a host on which the image is not loaded yet."""
        loaded = computer.revision_id == image.revision_id
        if image.install_type != "vmware" or computer.host_computer_id is None or loaded:
            return True
        host = self.site.computers.get(computer.host_computer_id)
        if host is None or host.state != "vmhostinuse":
            return False
        left = host.ram - image.min_ram
        for other in self.site.computers.values():
            if other.host_computer_id == host.id and other.id != computer.id:
                left -= max([other.loaded_ram, *self.planned_memory(other.id, start)])
        return left > 0

    def planned_memory(self, computer_id: int, start: int) -> Iterator[int]:
        """The memory of each image that is planned for the computer between `start` and the block's end."""
        end = self.block.end
        for r in self.site.reservations:
            if r.computer_id == computer_id and r.state_id not in (5, 12) and start < r.end and end > r.start:
                yield r.image_ram
        for h in self.site.block_computers:
            if h.computer_id == computer_id and start < h.end and end > h.reload_start:
                yield h.image_ram
        for o in self.site.orphans:
            if o.computer_id == computer_id and o.start < end and (o.end is None or o.end > start):
                yield o.image_ram
        for taken, _ in self.all_taken():
            if taken.computer_id == computer_id:
                yield self.images[taken.image_id].min_ram

    def nodes(self, computer: Computer) -> list[int]:
        """Rule 10: the management nodes that can load it."""
        fit = []
        for node in self.site.management_nodes:
            silent = node.last_checkin is None or self.site.now - node.last_checkin >= FIVE
            mapped = self.is_mapped(computer, self.site.node_groups.get(node.id, frozenset()))
            if node.state not in ("deleted", "maintenance") and not silent and mapped:
                fit.append(node.id)
        return fit

    def node_load(self, node_id: int, start: int) -> int:
        """Rule 10: reservations of the node that begin about the same time, of finished machines too."""
        begins = [r.start for r in self.site.reservations if r.management_node_id == node_id]
        begins += [machine.start for machine in self.machines for taken in machine.taken if taken.node_id == node_id]
        return len([other for other in begins if start - HALF < other < start + HALF])

    def is_below_limit(self, image: Image, start: int, someone: Member, aside: int | None) -> bool:
        """Rule 11."""
        if image.max_concurrent is None:
            return True
        end = self.block.end
        reserved = set()
        for r in self.site.reservations:
            out = r.user_id == self.site.reload_user_id or r.state_id in (1, 5, 11, 12, 16, 17) or r.request_id == aside
            if r.image_id == image.id and not out and start < r.end + QUARTER and end + QUARTER > r.start:
                reserved.add((r.request_id, r.computer_id))
        blocked = set()
        for h in self.site.block_computers:
            near = start < h.end + QUARTER and end + QUARTER > h.start
            others = near and (self.ignore_privileges or h.group_id not in someone.group_ids)
            valid = not h.skip and h.status != "deleted"
            if h.image_id == image.id and valid and (self.is_ours(h.block_time_id) or others):
                blocked.add((h.block_time_id, h.computer_id))
        blocked |= {(self.block.block_time_id, t.computer_id) for t, _ in self.all_taken() if t.image_id == image.id}
        in_use = {computer_id for _, computer_id in reserved}
        return len(reserved) + len([one for one in blocked if one[1] not in in_use]) < image.max_concurrent

    def all_taken(self) -> Iterator[tuple[Taken, int]]:
        """The computers that this plan has taken so far, each with the start of its reload."""
        for machine in self.machines:
            for taken in machine.taken:
                yield taken, machine.start
        for taken in self.making:
            yield taken, self.making_start
