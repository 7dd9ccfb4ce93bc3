"""The facts that an inspection judges, of the rows that `store.inspection_rows` reads in a fixed number of statements.

Instants are Unix seconds; an id is the row's id in VCL's table.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from blockalloc.models import LoadTime, PlannedReload
from blockalloc.store import inspection_rows, loads, times
from scheduling.block_status import is_scheduled
from scheduling.occupancy import COMPLETE, FAILED, RELOAD, occupied_from
from scheduling.vcl_names import RELOAD_USER

DELETED = 1  # VCL's state of a request that is to be removed


class Held(NamedTuple):
    """A computer that a block time holds (a row of `blockComputers`), with all that the row leads to.

    `reload_start` is None when the reload request is gone, and `reload_asked`, when it was made, 0; `start` and `end`
    are 0 when the block time is gone. `planned` is when our record says that the reload was to begin, None without
    one; `load_seconds` how long the image is expected to load, 0 where nobody has to know.
    """

    block_time_id: int
    computer_id: int
    image_id: int
    reload_id: int
    hostname: str
    image_name: str
    revision_id: int  # what the computer holds now
    request_id: int | None  # of the block request; None: the block time is gone
    block: str
    group_id: int | None
    status: str
    skip: int
    start: int
    end: int
    reload_start: int | None
    reload_state: int  # of the reload request; 0 when it is gone
    reload_asked: int
    planned: int | None = None
    load_seconds: int = 0

    @property
    def occupied_from(self) -> int:
        """When the computer begins to be the block's (SPEC 4, rule 8; 8.15)."""
        return occupied_from(self.start, self.reload_start, self.planned, self.load_seconds)

    @property
    def to_come(self) -> bool:
        """Whether it is for a class that is meant to take place, so far as that does not depend on the time."""
        return self.request_id is not None and is_scheduled(skip=bool(self.skip), status=self.status)

    @property
    def has_live_reload(self) -> bool:
        """Whether its reload request is there and neither failed nor done with."""
        return self.reload_start is not None and self.reload_state not in (DELETED, FAILED, COMPLETE)


class Booked(NamedTuple):
    """A computer of a request, as far as it is one of a block's."""

    request_id: int
    state_id: int
    last_state_id: int
    user_id: int
    user: str
    start: int
    end: int
    asked: times.Stored  # a local time, as the database gives it
    computer_id: int
    image_id: int


class BlockTime(NamedTuple):
    """A block time, whatever holds it, with what its block request says (of which "" and 0 when that is gone).

    `over` is when it is over for certain: in an hour that comes twice later than `end`.
    """

    id: int
    name: str
    status: str
    processing: int
    image_id: int
    machines: int
    group_id: int | None
    skip: int
    processed: int
    start: int
    end: int
    over: int
    expires: int

    @property
    def takes_place(self) -> bool:
        """Whether it is meant to take place, so far as that does not depend on the time."""
        return is_scheduled(skip=bool(self.skip), status=self.status)


@dataclass(frozen=True, slots=True)
class Reload:
    """A reload request: one still to be taken by a management node, or one that a block computer names.

    `computers` are its reservations: (computer, image, hostname). `waiting`: it is the reload user's and in state and
    last state `reload`, as it was made. `preload` 0: management nodes begin it 35 minutes early.
    """

    id: int
    waiting: bool
    preload: int
    start: int
    end: int
    requested: int
    computers: Sequence[tuple[int, int, str]]


@dataclass(frozen=True, slots=True)
class Request:
    """An accepted block request that is marked as being processed, or that came through an API.

    `last_end` is the end of its last class by VCL's form, which stays when block times go; 0 without the form's rows.
    """

    id: int
    name: str
    processing: bool
    from_api: bool
    expires: int
    times: Sequence[tuple[int, int]]  # start and end of its block times
    has_dates: bool  # the rows of VCL's web form
    has_hours: bool
    last_end: int


class Planned(NamedTuple):
    """A reload on our record (SPEC 8.15)."""

    block_time_id: int
    computer_id: int
    request_id: int


@dataclass(frozen=True)
class Facts:
    """All that the rows are judged by."""

    now: int
    held: Sequence[Held]
    booked: Mapping[int, Sequence[Booked]]  # by computer
    reloads: Mapping[int, Reload]
    members: Mapping[int, frozenset[int]]  # user group -> users
    production: Mapping[int, int]  # image -> its production revision
    requests: Sequence[Request]
    times: Mapping[int, BlockTime]
    subimages: Mapping[int, Sequence[int]]  # image of a cluster -> the further images that a machine needs
    planned: Mapping[Planned, int]  # the reloads on our record -> when they were planned to begin

    @cached_property
    def times_of(self) -> Mapping[int, Sequence[BlockTime]]:
        """User group -> its block times that are meant to take place and are not over."""
        found: dict[int, list[BlockTime]] = defaultdict(list)
        for time in self.times.values():
            if time.group_id is not None and time.takes_place and time.end > self.now:
                found[time.group_id].append(time)
        return found


def read(now: int, own_tables: Collection[str]) -> Facts:
    """All facts, in the caller's transaction. `own_tables` are those of this service that are there."""
    planned = _planned() if PlannedReload._meta.db_table in own_tables else {}
    return Facts(
        now=now,
        held=_held(now, planned, kept_loads=LoadTime._meta.db_table in own_tables),
        booked=_booked(now),
        reloads=_reloads(),
        members=_members(),
        production={int(image): int(revision) for image, revision in inspection_rows.production_revisions()},
        requests=_requests(),
        times=_times(),
        subimages=_subimages(),
        planned=planned,
    )


def _planned() -> dict[Planned, int]:
    return {
        Planned(row.block_time_id, row.computer_id, row.request_id): times.from_utc(row.start) or 0
        for row in inspection_rows.planned()
    }


def _held(now: int, planned: Mapping[Planned, int], *, kept_loads: bool) -> list[Held]:
    all_held = [
        Held(
            block_time_id=row.block_time_id,
            computer_id=row.computer_id,
            image_id=row.image_id,
            reload_id=row.reload_id,
            hostname=row.hostname,
            image_name=row.image_name,
            revision_id=row.revision_id,
            request_id=row.request_id,
            block=row.block,
            group_id=row.group_id,
            status=row.status,
            skip=row.skip,
            start=times.from_local(row.start) or 0,
            end=times.from_local(row.end) or 0,
            reload_start=times.from_local(row.reload_start),
            reload_state=row.reload_state,
            reload_asked=times.from_local(row.reload_asked) or 0,
            planned=planned.get(Planned(row.block_time_id, row.computer_id, row.reload_id)),
        )
        for row in inspection_rows.block_computers()
    ]
    seconds = _load_seconds(all_held, now, kept=kept_loads)
    return [held._replace(load_seconds=seconds.get(held.image_id, 0)) for held in all_held]


def _load_seconds(all_held: Iterable[Held], now: int, *, kept: bool) -> dict[int, int]:
    """How long images load, of those of which nothing else says from when on a computer is taken."""
    images = {
        held.image_id for held in all_held if held.reload_start is None and held.planned is None and held.end > now
    }
    minutes = {id_: int(minutes) for id_, minutes in inspection_rows.reload_minutes() if id_ in images}
    return loads.estimates(minutes, now, kept=kept)


def _booked(now: int) -> dict[int, list[Booked]]:
    booked: dict[int, list[Booked]] = defaultdict(list)
    for row in inspection_rows.reservations(now):
        instants = {"start": times.from_local(row.start) or 0, "end": times.from_local(row.end) or 0}
        booked[row.computer_id].append(Booked(**{**row._asdict(), **instants}))
    return booked


def _reloads() -> dict[int, Reload]:
    reloads: dict[int, Reload] = {}
    computers: dict[int, list[tuple[int, int, str]]] = defaultdict(list)
    for row in inspection_rows.reloads():
        if row.computer_id is not None and row.image_id is not None:
            computers[row.request_id].append((row.computer_id, row.image_id, row.hostname))
        if row.request_id not in reloads:
            states, user = (row.state_id, row.last_state_id), (row.user, row.affiliation)
            reloads[row.request_id] = Reload(
                id=row.request_id,
                waiting=states == (RELOAD, RELOAD) and user == RELOAD_USER,
                preload=row.preload,
                start=times.from_local(row.start) or 0,
                end=times.from_local(row.end) or 0,
                requested=times.latest_from_local(row.asked) or 0,
                computers=computers[row.request_id],
            )
    return reloads


def _members() -> dict[int, frozenset[int]]:
    members: dict[int, set[int]] = defaultdict(set)
    for group, user in inspection_rows.members():
        members[group].add(user)
    return {group: frozenset(users) for group, users in members.items()}


def _requests() -> list[Request]:
    requests: dict[int, Request] = {}
    spans: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for row in inspection_rows.requests():
        if row.start is not None:
            spans[row.id].append((times.from_local(row.start) or 0, times.from_local(row.end) or 0))
        if row.id not in requests:
            requests[row.id] = Request(
                id=row.id,
                name=row.name,
                processing=bool(row.processing),
                from_api=row.name.startswith("API:") and (row.owner, row.owner_affiliation) == RELOAD_USER,
                expires=times.from_local(row.expires) or 0,
                times=spans[row.id],
                has_dates=row.last_day is not None,
                has_hours=row.last_minute is not None,
                last_end=form_end(row.last_day, row.last_minute),
            )
    return list(requests.values())


def form_end(day: object, minute: int | None) -> int:
    """The end of the last class by VCL's form: its last day, and the last minute of a day. 0 when one is missing."""
    if day is None or minute is None or str(day).startswith("0000"):
        return 0
    return times.from_local(f"{day} {int(minute) // 60:02}:{int(minute) % 60:02}:00") or 0


def _times() -> dict[int, BlockTime]:
    block_times = {}
    for row in inspection_rows.block_times():
        instants = {
            "start": times.from_local(row.start) or 0,
            "end": times.from_local(row.end) or 0,
            "over": times.latest_from_local(row.end) or 0,
            "expires": times.from_local(row.expires) or 0,
        }
        block_times[row.id] = BlockTime(**{**row._asdict(), **instants})
    return block_times


def _subimages() -> dict[int, list[int]]:
    subimages: dict[int, list[int]] = defaultdict(list)
    for image, further in inspection_rows.subimages():
        subimages[image].append(further)
    return subimages
