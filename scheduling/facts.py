"""What is known about a site when a block is planned.

Rows that come by the thousand are named tuples (cheap to make), the rest frozen dataclasses.
Instants are Unix seconds; an id is the row's id in VCL's table.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Self
from zoneinfo import ZoneInfo

from scheduling.reloads.policy import ReadyPolicy


class Image(NamedTuple):
    """An image and the least that a computer must have to run it (SPEC 4, rules 3, 5, 9, 11)."""

    id: int
    name: str
    revision_id: int  # the production revision
    platform_id: int
    install_type: str  # of the image's OS: "partimage", "vmware" …
    min_ram: int  # MB
    min_processors: int
    min_speed: int  # MHz of one processor
    min_network: int  # Mbit/s
    max_concurrent: int | None
    reload_minutes: int


class Computer(NamedTuple):
    """A computer: what it is, what it has loaded now, and the VM host that it runs on."""

    id: int
    hostname: str
    type: str  # "blade", "lab", "virtualmachine"
    state: str
    deleted: int
    platform_id: int
    schedule_id: int | None
    provisioning_id: int
    vm_host_id: int | None  # row of `vmhost`
    host_computer_id: int | None  # the computer of that row
    ram: int  # MB
    processors: int
    speed: int  # MHz of one processor
    network: int  # Mbit/s
    revision_id: int  # the image revision that it has loaded now
    loaded_ram: int  # MB, the minimum memory of the image that it has loaded now
    owner_id: int | None


_STATE = Computer._fields.index("state")


class Fleet(Mapping[int, Computer]):
    """The computers of a site by id, kept column by column.

    There may be tens of thousands, of which few are judged one by one: what concerns all is worked out on columns, and
    a `Computer` is made when it is asked for. A row index is a computer's index in each of the columns.
    """

    def __init__(self, columns: Sequence[Sequence[Any]]) -> None:
        """`columns` are the fields of Computer, in their order, each with a value for every computer."""
        self._columns = columns
        self._made: dict[int, Computer] = {}

    @classmethod
    def of_rows(cls, rows: Iterable[tuple[Any, ...]]) -> Self:
        """Of rows with the fields of Computer."""
        return cls(list(zip(*rows, strict=True)) or [()] * len(Computer._fields))

    def column(self, field: str) -> Sequence[Any]:
        """One field of all computers; every column has them in the same order."""
        return self._columns[Computer._fields.index(field)]

    def columns(self, *fields: str) -> Iterator[tuple[Any, ...]]:
        """Several fields of each computer."""
        return zip(*map(self.column, fields), strict=True)

    def at(self, row_index: int) -> Computer:
        """The computer whose fields are at `row_index` of the columns."""
        if row_index not in self._made:
            self._made[row_index] = Computer._make([column[row_index] for column in self._columns])
        return self._made[row_index]

    @cached_property
    def virtual_machines(self) -> dict[int, list[int]]:
        """The computer of each VM host -> its virtual machines."""
        machines: dict[int, list[int]] = defaultdict(list)
        for id_, host in self.columns("id", "host_computer_id"):
            if host is not None:
                machines[host].append(id_)
        return dict(machines)

    def rows_with_revision(self, revision_id: int) -> Collection[int]:
        """The row indexes of computers that have an image revision loaded now."""
        return [row_index for row_index, each in enumerate(self.column("revision_id")) if each == revision_id]

    def with_state(self, ids: Collection[int], state: str) -> Self:
        """The same computers, those with these ids in another state."""
        states = [state if id_ in ids else before for id_, before in self.columns("id", "state")]
        return type(self)([*self._columns[:_STATE], states, *self._columns[_STATE + 1 :]])

    def __getitem__(self, computer_id: int) -> Computer:
        return self.at(self._row_indexes[computer_id])

    def __iter__(self) -> Iterator[int]:
        return iter(self.column("id"))

    def __len__(self) -> int:
        return len(self._columns[0])

    @cached_property
    def _row_indexes(self) -> dict[int, int]:
        return {computer_id: row_index for row_index, computer_id in enumerate(self)}


class ManagementNode(NamedTuple):
    """A management node; `last_checkin` is None for one that never checked in."""

    id: int
    hostname: str
    state: str
    last_checkin: int | None


class Reservation(NamedTuple):
    """One computer of a request: a user's reservation or a reload reservation."""

    request_id: int
    state_id: int
    last_state_id: int
    user_id: int
    start: int
    end: int
    computer_id: int
    image_id: int
    image_ram: int  # MB, the image's minimum memory
    management_node_id: int
    reload_minutes: int = 10  # the image's reloadtime


class BlockComputer(NamedTuple):
    """A computer that a block time has (`blockComputers`).

    `reload_start` is when its reload begins or was to begin: see occupancy.occupied_from. `reload_id` is the request
    that its row names, which may be gone.
    """

    block_time_id: int
    computer_id: int
    image_id: int
    image_ram: int  # MB, the image's minimum memory
    start: int
    end: int
    reload_start: int
    group_id: int | None
    skip: int
    status: str
    reload_id: int = 0


class OrphanedReload(NamedTuple):
    """A computer of a reload request of ours that no block time has any more (SPEC 8.15).

    `block_time_id` is the block time that had it. `end` is when a reload that has begun will be over. One that waits
    has no end: it begins however late it is.
    """

    block_time_id: int
    request_id: int
    computer_id: int
    image_ram: int  # MB, the image's minimum memory
    start: int
    end: int | None


class Maintenance(NamedTuple):
    """A site maintenance window."""

    start: int
    end: int
    allow_reservations: int


class Member(NamedTuple):
    """A member of the user group, on whose behalf a machine can be taken (SPEC 5)."""

    id: int
    name: str
    group_ids: frozenset[int]  # user groups that they are a member of
    owned_group_ids: frozenset[int] = frozenset()  # user groups that they own


@dataclass(frozen=True, slots=True)
class PrivilegeTree:
    """The privilege tree (SPEC 4, rule 7).

    Holders of privileges are ("user", id) or ("group", id). `user_privileges` and
    `resource_privileges` give the names set at a node itself.
    """

    parents: Mapping[int, int]  # node -> parent; the root is its own parent or has none
    user_privileges: Mapping[tuple[str, int], Mapping[int, frozenset[str]]]  # holder -> node -> names
    resource_privileges: Mapping[int, Mapping[int, frozenset[str]]]  # resource group -> node -> names
    group_owners: Mapping[int, int]  # resource group -> user group that owns it


NO_PRIVILEGES = PrivilegeTree({}, {}, {}, {})


@dataclass(frozen=True, slots=True)
class Block:
    """The block time to be filled: not a block request, which may have several."""

    block_time_id: int  # 0: not stored yet
    start: int
    end: int
    group_id: int | None
    images: Sequence[Image]  # the image, then one for each of its subimages (may repeat)
    machines: int  # wanted

    @property
    def image_ids(self) -> list[int]:
        """The ids of the images that make one machine."""
        return [image.id for image in self.images]


@dataclass(frozen=True, slots=True)
class Site:
    """All facts that a plan rests on: the site's own, those of the time of the call, and those about who asks.

    `now` is the time of the call. `members`, `caller_id`, `recent_failures` and `load_seconds` belong to the block that
    is to be filled; what is promised and claimed is read for its hours, not for all times.
    """

    now: int
    zone: ZoneInfo
    computers: Fleet
    group_computers: Mapping[int, frozenset[int]]  # resource group -> computers
    image_groups: Mapping[int, frozenset[int]]  # image -> resource groups
    node_groups: Mapping[int, frozenset[int]]  # management node -> resource groups
    mapped_groups: Mapping[int, Collection[int]]  # resource group -> groups it is mapped to, either direction
    schedule_times: Mapping[int, Sequence[tuple[int, int]]]  # schedule -> (start, end) minutes of the week
    install_types: Mapping[int, frozenset[str]]  # provisioning -> install types it supports
    management_nodes: Sequence[ManagementNode]
    maintenances: Sequence[Maintenance]
    reservations: Sequence[Reservation]  # a request's in the order of their ids: the first is of its image
    block_computers: Sequence[BlockComputer]
    claimed: frozenset[int]  # computers with a live semaphore that stops us
    load_seconds: int  # load time of the block's image (SPEC 6)
    reload_user_id: int
    orphans: Sequence[OrphanedReload] = ()
    members: Sequence[Member] = ()  # of the user group, by unityid
    caller_id: int = 0  # the calling account
    recent_failures: Mapping[tuple[int, int], frozenset[int]] | None = (
        None  # (user, image) -> computers (SPEC 4, order)
    )
    privileges: PrivilegeTree = NO_PRIVILEGES  # read when privileges count
    ready_policy: ReadyPolicy | None = None  # None: policy `vcl`

    def groups_of(self, computer_id: int) -> frozenset[int]:
        """The resource groups that a computer is in. For few computers: it looks into each group."""
        return frozenset(group for group, computers in self.group_computers.items() if computer_id in computers)

    def computers_in(self, groups: Iterable[int]) -> frozenset[int]:
        """The computers of several resource groups."""
        none: frozenset[int] = frozenset()
        return none.union(*(self.group_computers.get(group, none) for group in groups))
