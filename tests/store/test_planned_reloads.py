"""When a computer becomes its block's after the back end has deleted its reload; reloads that no block needs (8.15).

Computers 10 and 11 are chosen first; the class is on Monday from 14:00 to 16:00, its reloads begin at 13:40 and 13:39.
"""

import datetime
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine

from blockalloc.allocation import service
from blockalloc.contract.messages import BlockAllocationCall
from blockalloc.models import PlannedReload
from blockalloc.store import planned_reloads
from tests.golden import tables
from tests.support.claim_and_confirm import Between
from tests.support.sites.class_site import (
    BLOCK_TIME,
    CALLER,
    END,
    GROUP,
    IMAGE,
    NOW,
    START,
    ZONE,
    a_call,
    class_site,
    computers_of,
)

pytestmark = pytest.mark.django_db(transaction=True)
MINUTE = 60
REQUEST = {10: 1, 11: 2}  # computer -> its reload request


@pytest.fixture(autouse=True)
def _class_with_two_machines() -> Iterator[None]:
    with class_site(computers=2, machines=2):
        assert service.allocate_block(a_call(2), CALLER) == 2
        yield


def before(end: int, start: int = START - 60 * MINUTE, machines: int = 2) -> int:
    """How many machines another class gets that ends at this instant."""
    return service.allocate_block(BlockAllocationCall(IMAGE, start, end, machines, GROUP, True, 0, None), CALLER)


def forget_requests(*ids: int) -> None:
    """The back end deletes reload requests once the computers are loaded."""
    for id_ in ids:
        tables.change({"delete": {"reservation": [{"requestid": id_}], "request": [{"id": id_}]}}, ZONE)


def give_up(computer: int = 10) -> None:
    """The front end's edit of a block request: the block's computer goes, its reload request stays."""
    tables.change({"delete": {"blockComputers": [{"computerid": computer, "blockTimeid": BLOCK_TIME}]}}, ZONE)


def change_request(computer: int, **columns: Any) -> None:
    """Change the reload request of a computer."""
    tables.change({"update": {"request": [{"id": REQUEST[computer], **columns}]}}, ZONE)


def test_each_computer_of_a_block_is_on_record_with_its_reload() -> None:
    starts = {(row.block_time_id, row.computer_id, row.request_id): row.start for row in PlannedReload.objects.all()}
    assert {key: int(start.timestamp()) for key, start in starts.items()} == {
        (BLOCK_TIME, 10, 1): START - 20 * MINUTE,
        (BLOCK_TIME, 11, 2): START - 21 * MINUTE,
    }


def test_every_new_reload_begins_when_it_was_planned() -> None:
    assert {row["preload"] for row in tables.read()["request"]} == {1}


def test_a_loaded_computer_stays_its_blocks() -> None:
    """A class at short notice that ends after the reloads began: it got loaded computers."""
    forget_requests(1, 2)
    assert before(START - 20 * MINUTE) == 1  # touching is not overlapping
    assert before(START - 20 * MINUTE + 1) == 0


def test_a_record_of_another_request_is_void() -> None:
    """Without one the load time of the image counts: 10 minutes, and a margin of 10."""
    forget_requests(1, 2)
    rows = [{"blockTimeid": BLOCK_TIME, "computerid": id_, "reloadrequestid": 99} for id_ in (10, 11)]
    PlannedReload.objects.update(start=datetime.datetime.fromtimestamp(START - 50 * MINUTE, datetime.UTC))
    tables.change({"update": {"blockComputers": rows}}, ZONE)
    assert before(START - 20 * MINUTE) == 2


def test_a_computer_that_we_never_planned_is_occupied_by_the_load_time_of_its_image() -> None:
    forget_requests(1, 2)
    PlannedReload.objects.all().delete()
    tables.change({"update": {"image": [{"id": IMAGE, "reloadtime": 30}]}}, ZONE)
    assert before(START - 40 * MINUTE + 1, start=START - 120 * MINUTE) == 0
    assert before(START - 40 * MINUTE, start=START - 120 * MINUTE) == 2


def test_the_confirmation_knows_it_too(between_claim_and_confirm: Between) -> None:
    """The reload is done between the two transactions of another call, which saw its request."""
    between_claim_and_confirm(lambda: forget_requests(1, 2))
    assert before(START - 20 * MINUTE) == 1


# --- reloads that no block has any more -----------------------------------------------------------


def test_a_reload_whose_block_computer_is_gone_occupies_the_computer() -> None:
    give_up()
    assert before(START - 20 * MINUTE + 1) == 0  # 11 is its block's, 10 is loaded for no block
    assert before(START - 20 * MINUTE) == 1


def test_it_does_so_even_if_it_is_late() -> None:
    """Its management node is away: it begins when that comes back, whatever is on the computer then."""
    give_up()
    change_request(10, start="2026-03-02 07:00:00", end="2026-03-02 07:20:00")
    evening = START + 8 * 3600
    assert before(evening + 3600, start=evening, machines=2) == 1


def test_one_under_way_is_over_in_a_while() -> None:
    give_up()
    change_request(10, start="2026-03-02 07:55:00", end="2026-03-02 08:15:00", stateid=14)
    with time_machine.travel(NOW.replace(minute=4), tick=False):
        # 20 minutes were planned for it: it is over at 8:24 at the latest. The class's own reload takes 20 before.
        over = int(NOW.replace(minute=24).timestamp())
        assert before(over + 3600, start=over + 20 * MINUTE - 1) == 1  # this is 11
        assert before(over + 3600, start=over + 20 * MINUTE) == 1
        assert {row["computerid"] for row in tables.read()["blockComputers"]} == {10, 11}


def test_a_block_that_wants_it_back_gets_it_back() -> None:
    """Released when its load had begun, and allocated again: the load is the one that it needs."""
    give_up()
    change_request(10, start="2026-03-02 07:55:00", end="2026-03-02 14:00:00", stateid=14)
    assert service.allocate_block(a_call(2), CALLER) == 2
    assert computers_of() == [10, 11]


def test_a_block_does_not_get_two_reloads_of_one_computer() -> None:
    """A failed load has taken it out of all blocks; the reload that was planned is still there."""
    give_up()
    assert service.allocate_block(a_call(2), CALLER) == 1
    assert sum(row["computerid"] == 10 for row in tables.read()["reservation"]) == 1


@pytest.mark.parametrize("state", [5, 12])
def test_one_that_is_done_or_has_failed_occupies_nothing(state: int) -> None:
    give_up()
    change_request(10, stateid=state, laststateid=19)
    assert before(START, start=START - 60 * MINUTE) == 1


def test_a_reload_of_somebody_else_is_no_obstacle() -> None:
    """Staff have a computer reloaded: no record names it."""
    give_up()
    PlannedReload.objects.filter(computer_id=10).delete()
    assert before(START) == 1


def test_one_that_was_moved_to_another_computer_is_no_longer_ours() -> None:
    give_up()
    moved = next(row for row in tables.read()["reservation"] if row["requestid"] == REQUEST[10])
    tables.change({"update": {"reservation": [{"id": moved["id"], "computerid": 11}]}}, ZONE)
    assert before(START) == 1


# --- records that are past ------------------------------------------------------------------------


def test_a_record_is_pruned_when_neither_the_computer_nor_the_request_is_left() -> None:
    a_day_later = int(NOW.timestamp()) + 2 * 86400
    planned_reloads.prune(a_day_later, 100)
    assert PlannedReload.objects.count() == 2
    give_up(10)
    forget_requests(2)
    planned_reloads.prune(a_day_later, 100)
    assert PlannedReload.objects.count() == 2
    give_up(11)
    planned_reloads.prune(END, 100)
    assert PlannedReload.objects.count() == 2  # of today: it may still be needed
    planned_reloads.prune(a_day_later, 100)
    assert [row.computer_id for row in PlannedReload.objects.all()] == [10]


def test_records_of_a_database_that_was_restored_are_replaced() -> None:
    """The ids of requests are given out again."""
    planned_reloads.remember(BLOCK_TIME, [planned_reloads.Planned(1, 10, START - 30 * MINUTE)])
    assert PlannedReload.objects.get(computer_id=10).start.timestamp() == START - 30 * MINUTE
    assert PlannedReload.objects.count() == 2
