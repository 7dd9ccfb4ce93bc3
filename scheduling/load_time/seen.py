"""What the loads that keep_ready saw say of load times. Instants are Unix seconds."""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import compress
from typing import NamedTuple

from scheduling.load_time.history import Ending, LoadGroup
from scheduling.upkeep.seen_loads import AT_WORK, DROPPED, FAILED, LOADED, UNKNOWN
from scheduling.windows import DAY, HOUR, MINUTE

RECENT = 90 * DAY
OLD_WEIGHT = 0.5  # of a load that is older
BETWEEN_LOOKS = 5 * MINUTE  # if nobody looked for longer, the length of a load is not known
_AT_ONCE = MINUTE  # which of the loads that begin within so many seconds come first is the back end's business
_LONGEST = HOUR  # a load that has been at work for longer hangs


class SeenLoad(NamedTuple):
    """A load that keep_ready saw.

    It was at work in the look of `at_work`, and over in that of `over` (None: not yet). `alive`: when its management
    node last checked in, None if it has none. `outcome` is one of those of scheduling.upkeep.seen_loads. `engine` is
    the name of the provisioning engine.
    """

    node_id: int | None
    begun: int
    at_work: int
    over: int | None
    outcome: str
    alive: int | None = None
    image_id: int = 0
    revision_id: int = 0
    engine: str = ""


class NodeLimits(NamedTuple):
    """How many loads management nodes take at a time; loads by the named `engines` count, None: by all of them."""

    loads: Mapping[int, int]
    engines: Collection[str] | None = None


def load_groups(
    loads: Sequence[SeenLoad], now: int, limits: NodeLimits | None = None
) -> list[tuple[SeenLoad, LoadGroup]]:
    """Those loads that say something, with their length, or for how long they have been at work at least.

    A load that ended between two looks took half of the seconds between them. One that is at work has taken so long as
    its node was there to do it. Of loads with an unknown outcome only those count that keep_ready gave up one by one:
    several of one node at the same time are lost with the node. A load that may have waited for a place on its node
    (`limits`) says nothing of the time that it takes.
    """
    groups = []
    lost = Counter((load.node_id, load.over) for load in loads if load.outcome == UNKNOWN)
    for load, may_have_waited in zip(loads, _may_have_waited(loads, limits or NodeLimits({})), strict=True):
        weight = 1.0 if now - load.begun < RECENT else OLD_WEIGHT
        if load.outcome == FAILED:
            group = LoadGroup(0, 1, Ending.FAILED, weight)
        elif load.outcome == DROPPED or may_have_waited or lost[load.node_id, load.over] > 1:
            continue
        elif load.outcome == LOADED and load.over is not None and load.over - load.at_work <= BETWEEN_LOOKS:
            group = LoadGroup((load.at_work + load.over) / 2 - load.begun, 1, Ending.LOADED, weight)
        else:
            group = LoadGroup(_seconds_at_work(load), 1, Ending.UNFINISHED, weight)
        groups.append((load, group))
    return groups


def _seconds_at_work(load: SeenLoad) -> int:
    last = load.at_work
    if load.outcome == AT_WORK and load.alive is not None:
        last = min(last, load.alive)
    return min(last - load.begun, _LONGEST)


def _may_have_waited(loads: Sequence[SeenLoad], limits: NodeLimits) -> Iterator[bool]:
    """Whether a load began while its node had as many others at work as it takes, for each load."""
    begins: dict[int, list[int]] = defaultdict(list)
    ends: dict[int, list[int]] = defaultdict(list)
    limited = [
        load.node_id is not None
        and load.node_id in limits.loads
        and (limits.engines is None or load.engine in limits.engines)
        for load in loads
    ]
    for load in compress(loads, limited):
        node = load.node_id or 0
        begins[node].append(load.begun)
        if load.over is not None:
            ends[node].append(load.over)
    for times in (*begins.values(), *ends.values()):
        times.sort()
    for load, is_limited in zip(loads, limited, strict=True):
        node = load.node_id or 0
        if not is_limited:
            yield False
            continue
        begun = bisect_left(begins[node], load.begun + _AT_ONCE)
        yield begun - bisect_left(ends[node], load.begun) > limits.loads[node]
