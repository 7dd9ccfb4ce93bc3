"""The facts that an inspection judges.

Instants are Unix seconds; an id is the row's id in VCL's table.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from blockalloc.store import times
from scheduling.block_status import is_scheduled
from scheduling.occupancy import occupied_from
from scheduling.state_ids import COMPLETE, FAILED

DELETED = 1  # VCL's state of a request that is to be removed


class BlockComputer(NamedTuple):
    """A computer that a block time has (a row of `blockComputers`), with all that the row leads to.

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
    revision_id: int  # what is loaded on the computer now
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


class Reservation(NamedTuple):
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
    """A block time, with or without computers, with what its block request says (of which "" and 0 when that is gone).

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
    block_computers: Sequence[BlockComputer]
    reservations: Mapping[int, Sequence[Reservation]]  # by computer
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
        times_of: dict[int, list[BlockTime]] = defaultdict(list)
        for time in self.times.values():
            if time.group_id is not None and time.takes_place and time.end > self.now:
                times_of[time.group_id].append(time)
        return times_of
