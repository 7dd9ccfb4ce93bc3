"""The double of VCL's front end does with the rows what the real one does, sentence by sentence."""

import time
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connection

from simulation.connections import Connection
from simulation.front_end.block_times import Edited, edit_block_request, toggle_skip
from simulation.front_end.computer_states import change_states, delete_computers, schedule_maintenance
from simulation.front_end.extending import extend
from simulation.front_end.moving import move_off
from simulation.front_end.reloading import reload_computers
from simulation.front_end.reserving import Reserving
from simulation.front_end.semaphores import Load
from simulation.front_end.session import FrontEnd
from tests.golden import tables
from tests.support.front_end import a_wish, connect, reserving
from tests.support.sites.class_site import (
    BLOCK_TIME,
    END,
    IMAGE,
    NODE,
    NOW,
    OTHER_MEMBER,
    START,
    ZONE,
    class_site,
    computers_of,
    give_to_others,
    load,
)
from verification.front_end.scenarios import AFTERWARDS, CLASS, HOUR, MEMBER, block_computer, reservation, semaphore

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once(on="mariadb")]

OTHER = BLOCK_TIME + 1  # a class of another group at the same hours
A_LOAD = Load(IMAGE, IMAGE, NODE)
NOW_SECONDS = int(NOW.timestamp())
SOON = (NOW_SECONDS, NOW_SECONDS + HOUR)
RELOAD_STATE, FRONT = 19, "front-end-0"


@pytest.fixture
def others() -> Iterator[Connection]:
    """Computers 10 to 14, a class and another one; nothing is allocated."""
    with class_site(computers=5, blocks=2):
        give_to_others([OTHER])
        connection = connect()
        try:
            yield connection
        finally:
            connection.close()


@pytest.fixture
def front_end(others: Connection) -> FrontEnd:
    """The front end of the site."""
    return FrontEnd(others, time.time, ZoneInfo(ZONE))


def set_state(computer: int, state: str) -> None:
    """Put a computer into a state."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE computer SET stateid = (SELECT id FROM state WHERE name = %s) WHERE id = %s", [state, computer]
        )


def user(others: Connection, hours: tuple[int, int] = CLASS, **about: Any) -> Reserving:
    """A user who likes low numbers best."""
    return reserving(others, a_wish(range(10, 15), *hours, **about), FRONT, time.time)


def got(others: Connection, hours: tuple[int, int] = CLASS, **about: Any) -> int | None:
    """What a user gets who is alone."""
    session = user(others, hours, **about)
    session.finish()
    return session.computer


def rows(table: str, **where: Any) -> list[dict[str, Any]]:
    """Rows of a table that have these values."""
    return [row for row in tables.read(())[table] if all(row[name] == value for name, value in where.items())]


# --- candidates -----------------------------------------------------------------------------------


def test_a_live_semaphore_keeps_a_computer_out_of_the_list(others: Connection) -> None:
    semaphore(others, 10, 30, "somebody")
    session = user(others)
    session.finish()
    assert (session.computer, session.letters) == (11, "aobBcdeEf")


def test_a_live_semaphore_is_overlooked_beside_an_expired_one(others: Connection) -> None:
    semaphore(others, 10, 30, "somebody")
    semaphore(others, 10, -1, "died")
    assert got(others) == 10


@pytest.mark.parametrize("state", ["maintenance", "vmhostinuse", "hpc", "failed"])
def test_computers_in_these_states_are_never_given(others: Connection, state: str) -> None:
    set_state(10, state)
    assert got(others) == 11


@pytest.mark.parametrize("state", ["timeout", "inuse"])
def test_computers_in_these_states_are_not_given_for_now_but_for_later(others: Connection, state: str) -> None:
    set_state(10, state)
    assert got(others, SOON) == 11
    assert got(others, CLASS) == 10


def test_deleted_computers_are_not_given(others: Connection) -> None:
    others.send("UPDATE computer SET deleted = 1 WHERE id = 10")
    assert got(others) == 11


@pytest.mark.parametrize(
    ("state", "last", "expected"), [(13, 13, 11), (8, 8, 11), (19, 19, 10), (12, 8, 10), (5, 8, 10)]
)
def test_reserved_computers_are_not_given_and_reloads_do_not_count(
    others: Connection, state: int, last: int, expected: int
) -> None:
    request = reservation(others, 10, *CLASS, state=state)
    others.send("UPDATE request SET laststateid = %s WHERE id = %s", [last, request])
    assert got(others) == expected


@pytest.mark.parametrize(("last", "expected"), [(19, 10), (13, 11)])
def test_a_pending_reload_does_not_count_either(others: Connection, last: int, expected: int) -> None:
    request = reservation(others, 10, *CLASS, state=14)
    others.send("UPDATE request SET laststateid = %s WHERE id = %s", [last, request])
    assert got(others) == expected


@pytest.mark.parametrize(("minutes", "expected"), [(14, 11), (15, 10)])
def test_reservations_of_a_computer_keep_a_quarter_of_an_hour_apart(
    others: Connection, minutes: int, expected: int
) -> None:
    reservation(others, 10, CLASS[1] + minutes * 60, CLASS[1] + HOUR)
    assert got(others) == expected


def test_a_computer_that_loads_for_a_class_can_be_taken_to_the_start_of_the_class(others: Connection) -> None:
    block_computer(others, 10, OTHER, START)
    set_state(10, "reloading")
    assert got(others, (START - 600, START)) == 10
    assert len(rows("request", stateid=RELOAD_STATE)) == 1  # the user's request is its competitor now


def test_computers_with_the_production_revision_come_first(others: Connection) -> None:
    load([13])
    assert got(others) == 13


def test_a_computer_without_a_node_is_passed_over(others: Connection) -> None:
    assert got(others, without_node=(10,)) == 11


# --- classes --------------------------------------------------------------------------------------


def test_computers_of_classes_are_left_out_from_start_to_end(others: Connection) -> None:
    block_computer(others, 10, OTHER, START)
    assert got(others) == 11
    assert got(others, (START - HOUR, START)) == 10
    assert got(others, (END, END + HOUR)) == 10


def test_a_computer_of_the_own_class_without_the_image_is_not_offered(others: Connection) -> None:
    block_computer(others, 10, BLOCK_TIME, START)
    assert got(others, user=MEMBER) == 11


def test_a_members_own_computers_come_first(others: Connection) -> None:
    block_computer(others, 14, BLOCK_TIME, START)
    load([10, 14])
    assert got(others, user=MEMBER) == 14
    assert got(others, user=OTHER_MEMBER) == 10


def test_own_computers_may_have_any_revision_and_need_no_privilege(others: Connection) -> None:
    block_computer(others, 14, BLOCK_TIME, START)
    load([14], revision=1)
    session = reserving(others, a_wish((10, 11), *CLASS, user=MEMBER), FRONT, time.time)
    session.finish()
    assert session.computer == 14


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE blockRequest SET status = 'completed'",
        "UPDATE blockRequest SET expireTime = '2026-03-02 07:59:59'",
        "UPDATE computer SET stateid = 5 WHERE id = 14",
        "UPDATE computer SET currentimageid = 1 WHERE id = 14",
        "UPDATE blockTimes SET start = '2026-03-02 15:30:00'",
        "DELETE FROM usergroupmembers WHERE userid = 110",
    ],
)
def test_changes_after_which_a_computer_is_not_an_own_one(others: Connection, change: str) -> None:
    block_computer(others, 14, BLOCK_TIME, START)
    load([14])
    others.send(change)
    session = user(others, user=MEMBER)
    session.finish()
    assert "B" in session.letters


def test_a_reserved_computer_is_not_in_the_list_of_own_ones(others: Connection) -> None:
    block_computer(others, 14, BLOCK_TIME, START)
    block_computer(others, 10, OTHER, START)
    load([10, 14])
    reservation(others, 14, *CLASS, MEMBER)
    assert got(others, user=MEMBER) == 11


def test_a_live_semaphore_on_own_computers_sends_users_to_another_class(others: Connection) -> None:
    block_computer(others, 14, BLOCK_TIME, START)
    block_computer(others, 10, OTHER, START)
    load([10, 14])
    semaphore(others, 14, 30, "blockalloc-held:a-call")
    session = user(others, user=MEMBER)
    session.finish()
    assert (session.computer, session.letters) == (10, "aobccdeEf")


def test_without_a_node_for_own_computers_users_are_sent_there_too(others: Connection) -> None:
    block_computer(others, 14, BLOCK_TIME, START)
    block_computer(others, 10, OTHER, START)
    load([10, 14])
    assert got(others, user=MEMBER, without_node=(14,)) == 10


def test_without_own_computers_users_get_none_of_a_class(others: Connection) -> None:
    for computer in range(10, 15):
        block_computer(others, computer, OTHER, START)
    load(range(10, 15))
    assert got(others, user=MEMBER) is None


def test_classes_are_not_looked_at_again(others: Connection) -> None:
    session = user(others)
    while session.next_step != "c":
        session.advance()
    block_computer(others, 10, OTHER, START)
    session.finish()
    assert session.computer == 10


# --- semaphore and reservation --------------------------------------------------------------------


def test_the_reservation_is_made_under_a_semaphore_of_45_seconds(others: Connection) -> None:
    session = user(others)
    while session.next_step != "e":
        session.advance()
    (row,) = rows("semaphore")
    assert (row["computerid"], row["procid"], row["expires"]) == (10, FRONT, "2026-03-02 13:00:45")
    session.finish()
    assert rows("semaphore") == []
    (request,) = rows("request", id=session.request)
    (reserved,) = rows("reservation", requestid=session.request)
    assert (request["stateid"], request["start"], request["end"]) == (13, "2026-03-02 14:30:00", "2026-03-02 15:30:00")
    assert (reserved["computerid"], reserved["imageid"], reserved["managementnodeid"]) == (10, IMAGE, NODE)


def test_a_semaphore_that_came_in_between_sends_users_on(others: Connection) -> None:
    session = user(others)
    while session.next_step != "c":
        session.advance()
    semaphore(others, 10, 30, "somebody")
    session.finish()
    assert (session.computer, session.letters) == (11, "aobBccdeEf")


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (CLASS[0] - HOUR, CLASS[0], 10),  # no margin before
        (CLASS[1] + 899, CLASS[1] + HOUR, 11),
        (CLASS[1] + 900, CLASS[1] + HOUR, 10),
    ],
)
def test_a_reservation_that_came_in_between_sends_users_on(
    others: Connection, start: int, end: int, expected: int
) -> None:
    session = user(others)
    while session.next_step != "c":
        session.advance()
    reservation(others, 10, start, end)
    session.finish()
    assert session.computer == expected
    assert session.letters == "aobB" + ("cdeEf" if expected == 10 else "cdxcdeEf")
    assert rows("semaphore") == []


@pytest.mark.parametrize(("seconds", "computer"), [(44, 10), (45, None)])
def test_when_the_semaphore_has_expired_the_request_is_taken_back(
    others: Connection, seconds: int, computer: int | None
) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        session = user(others)
        while session.next_step != "E":
            session.advance()
        clock.shift(seconds)
        session.finish()
    assert session.computer == computer
    assert len(rows("request")) == len(rows("reservation")) == (computer is not None)


def test_a_statement_is_sent_with_the_time_of_its_moment(others: Connection) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        session = user(others)
        semaphore(others, 10, 30, "somebody")
        clock.shift(31)
        session.finish()
    assert session.computer == 10


def test_patience_is_the_rest_of_a_promise(others: Connection) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        session = reserving(others, a_wish((10,), *CLASS), FRONT, time.time, promise=5)
        assert session.patience == float("inf")
        session.advance()
        clock.shift(2)
        assert session.patience == 3
        while session.next_step != "e":
            session.advance()
        assert session.patience == 45


# --- extending ------------------------------------------------------------------------------------


@pytest.fixture
def begun(others: Connection) -> int:
    """A user's reservation of computer 10 that has begun and lasts for an hour."""
    return reservation(others, 10, NOW_SECONDS - HOUR, NOW_SECONDS + HOUR, state=8)


@pytest.mark.parametrize(("minutes", "can"), [(15, True), (14, False)])
def test_an_extension_ends_a_quarter_of_an_hour_before_another_groups_class(
    others: Connection, front_end: FrontEnd, begun: int, minutes: int, can: bool
) -> None:
    block_computer(others, 10, OTHER, START)
    assert extend(front_end, begun, START - minutes * 60, FRONT).finish() == can
    (row,) = rows("request", id=begun)
    assert row["end"] == ("2026-03-02 13:45:00" if can else "2026-03-02 09:00:00")
    assert rows("semaphore") == []


@pytest.mark.parametrize(("image", "can"), [(IMAGE, True), (1, False)])
def test_a_member_may_stay_in_their_own_class_with_its_image(
    others: Connection, front_end: FrontEnd, begun: int, image: int, can: bool
) -> None:
    block_computer(others, 10, BLOCK_TIME, START)
    others.send("UPDATE request SET userid = %s WHERE id = %s", [MEMBER, begun])
    others.send("UPDATE reservation SET imageid = %s WHERE requestid = %s", [image, begun])
    assert extend(front_end, begun, START + HOUR, FRONT).finish() == can


def test_an_extension_fails_beside_a_live_semaphore_of_ours(
    others: Connection, front_end: FrontEnd, begun: int
) -> None:
    semaphore(others, 10, 30, "blockalloc-held:a-call")
    assert not extend(front_end, begun, NOW_SECONDS + 2 * HOUR, FRONT).finish()
    assert len(rows("semaphore")) == 1


def test_an_extension_fails_before_the_next_reservation(others: Connection, front_end: FrontEnd, begun: int) -> None:
    reservation(others, 10, NOW_SECONDS + 2 * HOUR, NOW_SECONDS + 3 * HOUR)
    assert not extend(front_end, begun, NOW_SECONDS + 2 * HOUR - 899, FRONT).finish()
    assert extend(front_end, begun, NOW_SECONDS + 2 * HOUR - 900, FRONT).finish()


def test_a_request_that_is_gone_is_not_extended(front_end: FrontEnd) -> None:
    assert not extend(front_end, 999, NOW_SECONDS + HOUR, FRONT).finish()


# --- what administrators do -----------------------------------------------------------------------


def test_moving_takes_reloads_along_and_leaves_the_class_with_the_old_computer(
    others: Connection, front_end: FrontEnd
) -> None:
    block_computer(others, 10, OTHER, START)
    later = reservation(others, 10, *AFTERWARDS)
    soon = reservation(others, 10, NOW_SECONDS + 180, NOW_SECONDS + HOUR)
    assert move_off(front_end, 10, [11, 12], 1, FRONT).finish()
    (reload,) = rows("request", stateid=RELOAD_STATE)
    places = {row["requestid"]: row["computerid"] for row in rows("reservation")}
    assert places == {reload["id"]: 11, later: 12, soon: 10}  # 11 keeps its semaphore to the end
    assert computers_of(OTHER) == [10]
    assert rows("semaphore") == []


def test_nothing_is_moved_when_there_is_no_place_for_all(others: Connection, front_end: FrontEnd) -> None:
    for hours in (CLASS, AFTERWARDS):
        reservation(others, 10, *hours)
    reservation(others, 11, *AFTERWARDS)
    assert not move_off(front_end, 10, [11], 1, FRONT).finish()
    assert [row["computerid"] for row in rows("reservation")] == [10, 10, 11]


def test_a_place_with_a_live_semaphore_is_none(others: Connection, front_end: FrontEnd) -> None:
    reservation(others, 10, *CLASS)
    semaphore(others, 11, 30, "blockalloc:a-call")
    assert not move_off(front_end, 10, [11], 1, FRONT).finish()


def test_computers_are_reloaded_at_once_whatever_block_they_are_in(others: Connection, front_end: FrontEnd) -> None:
    block_computer(others, 10, OTHER, START)
    result = reload_computers(front_end, [10], A_LOAD, FRONT).finish()
    (row,) = rows("request", id=result.begun[10])
    assert [row[name] for name in ("stateid", "laststateid", "preload", "userid")] == [19, 19, 0, 2]
    assert (row["start"], row["end"]) == ("2026-03-02 08:00:00", "2026-03-02 08:20:00")
    assert [row["computerid"] for row in rows("reservation", requestid=row["id"])] == [10]
    assert computers_of(OTHER) == [10]
    assert rows("semaphore") == []


def test_a_reload_is_left_for_later_beside_a_semaphore_or_a_request(others: Connection, front_end: FrontEnd) -> None:
    semaphore(others, 10, 30, "blockalloc-held:a-call")
    reservation(others, 11, *SOON, state=RELOAD_STATE)
    set_state(12, "inuse")
    result = reload_computers(front_end, [10, 11, 12], A_LOAD, FRONT).finish()
    assert (result.begun, result.later) == ({}, [10, 11])
    assert [row["id"] for row in rows("computer", nextimageid=IMAGE)] == [10, 11]


def test_maintenance_is_scheduled_for_the_end_of_the_last_block(others: Connection, front_end: FrontEnd) -> None:
    block_computer(others, 10, OTHER, START)
    request = schedule_maintenance(front_end, 10, A_LOAD, FRONT).finish()
    (row,) = rows("request", id=request)
    assert (row["stateid"], row["laststateid"], row["start"]) == (18, 18, "2026-03-02 16:00:00")


def test_a_free_computer_goes_into_maintenance_at_once(front_end: FrontEnd) -> None:
    request = schedule_maintenance(front_end, 10, A_LOAD, FRONT).finish()
    (row,) = rows("request", id=request)
    assert row["start"] == "2026-03-02 08:00:00"


def test_a_live_semaphore_of_ours_stops_changes_until_later(others: Connection, front_end: FrontEnd) -> None:
    semaphore(others, 10, 30, "blockalloc-held:a-call")
    assert schedule_maintenance(front_end, 10, A_LOAD, FRONT).finish() == 0
    assert not change_states(front_end, [11, 10], 10, A_LOAD, FRONT).finish()
    assert delete_computers(front_end, [10, 11], A_LOAD, FRONT).finish() == [10]
    assert rows("request") == []
    assert {row["id"]: (row["stateid"], row["deleted"]) for row in rows("computer") if row["id"] < 12} == {
        10: (2, 0),
        11: (2, 1),
    }
    assert [row["procid"] for row in rows("semaphore")] == ["blockalloc-held:a-call"]


def test_without_one_states_change(front_end: FrontEnd) -> None:
    assert change_states(front_end, [10, 11], 10, A_LOAD, FRONT).finish()
    assert [row["id"] for row in rows("computer", stateid=10)] == [10, 11]


def test_a_host_waits_for_its_virtual_machines(others: Connection, front_end: FrontEnd) -> None:
    tables.insert("vmprofile", [{"id": 1, "profilename": "a profile", "imageid": 1, "datastorepath": ""}], ZONE)
    tables.insert("vmhost", [{"id": 1, "computerid": 10, "vmprofileid": 1}], ZONE)
    others.send("UPDATE computer SET vmhostid = 1, type = 'virtualmachine' WHERE id = 11")
    semaphore(others, 11, 30, "blockalloc-held:a-call")
    assert not change_states(front_end, [10], 10, A_LOAD, FRONT).finish()
    others.send("DELETE FROM semaphore")
    assert change_states(front_end, [10], 10, A_LOAD, FRONT).finish()
    assert [row["id"] for row in rows("computer", stateid=10)] == [10]


def test_a_computer_with_a_request_is_not_deleted_one_of_a_class_is(others: Connection, front_end: FrontEnd) -> None:
    reservation(others, 10, *CLASS)
    block_computer(others, 11, OTHER, START)
    others.send("DELETE FROM request WHERE stateid = 19")  # it has been loaded
    assert delete_computers(front_end, [10, 11], A_LOAD, FRONT).finish() == [10]
    assert [row["id"] for row in rows("computer", deleted=1)] == [11]


# --- what happens to classes ----------------------------------------------------------------------


def test_a_time_is_skipped_in_three_statements(others: Connection, front_end: FrontEnd) -> None:
    for computer in (10, 11):
        block_computer(others, computer, OTHER, START)
    running = rows("request")[0]["id"]
    others.send("UPDATE request SET stateid = 14 WHERE id = %s", [running])
    session = toggle_skip(front_end, OTHER)
    session.advance()
    assert (session.next_step, len(rows("request"))) == ("reloads", 2)
    session.advance()
    assert [row["id"] for row in rows("request")] == [running]  # the back end is at it
    assert [row["requestid"] for row in rows("reservation")] == [running]
    assert (session.next_step, computers_of(OTHER)) == ("computers", [10, 11])
    session.advance()
    assert (session.next_step, computers_of(OTHER)) == ("skip", [])
    assert [row["skip"] for row in rows("blockTimes", id=OTHER)] == [0]
    session.advance()
    assert (session.done, session.result) == (True, True)
    assert [row["skip"] for row in rows("blockTimes", id=OTHER)] == [1]


def test_a_skip_that_is_taken_back_has_the_time_processed_again(others: Connection, front_end: FrontEnd) -> None:
    others.send("UPDATE blockTimes SET skip = 1, processed = 1 WHERE id = %s", [OTHER])
    assert toggle_skip(front_end, OTHER).finish()
    assert [(row["skip"], row["processed"]) for row in rows("blockTimes", id=OTHER)] == [(0, 0)]


def test_a_time_that_is_over_is_not_skipped(others: Connection, front_end: FrontEnd) -> None:
    others.send("UPDATE blockTimes SET start = '2026-03-01 14:00:00', `end` = '2026-03-01 16:00:00'")
    assert toggle_skip(front_end, OTHER).finish() is False
    assert rows("blockTimes", skip=1) == []


def test_an_edit_leaves_the_reloads_of_a_class_behind(others: Connection, front_end: FrontEnd) -> None:
    block_computer(others, 10, OTHER, START)
    times = [(START, END), (START + 24 * HOUR, END + 24 * HOUR)]
    new = edit_block_request(front_end, OTHER, Edited(IMAGE, 9, 20, times)).finish()
    assert [row["id"] for row in rows("blockTimes", blockRequestid=OTHER)] == new
    assert rows("blockComputers") == []
    assert [row["stateid"] for row in rows("request")] == [RELOAD_STATE]
    assert len(rows("reservation")) == 1
    (row,) = rows("blockRequest", id=OTHER)
    assert (row["numMachines"], row["expireTime"]) == (9, "2026-03-03 23:59:59")
    assert [(row["start"], row["processed"]) for row in rows("blockTimes", id=new[1])] == [("2026-03-03 14:00:00", 0)]


def test_an_edit_leaves_skipped_times_and_the_one_under_way(others: Connection, front_end: FrontEnd) -> None:
    others.send("UPDATE blockTimes SET start = '2026-03-02 07:00:00' WHERE id = %s", [OTHER])
    others.send("UPDATE blockTimes SET skip = 1 WHERE id = %s", [BLOCK_TIME])
    for block in (OTHER, BLOCK_TIME):
        edit_block_request(front_end, block, Edited(IMAGE, 4, 10, [AFTERWARDS])).finish()
    assert [row["id"] for row in rows("blockTimes")][:2] == [BLOCK_TIME, OTHER]
    assert len(rows("blockTimes")) == 4
