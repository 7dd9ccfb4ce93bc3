"""keep_ready lets go of what is left over: whole rows or none, under the guard, on record (SPEC 9.5)."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from blockalloc import clock
from blockalloc.allocation import service
from blockalloc.models import Decision
from blockalloc.store import sql
from blockalloc.upkeep.actions import Action
from blockalloc.upkeep.leftovers import let_go
from scheduling.upkeep.trust import Trust
from tests.golden import tables
from tests.support.sites.class_site import CALLER, NOW, ZONE, a_call, class_site, computers_of, reserve
from tests.support.sites.disorder import (
    PENDING,
    C,
    add_block_computer,
    add_with_reload,
    block_time,
    change,
    planned,
    reload,
    request,
)
from tests.support.statements import Send, around_statements, at_the_guard

pytestmark = pytest.mark.django_db(transaction=True)
SURE, UNPROVED, NO_EVIDENCE = Trust(evidence=True, ended=True), Trust(evidence=True), Trust()
DOUBT = Trust("the zone is wrong", evidence=True, ended=True)
OURS = "blockalloc_"


@pytest.fixture(autouse=True)
def site() -> Iterator[None]:
    """Block times 10, 11 and 12 of four machines from 14:00 to 16:00; 10 and 11 have theirs. It is 8:00."""
    with class_site(computers=12, blocks=3):
        for block in (10, 11):
            service.allocate_block(a_call(block_time=block), CALLER)
        Decision.objects.all().delete()
        yield


def everything() -> dict[str, list[Any]]:
    """All rows of VCL's tables."""
    return {name: rows for name, rows in tables.read(leave_out=()).items() if not name.startswith(OURS)}


def let_go_at(hours: str = "08:00", trust: Trust = SURE) -> list[Action]:
    """A look at a time of the day."""
    hour, minute, second = (*map(int, hours.split(":")), 0)[:3]
    with time_machine.travel(NOW.replace(hour=hour, minute=minute, second=second), tick=False):
        return let_go(clock.now(), trust)


def texts(actions: list[Action]) -> list[tuple[int, str]]:
    return [(action.block_time_id, action.text) for action in actions]


def reloads_of(*computers: int) -> list[int]:
    """The reload requests of these computers."""
    return [row["requestid"] for row in tables.read()["reservation"] if row["computerid"] in computers]


def times() -> dict[int, tuple[int, int]]:
    """Block time -> (skip, processed)."""
    return {row["id"]: (row["skip"], row["processed"]) for row in tables.read()["blockTimes"]}


def status(block_request: int = 10) -> str:
    return str(next(row["status"] for row in tables.read()["blockRequest"] if row["id"] == block_request))


def test_nothing_is_done_when_nothing_is_left_over() -> None:
    """Two statements, outside the guard."""
    before = everything()
    for trust in (SURE, UNPROVED, NO_EVIDENCE):
        with CaptureQueriesContext(connection) as queries:
            assert let_go_at(trust=trust) == []
        assert len(queries) == 2
        assert all(query["sql"].lstrip().startswith("SELECT") for query in queries.captured_queries)
    assert everything() == before
    assert not Decision.objects.exists()


def test_the_statements_are_as_many_however_many_classes_there_are() -> None:
    for block in (10, 11):
        change("blockTimes", id=block, skip=1)
    with CaptureQueriesContext(connection) as both:
        assert len(let_go_at()) == 2
    change("blockTimes", id=10, skip=0)
    service.allocate_block(a_call(), CALLER)
    change("blockTimes", id=10, skip=1)
    with CaptureQueriesContext(connection) as one:
        assert len(let_go_at()) == 1
    assert len(both) - len(one) <= 15


class TestNotToTakePlace:
    """Block times that are skipped, or whose request is not accepted any more."""

    def test_a_skipped_one_loses_its_computers_and_their_reloads(self) -> None:
        """The front end has skipped it in three steps, and a call committed between them."""
        change("blockTimes", id=10, skip=1)
        kept, members = computers_of(11), reloads_of(*computers_of(11))
        (action,) = let_go_at(trust=UNPROVED)
        assert action.text == "it is skipped: computers released: 4, reloads removed: 4: c10, c11, c12, c13"
        assert (computers_of(10), computers_of(11)) == ([], kept)
        assert sorted(row["id"] for row in tables.read()["request"]) == sorted(members)
        assert times()[10] == (1, 0)
        assert let_go_at(trust=UNPROVED) == []

    @pytest.mark.parametrize("word", ["requested", "completed", "rejected", "deleted"])
    def test_one_whose_request_is_not_accepted(self, word: str) -> None:
        change("blockRequest", id=10, status=word)
        assert texts(let_go_at()) == [
            (10, f"its block request is {word}: computers released: 4, reloads removed: 4: c10, c11, c12, c13")
        ]
        assert (computers_of(10), status()) == ([], word)

    def test_loads_that_have_begun_are_left(self) -> None:
        change("blockTimes", id=10, skip=1)
        (begun, *_) = reloads_of(C)
        change("request", id=begun, stateid=PENDING)
        (action,) = let_go_at()
        assert action.text.endswith("about to were left: c10: c10, c11, c12, c13")
        assert reloads_of(C) == [begun]
        assert let_go_at() == []

    def test_nobodys_own_reservation_is_touched(self) -> None:
        change("blockTimes", id=10, skip=1)
        reserve(C, "2026-03-02 14:00:00", "2026-03-02 16:00:00")
        let_go_at()
        assert len(reloads_of(C)) == 1

    def test_the_record(self) -> None:
        change("blockTimes", id=10, skip=1)
        (action,) = let_go_at()
        record = Decision.objects.get()
        assert (record.pk, record.text) == (action.decision_id, action.text)
        assert (record.action, record.door, record.outcome) == ("keep ready", "keep_ready", "done")
        assert (record.caller, record.person, record.block_name) == ("vclsystem@Local", "", "block 10")

    @pytest.mark.parametrize("trust", [NO_EVIDENCE, DOUBT])
    def test_not_without_evidence(self, trust: Trust) -> None:
        change("blockTimes", id=10, skip=1)
        before = everything()
        assert let_go_at(trust=trust) == []
        assert everything() == before

    @pytest.mark.parametrize("trust", [SURE, NO_EVIDENCE])
    def test_it_is_marked_as_processed_before_its_end(self, trust: Trust) -> None:
        change("blockTimes", id=12, skip=1)
        change("blockRequest", id=11, status="deleted")
        assert 12 not in dict(texts(let_go_at("15:57:59", trust)))
        actions = dict(texts(let_go_at("15:58", trust)))
        assert actions.keys() >= {11, 12}
        assert actions[12].startswith("it does not take place: marked as processed")
        assert times() == {10: (0, 0), 11: (0, 1), 12: (1, 1)}


class TestOver:
    """Block times whose end has come."""

    def test_the_computers_go_at_the_end_and_the_block_time_a_quarter_of_an_hour_later(self) -> None:
        change("blockRequest", id=10, expireTime="2026-03-02 16:00:00")
        change("blockRequest", id=12, expireTime="2026-03-02 23:59:59")
        change("blockTimes", id=11, end="2026-03-02 23:00:00")
        assert let_go_at("15:59:59") == []
        (action,) = let_go_at("16:00")
        assert action.text.startswith("it is over: computers released: 4, reloads removed: 0; loads that have begun")
        assert (computers_of(10), len(computers_of(11))) == ([], 4)
        assert let_go_at("16:15") == []
        assert set(times()) == {10, 11, 12}
        actions = let_go_at("16:15:01")
        assert dict(texts(actions))[10] == (
            "it is over, and no back end has cleared it: the block time was deleted, and its block request completed"
        )
        assert (set(times()), status(10), status(12)) == ({11}, "completed", "accepted")
        assert [each.block_name for each in Decision.objects.order_by("id")] == ["block 10", "block 10", "block 12"]
        assert let_go_at("16:20") == []

    def test_all_at_once_when_nobody_looked_before(self) -> None:
        assert {block: text.count("; it is over") for block, text in texts(let_go_at("17:00"))} == {10: 1, 11: 1, 12: 0}
        assert (times(), computers_of(10)) == ({}, [])

    @pytest.mark.parametrize("others", [True, False])
    def test_a_request_with_other_times_is_not_completed(self, others: bool) -> None:
        change("blockRequest", id=10, expireTime="2026-03-02 16:00:00")
        if others:
            change("blockTimes", id=12, blockRequestid=10, start="2026-03-03 14:00:00", end="2026-03-03 16:00:00")
        let_go_at("17:00")
        assert status() == ("accepted" if others else "completed")

    def test_a_reload_that_waits_for_a_later_start_is_withdrawn(self) -> None:
        """Staff ended the class early, by its row."""
        block_time(10, "06:00", "07:59")
        (action,) = let_go_at()
        assert action.text == "it is over: computers released: 4, reloads removed: 4: c10, c11, c12, c13"

    @pytest.mark.parametrize("trust", [UNPROVED, NO_EVIDENCE, DOUBT])
    def test_not_while_that_is_uncertain(self, trust: Trust) -> None:
        before = everything()
        assert let_go_at("17:00", trust) == []
        assert everything() == before

    def test_by_a_row_that_vcl_has_dated_later(self) -> None:
        end = datetime(2026, 3, 2, 16, 0)
        assert let_go_at("16:01", UNPROVED._replace(newest=end - timedelta(seconds=1))) == []
        assert len(let_go_at("16:01", UNPROVED._replace(newest=end))) == 2


class TestReloads:
    """Reloads that nobody needs, and those that would begin early."""

    def test_ours_whose_block_time_is_gone(self) -> None:
        """The front end's edit deletes block times and with them their computers, not their reloads."""
        tables.change({"delete": {"blockComputers": [{"blockTimeid": 10}], "blockTimes": [{"id": 10}]}}, ZONE)
        others = reload("13:40", "14:00", 20)  # on no record of ours
        (action,) = let_go_at(trust=UNPROVED)
        assert action[:2] == (
            10, "reloads withdrawn, because it does not have their computers any more: c10, c11, c12, c13",
        )  # fmt: skip
        assert (reloads_of(10, 11, 12, 13), reloads_of(20)) == ([], [others])
        record = Decision.objects.get()
        assert (record.block_time_id, record.block_name, record.action) == (10, "", "keep ready")
        assert let_go_at() == []

    def test_of_two_classes_and_of_a_cluster(self) -> None:
        tables.change({"delete": {"blockComputers": [{"blockTimeid": 11}]}}, ZONE)
        cluster = reload("13:40", "14:00", 20, 21)
        add_block_computer(12, 20, cluster)
        for computer in (20, 21):
            planned(12, computer, cluster)
        assert [block for block, _ in texts(let_go_at())] == [11, 12]
        assert (reloads_of(20), reloads_of(21)) == ([cluster], [])
        assert [each.block_name for each in Decision.objects.order_by("id")] == ["block 11", "block 12"]

    @pytest.mark.parametrize("trust", [NO_EVIDENCE, DOUBT])
    def test_not_without_evidence(self, trust: Trust) -> None:
        tables.change({"delete": {"blockComputers": [{"blockTimeid": 10}]}}, ZONE)
        before = everything()
        assert let_go_at(trust=trust) == []
        assert everything() == before

    @pytest.mark.parametrize("moved", [{"computerid": 20}, {}])
    def test_those_that_have_begun_or_were_moved_cost_nothing(self, moved: dict[str, int]) -> None:
        tables.change({"delete": {"blockComputers": [{"blockTimeid": 10}]}}, ZONE)
        for id_ in reloads_of(10, 11, 12, 13):
            if moved:
                (row,) = (row["id"] for row in tables.read()["reservation"] if row["requestid"] == id_)
                change("reservation", id=row, **moved)
            else:
                change("request", id=id_, stateid=PENDING)
        with CaptureQueriesContext(connection) as queries:
            assert let_go_at() == []
        assert len(queries) == 2

    @pytest.mark.parametrize("trust", [SURE, NO_EVIDENCE])
    def test_those_with_preload_0_are_kept_until_their_start(self, trust: Trust) -> None:
        early = [add_with_reload(12, computer) for computer in (18, 19)]
        soon, skipped = add_with_reload(12, 20, "08:36"), request("13:40", "14:00", 21)
        for id_ in (*early, soon):
            change("request", id=id_, preload=0)
        with CaptureQueriesContext(connection) as queries:
            (action,) = let_go_at(trust=trust)
        assert action[:2] == (
            12, "2 reloads kept until the planned start, not begun 35 minutes before (preload)",
        )  # fmt: skip
        assert sum("UPDATE request" in query["sql"] for query in queries.captured_queries) == 1
        preload = {row["id"]: row["preload"] for row in tables.read()["request"]}
        assert [preload[id_] for id_ in (*early, soon, skipped)] == [1, 1, 0, 0]
        assert let_go_at(trust=trust) == []


# --- Rows that change meanwhile ------------------------------------------------------------------


def a_skipped_class() -> None:
    change("blockTimes", id=10, skip=1)


def a_class_that_is_over() -> None:
    block_time(10, "06:00", "07:30")


def an_orphan() -> None:
    tables.change({"delete": {"blockComputers": [{"blockTimeid": 10}]}}, ZONE)
    for id_ in reloads_of(11, 12, 13):
        change("request", id=id_, stateid=PENDING)


def an_early_reload() -> None:
    change("request", id=reloads_of(C)[0], preload=0)


def a_skipped_class_about_to_end() -> None:
    block_time(12, "06:00", "08:01", skip=1)


def unskipped() -> None:
    change("blockTimes", id=10, skip=0)
    change("blockTimes", id=12, skip=0)


def moved() -> None:
    for block in (10, 12):
        change("blockTimes", id=block, start="2026-03-02 14:00:00", end="2026-03-02 16:00:00")


def taken_up() -> None:
    change("request", id=reloads_of(C)[0], stateid=PENDING)


def skipped() -> None:
    change("blockTimes", id=10, skip=1)
    tables.change({"delete": {"blockComputers": [{"blockTimeid": 10}]}}, ZONE)


CHANGES: list[tuple[Callable[[], None], Callable[[], None], str]] = [
    (a_skipped_class, unskipped, "DELETE FROM blockComputers"),
    (a_class_that_is_over, moved, "DELETE FROM blockComputers"),
    (an_orphan, taken_up, "DELETE FROM request"),
    (an_early_reload, taken_up, "UPDATE request"),
    (a_skipped_class_about_to_end, unskipped, "UPDATE blockTimes"),
    (a_skipped_class_about_to_end, moved, "UPDATE blockTimes"),
]


@pytest.mark.parametrize(("make", "others", "statement"), CHANGES)
@pytest.mark.parametrize("at_statement", [False, True])
def test_rows_that_change_after_the_look_are_left_alone(
    make: Callable[[], None], others: Callable[[], None], statement: str, at_statement: bool
) -> None:
    """Before the transaction reads them again, or just before the statement that writes."""
    make()
    before: list[object] = []

    def change_first(send: Send) -> Any:
        if not before:
            others()
            before.append(everything())
        return send()

    with around_statements(statement, change_first) if at_statement else at_the_guard(change_first):
        assert let_go_at() == []
    assert before == [everything()]
    assert not Decision.objects.exists()


@pytest.mark.parametrize(
    "make", [a_skipped_class, a_class_that_is_over, an_orphan, an_early_reload, a_skipped_class_about_to_end]
)
def test_an_error_in_the_middle_leaves_everything_as_it_was(
    make: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    make()
    before = everything()

    def boom(*_args: object) -> None:
        raise RuntimeError("boom")

    with monkeypatch.context() as patch:
        patch.setattr("blockalloc.allocation.journal.decisions.write", boom)
        assert let_go_at() == []  # the error is logged: others must not suffer from it
    assert everything() == before
    assert let_go_at()


def test_a_block_time_that_is_busy_is_left_to_the_next_look(settings: Settings) -> None:
    for block in (10, 11):
        change("blockTimes", id=block, skip=1)
    settings.VCL_GUARD_WAIT_SECONDS = 0
    busy = [True]

    def lost(send: Send) -> Any:
        if busy and busy.pop():
            raise OperationalError(1205, "Lock wait timeout exceeded")
        return send()

    with at_the_guard(lost):
        assert [action.block_time_id for action in let_go_at()] == [11]
    assert [action.block_time_id for action in let_go_at()] == [10]


def test_what_would_take_too_long_is_left_to_the_next_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """Classes to come wait for it. Reloads that nobody needs are withdrawn in any case."""
    change("blockTimes", id=10, skip=1)
    tables.change({"delete": {"blockComputers": [{"blockTimeid": 11}]}}, ZONE)
    with monkeypatch.context() as patch:
        patch.setattr("blockalloc.upkeep.leftovers.SECONDS_IN_ALL", -1.0)
        assert [action.block_time_id for action in let_go_at()] == [11]
    assert [action.block_time_id for action in let_go_at()] == [10]


def test_rows_are_read_again_in_the_transaction_that_writes() -> None:
    """Nothing is decided by what was read without the guard."""
    change("blockTimes", id=10, skip=1)
    reads: list[int] = []

    def count(send: Send) -> Any:
        reads.append(1)
        return send()

    with around_statements("FROM blockTimes t JOIN blockRequest", count):
        let_go_at()
    assert len(reads) >= 2
    assert sql.fetch("SELECT COUNT(*) FROM blockComputers WHERE blockTimeid = 10") == [(0,)]
