"""A repair is whole or nothing, changes only the rows of its finding, and only while they are as they were."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import DatabaseError, OperationalError, connection
from django.test import override_settings

from blockalloc.allocation import service
from blockalloc.contract.messages import Refusal
from blockalloc.inspection import Finding, obstacle, proposed, repair
from blockalloc.inspection.reloads import is_deletable
from blockalloc.store import repairs as repairs_module
from blockalloc.store import sql, times, withdrawal
from tests.golden import tables
from tests.support.sites.class_site import CALLER, ZONE, a_call, class_site
from tests.support.sites.disorder import (
    ADMIN,
    PENDING,
    C,
    add_block_computer,
    add_with_reload,
    change,
    findings_at,
    planned,
    reload,
)
from tests.support.statements import Send, at_the_guard

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def site() -> Iterator[None]:
    """Block times 10, 11 and 12 from 14:00 to 16:00. It is 8:00."""
    with class_site(machines=1, blocks=3):
        yield


def an_orphan() -> Finding:
    reload("13:00", "13:20", C, C + 1)
    reload("13:00", "13:20", C + 2)
    return findings_at()[0]


def an_empty_orphan() -> Finding:
    reload("07:00", "07:20")
    return findings_at()[0]


def yesterdays_block() -> Finding:
    change("blockTimes", id=10, start="2026-03-01 14:00:00", end="2026-03-01 16:00:00")
    add_with_reload(11, C)
    for computer in (C + 1, C + 2):
        add_block_computer(10, computer)
    return findings_at()[0]


def an_early_reload() -> Finding:
    for computer in (C, C + 1):
        add_block_computer(10, computer, reload("13:40", "14:00", computer, preload=0))
    return findings_at()[0]


def an_abandoned_reload() -> Finding:
    own = reload("13:40", "14:00", C)
    planned(10, C, own)
    planned(11, C + 1, add_with_reload(11, C + 1))
    return findings_at()[0]


def part_of_a_cluster() -> Finding:
    own = reload("13:40", "14:00", C, C + 1)
    add_block_computer(10, C, own)
    for computer in (C, C + 1):
        planned(10, computer, own)
    return findings_at()[0]


def a_flag() -> Finding:
    for block in (10, 11):
        change("blockTimes", id=block, start="2026-03-04 14:00:00", end="2026-03-04 16:00:00")
        change("blockRequest", id=block, processing=1)
    return findings_at()[0]


MAKERS = [
    an_orphan, an_empty_orphan, yesterdays_block, an_early_reload, an_abandoned_reload, part_of_a_cluster, a_flag,
]  # fmt: skip
Maker = Callable[[], Finding]


def difference(before: dict[str, list[Any]], after: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """The rows that are gone or were changed, by table."""
    gone = {table: [row for row in rows if row not in after[table]] for table, rows in before.items()}
    return {table: rows for table, rows in gone.items() if rows}


def everything() -> dict[str, list[Any]]:
    return tables.read(leave_out=())


def repaired(make: Maker) -> dict[str, list[Any]]:
    """The rows that the repair of a finding removed or changed."""
    finding = make()
    assert finding.repairable
    before = everything()
    assert repair(finding)
    assert finding not in findings_at()
    return difference(before, everything())


def test_an_orphan_goes_with_its_reservations() -> None:
    gone = repaired(an_orphan)
    assert set(gone) == {"request", "reservation"}
    assert [row["computerid"] for row in gone["reservation"]] == [C, C + 1]
    assert len(gone["request"]) == 1


def test_an_orphan_without_computers_goes() -> None:
    assert {table: len(rows) for table, rows in repaired(an_empty_orphan).items()} == {"request": 1}


def test_a_block_time_that_is_over_goes_with_its_computers() -> None:
    gone = repaired(yesterdays_block)
    assert [(row["blockTimeid"], row["computerid"]) for row in gone.pop("blockComputers")] == [(10, C + 1), (10, C + 2)]
    assert [row["id"] for row in gone.pop("blockTimes")] == [10]
    assert gone == {}


@pytest.mark.parametrize(
    ("request_row", "others", "completed"),
    [
        ({"expireTime": "2026-03-02 07:59:59"}, False, True),
        ({"expireTime": "2026-03-02 08:00:00"}, False, False),
        ({"expireTime": "2026-03-02 07:59:59"}, True, False),
        ({"expireTime": "2026-03-02 07:59:59", "status": "deleted"}, False, False),
    ],
)
def test_its_request_is_completed_with_its_last_time(
    request_row: dict[str, Any], others: bool, completed: bool
) -> None:  # fmt: skip
    change("blockRequest", id=10, **request_row)
    if others:
        change("blockTimes", id=12, blockRequestid=10)
    gone = repaired(yesterdays_block)
    assert [row["id"] for row in gone.get("blockRequest", [])] == [10] * completed
    (row,) = (row for row in everything()["blockRequest"] if row["id"] == 10)
    assert (row["status"] == "completed") == completed


def test_an_early_reload_gets_preload_1() -> None:
    gone = repaired(an_early_reload)
    (row,) = gone.pop("request")
    assert gone == {}
    assert {**row, "preload": 1} in everything()["request"]


def test_an_abandoned_reload_is_withdrawn() -> None:
    gone = repaired(an_abandoned_reload)
    assert [row["computerid"] for row in gone.pop("reservation")] == [C]
    assert len(gone.pop("request")) == 1
    assert gone == {}


def test_of_a_cluster_only_the_computer_that_left_is_withdrawn() -> None:
    gone = repaired(part_of_a_cluster)
    assert [row["computerid"] for row in gone.pop("reservation")] == [C + 1]
    assert gone == {}


def test_the_flag_is_taken_from_one_request() -> None:
    gone = repaired(a_flag)
    assert [row["id"] for row in gone.pop("blockRequest")] == [10]
    assert gone == {}
    assert [row["processing"] for row in tables.read()["blockRequest"]] == [0, 1, 0]


@pytest.mark.parametrize("make", MAKERS)
def test_a_second_repair_does_nothing(make: Maker) -> None:
    finding = make()
    assert repair(finding)
    before = everything()
    assert not repair(finding)
    assert everything() == before


@pytest.mark.parametrize("make", MAKERS)
def test_a_proposed_repair_writes_nothing(make: Maker) -> None:
    finding = make()
    before = everything()
    assert proposed(finding)
    assert everything() == before


# --- Rows that changed between the finding and its repair ----------------------------------------


def taken_by_a_management_node(finding: Finding) -> None:
    change("request", id=finding.subject["request"], stateid=PENDING)


def last_state_changed(finding: Finding) -> None:
    change("request", id=finding.subject["request"], laststateid=13)


def named_by_a_block(finding: Finding) -> None:
    add_block_computer(12, C, finding.subject["request"])


def begun(finding: Finding) -> None:
    change("request", id=finding.subject["request"], start="2026-03-02 08:01:00")


def made_anew(finding: Finding) -> None:
    change("request", id=finding.subject["request"], daterequested="2026-03-02 07:50:01")


def given_a_computer(finding: Finding) -> None:
    row = {"computerid": C, "imageid": 10, "imagerevisionid": 10, "managementnodeid": 10}
    tables.insert("reservation", [{"requestid": finding.subject["request"], **row}], ZONE)


def moved(finding: Finding) -> None:
    change("blockTimes", id=10, start="2026-03-02 05:00:00", end="2026-03-02 07:50:00")


def removed_time(finding: Finding) -> None:
    tables.change({"delete": {"blockComputers": [{"blockTimeid": 10}], "blockTimes": [{"id": 10}]}}, ZONE)


def closed(finding: Finding) -> None:
    change("blockRequest", id=10, status="completed")


def due(finding: Finding) -> None:
    change("blockTimes", id=10, start="2026-03-02 14:00:00")


def given_back(finding: Finding) -> None:
    add_block_computer(12, finding.subject["computers"][-1], finding.subject["request"])


def about_to_begin(finding: Finding) -> None:
    change("request", id=finding.subject["request"], start="2026-03-02 08:00:59")


def set_right(finding: Finding) -> None:
    change("request", id=finding.subject["request"], preload=1)


def moved_near(finding: Finding) -> None:
    change("request", id=finding.subject["request"], start="2026-03-02 08:35:00")


def skipped(finding: Finding) -> None:
    change("blockTimes", id=10, skip=1)


CHANGES: list[tuple[Maker, Callable[[Finding], None]]] = [
    (an_orphan, taken_by_a_management_node),
    (an_orphan, last_state_changed),
    (an_orphan, named_by_a_block),
    (an_orphan, begun),
    (an_orphan, made_anew),
    (an_empty_orphan, given_a_computer),
    (an_empty_orphan, taken_by_a_management_node),
    (an_empty_orphan, named_by_a_block),
    (yesterdays_block, moved),
    (yesterdays_block, removed_time),
    (an_early_reload, set_right),
    (an_early_reload, moved_near),
    (an_early_reload, skipped),
    (an_early_reload, taken_by_a_management_node),
    (an_abandoned_reload, given_back),
    (an_abandoned_reload, about_to_begin),
    (an_abandoned_reload, taken_by_a_management_node),
    (part_of_a_cluster, given_back),
    (part_of_a_cluster, about_to_begin),
    (part_of_a_cluster, taken_by_a_management_node),
    (a_flag, closed),
    (a_flag, due),
]


@pytest.mark.parametrize(("make", "others"), CHANGES)
def test_rows_that_have_changed_meanwhile_are_left_alone(make: Maker, others: Callable[[Finding], None]) -> None:
    finding = make()
    others(finding)
    before = everything()
    assert not repair(finding)
    assert everything() == before


@pytest.mark.parametrize(
    ("make", "others"), [pair for pair in CHANGES if pair[1] not in (made_anew, due)], ids=lambda value: value.__name__
)
def test_rows_that_change_between_the_second_read_and_the_statement_are_left_alone(
    make: Maker, others: Callable[[Finding], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """VCL does not take the guard: the statement itself must name the values that it relies on."""
    finding = make()
    look = sql.fetch
    before: list[object] = []

    def look_then_change(*args: Any) -> Any:
        rows = look(*args)
        if not before:
            others(finding)
            before.append(everything())
        return rows

    for module in (repairs_module, withdrawal):
        monkeypatch.setattr(module, "fetch", look_then_change)
    assert not repair(finding)
    assert everything() == before[-1]


def test_an_allocation_that_takes_the_computer_of_an_orphan_keeps_its_rows() -> None:
    """The orphan goes; the allocation that was made after the finding stays whole."""
    reload("13:00", "13:20", C)
    (finding,) = findings_at()
    assert service.allocate_block(a_call(1), CALLER) == 1
    after_call = everything()
    assert repair(finding)
    gone = difference(after_call, everything())
    assert [row["id"] for row in gone["request"]] == [finding.subject["request"]]
    assert findings_at() == []


# --- The transaction ----------------------------------------------------------------------------


@pytest.mark.parametrize("make", MAKERS)
def test_a_repair_is_whole_or_not_at_all(make: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    finding = make()
    before = everything()
    run = sql.execute

    def run_then_die(*args: Any) -> int:
        run(*args)
        raise DatabaseError("the server has gone away")

    for module in (repairs_module, withdrawal):
        monkeypatch.setattr(module, "execute", run_then_die)
    with pytest.raises(DatabaseError):
        repair(finding)
    assert everything() == before


@pytest.mark.parametrize("make", MAKERS)
def test_a_repair_takes_the_guard(make: Maker) -> None:
    finding = make()
    taken: list[bool] = []

    def note(send: Send) -> Any:
        taken.append(connection.in_atomic_block)
        return send()

    with at_the_guard(note):
        assert repair(finding)
    assert taken == [True]


@override_settings(VCL_GUARD_WAIT_SECONDS=1)
def test_a_guard_that_is_never_free_stops_a_repair() -> None:
    finding = an_orphan()
    before = everything()

    def never(_send: Send) -> None:
        raise OperationalError(1205, "Lock wait timeout exceeded")

    with at_the_guard(never), pytest.raises(Refusal):
        repair(finding)
    assert everything() == before


def test_there_is_no_obstacle_on_a_migrated_site() -> None:
    assert obstacle() == ""


def test_reservations_of_users_are_never_deleted() -> None:
    """Whatever the finding says: the statement selects reloads only."""
    finding = an_orphan()
    change("request", id=finding.subject["request"], stateid=8, laststateid=8, userid=ADMIN)
    before = everything()
    assert not repair(finding)
    assert everything() == before


def test_an_hour_that_the_clock_repeats_makes_nothing_older() -> None:
    """01:30 comes twice on 1 November 2026 in New York: a row from the second is seconds old, not an hour."""
    with override_settings(TIME_ZONE="America/New_York"):
        second = 1793514600  # 06:30 UTC
        assert times.from_local("2026-11-01 01:30:00") == second - 3600
        assert times.latest_from_local("2026-11-01 01:30:00") == second
        assert times.latest_from_local("2026-03-08 02:30:00") == times.from_local("2026-03-08 02:30:00")
        assert not is_deletable(second + 86400, 1, second, second + 5, is_empty=False)


@pytest.mark.parametrize("end", ["0000-00-00 00:00:00", "2026-03-02 05:00:00"], ids=["zero", "before its start"])
def test_a_class_whose_end_cannot_be_is_not_cleared_away(end: str) -> None:
    service.process_block_time(10, True, CALLER)
    # MariaDB takes a zero date in its old mode only, which VCL's front end works in.
    mode = "SET STATEMENT sql_mode = '' FOR " if connection.vendor == "mysql" else ""
    with connection.cursor() as cursor:
        cursor.execute(f"{mode}UPDATE blockTimes SET `end` = %s WHERE id = 10", [end])  # noqa: S608
    assert not [finding for finding in findings_at() if finding.kind == "ended_block_time"]
    assert tables.read()["blockComputers"]
