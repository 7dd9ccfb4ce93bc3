"""When machines are missing: what stands in the way, and when all could be had."""

from collections import Counter, defaultdict
from collections.abc import Container, Iterator, Sequence
from dataclasses import replace
from itertools import accumulate, islice
from typing import NamedTuple, cast

from scheduling.facts import Block, Site
from scheduling.occupancy import OTHER_BLOCK, RESERVATION, ROOM, Occupancy, occupies
from scheduling.plan import Plan
from scheduling.planner import plan as make_plan
from scheduling.pool import Pool
from scheduling.reload_plan import adopted, staggered
from scheduling.rules import LiveNodes
from scheduling.windows import MINUTE, WEEK, schedule_covers

HORIZON = WEEK  # how far ahead a start is looked for
STEP = 15 * MINUTE  # starts that are looked at; classes begin at no odd minutes
MOST_PLANS = 60  # that are made to find it


class InTheWay(NamedTuple):
    """A request or a block time that has computers which this block could have had. Unix seconds."""

    kind: str  # "request" or "block time"
    id: int
    start: int
    end: int
    computers: int


def in_the_way(plan: Plan) -> list[InTheWay]:
    """Requests and block times that kept computers from the plan, those that keep most first.

    A block has its computers from their reloads on, which begin one after the other: from the first of them.
    """
    kinds = {RESERVATION: "request", OTHER_BLOCK: "block time"}
    spans: dict[tuple[str, int], list[tuple[int, int]]] = defaultdict(list)
    for reason in plan.passed_over.values():
        if reason.rule in kinds:
            id_, start, end = cast("tuple[int, int, int]", reason.figures)
            spans[kinds[reason.rule], id_].append((int(start), int(end)))
    found = [
        InTheWay(kind, id_, min(start for start, _ in times), max(end for _, end in times), len(times))
        for (kind, id_), times in spans.items()
    ]
    return sorted(found, key=lambda each: (-each.computers, each))


def earliest_start(site: Site, block: Block, load_seconds: int, *, ignore_privileges: bool) -> int | None:
    """The first quarter of an hour after the block's start at which all its machines could be had (Unix seconds).

    As if the block were made anew then: what it has already counts as free. `site` must know what
    is promised until HORIZON after the block's end. None when there is no such start, or when the
    first MOST_PLANS that look as if they would do don't.
    """
    own = block.block_time_id
    # Claims are for seconds: at another time they are nobody's.
    holdings = [held for held in site.holdings if not own or held.block_time_id != own]
    site = replace(site, claimed=frozenset(), holdings=holdings)
    for start in islice(_hopeful(site, block, load_seconds), MOST_PLANS):
        later = replace(block, block_time_id=0, start=start, end=start + block.end - block.start)
        found = make_plan(site, later, ignore_privileges=ignore_privileges)
        if found.allocated >= found.wanted:
            return start
    return None


def _hopeful(site: Site, block: Block, load_seconds: int) -> Iterator[int]:
    """Starts at which enough computers are open and free of bookings. Other rules may still say no.

    Members' own reservations may join the block: they are in nobody's way, and their machines have times of
    their own. Only when they can't be all of its machines there is one that the usual window must suit.
    """
    nodes = LiveNodes(site)
    fit = frozenset().union(*(Pool(image, site, nodes).ids for image in block.images))
    first = (block.start // STEP + 1) * STEP
    lead, length = -staggered(0, load_seconds, 0).start, block.end - block.start
    shortest = -adopted(0, 0, load_seconds).start
    busy = _busy_by_slot(site, fit, first - shortest, shortest + length)
    adopted_at_most = _own_requests(site)
    occupancy = Occupancy(site, 0)
    schedules = Counter(schedule for id_, schedule in site.computers.columns("id", "schedule_id") if id_ in fit)
    needed = block.machines * len(block.images)
    for slot, taken in enumerate(busy):
        start = first + slot * STEP
        window = (start - lead, start + length)
        if len(fit) - taken < needed:
            continue
        if adopted_at_most < block.machines and occupancy.maintenance(*window):
            continue
        usable = sum(number for id_, number in schedules.items() if _is_open(site, id_, *window))
        if usable >= needed - adopted_at_most * len(block.images):
            yield start


def _own_requests(site: Site) -> int:
    """How many reservations the members have themselves."""
    members = {member.id for member in site.members}
    return len({found.request_id for found in site.reservations if found.user_id in members and occupies(found)})


def _is_open(site: Site, schedule_id: int | None, start: int, end: int) -> bool:
    return schedule_id is not None and schedule_covers(site.schedule_times.get(schedule_id, ()), start, end, site.zone)


def _busy_by_slot(site: Site, fit: Container[int], first: int, length: int) -> list[int]:
    """For windows of `length` seconds that begin at `first` and every STEP after it: how many of `fit` are not free."""
    spells: dict[int, list[tuple[int, int]]] = defaultdict(list)
    members = {member.id for member in site.members}
    for found in site.reservations:
        if found.computer_id in fit and occupies(found) and found.user_id not in members:
            spells[found.computer_id].append((found.start - ROOM, found.end + ROOM))
    for held in site.holdings:
        if held.computer_id in fit:
            spells[held.computer_id].append((held.reload_start, held.end))
    horizon = first + HORIZON + length
    for orphan in site.orphans:
        if orphan.computer_id in fit:
            spells[orphan.computer_id].append((orphan.start, horizon if orphan.end is None else orphan.end))
    slots = HORIZON // STEP
    changes = [0] * (slots + 1)
    for of_computer in spells.values():
        # A window meets a spell when it begins before the spell's end and ends after its start.
        ranges = [
            (max((start - length - first) // STEP + 1, 0), min(-((first - end) // STEP), slots))
            for start, end in of_computer
        ]
        for low, high in _merged(ranges):
            changes[low] += 1
            changes[high] -= 1
    return list(accumulate(changes[:-1]))


def _merged(ranges: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Ranges without overlaps; those that hold nothing are left out."""
    merged: list[tuple[int, int]] = []
    for low, high in sorted(found for found in ranges if found[0] < found[1]):
        if merged and low <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], high))
        else:
            merged.append((low, high))
    return merged
