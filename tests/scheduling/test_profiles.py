"""Computers with equal profiles are judged once: with the same result as when each is judged alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.facts import Computer, Site
from scheduling.rules import LiveNodes, kinds_of, reasons_against, split_by_fitness, terms_of
from tests.support.properties import PROFILE
from tests.support.sites import facts

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="sqlite")]

# Values of each field, below and above what the image needs. A rule that reads a new field has its values here too.
VALUES: dict[str, tuple[object, ...]] = {
    "hostname": ("pc.example.edu", "vm.example.edu"),
    "type": ("blade", "lab", "virtualmachine"),
    "state": ("available", "inuse", "failed", "maintenance", ""),
    "deleted": (0, 1),
    "platform_id": (1, 2, 3),
    "schedule_id": (facts.OPEN_SCHEDULE, facts.CLOSED_SCHEDULE, None),
    "provisioning_id": (facts.PLAIN_ENGINE, facts.VM_ENGINE),
    "vm_host_id": (None, 1001, 1002),
    "host_computer_id": (None, 91, 92),
    "ram": (2048, 0, 1024, 8192),
    "processors": (2, 0, 1, 8),
    "speed": (2000, 0, 1000, 3000),
    "network": (1000, 0, 100, 10000),
    "revision_id": (0, 10, 20),
    "loaded_ram": (0, 2048),
    "owner_id": (None, 11, 12),
}


def test_every_field_has_its_values() -> None:
    assert set(VALUES) == set(Computer._fields) - {"id"}


@st.composite
def sites(draw: st.DrawFn) -> Site:
    """Computers that differ from one of them in a field or two; not all are mapped, nor reached by a node."""
    usual = {field: draw(st.sampled_from(values)) for field, values in VALUES.items()} if draw(st.booleans()) else {}
    change = st.sampled_from(sorted(VALUES)).flatmap(
        lambda field: st.tuples(st.just(field), st.sampled_from(VALUES[field]))
    )
    changes = draw(st.lists(st.lists(change, max_size=2), min_size=2, max_size=12))
    computers = [facts.computer(number, **usual | dict(of_one)) for number, of_one in enumerate(changes, 1)]
    ids = [each.id for each in computers]
    mapped, reached = (draw(st.frozensets(st.sampled_from(ids))) | {1} for _ in range(2))
    groups = {facts.COMPUTERS: mapped, facts.COMPUTERS + 1: reached}
    mapping = {facts.IMAGES: frozenset({facts.COMPUTERS}), facts.NODES: frozenset({facts.COMPUTERS + 1})}
    return facts.site(computers, group_computers=groups, mapped_groups=mapping)


@PROFILE
@given(sites())
def test_judged_together_as_each_alone(site: Site) -> None:
    terms, nodes = terms_of(facts.image(), site), LiveNodes(site)
    fit, excluded = split_by_fitness(site.computers, kinds_of(site.computers, nodes), terms, nodes)
    alone = {id_: next(reasons_against(computer, terms, nodes), None) for id_, computer in site.computers.items()}
    assert {site.computers.at(row_index).id for row_index in fit} == {id_ for id_, why in alone.items() if why is None}
    assert excluded == {id_: why for id_, why in alone.items() if why is not None}
