"""Facts that are nothing but numbers, read together in one statement.

Each part is a SELECT of rows of one kind; UNION ALL joins those that a call needs. So the number
of statements stays small, and one statement sees one state of the database.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from blockalloc.store.sql import Value, fetch, listed_ids, part_of_union
from blockalloc.store.times import to_local
from scheduling.facts import NO_PRIVILEGES, Image, Member, PrivilegeTree
from scheduling.vcl_names import RELOAD_USER
from scheduling.windows import MINUTE

RECENT = 90 * MINUTE  # a reservation that began later and is over already may have failed unnoticed

_IMAGE, _NODE, _SCHEDULE, _PROVISIONING, _RECENT = range(1, 6)
(
    _PARENT,
    _USER_PRIVILEGE,
    _GROUP_PRIVILEGE,
    _RESOURCE_PRIVILEGE,
    _RESOURCE_OWNER,
    _GROUP_OWNER,
    _MEMBERSHIP,
    _RELOAD_USER,
) = range(6, 14)

_PRIVILEGE_NAMES = {1: "imageAdmin", 2: "imageCheckOut", 3: "cascade", 4: "block", 5: "available"}


@dataclass(slots=True)
class Links:
    """The integer facts of one call, by what they link."""

    image_groups: dict[int, frozenset[int]] = field(default_factory=dict)
    node_groups: dict[int, frozenset[int]] = field(default_factory=dict)
    schedule_times: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    supported_images: dict[int, frozenset[int]] = field(default_factory=dict)  # provisioning -> images
    recent_failures: dict[tuple[int, int], frozenset[int]] = field(default_factory=dict)  # (user, image) -> computers
    user_groups: dict[int, frozenset[int]] = field(default_factory=dict)  # user -> groups that they are in
    owned_groups: dict[int, frozenset[int]] = field(default_factory=dict)  # user -> groups that they own
    privileges: PrivilegeTree = NO_PRIVILEGES
    reload_user: int = 0  # vclreload@Local, who owns reload requests

    def members(self, people: Iterable[tuple[int, str]]) -> list[Member]:
        """Members of a user group, given by id and unityid."""
        none: frozenset[int] = frozenset()
        return [
            Member(id_, name, self.user_groups.get(id_, none), self.owned_groups.get(id_, none)) for id_, name in people
        ]

    def install_types(self, images: Iterable[Image]) -> dict[int, frozenset[str]]:
        """Provisioning engine -> those install types of these images that it supports."""
        names = {image.id: image.install_type for image in images}
        return {engine: frozenset(names[id_] for id_ in ids) for engine, ids in self.supported_images.items()}


Part = tuple[str, list[Value]]


class _Row(NamedTuple):
    """What (`key`) is linked to what (`value`), and by what, where there are several ways (`detail`)."""

    kind: int
    key: int
    value: int
    detail: int


_MEMBERS = (
    "FROM resourcegroupmembers m JOIN resource r ON r.id = m.resourceid JOIN resourcetype t ON t.id = r.resourcetypeid"
)


def image_groups_part(image_ids: Sequence[int]) -> Part:
    """The resource groups of images."""
    return _part(
        _IMAGE,
        f"{_MEMBERS} WHERE t.name = 'image' AND r.subid IN ({listed_ids(image_ids)})",
        key="r.subid",
        value="m.resourcegroupid",
    )


def site_parts(image_ids: Sequence[int]) -> list[Part]:
    """Resource groups of images and management nodes, schedules, provisioning engines."""
    return [
        image_groups_part(image_ids),
        _part(_NODE, f"{_MEMBERS} WHERE t.name = 'managementnode'", key="r.subid", value="m.resourcegroupid"),
        _part(_SCHEDULE, "FROM scheduletimes", key="scheduleid", value="start", detail="`end`"),
        _part(
            _RELOAD_USER,
            "FROM user u JOIN affiliation a ON a.id = u.affiliationid WHERE u.unityid = %s AND a.name = %s",
            [*RELOAD_USER],
            key="u.id",
        ),
        _part(
            _PROVISIONING,
            "FROM provisioningOSinstalltype p JOIN OSinstalltype t ON t.id = p.OSinstalltypeid "
            "JOIN OS o ON o.installtype = t.name JOIN image i ON i.OSid = o.id "
            f"WHERE i.id IN ({listed_ids(image_ids)})",
            key="p.provisioningid",
            value="i.id",
        ),
    ]


def recent_part(now: int, user_ids: Iterable[int], image_ids: Sequence[int]) -> Part:
    """Computers of reservations that began lately and are over already (SPEC 4, "which first")."""
    return _part(
        _RECENT,
        "FROM log l JOIN sublog s ON s.logid = l.id "
        "WHERE l.start > %s AND l.finalend < %s AND l.wasavailable = 1 AND l.ending <> 'failed' "
        f"AND l.userid IN ({listed_ids(user_ids)}) AND l.imageid IN ({listed_ids(image_ids)}) "
        "GROUP BY l.userid, l.imageid, s.computerid",
        [to_local(now - RECENT), to_local(now)],
        key="l.userid",
        value="l.imageid",
        detail="s.computerid",
    )


def membership_part(user_ids: Collection[int]) -> Part:
    """The user groups that the users are members of."""
    tables = f"FROM usergroupmembers WHERE userid IN ({listed_ids(user_ids)})"
    return _part(_MEMBERSHIP, tables, key="userid", value="usergroupid")


def privilege_parts(user_ids: Collection[int]) -> list[Part]:
    """The privilege tree as far as it concerns these users and their groups (SPEC 4, rule 7)."""
    users = listed_ids(user_ids)
    privileges = (
        "FROM userpriv p JOIN userprivtype t ON t.id = p.userprivtypeid "
        "WHERE t.name IN ('imageAdmin', 'imageCheckOut', 'cascade', 'block')"
    )
    number = "CASE t.name WHEN 'imageAdmin' THEN 1 WHEN 'imageCheckOut' THEN 2 WHEN 'cascade' THEN 3 ELSE 4 END"
    groups = f"SELECT usergroupid FROM usergroupmembers WHERE userid IN ({users})"
    return [
        membership_part(user_ids),
        _part(_PARENT, "FROM privnode", key="id", value="parent"),
        _part(
            _USER_PRIVILEGE,
            f"{privileges} AND p.userid IN ({users})",
            key="p.userid",
            value="p.privnodeid",
            detail=number,
        ),
        _part(
            _GROUP_PRIVILEGE,
            f"{privileges} AND p.usergroupid IN ({groups})",
            key="p.usergroupid",
            value="p.privnodeid",
            detail=number,
        ),
        _part(
            _RESOURCE_PRIVILEGE,
            "FROM resourcepriv WHERE type IN ('available', 'cascade', 'block')",
            key="resourcegroupid",
            value="privnodeid",
            detail="CASE type WHEN 'cascade' THEN 3 WHEN 'block' THEN 4 ELSE 5 END",
        ),
        _part(_RESOURCE_OWNER, "FROM resourcegroup", key="id", value="ownerusergroupid"),
        _part(_GROUP_OWNER, f"FROM usergroup WHERE ownerid IN ({users})", key="ownerid", value="id"),
    ]


def _part(kind: int, tables: str, params: Sequence[Value] = (), **columns: str) -> Part:
    return part_of_union(_Row, kind, columns, tables), [*params]


def read(parts: Sequence[Part]) -> Links:
    """Run the parts as one statement and sort out what came back."""
    sql = " UNION ALL ".join(part for part, _ in parts)
    rows: dict[int, list[_Row]] = defaultdict(list)
    for row in map(_Row._make, fetch(sql, [value for _, params in parts for value in params])):
        rows[row.kind].append(row)
    return Links(
        image_groups=_sets(rows[_IMAGE]),
        node_groups=_sets(rows[_NODE]),
        schedule_times=_spans(rows[_SCHEDULE]),
        supported_images=_sets(rows[_PROVISIONING]),
        recent_failures=_recent(rows[_RECENT]),
        user_groups=_sets(rows[_MEMBERSHIP]),
        owned_groups=_sets(rows[_GROUP_OWNER]),
        privileges=_tree(rows),
        reload_user=rows[_RELOAD_USER][0].key if rows[_RELOAD_USER] else 0,
    )


def _tree(rows: Mapping[int, Sequence[_Row]]) -> PrivilegeTree:
    holders: dict[tuple[str, int], dict[int, frozenset[str]]] = {}
    for kind, of_kind in (("user", rows[_USER_PRIVILEGE]), ("group", rows[_GROUP_PRIVILEGE])):
        for holder, nodes in _privileges(of_kind).items():
            holders[kind, holder] = nodes
    return PrivilegeTree(
        parents={row.key: row.value for row in rows[_PARENT]},
        user_privileges=holders,
        resource_privileges=_privileges(rows[_RESOURCE_PRIVILEGE]),
        group_owners={row.key: row.value for row in rows[_RESOURCE_OWNER]},
    )


def _privileges(rows: Iterable[_Row]) -> dict[int, dict[int, frozenset[str]]]:
    """Holder -> node -> the names of what it has there."""
    holders: dict[int, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    for row in rows:
        holders[row.key][row.value].add(_PRIVILEGE_NAMES[row.detail])
    return {holder: {node: frozenset(names) for node, names in nodes.items()} for holder, nodes in holders.items()}


def _recent(rows: Iterable[_Row]) -> dict[tuple[int, int], frozenset[int]]:
    computers: dict[tuple[int, int], set[int]] = defaultdict(set)
    for row in rows:
        computers[row.key, row.value].add(row.detail)
    return {key: frozenset(ids) for key, ids in computers.items()}


def _sets(rows: Iterable[_Row]) -> dict[int, frozenset[int]]:
    sets: dict[int, set[int]] = defaultdict(set)
    for row in rows:
        sets[row.key].add(row.value)
    return {key: frozenset(values) for key, values in sets.items()}


def _spans(rows: Iterable[_Row]) -> dict[int, list[tuple[int, int]]]:
    spans: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for row in rows:
        spans[row.key].append((row.value, row.detail))
    return dict(spans)
