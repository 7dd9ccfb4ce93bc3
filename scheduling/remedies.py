"""When machines are missing: what is in the way, and when there would be enough."""

from collections import Counter, defaultdict
from collections.abc import Callable, Container, Iterator
from dataclasses import replace
from itertools import accumulate, islice
from typing import NamedTuple

from scheduling.facts import Block, Site
from scheduling.occupancy import OTHER_BLOCK, RESERVATION, RESERVATION_MARGIN, Occupancy, occupies
from scheduling.plan import Plan
from scheduling.planner import make_plan
from scheduling.pool import Fit
from scheduling.reasons import BlockTimeId, RequestId
from scheduling.reload_plan import adopted, staggered
from scheduling.rules import LiveNodes
from scheduling.windows import MINUTE, WEEK, schedule_covers

HORIZON = WEEK  # how far ahead the search for a start goes
SEARCH_STEP = 15 * MINUTE  # between the starts that it tries: classes begin on a quarter of an hour
MOST_PLANS = 60  # that it makes; each takes as long as the plan of a call


def _always() -> bool:
    return True


class InTheWay(NamedTuple):
    """A request or a block time with computers that this block could have had, and how many. Unix seconds."""

    kind: str  # "request" or "block time"
    id: int
    start: int
    end: int
    computers: int


def in_the_way(plan: Plan) -> list[InTheWay]:
    """Requests and block times with computers that the plan could have used, the one with the most first.

    A block time has its computers from their reloads on, which begin one after the other: its start is the first.
    """
    spans: dict[tuple[str, int], list[tuple[int, int]]] = defaultdict(list)
    for reason in plan.excluded.values():
        about = reason.about if reason.rule in (RESERVATION, OTHER_BLOCK) else None
        if isinstance(about, RequestId | BlockTimeId):
            start, end = reason.times
            spans[about.kind, int(about)].append((int(start), int(end)))
    bookings = [
        InTheWay(kind, id_, min(start for start, _ in times), max(end for _, end in times), len(times))
        for (kind, id_), times in spans.items()
    ]
    return sorted(bookings, key=lambda each: (-each.computers, each))


def earliest_start(
    site: Site, block: Block, load_seconds: int, *, ignore_privileges: bool, go_on: Callable[[], bool] = _always
) -> int | None:
    """The first quarter of an hour after the block's start at which it could get all its machines (Unix seconds).

    As if the block were made anew then: the computers that it has already count as free. `site` must know what is
    promised until HORIZON after the block's end. None when there is no such start, or when none of the first
    MOST_PLANS starts that `_hopeful` suggests will do. `go_on` is asked before each plan: the search may take long.
    """
    own = block.block_time_id
    # Claims last for seconds: they say nothing of later hours.
    block_computers = [row for row in site.block_computers if not own or row.block_time_id != own]
    # By the windows of policy `vcl`: of sixty plans none has to say how sure it is.
    site = replace(site, claimed=frozenset(), block_computers=block_computers, ready_policy=None)
    for start in islice(_hopeful(site, block, load_seconds), MOST_PLANS):
        if not go_on():
            return None
        later = replace(block, block_time_id=0, start=start, end=start + block.end - block.start)
        plan = make_plan(site, later, ignore_privileges=ignore_privileges)
        if plan.allocated >= plan.wanted:
            return start
    return None


def _hopeful(site: Site, block: Block, load_seconds: int) -> Iterator[int]:
    """Starts at which enough computers are open and free of bookings. Other rules may still say no.

    Members' own reservations may join the block: they are in nobody's way, and their machines have windows of
    their own. Unless they can be all of its machines, one machine at least needs the usual window.
    """
    nodes = LiveNodes(site)
    fit = frozenset().union(*(Fit(image, site, nodes).ids for image in block.images))
    first = (block.start // SEARCH_STEP + 1) * SEARCH_STEP
    lead, length = -staggered(0, load_seconds, 0).start, block.end - block.start
    shortest = -adopted(0, 0, load_seconds).start
    busy = _busy_by_slot(site, fit, first - shortest, shortest + length)
    adopted_at_most = _own_requests(site)
    occupancy = Occupancy(site, 0)
    schedules = Counter(schedule for id_, schedule in site.computers.columns("id", "schedule_id") if id_ in fit)
    needed = block.machines * len(block.images)
    for slot, taken in enumerate(busy):
        start = first + slot * SEARCH_STEP
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
    return len({row.request_id for row in site.reservations if row.user_id in members and occupies(row)})


def _is_open(site: Site, schedule_id: int | None, start: int, end: int) -> bool:
    return schedule_id is not None and schedule_covers(site.schedule_times.get(schedule_id, ()), start, end, site.zone)


def _busy_by_slot(site: Site, fit: Container[int], first: int, length: int) -> list[int]:
    """How many of `fit` are not free, for each window of `length` seconds: at `first` and every SEARCH_STEP after it.

    Only the slots where the number changes are noted, and summed up at the end: to note each slot takes 0.55 s
    instead of 13 ms for 10,000 computers that are booked for the whole week.
    """
    slots = HORIZON // SEARCH_STEP
    changes = [0] * (slots + 1)
    for spells in _spells(site, fit, until=first + HORIZON + length).values():
        counted = 0  # slots before this one: a computer with two bookings at a time is one computer
        for start, end in sorted(spells):
            # A window meets a spell when it ends after the spell's start and begins before its end.
            low = max((start - length - first) // SEARCH_STEP + 1, counted)
            high = min(-((first - end) // SEARCH_STEP), slots)
            if low < high:
                changes[low] += 1
                changes[high] -= 1
                counted = high
    return list(accumulate(changes[:-1]))


def _spells(site: Site, fit: Container[int], until: int) -> dict[int, list[tuple[int, int]]]:
    """When each computer of `fit` is taken, (start, end) in Unix seconds; what has no end lasts `until` then."""
    spells: dict[int, list[tuple[int, int]]] = defaultdict(list)
    members = {member.id for member in site.members}
    for reservation in site.reservations:
        if reservation.computer_id in fit and occupies(reservation) and reservation.user_id not in members:
            spell = (reservation.start - RESERVATION_MARGIN, reservation.end + RESERVATION_MARGIN)
            spells[reservation.computer_id].append(spell)
    for row in site.block_computers:
        if row.computer_id in fit:
            spells[row.computer_id].append((row.reload_start, row.end))
    for orphan in site.orphans:
        if orphan.computer_id in fit:
            spells[orphan.computer_id].append((orphan.start, until if orphan.end is None else orphan.end))
    return spells
