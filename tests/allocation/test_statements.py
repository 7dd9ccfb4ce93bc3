"""An allocation costs a fixed number of SQL statements, whatever the size of the site."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from blockalloc.allocation import service
from blockalloc.store import decisions
from blockalloc.store.sql import BETWEEN
from tests.support.claim_and_confirm import Between
from tests.support.sites.class_site import CALLER, a_call, class_site, computers_of, grant_to_group, reserve

pytestmark = pytest.mark.django_db(transaction=True)
LIMIT = 26  # claim and confirm together, BEGIN and COMMIT counted


@pytest.fixture(autouse=True)
def _nothing_to_prune(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each 101st decision is followed by some statements more."""
    monkeypatch.setattr(decisions, "PRUNE_EVERY", 2**62)


def _sent(captured: CaptureQueriesContext) -> int:
    """How many statements: some are sent together."""
    return sum(query["sql"].count(BETWEEN) + 1 for query in captured)


def _statements(
    *, machines: int, computers: int, ignore: bool = True, members: int = 2, new_computers: bool = False, **call: Any
) -> int:
    with class_site(computers=computers, machines=machines, members=members):
        grant_to_group()
        if not new_computers:
            service.dry_run(a_call(machines), CALLER, explain=False)  # its record has the names of the computers
        with CaptureQueriesContext(connection) as captured:
            allocated = service.allocate_block(a_call(machines, ignore=ignore, **call), CALLER)
        assert allocated == machines
        return _sent(captured)


@pytest.mark.parametrize("ignore", [True, False])
def test_the_number_depends_neither_on_machines_nor_on_computers_nor_on_members(ignore: bool) -> None:
    small = _statements(machines=1, computers=2, ignore=ignore, members=2)
    large = _statements(machines=70, computers=300, ignore=ignore, members=90)
    assert small == large <= LIMIT


@pytest.mark.parametrize("ignore", [True, False])
def test_a_new_block_costs_the_rows_of_the_block_more(ignore: bool) -> None:
    small = _statements(machines=1, computers=2, ignore=ignore, block_time=0)
    large = _statements(machines=70, computers=300, ignore=ignore, block_time=0)
    assert small == large <= LIMIT - 1


@pytest.mark.parametrize("block_time", [10, 0])
def test_computers_that_no_record_has_named_yet_cost_one_more(block_time: int) -> None:
    first = _statements(machines=4, computers=8, block_time=block_time, new_computers=True)
    usual = _statements(machines=4, computers=8, block_time=block_time)
    assert first == usual + 1 <= LIMIT


def test_an_idempotency_key_costs_two_more() -> None:
    without = _statements(machines=4, computers=8, block_time=0)
    with_key = _statements(machines=4, computers=8, block_time=0, key="monday")
    assert with_key == without + 2


def test_a_second_round_costs_the_same_whatever_the_size(between_claim_and_confirm: Between) -> None:
    """Somebody reserves one of the chosen computers after the claim."""

    def statements(machines: int, computers: int) -> int:
        between_claim_and_confirm(lambda: reserve(10, "2026-03-02 14:00:00", "2026-03-02 16:00:00"))
        return _statements(machines=machines, computers=computers)

    assert statements(machines=1, computers=3) == statements(machines=60, computers=200)


def test_a_completed_block_time_is_answered_without_writing_more_than_the_record() -> None:
    with class_site():
        service.allocate_block(a_call(), CALLER)
        with CaptureQueriesContext(connection) as captured:
            assert service.allocate_block(a_call(), CALLER) == 4
    # On MariaDB each statement is preceded by its limits for waits.
    verbs = [query["sql"].rpartition(" FOR ")[2].split()[0] for query in captured]
    assert verbs.count("UPDATE") == 1  # the guard
    assert verbs.count("INSERT") == 1  # the record
    assert "DELETE" not in verbs
    assert _sent(captured) <= 13
    assert len(computers_of()) == 4
