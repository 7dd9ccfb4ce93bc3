"""The readiness of block times, for pages and calendars: any number of them in a fixed number of statements."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from django.db.models import QuerySet

from blockalloc.models import BlockTime
from blockalloc.reports import sureness, what_happened
from blockalloc.site_time import site_zone
from blockalloc.store import page_loads, said, times
from blockalloc.store import readiness as store
from blockalloc.store.readiness import BlockTimeRow
from blockalloc.store.rows import full_name
from scheduling.block_status import BlockStatus
from scheduling.occupancy import is_occupying
from scheduling.readiness import ASKED_AHEAD, Readiness, has_all, readiness
from scheduling.ready_computer import BlockFacts, ComputerFacts
from scheduling.state_ids import PENDING, RELOAD
from scheduling.vcl_names import ACCEPTED
from scheduling.what_happened import EMPTY
from scheduling.windows import MINUTE

# Images, as image id -> `reloadtime` in minutes, at a moment (Unix seconds) -> seconds that a load of each takes.
Estimates = Callable[[Mapping[int, int], int], Mapping[int, int]]

# (Block time, computer) -> until when (Unix seconds).
Until = Mapping[tuple[int, int], int]

_LOOKED = 3 * MINUTE  # what keep_ready saw longer ago says nothing any more


@dataclass(frozen=True, slots=True)
class BlockTimeReadiness:
    """A block time and its readiness; times are Unix seconds. `group` is "" for a block request without one.

    `per_machine`: the computers of one machine, more than one for a cluster.
    """

    id: int
    start: int
    end: int
    request_id: int
    block: str
    group: str
    image: str
    block_status: BlockStatus
    readiness: Readiness
    per_machine: int = 1

    @property
    def skip(self) -> bool:
        """Whether it is marked to be skipped."""
        return self.block_status.skip

    @property
    def status(self) -> str:
        """The status of its block request."""
        return self.block_status.status

    def is_current_or_upcoming(self, now: int) -> bool:
        """Whether it is on or to come, and will take place."""
        return self.block_status.is_current_or_upcoming(now)


def read(
    query: QuerySet[BlockTime], now: int, *, closed: bool = True, people: bool = True,
    estimates: Estimates = page_loads.estimates,
) -> list[BlockTimeReadiness]:  # fmt: skip
    """The readiness of the block times of `query` at `now` (Unix seconds), by start.

    Without `closed`, computers of skipped and past block times are not counted. Without `people`, texts don't name the
    people who released or skipped them. `estimates`: how long images take to load.
    """
    rows = store.block_times(query)
    clusters = store.clusters({row.imagemeta_id for row in rows if row.is_cluster})
    blocks = {row.id: _block(row, clusters) for row in rows}
    # Computers of skipped and past block times are counted; whether they are in use no longer matters.
    still_open = {id_ for id_, block in blocks.items() if block.block_status.is_current_or_upcoming(now)}
    load_seconds = estimates(_to_estimate([row for row in rows if row.id in still_open], blocks, now), now)
    for row in rows:
        if row.image_id in load_seconds:
            blocks[row.id] = blocks[row.id]._replace(load_seconds=load_seconds[row.image_id])
    starts = {id_: blocks[id_].start for id_ in still_open}
    computers = _computers(blocks.keys() if closed else still_open, starts, now)
    records = what_happened.read(_to_look_up(blocks, computers, now))
    if not people:
        records = {time: record.without_people() for time, record in records.items()}
    zone = site_zone()
    open_blocks = {id_: blocks[id_] for id_ in still_open}
    last = said.last(still_open, now - _LOOKED, sureness.told_by_calls(open_blocks, computers, now))
    seen, sure = last.seen, sureness.of_classes(open_blocks, computers, last, now)
    return [
        BlockTimeReadiness(
            id=row.id,
            start=blocks[row.id].start,
            end=blocks[row.id].end,
            request_id=row.request_id,
            block=row.block,
            group=full_name(row.group, row.group_affiliation),
            image=row.image,
            block_status=blocks[row.id].block_status,
            readiness=readiness(
                blocks[row.id],
                computers.get(row.id, ()),
                now,
                zone,
                records.get(row.id, EMPTY),
                seen[row.id].at_risk if row.id in seen else "",
                sure.get(row.id),
            ),
            per_machine=len(blocks[row.id].image_ids),
        )
        for row in rows
    ]


def _block(row: BlockTimeRow, clusters: Mapping[int, list[int]]) -> BlockFacts:
    """The block time with the load time that counts without loads to learn from."""
    further = clusters.get(row.imagemeta_id, []) if row.imagemeta_id is not None else []
    return BlockFacts(
        start=_instant(row.start),
        end=_instant(row.end),
        processed=bool(row.processed),
        skip=bool(row.skip),
        status=row.status,
        expires=_instant(row.expires),
        machines=row.machines,
        image_ids=(row.image_id, *further),
        load_seconds=row.reload_minutes * 60,
    )


def _to_look_up(
    blocks: Mapping[int, BlockFacts], computers: Mapping[int, Sequence[ComputerFacts]], now: int
) -> dict[int, set[int]]:
    """The block times about which staff will ask what happened, with their computers (ids).

    Of a skipped one they ask until it is over, even if its request has expired.
    """
    return {
        key: {each.id for each in computers.get(key, ())}
        for key, block in blocks.items()
        if (block.skip and block.status == ACCEPTED and block.end > now)
        or (block.block_status.is_current_or_upcoming(now) and not has_all(block, computers.get(key, ())))
    }


def _to_estimate(still_open: Collection[BlockTimeRow], blocks: Mapping[int, BlockFacts], now: int) -> dict[int, int]:
    """The images whose load time matters now, with the minutes that count without loads to learn from.

    Only those of block times that begin soon: reading a year of the log takes long.
    """
    return {row.image_id: row.reload_minutes for row in still_open if blocks[row.id].start < now + 2 * ASKED_AHEAD}


def _computers(
    block_time_ids: Collection[int], starts: Mapping[int, int], now: int
) -> Mapping[int, Sequence[ComputerFacts]]:
    """Block time id -> its computers, by name. `starts` are those of the block times that are still to be held."""
    if not block_time_ids:
        return {}
    used, booked = _bookings(starts, now) if starts else ({}, {})
    instant_of = times.local_reader()
    computers: dict[int, dict[int, ComputerFacts]] = defaultdict(dict)
    for row in store.computers(block_time_ids):
        if row.id in computers[row.block_time_id]:  # a reload has more than one reservation of the computer: an error
            continue
        key = row.block_time_id, row.id
        computers[row.block_time_id][row.id] = store.computer_facts(
            row, instant_of, has_user=key in used, user_until=used.get(key), booked_until=booked.get(key)
        )
    return {block_time: [*by_id.values()] for block_time, by_id in computers.items()}


def _bookings(starts: Mapping[int, int], now: int) -> tuple[Until, Until]:
    """The computers that a user's reservation occupies now; and those that others have before the class."""
    used: dict[tuple[int, int], int] = {}
    booked: dict[tuple[int, int], int] = {}
    instant_of = times.local_reader()
    kind_of = cache(_kind)  # thousands of rows are of a few kinds
    rows = store.bookings(starts, now)
    for time, computer, request, state, last_state, begins, ends, is_reload, other in rows:
        end = instant_of(ends) or 0
        if end <= now:
            continue
        start, class_start = instant_of(begins) or 0, starts[time]
        kind = kind_of(bool(request), state, last_state, bool(is_reload))
        if start <= now and kind == _OF_USER:
            used[time, computer] = max(end, used.get((time, computer), 0))
        elif start < class_start and _has_to_load_after(kind, loads_other=bool(other), leaves=end <= class_start):
            booked[time, computer] = max(end, booked.get((time, computer), 0))
    return used, booked


_OF_CLASS, _OF_USER, _LOAD, _NEITHER = range(4)


def _kind(is_request: bool, state: int, last_state: int, is_reload: bool) -> int:
    """What a booking is: another class, a user's reservation that occupies the computer, a load, or none of these."""
    if not is_request:
        return _OF_CLASS
    if not is_reload and is_occupying(state, last_state):
        return _OF_USER
    waits_or_loads = state == RELOAD or (state, last_state) == (PENDING, RELOAD)
    return _LOAD if waits_or_loads else _NEITHER


def _has_to_load_after(kind: int, *, loads_other: bool, leaves: bool) -> bool:
    """Whether, when a booking before the class is over, the computer has to be loaded again for the class.

    `leaves`: it is over when the class begins. A reservation that goes on in the hours of the class may be a member's,
    which joined it (SPEC 5).
    """
    if kind == _OF_USER:
        return leaves
    return kind == _OF_CLASS or (kind == _LOAD and loads_other)


def _instant(moment: datetime) -> int:
    return int(moment.timestamp())


def most_urgent_first(block_times: Collection[BlockTimeReadiness], now: int) -> list[BlockTimeReadiness]:
    """Sorted by urgency: at risk, to watch, other ones on or to come, past or skipped. Each kind by start."""
    ranks = {"bad": 0, "watch": 1}

    def urgency(each: BlockTimeReadiness) -> tuple[int, int, int]:
        return (
            3 if not each.is_current_or_upcoming(now) else ranks.get(each.readiness.signal.level, 2),
            each.start,
            each.id,
        )

    return sorted(block_times, key=urgency)
