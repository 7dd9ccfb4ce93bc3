"""Small sites for tests of the pure core: everything fits everything, until a keyword says otherwise.

`site()` is a site whose computers are all candidates for `block()`: two hours from START, six hours after NOW.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from scheduling.facts import (
    Block,
    BlockComputer,
    Computer,
    Fleet,
    Image,
    Maintenance,
    ManagementNode,
    Member,
    PrivilegeTree,
    Reservation,
    Site,
)
from scheduling.plan import Plan

MINUTE = 60
HOUR = 60 * MINUTE
NOW = int(datetime(2026, 1, 14, 8, tzinfo=UTC).timestamp())  # a Wednesday
START = NOW + 6 * HOUR
END = START + 2 * HOUR
LOAD = 10 * MINUTE
RELOAD_START = START - LOAD - 10 * MINUTE  # of the first machine

IMAGE, SUB_IMAGE = 1, 2
BLOCK_TIME, OTHER_BLOCK_TIME = 500, 900
GROUP = 51  # the block's user group
COMPUTERS, IMAGES, NODES = 100, 200, 300  # resource groups: IMAGES and NODES are mapped to COMPUTERS
OPEN_SCHEDULE, CLOSED_SCHEDULE = 1, 2
PLAIN_ENGINE, VM_ENGINE = 1, 2  # provisioning engines: for install type partimage, for vmware
CALLER, RELOAD_USER, STRANGER = 1, 2, 3
IN_USE, NEW = 8, 13  # ids in VCL's table `state`


def at(local: str, zone: str = "UTC") -> int:
    """The instant of a local time, as "2026-03-08 01:30"; a repeated one is the first occurrence."""
    return int(datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone)).timestamp())


def image(id_: int = IMAGE, **changes: Any) -> Image:
    """An image that every computer() can run."""
    plain = Image(
        id=id_,
        name=f"image-{id_}",
        revision_id=10 * id_,
        platform_id=1,
        install_type="partimage",
        min_ram=2048,
        min_processors=2,
        min_speed=2000,
        min_network=1000,
        max_concurrent=None,
        reload_minutes=10,
    )
    return plain._replace(**changes)


def vmware_image(id_: int = IMAGE, **changes: Any) -> Image:
    """An image that needs memory of a VM host."""
    return image(id_, **{"install_type": "vmware", **changes})


def computer(id_: int = 1, **changes: Any) -> Computer:
    """A free computer with just what image() needs, loaded with something else."""
    plain = Computer(
        id=id_,
        hostname=f"pc{id_}",
        type="blade",
        state="available",
        deleted=0,
        platform_id=1,
        schedule_id=OPEN_SCHEDULE,
        provisioning_id=PLAIN_ENGINE,
        vm_host_id=None,
        host_computer_id=None,
        ram=2048,
        processors=2,
        speed=2000,
        network=1000,
        revision_id=0,
        loaded_ram=0,
        owner_id=None,
    )
    return plain._replace(**changes)


def host(id_: int, **changes: Any) -> Computer:
    """The computer of a VM host, in a state in which it is no candidate itself."""
    return computer(id_, **{"state": "vmhostinuse", "ram": 8192, **changes})


def vm(id_: int, host_id: int, **changes: Any) -> Computer:
    """A virtual machine on the host with computer `host_id`."""
    place = {"vm_host_id": 1000 + host_id, "host_computer_id": host_id}
    return computer(id_, **{"type": "virtualmachine", "provisioning_id": VM_ENGINE, **place, **changes})


def node(id_: int = 1, **changes: Any) -> ManagementNode:
    """A management node that checked in a minute ago."""
    return ManagementNode(id_, f"mn{id_}", "available", NOW - MINUTE)._replace(**changes)


def reservation(computer_id: int = 1, start: int = START, end: int = END, **changes: Any) -> Reservation:
    """A stranger's reservation of some other image, in use."""
    plain = Reservation(
        request_id=7000 + computer_id,
        state_id=IN_USE,
        last_state_id=NEW,
        user_id=STRANGER,
        start=start,
        end=end,
        computer_id=computer_id,
        image_id=99,
        image_ram=0,
        management_node_id=1,
    )
    return plain._replace(**changes)


def own_reservation(of: Member, computer_id: int = 1, **changes: Any) -> Reservation:
    """A member's own reservation of the block's image, for the time of the block."""
    return reservation(computer_id, **{"user_id": of.id, "image_id": IMAGE, "state_id": NEW, **changes})


def block_computer(computer_id: int = 1, start: int = START, end: int = END, **changes: Any) -> BlockComputer:
    """A computer of another block at the same time, reloaded before it as ours would be."""
    plain = BlockComputer(
        block_time_id=OTHER_BLOCK_TIME,
        computer_id=computer_id,
        image_id=99,
        image_ram=0,
        start=start,
        end=end,
        reload_start=start - LOAD - 10 * MINUTE,
        group_id=GROUP + 1,
        skip=0,
        status="accepted",
    )
    return plain._replace(**changes)


def own_block_computer(computer_id: int = 1, image_id: int = IMAGE, **changes: Any) -> BlockComputer:
    """A computer that the block time has already; its reload request may be gone (see ready.own_reload)."""
    own = {"block_time_id": BLOCK_TIME, "group_id": GROUP, "reload_id": own_reload_id(computer_id)}
    return block_computer(computer_id, **{**own, "image_id": image_id, **changes})


def own_reload_id(computer_id: int) -> int:
    """The reload request that the block time's row of the computer names."""
    return 8000 + computer_id


def maintenance(start: int, end: int, allow_reservations: int = 0) -> Maintenance:
    """A site maintenance."""
    return Maintenance(start, end, allow_reservations)


def member(id_: int = 11, name: str = "", groups: Iterable[int] = (GROUP,), owns: Iterable[int] = ()) -> Member:
    """A member of the block's user group."""
    return Member(id_, name or f"user{id_}", frozenset(groups), frozenset(owns))


Granted = Mapping[int, Iterable[str]]  # node -> names set there


def tree(
    parents: Mapping[int, int] | None = None,
    users: Mapping[tuple[str, int], Granted] | None = None,
    resources: Mapping[int, Granted] | None = None,
    owners: Mapping[int, int] | None = None,
) -> PrivilegeTree:
    """A privilege tree; by default node 2 below the root 1, with nothing granted to anybody."""
    named = {holder: _frozen(nodes) for holder, nodes in (users or {}).items()}
    offered = {group: _frozen(nodes) for group, nodes in (resources or {}).items()}
    return PrivilegeTree({1: 1, 2: 1} if parents is None else parents, named, offered, owners or {})


def _frozen(nodes: Granted) -> dict[int, frozenset[str]]:
    return {at_node: frozenset(names) for at_node, names in nodes.items()}


def open_tree(*, group: int = GROUP, computers: int = COMPUTERS) -> PrivilegeTree:
    """A tree that grants the resource group to the user group."""
    return tree(users={("group", group): {2: {"imageCheckOut"}}}, resources={computers: {2: {"available"}}})


def site(computers: Sequence[Computer] | None = None, **changes: Any) -> Site:
    """A site with these computers (by default one), all in the resource group that the images are mapped to."""
    there = [computer()] if computers is None else computers
    now = changes.get("now", NOW)
    plain = Site(
        now=now,
        zone=ZoneInfo("UTC"),
        computers=Fleet.of_rows(there),
        group_computers=by_group({each.id: frozenset({COMPUTERS}) for each in there}),
        image_groups={image_id: frozenset({IMAGES}) for image_id in range(1, 10)},
        node_groups={1: frozenset({NODES})},
        mapped_groups={
            IMAGES: frozenset({COMPUTERS}),
            NODES: frozenset({COMPUTERS}),
            COMPUTERS: frozenset({IMAGES, NODES}),
        },
        schedule_times={OPEN_SCHEDULE: [(0, 10080)], CLOSED_SCHEDULE: []},
        install_types={PLAIN_ENGINE: frozenset({"partimage"}), VM_ENGINE: frozenset({"vmware"})},
        management_nodes=[node(last_checkin=now - MINUTE)],
        maintenances=[],
        reservations=[],
        block_computers=[],
        claimed=frozenset(),
        load_seconds=LOAD,
        reload_user_id=RELOAD_USER,
        caller_id=CALLER,
    )
    if "computer_groups" in changes:
        changes["group_computers"] = by_group(changes.pop("computer_groups"))
    return replace(plain, **changes)


def by_group(computer_groups: Mapping[int, frozenset[int]]) -> dict[int, frozenset[int]]:
    """Computer -> resource groups as resource group -> computers."""
    groups = frozenset().union(*computer_groups.values())
    return {group: frozenset(id_ for id_, own in computer_groups.items() if group in own) for group in groups}


def block(machines: int = 1, images: Sequence[Image] | None = None, **changes: Any) -> Block:
    """A block time of image() for the group, from START to END."""
    wanted = [image()] if images is None else images
    return replace(Block(BLOCK_TIME, START, END, GROUP, wanted, machines), **changes)


def computers_of(plan: Plan) -> list[tuple[int, ...]]:
    """The ids of the computers of each planned machine."""
    return [tuple(taken.computer.id for taken in machine.assignments) for machine in plan.machines]


def members_of(plan: Plan) -> list[int]:
    """On whose behalf each machine is taken."""
    return [machine.member.id for machine in plan.machines]
