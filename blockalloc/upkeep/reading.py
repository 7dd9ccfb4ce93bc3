"""Facts about block times, from their rows: for all of the next hours, or for one that is about to change."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from blockalloc.store import loads, times, watched
from blockalloc.store.readiness import computer_facts
from blockalloc.store.sql import split_ids
from blockalloc.store.watched import BlockTimeRow, BookingRow, SemaphoreRow, Watched
from scheduling.load_time.estimate import estimated_load_seconds, longest_load
from scheduling.ready_computer import BlockFacts
from scheduling.rules import CHECKIN_SECONDS
from scheduling.upkeep.facts import BlockTimeFacts, Booking, WatchedComputer
from scheduling.upkeep.target import target
from scheduling.windows import MINUTE

_KEPT = 10 * MINUTE  # for so long load times of a year of loads are as good as new ones


class _LoadTime(NamedTuple):
    """How long an image takes to load, and when a load counts as stuck; seconds."""

    expected: int
    longest: int
    read: int


class LoadTimes:
    """Load times of images, kept for some minutes by a process that looks again and again."""

    def __init__(self) -> None:
        self._kept: dict[int, _LoadTime] = {}

    def of(self, reload_minutes: Mapping[int, int], now: int) -> Mapping[int, _LoadTime]:
        """Image id -> load time, for images that come with their `reloadtime` in minutes."""
        missing = [id_ for id_ in reload_minutes if not self._is_fresh(id_, now)]
        for id_, lengths in loads.lengths(missing, now).items():
            seconds = sum(length * number for length, number in lengths)
            expected = estimated_load_seconds(seconds, sum(number for _, number in lengths), reload_minutes[id_])
            self._kept[id_] = _LoadTime(expected, longest_load(lengths, expected), now)
        return {id_: self._kept[id_] for id_ in reload_minutes}

    def expected(self, reload_minutes: Mapping[int, int], now: int) -> dict[int, int]:
        """Image id -> seconds that plans reckon with for a load."""
        return {id_: each.expected for id_, each in self.of(reload_minutes, now).items()}

    def _is_fresh(self, image_id: int, now: int) -> bool:
        kept = self._kept.get(image_id)
        return kept is not None and 0 <= now - kept.read < _KEPT


class Watch(NamedTuple):
    """A block time: its facts, its row, and what was remembered of it."""

    facts: BlockTimeFacts
    row: BlockTimeRow

    @property
    def image_ids(self) -> Sequence[int]:
        """The images of one machine."""
        return self.facts.block.image_ids


def upcoming(now: int, seconds: int, load_times: LoadTimes) -> list[Watch]:
    """The block times that begin within so many seconds or are on, the next ones first."""
    rows = [row for row in watched.upcoming(now, seconds) if _is_due(row, now, seconds)]
    return _facts(rows, now, load_times)


def several(block_time_ids: Collection[int], now: int) -> list[Watch]:
    """These block times, whenever they are, as far as there are any."""
    return _facts(watched.block_times(block_time_ids), now, LoadTimes())


def one(block_time_id: int, now: int, load_times: LoadTimes | None = None) -> Watch | None:
    """One block time, whenever it is; None when it is gone."""
    row = watched.block_time(block_time_id)
    return next(iter(_facts([row], now, load_times or LoadTimes()))) if row else None


def _is_due(row: BlockTimeRow, now: int, seconds: int) -> bool:
    start, block = times.from_local(row.start) or 0, _status(row)
    return block.block_status.is_current_or_upcoming(now) and start - seconds <= now


def _status(row: BlockTimeRow, load_seconds: int = 0) -> BlockFacts:
    return BlockFacts(
        start=times.from_local(row.start) or 0,
        end=times.from_local(row.end) or 0,
        processed=bool(row.processed),
        skip=bool(row.skip),
        status=row.status,
        expires=times.from_local(row.expires) or 0,
        machines=row.machines,
        image_ids=(row.image_id, *split_ids(row.further_images)),
        load_seconds=load_seconds,
    )


def _facts(rows: Sequence[BlockTimeRow], now: int, load_times: LoadTimes) -> list[Watch]:
    if not rows:
        return []
    read = watched.read([row.id for row in rows], now)
    seconds = load_times.of({row.image_id: row.reload_minutes for row in rows}, now)
    computers = _computers(read, {row.id: _status(row) for row in rows}, now)
    calls = watched.recorded_calls(read.calls)
    return [
        Watch(
            BlockTimeFacts(
                id=row.id,
                name=row.name,
                block=_status(row, seconds[row.image_id].expected),
                target=target(calls.get(row.id, ()), row.machines),
                longest_load=seconds[row.image_id].longest,
                computers=computers.get(row.id, ()),
                processing_seen=_processing_seen(row, now),
                holds_stopped=row.holds_stopped is not None,
                complete_since=times.from_utc(row.complete_since),
            ),
            row,
        )
        for row in rows
    ]


def _processing_seen(row: BlockTimeRow, now: int) -> int | None:
    if not row.processing:
        return None
    seen = times.from_utc(row.processing_seen)
    return now if seen is None else seen


def _computers(read: Watched, blocks: Mapping[int, BlockFacts], now: int) -> Mapping[int, list[WatchedComputer]]:
    instant_of = times.local_reader()
    bookings: dict[tuple[int, int], list[Booking]] = defaultdict(list)
    for booked in read.bookings:
        bookings[booked.block_time_id, booked.computer_id].append(_booking(booked, instant_of, now))
    live, upkeep = _semaphores(read.semaphores, now)
    classes: dict[int, list[BlockFacts]] = defaultdict(list)  # of each computer
    for row in read.computers:
        classes[row.id].append(blocks[row.block_time_id])
    computers: dict[int, dict[int, WatchedComputer]] = defaultdict(dict)
    for row in read.computers:
        theirs = bookings.get((row.block_time_id, row.id), ())
        used = any(each.is_occupying and each.start <= now < each.end for each in theirs)
        computers[row.block_time_id].setdefault(
            row.id,
            WatchedComputer(
                facts=computer_facts(
                    row,
                    instant_of,
                    has_user=used,
                    booked_until=_booked_until(row.image_id, blocks[row.block_time_id], classes[row.id], theirs, now),
                ),
                reload_id=row.reload_id,
                node_id=row.node_id,
                node=row.node,
                node_seen=times.from_check_in(row.node_seen),
                bookings=theirs,
                live_semaphore=row.id in live,
                held=row.id in upkeep,
            ),
        )
    return {id_: [*by_id.values()] for id_, by_id in computers.items()}


def _booked_until(
    image_id: int, block: BlockFacts, classes: Iterable[BlockFacts], bookings: Iterable[Booking], now: int
) -> int | None:
    """Until when other classes and other reloads have a computer before the class; None where none has.

    Of users, who may be members, the bookings themselves say more (see scheduling.upkeep.condition).
    """
    ends = [each.end for each in classes if each.start < block.start and each.end > now]
    ends += [
        each.end
        for each in bookings
        if each.is_reload and each.image_id != image_id and each.start < block.start and each.end > now
    ]
    return max(ends, default=None)


def _booking(row: BookingRow, instant_of: times.LocalReader, now: int) -> Booking:
    return Booking(
        row.request_id,
        row.state_id,
        row.last_state_id,
        instant_of(row.start) or 0,
        instant_of(row.end) or 0,
        row.image_id,
        bool(row.is_member),
        now - (times.from_check_in(row.node_seen) or 0) >= CHECKIN_SECONDS,
    )


def _semaphores(rows: Iterable[SemaphoreRow], now: int) -> tuple[frozenset[int], frozenset[int]]:
    """The computers on which somebody has a live row that is no hold of ours, and those that keep_ready holds."""
    live, upkeep = set(), set()
    for row in rows:
        if row.is_upkeep:
            upkeep.add(row.computer_id)
        elif not row.is_hold and (times.from_utc(row.expires) or 0) >= now:
            live.add(row.computer_id)
    return frozenset(live), frozenset(upkeep)
