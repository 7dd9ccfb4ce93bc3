"""Reads what a plan rests on: a fixed number of set-based statements, whatever the size of the site."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from blockalloc.site_time import site_zone
from blockalloc.store import links, loads, promises, times
from blockalloc.store.sql import fetch
from scheduling.facts import Block, Computer, Image, ManagementNode, Member, Site
from scheduling.reload_plan import ADOPTED_ROOM, ROOM, step
from scheduling.windows import HOUR

# What SQL narrows by is wider than what the rules look at: local times may be off by a change of
# the clock, and 15 to 30 minutes of room count on both sides.
_SLACK = 3 * HOUR

_COMPUTERS = """
SELECT c.id, c.hostname, c.type, s.name, c.deleted, c.platformid, c.scheduleid, c.provisioningid, c.vmhostid,
       h.computerid, c.RAM, c.procnumber, c.procspeed, c.network, c.imagerevisionid, COALESCE(i.minram, 0), c.ownerid
FROM computer c JOIN state s ON s.id = c.stateid
LEFT JOIN vmhost h ON h.id = c.vmhostid
LEFT JOIN image i ON i.id = c.currentimageid
WHERE c.deleted = 0 OR c.vmhostid IS NOT NULL OR c.id IN (SELECT computerid FROM vmhost)
"""

_MEMBER, _NODE = 1, 2
# Texts that come by the dozen, in one statement.
_MEMBERS_AND_NODES = f"""
SELECT {_MEMBER}, u.id, u.unityid, '', NULL
FROM usergroupmembers m JOIN user u ON u.id = m.userid WHERE m.usergroupid = %s
UNION ALL
SELECT {_NODE}, n.id, n.hostname, s.name, n.lastcheckin FROM managementnode n JOIN state s ON s.id = n.stateid
"""


@dataclass(frozen=True, slots=True)
class Question:
    """What a snapshot is read for. `now` is the time of the call, `clock` that of this transaction."""

    block: Block
    now: int
    clock: int
    caller_id: int
    call_id: str
    ignore_privileges: bool


def _members_and_nodes(group_id: int | None) -> tuple[list[tuple[int, str]], list[ManagementNode]]:
    """(id, unityid) of the members of a user group, in VCL's order (SPEC 5), and all management nodes."""
    rows = fetch(_MEMBERS_AND_NODES, [group_id])
    people = [(id_, name) for kind, id_, name, _, _ in rows if kind == _MEMBER]
    nodes = [
        ManagementNode(id_, name, state, times.from_utc(seen)) for kind, id_, name, state, seen in rows if kind == _NODE
    ]
    return sorted(people, key=_by_name), nodes


def _by_name(member: tuple[int, str]) -> tuple[str, int]:
    # Upper case is how the database's collation weighs letters against "_".
    return member[1].upper(), member[0]


def load_seconds(image: Image, now: int) -> int:
    """How long the image takes to load, by the loads of the last 12 months (SPEC 6)."""
    return loads.estimates({image.id: image.reload_minutes}, now)[image.id]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The facts for a plan, read at `clock`, and what semaphores say of our own calls: see Promises.

    `rosters` are those that the record of this call may refer to as they are.
    """

    clock: int
    site: Site
    own_claims: frozenset[int]
    held: frozenset[int]
    rivals: Mapping[str, frozenset[int]]
    rosters: frozenset[int] = frozenset()


def read(question: Question) -> Snapshot:
    """All facts for a plan, read in the guard's transaction."""
    block = question.block
    people, nodes = _members_and_nodes(block.group_id)
    seconds = load_seconds(block.images[0], question.now)
    image_ids = sorted({image.id for image in block.images})
    who = [question.caller_id] if question.ignore_privileges else [id_ for id_, _ in people]
    parts = [
        *links.site_parts(image_ids),
        links.recent_part(question.now, who, image_ids),
        links.roster_part(question.now),
    ]
    if not question.ignore_privileges:
        parts += links.privilege_parts(who)
    linked = links.read(parts)
    found = _promises(question, seconds)
    site = Site(
        now=question.now,
        zone=site_zone(),
        computers={row[0]: Computer(*row) for row in fetch(_COMPUTERS)},
        computer_groups=linked.computer_groups,
        image_groups=linked.image_groups,
        node_groups=linked.node_groups,
        mapped_groups=linked.mapped_groups,
        schedule_times=linked.schedule_times,
        install_types=_install_types(linked, block.images),
        management_nodes=nodes,
        maintenances=found.maintenances,
        reservations=found.reservations,
        holdings=found.holdings,
        claimed=found.claimed,
        load_seconds=seconds,
        reload_user_id=linked.reload_user,
        members=[_member(id_, name, linked) for id_, name in people],
        caller_id=question.caller_id,
        recent=linked.recent,
        privileges=linked.privileges,
    )
    return Snapshot(question.clock, site, found.own_claims, found.held, found.rivals, linked.rosters)


def read_again(site: Site, question: Question) -> Snapshot:
    """The same site with what others may have written meanwhile."""
    found = _promises(question, site.load_seconds)
    site = replace(
        site,
        reservations=found.reservations,
        holdings=found.holdings,
        claimed=found.claimed,
        maintenances=found.maintenances,
    )
    return Snapshot(question.clock, site, found.own_claims, found.held, found.rivals)


def _promises(question: Question, seconds: int) -> promises.Promises:
    """What is promised at any time that may matter to the plan."""
    block = question.block
    lead = seconds + max(ROOM, ADOPTED_ROOM) + step(seconds) * block.machines
    low = min(block.start, question.now) - lead - _SLACK
    return promises.read(low, block.end + _SLACK, question.clock, question.call_id)


def _member(id_: int, name: str, linked: links.Links) -> Member:
    none: frozenset[int] = frozenset()
    return Member(id_, name, linked.user_groups.get(id_, none), linked.owned_groups.get(id_, none))


def _install_types(linked: links.Links, images: Sequence[Image]) -> dict[int, frozenset[str]]:
    """Provisioning engine -> those install types of the block's images that it supports."""
    names = {image.id: image.install_type for image in images}
    return {engine: frozenset(names[id_] for id_ in found) for engine, found in linked.supported_images.items()}
