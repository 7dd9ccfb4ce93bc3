"""Random small sites for property tests: a bit of everything, most of it usable, times near the edges that matter."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from scheduling.facts import Block, Computer, Holding, Image, Member, PrivilegeTree, Reservation, Site
from tests import sites
from tests.sites import BLOCK_TIME, CALLER, COMPUTERS, GROUP, HOUR, IMAGES, NODES, RELOAD_USER, STRANGER, at

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
EDGES = [0, 0, 1, -1, 60, -60, 120, 899, 900, 901, -899, -900, -901, 1200, 1800, -1800, -1799, 3600, -3600]
# In use, new, pending, reload, then what is over or on its way out.
STATES = [(8, 13), (13, 13), (3, 3), (14, 13), (14, 19), (19, 19), (5, 8), (12, 8), (1, 8), (11, 8), (16, 8)]
PRIVILEGES = [("imageCheckOut", "cascade"), ("imageCheckOut",), ("imageAdmin", "cascade"), ("block",)]
PRIVILEGES += [("imageCheckOut", "block"), ("imageAdmin", "cascade", "block"), ("cascade",), ("nodeAdmin", "cascade")]
OFFERS = [("available", "cascade"), ("available",), ("block",), ("available", "block"), ("cascade",)]
GROUPS = [COMPUTERS, COMPUTERS + 1, COMPUTERS + 2]


@dataclass(frozen=True)
class Case:
    """A question to the planner."""

    site: Site
    block: Block
    ignore_privileges: bool


def often(usual: Any, *others: Any, weight: int = 6) -> st.SearchStrategy[Any]:
    """Mostly `usual`."""
    return st.sampled_from([usual] * weight + list(others))


@st.composite
def cases(draw: st.DrawFn, *, plain: bool = False) -> Case:
    """A site and a block. `plain`: no subimages, no memory of hosts, privileges ignored."""
    local, zone = draw(st.sampled_from(STARTS))
    start = at(local, zone)
    length = draw(st.sampled_from([HOUR, 2 * HOUR, 5 * HOUR, 30 * HOUR, 7 * 24 * HOUR - 1800, 8 * 24 * HOUR]))
    images = draw(_images(plain))
    block = Block(BLOCK_TIME, start, start + length, GROUP, images, draw(st.integers(1, 5)))
    now = start - draw(st.sampled_from([6 * HOUR, 6 * HOUR, HOUR, 1200, 1260, 0, -600]))
    load = draw(st.sampled_from([600, 600, 121, 840, 841, 1200]))
    moments = [start, block.end, now] + [start - load - 600 - steps * 60 for steps in range(4)]
    moment = st.builds(int.__add__, st.sampled_from(moments), st.sampled_from(EDGES))
    members = draw(_members())
    computers = draw(_computers(images, members))
    site = sites.site(
        computers,
        now=now,
        zone=ZoneInfo(zone),
        load_seconds=load,
        members=members,
        computer_groups={c.id: frozenset(draw(_some_groups)) for c in computers},
        **draw(_links(now)),
        schedule_times=draw(_schedules()),
        maintenances=draw(st.lists(_maintenance(moment), max_size=1)) if draw(st.integers(0, 3)) == 0 else [],
        reservations=draw(_reservations(computers, images, members, moment, block)),
        holdings=draw(_holdings(computers, images, moment, block)),
        claimed=draw(st.frozensets(st.sampled_from([c.id for c in computers]), max_size=2)),
        recent=draw(_recent(computers, images, members)),
        privileges=draw(_privileges(members)),
    )
    return Case(site, block, plain or draw(st.booleans()))


@st.composite
def _images(draw: st.DrawFn, plain: bool) -> list[Image]:
    """The block's image and up to two subimages, which may be the image again."""
    vmware = not plain and draw(st.booleans())
    first = draw(_image(1, vmware))
    if plain:
        return [first]
    second = draw(_image(2, vmware))
    return [first, *draw(often([], [second], [first], [second, second], [second, first], weight=5))]


def _image(id_: int, vmware: bool) -> st.SearchStrategy[Image]:
    return st.builds(
        sites.image,
        st.just(id_),
        install_type=st.just("vmware" if vmware else "partimage"),
        platform_id=often(1, 2, weight=9),
        min_ram=st.sampled_from([1024, 2048, 4096]),
        min_processors=often(1, 2, 4),
        min_speed=often(1000, 2000, 3000),
        min_network=often(100, 1000),
        max_concurrent=often(None, 0, 1, 2, 3),
    )


@st.composite
def _computers(draw: st.DrawFn, images: list[Image], members: list[Member]) -> list[Computer]:
    """Up to two VM hosts, VMs and blades in any order of ids."""
    vmware = images[0].install_type == "vmware"
    hosts = [draw(_host(id_)) for id_ in (90, 91)]
    ids = draw(st.permutations(range(1, draw(st.integers(2, 8)) + 1)))
    return hosts + [draw(_computer(id_, vmware, images, members)) for id_ in ids]


def _host(id_: int) -> st.SearchStrategy[Computer]:
    ram = st.sampled_from([2048, 6144, 8192, 8193, 16384])
    return st.builds(sites.host, st.just(id_), ram=ram, state=often("vmhostinuse", "available"))


@st.composite
def _computer(draw: st.DrawFn, id_: int, vmware: bool, images: list[Image], members: list[Member]) -> Computer:
    """A computer that mostly can run the images."""
    place: dict[str, Any] = {"provisioning_id": 2} if vmware else {}
    if draw(often(vmware, not vmware)):
        host_id = draw(st.sampled_from([90, 91]))
        row = draw(often(1000 + host_id, None, weight=9))
        place |= {"type": "virtualmachine", "vm_host_id": row, "host_computer_id": host_id if row else None}
    return draw(
        st.builds(
            sites.computer,
            st.just(id_),
            state=often("available", "inuse", "timeout", "reloading", "failed", "maintenance", "hpc", weight=12),
            deleted=often(0, 1, weight=12),
            platform_id=often(1, 2, weight=12),
            schedule_id=often(1, 2, 3, None),
            ram=st.sampled_from([4096, 4096, 2048, 8192]),
            processors=often(2, 4, 8),
            speed=often(2000, 3000, 4000),
            network=often(1000, 100, 10000),
            revision_id=st.sampled_from([0, 0, 0, *(image.revision_id for image in images)]),
            held_ram=st.sampled_from([0, 1024, 2048]),
            owner_id=often(None, *(member.id for member in members), weight=9),
            **{key: st.just(value) for key, value in place.items()},
        )
    )


@st.composite
def _members(draw: st.DrawFn) -> list[Member]:
    """Up to four members, in VCL's order: by name."""
    number = draw(often(2, 0, 1, 3, 4, weight=2))
    more = st.frozensets(st.sampled_from([GROUP + 1, GROUP + 2]), max_size=1)
    return [
        sites.member(10 + place, f"user{place}", {GROUP} | draw(more), draw(often((), (GROUP + 3,))))
        for place in range(number)
    ]


_some_groups = st.one_of(
    st.just({COMPUTERS}),
    st.just({COMPUTERS}),
    st.sets(st.sampled_from(GROUPS), max_size=3),
)


@st.composite
def _links(draw: st.DrawFn, now: int) -> dict[str, Any]:
    """Groups of images and nodes, what they are mapped to, and nodes that checked in or did not."""
    mapped = {place: draw(often(GROUPS, GROUPS[:2], GROUPS[1:], [], weight=6)) for place in (IMAGES, IMAGES + 1)}
    mapped |= {place: draw(often(GROUPS, GROUPS[:1], GROUPS[1:], weight=6)) for place in (NODES, NODES + 1)}
    seen = often(60, 0, 299, 300, None, weight=4)
    state = often("available", "maintenance", "deleted", weight=8)
    nodes = []
    for id_ in (1, 2, 3):
        ago = draw(seen)
        nodes.append(sites.node(id_, last_checkin=None if ago is None else now - ago, state=draw(state)))
    return {
        "image_groups": {1: frozenset({IMAGES}), 2: frozenset(draw(often({IMAGES}, {IMAGES + 1})))},
        "node_groups": {1: frozenset({NODES}), 2: frozenset({NODES}), 3: frozenset({NODES + 1})},
        "mapped_groups": {group: frozenset(others) for group, others in mapped.items()},
        "management_nodes": nodes,
    }


def _schedules() -> st.SearchStrategy[Mapping[int, list[tuple[int, int]]]]:
    """Schedule 1 is always open, 2 is open at the week's ends, 3 on some days only."""
    ends = st.sampled_from([[(0, 400), (8000, 10080)], [(0, 90), (10000, 10080)], [(0, 1440), (8640, 10079)]])
    days = st.sampled_from([[(840, 5000)], [(0, 10080)], [(0, 10079)], [], [(0, 175), (4000, 6000), (0, 190)]])
    return st.fixed_dictionaries({1: st.just([(0, 10080)]), 2: ends, 3: days})


@st.composite
def _maintenance(draw: st.DrawFn, moment: st.SearchStrategy[int]) -> Any:
    begin = draw(moment)
    return sites.maintenance(begin, begin + draw(st.sampled_from([60, 1800, 7200])), draw(st.integers(0, 1)))


@st.composite
def _reservations(
    draw: st.DrawFn,
    computers: list[Computer],
    images: list[Image],
    members: list[Member],
    moment: st.SearchStrategy[int],
    block: Block,
) -> list[Reservation]:
    """Reservations by all sorts of users, of single computers, and own ones of the block's images together."""
    ids = [c.id for c in computers if c.id < 90]
    users = [member.id for member in members] + [CALLER, RELOAD_USER, STRANGER]
    rows: list[Reservation] = []
    for request_id in range(7001, 7001 + draw(st.integers(0, 6))):
        own = bool(members) and draw(st.integers(0, 2)) == 0
        begin, state = draw(moment), draw(st.sampled_from(STATES[:3] if own else STATES))
        lasts = draw(st.sampled_from([600, HOUR, block.end - block.start]))
        common = {
            "request_id": request_id,
            "state_id": state[0],
            "last_state_id": state[1],
            "user_id": draw(st.sampled_from(users[: len(members)] if own else users)),
        }
        wanted = images if own and len(images) <= len(ids) else [draw(st.sampled_from([*images, sites.image(99)]))]
        for place, computer_id in enumerate(draw(st.permutations(ids))[: len(wanted)]):
            more = {"image_ram": draw(often(1024, 4096)), "management_node_id": draw(st.sampled_from([1, 2, 3]))}
            image_id = wanted[place].id
            rows.append(sites.reservation(computer_id, begin, begin + lasts, image_id=image_id, **common, **more))
    return rows


@st.composite
def _holdings(
    draw: st.DrawFn, computers: list[Computer], images: list[Image], moment: st.SearchStrategy[int], block: Block
) -> list[Holding]:
    """Computers of other blocks, before, after and beside ours, and some of our own."""
    ids = [c.id for c in computers if c.id < 90]
    rows: list[Holding] = []
    image_ids = [*(image.id for image in images), 99]
    for other in range(901, 901 + draw(st.integers(0, 3))):
        begin = draw(moment)
        end = begin + draw(st.sampled_from([600, HOUR]))
        common = {"block_time_id": other, "skip": draw(often(0, 1)), "group_id": draw(st.sampled_from([51, 52, None]))}
        common["status"] = draw(often("accepted", "deleted", "completed"))
        for computer_id in draw(st.lists(st.sampled_from(ids), max_size=2, unique=True)):
            lead = draw(st.sampled_from([1200, 1260, 0]))
            more = {"reload_start": begin - lead, "image_id": draw(st.sampled_from(image_ids)), "image_ram": 2048}
            rows.append(sites.holding(computer_id, begin, end, **common, **more))
    for computer_id in draw(st.lists(st.sampled_from(ids), max_size=2, unique=True)) if draw(st.booleans()) else []:
        image_id = draw(st.sampled_from(image_ids[:-1]))
        rows.append(sites.own_holding(computer_id, image_id, block.start, block.end, image_ram=1024))
    return rows


@st.composite
def _recent(
    draw: st.DrawFn, computers: list[Computer], images: list[Image], members: list[Member]
) -> dict[tuple[int, int], frozenset[int]]:
    """Computers that may have failed a member, or the calling account."""
    some = st.frozensets(st.sampled_from([c.id for c in computers]), max_size=3)
    who = [CALLER, *(member.id for member in members)]
    return {(user, images[0].id): draw(some) for user in who if draw(st.integers(0, 2)) == 0}


@st.composite
def _privileges(draw: st.DrawFn, members: list[Member]) -> PrivilegeTree:
    """Five nodes under a root that is its own parent or has none; some trees are broken."""
    parents = {1: 1, 2: 1, 3: 2, 4: 3, 5: 2} | draw(often({}, {1: 0}, {2: 4}, {3: 77}))
    holders = [("group", GROUP), ("group", GROUP + 1), *(("user", member.id) for member in members)]
    nodes = st.sampled_from(list(parents))
    granted = st.dictionaries(nodes, st.sampled_from(PRIVILEGES).map(frozenset), max_size=3)
    offered = st.dictionaries(nodes, st.sampled_from(OFFERS).map(frozenset), max_size=3)
    users = {holder: draw(granted) for holder in holders}
    users["group", GROUP] = {1: frozenset(draw(often(PRIVILEGES[0], *PRIVILEGES[1:])))} | users["group", GROUP]
    resources = {group: draw(offered) for group in GROUPS}
    resources[COMPUTERS] = {2: frozenset(draw(often(OFFERS[0], *OFFERS[1:])))} | resources[COMPUTERS]
    owners = draw(st.dictionaries(st.sampled_from(GROUPS), st.integers(GROUP, GROUP + 4), max_size=2))
    return PrivilegeTree(parents, users, resources, owners)


def shuffled(draw: st.DrawFn, site: Site) -> Site:
    """The same site with its rows in another order; the rows of one request stay in theirs."""
    order = {request: draw(st.integers(0, 9)) for request in {found.request_id for found in site.reservations}}
    return replace(
        site,
        computers=dict(draw(st.permutations(list(site.computers.items())))),
        reservations=sorted(site.reservations, key=lambda found: order[found.request_id]),
        holdings=draw(st.permutations(list(site.holdings))),
        maintenances=draw(st.permutations(list(site.maintenances))),
        management_nodes=draw(st.permutations(list(site.management_nodes))),
        schedule_times={id_: list(reversed(entries)) for id_, entries in site.schedule_times.items()},
    )
