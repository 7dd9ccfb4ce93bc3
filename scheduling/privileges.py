"""Who may use which resource groups: VCL's privilege tree (SPEC 4, rule 7)."""

from collections import defaultdict
from collections.abc import Mapping
from functools import cache

from scheduling.facts import Member, PrivilegeTree

GRANTS = frozenset({"imageAdmin", "imageCheckOut"})


class Privileges:
    """Answers questions about the privilege tree. Node sets are worked out once for each holder."""

    def __init__(self, tree: PrivilegeTree) -> None:
        self._tree = tree
        self._children: dict[int, list[int]] = defaultdict(list)
        for node, parent in tree.parents.items():
            self._children[parent].append(node)
        self._all_below = cache(self._below)
        self._nodes_of_holder = cache(self._nodes_of)
        self._offered: dict[int, set[int]] = defaultdict(set)  # node -> resource groups available there
        for group in tree.resource_privileges:
            for node in self._nodes_offering(group):
                self._offered[node].add(group)
        self._owned: dict[int, set[int]] = defaultdict(set)  # user group -> resource groups that it owns
        for group, owner in tree.group_owners.items():
            self._owned[owner].add(group)

    def granted_groups(self, member: Member) -> frozenset[int]:
        """Resource groups that `member` may use, by the tree or because a group of theirs owns them."""
        holders = [("user", member.id), *(("group", group) for group in member.group_ids)]
        nodes = frozenset().union(*map(self._nodes_of_holder, holders))
        own = member.group_ids | member.owned_group_ids
        offered = (self._offered[node] for node in nodes if node in self._offered)
        return frozenset().union(*offered, *(self._owned[group] for group in own if group in self._owned))

    def _nodes_of(self, holder: tuple[str, int]) -> frozenset[int]:
        """Nodes at which a user or a user group has imageAdmin or imageCheckOut.

        A block stops what comes from above, at its node and below; what is set at the node itself
        holds in spite of it and cascades on.
        """
        direct = self._of_nodes(self._tree.user_privileges.get(holder, {}))
        blocked = frozenset(node for node, names in direct.items() if "block" in names)
        granting = [node for node, names in direct.items() if names & GRANTS]
        cascading = (node for node in granting if "cascade" in direct[node])
        return frozenset(granting).union(*(self._below(node, blocked) for node in cascading))

    def _nodes_offering(self, group: int) -> frozenset[int]:
        """Nodes at which a resource group is available.

        A block stops what comes from above at its node only, not below it.
        """
        direct = self._of_nodes(self._tree.resource_privileges[group])
        blocked = {node for node, names in direct.items() if "block" in names}
        offering = {node for node, names in direct.items() if "available" in names}
        cascading = (node for node, names in direct.items() if {"available", "cascade"} <= names)
        inherited = frozenset().union(*map(self._all_below, cascading))
        return frozenset(offering | (inherited - blocked))

    def _of_nodes(self, direct: Mapping[int, frozenset[str]]) -> dict[int, frozenset[str]]:
        """Names set at nodes that there are."""
        return {node: names for node, names in direct.items() if node in self._tree.parents}

    def _below(self, node: int, blocked: frozenset[int] = frozenset()) -> frozenset[int]:
        """The nodes below `node`, without those that are `blocked` and what is below them."""
        below: set[int] = set()
        waiting = [node]
        while waiting:
            for child in self._children.get(waiting.pop(), ()):
                # The root is its own parent, and a broken tree may go round.
                if child != node and child not in below and child not in blocked:
                    below.add(child)
                    waiting.append(child)
        return frozenset(below)
