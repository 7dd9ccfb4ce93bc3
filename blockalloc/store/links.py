"""Facts that are nothing but numbers, read together in one statement.

Each part is a SELECT of a tag and three integers; UNION ALL joins those that a call needs. So
the number of statements stays small, and one statement sees one state of the database.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from blockalloc.store.sql import Value, fetch, listed_ids
from blockalloc.store.times import to_local
from scheduling.facts import NO_PRIVILEGES, PrivilegeTree
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
    recent: dict[tuple[int, int], frozenset[int]] = field(default_factory=dict)  # (user, image) -> computers
    user_groups: dict[int, frozenset[int]] = field(default_factory=dict)  # user -> groups he is in
    owned_groups: dict[int, frozenset[int]] = field(default_factory=dict)  # user -> groups he owns
    privileges: PrivilegeTree = NO_PRIVILEGES
    reload_user: int = 0  # vclreload@Local, who owns reload requests


Part = tuple[str, list[Value]]


_MEMBERS = (
    "FROM resourcegroupmembers m JOIN resource r ON r.id = m.resourceid JOIN resourcetype t ON t.id = r.resourcetypeid"
)


def image_groups_part(image_ids: Sequence[int]) -> Part:
    """The resource groups of images."""
    where = f"WHERE t.name = 'image' AND r.subid IN ({listed_ids(image_ids)})"
    return f"SELECT {_IMAGE}, r.subid, m.resourcegroupid, 0 {_MEMBERS} {where}", []


def site_parts(image_ids: Sequence[int]) -> list[Part]:
    """Resource groups of images and management nodes, schedules, provisioning engines."""
    images = listed_ids(image_ids)
    return [
        image_groups_part(image_ids),
        (f"SELECT {_NODE}, r.subid, m.resourcegroupid, 0 {_MEMBERS} WHERE t.name = 'managementnode'", []),
        (f"SELECT {_SCHEDULE}, scheduleid, start, `end` FROM scheduletimes", []),
        (
            f"SELECT {_RELOAD_USER}, u.id, 0, 0 FROM user u JOIN affiliation a ON a.id = u.affiliationid "
            "WHERE u.unityid = %s AND a.name = %s",
            [*RELOAD_USER],
        ),
        (
            f"SELECT {_PROVISIONING}, p.provisioningid, i.id, 0 FROM provisioningOSinstalltype p "
            "JOIN OSinstalltype t ON t.id = p.OSinstalltypeid JOIN OS o ON o.installtype = t.name "
            f"JOIN image i ON i.OSid = o.id WHERE i.id IN ({images})",
            [],
        ),
    ]


def recent_part(now: int, user_ids: Iterable[int], image_ids: Sequence[int]) -> Part:
    """Computers of reservations that began lately and are over already (SPEC 4, "which first")."""
    return (
        f"SELECT DISTINCT {_RECENT}, l.userid, l.imageid, s.computerid FROM log l JOIN sublog s ON s.logid = l.id "
        f"WHERE l.start > %s AND l.finalend < %s AND l.wasavailable = 1 AND l.ending <> 'failed' "
        f"AND l.userid IN ({listed_ids(user_ids)}) AND l.imageid IN ({listed_ids(image_ids)})",
        [to_local(now - RECENT), to_local(now)],
    )


def membership_part(user_ids: Collection[int]) -> Part:
    """The user groups that the users are members of."""
    return (
        f"SELECT {_MEMBERSHIP}, userid, usergroupid, 0 FROM usergroupmembers WHERE userid IN ({listed_ids(user_ids)})",
        [],
    )


def privilege_parts(user_ids: Collection[int]) -> list[Part]:
    """The privilege tree as far as it concerns these users and their groups (SPEC 4, rule 7)."""
    users = listed_ids(user_ids)
    names = (
        "CASE t.name WHEN 'imageAdmin' THEN 1 WHEN 'imageCheckOut' THEN 2 WHEN 'cascade' THEN 3 ELSE 4 END "
        "FROM userpriv p JOIN userprivtype t ON t.id = p.userprivtypeid "
        "WHERE t.name IN ('imageAdmin', 'imageCheckOut', 'cascade', 'block')"
    )
    return [
        membership_part(user_ids),
        (f"SELECT {_PARENT}, id, parent, 0 FROM privnode", []),
        (f"SELECT {_USER_PRIVILEGE}, p.userid, p.privnodeid, {names} AND p.userid IN ({users})", []),
        (
            f"SELECT {_GROUP_PRIVILEGE}, p.usergroupid, p.privnodeid, {names} AND p.usergroupid IN "
            f"(SELECT usergroupid FROM usergroupmembers WHERE userid IN ({users}))",
            [],
        ),
        (
            f"SELECT {_RESOURCE_PRIVILEGE}, resourcegroupid, privnodeid, "
            "CASE type WHEN 'cascade' THEN 3 WHEN 'block' THEN 4 ELSE 5 END "
            "FROM resourcepriv WHERE type IN ('available', 'cascade', 'block')",
            [],
        ),
        (f"SELECT {_RESOURCE_OWNER}, id, ownerusergroupid, 0 FROM resourcegroup", []),
        (f"SELECT {_GROUP_OWNER}, ownerid, id, 0 FROM usergroup WHERE ownerid IN ({users})", []),
    ]


def read(parts: Sequence[Part]) -> Links:
    """Run the parts as one statement and sort out what came back."""
    sql = " UNION ALL ".join(part for part, _ in parts)
    rows: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
    for tag, first, second, third in fetch(sql, [value for _, params in parts for value in params]):
        rows[tag].append((first, second, third))
    return Links(
        image_groups=_sets(rows[_IMAGE]),
        node_groups=_sets(rows[_NODE]),
        schedule_times=_lists(rows[_SCHEDULE]),
        supported_images=_sets(rows[_PROVISIONING]),
        recent=_recent(rows[_RECENT]),
        user_groups=_sets(rows[_MEMBERSHIP]),
        owned_groups=_sets(rows[_GROUP_OWNER]),
        privileges=_tree(rows),
        reload_user=rows[_RELOAD_USER][0][0] if rows[_RELOAD_USER] else 0,
    )


def _tree(rows: dict[int, list[tuple[int, int, int]]]) -> PrivilegeTree:
    holders: dict[tuple[str, int], dict[int, frozenset[str]]] = {}
    for kind, tag in (("user", _USER_PRIVILEGE), ("group", _GROUP_PRIVILEGE)):
        for holder, nodes in _named(rows[tag]).items():
            holders[kind, holder] = nodes
    return PrivilegeTree(
        parents={node: parent for node, parent, _ in rows[_PARENT]},
        user_privileges=holders,
        resource_privileges=_named(rows[_RESOURCE_PRIVILEGE]),
        group_owners={group: owner for group, owner, _ in rows[_RESOURCE_OWNER]},
    )


def _named(rows: Iterable[tuple[int, int, int]]) -> dict[int, dict[int, frozenset[str]]]:
    """(holder, node, privilege) as holder -> node -> names."""
    found: dict[int, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    for holder, node, name in rows:
        found[holder][node].add(_PRIVILEGE_NAMES[name])
    return {holder: {node: frozenset(names) for node, names in nodes.items()} for holder, nodes in found.items()}


def _recent(rows: Iterable[tuple[int, int, int]]) -> dict[tuple[int, int], frozenset[int]]:
    found: dict[tuple[int, int], set[int]] = defaultdict(set)
    for user, image, computer in rows:
        found[user, image].add(computer)
    return {key: frozenset(computers) for key, computers in found.items()}


def _sets(rows: Iterable[tuple[int, int, int]]) -> dict[int, frozenset[int]]:
    found: dict[int, set[int]] = defaultdict(set)
    for first, second, _ in rows:
        found[first].add(second)
    return {key: frozenset(values) for key, values in found.items()}


def _lists(rows: Iterable[tuple[int, int, int]]) -> dict[int, list[tuple[int, int]]]:
    found: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for first, second, third in rows:
        found[first].append((second, third))
    return dict(found)
