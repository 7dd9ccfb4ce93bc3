"""The computers of a class as their loads are planned under policy `ready`: what is known of each load (SPEC 6)."""

from collections.abc import Iterator, Mapping, Sequence
from operator import attrgetter

from scheduling.back_end_loads import BackEndLoad, BackEndLoads
from scheduling.choice import Chooser
from scheduling.facts import Block, BlockComputer, Computer, Reservation, Site
from scheduling.mending import Mending
from scheduling.occupancy import is_reload
from scheduling.plan import Assignment
from scheduling.reloads.exchange import long_load
from scheduling.reloads.jobs import Job, Slot
from scheduling.reloads.policy import ReadyPolicy
from scheduling.state_ids import RELOAD
from scheduling.timing import Chosen
from scheduling.withdrawal import HEAD_START


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
        self._back_end = BackEndLoads(site, block, policy.model.mean)
        self._long_load = long_load(policy.model)
        self._exchanges: Sequence[int] = ()
        self.by_itself: set[int] = set()
        self.to_exchange: set[int] = set()

    def of(self, chosen: Chosen, exchanges: Sequence[int]) -> list[Job]:
        """The jobs by computer id: in a later look, the computers chosen now come in the same order.

        `exchanges`: when keep_ready exchanges computers that would be late, the last exchange first.
        """
        self._exchanges = exchanges
        self.by_itself, self.to_exchange = set(), set()
        jobs = [*self._jobs_of(chosen), *self._own_jobs(chosen, self.waiting())]
        return sorted(jobs, key=attrgetter("computer_id"))

    def own_rows(self) -> list[BlockComputer]:
        """The computers that the block time has, the lowest id first."""
        own = (row for row in self._site.block_computers if row.block_time_id == self._block.block_time_id)
        return sorted(own, key=attrgetter("computer_id"))

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
                yield job if is_adopted else self._after_back_end(job, each.image.id)
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
            reload = reloads.get(row.computer_id)
            if reload is not None and reload.state_id != RELOAD:
                begun = min(reload.start, self._site.now)
                yield self._plain(computer)._replace(nodes=(reload.management_node_id,), begun=begun)
                continue
            is_loaded = computer.revision_id == revisions.get(row.image_id)
            holds_image = is_loaded and not self._back_end.is_loaded_otherwise(row.computer_id)
            job = self._after_back_end(self._plain(computer)._replace(holds_image=holds_image), row.image_id)
            yield job if job.begun is not None or job.begins is not None else self._waiting(job, computer, reload)

    def _waiting(self, job: Job, computer: Computer, reload: Reservation | None) -> Job:
        """The job of a computer whose reload waits, or is gone: then it has been dealt with."""
        if reload is None:
            return job._replace(begins=max(self._site.now, job.earliest))
        if self.is_movable(reload):
            earliest = max(job.earliest, min(self._chooser.earliest(computer), reload.start))
            nodes = self.node_ids(computer) or (reload.management_node_id,)
            return job._replace(nodes=nodes, earliest=earliest, planned=Slot(reload.start, reload.management_node_id))
        return job._replace(nodes=(reload.management_node_id,), begins=max(reload.start, job.earliest))

    def _after_back_end(self, job: Job, image_id: int) -> Job:
        """The job as the loads that the back end begins on its own leave it (`image_id`: what the class has there).

        One for the class is the job's load. The class's own reload has to come later: one that finds another at work
        waits for it, but ends it when it takes longer than `image.reloadtime`. After another load the class's own
        follows.
        """
        computer = self._site.computers[job.computer_id]
        load = self._back_end.after_users(computer) or self._back_end.at_work(computer, image_id)
        if load is None:
            return job
        job = job._replace(holds_image=False)
        is_late = not load.is_at_work and self._is_too_late(load)
        if is_late and self._exchanges:  # they stay too long: the computer will be exchanged
            self.to_exchange.add(job.computer_id)
            exchanged = self._exchanges[min(len(self.to_exchange), len(self._exchanges)) - 1]
            return job._replace(nodes=(load.node_id,), begins=min(load.begin, exchanged))
        if not load.is_for_class:
            over = min(load.over, max(self._block.start, self._site.now))
            return job._replace(earliest=max(job.earliest, over))
        if not is_late:
            self.by_itself.add(job.computer_id)
        job = job._replace(nodes=(load.node_id,))
        return job._replace(begun=load.begin) if load.is_at_work else job._replace(begins=load.begin)

    def somebody_stays(self, computer_id: int) -> bool:
        """Whether somebody stays so long on the computer that the load after them is not over by the start."""
        load = self._back_end.after_users(self._site.computers[computer_id])
        return load is not None and self._is_too_late(load)

    def _is_too_late(self, load: BackEndLoad) -> bool:
        in_time = self._long_load if self._policy.is_mended else self._policy.model.mean
        return load.begin + in_time > self._block.start
