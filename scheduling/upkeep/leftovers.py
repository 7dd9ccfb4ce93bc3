"""What is to be removed: computers of block times that are over or do not take place, reloads of nobody (SPEC 9.5).

Facts in, leftovers with reasons out. What the removal of something rests on decides what has to be sure: that a block
time is skipped is a fact in its row; that it is over, our clock says, which may be in doubt (see `trust`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from scheduling.block_status import is_left_over, is_over, is_scheduled
from scheduling.upkeep.trust import Trust
from scheduling.vcl_names import ACCEPTED, COMPLETED
from scheduling.windows import MINUTE
from scheduling.withdrawal import is_withdrawable

# The back end asks for a block time that does not take place in the first minute after its end: looks are a minute
# apart, and one may be late.
MARKED_AHEAD = 2 * MINUTE


class LeftBlockTime(NamedTuple):
    """A block time that may have something left.

    `over` is its end by the later one in an hour that comes twice, `wall_end` what the site's clock shows then.
    `computers` is the number of its block computers.
    """

    id: int
    start: int
    end: int
    over: int
    wall_end: datetime | None
    skip: bool
    status: str
    processed: bool
    computers: int


class LeftReload(NamedTuple):
    """A waiting reload of a block time: one of ours that no block computer names (`is_orphaned`), or of a class to come
    with `preload` 0, which begins 35 minutes early.
    """

    block_time_id: int
    request_id: int
    computer_id: int
    hostname: str
    start: int
    preload: int
    is_orphaned: bool = False


@dataclass(frozen=True, slots=True)
class Leftover:
    """What is to be done about a block time.

    `why` its computers are to be removed, "" when they are not; `is_over`: because it is over. `deletes` it altogether.
    `marks` it as processed. The reloads that are to begin at their start and not before are `early`.
    """

    block_time_id: int
    why: str = ""
    is_over: bool = False
    deletes: bool = False
    marks: bool = False
    early: Sequence[LeftReload] = ()

    def __bool__(self) -> bool:
        return bool(self.why or self.deletes or self.marks or self.early)


def leftovers(
    block_times: Iterable[LeftBlockTime], reloads: Iterable[LeftReload], now: int, trust: Trust
) -> list[Leftover]:
    """What is to be done at `now` (Unix seconds), the block times in the order of their ids."""
    if trust.doubt:
        return []
    early: dict[int, list[LeftReload]] = {}
    for reload in early_reloads(reloads, now):
        early.setdefault(reload.block_time_id, []).append(reload)
    by_id = {each.id: each for each in block_times}
    judged = [
        _leftover(id_, by_id.get(id_), early.get(id_, ()), now, trust) for id_ in sorted(by_id.keys() | early.keys())
    ]
    return [each for each in judged if each]


def orphaned_reloads(reloads: Iterable[LeftReload], now: int, trust: Trust) -> list[LeftReload]:
    """The reloads of ours that nobody needs and that can still be withdrawn."""
    if trust.doubt or not trust.evidence:
        return []
    return [each for each in reloads if each.is_orphaned and is_withdrawable(each.start, each.preload, now)]


def early_reloads(reloads: Iterable[LeftReload], now: int) -> list[LeftReload]:
    """The reloads with `preload` 0 that no management node can have begun."""
    return [each for each in reloads if not each.is_orphaned and is_withdrawable(each.start, each.preload, now)]


def _leftover(id_: int, time: LeftBlockTime | None, early: Sequence[LeftReload], now: int, trust: Trust) -> Leftover:
    if time is None:
        return Leftover(id_, early=early)
    over = is_over(time.start, time.end, time.over, now) and trust.is_past(time.wall_end)
    removes = bool(time.computers) and trust.evidence
    return Leftover(
        id_,
        why=_why_removed(time, now, over=over) if removes else "",
        is_over=over,
        deletes=is_left_over(time.start, time.end, time.over, now) and trust.is_past(time.wall_end),
        marks=_is_to_be_marked(time, now),
        early=early,
    )


def _why_removed(time: LeftBlockTime, now: int, *, over: bool) -> str:
    """Why the block time is not to have computers (any more); "" when it is, or when that is not certain."""
    if over:
        return "it is over"
    if time.skip:
        return "it is skipped"
    if time.status == ACCEPTED:
        return ""
    # A request that has run out while its class is on: nothing is taken from it until the class is over for certain.
    begun = time.status == COMPLETED and time.start <= now
    return "" if begun else f"its block request is {time.status}"


def _is_to_be_marked(time: LeftBlockTime, now: int) -> bool:
    """Whether the back end would ask for it though it does not take place."""
    taking_place = is_scheduled(skip=time.skip, status=time.status)
    return not time.processed and not taking_place and 0 < time.end <= now + MARKED_AHEAD
