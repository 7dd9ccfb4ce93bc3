"""What computers are booked for in a stretch of time, for the timeline: a fixed number of statements.

Instants are Unix seconds; ids are those of VCL's rows.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import NamedTuple

from blockalloc.store import page_loads, timeline_rows, times
from blockalloc.store.rows import full_name
from blockalloc.store.sql import fetch, listed_ids
from blockalloc.store.timeline_rows import BlockComputerRow, ReservationRow
from scheduling.occupancy import is_occupying, is_reload, occupied_from

_TO_LOAD = "SELECT id, reloadtime FROM image WHERE id IN ({images})"


class Machine(NamedTuple):
    """A computer with VCL's word for what it is doing."""

    id: int
    hostname: str
    state: str
    removed: bool


@dataclass(frozen=True, slots=True)
class BlockComputer:
    """A computer that a block time has. `reload_id` and `reload_start` are None when no reload is there (any more).

    `planned` is when its reload was to begin by our record, None without one; `load_seconds` how long its image takes
    to load, which matters where nothing else says when it is taken.
    """

    computer_id: int
    block_time_id: int
    start: int
    end: int
    skip: bool
    request_id: int
    name: str
    status: str
    image_id: int
    image: str
    group: str
    affiliation_id: int | None  # of the block request's owner
    reload_id: int | None
    reload_start: int | None
    planned: int | None
    load_seconds: int = 0

    @property
    def needs_load_time(self) -> bool:
        """Whether neither a reload nor our record says since when the computer is taken."""
        return self.reload_start is None and self.planned is None

    @property
    def begins(self) -> int:
        """When the computer is taken for it: its reload included (SPEC 8.15)."""
        return occupied_from(self.start, self.reload_start, self.planned, self.load_seconds)


@dataclass(frozen=True, slots=True)
class Reserved:
    """A computer of a request: a user's, or a reload. `for_block`: the reload is for a block, one after this time.

    `left_behind`: it is a reload of ours, but no block time has the computer for it any more.
    """

    computer_id: int
    request_id: int
    reload: bool
    state: str
    start: int
    end: int
    image_id: int
    image: str
    user: str
    for_block: bool = False
    left_behind: bool = False


class Closed(NamedTuple):
    """A site maintenance. `open`: users may reserve all the same."""

    start: int
    end: int
    open: bool
    reason: str


class Bookings(NamedTuple):
    """What computers are booked for."""

    block_computers: list[BlockComputer]
    reserved: list[Reserved]


class ClassComputer(NamedTuple):
    """A computer that a series has for a class, with the image for it; `affiliation_id` is that of the owner."""

    computer_id: int
    request_id: int
    image_id: int
    affiliation_id: int | None


class BookingsOfAll(NamedTuple):
    """What all computers are booked for; of reservations, which image each computer is to have: (computer, image)."""

    block_computers: Collection[ClassComputer]
    reserved: Collection[tuple[int, int]]


def machines(
    lab: int | None, computers: Collection[int] | None = None, classes: Collection[int] | None = None
) -> list[Machine]:
    """The site's computers, or those of a lab (a resource group), `computers`, or those of block times; in no order."""
    rows = timeline_rows.machines(lab, computers, classes)
    return [Machine(id_, name, state, bool(removed)) for id_, name, state, removed in rows]


class LoadTimes:
    """How long images take to load, as plans reckon: each is looked up once, and only when it is asked for."""

    def __init__(self, now: int) -> None:
        self._now = now
        self._known: dict[int, int] = {}

    def of(self, images: Collection[int]) -> Mapping[int, int]:
        """Image id -> seconds."""
        new = set(images) - self._known.keys()
        if new:
            self._known |= page_loads.estimates(dict(fetch(_TO_LOAD.format(images=listed_ids(sorted(new))))), self._now)
        return self._known


def bookings(start: int, end: int, computers: Sequence[int], load_times: LoadTimes) -> Bookings:
    """What takes place between `start` and `end` on these computers."""
    taken = _block_computers(start, end, timeline_rows.block_computers(start, end, computers=computers), load_times)
    reserved = _all_reserved(start, end, taken, timeline_rows.reservations(start, end, computers))
    return Bookings(taken, _with_blocks(reserved))


def bookings_of_all(start: int, end: int, load_times: LoadTimes, block: int | None = None) -> BookingsOfAll:
    """What takes place then on any computer, without names; with `block` that block request's times only.

    It is what `bookings` gives, of thousands of rows and without an object for each.
    """
    taken = _taken(start, end, timeline_rows.block_computers(start, end, block=block), load_times)
    reserved = frozenset() if block is not None else _images_reserved(start, end, taken)
    classes = {ClassComputer(row.computer_id, row.request_id, row.image_id, row.affiliation_id) for row in taken}
    return BookingsOfAll(classes, reserved)


def _taken(start: int, end: int, rows: Sequence[BlockComputerRow], load_times: LoadTimes) -> list[BlockComputerRow]:
    """The rows of computers that are taken for a class at some time between the two."""
    instant_of, planned_of = times.local_reader(), cache(times.from_utc)
    images = {row.image_id for row in rows if instant_of(row.reload_start) is None and planned_of(row.planned) is None}
    seconds = load_times.of(images) if images else {}
    return [
        row
        for row in rows
        if (instant_of(row.end) or 0) > start
        and occupied_from(
            instant_of(row.start) or 0, instant_of(row.reload_start), planned_of(row.planned),
            seconds.get(row.image_id, 0),
        ) < end
    ]  # fmt: skip


def _images_reserved(start: int, end: int, taken: Iterable[BlockComputerRow]) -> frozenset[tuple[int, int]]:
    """(Computer, image) of the reservations, without the reloads of those computers."""
    instant_of, kind_of = times.local_reader(), cache(_kind)
    of_blocks = {(each.computer_id, each.reload_id) for each in taken}
    return frozenset(
        (computer, image)
        for computer, request, state, last_state, starts, ends, image in timeline_rows.reservations_of_all(start, end)
        if (kind := kind_of(state, last_state)) != _NEITHER
        and (instant_of(starts) or 0) < end
        and (instant_of(ends) or 0) > start
        and not (kind == _IS_RELOAD and (computer, request) in of_blocks)
    )


_OCCUPIES, _IS_RELOAD, _NEITHER = range(3)


def _kind(state_id: int, last_state_id: int) -> int:
    if is_reload(state_id, last_state_id):
        return _IS_RELOAD
    return _OCCUPIES if is_occupying(state_id, last_state_id) else _NEITHER


def booked_computers(start: int, end: int, load_times: LoadTimes) -> set[int]:
    """The ids of the computers that are booked then for anything."""
    # Of classes after the end the lead time decides, which is worked out for each computer; there are few of them.
    later = _block_computers(start, end, timeline_rows.block_computers(end, end), load_times)
    return {each.computer_id for each in later} | {row[0] for row in timeline_rows.booked_computers(start, end)}


def _block_computers(
    start: int, end: int, rows: Iterable[BlockComputerRow], load_times: LoadTimes
) -> list[BlockComputer]:
    instant_of, planned_of = times.local_reader(), cache(times.from_utc)
    block_computers = _with_load_times([_block_computer(row, instant_of, planned_of) for row in rows], load_times)
    return [each for each in block_computers if each.begins < end and each.end > start]


def _block_computer(
    row: BlockComputerRow, instant_of: times.LocalReader, planned_of: Callable[[times.Stored], int | None]
) -> BlockComputer:
    return BlockComputer(
        computer_id=row.computer_id,
        block_time_id=row.block_time_id,
        start=instant_of(row.start) or 0,
        end=instant_of(row.end) or 0,
        skip=bool(row.skip),
        request_id=row.request_id,
        name=row.name,
        status=row.status,
        image_id=row.image_id,
        image=row.image,
        group=full_name(row.group, row.group_affiliation),
        affiliation_id=row.affiliation_id,
        reload_id=row.reload_id,
        reload_start=instant_of(row.reload_start),
        planned=planned_of(row.planned),
    )


def _with_load_times(block_computers: list[BlockComputer], load_times: LoadTimes) -> list[BlockComputer]:
    """With the load times of the images of those of which nothing else says since when they are taken."""
    images = {each.image_id for each in block_computers if each.needs_load_time}
    if not images:
        return block_computers
    seconds = load_times.of(images)
    return [
        replace(each, load_seconds=seconds.get(each.image_id, 0)) if each.needs_load_time else each
        for each in block_computers
    ]


def _all_reserved(
    start: int, end: int, block_computers: Iterable[BlockComputer], rows: Iterable[ReservationRow]
) -> list[Reserved]:
    """Without the reloads of the block computers in `block_computers`: those are shown with their blocks."""
    instant_of = times.local_reader()
    of_blocks = {(each.computer_id, each.reload_id) for each in block_computers}
    all_reserved = [
        _reserved(row, instant_of)
        for row in rows
        if is_occupying(row.state_id, row.last_state_id) or is_reload(row.state_id, row.last_state_id)
    ]
    return [
        each
        for each in all_reserved
        if each.start < end
        and each.end > start
        and not (each.reload and (each.computer_id, each.request_id) in of_blocks)
    ]


def _reserved(row: ReservationRow, instant_of: times.LocalReader) -> Reserved:
    return Reserved(
        computer_id=row.computer_id,
        request_id=row.request_id,
        reload=is_reload(row.state_id, row.last_state_id),
        state=row.state,
        start=instant_of(row.start) or 0,
        end=instant_of(row.end) or 0,
        image_id=row.image_id,
        image=row.image,
        user=full_name(row.user, row.affiliation),
    )


def _with_blocks(reserved: list[Reserved]) -> list[Reserved]:
    """With whose the reloads are.

    Those of adopted reservations may be for blocks that begin after the time shown. Those of ours that VCL has taken
    from their block, by an edit of its request, are there until they are withdrawn.
    """
    reloads = [row for row in reserved if row.reload]
    computers, requests = [row.computer_id for row in reloads], [row.request_id for row in reloads]
    whose: dict[str, set[tuple[int, int]]] = {"block": set(), "ours": set()}
    for owner, computer, request in timeline_rows.owners_of_reloads(computers, requests):
        whose[owner].add((computer, request))
    left_behind = whose["ours"] - whose["block"]
    return [
        replace(row, for_block=key in whose["block"], left_behind=key in left_behind) if row.reload else row
        for row in reserved
        for key in [(row.computer_id, row.request_id)]
    ]


def closed(start: int, end: int) -> list[Closed]:
    """The site maintenances between two instants."""
    maintenances = (
        Closed(times.from_local(starts) or 0, times.from_local(ends) or 0, bool(is_open), reason)
        for starts, ends, is_open, reason in timeline_rows.maintenances(start, end)
    )
    return sorted(each for each in maintenances if each.start < end and each.end > start)
