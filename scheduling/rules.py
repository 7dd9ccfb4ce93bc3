"""The rules about a computer itself: what it is, where it belongs (SPEC 4, rules 2 to 6 and 10).

Each rule is a function of the computer and the terms of an image. It returns None when the
computer may be taken and a Reason when not. Computers with the same profile are judged once.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from scheduling.facts import Computer, Image, ManagementNode, Site
from scheduling.reasons import Reason

UNUSABLE_STATES = frozenset({"maintenance", "vmhostinuse", "hpc", "failed"})
BUSY_NOW_STATES = frozenset({"timeout", "inuse"})
UNUSABLE_NODE_STATES = frozenset({"deleted", "maintenance"})
CHECKIN_SECONDS = 300  # a management node that has been silent for longer gets no reload (SPEC 8.10)


@dataclass(frozen=True, slots=True)
class Terms:
    """What an image asks of a computer's surroundings, worked out once for each image."""

    image: Image
    supporting: frozenset[int]  # provisioning engines that support the install type of its OS
    mapped_groups: frozenset[int]  # resource groups whose computers it is mapped to


def terms_of(image: Image, site: Site) -> Terms:
    """The terms of `image` at this site."""
    mapped = [site.mapped_groups.get(group, frozenset()) for group in site.image_groups.get(image.id, ())]
    return Terms(
        image,
        frozenset(engine for engine, types in site.install_types.items() if image.install_type in types),
        frozenset().union(*mapped),
    )


class LiveNodes:
    """Management nodes that may be given a reload, by the computers that they are mapped to."""

    def __init__(self, site: Site) -> None:
        self._by_group: dict[int, list[ManagementNode]] = {}
        for node in site.management_nodes:
            if is_live(node, site.now):
                for group in _mapped_from(site.node_groups.get(node.id, ()), site):
                    self._by_group.setdefault(group, []).append(node)
        self._cache: dict[frozenset[int], tuple[ManagementNode, ...]] = {}

    def of(self, computer_groups: frozenset[int]) -> tuple[ManagementNode, ...]:
        """The live nodes of a computer in these resource groups, lowest id first."""
        nodes = self._cache.get(computer_groups)
        if nodes is None:
            found = {node for group in computer_groups for node in self._by_group.get(group, ())}
            nodes = self._cache[computer_groups] = tuple(sorted(found, key=lambda node: node.id))
        return nodes


def is_live(node: ManagementNode, now: int) -> bool:
    """Whether a management node can be given a reload now (SPEC 4, rule 10; 8.10)."""
    if node.state in UNUSABLE_NODE_STATES or node.last_checkin is None:
        return False
    return now - node.last_checkin < CHECKIN_SECONDS


def _mapped_from(groups: Iterable[int], site: Site) -> frozenset[int]:
    return frozenset().union(*(site.mapped_groups.get(group, frozenset()) for group in groups))


# --- the rules, in the order in which they are told ---------------------------------------------


def not_deleted(computer: Computer, terms: Terms, groups: frozenset[int]) -> Reason | None:
    """Rule 4: a deleted computer is gone."""
    return Reason("not_deleted", "it is deleted") if computer.deleted else None


def has_schedule(computer: Computer, terms: Terms, groups: frozenset[int]) -> Reason | None:
    """Rule 2: a computer without a schedule is never open."""
    return Reason("has_schedule", "it has no schedule") if computer.schedule_id is None else None


def platform(computer: Computer, terms: Terms, groups: frozenset[int]) -> Reason | None:
    """Rule 3: the image runs on one platform only."""
    wanted = terms.image.platform_id
    if computer.platform_id == wanted:
        return None
    return Reason("platform", "platform {} is not the image's platform {}", (computer.platform_id, wanted))


def memory(computer: Computer, terms: Terms, groups: frozenset[int]) -> Reason | None:
    """Rule 3: memory, MB."""
    return _at_least("memory", "RAM", "MB", computer.ram, terms.image.min_ram)


def processors(computer: Computer, terms: Terms, groups: frozenset[int]) -> Reason | None:
    """Rule 3: number of processors."""
    return _at_least("processors", "number of processors", "", computer.processors, terms.image.min_processors)


def speed(computer: Computer, terms: Terms, groups: frozenset[int]) -> Reason | None:
    """Rule 3: speed of one processor, MHz."""
    return _at_least("speed", "processor speed", "MHz", computer.speed, terms.image.min_speed)


def network(computer: Computer, terms: Terms, groups: frozenset[int]) -> Reason | None:
    """Rule 3: network, Mbit/s."""
    return _at_least("network", "network", "Mbit/s", computer.network, terms.image.min_network)


def usable_state(computer: Computer, terms: Terms, groups: frozenset[int]) -> Reason | None:
    """Rule 4: states in which a computer is never given out."""
    if computer.state not in UNUSABLE_STATES:
        return None
    return Reason("usable_state", "its state is {}", (computer.state,))


def on_a_host(computer: Computer, terms: Terms, groups: frozenset[int]) -> Reason | None:
    """Rule 4: a virtual machine needs a VM host."""
    if computer.type != "virtualmachine" or computer.vm_host_id is not None:
        return None
    return Reason("on_a_host", "it is a virtual machine without a VM host")


def provisioning(computer: Computer, terms: Terms, groups: frozenset[int]) -> Reason | None:
    """Rule 5: the provisioning engine must support the install type of the image's OS."""
    if computer.provisioning_id in terms.supporting:
        return None
    return Reason(
        "provisioning",
        "provisioning engine {} does not support install type {}",
        (computer.provisioning_id, terms.image.install_type),
    )


def mapped(computer: Computer, terms: Terms, groups: frozenset[int]) -> Reason | None:
    """Rule 6: a resource group of the image is mapped to one of the computer."""
    if not groups.isdisjoint(terms.mapped_groups):
        return None
    return Reason("mapped", "none of its resource groups is mapped to the image {}", (terms.image.name,))


def _at_least(rule: str, what: str, unit: str, has: int, needs: int) -> Reason | None:
    if has >= needs:
        return None
    blank = " " if unit else ""
    return Reason(rule, "{} {}{}{} is below the image's {}{}{}", (what, has, blank, unit, needs, blank, unit))


def has_live_node(nodes: LiveNodes, groups: frozenset[int]) -> Reason | None:
    """Rule 10: somebody must be there to load a computer of these resource groups."""
    if nodes.of(groups):
        return None
    return Reason("management_node", "no management node that it is mapped to has checked in lately")


Rule = Callable[[Computer, Terms, frozenset[int]], Reason | None]

PROFILE_RULES: tuple[Rule, ...] = (
    not_deleted,
    has_schedule,
    platform,
    memory,
    processors,
    speed,
    network,
    usable_state,
    on_a_host,
    provisioning,
    mapped,
)


class Judge:
    """Applies the profile rules, and that a live management node is mapped, once for each profile."""

    def __init__(self, terms: Terms, nodes: LiveNodes) -> None:
        self._terms = terms
        self._nodes = nodes
        self._known: dict[tuple[object, ...], Reason | None] = {}

    def reason_against(self, computer: Computer, groups: frozenset[int]) -> Reason | None:
        """The first rule that speaks against a computer in these resource groups, or None."""
        # Everything that the rules look at, and nothing that is the computer's own (id, name).
        profile = (
            computer.deleted, computer.schedule_id is None, computer.platform_id, computer.ram, computer.processors,
            computer.speed, computer.network, computer.state, computer.type, computer.vm_host_id is None,
            computer.provisioning_id, groups,
        )  # fmt: skip
        if profile not in self._known:
            self._known[profile] = self._judge(computer, groups)
        return self._known[profile]

    def _judge(self, computer: Computer, groups: frozenset[int]) -> Reason | None:
        for rule in PROFILE_RULES:
            reason = rule(computer, self._terms, groups)
            if reason is not None:
                return reason
        return has_live_node(self._nodes, groups)
