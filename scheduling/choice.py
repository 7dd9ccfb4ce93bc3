"""Choosing one computer: every rule of SPEC 4 over one window, for one member."""

from collections.abc import Callable, Collection, Iterator, Mapping

from scheduling.bookings import Bookings
from scheduling.concurrency import ConcurrentUse
from scheduling.facts import Block, Computer, Image, ManagementNode, Member, Site
from scheduling.host_memory import HostMemory
from scheduling.node_load import NodeLoad
from scheduling.occupancy import SCHEDULE, Occupancy
from scheduling.plan import Assignment
from scheduling.pool import Pool
from scheduling.reasons import Reason
from scheduling.reload_plan import Window
from scheduling.shared import Shared

GRANTED = "granted"
# Whether a computer that can be reloaded from an instant on (Unix seconds), and holds the image or not, can be in time.
Accepts = Callable[[int, bool], bool]
# For a member who may not use the computer. `reasons_by_computer` leaves it out where another member may, who may never
# have been tried.
_NOT_GRANTED = Reason(GRANTED, "not granted to any member of the user group")


class Chooser:
    """Chooses computers one after the other, by what is promised already and what was chosen before.

    `taken` are the computers that the block time has, with those chosen so far. `stopped_by` is why the last call of
    `choose` found none. `shared`: what other plans on the same site have worked out already,
    and `bookings` those of this one, where they are at hand.
    """

    def __init__(
        self,
        site: Site,
        block: Block,
        *,
        ignore_privileges: bool,
        shared: Shared | None = None,
        bookings: Bookings | None = None,
    ) -> None:
        self._site = site
        self._block = block
        self._shared = shared or Shared(site)
        self._nodes = self._shared.nodes
        self._pools: dict[int, Pool] = {}
        bookings = Bookings.of(site) if bookings is None else bookings
        self._occupancy = Occupancy(site, block.block_time_id, bookings)
        self._memory = HostMemory(site, bookings)
        self._use = ConcurrentUse(site, block, ignore_privileges=ignore_privileges)
        self._load = NodeLoad(site)
        self._privileges_count = not ignore_privileges
        self._owners = self._shared.owners if self._privileges_count else frozenset()
        self._reasons: dict[int, Reason] = {}  # against computers that passed the rules of their Pool
        self._occupied: set[int] = set()  # for all windows to come
        # Under policy `ready`: since when computers are free; from when on the image's limit of use allows one more, by
        # image and exempt groups; from when on the computers that were chosen can be reloaded.
        self._free: dict[int, int | Reason] = {}
        self._limited_until: dict[tuple[int, frozenset[int]], int] = {}
        self._begins: dict[int, int] = {}
        self.taken = {row.computer_id for row in site.block_computers if row.block_time_id == block.block_time_id}
        self.stopped_by: Reason | None = None

    def choose(
        self, image: Image, reload: Window, member: Member, accepts: Accepts | None = None, *, in_time: bool = False
    ) -> Assignment | None:
        """The best computer for `image`, reloaded from `reload.start` and kept until the block's end.

        With `accepts`, reloads may begin at any time from now to the block's start: it says whether a computer that can
        be reloaded from some instant on can be in time. Those that can't come last, the first that can be reloaded
        first; with `in_time` none of them comes.
        """
        pool = self._pool(image)  # even if every computer is excluded next: `reasons_by_computer` needs its reasons
        first = self._first_begin(image, reload.start, member, may_be_later=accepts is not None)
        self.stopped_by = first if isinstance(first, Reason) else None
        if isinstance(first, Reason):
            return None
        late: tuple[int, Computer] | None = None
        for computer in self._left(pool, self._recent_failures(image, member)):
            begin = self._begin_of(computer, image, first, member, may_be_later=accepts is not None)
            if not isinstance(begin, Reason):
                if accepts is None or accepts(begin, self.holds(computer, image)):
                    return self._add(computer, image, begin)
                if not in_time and (late is None or begin < late[0]):
                    late = begin, computer
                continue
            # What stops a member who may use the computer says more than that another member may not use it.
            if begin.rule != GRANTED or computer.id not in self._reasons:
                self._reasons[computer.id] = begin
        if late is not None:
            return self._add(late[1], image, late[0])
        self.stopped_by = Reason("no_computer", "no further computer passes all rules for image {}", (image.name,))
        return None

    def _left(self, pool: Pool, recent_failures: frozenset[int]) -> Iterator[Computer]:
        """The computers of a pool that may still be had, first choice first."""
        if not recent_failures:
            return pool.left(self.taken, self._occupied)
        gone = self.taken, self._occupied
        return (each for each in pool.in_order(recent_failures) if not any(each.id in ids for ids in gone))

    def earliest(self, computer: Computer) -> int:
        """From when on a computer that was chosen can be reloaded by all rules, and from when on another one is free.

        The block's start if it never is before.
        """
        begin = self._begins.get(computer.id) or self._when_free(computer)
        return self._block.start if isinstance(begin, Reason) else begin

    def holds(self, computer: Computer, image: Image) -> bool:
        """Whether a computer has the image loaded, and nobody else has the computer until the block's end."""
        if computer.revision_id != image.revision_id:
            return False
        return self._occupancy.reason_against(computer, self._site.now, self._block.end) is None

    def nearest_begin(self, begin: int, earliest: int) -> int:
        """The last instant from `earliest` to `begin` at which site maintenance lets a reload begin, else the next one.

        It does at `earliest`.
        """
        gaps = self._occupancy.gaps()
        while gap := next((gap for gap in gaps if gap[0] < begin < gap[1]), None):
            if gap[0] < earliest:
                later = self._occupancy.maintained_until(begin, self._last, self._block.end)
                return earliest if isinstance(later, Reason) else later
            begin = gap[0]
        return begin

    def gaps(self) -> list[tuple[int, int]]:
        """Between which instants no reload begins because of site maintenance (see Occupancy.gaps)."""
        return self._occupancy.gaps()

    @property
    def _last(self) -> int:
        """The last instant at which a reload may begin."""
        return max(self._block.start, self._site.now)

    def _when_free(self, computer: Computer) -> int | Reason:
        if computer.id not in self._free:
            self._free[computer.id] = self._occupancy.free_from(computer, self._site.now, self._last, self._block.end)
        return self._free[computer.id]

    def spare(self, image: Image, by: int, at_most: int) -> int:
        """How many more computers could be loaded with `image` from `by` on; it counts up to `at_most`."""
        number = 0
        for computer in self._pool(image).in_order():
            if number == at_most:
                break
            if computer.id not in self.taken and computer.id not in self._occupied and self.earliest(computer) <= by:
                number += 1
        return number

    def adopt(self, computer_id: int, image: Image, reload: Window, member: Member, request: int) -> Assignment | None:
        """The computer of a member's own `request` for the block, or None when a rule speaks against it."""
        if computer_id in self.taken or computer_id not in self._pool(image):
            return None
        computer, start = self._site.computers[computer_id], reload.start
        reason = self._reason_against_all(image, start, member, request)
        reason = reason or self._reason_against(computer, image, start, member, request)
        if reason is not None:
            self._reasons[computer_id] = reason
            return None
        return self._add(computer, image, start)

    def first_choice(self, image: Image) -> Computer | None:
        """The first computer that may run `image`, whatever it is booked for."""
        return next(self._pool(image).in_order(), None)

    def nodes_of(self, computer_id: int) -> tuple[ManagementNode, ...]:
        """The management nodes that may load a computer, the lowest id first."""
        return self._nodes.of(computer_id)

    def load_again(
        self, computer_id: int, image: Image, first: int, last: int, node_id: int | None
    ) -> Assignment | Reason:
        """A new reload of a computer that the block time has, or what speaks against it.

        It begins from `first` to `last`. `node_id`: the only management node that may load it, None for any.
        """
        computer = self._site.computers[computer_id]
        nodes = tuple(node for node in self._nodes.of(computer_id) if node_id in (None, node.id))
        begin = self._occupancy.loadable_from(computer, image.id, first, last, self._block.end)
        if isinstance(begin, Reason):
            return begin
        if not nodes:
            return Reason("management_node", "no management node that may load it has checked in lately")
        self._begins[computer_id] = begin
        return Assignment(computer, image, self._load.least_loaded(nodes, begin))

    def exclude(self, computers: Collection[int]) -> None:
        """Choose none of these computers."""
        self.taken.update(computers)

    def remove(self, assignments: list[Assignment]) -> None:
        """Count the computers of a machine no longer: it could not be completed."""
        for assignment in assignments:
            self.taken.discard(assignment.computer.id)
            self._begins.pop(assignment.computer.id, None)
            self._use.remove(assignment.computer.id, assignment.image)
            self._memory.remove(assignment.computer)
        self._limited_until.clear()
        for pool in self._pools.values():
            pool.begin_again()

    def add_reloads(self, assignments: list[Assignment], reload: Window) -> None:
        """Count the reloads of a complete machine, so that the next ones go to other management nodes."""
        for assignment in assignments:
            self._load.add(assignment.management_node, reload.start)

    def reasons_by_computer(self) -> dict[int, Reason]:
        """Why computers are excluded, by computer; those that were taken are left out.

        In a cluster a computer that can run one of the images is not excluded by the needs of another image.
        """
        reasons: dict[int, Reason] = {}
        for pool in reversed(self._pools.values()):  # a reason for the first image comes before others
            reasons |= pool.excluded
        if len(self._pools) > 1:
            fit = frozenset().union(*(pool.ids for pool in self._pools.values()))
            reasons = {id_: reason for id_, reason in reasons.items() if id_ not in fit}
        reasons |= self._reasons
        for id_ in self.taken | self._granted_to_somebody(reasons):
            reasons.pop(id_, None)
        return reasons

    def _granted_to_somebody(self, reasons: Mapping[int, Reason]) -> set[int]:
        """Computers that one member may not use, but another one may, who may never have been tried."""
        denied = {id_ for id_, reason in reasons.items() if reason.rule == GRANTED}
        if not denied:
            return denied
        members = {member.id: self._granted_groups(member) for member in self._site.members}
        granted = self._site.computers_in(frozenset().union(*members.values()))
        return {id_ for id_ in denied if id_ in granted or self._site.computers[id_].owner_id in members}

    def access_of(self, member: Member) -> tuple[object, ...]:
        """What a member's choice depends on: for members with equal access the same computers are chosen."""
        recent_failures = tuple(self._recent_failures(image, member) for image in self._block.images)
        owner = member.id if member.id in self._owners else None
        return (self._granted_groups(member), owner, recent_failures, self._use.exempt_groups(member))

    def _add(self, computer: Computer, image: Image, begin: int) -> Assignment:
        nodes = self._nodes.of(computer.id)
        self.taken.add(computer.id)
        self._begins[computer.id] = begin
        self._use.add(computer.id, image)
        self._memory.add(computer, image, begin, self._block.end)
        return Assignment(computer, image, self._load.least_loaded(nodes, begin))

    def _reason_against_all(
        self, image: Image, start: int, member: Member, adopted_request: int | None = None
    ) -> Reason | None:
        """What excludes every computer from a window that begins at `start`: maintenance, the image's limit of use."""
        return self._occupancy.maintenance(start, self._block.end) or self._use.reason_against(
            image, start, self._block.end, member, adopted_request
        )

    def _first_begin(self, image: Image, start: int, member: Member, *, may_be_later: bool) -> int | Reason:
        """The first begin that the rules about all computers allow: `start`, or with `may_be_later` any from now on.

        As more computers are chosen, the image's limit of use allows one more only later.
        """
        if not may_be_later:
            return self._reason_against_all(image, start, member) or start
        key = image.id, self._use.exempt_groups(member)
        first = self._occupancy.maintained_until(self._site.now, self._last, self._block.end)
        if not isinstance(first, Reason):
            first = self._first_allowed(
                max(first, self._limited_until.get(key, first)),
                lambda begin: self._use.reason_against(image, begin, self._block.end, member),
            )
        if not isinstance(first, Reason):
            self._limited_until[key] = first
        return first

    def _first_allowed(self, first: int, reason_against: Callable[[int], Reason | None]) -> int | Reason:
        """The first begin from `first` on that neither a rule nor site maintenance forbids.

        The rule is about what overlaps: what it allows at some begin it allows at every later one.
        """
        if reason_against(first) is None:
            return first
        forbidden, allowed = first, self._last
        if reason := reason_against(allowed):
            return reason
        while allowed - forbidden > 1:
            middle = (forbidden + allowed) // 2
            if reason_against(middle) is None:
                allowed = middle
            else:
                forbidden = middle
        return self._occupancy.maintained_until(allowed, self._last, self._block.end)

    def _begin_of(
        self, computer: Computer, image: Image, first: int, member: Member, *, may_be_later: bool
    ) -> int | Reason:
        """`first`, or with `may_be_later` the first begin from then on at which the computer can be reloaded."""
        if not may_be_later:
            return self._reason_against(computer, image, first, member) or first
        if self._privileges_count and not self._may_use(member, computer):
            return _NOT_GRANTED
        begin = self._when_free(computer)
        if isinstance(begin, Reason):
            self._occupied.add(computer.id)
            return begin
        return self._first_allowed(
            max(first, begin), lambda at: self._memory.reason_against(computer, image, at, self._block.end)
        )

    def _reason_against(
        self, computer: Computer, image: Image, start: int, member: Member, adopted_request: int | None = None
    ) -> Reason | None:
        """What excludes one computer from a window that begins at `start`, for this member; notes what is occupied."""
        if self._privileges_count and not self._may_use(member, computer):
            return _NOT_GRANTED
        reason = self._occupancy.reason_against(computer, start, self._block.end, adopted_request)
        # What is booked stays so: later machines are reloaded earlier, never later. Opening hours are another matter:
        # where the clock is put back an earlier reload may begin later in site time. Adoption has its own windows.
        if reason is not None and reason.rule != SCHEDULE and adopted_request is None:
            self._occupied.add(computer.id)
        return reason or self._memory.reason_against(computer, image, start, self._block.end)

    def _may_use(self, member: Member, computer: Computer) -> bool:
        granted = self._granted_groups(member)
        return computer.owner_id == member.id or not granted.isdisjoint(self._shared.groups_of_computer(computer.id))

    def _granted_groups(self, member: Member) -> frozenset[int]:
        return self._shared.granted_groups(member) if self._privileges_count else frozenset()

    def _recent_failures(self, image: Image, member: Member) -> frozenset[int]:
        """Computers that may have failed this member lately: they come last (SPEC 4, order)."""
        return (self._site.recent_failures or {}).get((member.id, image.id), frozenset())

    def _pool(self, image: Image) -> Pool:
        if image.id not in self._pools:
            self._pools[image.id] = Pool(image, self._site.computers, self._shared.fit(image))
        return self._pools[image.id]
