"""When the reloads of a class begin, and on which management node: as late as is safe (SPEC 6, policy `ready`).

Loads are put into places from the start backwards. Those that begin last have the *lead* before the start; where a node
or a host has no place left, a load begins a *step* earlier, which is a little more than a load takes on average. The
lead is the shortest with which the class is as sure to be ready as it should be, by playing the loads (`chance`).
Instants are Unix seconds.

An example: 25 machines, a node that loads ten at a time, loads of about ten minutes. Ten reloads begin 20 minutes
before the start, ten 30 minutes and five 40 minutes before it. Computers that hold the image need no place. Their
reloads begin last of all, but so that there is time for one load in case somebody has used them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, inf

from scheduling.reloads.chance import DISPATCH, FEW, MANY, NOTICE, Games, Law, Load, Mending, play
from scheduling.reloads.gates import FAR, Gates, Taken
from scheduling.reloads.jobs import Job, Slot
from scheduling.reloads.outlook import Outlook
from scheduling.reloads.policy import ReadyPolicy
from scheduling.reloads.spares import Shortfall
from scheduling.windows import MINUTE, whole_minute

# A share of classes is measured over many of them, and what is planned is not all that happens: aim above the target.
_ABOVE = 0.7  # of what the target leaves
_STEP = 1.1  # of the mean load time: with shorter steps loads wait for one another, with longer ones places stay empty
_MORE_THAN_ENOUGH = 0.995  # so sure that reloads may begin later
_GAIN = 0.03  # of probability, that is worth other slots
_WAITING = 0.05  # of probability, that a plan is worth less in which loads wait long
_A_MINUTE = 0.0003  # of probability, that a minute of each load is worth
_NOISE = 0.008  # by so much so few games may err: as little less sure is no reason to begin earlier
_TIME_ENOUGH = 2  # mean load times, for the last loads
_ATTEMPTS = 4  # to find the shortest lead
_USED_MEANWHILE = 0.95  # a computer that holds the image keeps time for a load that takes no longer than so many others
# For a place, first come first served. In the back end chance decides which of those that wait is next: there the
# longest wait is up to twice as long, and after 30 minutes the load fails.
_LONGEST_WAIT = 12 * MINUTE
_BY_CHANCE = 1.5  # times as long
_RARELY, _SELDOM, _OFTEN = 0.002, 0.02, 0.2  # shares of games
_EVER = 1e8  # seconds after the start: whatever ends at all has ended then
_LARGE = 60  # loads
_SMALL = 6  # loads whose begins are tried one by one
_LATER = (4, 1)  # minutes
_BACKGROUND = 20 * MINUTE  # before the first load of the class, from when on the loads that users cause are played


@dataclass(frozen=True, slots=True)
class Schedule:
    """The slots of the computers whose reloads were to be planned, and what is to be expected of the class then.

    `in_time`: the probability that the time is enough for all loads that do not fail. `longest_wait`: for how many
    seconds, hardly ever longer, a load may wait for a place. `shortfalls`: where the policy allows spares and the class
    is less sure than it should be, what it lacks.
    """

    slots: Mapping[int, Slot]
    outlook: Outlook
    in_time: float
    longest_wait: int = 0
    shortfalls: Sequence[Shortfall] = ()


def schedule(
    jobs: Sequence[Job], policy: ReadyPolicy, now: int, start: int, *, spare: int, needed: int | None = None,
    gaps: Iterable[tuple[int, int]] = (),
) -> Schedule:  # fmt: skip
    """Plan the reloads of a class that starts at `start`.

    `spare`: further computers that could be had in exchange. `needed`: how many of the computers the class needs, by
    default all. `gaps`: between these instants no load begins if it can begin before.
    """
    ahead = [gap for gap in gaps if gap[0] >= now]
    return _Scheduling(jobs, policy, now, start, spare, len(jobs) if needed is None else needed, ahead).run()


def aim(target: float) -> float:
    """How sure a plan is to be, for a target share of classes."""
    return target + _ABOVE * (1 - target)


class _Scheduling:
    def __init__(
        self, jobs: Sequence[Job], policy: ReadyPolicy, now: int, start: int, spare: int, needed: int,
        gaps: Sequence[tuple[int, int]],
    ) -> None:  # fmt: skip
        self._policy, self._now, self._start, self._needed = policy, now, start, needed
        # keep_ready exchanges the computers that users take.
        self._dropped = 0.0 if policy.is_mended else policy.places.taken
        self._law = Law(policy.model, self._dropped)
        self._aim = aim(policy.target)
        self._mending = Mending(spare, covered=len(jobs) - needed) if policy.is_mended else None
        self._ready = [job for job in jobs if job.holds_image]
        loads = [
            job._replace(earliest=job.earliest if job.earliest > now else 0) for job in jobs if not job.holds_image
        ]
        self._fixed = [job for job in loads if job.begun is not None or job.begins is not None]
        # Those that can't begin early get the last slots; equal ones keep their order, so that none moves for nothing.
        self._open = sorted((job for job in loads if job.begun is None and job.begins is None), key=_last_first)
        self._gates, self._gaps = Gates(policy.places, loads, start, gaps), gaps
        at_work = _with_places([*self._gates.others(now, self._law.mean), *self._of_fixed()], self._gates.limits)
        self._of_others = [load for load in at_work if not load.is_own]
        self._of_class = [load for load in at_work if load.is_own]

    def run(self) -> Schedule:
        slots = self._best() if self._open else {}
        return self._expected(slots)

    def _shortfalls(self, games: Games, outlook: Outlook) -> Sequence[Shortfall]:
        """What is lacking at the start, and what would be without any hurry: a plan with spares begins later again."""
        if not self._policy.spares or outlook.ready >= self._policy.target:
            return ()
        needed = self._needed_loads
        return [
            games.shortfall(needed, self._policy.target),
            games.shortfall(needed, self._policy.target / self._aim, by=_EVER),
        ]

    def _expected(self, slots: Mapping[int, Slot]) -> Schedule:
        """The schedule with these slots."""
        planned, mended = {**slots, **self._of_ready()}, self._policy.is_mended
        needed = self._needed_loads
        if not needed:
            late = self._dropped * len(self._ready)
            return Schedule(planned, Outlook(self._needed, self._undropped, late, 0, mended=mended), in_time=1.0)
        games = self._play(slots, self._games(MANY))
        begins = [slot.start for slot in slots.values()]
        begins += [job.begun or job.begins or self._now for job in self._fixed]
        minutes = sum(max(self._start - begin, 0) for begin in begins) // MINUTE
        late = games.late(needed) + self._dropped * len(self._ready)
        outlook = Outlook(self._needed, games.ready(needed) * self._undropped, late, minutes, mended=mended)
        longest_wait = round(_BY_CHANCE * games.wait(1 - _RARELY))
        return Schedule(planned, outlook, games.in_time(needed), longest_wait, self._shortfalls(games, outlook))

    @property
    def _undropped(self) -> float:
        """How likely the computers that hold the image still do at the start; with spares more likely than that."""
        return (1 - self._dropped) ** min(len(self._ready), self._needed)

    @property
    def _needed_loads(self) -> int:
        """How many of the loads are needed, beside the computers that hold the image."""
        return max(self._needed - len(self._ready), 0)

    def _games(self, games: int) -> int:
        """Of very many loads fewer games have to do: each of them takes longer."""
        return games if len(self._open) + len(self._fixed) <= _LARGE else games // 2

    def _of_ready(self) -> dict[int, Slot]:
        """The latest reloads that leave time for one load, in case somebody uses the computer meanwhile."""
        lead = ceil((self._policy.model.quantile(_USED_MEANWHILE) + DISPATCH) / MINUTE) * MINUTE
        begin = max(whole_minute(self._now), self._start - lead)
        return {job.computer_id: Slot(max(begin, job.earliest), job.nodes[0]) for job in self._ready if job.nodes}

    # --- Lead and step --------------------------------------------------------------------------

    def _best(self) -> dict[int, Slot]:
        """The slots that take the fewest minutes, of those that are sure enough.

        As they are, where the reloads have slots with which the class is sure enough: each move may upset others.
        """
        as_it_is = self._as_it_is()
        if as_it_is and as_it_is.waits <= _OFTEN and self._policy.target <= as_it_is.ready <= _MORE_THAN_ENOUGH:
            return as_it_is.slots
        best = self._searched()
        if as_it_is and as_it_is.ready < self._policy.target and best.cost > as_it_is.cost - _GAIN:
            return as_it_is.slots
        return best.slots if len(self._open) > _SMALL else self._later_one_by_one(best)

    def _as_it_is(self) -> "_Plan | None":
        """The plan with the slots that the reloads have; None where one has none, or not a possible one."""
        slots = {job.computer_id: job.planned for job in self._open if job.planned and job.planned.node_id in job.nodes}
        if len(slots) < len(self._open):
            return None
        leads = {id_: ((self._start - slot.start) // MINUTE, slot.node_id) for id_, slot in slots.items()}
        return self._played(leads)[0]

    def _searched(self) -> "_Plan":
        longest_lead = self._longest_lead
        lead = min(ceil(self._policy.model.quantile(self._aim ** (1 / len(self._open))) / MINUTE), longest_lead)
        horizon = max((self._start - self._now) // MINUTE, 0)
        plans: list[_Plan] = []
        for _attempt in range(_ATTEMPTS):
            plan, late = self._plan(lead, horizon)
            plans.append(plan)
            change = ceil(late / MINUTE) if abs(late) < inf else 0
            longest = (self._start - min(slot.start for slot in plan.slots.values())) // MINUTE
            if not change or (change > 0 and (plan.is_sure or longest >= horizon or lead >= longest_lead)):
                break
            lead = min(lead + change, longest_lead)
        return min(plans, key=lambda each: each.cost)

    @property
    def _longest_lead(self) -> int:
        """Minutes. Where keep_ready exchanges what is stuck, there is no need to wait for what takes even longer."""
        if not self._mending:
            return FAR
        return ceil((self._law.longest + NOTICE + self._policy.model.quantile(_USED_MEANWHILE)) / MINUTE)

    def _plan(self, lead: int, horizon: int) -> "tuple[_Plan, float]":
        """The plan with this lead, and by when so many games are complete as is aimed at (seconds after the start)."""
        plans = [self._played(leads) for leads in self._leads(lead, horizon)]
        return min(plans, key=lambda each: each[0].cost)

    def _played(self, leads: Mapping[int, tuple[int, int]]) -> "tuple[_Plan, float]":
        needed = self._needed_loads
        slots = {id_: Slot(self._start - minutes * MINUTE, node) for id_, (minutes, node) in leads.items()}
        games = self._play(slots, self._games(FEW))
        ready = games.ready(needed)
        plan = _Plan(
            slots,
            minutes=sum(minutes for minutes, _ in leads.values()) / max(len(leads), 1),
            ready=ready,
            short=(self._aim - _NOISE) * games.ready(needed, by=_EVER) - ready if ready else 1.0,
            waits=games.waited(_LONGEST_WAIT),
        )
        return plan, games.needs_until(self._aim, needed)

    def _leads(self, lead: int, horizon: int) -> Iterator[dict[int, tuple[int, int]]]:
        """The leads with this shortest one; where there are not enough places for that, what can be done instead.

        All begin later. Where that leaves little time, those that should begin before now may come after the first
        ones, though they take the places of others then.
        """
        step = max(round(self._law.mean * _STEP / MINUTE), 1)
        taken = [*self._taken(step)]
        for shortest in range(lead, -1, -ceil(step / 4)):
            leads = self._gates.leads(self._open, shortest, step, taken)
            if max(minutes for minutes, _ in leads.values()) <= horizon:
                yield leads
                if shortest == lead or shortest * MINUTE >= _TIME_ENOUGH * self._law.mean:
                    return
                break
        yield self._gates.leads(self._open, min(lead, horizon), step, taken, most=horizon)

    def _taken(self, step: int) -> Iterator[Taken]:
        """The places of the loads of the class that are not to be planned."""
        for load in self._of_class:
            left = max(self._law.mean - load.elapsed, self._law.mean / 4) / MINUTE if load.elapsed else step
            yield Taken(load.gates, ceil(-load.begin / MINUTE), ceil(left))

    def _later_one_by_one(self, plan: "_Plan") -> dict[int, Slot]:
        """The same, with each load as late as the others let it be."""
        slots = dict(plan.slots)
        if not plan.is_sure:
            return slots
        least = self._aim * self._play(slots, MANY).ready(self._needed_loads, by=_EVER)
        for id_ in sorted(slots, key=lambda each: slots[each].start):
            for minutes in _LATER:
                while (later := self._later(slots, id_, minutes)) and self._is_sure(later, least):
                    slots = later
        return slots

    def _later(self, slots: Mapping[int, Slot], id_: int, minutes: int) -> dict[int, Slot] | None:
        """The slots with that of a computer so many minutes later; None where no load may begin then."""
        slot = slots[id_]
        start = slot.start + minutes * MINUTE
        if start >= self._start or any(begin < start < end for begin, end in self._gaps):
            return None
        return {**slots, id_: slot._replace(start=start)}

    def _is_sure(self, slots: Mapping[int, Slot], least: float) -> bool:
        return self._play(slots, MANY).ready(self._needed_loads) >= least

    # --- Games ----------------------------------------------------------------------------------

    def _play(self, slots: Mapping[int, Slot], games: int) -> Games:
        loads = [self._load(job, slots[job.computer_id]) for job in self._open if job.computer_id in slots]
        begins = [load.begin for load in loads or self._of_class]
        first = max(min(begins, default=0.0) - _BACKGROUND, self._now - self._start)
        arrivals = self._gates.arrivals(first, self._law.mean)
        others = [load for load in self._of_others if load.begin + 2 * load.scale * self._law.mean > first]
        of_class = [_before(load, first) for load in self._of_class]
        return play([*of_class, *others, *arrivals, *loads], self._gates.limits, self._law, self._mending, games)

    def _load(self, job: Job, slot: Slot) -> Load:
        begin = min(max(slot.start, self._now) - self._start + DISPATCH, _EVER)
        return Load(begin, self._gates.of(job, slot.node_id))

    def _of_fixed(self) -> list[Load]:
        return [
            Load(
                min(self._begin_of(job) - self._start, _EVER),
                self._gates.of(job, job.nodes[0] if job.nodes else 0),
                elapsed=max(self._now - job.begun, 1) if job.begun is not None else 0.0,
            )
            for job in self._fixed
        ]

    def _begin_of(self, job: Job) -> int:
        return self._now if job.begun is not None else max(job.begins or 0, self._now) + DISPATCH


def _with_places(loads: Sequence[Load], limits: Sequence[int]) -> list[Load]:
    """The loads; of those at work, more than a gate has places for, the last to begin are taken to wait for one."""
    left = list(limits)
    with_places = []
    for load in sorted(loads, key=lambda each: -each.elapsed):
        if load.elapsed and all(left[gate] > 0 for gate in load.gates):
            for gate in load.gates:
                left[gate] -= 1
        elif load.elapsed:
            load = load._replace(elapsed=0.0)
        with_places.append(load)
    return with_places


def _before(load: Load, first: float) -> Load:
    """A load as it is played where places are looked at from `first` on: an earlier one finds a place."""
    return load if load.begin >= first or load.elapsed else load._replace(begin=first, gates=())


@dataclass(frozen=True, slots=True)
class _Plan:
    """Slots, and what came of them in the games.

    `minutes`: from the begin of a load to the start, on average. `short`: by so much it is less sure than it should be,
    of what can be reached at all. `waits`: the share of games in which a load waits too long.
    """

    slots: dict[int, Slot]
    minutes: float
    ready: float
    short: float
    waits: float

    @property
    def is_sure(self) -> bool:
        """Whether it is as sure as it should be."""
        return self.short <= 0

    @property
    def cost(self) -> float:
        """In points of probability: what is lacking, what may fail because it waits long, and the minutes."""
        return max(self.short, 0.0) + _WAITING * (self.waits > _SELDOM) + _A_MINUTE * self.minutes


def _last_first(job: Job) -> tuple[int, int]:
    return -job.earliest, -(job.planned.start if job.planned else 0)
