"""Who may use which resource groups: VCL's privilege tree (SPEC 4, rule 7)."""

from collections.abc import Mapping
from functools import cache

from scheduling.facts import Member, PrivilegeTree

GRANTS = frozenset({"imageAdmin", "imageCheckOut"})


class Privileges:
    """The privilege tree, ready to be asked. Node sets are worked out once for each holder."""

    def __init__(self, tree: PrivilegeTree) -> None:
        self._tree = tree
        self._paths = {node: _path(node, tree.parents) for node in tree.parents}
        self.nodes_of = cache(self._nodes_of)
        self.nodes_offering = cache(self._nodes_offering)

    def granted_groups(self, member: Member) -> frozenset[int]:
        """Resource groups that `member` may use, by the tree or because they are his own."""
        holders = [("user", member.id), *(("group", group) for group in member.group_ids)]
        nodes = frozenset().union(*(self.nodes_of(holder) for holder in holders))
        reached = {group for group in self._tree.resource_privileges if nodes & self.nodes_offering(group)}
        his = member.group_ids | member.owned_group_ids
        return frozenset(reached | {group for group, owner in self._tree.group_owners.items() if owner in his})

    def _nodes_of(self, holder: tuple[str, int]) -> frozenset[int]:
        """Nodes at which a user or a user group has imageAdmin or imageCheckOut.

        A block stops what comes from above, at its node and below; what is set at the node itself
        holds beside it and cascades on.
        """
        direct = self._tree.user_privileges.get(holder, {})
        if not any(names & GRANTS for names in direct.values()):
            return frozenset()
        return frozenset(node for node, path in self._paths.items() if _holds(path, direct))

    def _nodes_offering(self, group: int) -> frozenset[int]:
        """Nodes at which a resource group is available.

        A block stops what comes from above at its node only, not below it.
        """
        direct = self._tree.resource_privileges[group]
        none: frozenset[str] = frozenset()
        cascading = {node for node, names in direct.items() if {"available", "cascade"} <= names}
        return frozenset(
            node
            for node, path in self._paths.items()
            if "available" in direct.get(node, none)
            or ("block" not in direct.get(node, none) and not cascading.isdisjoint(path[1:]))
        )


def _holds(path: tuple[int, ...], direct: Mapping[int, frozenset[str]]) -> bool:
    """Whether a grant is set at the first node of `path`, or reaches it from a node further up."""
    for depth, node in enumerate(path):
        names = direct.get(node, frozenset())
        if names & GRANTS and (depth == 0 or "cascade" in names):
            return True
        if "block" in names:
            return False
    return False


def _path(node: int, parents: Mapping[int, int]) -> tuple[int, ...]:
    """The nodes from `node` up to the root. The root is its own parent; a broken tree ends where it repeats."""
    path: list[int] = []
    while node in parents and node not in path:
        path.append(node)
        node = parents[node]
    return tuple(path)
