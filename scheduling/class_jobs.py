"""The computers of a class as their loads are planned under policy `ready`: what is known of each load (SPEC 6)."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from scheduling.choice import Chooser
from scheduling.facts import Block, BlockComputer, Computer, Reservation, Site
from scheduling.mending import Mending
from scheduling.occupancy import is_reload, occupies
from scheduling.plan import Assignment
from scheduling.reloads.exchange import long_load
from scheduling.reloads.jobs import Job
from scheduling.reloads.policy import ReadyPolicy
from scheduling.state_ids import PENDING, RELOAD
from scheduling.timing import Chosen
from scheduling.windows import MINUTE
from scheduling.withdrawal import HEAD_START

_RECLAIM = 2 * MINUTE  # from a user's end until the back end loads the computer anew


class ClassJobs:
    """The jobs of a class: of the computers that it has, and of those that were chosen.

    `by_itself`: the computers that the back end loads on its own. `to_exchange`: those on which somebody stays too
    long. Both are known once the jobs are.
    """

    def __init__(
        self, site: Site, block: Block, policy: ReadyPolicy, mending: Mending | None, chooser: Chooser
    ) -> None:
        self._site, self._block, self._policy, self._mending = site, block, policy, mending
        self._chooser = chooser
        self._members = {member.id for member in site.members}
        self._long_load = long_load(policy.model)
        self._exchanges: Sequence[int] = ()
        self._bookings: dict[int, list[Reservation]] = defaultdict(list)
        for row in site.reservations:
            self._bookings[row.computer_id].append(row)
        self.by_itself: set[int] = set()
        self.to_exchange: set[int] = set()

    def of(self, chosen: Chosen, exchanges: Sequence[int]) -> list[Job]:
        """The jobs. `exchanges`: when keep_ready exchanges computers that would be late, the last exchange first."""
        self._exchanges = exchanges
        self.by_itself, self.to_exchange = set(), set()
        return [*self._jobs_of(chosen), *self._own_jobs(chosen, self.waiting())]

    def own_rows(self) -> Iterator[BlockComputer]:
        return (row for row in self._site.block_computers if row.block_time_id == self._block.block_time_id)

    def waiting(self) -> dict[int, Reservation]:
        """Computer -> its reload: of the block time's own computers, one that waits or is at work.

        Other classes' reloads of the same computers are theirs.
        """
        own = {(row.computer_id, row.reload_id) for row in self.own_rows() if row.computer_id in self._site.computers}
        reloads = (row for row in self._site.reservations if is_reload(row.state_id, row.last_state_id))
        return {row.computer_id: row for row in reloads if (row.computer_id, row.request_id) in own}

    def is_movable(self, reload: Reservation) -> bool:
        """Whether the reload can be planned anew: only where the class is kept ready, and before a node may read it."""
        return self._mending is not None and reload.start > self._site.now + HEAD_START

    def _jobs_of(self, chosen: Chosen) -> Iterator[Job]:
        for machine in chosen.machines:
            is_adopted = machine.adopted_request is not None
            # They are reloaded together.
            earliest = max(self._chooser.earliest(each.computer) for each in machine.assignments)
            for each in machine.assignments:
                job = self._job(each, earliest, machine.reload.start if is_adopted else None)
                yield job if is_adopted else self._loads_by_itself(job, None) or job
        for machine in chosen.again:
            for each in machine.assignments:
                only = self._mending.again.get(each.computer.id) if self._mending else None
                job = self._job(each, self._chooser.earliest(each.computer), None)._replace(holds_image=False)
                yield job if only is None else job._replace(nodes=(only,))

    def _job(self, each: Assignment, earliest: int, begins: int | None) -> Job:
        return self._plain(each.computer)._replace(
            nodes=(each.management_node.id,) if begins is not None else self.node_ids(each.computer),
            earliest=earliest,
            holds_image=self._chooser.holds(each.computer, each.image),
            begins=begins,
        )

    def _plain(self, computer: Computer) -> Job:
        return Job(computer.id, (), computer.host_computer_id, self.is_limited(computer.id))

    def is_limited(self, computer_id: int) -> bool:
        return self._policy.places.capacity.is_limited(self._site.computers[computer_id].provisioning_id)

    def node_ids(self, computer: Computer) -> tuple[int, ...]:
        return tuple(node.id for node in self._chooser.nodes_of(computer.id))

    def _own_jobs(self, chosen: Chosen, reloads: Mapping[int, Reservation]) -> Iterator[Job]:
        """The computers that the block time has: their loads are at work, begin when they do, or are planned anew."""
        again = {each.computer.id for machine in chosen.again for each in machine.assignments}
        revisions = {image.id: image.revision_id for image in self._block.images}
        for row in self.own_rows():
            computer = self._site.computers.get(row.computer_id)
            if computer is None or row.computer_id in again:
                continue
            job, reload = self._plain(computer), reloads.get(row.computer_id)
            is_loaded = computer.revision_id == revisions.get(row.image_id)
            holds_image = is_loaded and not self._is_loaded_otherwise(row)
            if reload is None:
                by_itself = self._loads_by_itself(job, None)
                yield by_itself or job._replace(holds_image=holds_image, begins=self._site.now)
            elif reload.state_id != RELOAD:
                yield job._replace(nodes=(reload.management_node_id,), begun=min(reload.start, self._site.now))
            elif by_itself := self._loads_by_itself(job, reload.request_id):
                yield by_itself
            elif self.is_movable(reload):
                nodes = self.node_ids(computer) or (reload.management_node_id,)
                earliest = min(self._chooser.earliest(computer), reload.start)
                yield job._replace(nodes=nodes, earliest=earliest, holds_image=holds_image)
            else:
                node = (reload.management_node_id,)
                yield job._replace(nodes=node, holds_image=holds_image, begins=reload.start)

    def _is_loaded_otherwise(self, own: BlockComputer) -> bool:
        """Whether another image is to be loaded on the computer before the class, for an earlier one."""
        return any(
            is_reload(row.state_id, row.last_state_id)
            and row.image_id not in self._block.image_ids
            and row.start < self._block.start
            for row in self._bookings.get(own.computer_id, ())
        )

    def _loads_by_itself(self, job: Job, reload_id: int | None) -> Job | None:
        """The job where the back end loads the image on its own: after a user, in place of the next class's reload.

        The class's own reload (`reload_id`) has to come later: one that finds another at work waits for it, but ends it
        when it takes longer than `image.reloadtime`. None where nobody has the computer before the class.
        """
        before = [
            row
            for row in self._bookings.get(job.computer_id, ())
            if row.request_id != reload_id and row.start < self._block.start
        ]
        at_work = [row for row in before if row.state_id == PENDING and is_reload(row.state_id, row.last_state_id)]
        users = [row for row in before if occupies(row) and not self._is_members(row)]
        if users:
            last = max(users, key=lambda row: row.end)
            begins = max(last.end, self._site.now) + _RECLAIM
            in_time = self._long_load if self._policy.is_mended else self._policy.model.mean
            if begins + in_time <= self._block.start:
                self.by_itself.add(job.computer_id)
            elif self._exchanges:  # they stay too long: the computer will be exchanged
                self.to_exchange.add(job.computer_id)
                begins = min(begins, self._exchanges[min(len(self.to_exchange), len(self._exchanges)) - 1])
            return job._replace(nodes=(last.management_node_id,), begins=begins)
        if at_work:
            self.by_itself.add(job.computer_id)
            return job._replace(nodes=(at_work[0].management_node_id,), begun=min(at_work[0].start, self._site.now))
        return None

    def _is_members(self, row: Reservation) -> bool:
        """Whether a member of the class has the image of the class."""
        return row.image_id in self._block.image_ids and row.user_id in self._members
