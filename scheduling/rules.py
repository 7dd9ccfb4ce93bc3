"""The rules about a computer itself: what it is, where it belongs (SPEC 4, rules 2 to 6 and 10).

Each rule is a function of the computer and the terms of an image. It returns None when the
computer may be taken and a Reason when not.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from scheduling.facts import Computer, Fleet, Image, ManagementNode, Site
from scheduling.reasons import Reason

VIRTUAL = "virtualmachine"
UNUSABLE_STATES = frozenset({"maintenance", "vmhostinuse", "hpc", "failed"})
BUSY_NOW_STATES = frozenset({"timeout", "inuse"})
UNUSABLE_NODE_STATES = frozenset({"deleted", "maintenance"})
CHECKIN_SECONDS = 300  # a management node that has been silent for longer gets no reload (SPEC 8.10)


@dataclass(frozen=True, slots=True)
class Terms:
    """What an image asks of a computer's surroundings, worked out once for each image."""

    image: Image
    supporting: frozenset[int]  # provisioning engines that support the install type of its OS
    mapped: frozenset[int]  # computers of the resource groups that it is mapped to


def terms_of(image: Image, site: Site) -> Terms:
    """The terms of `image` at this site."""
    return Terms(
        image,
        frozenset(engine for engine, types in site.install_types.items() if image.install_type in types),
        site.computers_in(_mapped_from(site.image_groups.get(image.id, ()), site)),
    )


class LiveNodes:
    """Management nodes that may be given a reload, and the computers that they are mapped to: `reached`."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._by_group: dict[int, list[ManagementNode]] = {}
        for node in site.management_nodes:
            if is_live(node, site.now):
                for group in _mapped_from(site.node_groups.get(node.id, ()), site):
                    self._by_group.setdefault(group, []).append(node)
        self.reached = site.computers_in(self._by_group)

    def of(self, computer_id: int) -> tuple[ManagementNode, ...]:
        """The live nodes of a computer, lowest id first."""
        nodes = {node for group in self._site.groups_of(computer_id) for node in self._by_group.get(group, ())}
        return tuple(sorted(nodes, key=_by_id))


def _by_id(node: ManagementNode) -> int:
    return node.id


def is_live(node: ManagementNode, now: int) -> bool:
    """Whether a management node can be given a reload now (SPEC 4, rule 10; 8.10)."""
    if node.state in UNUSABLE_NODE_STATES or node.last_checkin is None:
        return False
    return now - node.last_checkin < CHECKIN_SECONDS


def _mapped_from(groups: Iterable[int], site: Site) -> frozenset[int]:
    return frozenset().union(*(site.mapped_groups.get(group, ()) for group in groups))


# --- the rules, in the order in which they are asked ---------------------------------------------


def not_deleted(computer: Computer, terms: Terms) -> Reason | None:
    """Rule 4: a deleted computer is gone."""
    return Reason("not_deleted", "it is deleted") if computer.deleted else None


def has_schedule(computer: Computer, terms: Terms) -> Reason | None:
    """Rule 2: a computer without a schedule is never open."""
    return Reason("has_schedule", "it has no schedule") if computer.schedule_id is None else None


def platform(computer: Computer, terms: Terms) -> Reason | None:
    """Rule 3: the image runs on one platform only."""
    wanted = terms.image.platform_id
    if computer.platform_id == wanted:
        return None
    return Reason("platform", "platform {} is not the image's platform {}", (computer.platform_id, wanted))


def memory(computer: Computer, terms: Terms) -> Reason | None:
    """Rule 3: memory, MB."""
    return _at_least("memory", "RAM", "MB", computer.ram, terms.image.min_ram)


def processors(computer: Computer, terms: Terms) -> Reason | None:
    """Rule 3: number of processors."""
    return _at_least("processors", "number of processors", "", computer.processors, terms.image.min_processors)


def speed(computer: Computer, terms: Terms) -> Reason | None:
    """Rule 3: speed of one processor, MHz."""
    return _at_least("speed", "processor speed", "MHz", computer.speed, terms.image.min_speed)


def network(computer: Computer, terms: Terms) -> Reason | None:
    """Rule 3: network, Mbit/s."""
    return _at_least("network", "network", "Mbit/s", computer.network, terms.image.min_network)


def usable_state(computer: Computer, terms: Terms) -> Reason | None:
    """Rule 4: states in which a computer is never given out, and none at all (in a damaged database)."""
    if computer.state and computer.state not in UNUSABLE_STATES:
        return None
    return Reason("usable_state", "its state is {}", (computer.state or "unknown",))


def on_a_host(computer: Computer, terms: Terms) -> Reason | None:
    """Rule 4: a virtual machine needs a VM host."""
    if computer.type != VIRTUAL or computer.vm_host_id is not None:
        return None
    return Reason("on_a_host", "it is a virtual machine without a VM host")


def provisioning(computer: Computer, terms: Terms) -> Reason | None:
    """Rule 5: the provisioning engine must support the install type of the image's OS."""
    if computer.provisioning_id in terms.supporting:
        return None
    return Reason(
        "provisioning",
        "provisioning engine {} does not support install type {}",
        (computer.provisioning_id, terms.image.install_type),
    )


def mapped(computer: Computer, terms: Terms) -> Reason | None:
    """Rule 6: a resource group of the image is mapped to one of the computer."""
    if computer.id in terms.mapped:
        return None
    return Reason("mapped", "none of its resource groups is mapped to the image {}", (terms.image.name,))


def _at_least(rule: str, what: str, unit: str, has: int, needs: int) -> Reason | None:
    if has >= needs:
        return None
    blank = " " if unit else ""
    return Reason(rule, "{} {}{}{} is below the image's {}{}{}", (what, has, blank, unit, needs, blank, unit))


def has_live_node(computer: Computer, nodes: LiveNodes) -> Reason | None:
    """Rule 10: somebody must be there to load the computer."""
    if computer.id in nodes.reached:
        return None
    return Reason("management_node", "no management node that it is mapped to has checked in lately")


Rule = Callable[[Computer, Terms], Reason | None]

# Computers with equal profiles are judged once: a rule that reads a field of Computer, or a fact about it, which no
# other rule reads must add it to `_profiles` below.
RULES: tuple[Rule, ...] = (
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


def reasons_against(computer: Computer, terms: Terms, nodes: LiveNodes) -> Iterator[Reason]:
    """All that these rules have against a computer, in their order."""
    yield from filter(None, (rule(computer, terms) for rule in RULES))
    if reason := has_live_node(computer, nodes):
        yield reason


@dataclass(frozen=True, slots=True)
class Kind:
    """Computers with equal profiles: in all that the rules read of a computer they are alike."""

    profile: tuple[Any, ...]
    rows: Sequence[int]  # their row indexes
    ids: frozenset[int]


def kinds_of(computers: Fleet, nodes: LiveNodes) -> list[Kind]:
    """The kinds of computers that a site has; there are few. They are the same for every image."""
    alike: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for row_index, profile in enumerate(_profiles(computers, nodes)):
        alike[profile].append(row_index)
    ids = computers.column("id")
    return [Kind(profile, rows, frozenset([ids[row_index] for row_index in rows])) for profile, rows in alike.items()]


def split_by_fitness(
    computers: Fleet, kinds: Iterable[Kind], terms: Terms, nodes: LiveNodes
) -> tuple[list[int], dict[int, Reason]]:
    """The row indexes of computers that no rule excludes, and by id the first reason against each other one.

    Of the computers of several kinds that differ only in what they have beyond the image's needs, one is judged.
    """
    ids = computers.column("id")
    judged: dict[tuple[Any, ...], Reason | None] = {}
    fit: list[int] = []
    excluded: dict[int, Reason] = {}
    for kind in kinds:
        needed = _needed(kind.profile, terms.image)
        for is_mapped, rows in _by_mapping(kind, terms.mapped, ids):
            key = (needed, is_mapped)
            if key not in judged:
                judged[key] = next(reasons_against(computers.at(rows[0]), terms, nodes), None)
            reason = judged[key]
            if reason is None:
                fit += rows
            elif len(rows) == len(kind.rows):
                excluded |= dict.fromkeys(kind.ids, reason)
            else:
                excluded |= {ids[row_index]: reason for row_index in rows}
    return fit, excluded


def _by_mapping(kind: Kind, mapped: frozenset[int], ids: Sequence[int]) -> Iterator[tuple[bool, Sequence[int]]]:
    """The rows of a kind that are mapped to the image, and those that are not."""
    number = len(kind.ids & mapped)
    if number in (0, len(kind.ids)):
        yield number > 0, kind.rows
        return
    yield True, [row_index for row_index in kind.rows if ids[row_index] in mapped]
    yield False, [row_index for row_index in kind.rows if ids[row_index] not in mapped]


def _profiles(computers: Fleet, nodes: LiveNodes) -> Iterator[tuple[Any, ...]]:
    """The profile of each computer: all that the rules read of it, whatever the image, but for its mapping."""
    return zip(
        *map(computers.column, ("ram", "processors", "speed", "network")),
        *map(computers.column, ("type", "state", "deleted", "schedule_id", "platform_id", "provisioning_id")),
        [host is None for host in computers.column("vm_host_id")],
        [id_ in nodes.reached for id_ in computers.column("id")],
        strict=True,
    )


def _needed(profile: tuple[Any, ...], image: Image) -> tuple[Any, ...]:
    """The profile without what it has beyond the image's needs."""
    ram, processors_, speed_, network_, *others = profile
    return (
        min(ram, image.min_ram),
        min(processors_, image.min_processors),
        min(speed_, image.min_speed),
        min(network_, image.min_network),
        *others,
    )
