"""The site that calls are measured on: the same rows for the same sizes, at times relative to now.

Ids are the places in the lists, from 101 on. The facts of a plan are mixed: states, memory, processors, schedules,
platforms and loaded images of computers, groups that overlap, reservations and other classes at all hours.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from bench.calls.database import Value

ZONE = "America/New_York"
USER, PASSWORD = "vclsystem", "bench-pass"  # of a database that is gone after the run
DAYS_AHEAD = 21  # on which there are reservations, other classes, and those to allocate

_FIRST, _ADMIN, _RELOADER, _SYSTEM = 101, 1, 2, 3
IMAGES, NODES, _IMAGE_GROUPS, _NODE_GROUPS, _TREE, MEMBERS = 300, 12, 40, 4, 100, 60
_COMPUTER, _IMAGE, _NODE = 12, 13, 16  # resource types
_IMAGE_ADMIN, _CHECK_OUT, _CASCADE = 5, 6, 2  # privileges
_ADMIN_GROUP, _VCL_NODE, _XCAT, _LAB, _LINUX = 3, 3, 1, 3, 30
_AVAILABLE, _RESERVED, _FAILED, _INUSE, _MAINTENANCE, _HPC, _COMPLETE, _NEW, _RELOAD = 2, 3, 5, 8, 10, 23, 12, 13, 19
_STATES = ((_AVAILABLE, _INUSE, _MAINTENANCE, _FAILED, _RESERVED, _HPC), (70, 15, 5, 4, 4, 2))
_DAYTIME = 102  # a schedule; others are open always
_CLASS = timedelta(minutes=110)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Block times to allocate: one on each of `days` days to come, at each of `hours`, `each` times."""

    machines: int
    ignore: bool
    days: int = 20
    hours: tuple[int, ...] = (14,)
    each: int = 1

    @property
    def key(self) -> str:
        """Their key in `Site.times`: machines/ignoreprivileges."""
        return f"{self.machines}/{int(self.ignore)}"

    def starts(self, midnight: datetime) -> Iterator[datetime]:
        """When they begin; all of one hour before those of the next."""
        for hour in self.hours:
            for day in range(self.days):
                for _ in range(self.each):
                    yield midnight + timedelta(days=2 + day, hours=hour)


@dataclass(frozen=True, slots=True)
class Sizes:
    """Numbers of rows. `past_times` are block times that are over, with their computers; `decisions` are past, too."""

    wanted: tuple[Wanted, ...]
    computers: int = 10_000
    log: int = 200_000
    reservations: int = 20_000
    past_times: int = 1_000
    decisions: int = 1_000
    users: int = 5_000
    groups: int = 200

    def in_words(self) -> str:
        """The main sizes, in words."""
        return f"{self.computers:,} computers, {self.log:,} rows of log"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of one table, made while they are read."""

    name: str
    columns: str
    rows: Iterable[Sequence[Value]]


@dataclass(frozen=True, slots=True)
class Site:
    """Facts of a loaded site for calls: `times` are ids of block times by machines/ignoreprivileges."""

    image: int
    group: int
    times: dict[str, list[int]]
    user: str = USER
    password: str = PASSWORD


@dataclass
class Draft:
    """A site in the making. `now` is the site's local time."""

    sizes: Sizes
    now: datetime
    random: Random = field(default_factory=lambda: Random("a site for calls"))

    @property
    def image(self) -> int:
        """The image that is wanted."""
        return id_of(IMAGES - 1)

    @property
    def group(self) -> int:
        """The user group of the class."""
        return id_of(self.sizes.groups)

    @property
    def computers(self) -> range:
        """The ids of all computers."""
        return range(1, self.sizes.computers + 1)  # they may be 65,535 at most

    @property
    def pools(self) -> int:
        """How many groups of computers there are."""
        return min(max(self.sizes.computers // 40, 8), 120)

    @property
    def midnight(self) -> datetime:
        """When this day began."""
        return self.now.replace(hour=0, minute=0, second=0, microsecond=0)


def id_of(place: int) -> int:
    """The id of the row at a place in its list."""
    return _FIRST + place


def revision_of(image: int) -> int:
    """The production revision of an image: of two, the second."""
    return id_of(2 * (image - _FIRST) + 1)


def describe(draft: Draft) -> Site:
    """The site as calls need it."""
    ids = iter(range(_FIRST, 2**31))
    times = {wanted.key: [next(ids) for _ in wanted.starts(draft.midnight)] for wanted in draft.sizes.wanted}
    return Site(draft.image, draft.group, times)


def tables(draft: Draft) -> Iterator[Table]:
    """All tables but those of the past (bench.calls.history) and VCL's own."""
    yield from _people(draft)
    yield from _images(draft)
    yield from _computers(draft)
    yield from _resources(draft)
    yield from _tree(draft)
    yield from _bookings(draft)


def _people(draft: Draft) -> Iterator[Table]:
    random, users, groups = draft.random, range(draft.sizes.users), range(draft.sizes.groups)
    digest = hashlib.sha1(f"{PASSWORD}8ht2Pa55".encode()).hexdigest()  # noqa: S324 - VCL's own format
    yield Table("localauth", "userid passhash salt lastupdated", [(_SYSTEM, digest, "8ht2Pa55", str(draft.midnight))])
    yield Table(
        "user", "id unityid affiliationid email", [(id_of(n), f"user{n:05}", 1, f"user{n}@example.edu") for n in users]
    )
    names = [(id_of(n), f"group {n:03}", 1, _ADMIN) for n in groups]
    yield Table("usergroup", "id name affiliationid ownerid", [*names, (draft.group, "the class", 1, _ADMIN)])
    # The first users are the class. They are in no other group: they have only what is granted to it.
    members = [(id_of(n), draft.group) for n in users[:MEMBERS]]
    for n in users[MEMBERS:]:
        members += [(id_of(n), id_of(group)) for group in random.sample(groups, random.randint(1, 2))]
    yield Table("usergroupmembers", "userid usergroupid", members)


def _images(draft: Draft) -> Iterator[Table]:
    images, made = range(IMAGES), str(draft.midnight - timedelta(days=400))
    yield Table(
        "image",
        "id name prettyname OSid minram minprocnumber minprocspeed minnetwork reloadtime",
        [
            (id_of(n), f"image{n}-v1", f"Image for course {n:03}", _LINUX, 2048 + 2048 * (n % 2), 1, 1000, 100, 12)
            for n in images
        ],
    )
    yield Table(
        "imagerevision",
        "id imageid revision userid datecreated deleted production imagename",
        [(id_of(2 * n + r), id_of(n), r, _ADMIN, made, 0, r, f"image{n}-v{r}") for n in images for r in (0, 1)],
    )


def _computers(draft: Draft) -> Iterator[Table]:
    random = draft.random
    week = [(_DAYTIME, day * 1440 + 7 * 60, day * 1440 + 23 * 60) for day in range(7)]
    yield Table("schedule", "id name ownerid", [(101, "always too", _ADMIN), (_DAYTIME, "seven to eleven", _ADMIN)])
    yield Table("scheduletimes", "scheduleid start end", [(101, 0, 10_080), *week])
    rows: list[tuple[Value, ...]] = []
    for id_ in draft.computers:
        image = id_of(random.randrange(IMAGES))
        old = random.random() < 0.1
        lab = random.random() < 0.1
        rows.append((
            id_, f"node{id_:05}.example.edu", f"10.{id_ // 62_500}.{id_ // 250 % 250}.{id_ % 250}",
            random.choices(*_STATES)[0], "lab" if lab else "blade", _LAB if lab else _XCAT,
            random.choices((1, 4), (9, 1))[0], random.choices((1, 101, _DAYTIME), (60, 20, 20))[0],
            image, image, revision_of(image) - old, random.choice((1024, 4096, 8192, 16_384, 32_768)),
            random.choice((1, 2, 4, 8)), random.randrange(900, 3600), random.choice((100, 1000, 10_000)),
        ))  # fmt: skip
    columns = (
        "id hostname IPaddress stateid type provisioningid platformid scheduleid currentimageid nextimageid "
        "imagerevisionid RAM procnumber procspeed network"
    )
    yield Table("computer", columns, rows)


def _resources(draft: Draft) -> Iterator[Table]:
    """Groups of computers come first, then those of images, then those of management nodes."""
    random, pools = draft.random, draft.pools
    yield Table(
        "managementnode",
        "id IPaddress hostname ownerid stateid availablenetworks",
        [(id_of(n), f"10.9.0.{n}", f"mn{n}.example.edu", _ADMIN, _AVAILABLE, "") for n in range(NODES)],
    )
    kinds = [_COMPUTER] * pools + [_IMAGE] * _IMAGE_GROUPS + [_NODE] * _NODE_GROUPS
    groups = [(id_of(n), f"group {n}", _ADMIN_GROUP, kind) for n, kind in enumerate(kinds)]
    yield Table("resourcegroup", "id name ownerusergroupid resourcetypeid", groups)
    ids = {kind: [id_of(n) for n, other in enumerate(kinds) if other == kind] for kind in (_COMPUTER, _IMAGE, _NODE)}
    resources: list[tuple[int, int, int]] = []
    members: list[tuple[int, int]] = []
    things = {_COMPUTER: draft.computers, _IMAGE: range(_FIRST, _FIRST + IMAGES), _NODE: range(_FIRST, _FIRST + NODES)}
    for kind, keys in things.items():
        for key in keys:
            resources.append((id_of(len(resources)), kind, key))
            chosen = random.sample(ids[kind], random.randint(1, 3) if kind != _NODE else 2)
            members += [(resources[-1][0], group) for group in chosen]
    yield Table("resource", "id resourcetypeid subid", resources)
    yield Table("resourcegroupmembers", "resourceid resourcegroupid", members)
    # A third of the pools for each group of images; each pool has two of the groups of nodes.
    maps = [(g, _IMAGE, pool, _COMPUTER) for g in ids[_IMAGE] for pool in ids[_COMPUTER] if random.random() < 0.35]
    for n, pool in enumerate(ids[_COMPUTER]):
        maps += [(ids[_NODE][(n + k) % _NODE_GROUPS], _NODE, pool, _COMPUTER) for k in (0, 1)]
    yield Table("resourcemap", "resourcegroupid1 resourcetypeid1 resourcegroupid2 resourcetypeid2", maps)


def _tree(draft: Draft) -> Iterator[Table]:
    """Two branches below VCL's node: the class is granted one of them, with every second pool."""
    random = draft.random
    parents = [_VCL_NODE, _VCL_NODE]
    parents += [
        id_of(random.randrange(n - n % 2) // 2 * 2 + n % 2) for n in range(2, _TREE)
    ]  # even places: the first branch
    rows = [(id_of(n), parent, f"node {n:03}") for n, parent in enumerate(parents)]
    yield Table("privnode", "id parent name", rows)
    grants = [(draft.group, id_of(0), kind) for kind in (_CHECK_OUT, _CASCADE)]
    for n in range(draft.sizes.groups):
        for node in random.sample(range(_TREE), 2):
            kinds = (_IMAGE_ADMIN, _CHECK_OUT, _CASCADE) if n % 3 == 0 else (_CHECK_OUT,)
            grants += [(id_of(n), id_of(node), kind) for kind in kinds]
    yield Table(
        "userpriv", "id usergroupid privnodeid userprivtypeid", [(id_of(n), *row) for n, row in enumerate(grants)]
    )
    offers: list[tuple[Value, ...]] = []
    for n in range(draft.pools):
        for node in random.sample(range(n % 2, _TREE, 2), 3):
            offers += [(id_of(n), id_of(node), kind) for kind in ("available", *(["cascade"] * (node % 3 == 0)))]
    yield Table(
        "resourcepriv", "id resourcegroupid privnodeid type", [(id_of(n), *row) for n, row in enumerate(offers)]
    )


def _bookings(draft: Draft) -> Iterator[Table]:
    """The block times to allocate, other classes with their reloads, and users' reservations."""
    random = draft.random
    blocks: list[tuple[Value, ...]] = []
    times: list[tuple[Value, ...]] = []
    for wanted in draft.sizes.wanted:
        for start in wanted.starts(draft.midnight):
            id_ = id_of(len(times))
            blocks.append(_block(id_, draft.image, wanted.machines, draft.group, start + _CLASS))
            times.append((id_, id_, str(start), str(start + _CLASS), 0, 0))
    block_computers: list[tuple[Value, ...]] = []
    requests: list[tuple[Value, ...]] = []
    reservations: list[tuple[Value, ...]] = []
    for day in range(1, DAYS_AHEAD + 1):
        for hour in (9, 13, 16):
            id_, start = id_of(len(times)), draft.midnight + timedelta(days=day, hours=hour)
            image = id_of(random.randrange(IMAGES - 1))
            blocks.append(_block(id_, image, 20, id_of(random.randrange(draft.sizes.groups)), start + _CLASS))
            times.append((id_, id_, str(start), str(start + _CLASS), 0, 0))
            for computer in random.sample(draft.computers, min(20, len(draft.computers) // 10)):
                reload = id_of(len(requests))
                begins = start - timedelta(minutes=25)
                requests.append((reload, _RELOAD, _RELOAD, _RELOADER, str(begins), str(start), str(draft.midnight)))
                reservations.append((reload, reload, computer, image, revision_of(image), id_of(reload % NODES)))
                block_computers.append((id_, computer, image, reload))
    yield Table(
        "blockRequest",
        "id name imageid numMachines groupid repeating ownerid managementnodeid expireTime processing status",
        blocks,
    )
    yield Table("blockTimes", "id blockRequestid start end processed skip", times)
    yield Table("blockComputers", "blockTimeid computerid imageid reloadrequestid", block_computers)
    for _ in range(draft.sizes.reservations):
        id_, image = id_of(len(requests)), id_of(random.randrange(IMAGES))
        # Relative to midnight, so that the hour of the run does not change which are in the way of the block times.
        start = draft.midnight + timedelta(minutes=random.randrange(DAYS_AHEAD * 1440))
        end = start + timedelta(hours=random.choice((1, 2, 4, 8)))
        state = _NEW if start > draft.now else _INUSE if end > draft.now else _COMPLETE
        user = id_of(random.randrange(MEMBERS, draft.sizes.users))
        requests.append((id_, state, state, user, str(start), str(end), str(draft.midnight)))
        computer = random.choice(draft.computers)
        reservations.append((id_, id_, computer, image, revision_of(image), id_of(id_ % NODES)))
    yield Table("request", "id stateid laststateid userid start end daterequested", requests)
    yield Table("reservation", "id requestid computerid imageid imagerevisionid managementnodeid", reservations)


def _block(id_: int, image: int, machines: int, group: int, ends: datetime) -> tuple[Value, ...]:
    return (id_, f"class {id_}", image, machines, group, "list", _ADMIN, _FIRST, str(ends), 0, "accepted")
