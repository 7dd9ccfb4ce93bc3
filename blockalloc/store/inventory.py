"""Reads what a site has: computers, resource groups and their maps, management nodes, members of a user group."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from blockalloc.models import Roster
from blockalloc.store import decisions, times
from blockalloc.store.sql import Rows, Select, split_ids
from scheduling.facts import ManagementNode

# The fields of a Computer, in tens of thousands of rows: each join that most of them don't need would cost more
# than reading them. What a computer holds now counts for virtual machines only. A state is looked up by a subquery,
# whose few results the server remembers.
COMPUTERS = Select("""
SELECT c.id, c.hostname, c.type, COALESCE((SELECT s.name FROM state s WHERE s.id = c.stateid), ''), c.deleted,
       c.platformid, c.scheduleid, c.provisioningid, c.vmhostid, h.computerid, c.RAM, c.procnumber, c.procspeed,
       c.network, c.imagerevisionid, CAST(COALESCE(i.minram, 0) AS UNSIGNED), c.ownerid
FROM computer c
LEFT JOIN vmhost h ON h.id = c.vmhostid
LEFT JOIN image i ON i.id = c.currentimageid AND c.vmhostid IS NOT NULL
WHERE c.deleted = 0 OR c.vmhostid IS NOT NULL OR c.id IN (SELECT computerid FROM vmhost)
""")

_MEMBER, _NODE, _RESOURCES, _GROUP, _MAP, _ROSTERS = range(1, 7)
# Few rows with texts, in one statement. A list of ids is much cheaper to send and to read than rows of them.
_OTHERS = f"""
SELECT {_MEMBER}, u.id, u.unityid, '', NULL
FROM usergroupmembers m JOIN user u ON u.id = m.userid WHERE m.usergroupid = %s
UNION ALL
SELECT {_NODE}, n.id, n.hostname, s.name, n.lastcheckin FROM managementnode n JOIN state s ON s.id = n.stateid
UNION ALL
SELECT {_RESOURCES}, 0, GROUP_CONCAT(r.id), GROUP_CONCAT(r.subid), NULL
FROM resource r JOIN resourcetype t ON t.id = r.resourcetypeid WHERE t.name = 'computer'
UNION ALL
SELECT {_GROUP}, resourcegroupid, GROUP_CONCAT(resourceid), '', NULL
FROM resourcegroupmembers GROUP BY resourcegroupid
UNION ALL
SELECT {_MAP}, resourcegroupid1, GROUP_CONCAT(resourcegroupid2), '', NULL FROM resourcemap GROUP BY resourcegroupid1
UNION ALL
SELECT {_ROSTERS}, 0, GROUP_CONCAT(id), '', NULL FROM {Roster._meta.db_table} WHERE seen > %s
"""


@dataclass(frozen=True, slots=True)
class Inventory:
    """What a site has beside its computers.

    `people` are (id, unityid) of the user group's members, in VCL's order (SPEC 5); `rosters` those of records that
    a record of now may refer to as they are.
    """

    people: list[tuple[int, str]]
    nodes: list[ManagementNode]
    group_computers: dict[int, frozenset[int]]  # resource group -> computers
    mapped_groups: dict[int, set[int]]  # resource group -> groups it is mapped to, either direction
    rosters: frozenset[int]


def select(user_group_id: int | None, now: int) -> Select:
    """The statement for an inventory."""
    return Select(_OTHERS, [user_group_id, decisions.since(now)])


def made_of(rows: Rows) -> Inventory:
    """The inventory that the statement's rows tell of."""
    people = [(id_, name) for kind, id_, name, _, _ in rows if kind == _MEMBER]
    return Inventory(
        sorted(people, key=_by_name),
        [ManagementNode(id_, name, state, times.from_utc(at)) for kind, id_, name, state, at in rows if kind == _NODE],
        _group_computers(rows),
        _both_ways((id_, split_ids(listed)) for kind, id_, listed, _, _ in rows if kind == _MAP),
        frozenset().union(*(split_ids(listed) for kind, _, listed, _, _ in rows if kind == _ROSTERS)),
    )


def _group_computers(rows: Rows) -> dict[int, frozenset[int]]:
    """Resource group -> computers. Put together here: a join in the database takes twice as long."""
    computer_of: dict[int, int] = {}
    for kind, _, resources, computers, _ in rows:
        if kind == _RESOURCES:
            computer_of |= zip(split_ids(resources), split_ids(computers), strict=True)
    groups = ((id_, split_ids(listed)) for kind, id_, listed, _, _ in rows if kind == _GROUP)
    return {id_: frozenset(computer_of[each] for each in listed if each in computer_of) for id_, listed in groups}


def _both_ways(maps: Iterable[tuple[int, list[int]]]) -> dict[int, set[int]]:
    found: dict[int, set[int]] = defaultdict(set)
    for group, others in maps:
        found[group].update(others)
        for other in others:
            found[other].add(group)
    return found


def _by_name(member: tuple[int, str]) -> tuple[str, int]:
    # Upper case is how the database's collation weighs letters against "_".
    return member[1].upper(), member[0]
