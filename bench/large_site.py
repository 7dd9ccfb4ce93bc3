"""A large university's site: thousands of computers, a term of classes, a year of reservations.

The same rows for the same sizes, whenever and wherever it is made. All times are around NOW, a Tuesday at a quarter
to nine; ids are the places in the lists, from 101 on.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from random import Random
from zoneinfo import ZoneInfo

from django.db import connection, transaction

from blockalloc.accounts.vcl_accounts import MANAGES_BLOCKS_OF_AFFILIATION

ZONE = "America/New_York"
NOW = datetime(2026, 11, 24, 8, 45, tzinfo=ZoneInfo(ZONE))
MANAGER, PASSWORD = "manager@North", "bench-pass"  # sees the blocks of one affiliation of three

_FORMAT = "%Y-%m-%d %H:%M:%S"
_FIRST, _ADMIN, _RELOADER = 101, 1, 2
_AFFILIATIONS = ("North", "South", "West")
_USERS, _GROUPS, _IMAGES, _REVISIONS, _NODES, _POOLS, _REQUESTS = 3000, 200, 300, 3, 12, 20, 300
_ALWAYS_OPEN, _XCAT, _VMWARE = 1, 1, 7
_COMPUTER, _IMAGE, _NODE = 12, 13, 16  # resource types
_UBUNTU, _VM_UBUNTU = 30, 44  # operating systems
_AVAILABLE, _RESERVED, _FAILED, _RELOADING, _INUSE, _MAINTENANCE, _NEW, _PENDING, _RELOAD, _VMHOST = (
    2, 3, 5, 6, 8, 10, 13, 14, 19, 20,
)  # fmt: skip
_STATES = ((_AVAILABLE, _INUSE, _RELOADING, _MAINTENANCE, _FAILED, _RESERVED), (78, 12, 4, 3, 2, 1))
_WEEKS_BACK, _WEEKS = 6, 17  # of the term
_COMPUTERS_SINCE, _COMPUTERS_UNTIL = timedelta(weeks=1), timedelta(weeks=2)  # block times that have computers
_DAILY = 84  # times of the one request that takes place on every working day
_STEPS = (35, 22, 26, 2, 12, 27, 28, 9)  # states of the load log, as they follow each other
_AT_ONCE = 500  # rows of a statement
_HOURS = (8, 9, 9, 9, 10, 11, 12, 13, 13, 14, 15, 16, 17, 18)

# A series of the first affiliation with classes of many machines, one of which begins today after now.
SEATS = 70
LARGEST = next(
    place for place in range(3, _REQUESTS, 3)
    if place % 5 == NOW.weekday() and _HOURS[place // 5 % len(_HOURS)] > NOW.hour
)  # fmt: skip

Value = int | str | bytes | None
WALL = NOW.replace(tzinfo=None)
MIDNIGHT = WALL.replace(hour=0, minute=0)


@dataclass(frozen=True, slots=True)
class Sizes:
    """Numbers of rows of the tables that the measured pages show."""

    computers: int = 10_000
    block_times: int = 5_000
    decisions: int = 100_000
    reservations: int = 20_000
    log: int = 200_000
    closing_rows: int = 20_000


@dataclass
class Site:
    """Facts of the site for its later parts and for the measured addresses."""

    sizes: Sizes
    random: Random = field(default_factory=lambda: Random("a large site"))
    computers: list[int] = field(default_factory=list)  # those that can be reserved
    images: list[int] = field(default_factory=list)
    times: list[tuple[int, int, datetime, datetime]] = field(default_factory=list)  # id, place of request, start, end
    machines: list[int] = field(default_factory=list)  # of the requests
    requests: int = 0  # rows of VCL's `request` so far
    reservations: int = 0

    def owner(self, request: int) -> int:
        """The user who owns a block request, by its place."""
        return id_of(request)

    def affiliation(self, request: int) -> int:
        """The affiliation of the owner."""
        return id_of(request % len(_AFFILIATIONS))

    def group(self, request: int) -> int:
        """The user group that a block request is for."""
        return id_of(request % _GROUPS)

    def image(self, request: int) -> int:
        """The image of a block request: some are asked for often, most by one class."""
        return self.images[request % 7 if request % 3 == 0 else request]

    def pool(self, image: int) -> Sequence[int]:
        """The computers that may run an image."""
        share = len(self.computers) // _POOLS
        place = (image - _FIRST) % _POOLS
        return self.computers[place * share : (place + 1) * share]

    def revision(self, image: int) -> int:
        """The production revision."""
        return id_of((image - _FIRST) * _REVISIONS + _REVISIONS - 1)


def id_of(place: int) -> int:
    """The id of the row at a place in its list."""
    return _FIRST + place


def build(sizes: Sizes) -> Site:
    """Fill the migrated database, with the clock stopped at NOW."""
    site = Site(sizes)
    with connection.constraint_checks_disabled(), transaction.atomic():
        _people(site)
        _images(site)
        _computers(site)
        _resources(site)
        _blocks(site)
        _computers_of_blocks(site)
        _reservations(site)
        _log(site)
    return site


def insert(table: str, columns: str, rows: Iterable[Sequence[Value]]) -> None:
    """Insert rows of any number."""
    names = ", ".join(f"`{name}`" for name in columns.split())
    marks = f"({', '.join(['%s'] * len(columns.split()))})"
    left = iter(rows)
    with connection.cursor() as cursor:
        while batch := list(islice(left, _AT_ONCE)):
            values = ", ".join([marks] * len(batch))
            sql = f"INSERT INTO `{table}` ({names}) VALUES {values}"  # noqa: S608 - names are our own
            cursor.execute(sql, [value for row in batch for value in row])


def stored(moment: datetime) -> str:
    """A time as VCL's columns have it."""
    return moment.strftime(_FORMAT)


# --- People, images, computers ------------------------------------------------------------------


def _people(site: Site) -> None:
    names = enumerate(_AFFILIATIONS)
    insert("affiliation", "id name dataUpdateText", ((id_of(n), name, "") for n, name in names))
    share = len(_AFFILIATIONS)
    users = [(id_of(n), f"user{n}", id_of(n % share), f"user{n}@example.edu") for n in range(_USERS)]
    users.append((id_of(_USERS), MANAGER.partition("@")[0], _FIRST, ""))
    insert("user", "id unityid affiliationid email", users)
    digest = hashlib.sha1(f"{PASSWORD}8ht2Pa55".encode()).hexdigest()  # noqa: S324 - VCL's own format
    insert("localauth", "userid passhash salt lastupdated", [(id_of(_USERS), digest, "8ht2Pa55", stored(WALL))])
    groups = [(id_of(n), f"CS{n:03} section {n % 7}", id_of(n % share), id_of(n)) for n in range(_GROUPS)]
    groups.append((id_of(_GROUPS), "block managers", _FIRST, _ADMIN))
    insert("usergroup", "id name affiliationid ownerid", groups)
    members = [(id_of(n), id_of(n % _GROUPS)) for n in range(_USERS)]
    insert("usergroupmembers", "userid usergroupid", [*members, (id_of(_USERS), id_of(_GROUPS))])
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO usergrouppriv (usergroupid, userprivtypeid) "
            "SELECT %s, id FROM usergroupprivtype WHERE name = %s",
            [id_of(_GROUPS), MANAGES_BLOCKS_OF_AFFILIATION],
        )


def _images(site: Site) -> None:
    site.images = [id_of(n) for n in range(_IMAGES)]
    insert(
        "image",
        "id name prettyname ownerid OSid minram minprocnumber minprocspeed minnetwork reloadtime size description",
        (
            (id_of(n), f"image{n}-v2", _image_name(n), id_of(n), _os(n), 2048 + 1024 * (n % 4), 2, 2000, 100,
             5 + n % 15, 4000, f"For the classes of department {n % 40}. " * 8)
            for n in range(_IMAGES)
        ),
    )  # fmt: skip
    insert(
        "imagerevision",
        "id imageid revision userid datecreated deleted production imagename",
        (
            (id_of(n * _REVISIONS + r), id_of(n), r, id_of(n), stored(WALL - timedelta(days=400 - 150 * r)), 0,
             int(r == _REVISIONS - 1), f"image{n}-v{r}")
            for n in range(_IMAGES)
            for r in range(_REVISIONS)
        ),
    )  # fmt: skip


def _image_name(number: int) -> str:
    return f"{('Ubuntu 22.04', 'Windows 11', 'MATLAB R2026a', 'Rocky 9 HPC')[number % 4]} for course {number:03}"


def _os(image: int) -> int:
    """Images of pools of virtual machines are virtual ones."""
    return _VM_UBUNTU if _is_virtual(image % _POOLS) else _UBUNTU


def _is_virtual(pool: int) -> bool:
    return pool % 5 != 0


def _computers(site: Site) -> None:
    hosts = max(site.sizes.computers // 25, 1)
    number = site.sizes.computers - hosts
    share = number // _POOLS
    site.computers = [id_of(hosts + n) for n in range(number)]
    insert("vmprofile", "id profilename imageid datastorepath", [(_FIRST, "VMware ESXi", _FIRST, "datastore1")])
    insert("vmhost", "id computerid vmprofileid", ((id_of(n), id_of(n), _FIRST) for n in range(hosts)))
    rows = [(id_of(n), f"esx-{n}.example.edu", _VMHOST, "blade", _XCAT, None, 524_288, _FIRST) for n in range(hosts)]
    for n, id_ in enumerate(site.computers):
        pool = min(n // share, _POOLS - 1)
        name = f"vm{pool:02}-{n}" if _is_virtual(pool) else f"blade{pool:02}-{n}"
        image = id_of(pool + _POOLS * site.random.randrange(_IMAGES // _POOLS))
        state = site.random.choices(*_STATES)[0]
        virtual = (
            ("virtualmachine", _VMWARE, id_of(n % hosts), 8192) if _is_virtual(pool) else ("blade", _XCAT, None, 16_384)
        )
        rows.append((id_, f"{name}.example.edu", state, *virtual, image))
    insert(
        "computer",
        "id hostname stateid type provisioningid vmhostid RAM currentimageid nextimageid imagerevisionid procnumber "
        "procspeed network scheduleid IPaddress privateIPaddress rsa notes",
        (
            (*row, row[-1], site.revision(row[-1]) - (row[0] % 10 == 0), 4, 2800, 1000, _ALWAYS_OPEN,
             f"10.{row[0] // 62_500}.{row[0] // 250 % 250}.{row[0] % 250}", f"192.168.{row[0] // 250}.{row[0] % 250}",
             "-----BEGIN RSA PRIVATE KEY-----" * 30, "checked after the fan was replaced" if row[0] % 20 == 0 else None)
            for row in rows
        ),
    )  # fmt: skip


def _resources(site: Site) -> None:
    """A group of images and one of computers for each pool; each management node manages all."""
    kinds = [(_COMPUTER, site.computers), (_IMAGE, site.images), (_NODE, [id_of(n) for n in range(_NODES)])]
    seen = NOW.astimezone(UTC).replace(tzinfo=None) - timedelta(seconds=5)
    insert(
        "managementnode",
        "id IPaddress hostname ownerid stateid lastcheckin availablenetworks",
        ((id_of(n), f"10.9.0.{n}", f"mn{n}.example.edu", _ADMIN, _AVAILABLE, stored(seen), "") for n in range(_NODES)),
    )
    groups: list[Sequence[Value]] = []
    resources: list[Sequence[Value]] = []
    members: list[Sequence[Value]] = []
    maps: list[Sequence[Value]] = []
    for kind, keys in kinds:
        first = id_of(len(groups))
        pools = 1 if kind == _NODE else _POOLS
        groups += [(first + n, f"group {kind}-{n}", id_of(_GROUPS), kind) for n in range(pools)]
        for place, key in enumerate(keys):
            resources.append((id_of(len(resources)), kind, key))
            pool = {_COMPUTER: min(place * _POOLS // len(keys), _POOLS - 1), _IMAGE: place % _POOLS, _NODE: 0}[kind]
            members.append((resources[-1][0], first + pool))
    for pool in range(_POOLS):
        maps.append((id_of(_POOLS + pool), _IMAGE, id_of(pool), _COMPUTER))
        maps.append((id_of(2 * _POOLS), _NODE, id_of(pool), _COMPUTER))
    insert("resourcegroup", "id name ownerusergroupid resourcetypeid", groups)
    insert("resource", "id resourcetypeid subid", resources)
    insert("resourcegroupmembers", "resourceid resourcegroupid", members)
    insert("resourcemap", "resourcegroupid1 resourcetypeid1 resourcegroupid2 resourcetypeid2", maps)


# --- Blocks -------------------------------------------------------------------------------------


def _blocks(site: Site) -> None:
    random = site.random
    site.machines = [random.choice((5, 10, 15, 20, 20, 25, 30, 40)) for _ in range(_REQUESTS)]
    site.machines[LARGEST] = SEATS
    ends = MIDNIGHT + timedelta(weeks=_WEEKS - _WEEKS_BACK)
    statuses = ["accepted"] * 57 + ["requested", "rejected", "deleted"]
    insert(
        "blockRequest",
        "id name imageid numMachines groupid repeating ownerid managementnodeid expireTime processing status comments",
        (
            (id_of(n), f"Class {n:03} laboratory", site.image(n), site.machines[n], site.group(n), "weekly",
             site.owner(n), id_of(n % _NODES), stored(ends), 0, statuses[n % len(statuses)], "As last term. " * 20)
            for n in range(_REQUESTS)
        ),
    )  # fmt: skip
    monday = MIDNIGHT - timedelta(days=MIDNIGHT.weekday(), weeks=_WEEKS_BACK)
    starts = [(0, _session(monday, n // 5, n % 5, 9)) for n in range(min(_DAILY, site.sizes.block_times))]
    weekly = ((place, week) for week in range(_WEEKS * 10) for place in range(1, _REQUESTS))
    for place, week in islice(weekly, site.sizes.block_times - len(starts)):
        starts.append((place, _session(monday, week % _WEEKS, place % 5, _HOURS[place // 5 % len(_HOURS)])))
    for n, (place, start) in enumerate(starts):
        site.times.append((id_of(n), place, start, start + timedelta(hours=1 + n % 2)))
    insert(
        "blockTimes",
        "id blockRequestid start end processed skip",
        (
            (id_, id_of(place), stored(start), stored(end), int(_has_computers(start)), int(id_ % 50 == 0))
            for id_, place, start, end in site.times
        ),
    )


def _session(monday: datetime, week: int, day: int, hour: int) -> datetime:
    return monday + timedelta(weeks=week, days=day, hours=hour)


def _has_computers(start: datetime) -> bool:
    return WALL - _COMPUTERS_SINCE < start < WALL + _COMPUTERS_UNTIL


def _computers_of_blocks(site: Site) -> None:
    """Computers for the classes around now: with reloads for those to come, in a tenth of them some missing."""
    block_computers: list[tuple[int, ...]] = []
    requests: list[tuple[Value, ...]] = []
    reservations: list[tuple[Value, ...]] = []
    steps: list[tuple[Value, ...]] = []
    for id_, place, start, _end in site.times:
        if not _has_computers(start):
            continue
        image = site.image(place)
        short = 3 if id_ % 10 == 3 else 0
        pool = site.pool(image)
        number = min(max(site.machines[place] - short, 1), len(pool))
        for n, computer in enumerate(site.random.sample(pool, number)):
            begins = start - timedelta(minutes=20 + n)
            reload = 0
            if start > WALL:
                reload = id_of(len(requests))
                loading = begins <= WALL
                state = _PENDING if loading else _RELOAD
                requests.append((reload, state, _RELOAD, _RELOADER, None, stored(begins), stored(start), stored(WALL)))
                reservations.append(
                    (id_of(len(reservations)), reload, computer, image, site.revision(image), id_of(reload % _NODES))
                )
                if loading:
                    steps += _load_steps(reservations[-1][0], computer, begins, 5)
            block_computers.append((id_, computer, image, reload))
    insert("blockComputers", "blockTimeid computerid imageid reloadrequestid", block_computers)
    _requests(site, requests, reservations)
    insert("computerloadlog", "reservationid computerid loadstateid timestamp", steps)


def _load_steps(reservation: Value, computer: int, begins: datetime, number: int) -> list[tuple[Value, ...]]:
    return [
        (reservation, computer, step, stored(begins + timedelta(seconds=40 * n)))
        for n, step in enumerate(_STEPS[:number])
    ]


def _requests(site: Site, requests: list[tuple[Value, ...]], reservations: list[tuple[Value, ...]]) -> None:
    insert("request", "id stateid laststateid userid logid start end daterequested", requests)
    columns = "id requestid computerid imageid imagerevisionid managementnodeid"
    insert("reservation", f"{columns} lastcheck", ((*row, stored(WALL)) for row in reservations))
    site.requests += len(requests)
    site.reservations += len(reservations)


# --- Users' reservations, and the past ----------------------------------------------------------


def _reservations(site: Site) -> None:
    """Users' reservations in use now, and for the next two weeks."""
    random = site.random
    requests: list[tuple[Value, ...]] = []
    reservations: list[tuple[Value, ...]] = []
    steps: list[tuple[Value, ...]] = []
    for n in range(site.sizes.reservations):
        on = n % 12 == 0
        start = (
            WALL - timedelta(minutes=random.randrange(180))
            if on
            else WALL + timedelta(minutes=random.randrange(20_160))
        )
        end = start + timedelta(minutes=200 if on else random.choice((60, 120, 240)))
        state = _INUSE if on else _NEW
        id_, image = id_of(site.requests + n), random.choice(site.images)
        computer = random.choice(site.pool(image))
        user = id_of(random.randrange(_USERS))
        requests.append((id_, state, state, user, None, stored(start), stored(end), stored(WALL - timedelta(days=1))))
        key = id_of(site.reservations + n)
        reservations.append((key, id_, computer, image, site.revision(image), id_of(n % _NODES)))
        if on:
            steps += _load_steps(key, computer, start, len(_STEPS))
    _requests(site, requests, reservations)
    insert("computerloadlog", "reservationid computerid loadstateid timestamp", steps)


def _log(site: Site) -> None:
    """A year and a half of reservations; some images are loaded much more often than others."""
    rows = list(_past(site))
    columns = "id userid nowfuture start loaded initialend finalend wasavailable ending computerid imageid"
    insert("log", columns, (row[:-1] for row in rows))
    insert(
        "sublog",
        "id logid imageid imagerevisionid computerid managementnodeid",
        ((row[0], row[0], row[10], row[11], row[9], id_of(n % _NODES)) for n, row in enumerate(rows)),
    )


def _past(site: Site) -> Iterator[tuple[Value, ...]]:
    random = site.random
    endings = ("released", "released", "timeout", "deleted", "nologin", "EOR", "failed")
    step = timedelta(days=540) / max(site.sizes.log, 1)
    for n in range(site.sizes.log):
        start = (WALL - timedelta(days=540) + step * n).replace(microsecond=0)
        image = site.images[min(int(random.expovariate(0.03)), _IMAGES - 1)]
        ending = random.choice(endings)
        seconds = min(max(int(random.gauss(480, 160)), 40), 2400)
        loaded = None if ending == "failed" else stored(start + timedelta(seconds=seconds))
        end = stored(start + timedelta(hours=2))
        when = "future" if n % 9 == 0 else "now"
        yield (
            id_of(n), id_of(random.randrange(_USERS)), when, stored(start), loaded, end, end, int(n % 30 != 0), ending,
            random.choice(site.pool(image)), image, site.revision(image),
        )  # fmt: skip
