"""Whether facts have changed in a way that matters to a forecast."""

from collections.abc import Iterator, Mapping
from hashlib import blake2b

from scheduling.facts import Computer, Site
from scheduling.forecast.facts import ClassAsked, ForecastFacts
from scheduling.forecast.fleet import PASSING_STATES
from scheduling.occupancy import occupies
from scheduling.rules import is_live

# What a computer has loaded decides the order of choice only, and changes with every load.
_COLUMNS = [name for name in Computer._fields if name not in ("hostname", "state", "revision_id", "loaded_ram")]


def digest(facts: ForecastFacts) -> str:
    """A hash of the facts that decide a forecast: neither the time counts, nor check-ins, nor what passes by itself."""
    made = blake2b(digest_size=32)
    for part in _parts(facts):
        made.update(repr(part).encode())
    return made.hexdigest()


def _parts(facts: ForecastFacts) -> Iterator[object]:
    site = facts.site
    yield facts.until
    yield [_class(each) for each in sorted(facts.classes, key=lambda each: each.id)]
    yield sorted((group or 0, [member.id for member in members]) for group, members in facts.members.items())
    yield from (site.computers.column(name) for name in _COLUMNS)
    yield ["available" if state in PASSING_STATES else state for state in site.computers.column("state")]
    yield from _promises(site)
    yield sorted((node.id, is_live(node, site.now)) for node in site.management_nodes)
    for groups in (site.group_computers, site.image_groups, site.node_groups, site.mapped_groups, site.install_types):
        yield sorted((key, sorted(values)) for key, values in groups.items())
    yield sorted((key, sorted(spans)) for key, spans in site.schedule_times.items())
    tree = site.privileges
    yield sorted(tree.parents.items()), sorted(tree.group_owners.items())
    for holders in (tree.user_privileges, tree.resource_privileges):
        yield sorted((holder, _by_node(nodes)) for holder, nodes in holders.items())
    policy = site.ready_policy
    yield policy and (policy.target, policy.is_mended, sorted(policy.places.capacity.node_limits.items()))


def _by_node(nodes: Mapping[int, frozenset[str]]) -> list[tuple[int, list[str]]]:
    return sorted((node, sorted(names)) for node, names in nodes.items())


def _class(each: ClassAsked) -> object:
    asked = each.asked_by, each.ignore_privileges, each.refused
    return each.block, each.request_id, each.name, each.requested, asked


def _promises(site: Site) -> Iterator[object]:
    """What is promised from now on. States of reservations pass, so long as the computer is taken."""
    yield sorted(
        (row.request_id, row.computer_id, row.user_id, row.start, row.end, row.image_id)
        for row in site.reservations
        if occupies(row) and row.end > site.now
    )
    yield sorted(
        (row.block_time_id, row.computer_id, row.image_id, row.reload_start)
        for row in site.block_computers
        if row.end > site.now
    )
    yield sorted((row.request_id, row.computer_id) for row in site.orphans)
    yield sorted(row for row in site.maintenances if row.end > site.now)
