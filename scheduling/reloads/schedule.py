"""When the reloads of a class begin, and on which management node: as late as is safe (SPEC 6, policy `ready`).

Loads are put into places from the start backwards. Those that begin last have the *lead* before the start; where a node
or a host has no place left, a load begins a *step* earlier. Lead and step are chosen by playing the loads
(`chance`): the shortest lead with which the class is as sure to be ready as it should be, and the step with which the
reloads take the fewest minutes in sum. Instants are Unix seconds.

An example: 25 machines, a node that loads ten at a time, loads of about ten minutes. Ten reloads begin 20 minutes
before the start, ten 30 minutes and five 40 minutes before it. Computers that hold the image need no place. Their
reloads begin last of all, but so that there is time for one load in case somebody has used them.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, inf
from typing import NamedTuple

from scheduling.reloads.chance import DISPATCH, FEW, MANY, Games, Law, Load, Mending, play
from scheduling.reloads.outlook import Outlook
from scheduling.reloads.places import Places
from scheduling.reloads.policy import ReadyPolicy
from scheduling.reloads.spares import Shortfall
from scheduling.windows import HOUR, MINUTE

# A share of classes is measured over many of them, and what is planned is not all that happens: aim above the target.
_ABOVE = 0.7  # of what the target leaves
_STEPS = (1.0, 0.8, 1.25)  # of the mean load time
_USED_MEANWHILE = 0.95  # a computer that holds the image keeps time for a load that takes no longer than so many others
_LONGEST_WAIT = 20 * MINUTE  # for a place; the back end gives up after 30
_RARELY = 0.002
_BEYOND = 180  # minutes after the start that count: loads that are late, too, begin in places
_FAR = 18 * 60  # minutes; nothing is planned that far ahead
_OURS = 0.4  # of the places, however many loads of others are to be expected: all of them wait for one another
_LARGE = 40  # loads: of more, half as many games say as much
_SMALL = 6  # loads whose begins are tried one by one
_BACKGROUND = HOUR  # before the first load of the class, from when on the loads that users cause are played


class Job(NamedTuple):
    """A computer of the class, and what is known of its load.

    `nodes`: the management nodes that may load it, `host`: its VM host (id of the computer), `is_limited`: whether it
    counts for the limit of its node. Its load can't begin before `earliest`. `holds_image`: it needs no load. `begun`:
    its load has been at work since then, on the one node. `begins`: its load begins then, whatever is planned, on the
    one node; one without either is to be planned.
    """

    computer_id: int
    nodes: tuple[int, ...]
    host: int | None = None
    is_limited: bool = True
    earliest: int = 0
    holds_image: bool = False
    begun: int | None = None
    begins: int | None = None


class Slot(NamedTuple):
    """When and on which management node the reload of a computer begins."""

    start: int
    node_id: int


@dataclass(frozen=True, slots=True)
class Schedule:
    """The slots of the computers whose reloads were to be planned, and what is to be expected of the class then.

    `shortfalls`: where the policy allows spares and the class is less sure than it should be, what it lacks.
    """

    slots: Mapping[int, Slot]
    outlook: Outlook
    shortfalls: Sequence[Shortfall] = ()


def schedule(
    jobs: Sequence[Job], policy: ReadyPolicy, now: int, start: int, *, spare: int, needed: int | None = None
) -> Schedule:
    """Plan the reloads of a class that starts at `start`.

    `spare`: further computers that could be had in exchange. `needed`: how many of the computers the class needs, by
    default all.
    """
    return _Scheduling(jobs, policy, now, start, spare, len(jobs) if needed is None else needed).run()


def outlook(
    jobs: Sequence[Job], policy: ReadyPolicy, now: int, start: int, *, spare: int, needed: int | None = None
) -> Outlook:
    """What is to be expected of a class whose loads are all at work, or begin at times that stay."""
    return _Scheduling(jobs, policy, now, start, spare, len(jobs) if needed is None else needed).outlook({})


def aim(target: float) -> float:
    """How sure a plan is to be, for a target share of classes."""
    return target + _ABOVE * (1 - target)


class _Scheduling:
    def __init__(self, jobs: Sequence[Job], policy: ReadyPolicy, now: int, start: int, spare: int, needed: int) -> None:
        self._policy, self._now, self._start, self._needed = policy, now, start, needed
        self._law = Law(policy.model)
        self._aim = aim(policy.target)
        self._mending = Mending(spare, covered=len(jobs) - needed) if policy.is_mended else None
        self._ready = [job for job in jobs if job.holds_image]
        loads = [job for job in jobs if not job.holds_image]
        self._fixed = [job for job in loads if job.begun is not None or job.begins is not None]
        # Those that can't begin early get the last slots; the sort is stable.
        self._open = sorted((job for job in loads if job.begun is None and job.begins is None), key=_by_earliest)
        self._gates = _Gates(policy.places, loads, start)
        self._background = self._gates.others(now, self._law.mean) + self._of_fixed()

    def run(self) -> Schedule:
        slots = self._best() if self._open else {}
        outlook = self.outlook(slots)
        return Schedule({**slots, **self._of_ready()}, outlook, self._shortfalls(slots, outlook))

    def _shortfalls(self, slots: Mapping[int, Slot], outlook: Outlook) -> Sequence[Shortfall]:
        """What is lacking at the start, and what would be without any hurry: a plan with spares begins later again."""
        if not self._policy.spares or outlook.ready >= self._policy.target:
            return ()
        needed, games = self._needed - len(self._ready), self._play(slots, FEW)
        return [
            games.shortfall(needed, self._policy.target),
            games.shortfall(needed, self._policy.target / self._aim, by=10.0**8),
        ]

    def outlook(self, slots: Mapping[int, Slot]) -> Outlook:
        needed = max(self._needed - len(self._ready), 0)
        if not needed:
            return Outlook(self._needed, 1.0, 0.0, 0, mended=self._policy.is_mended)
        games = self._play(slots, MANY)
        begins = [slot.start for slot in slots.values()]
        begins += [job.begun or job.begins or self._now for job in self._fixed]
        minutes = sum(max(self._start - begin, 0) for begin in begins) // MINUTE
        return Outlook(self._needed, games.ready(needed), games.late(needed), minutes, mended=self._policy.is_mended)

    def _of_ready(self) -> dict[int, Slot]:
        """The latest reloads that leave time for one load, in case somebody uses the computer meanwhile."""
        lead = ceil((self._policy.model.quantile(_USED_MEANWHILE) + DISPATCH) / MINUTE) * MINUTE
        begin = max(_whole_minute(self._now), self._start - lead)
        return {job.computer_id: Slot(max(begin, job.earliest), job.nodes[0]) for job in self._ready if job.nodes}

    # --- Lead and step --------------------------------------------------------------------------

    def _best(self) -> dict[int, Slot]:
        """The slots that take the fewest minutes, of those that are sure enough."""
        lead = ceil(self._policy.model.quantile(self._aim ** (1 / len(self._open))) / MINUTE)
        plans = [self._with_step(_STEPS[0], lead, 3)]
        if plans[0].waves > 1:
            plans += [self._with_step(step, plans[0].lead, 2) for step in _STEPS[1:]]
        best = min(plans, key=_worth)
        return best.slots if len(self._open) > _SMALL else self._later_one_by_one(best)

    def _with_step(self, share: float, lead: int, attempts: int) -> "_Plan":
        """The plan with the shortest lead that is sure enough.

        Loads follow one another so large a share of a mean load apart. `lead` is where the search begins.
        """
        step = max(round(self._law.mean * share / MINUTE), 1)
        needed = max(self._needed - len(self._ready), 0)
        horizon = max((self._start - self._now) // MINUTE, 0)
        plans: list[_Plan] = []
        for _attempt in range(attempts):
            leads = self._gates.leads(self._open, lead, step, horizon)
            slots = {id_: Slot(self._start - minutes * MINUTE, node) for id_, (minutes, node) in leads.items()}
            games = self._play(slots, FEW if len(slots) <= _LARGE else FEW // 2)
            ready = games.ready(needed)
            plans.append(
                _Plan(
                    slots,
                    lead=lead,
                    minutes=sum(minutes for minutes, _ in leads.values()),
                    ready=ready,
                    is_sure=ready > 0 and ready >= self._aim * games.ready(needed, by=10.0**8),
                    waits=games.waited(_LONGEST_WAIT) > _RARELY,
                    waves=len({minutes for minutes, _ in leads.values()}),
                )
            )
            late = games.needs_until(self._aim, needed)
            change = ceil(late / MINUTE) if abs(late) < inf else 0
            if not change or (max(minutes for minutes, _ in leads.values()) >= horizon and change > 0):
                break
            lead += change
        return min(plans, key=_worth)

    def _later_one_by_one(self, plan: "_Plan") -> dict[int, Slot]:
        """The same, with each load as late as the others let it be."""
        slots = dict(plan.slots)
        needed = max(self._needed - len(self._ready), 0)
        if not plan.is_sure:
            return slots
        ever = self._play(slots, MANY).ready(needed, by=10.0**8)
        for id_ in sorted(slots, key=lambda each: slots[each].start):
            while True:
                slot = slots[id_]
                if slot.start + MINUTE >= self._start:
                    break
                later = {**slots, id_: slot._replace(start=slot.start + MINUTE)}
                if self._play(later, MANY).ready(needed) < self._aim * ever:
                    break
                slots = later
        return slots

    # --- Games ----------------------------------------------------------------------------------

    def _play(self, slots: Mapping[int, Slot], games: int) -> Games:
        loads = [self._load(job, slots[job.computer_id]) for job in self._open if job.computer_id in slots]
        first = min((load.begin for load in [*loads, *self._background] if load.is_own), default=0.0)
        arrivals = self._gates.arrivals(max(first - _BACKGROUND, self._now - self._start), self._law.mean)
        return play([*self._background, *arrivals, *loads], self._gates.limits, self._law, self._mending, games)

    def _load(self, job: Job, slot: Slot) -> Load:
        return Load(max(slot.start, self._now) - self._start + DISPATCH, self._gates.of(job, slot.node_id))

    def _of_fixed(self) -> list[Load]:
        return [
            Load(
                (self._now if job.begun is not None else max(job.begins or 0, self._now) + DISPATCH) - self._start,
                self._gates.of(job, job.nodes[0] if job.nodes else 0),
                elapsed=max(self._now - job.begun, 1) if job.begun is not None else 0.0,
            )
            for job in self._fixed
        ]


@dataclass(frozen=True, slots=True)
class _Plan:
    """Slots, and what came of them in the games. `waits`: a load waits too long for a place too often."""

    slots: dict[int, Slot]
    lead: int
    minutes: int
    ready: float
    is_sure: bool
    waits: bool
    waves: int


def _worth(plan: _Plan) -> tuple[bool, bool, float]:
    """The less the better: of plans that are sure enough, fewer minutes; of others, more sureness."""
    return not plan.is_sure, plan.waits, plan.minutes if plan.is_sure else -plan.ready


def _by_earliest(job: Job) -> int:
    return -job.earliest


def _whole_minute(instant: int) -> int:
    """The first whole minute from then on: the back end rounds to minutes."""
    return -(-instant // MINUTE) * MINUTE


# --- Gates ----------------------------------------------------------------------------------------


class _Gates:
    """The nodes and hosts that a class's loads pass, by numbers, and how full they are minute by minute."""

    def __init__(self, places: Places, jobs: Iterable[Job], start: int) -> None:
        self._places, self._start = places, start
        self._others: dict[int, list[float]] = {}
        limits = places.capacity.node_limits
        nodes = sorted({id_ for job in jobs if job.is_limited for id_ in job.nodes if id_ in limits})
        hosts = sorted({job.host for job in jobs if job.host is not None}) if places.capacity.host_limit else []
        self._nodes = {id_: number for number, id_ in enumerate(nodes)}
        self._hosts = {id_: number for number, id_ in enumerate(hosts, start=len(nodes))}
        self.limits = [max(limits[id_], 1) for id_ in nodes] + [places.capacity.host_limit] * len(hosts)

    def of(self, job: Job, node_id: int) -> tuple[int, ...]:
        """The gates of a load."""
        return self._of(node_id if job.is_limited else None, job.host)

    def _of(self, node_id: int | None, host: int | None) -> tuple[int, ...]:
        gates = [self._nodes.get(node_id) if node_id is not None else None]
        gates.append(self._hosts.get(host) if host is not None else None)
        return tuple(gate for gate in gates if gate is not None)

    def others(self, now: int, mean: float) -> list[Load]:
        """The loads of others that are at work, or that are known to come."""
        loads = []
        for each in self._places.others:
            gates = self._of(each.node_id if each.is_limited else None, each.host_id)
            if gates and each.begin < self._start:
                begin = max(each.begin, now) - self._start
                elapsed = max(now - each.begin, 1) if each.at_work else 0
                loads.append(Load(begin, gates, elapsed=elapsed, scale=each.seconds / mean, is_own=False))
        return loads

    def arrivals(self, begin: float, mean: float) -> list[Load]:
        """Loads that users still to come will cause, from then on (seconds after the start, negative before it)."""
        loads = []
        scale = self._places.arrival_seconds / mean
        for id_, gate in self._nodes.items():
            rate = self._places.arrivals.get(id_, 0.0)
            if rate <= 0:
                continue
            apart = MINUTE / rate
            number = ceil(-begin / apart)
            loads += [
                Load(begin + (each + 0.5) * apart, (gate,), scale=scale, is_own=False, jitter=2 * apart)
                for each in range(number)
            ]
        return loads

    def leads(self, jobs: Sequence[Job], lead: int, step: int, horizon: int) -> dict[int, tuple[int, int]]:
        """Computer -> minutes from the begin of its load to the start, and its management node.

        `lead` at least, and more where there is no place: the load takes one for `step` minutes. Those for which
        `horizon` minutes are not enough begin as soon as their nodes can have them.
        """
        leads = self._leads(jobs, min(lead, horizon), step)
        waves: dict[int, int] = defaultdict(int)  # how many of a node begin late
        for id_, (minutes, node) in leads.items():
            if minutes > horizon:  # it begins when those that have places are done
                limit = self.limits[self._nodes[node]] if node in self._nodes else len(leads)
                leads[id_] = horizon - step * (1 + waves[node] // limit), node
                waves[node] += 1
        return leads

    def _leads(self, jobs: Sequence[Job], lead: int, step: int) -> dict[int, tuple[int, int]]:
        calendar = _Calendar(self.limits, step, self._busy_with_others)
        taken: dict[int, int] = defaultdict(int)
        leads: dict[int, tuple[int, int]] = {}
        for job in jobs:
            latest = min(lead, (self._start - job.earliest) // MINUTE) if job.earliest else lead
            nodes = job.nodes or (0,)
            choices = [(calendar.lead(self.of(job, node), latest), taken[node], node) for node in nodes]
            minutes, _, node = min(choices)
            taken[node] += 1
            calendar.take(self.of(job, node), minutes)
            leads[job.computer_id] = minutes, node
        return leads

    def _busy_with_others(self, gate: int) -> list[float]:
        """How many places of a gate others take, minute by minute before the end of what counts."""
        if gate not in self._others:
            node = next((id_ for id_, number in self._nodes.items() if number == gate), None)
            rate = self._places.arrivals.get(node, 0.0) if node is not None else 0.0
            most = self.limits[gate] - max(round(self.limits[gate] * _OURS), 1)
            busy = [min(rate * self._places.arrival_seconds / MINUTE, most)] * _FAR
            for each in self._places.others:
                if gate in self._of(each.node_id if each.is_limited else None, each.host_id):
                    first = (self._start - each.begin) // MINUTE + _BEYOND
                    for minute in range(max(first - ceil(each.seconds / MINUTE), 0), min(max(first, 0), _FAR)):
                        busy[minute] = min(busy[minute] + 1, most)
            self._others[gate] = busy
        return self._others[gate].copy()


class _Calendar:
    """The places of each gate, minute by minute: entry m is the minute that ends m minutes before the last one counted.

    A load with a lead of 30 minutes that takes a place for ten has the minutes from 29 to 20 before the start.
    """

    def __init__(self, limits: Sequence[int], step: int, busy: Callable[[int], list[float]]) -> None:
        self._limits, self._step = limits, step
        self._busy = [busy(gate) for gate in range(len(limits))]
        self._least: dict[tuple[tuple[int, ...], int], int] = {}  # places only fill: no shorter lead comes free again

    def lead(self, gates: Collection[int], shortest: int) -> int:
        """The shortest lead from `shortest` on for which each gate has a place."""
        key = (tuple(gates), shortest)
        minutes = self._least.get(key, shortest)
        while (full := self._full(gates, minutes)) is not None:
            minutes = full + self._step + 1 - _BEYOND
        self._least[key] = minutes
        return minutes

    def take(self, gates: Collection[int], minutes: int) -> None:
        """Take a place of each gate for a load with this lead."""
        for gate in gates:
            busy = self._busy[gate]
            for minute in self._minutes(minutes):
                busy[minute] += 1

    def _full(self, gates: Collection[int], minutes: int) -> int | None:
        """The first minute of such a load in which a gate has no place; None: it has one all the time."""
        fullest: int | None = None
        for gate in gates:
            busy, most = self._busy[gate], self._limits[gate] - 1
            for minute in reversed(self._minutes(minutes)):
                if busy[minute] > most:
                    fullest = minute if fullest is None else max(fullest, minute)
                    break
        return fullest

    def _minutes(self, minutes: int) -> range:
        last = minutes + _BEYOND
        return range(max(last - self._step, 0), max(min(last, _FAR), 0))
