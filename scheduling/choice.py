"""Choosing one computer: every rule of SPEC 4 over one window, for one member."""

from collections.abc import Mapping
from functools import cache

from scheduling.concurrency import ConcurrentUse
from scheduling.facts import Block, Computer, Image, Member, Site
from scheduling.host_memory import HostMemory
from scheduling.node_load import NodeLoad
from scheduling.occupancy import SCHEDULE, Occupancy
from scheduling.plan import Assignment
from scheduling.pool import Pool
from scheduling.privileges import Privileges
from scheduling.reasons import Reason
from scheduling.reload_plan import Window
from scheduling.rules import LiveNodes

GRANTED = "granted"
# One for all members: what is told of one of them is taken back when another may use the computer.
_NOT_GRANTED = Reason(GRANTED, "not granted to any member of the user group")


class Chooser:
    """The site as it stands while a plan grows: what is promised already, and what the plan takes."""

    def __init__(self, site: Site, block: Block, *, ignore_privileges: bool) -> None:
        self._site = site
        self._block = block
        self._nodes = LiveNodes(site)
        self._pools: dict[int, Pool] = {}
        self._occupancy = Occupancy(site, block.block_time_id)
        self._memory = HostMemory(site)
        self._use = ConcurrentUse(site, block, ignore_privileges=ignore_privileges)
        self._load = NodeLoad(site)
        self._privileges = None if ignore_privileges else Privileges(site.privileges)
        self._granted: dict[int, frozenset[int]] = {}
        self._groups_of_computer = cache(site.groups_of)
        self._owners = set(site.computers.column("owner_id")) if self._privileges else set()
        self.taken = {held.computer_id for held in site.holdings if held.block_time_id == block.block_time_id}
        self._looked_at: dict[int, Reason] = {}
        self._occupied: set[int] = set()
        self.obstacle: Reason | None = None  # why the last choice found nothing

    def choose(self, image: Image, window: Window, member: Member) -> Assignment | None:
        """The best computer for `image`, reloaded from `window.start` and kept until the block's end."""
        self._pool(image)  # also when all are refused together: it tells why single ones would be
        self.obstacle = self._against_all(image, window.start, member, None)
        if self.obstacle is not None:
            return None
        computer = self._first(image, window.start, member)
        if computer is None:
            self.obstacle = Reason("no_computer", "no further computer passes all rules for image {}", (image.name,))
            return None
        return self._take(computer, image, window)

    def adopt(self, computer_id: int, image: Image, window: Window, member: Member, request: int) -> Assignment | None:
        """The computer of a member's own `request` for the block, or None when a rule speaks against it."""
        pool = self._pool(image)
        if computer_id in self.taken or computer_id not in pool:
            return None
        computer = self._site.computers[computer_id]
        start = window.start
        reason = self._against_all(image, start, member, request) or self._against(
            computer, image, start, member, request
        )
        if reason is not None:
            self._looked_at[computer_id] = reason
            return None
        return self._take(computer, image, window)

    def undo(self, assignments: list[Assignment]) -> None:
        """Give back computers of a machine that did not come about."""
        for assignment in assignments:
            self.taken.discard(assignment.computer.id)
            self._use.forget(assignment.computer.id, assignment.image)
            self._memory.forget(assignment.computer)

    def keep(self, assignments: list[Assignment], window: Window) -> None:
        """Take note of a whole machine: what follows must fit beside it."""
        for assignment in assignments:
            self._load.add(assignment.management_node, window.start)

    def passed_over(self) -> dict[int, Reason]:
        """Why computers were passed over, those that were taken left out.

        With a cluster a computer that can run one of its images is not out of it for another one's sake.
        """
        reasons: dict[int, Reason] = {}
        for pool in reversed(self._pools.values()):  # what is said for the first image stays
            reasons |= pool.passed_over
        if len(self._pools) > 1:
            fit = frozenset().union(*(pool.ids for pool in self._pools.values()))
            reasons = {id_: reason for id_, reason in reasons.items() if id_ not in fit}
        reasons |= self._looked_at
        for id_ in self.taken | self._granted_to_somebody(reasons):
            reasons.pop(id_, None)
        return reasons

    def _granted_to_somebody(self, found: Mapping[int, Reason]) -> set[int]:
        """Computers said not to be granted to one member that another one may use.

        Also one who was never tried, because enough machines were found before his turn.
        """
        denied = {id_ for id_, reason in found.items() if reason.rule == GRANTED}
        if not denied:
            return denied
        members = {member.id: self._granted_groups(member) for member in self._site.members}
        reached = self._site.computers_in(frozenset().union(*members.values()))
        return {id_ for id_ in denied if id_ in reached or self._site.computers[id_].owner_id in members}

    def access_of(self, member: Member) -> tuple[object, ...]:
        """What tells this member's chances from another's: members with equal access fare alike."""
        suspects = tuple(self._suspects(image, member) for image in self._block.images)
        owner = member.id if member.id in self._owners else None
        return (self._granted_groups(member), owner, suspects, self._use.exempt_groups(member))

    def _take(self, computer: Computer, image: Image, window: Window) -> Assignment:
        nodes = self._nodes.of(computer.id)
        self.taken.add(computer.id)
        self._use.choose(computer.id, image)
        self._memory.plan(computer, image, window.start, self._block.end)
        return Assignment(computer, image, self._load.least_loaded(nodes, window.start))

    def _first(self, image: Image, start: int, member: Member) -> Computer | None:
        for computer in self._pool(image).in_order(self._suspects(image, member)):
            gone = computer.id in self.taken or computer.id in self._occupied
            if not gone and self._passes(computer, image, start, member):
                return computer
        return None

    def _passes(self, computer: Computer, image: Image, start: int, member: Member) -> bool:
        reason = self._against(computer, image, start, member, None)
        # What another member was told of a computer that he may use says more.
        if reason is not None and (reason.rule != GRANTED or computer.id not in self._looked_at):
            self._looked_at[computer.id] = reason
        return reason is None

    def _against_all(self, image: Image, start: int, member: Member, aside: int | None) -> Reason | None:
        """What forbids the image to everybody in this window: maintenance, the limit of concurrent use."""
        end = self._block.end
        return self._occupancy.maintenance(start, end) or self._use.reason_against(image, start, end, member, aside)

    def _against(
        self, computer: Computer, image: Image, start: int, member: Member, aside: int | None
    ) -> Reason | None:
        """What stands between one computer and this window for this member."""
        if self._privileges and not self._may_use(member, computer):
            return _NOT_GRANTED
        return self._reason_occupied(computer, start, aside) or self._memory.reason_against(
            computer, image, start, self._block.end
        )

    def _reason_occupied(self, computer: Computer, start: int, aside: int | None) -> Reason | None:
        """What keeps the computer from the window.

        What is booked stays so: later machines are reloaded earlier, never later. Not so with opening hours: where
        the clock is put back an earlier reload may begin later on the clock. Adoption (`aside`) has its own windows.
        """
        reason = self._occupancy.reason_against(computer, start, self._block.end, aside)
        if reason is not None and reason.rule != SCHEDULE and aside is None:
            self._occupied.add(computer.id)
        return reason

    def _may_use(self, member: Member, computer: Computer) -> bool:
        granted = self._granted_groups(member)
        return computer.owner_id == member.id or not granted.isdisjoint(self._groups_of_computer(computer.id))

    def _granted_groups(self, member: Member) -> frozenset[int]:
        if self._privileges is None:
            return frozenset()
        if member.id not in self._granted:
            self._granted[member.id] = self._privileges.granted_groups(member)
        return self._granted[member.id]

    def _suspects(self, image: Image, member: Member) -> frozenset[int]:
        return (self._site.recent or {}).get((member.id, image.id), frozenset())

    def _pool(self, image: Image) -> Pool:
        if image.id not in self._pools:
            self._pools[image.id] = Pool(image, self._site, self._nodes)
        return self._pools[image.id]
