"""When the reloads of a plan begin under policy `ready`: planned for the start of the class (SPEC 6)."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from scheduling.choice import Chooser
from scheduling.class_jobs import ClassJobs
from scheduling.facts import Block, Reservation, Site
from scheduling.machines import whole_machines
from scheduling.mending import Mending
from scheduling.plan import Machine
from scheduling.ready_windows import ReadyWindows
from scheduling.reload_plan import Moved
from scheduling.reloads.exchange import Guide, exchange_leads, long_load
from scheduling.reloads.jobs import Job, Slot
from scheduling.reloads.outlook import Outlook
from scheduling.reloads.places import OtherLoad
from scheduling.reloads.policy import ReadyPolicy
from scheduling.reloads.schedule import Schedule, schedule
from scheduling.reloads.spares import most_spares
from scheduling.timing import Chosen, Timed
from scheduling.windows import MINUTE, whole_minute

# A reload is moved only if that changes something, and soon: until then the plan may change again.
_WORTH_MOVING, _WORTH_MOVING_LATER, _SOON = 2 * MINUTE, 10 * MINUTE, 15 * MINUTE
_MOST_EXCHANGED = 12  # computers, of which is said when substitutes have to begin
_SPARE = 8  # further computers are counted up to so many, and a fifth of those that are to be loaded


class _Begin(NamedTuple):
    """When and on which management node a load begins."""

    computer_id: int
    node_id: int
    begin: int


class ReadyTiming(ReadyWindows):
    """Policy `ready`: as late as is safe.

    While computers are chosen, rough times say which of them are free early enough (see ReadyWindows). Once they are,
    `schedule` gives each of them its node and its begin. With `mending`, reloads of the block time that have not begun
    are planned anew.
    """

    def __init__(
        self, site: Site, block: Block, policy: ReadyPolicy, mending: Mending | None, missing: int, chooser: Chooser
    ) -> None:
        super().__init__(site, block, policy, missing, chooser)
        self._mending = mending
        self._jobs = ClassJobs(site, block, policy, mending, chooser)
        self._long_load = long_load(policy.model)

    # --- in the end ---------------------------------------------------------------------------------

    def finish(self, chosen: Chosen) -> Timed:
        """Plan the loads of all machines together, with those that the block time had before."""
        waiting = self._jobs.waiting()
        number = sum(len(machine.assignments) for machine in chosen.machines) + len(self._jobs.own_rows())
        leads = self._exchange_leads(self._fixed_begins(waiting), number)
        jobs = self._jobs.of(chosen, [self._before(lead // MINUTE) for lead in leads])
        if not jobs:
            return Timed(chosen.machines, chosen.again, (), late=False, outlook=None, guide=self._guide(leads))
        spare = self._chooser.spare(
            self._block.images[0], self._last, _SPARE + sum(not job.holds_image for job in jobs) // 5
        )
        spares = self._spares(chosen)
        needed = len(jobs) - spares  # each spare makes up for one load, of whatever computer of a cluster
        gaps = self._chooser.gaps()
        made = schedule(jobs, self._policy, self._site.now, self._block.start, spare=spare, needed=needed, gaps=gaps)
        slots = {**made.slots, **self._after_other_loads(jobs)}
        outlook = self._in_machines(made.outlook, len(jobs))
        return Timed(
            [self._at(machine, slots) for machine in chosen.machines],
            [self._at(machine, slots) for machine in chosen.again],
            list(self._moved(waiting, jobs, slots, is_sure=outlook.ready >= self._policy.target)),
            late=made.in_time < 1 / 2,
            outlook=outlook,
            guide=self._guide(self._exchange_leads(self._planned_begins(jobs, made.slots), number), made.longest_wait),
            further=self._further(made, spares),
        )

    def _guide(self, leads: Sequence[int], longest_wait: int = 0) -> Guide:
        return Guide(leads, self._long_load, longest_wait)

    def _spares(self, chosen: Chosen) -> int:
        """How many machines the block time has beyond those wanted."""
        has = Counter(row.image_id for row in self._jobs.own_rows() if row.computer_id in self._site.computers)
        has.update(each.image.id for machine in chosen.machines for each in machine.assignments)
        return max(whole_machines(self._block.image_ids, has) - self._block.machines, 0)

    def _further(self, made: Schedule, spares: int) -> int:
        """How many more spares the class should have; the computers that other classes wait for are left to them."""
        if not made.shortfalls:
            return 0
        each, at_most = len(self._block.images), most_spares(self._block.machines) - spares
        awaited = self._policy.awaited
        free = self._chooser.spare(self._block.images[0], self._last, awaited + at_most * each) - awaited
        at_most = min(at_most, free // each)
        return max(shortfall.further(each, at_most) for shortfall in made.shortfalls)

    def _after_other_loads(self, jobs: Sequence[Job]) -> dict[int, Slot]:
        """Reloads of computers that the back end loads on its own: when that is over, even if it takes long.

        Not before those of computers that hold the image, as these then do.
        """
        slots = {}
        for job in jobs:
            begins = job.begun if job.begun is not None else job.begins
            if begins is not None and job.computer_id in self._jobs.by_itself:
                start = max(begins + self._long_load, self._last, job.earliest)
                slots[job.computer_id] = Slot(whole_minute(start), job.nodes[0])
        return slots

    def _in_machines(self, outlook: Outlook, computers: int) -> Outlook:
        """Of clusters, whole machines; spares are none."""
        each = len(self._block.images)
        return outlook._replace(machines=min(computers // each, self._block.machines), late=outlook.late / each)

    def _at(self, machine: Machine, slots: Mapping[int, Slot]) -> Machine:
        """The machine, reloaded when its first computer begins, but not before all of them can be.

        A computer that has no slot, since somebody stays on it too long, is reloaded as soon as they are gone.
        """
        if machine.adopted_request is not None:
            return machine
        theirs = [slots.get(each.computer.id) for each in machine.assignments]
        earliest = whole_minute(max(self._chooser.earliest(each.computer) for each in machine.assignments))
        begin = max(min((slot.start for slot in theirs if slot), default=earliest), earliest)
        nodes = {node.id: node for node in self._site.management_nodes}
        assignments = tuple(
            replace(each, management_node=nodes[slot.node_id]) if slot else each
            for each, slot in zip(machine.assignments, theirs, strict=True)
        )
        return replace(
            machine, assignments=assignments, reload=self._window(self._chooser.nearest_begin(begin, earliest))
        )

    # --- exchange and moves -------------------------------------------------------------------------

    def _fixed_begins(self, waiting: Mapping[int, Reservation]) -> Iterator[_Begin]:
        """When loads of the class begin that are not planned anew: others make room for a substitute.

        A reload that finds somebody on its computer is dropped.
        """
        revisions = {image.revision_id for image in self._block.images}
        for row in waiting.values():
            if self._jobs.is_movable(row) or self._jobs.somebody_stays(row.computer_id):
                continue
            if self._site.computers[row.computer_id].revision_id not in revisions:
                yield _Begin(row.computer_id, row.management_node_id, row.start)

    def _planned_begins(self, jobs: Sequence[Job], slots: Mapping[int, Slot]) -> Iterator[_Begin]:
        """When the loads of these jobs begin, of computers that are not going to be exchanged."""
        for job in jobs:
            slot, begins = slots.get(job.computer_id), job.begins if job.begun is None else job.begun
            if job.holds_image or not job.nodes or job.computer_id in self._jobs.to_exchange:
                continue
            if slot or begins is not None:
                yield _Begin(job.computer_id, *((slot.node_id, slot.start) if slot else (job.nodes[0], begins or 0)))

    def _exchange_leads(self, begins: Iterable[_Begin], number: int) -> list[int]:
        """How long before the start keep_ready exchanges computers that would be late (see Guide).

        Loads of the class that begin at these times keep their places.
        """
        if not self._policy.is_mended:
            return []
        mean = round(self._policy.model.mean)
        loads = [
            OtherLoad(id_, node, None, begin, mean, at_work=False, is_limited=self._jobs.is_limited(id_))
            for id_, node, begin in begins
        ]
        first = self._chooser.first_choice(self._block.images[0])
        nodes = self._jobs.node_ids(first) if first is not None and self._jobs.is_limited(first.id) else ()
        return exchange_leads(
            self._policy, loads, nodes, self._site.now, self._block.start, min(number, _MOST_EXCHANGED)
        )

    def _moved(
        self, reloads: Mapping[int, Reservation], jobs: Sequence[Job], slots: Mapping[int, Slot], *, is_sure: bool
    ) -> Iterator[Moved]:
        """The reloads that are to begin at another time. None begins later while the class is not sure enough.

        As soon as one of them has to move soon all do: those that stayed behind would be in the places of others. Those
        on a node that is silent move to another one in any case. The computers of a cluster have one reload.
        """
        earliest = {job.computer_id: job.earliest for job in jobs}
        together: dict[int, list[int]] = defaultdict(list)
        for computer_id, reload in reloads.items():
            if computer_id in slots and self._jobs.is_movable(reload):
                together[reload.request_id].append(computer_id)
        moves = []
        for request_id, ids in together.items():
            first = whole_minute(max(earliest[id_] for id_ in ids))
            begin = self._chooser.nearest_begin(max(min(slots[id_].start for id_ in ids), first), first)
            moves.append(
                [(reloads[id_], Moved(request_id, id_, self._window(begin), slots[id_].node_id)) for id_ in ids]
            )
        worth = [move for move in moves if self._is_worth_moving(move, is_sure=is_sure)]
        soon = self._site.now + _SOON
        if all(min(reload.start, moved.reload.start) > soon for move in worth for reload, moved in move):
            worth = []
        for move in moves:
            if move in worth or any(self._is_cut_off(reload) for reload, _ in move):
                yield from (moved for _, moved in move)

    def _is_cut_off(self, reload: Reservation) -> bool:
        """Whether its management node is silent, or may not load the computer any more, and another one can."""
        nodes = self._jobs.node_ids(self._site.computers[reload.computer_id])
        return bool(nodes) and reload.management_node_id not in nodes

    def _is_worth_moving(self, move: Sequence[tuple[Reservation, Moved]], *, is_sure: bool) -> bool:
        """Whether the reload of these computers is to move."""
        later = move[0][1].reload.start - move[0][0].start
        if later > 0 and not (is_sure or any(reload.computer_id in self._jobs.by_itself for reload, _ in move)):
            return False
        to_another_node = any(moved.node_id != reload.management_node_id for reload, moved in move)
        return to_another_node or later >= _WORTH_MOVING_LATER or -later >= _WORTH_MOVING
