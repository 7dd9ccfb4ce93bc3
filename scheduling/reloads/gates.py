"""The management nodes and VM hosts that the loads of a class pass, and where they have places left.

A gate is a node or a host with a limit; it has a number. Times are minutes before the start of the class.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from math import ceil
from typing import NamedTuple

from scheduling.reloads.chance import Load
from scheduling.reloads.jobs import Job
from scheduling.reloads.places import Places
from scheduling.windows import MINUTE

_BEYOND = 180  # minutes after the start that count: loads that are late, too, begin in places
FAR = 18 * 60  # minutes; nothing is planned that far ahead
_OURS = 0.4  # of the places, however many loads users will cause: all of them wait for one another
_HURRY = 0.75  # of a step, where a load can't begin as early as it should: better that it waits than that it is late
_TOGETHER = 8 * MINUTE  # loads of others that begin within so many seconds are played together


class Taken(NamedTuple):
    """A place of each gate that is taken for so many minutes, from `lead` minutes before the start on."""

    gates: tuple[int, ...]
    lead: int
    minutes: int


class Gates:
    """The nodes and hosts that a class's loads pass, by numbers, and how full they are minute by minute."""

    def __init__(self, places: Places, jobs: Iterable[Job], start: int, gaps: Iterable[tuple[int, int]] = ()) -> None:
        """`gaps`: between these instants no load may begin."""
        self._places, self._start = places, start
        self._gaps = [((start - end) / MINUTE, ceil((start - begin) / MINUTE)) for begin, end in gaps]
        self._others: dict[int, list[float]] = {}
        limits = places.capacity.node_limits
        nodes = sorted({id_ for job in jobs if job.is_limited for id_ in job.nodes if id_ in limits})
        hosts = sorted({job.host for job in jobs if job.host is not None}) if places.capacity.host_limit else []
        self._nodes: dict[int | None, int] = {id_: number for number, id_ in enumerate(nodes)}
        self._hosts: dict[int | None, int] = {id_: number for number, id_ in enumerate(hosts, start=len(nodes))}
        self._of_both: dict[tuple[int | None, int | None], tuple[int, ...]] = {}
        self.limits = [max(limits[id_], 1) for id_ in nodes] + [places.capacity.host_limit] * len(hosts)

    def of(self, job: Job, node_id: int) -> tuple[int, ...]:
        """The gates of a load."""
        return self._of(node_id if job.is_limited else None, job.host)

    def _of(self, node_id: int | None, host: int | None) -> tuple[int, ...]:
        if (node_id, host) not in self._of_both:
            both = (self._nodes.get(node_id, -1), self._hosts.get(host, -1))
            self._of_both[node_id, host] = tuple(gate for gate in both if gate >= 0)
        return self._of_both[node_id, host]

    def others(self, now: int, mean: float) -> list[Load]:
        """The loads of others that are at work, or that are known to come."""
        loads = []
        for each in self._places.others:
            gates = self._of(each.node_id if each.is_limited else None, each.host_id)
            if gates and each.begin < self._start:
                elapsed = max(now - each.begin, 1) if each.at_work else 0
                begin = (now if each.at_work else _played_at(max(each.begin, now))) - self._start
                loads.append(Load(begin, gates, elapsed=elapsed, scale=each.seconds / mean, is_own=False))
        return loads

    def arrivals(self, begin: float, mean: float) -> list[Load]:
        """Loads that users still to come will cause, from then on (seconds after the start, negative before it).

        Those of some minutes come together. Twice as many as are expected might come, so that their number varies.
        """
        loads = []
        scale = self._places.arrival_seconds / mean
        for id_, rate in self._places.arrivals.items():
            expected = rate * _TOGETHER / MINUTE
            number = ceil(2 * expected) if id_ in self._nodes else 0
            for group in range(ceil(-begin / _TOGETHER) if number else 0):
                at = begin + (group + 0.5) * _TOGETHER
                loads += [Load(at, self._of(id_, None), scale=scale, is_own=False, share=expected / number)] * number
        return loads

    def leads(
        self, jobs: Sequence[Job], lead: int, step: int, taken: Iterable[Taken], most: int = FAR
    ) -> dict[int, tuple[int, int]]:
        """Computer -> minutes from the begin of its load to the start, and its management node.

        `lead` at least, and more where there is no place: the load takes one for `step` minutes. Those for which `most`
        minutes are not enough, or whose computers are free too late, begin as soon as others have begun that can.
        `taken` are the places of other loads of the class.
        """
        calendar = Calendar(self.limits, step, self._busy_with_others, self._gaps)
        for each in taken:
            calendar.take(*each)
        of_node: dict[int, int] = defaultdict(int)
        placed: dict[tuple[int, ...], list[int]] = defaultdict(list)  # the leads of loads that pass these gates
        leads: dict[int, tuple[int, int]] = {}
        for job in jobs:
            longest = min((self._start - job.earliest) // MINUTE, most) if job.earliest else most
            shortest = min(lead, longest)
            choices = [(calendar.lead(self.of(job, node), shortest), of_node[node], node) for node in job.nodes or (0,)]
            minutes, _, node = min(choices)
            gates = self.of(job, node)
            of_node[node] += 1
            calendar.take(gates, minutes, step)
            if minutes > longest:
                minutes = _soonest(placed[gates], longest, round(step * _HURRY), self._limit(gates, len(jobs)))
            placed[gates].append(minutes)
            leads[job.computer_id] = minutes, node
        return leads

    def _limit(self, gates: tuple[int, ...], otherwise: int) -> int:
        return min((self.limits[gate] for gate in gates), default=otherwise)

    def _busy_with_others(self, gate: int) -> list[float]:
        """How many places of a gate others take, minute by minute before the end of what counts."""
        if gate not in self._others:
            node = next((id_ for id_, number in self._nodes.items() if number == gate), None)
            rate = self._places.arrivals.get(node, 0.0) if node is not None else 0.0
            most = self.limits[gate] - max(round(self.limits[gate] * _OURS), 1)
            busy = [min(rate * self._places.arrival_seconds / MINUTE, most)] * FAR
            for each in self._places.others:
                if gate in self._of(each.node_id if each.is_limited else None, each.host_id):
                    first = (self._start - each.begin) // MINUTE + _BEYOND
                    for minute in range(max(first - ceil(each.seconds / MINUTE), 0), min(max(first, 0), FAR)):
                        busy[minute] += 1
            self._others[gate] = busy
        return self._others[gate].copy()


def _soonest(placed: Sequence[int], most: int, step: int, limit: int) -> int:
    """The longest lead, up to `most`, for a load that begins when those before it are about to be done."""
    lead, step = most, max(step, 1)
    while sum(lead - step < each <= lead for each in placed) >= limit:
        lead -= step
    return lead


class Calendar:
    """The places of each gate, minute by minute: entry m is the minute that ends m minutes before the last one counted.

    A load with a lead of 30 minutes that takes a place for ten has the minutes from 29 to 20 before the start.
    """

    def __init__(
        self, limits: Sequence[int], step: int, busy: Callable[[int], list[float]],
        gaps: Sequence[tuple[float, int]] = (),
    ) -> None:  # fmt: skip
        """`gaps`: between these leads no load may begin."""
        self._limits, self._step, self._gaps = limits, step, gaps
        self._busy = [busy(gate) for gate in range(len(limits))]
        self._least: dict[tuple[tuple[int, ...], int], int] = {}  # places only fill: no shorter lead comes free again

    def lead(self, gates: Collection[int], shortest: int) -> int:
        """The shortest lead from `shortest` on, in no gap, for which each gate has a place."""
        key = (tuple(gates), shortest)
        minutes = self._least.get(key, shortest)
        while (longer := self._longer(gates, minutes)) is not None:
            minutes = longer
        self._least[key] = minutes
        return minutes

    def take(self, gates: Collection[int], lead: int, minutes: int) -> None:
        """Take a place of each gate for so many minutes."""
        for gate in gates:
            busy = self._busy[gate]
            for minute in self._minutes(lead, minutes):
                busy[minute] += 1

    def _longer(self, gates: Collection[int], minutes: int) -> int | None:
        """A longer lead to try where that one is in a gap, or a gate has no place; None: it will do."""
        for shortest, longest in self._gaps:
            if shortest < minutes < longest:
                return longest
        full = self._full(gates, minutes)
        return None if full is None else full + self._step + 1 - _BEYOND

    def _full(self, gates: Collection[int], minutes: int) -> int | None:
        """The first minute of such a load in which a gate has no place; None: it has one all the time."""
        fullest: int | None = None
        for gate in gates:
            busy, most = self._busy[gate], self._limits[gate] - 1
            for minute in reversed(self._minutes(minutes, self._step)):
                if busy[minute] > most:
                    fullest = minute if fullest is None else max(fullest, minute)
                    break
        return fullest

    def _minutes(self, lead: int, minutes: int) -> range:
        last = lead + _BEYOND
        return range(max(last - minutes, 0), max(min(last, FAR), 0))


def _played_at(begin: int) -> int:
    """About when a load of others begins, so that several are played together."""
    return begin // _TOGETHER * _TOGETHER + _TOGETHER // 2
