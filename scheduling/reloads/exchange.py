"""How long before the start a substitute has to begin to load, under policy `ready` (SPEC 9.2).

A substitute needs time for a load that takes long, and a place on a management node. The loads that the class and
others have planned there keep their places.

An example: a node that loads five at a time, loads of ten minutes that hardly ever take 14, and 15 reloads of the
class, of which five each begin 15, 25 and 35 minutes before the start. A computer on which somebody stays has to be
exchanged 45 minutes before it: its substitute then has a place before all others. So have four more; the sixth one
has to begin 55 minutes before the start.
"""

from collections.abc import Collection, Iterable, Sequence
from math import ceil
from typing import NamedTuple

from scheduling.load_time.model import LoadModel
from scheduling.reloads.chance import DISPATCH, NOTICE
from scheduling.reloads.places import OtherLoad
from scheduling.reloads.policy import ReadyPolicy
from scheduling.windows import MINUTE

_NEARLY_ALL = 0.99  # of the loads take no longer than a long one
_RARELY_FAIL = 0.002  # of the loads: then a substitute needs no time for a second load
_OURS = 0.4  # of the places, however many loads users will cause


class Guide(NamedTuple):
    """What a plan tells the looks that follow it.

    `exchange_leads`: how many seconds before the start a substitute has to begin to load at the latest, a second one,
    and so on. `long_load`: so many seconds a load may well take. `longest_wait`: so many seconds a load may have to
    wait for a place before it begins.
    """

    exchange_leads: Sequence[int] = ()
    long_load: int = 0
    longest_wait: int = 0


def long_load(model: LoadModel) -> int:
    """The seconds, in whole minutes, that hardly any load exceeds from the begin of its reload."""
    return ceil((model.quantile(_NEARLY_ALL) + DISPATCH) / MINUTE) * MINUTE


def exchange_leads(
    policy: ReadyPolicy, own: Iterable[OtherLoad], nodes: Collection[int], now: int, start: int, number: int
) -> list[int]:
    """Seconds before the start at which so many substitutes have to begin at the latest, the shortest first.

    Where loads fail, there is time for a second one. `own` are the loads of the class, `nodes` the management nodes
    that may load a substitute (none where it takes no place). Where no place is left before the start, it is all the
    time from `now` on.
    """
    shortest = long_load(policy.model) // MINUTE
    if policy.model.failing > _RARELY_FAIL:
        shortest += ceil((policy.model.mean + NOTICE) / MINUTE)
    limits = policy.places.capacity.node_limits
    if not nodes or any(id_ not in limits for id_ in nodes):
        return [shortest * MINUTE] * number
    longest = max((start - now) // MINUTE, shortest)
    loads = [*own, *policy.places.others]
    free = [_Free(policy, id_, loads, start, longest) for id_ in sorted(nodes)]
    leads = [shortest] * len(free)
    made: list[int] = []
    for _ in range(number):
        leads = [node.lead(lead) for node, lead in zip(free, leads, strict=True)]
        best = min(leads)
        free[leads.index(best)].take(best)
        made.append(best * MINUTE)
    return made


class _Free:
    """The places of a node, minute by minute before the start: entry m is the minute that ends m minutes before it."""

    def __init__(self, policy: ReadyPolicy, node_id: int, loads: Sequence[OtherLoad], start: int, longest: int) -> None:
        places = policy.places
        limit = places.capacity.node_limits[node_id]
        by_users = places.arrivals.get(node_id, 0.0) * places.arrival_seconds / MINUTE
        self._free = [max(limit - by_users, round(limit * _OURS), 1)] * longest
        self._length = max(round(policy.model.mean / MINUTE), 1)
        for each in loads:
            if each.node_id == node_id and each.is_limited:
                first = ceil((start - each.begin) / MINUTE)
                for minute in self._minutes(first, ceil(each.seconds / MINUTE)):
                    self._free[minute] -= 1

    def lead(self, shortest: int) -> int:
        """The shortest lead from that one on with a place for a whole load; the longest of all where there is none."""
        lead = shortest
        while lead < len(self._free):
            full = next((minute for minute in self._minutes(lead, self._length) if self._free[minute] < 1), None)
            if full is None:
                return lead
            lead = full + self._length + 1
        return len(self._free)

    def take(self, lead: int) -> None:
        """Take a place for a load with this lead."""
        for minute in self._minutes(lead, self._length):
            self._free[minute] -= 1

    def _minutes(self, lead: int, length: int) -> range:
        """The minutes before the start of a load with this lead, the earliest first."""
        return range(min(lead, len(self._free)) - 1, max(lead - length, 0) - 1, -1)
