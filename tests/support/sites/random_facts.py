"""Random small sites for property tests: a bit of everything, most of it usable, times near the edges that matter.

A row is drawn as a whole from a list of likely ones: few choices make cases that are quick to draw and to shrink.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from scheduling.facts import (
    Block,
    BlockComputer,
    Computer,
    Fleet,
    Image,
    Maintenance,
    Member,
    OrphanedReload,
    PrivilegeTree,
    Reservation,
    Site,
)
from tests.support.oracle_rules import local_minute, sunday
from tests.support.sites import facts
from tests.support.sites.facts import (
    BLOCK_TIME,
    CALLER,
    COMPUTERS,
    GROUP,
    HOUR,
    IMAGES,
    NODES,
    RELOAD_USER,
    STRANGER,
    at,
)

# Local evenings and mornings about a week's end, changes of the clock, and an ordinary day.
STARTS = [
    ("2026-01-14 14:00", "UTC"),
    ("2026-01-18 00:10", "UTC"),
    ("2026-03-08 03:15", "America/New_York"),
    ("2026-11-01 01:30", "America/New_York"),
    ("2026-03-07 23:50", "America/New_York"),
    ("2026-04-05 02:45", "Australia/Sydney"),
    ("2026-10-04 03:05", "Australia/Sydney"),
    ("2026-06-13 23:30", "Asia/Kolkata"),
]
LENGTHS = [HOUR, 2 * HOUR, 5 * HOUR, 30 * HOUR, 7 * 24 * HOUR - 1800, 8 * 24 * HOUR]
AHEAD = [6 * HOUR] * 4 + [HOUR, 1200, 1200, 1260, 0, -600]
LOADS = [600, 600, 121, 840, 841, 1200]
EDGES = [0, 0, 0, 0, 1, -1, 60, -60, 120, 899, 900, 901, -899, -900, -901, 1200, 1800, -1800, -1799, 3600, -3600, 20000]

MINIMA: list[dict[str, Any]] = [{"min_ram": 1024}, {}, {"min_ram": 4096}]
MINIMA += [{"min_processors": 4}, {"min_speed": 3000}, {"min_network": 10000}, {"platform_id": 2}]
LIMITS = [None, 2, 3, 1, 4, 0]
SIZES = [{}, {"ram": 4096}, {"ram": 4096, "processors": 4}, {"ram": 4096, "speed": 4000}, {"speed": 3000}]
SIZES += [{"processors": 3}, {"network": 10000, "ram": 4096}, {"ram": 8192, "processors": 4, "speed": 3000}]
FAULTS: list[dict[str, Any]] = [{}] * 20
FAULTS += [{"state": state} for state in ["inuse", "timeout"] * 4 + ["reloading", "failed", "maintenance"]]
FAULTS += [{"deleted": 1}, {"schedule_id": None}, {"schedule_id": 2}, {"schedule_id": 2}, {"schedule_id": 3}]
FAULTS += [{"platform_id": 2}, {"network": 100}, {"ram": 1024}, {"speed": 1999}, {"processors": 1}]
FAULTS += [{"provisioning_id": 3}, {"owner_id": 10}, {"owner_id": 10}, {"owner_id": 11}]
# In use, new, pending, reload, then what is over or on its way out.
STATES = [(8, 13), (13, 13), (3, 3), (14, 13), (14, 19), (14, 19), (19, 19), (5, 8), (12, 8), (1, 8), (11, 8), (16, 8)]

GROUPS = [COMPUTERS, COMPUTERS + 1, COMPUTERS + 2]
MEMBERSHIPS = [{COMPUTERS}] * 5 + [{COMPUTERS, COMPUTERS + 1}, {COMPUTERS + 1}, {COMPUTERS + 2}, set()]
PRIVILEGES = [("imageCheckOut", "cascade"), ("imageCheckOut",), ("imageAdmin", "cascade"), ("block",)]
PRIVILEGES += [("imageCheckOut", "block"), ("imageAdmin", "cascade", "block"), ("cascade",), ("nodeAdmin", "cascade")]
OFFERS = [("available", "cascade"), ("available",), ("block",), ("available", "block"), ("cascade",)]
TREES = [{1: 1, 2: 1, 3: 2, 4: 3, 5: 2}] * 3 + [{1: 0, 2: 1, 3: 2, 4: 3, 5: 2}, {1: 1, 2: 4, 3: 2, 4: 3}, {1: 1, 3: 77}]
SCHEDULES = [
    {1: [(0, 10080)], 2: [(0, 400), (8000, 10080)], 3: [(840, 5000)]},
    {1: [(0, 10080)], 2: [(0, 90), (10000, 10080)], 3: [(0, 10079)]},
    {1: [(0, 10080)], 2: [(0, 1440), (8640, 10079)], 3: []},
    {1: [(0, 10080)], 2: [(0, 10080), (5, 6)], 3: [(0, 175), (4000, 6000), (0, 190)]},
]


DIFFICULTIES = ["maintenance", "faults", "minima", "groups", "nodes", "privileges", "limits"]
DIFFICULTIES += ["reservations", "own reservations", "other blocks", "incomplete", "claims", "failures", "orphans"]
HOSTS = 90  # the ids of computers of VM hosts begin here

Difficulties = frozenset[str]


@dataclass(frozen=True)
class Case:
    """A question to the planner."""

    site: Site
    block: Block
    ignore_privileges: bool


class _Moments:
    """Instants close to the edges of the block, of its reloads, and of now."""

    def __init__(self, block: Block, now: int, load: int) -> None:
        self.block = block
        self._reloads = [block.start - load - 600 - step * 60 for step in (0, 0, 1, 2)]
        self._any = [now, now, block.start, *self._reloads, block.end]

    def instant(self, draw: st.DrawFn) -> int:
        """One of them."""
        return draw(st.sampled_from(self._any)) + draw(st.sampled_from(EDGES))

    def interval(self, draw: st.DrawFn) -> tuple[int, int]:
        """A time that ends about the start of a reload, begins about the block's end, or lies somewhere."""
        lasts = draw(st.sampled_from([600, HOUR, 5 * HOUR]))
        kind, edge = draw(st.integers(0, 4)), draw(st.sampled_from(EDGES))
        if kind <= 1:
            begin = draw(st.sampled_from(self._reloads)) + edge - lasts
        elif kind <= 3:
            begin = self.block.end + edge
        else:
            begin = draw(st.sampled_from(self._any)) + edge
        return begin, begin + lasts


@st.composite
def cases(draw: st.DrawFn, *, plain: bool = False) -> Case:
    """A site and a block. `plain`: no subimages, no memory of hosts, privileges ignored."""
    local, zone = draw(st.sampled_from(STARTS))
    start = at(local, zone)
    now = start - draw(st.sampled_from(AHEAD))
    load = draw(st.sampled_from(LOADS))
    # A few difficulties at a time: with all of them at once no computer would be left.
    hard = draw(st.frozensets(st.sampled_from(DIFFICULTIES), min_size=1, max_size=6))
    images = _images(draw, hard, plain)
    end = start + draw(st.sampled_from(LENGTHS))
    block = Block(BLOCK_TIME, start, end, GROUP, images, draw(st.integers(1, 5)))
    moments = _Moments(block, now, load)
    members = _members(draw)
    computers = _computers(draw, images, hard)
    ids = [each.id for each in computers if each.id < HOSTS]
    site = facts.site(
        computers,
        now=now,
        zone=ZoneInfo(zone),
        load_seconds=load,
        members=members,
        computer_groups=_computer_groups(draw, computers, hard),
        **_links(draw, now, hard),
        schedule_times=draw(st.sampled_from(SCHEDULES)),
        maintenances=_maintenances(draw, moments) if "maintenance" in hard else [],
        reservations=[
            *(_reservations(draw, ids, images, members, moments) if "reservations" in hard else []),
            *(_own_reservations(draw, ids, images, members, moments) if "own reservations" in hard and members else []),
        ],
        block_computers=[
            *(_other_block_computers(draw, ids, images, moments) if "other blocks" in hard else []),
            *(_own_block_computers(draw, ids, images, block) if "incomplete" in hard else []),
        ],
        orphans=_orphans(draw, ids, moments) if "orphans" in hard else [],
        claimed=frozenset(_some_ids(draw, ids, 2) if "claims" in hard else []),
        recent_failures=_recent(draw, ids, images, members) if "failures" in hard else None,
        privileges=_privileges(draw, members, hard),
    )
    return Case(site, block, plain or draw(st.booleans()))


def _images(draw: st.DrawFn, hard: Difficulties, plain: bool) -> list[Image]:
    """The block's image and up to two subimages, which may be the image again."""
    engine = {"install_type": "vmware"} if draw(st.sampled_from([False, False, True])) and not plain else {}
    minima = MINIMA if "minima" in hard else MINIMA[:3]
    limits = LIMITS if "limits" in hard else LIMITS[:1]
    first, second = (
        facts.image(id_, max_concurrent=draw(st.sampled_from(limits)), **engine, **draw(st.sampled_from(minima)))
        for id_ in (1, 2)
    )
    clusters = [[first, second], [first, first], [first, second, second], [first, second, first]]
    singles = [[first]] * (1 if "incomplete" in hard else 5)
    return [first] if plain else draw(st.sampled_from(singles + clusters))


def _computers(draw: st.DrawFn, images: Sequence[Image], hard: Difficulties) -> list[Computer]:
    """Blades, or two VM hosts and their VMs; in any order."""
    vmware = images[0].install_type == "vmware"
    ids = draw(st.permutations(range(1, draw(st.integers(3, 8)) + 1)))
    hosts = []
    if vmware:
        rams, states = [16384, 12288, 8193, 8192, 6145, 6144], ["vmhostinuse"] * 6 + ["available"]
        hosts = [
            facts.host(HOSTS + place, ram=draw(st.sampled_from(rams)), state=draw(st.sampled_from(states)))
            for place in (0, 1)
        ]
    return [*hosts, *(_computer(draw, id_, vmware, images, hard) for id_ in ids)]


def _computer(draw: st.DrawFn, id_: int, vmware: bool, images: Sequence[Image], hard: Difficulties) -> Computer:
    """A computer of some size, with at most one fault."""
    loaded = [(0, 0), (0, 1024), (0, 2048), *((image.revision_id, image.min_ram) for image in images)]
    revision, ram = draw(st.sampled_from(loaded))
    changes = {"revision_id": revision, "loaded_ram": ram}
    changes |= draw(st.sampled_from(SIZES)) | (draw(st.sampled_from(FAULTS)) if "faults" in hard else {})
    if not vmware:
        return facts.computer(id_, **changes)
    places: list[dict[str, Any]] = [{"host_id": HOSTS}] * 6 + [{"host_id": HOSTS + 1}] * 6
    places += [{"host_id": HOSTS + 2}, {}, {"host_id": HOSTS, "vm_host_id": None}]
    place = draw(st.sampled_from(places))
    return facts.vm(id_, **place, **changes) if place else facts.computer(id_, **{"provisioning_id": 2, **changes})


def _members(draw: st.DrawFn) -> list[Member]:
    """Up to four members, in VCL's order: by name."""
    kinds: list[tuple[tuple[int, ...], tuple[int, ...]]] = [((GROUP,), ())] * 3
    kinds += [((GROUP, GROUP + 1), ()), ((GROUP, GROUP + 2), ()), ((GROUP,), (GROUP + 3,))]
    drawn = draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=4)) if draw(st.integers(0, 9)) else []
    return [facts.member(10 + place, f"user{place}", groups, owns) for place, (groups, owns) in enumerate(drawn)]


def _computer_groups(draw: st.DrawFn, computers: list[Computer], hard: Difficulties) -> dict[int, frozenset[int]]:
    kinds = MEMBERSHIPS if "groups" in hard else MEMBERSHIPS[:1]
    return {each.id: frozenset(draw(st.sampled_from(kinds))) for each in computers}


def _links(draw: st.DrawFn, now: int, hard: Difficulties) -> dict[str, Any]:
    """Groups of images and nodes, what they are mapped to, and nodes that checked in or did not."""
    ranges = [GROUPS, GROUPS, GROUPS[:2], GROUPS[:1], GROUPS[1:], []] if "groups" in hard else [GROUPS]
    checkins = [60, 299, 300, None] if "nodes" in hard else [60]
    states = ["available", "available", "maintenance", "deleted"] if "nodes" in hard else ["available"]
    nodes = []
    for id_ in (1, 2, 3):
        ago = draw(st.sampled_from(checkins))
        seen = None if ago is None else now - ago
        nodes.append(facts.node(id_, last_checkin=seen, state=draw(st.sampled_from(states))))
    mapped = {group: frozenset(draw(st.sampled_from(ranges))) for group in (IMAGES, IMAGES + 1, NODES, NODES + 1)}
    return {
        "image_groups": {1: frozenset({IMAGES}), 2: frozenset(draw(st.sampled_from([{IMAGES}, {IMAGES + 1}])))},
        "node_groups": {1: frozenset({NODES}), 2: frozenset({NODES}), 3: frozenset({NODES + 1})},
        "mapped_groups": mapped,
        "management_nodes": nodes,
    }


def _maintenances(draw: st.DrawFn, moments: _Moments) -> list[Maintenance]:
    begin = moments.instant(draw)
    return [facts.maintenance(begin, begin + draw(st.sampled_from([60, 1800, 7200])), draw(st.integers(0, 1)))]


def _reservations(
    draw: st.DrawFn, ids: list[int], images: list[Image], members: list[Member], moments: _Moments
) -> list[Reservation]:
    """Single computers of all sorts of users."""
    rows = []
    users = [CALLER, RELOAD_USER, STRANGER, *(member.id for member in members)]
    for request_id in range(7001, 7001 + draw(st.integers(1, 5))):
        begin, end = moments.interval(draw)
        state_id, last_state_id = draw(st.sampled_from(STATES))
        changes = {"request_id": request_id, "state_id": state_id, "last_state_id": last_state_id}
        changes |= {"user_id": draw(st.sampled_from(users)), "image_ram": draw(st.sampled_from([2048, 4096]))}
        changes |= {"image_id": draw(st.sampled_from([images[0].id, images[-1].id, 99]))}
        changes |= {"management_node_id": draw(st.integers(1, 3))}
        rows.append(facts.reservation(draw(st.sampled_from(ids)), begin, end, **changes))
    return rows


def _own_reservations(
    draw: st.DrawFn, ids: list[int], images: list[Image], members: list[Member], moments: _Moments
) -> list[Reservation]:
    """Members' reservations of the block's images, most of them about the time of the block."""
    rows = []
    for request_id in range(7101, 7101 + draw(st.integers(1, 3))):
        begin = moments.instant(draw) if draw(st.booleans()) else moments.block.start + draw(st.sampled_from(EDGES))
        end = begin + draw(st.sampled_from([600, HOUR, 5 * HOUR]))
        state_id, last_state_id = draw(st.sampled_from(STATES[:4]))
        user, node = draw(st.sampled_from(members)).id, draw(st.integers(1, 3))
        # As many computers as the image has; sometimes fewer, where the same one was drawn twice.
        for computer_id, image in zip(_some_ids(draw, ids, len(images)), images, strict=False):
            more = {"state_id": state_id, "last_state_id": last_state_id, "management_node_id": node}
            more |= {"request_id": request_id, "user_id": user, "image_id": image.id}
            rows.append(facts.reservation(computer_id, begin, end, **more))
    return rows


def _some_ids(draw: st.DrawFn, ids: list[int], number: int) -> list[int]:
    """At most `number` different ones."""
    return list(dict.fromkeys(draw(st.sampled_from(ids)) for _ in range(number)))


def _other_block_computers(
    draw: st.DrawFn, ids: list[int], images: list[Image], moments: _Moments
) -> list[BlockComputer]:
    """Computers of other blocks, before, after and beside ours."""
    rows: list[BlockComputer] = []
    kinds: list[dict[str, Any]] = [{}, {}, {"skip": 1}, {"status": "deleted"}, {"group_id": GROUP}, {"group_id": None}]
    for other in range(901, 901 + draw(st.integers(1, 3))):
        begin, end = moments.interval(draw)
        lead = draw(st.sampled_from([1200, 1260, 0]))
        begin += lead if draw(st.booleans()) else 0
        common = {"block_time_id": other, "image_ram": 2048, "reload_start": begin - lead}
        common |= draw(st.sampled_from(kinds))
        for computer_id in _some_ids(draw, ids, 2):
            image_id = draw(st.sampled_from([images[0].id, images[-1].id, 99]))
            rows.append(facts.block_computer(computer_id, begin, max(end, begin + 60), image_id=image_id, **common))
    return rows


def _orphans(draw: st.DrawFn, ids: list[int], moments: _Moments) -> list[OrphanedReload]:
    """Reloads that no block has any more, of other blocks and of ours; some under way."""
    rows = []
    for request, computer_id in enumerate(_some_ids(draw, ids, 2), 8001):
        begin, end = moments.interval(draw)
        block_time_id = draw(st.sampled_from([901, BLOCK_TIME]))
        rows.append(
            OrphanedReload(block_time_id, request, computer_id, 2048, begin, draw(st.sampled_from([None, end])))
        )
    return rows


def _own_block_computers(draw: st.DrawFn, ids: list[int], images: list[Image], block: Block) -> list[BlockComputer]:
    """Computers that the block has already; of a cluster, any of its images."""
    return [
        facts.own_block_computer(
            computer_id, draw(st.sampled_from(images)).id, start=block.start, end=block.end, image_ram=1024
        )
        for computer_id in _some_ids(draw, ids, 3)
    ]


def _recent(
    draw: st.DrawFn, ids: list[int], images: list[Image], members: list[Member]
) -> dict[tuple[int, int], frozenset[int]]:
    """Computers that may have failed the calling account or the last member."""
    who = [CALLER, *(member.id for member in members[-1:])]
    return {(user, image.id): frozenset(_some_ids(draw, ids, 3)) for user in who for image in images}


def _privileges(draw: st.DrawFn, members: list[Member], hard: Difficulties) -> PrivilegeTree:
    """A tree that grants the usual computers to everybody, or a random one."""
    if "privileges" not in hard:
        return facts.open_tree()
    return draw(trees(members))


@st.composite
def trees(draw: st.DrawFn, members: Sequence[Member]) -> PrivilegeTree:
    """Five nodes below a root that is its own parent or has none; some trees are broken."""
    grants = {("group", GROUP): {1: draw(st.sampled_from(PRIVILEGES))}}
    offers = {COMPUTERS: {2: draw(st.sampled_from(OFFERS))}}
    holders = [("group", GROUP), ("group", GROUP + 1), *(("user", member.id) for member in members)]
    for _ in range(draw(st.integers(0, 3))):
        at_node = {draw(st.integers(1, 5)): draw(st.sampled_from(PRIVILEGES))}
        grants.setdefault(draw(st.sampled_from(holders)), {}).update(at_node)
    for _ in range(draw(st.integers(0, 3))):
        at_node = {draw(st.integers(1, 5)): draw(st.sampled_from(OFFERS))}
        offers.setdefault(draw(st.sampled_from(GROUPS)), {}).update(at_node)
    owners = {group: GROUP + draw(st.integers(0, 5)) for group in GROUPS} if draw(st.booleans()) else {}
    return facts.tree(draw(st.sampled_from(TREES)), grants, offers, owners)


@st.composite
def openings(draw: st.DrawFn) -> tuple[list[tuple[int, int]], int, int, ZoneInfo]:
    """A schedule and a window, whose ends are close to one another: entries, start, end, zone."""
    local, name = draw(st.sampled_from(STARTS))
    zone, day = ZoneInfo(name), 24 * HOUR
    start = at(local, name) + 600 * draw(st.integers(-300, 300)) + draw(st.sampled_from([0, 1, 59]))
    week = [7 * day - HOUR, 7 * day - 1200, 7 * day - 1, 7 * day, 7 * day + HOUR]
    end = start + draw(st.sampled_from([60, HOUR, 5 * HOUR, day, 3 * day, *week]))
    first, last = (_minute(instant, zone) for instant in (start, end))
    opens = st.sampled_from([0, 0, 1, max(first - 1, 0), first, first, first + 1])
    closes = st.sampled_from([10080, 10080, 10079, max(last - 1, 0), last, last, last + 1])
    return draw(st.lists(st.tuples(opens, closes), min_size=1, max_size=3)), start, end, zone


def _minute(instant: int, zone: ZoneInfo) -> int:
    local = local_minute(instant, zone)
    return (local - sunday(local)) // timedelta(minutes=1)


@st.composite
def shuffled(draw: st.DrawFn, site: Site) -> Site:
    """The same site with its rows in another order; the rows of one request stay in theirs."""
    requests = draw(st.permutations(sorted({row.request_id for row in site.reservations})))
    return replace(
        site,
        computers=Fleet.of_rows(draw(st.permutations(list(site.computers.values())))),
        reservations=sorted(site.reservations, key=lambda row: requests.index(row.request_id)),
        block_computers=draw(st.permutations(list(site.block_computers))),
        maintenances=draw(st.permutations(list(site.maintenances))),
        management_nodes=draw(st.permutations(list(site.management_nodes))),
        schedule_times={id_: list(reversed(entries)) for id_, entries in site.schedule_times.items()},
    )
