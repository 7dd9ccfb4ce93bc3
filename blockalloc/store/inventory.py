"""Reads what a site has: computers, resource groups and their maps, management nodes, members of a user group."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from blockalloc.models import Roster
from blockalloc.store import decisions, times
from blockalloc.store.sql import Rows, Select, listed_ids, part_of_union, split_ids
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


class _Row(NamedTuple):
    """A row of the other statement: the parts below say which columns a kind of row has; the others are NULL.

    `ids` and `subids` are lists (`split_ids`): those are much cheaper to send and to read than rows of them.
    """

    kind: int
    id: int
    group_id: int
    name: str
    state: str
    last_checkin: times.Stored
    ids: str
    subids: str


# Few rows with texts, in one statement.
_OTHERS = " UNION ALL ".join([
    part_of_union(
        _Row, _MEMBER, {"id": "u.id", "group_id": "m.usergroupid", "name": "u.unityid"},
        "FROM usergroupmembers m JOIN user u ON u.id = m.userid WHERE m.usergroupid IN ({groups})",
    ),
    part_of_union(
        _Row, _NODE, {"id": "n.id", "name": "n.hostname", "state": "s.name", "last_checkin": "n.lastcheckin"},
        "FROM managementnode n JOIN state s ON s.id = n.stateid",
    ),
    part_of_union(
        _Row, _RESOURCES, {"ids": "GROUP_CONCAT(r.id)", "subids": "GROUP_CONCAT(r.subid)"},
        "FROM resource r JOIN resourcetype t ON t.id = r.resourcetypeid WHERE t.name = 'computer'",
    ),
    part_of_union(
        _Row, _GROUP, {"id": "resourcegroupid", "ids": "GROUP_CONCAT(resourceid)"},
        "FROM resourcegroupmembers GROUP BY resourcegroupid",
    ),
    part_of_union(
        _Row, _MAP, {"id": "resourcegroupid1", "ids": "GROUP_CONCAT(resourcegroupid2)"},
        "FROM resourcemap GROUP BY resourcegroupid1",
    ),
    part_of_union(_Row, _ROSTERS, {"ids": "GROUP_CONCAT(id)"}, f"FROM {Roster._meta.db_table} WHERE seen > %s"),
])  # fmt: skip


@dataclass(frozen=True, slots=True)
class Inventory:
    """What a site has beside its computers.

    `people`: user group -> (id, unityid) of its members, in VCL's order (SPEC 5); `rosters` are those of records that
    a record of now may refer to as they are.
    """

    people: dict[int | None, list[tuple[int, str]]]
    nodes: list[ManagementNode]
    group_computers: dict[int, frozenset[int]]  # resource group -> computers
    mapped_groups: dict[int, set[int]]  # resource group -> groups it is mapped to, either direction
    rosters: frozenset[int]


def select(user_groups: Iterable[int | None], now: int) -> Select:
    """The statement for an inventory, with the members of some user groups."""
    groups = listed_ids(group for group in user_groups if group is not None)
    return Select(_OTHERS.format(groups=groups), [decisions.since(now)])


def from_rows(rows: Rows) -> Inventory:
    """The inventory in the statement's rows."""
    by_kind: dict[int, list[_Row]] = defaultdict(list)
    for row in map(_Row._make, rows):
        by_kind[row.kind].append(row)
    return Inventory(
        people=_people(by_kind[_MEMBER]),
        nodes=[
            ManagementNode(row.id, row.name, row.state, times.from_check_in(row.last_checkin)) for row in by_kind[_NODE]
        ],
        group_computers=_group_computers(by_kind[_RESOURCES], by_kind[_GROUP]),
        mapped_groups=_both_ways((row.id, split_ids(row.ids)) for row in by_kind[_MAP]),
        rosters=frozenset().union(*(split_ids(row.ids) for row in by_kind[_ROSTERS])),
    )


def _people(rows: Iterable[_Row]) -> dict[int | None, list[tuple[int, str]]]:
    people: dict[int | None, list[tuple[int, str]]] = defaultdict(list)
    for row in rows:
        people[row.group_id].append((row.id, row.name))
    return {group: sorted(members, key=_by_name) for group, members in people.items()}


def _group_computers(resources: Iterable[_Row], groups: Iterable[_Row]) -> dict[int, frozenset[int]]:
    """Resource group -> computers. Put together here: a join in the database takes twice as long."""
    computer_of: dict[int, int] = {}
    for row in resources:
        computer_of |= zip(split_ids(row.ids), split_ids(row.subids), strict=True)
    return {row.id: frozenset(computer_of[id_] for id_ in split_ids(row.ids) if id_ in computer_of) for row in groups}


def _both_ways(maps: Iterable[tuple[int, list[int]]]) -> dict[int, set[int]]:
    mapped: dict[int, set[int]] = defaultdict(set)
    for group, others in maps:
        mapped[group].update(others)
        for other in others:
            mapped[other].add(group)
    return mapped


def _by_name(member: tuple[int, str]) -> tuple[str, int]:
    # Upper case is how the database's collation weighs letters against "_".
    return member[1].upper(), member[0]
