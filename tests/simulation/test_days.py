"""Simulated days on real rows: users, staff, the service, nodes that die."""

from collections.abc import Callable, Mapping
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import override_settings

from blockalloc.store import site_clock
from scheduling.site_clock import Outcome, judge
from simulation.back_end import states
from simulation.back_end.events import What
from simulation.days.day import Day
from simulation.days.demand import Arrival, Demand, Departure
from simulation.days.loads import Loads
from simulation.days.people import People
from simulation.days.staff import Staff
from simulation.days.users import Users
from simulation.front_end.ending import end_reservation
from tests.golden import tables
from tests.support.connections import DjangoConnection
from tests.support.sites.back_end_stage import (
    C0,
    C1,
    C2,
    HOUR,
    IMAGE,
    MINUTE,
    OTHER_IMAGE,
    OTHER_NODE,
    USER,
    Stage,
    at,
    local,
)
from tests.support.sites.class_site import NODE, ZONE

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once(on="sqlite")]

NOON = at("12:00")
COMPUTERS = [C0, C1, C2]
BLOCK = 30
_LOG = """
SELECT userid, nowfuture, start, initialend, wasavailable, ending, imageid, requestid, loaded FROM log WHERE id = %s
"""


class World:
    """A day on a small site of three computers without classes, from noon on."""

    def __init__(self, begin: int = NOON, nodes: tuple[int, ...] = (NODE,), **more: Any) -> None:
        self.stage = Stage(computers=3)
        self.stage.send("DELETE FROM blockTimes")
        self.asked: list[int] = []
        process: Callable[[int, int], Mapping[str, Any]] = self._process
        self.day = Day(DjangoConnection(), ZoneInfo(ZONE), begin, nodes, process, **more)
        self.day.run(begin)  # the nodes check in
        self.users = Users(self.day, People(DjangoConnection(), [USER, USER + 1]), COMPUTERS)

    def send(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        """Rows of a statement; times as text."""
        return [tuple(map(_text, row)) for row in self.stage.send(sql, *params)]

    def _process(self, block_time: int, _ignore_privileges: int) -> Mapping[str, Any]:
        self.asked.append(block_time)
        return {"status": "success", "allocated": 2, "unallocated": 0}


def _text(value: Any) -> Any:
    return str(value) if hasattr(value, "year") else value


# --- the day --------------------------------------------------------------------------------------


def test_everything_is_done_in_the_order_of_time() -> None:
    world = World()
    done: list[tuple[str, int]] = []
    world.day.at(NOON + 90, lambda: done.append(("late", world.day.now)))
    world.day.at(NOON + 30, lambda: done.append(("early", world.day.now)))
    world.day.every(MINUTE, lambda: done.append(("each minute", world.day.now)))
    world.day.run(NOON + 2 * MINUTE)
    minutes = [("each minute", NOON + MINUTE), ("late", NOON + 90), ("each minute", NOON + 2 * MINUTE)]
    assert done == [("early", NOON + 30), *minutes]
    assert world.day.now == NOON + 2 * MINUTE


def test_the_back_ends_go_round_as_vcl_is_shipped() -> None:
    world = World()
    world.day.run(NOON + 30)
    ((checked_in,),) = world.send("SELECT lastcheckin FROM managementnode WHERE id = %s", NODE)
    assert checked_in == world.day.front_end.utc(NOON + 24)


def test_a_node_that_dies_and_comes_back() -> None:
    world = World(nodes=(NODE, OTHER_NODE))
    world.day.stop_node(OTHER_NODE, NOON + MINUTE, NOON + 10 * MINUTE)
    checked_in = "SELECT lastcheckin FROM managementnode WHERE id = %s"
    world.day.run(NOON + 9 * MINUTE)
    assert world.send(checked_in, OTHER_NODE) < world.send(checked_in, NODE)
    world.day.run(NOON + 11 * MINUTE)
    assert world.send(checked_in, OTHER_NODE) == world.send(checked_in, NODE)


# --- the service ----------------------------------------------------------------------------------


def test_the_service_is_asked_when_a_class_is_six_hours_away() -> None:
    world = World()
    world.stage.block_time(BLOCK, NOON + 6 * HOUR + 5 * MINUTE, NOON + 8 * HOUR)
    world.day.run(NOON + 4 * MINUTE)
    assert world.asked == []
    world.day.run(NOON + 7 * MINUTE)
    assert world.asked == [BLOCK]


def test_a_service_that_is_away_is_asked_six_times_and_never_again() -> None:
    world = World(away=[(NOON, NOON + 10 * MINUTE)])
    world.stage.block_time(BLOCK, NOON + 6 * HOUR, NOON + 8 * HOUR)
    world.day.run(NOON + 30 * MINUTE)
    assert world.asked == []
    assert world.day.service.lost == [BLOCK] * 6
    assert world.send("SELECT processed FROM blockTimes") == [(1,)]


# --- users ----------------------------------------------------------------------------------------


def test_a_user_from_signing_in_to_the_end() -> None:
    world = World()
    arrival = Arrival(NOON + 7 * MINUTE, IMAGE, 30)
    world.users.expect(arrival)
    world.day.run(arrival.at)
    ((computer, request, log),) = world.send(
        "SELECT r.computerid, q.id, q.logid FROM reservation r JOIN request q ON q.id = r.requestid"
    )
    assert world.send("SELECT user, passfail, timestamp FROM loginlog") == [
        ("user110", 1, world.day.front_end.utc(arrival.at - MINUTE))
    ]
    reserved, end = local(arrival.at), local(NOON + 45 * MINUTE)
    assert world.send(_LOG, log) == [(USER, "now", reserved, end, 1, "none", IMAGE, request, None)]
    assert world.send("SELECT logid, computerid, blockRequestid FROM sublog") == [(log, computer, None)]
    world.day.run(NOON + 30 * MINUTE)
    assert world.stage.state(computer) == states.INUSE
    assert world.send("SELECT loaded > start FROM log") == [(1,)]
    world.day.run(NOON + 48 * MINUTE)
    ((ending, ended),) = world.send("SELECT ending, finalend FROM log")
    assert (ending, ended[:16]) == ("EOR", end[:16])
    assert world.stage.state(computer) in (states.RELOAD, states.RELOADING)


def test_a_user_who_ends_the_reservation() -> None:
    world = World()
    arrival = Arrival(NOON + MINUTE, IMAGE, 60, departure=Departure.ENDS, used=0.5)
    world.users.expect(arrival)
    world.day.run(arrival.leaves_at + MINUTE)
    assert world.send("SELECT ending, finalend FROM log") == [("released", local(arrival.leaves_at))]
    assert len(world.day.site.log.of(What.RELOAD_INSERTED)) == 1


def test_a_user_who_walks_away() -> None:
    world = World()
    arrival = Arrival(NOON + MINUTE, IMAGE, 120, departure=Departure.WALKS_AWAY, used=0.3)
    world.users.expect(arrival)
    world.day.run(NOON + 100 * MINUTE)
    assert world.send("SELECT ending FROM log") == [("timeout",)]


def test_a_user_who_does_not_connect() -> None:
    world = World()
    world.users.expect(Arrival(NOON + MINUTE, IMAGE, 120, connects_after=None))
    world.day.run(NOON + 40 * MINUTE)
    assert world.send("SELECT ending FROM log") == [("nologin",)]


def test_a_user_who_extends() -> None:
    world = World()
    world.users.expect(Arrival(NOON + MINUTE, IMAGE, 60, extends=30))
    world.day.run(NOON + 80 * MINUTE)
    assert world.users.tally.extended == 1
    assert world.send("SELECT `end` FROM request WHERE stateid <> 19") == [(local(NOON + 105 * MINUTE),)]
    assert world.send("SELECT finalend FROM log") == [(local(NOON + 105 * MINUTE),)]


def test_a_user_who_may_not_extend() -> None:
    world = World()
    arrival = Arrival(NOON + MINUTE, IMAGE, 60, extends=30)
    world.users.expect(arrival)
    world.day.run(NOON + 2 * MINUTE)
    ((computer,),) = world.send("SELECT computerid FROM reservation")
    world.stage.block_time(BLOCK, arrival.hours[1] + 10 * MINUTE, NOON + 8 * HOUR, groupid=3)
    world.stage.add_block_computers(BLOCK, computer)
    world.day.run(arrival.hours[1])
    assert (world.users.tally.extended, world.users.tally.not_extended) == (0, 1)


def test_a_user_who_gets_nothing() -> None:
    world = World()
    for minute in range(1, 5):
        world.users.expect(Arrival(NOON + minute * MINUTE, OTHER_IMAGE, 240))
    world.day.run(NOON + 5 * MINUTE)
    tally = world.users.tally
    assert (tally.came, tally.served, tally.refused) == (4, 3, 1)
    refused = "SELECT start, requestid FROM log WHERE wasavailable = 0"
    assert world.send(refused) == [(local(NOON), None)]  # the start that was asked for


def test_a_user_where_no_management_node_is_alive() -> None:
    world = World()
    world.day.stop_node(NODE, NOON + MINUTE)
    world.users.expect(Arrival(NOON + 10 * MINUTE, IMAGE, 60))
    world.day.run(NOON + 11 * MINUTE)
    assert world.users.tally.refused == 1


def test_a_member_has_a_computer_of_the_class() -> None:
    """The log says of which block request it was, and from when to when that has it."""
    world = World()
    world.stage.block_time(BLOCK, NOON + 10 * MINUTE, NOON + 2 * HOUR, groupid=10)
    world.stage.add_block_computers(BLOCK, C1)
    world.stage.set(C1, currentimageid=IMAGE, imagerevisionid=IMAGE)
    world.users.expect(Arrival(NOON + 12 * MINUTE, IMAGE, 60))
    world.day.run(NOON + 12 * MINUTE)
    assert world.send("SELECT computerid, blockRequestid, blockStart, blockEnd FROM sublog") == [
        (C1, BLOCK, local(NOON + 10 * MINUTE), local(NOON + 2 * HOUR))
    ]


def test_users_who_are_there_when_the_day_begins() -> None:
    world = World()
    came = NOON - 50 * MINUTE
    arrivals = [
        Arrival(came, OTHER_IMAGE, 120),
        Arrival(came, OTHER_IMAGE, 120, departure=Departure.ENDS, used=0.6),
        Arrival(came, OTHER_IMAGE, 120, departure=Departure.WALKS_AWAY, used=0.6),
    ]
    world.users.seat(arrivals, Random(1))
    assert {world.stage.state(computer) for computer in COMPUTERS} == {states.INUSE}
    assert world.send("SELECT DISTINCT stateid, laststateid FROM request") == [(states.INUSE, states.RESERVED)]
    world.day.run(NOON + 2 * HOUR)
    endings = [row[0] for row in world.send("SELECT ending FROM log")]
    assert sorted(endings) == ["EOR", "released", "timeout"]


@pytest.mark.parametrize("zone", [ZONE, "America/Los_Angeles"])
def test_their_rows_show_the_site_s_clock(zone: str) -> None:
    """The service recognises from them which zone is right."""
    world = World()
    arrivals = Demand(0.5, 3, {IMAGE: 1.0}).arrivals(NOON, NOON + 3 * HOUR, Random(3))
    for arrival in arrivals:
        world.users.expect(arrival)
    world.day.run(NOON + 3 * HOUR)
    assert world.users.tally.served > 2
    with override_settings(TIME_ZONE=zone):
        verdict = judge(site_clock.read(world.day.now), lambda _seconds: {})
    assert verdict.outcome is (Outcome.FITS if zone == ZONE else Outcome.WRONG)


# --- ending a reservation -------------------------------------------------------------------------


def test_a_reservation_to_come_is_removed() -> None:
    world = World()
    request = world.stage.user(C0, start=NOON + HOUR, end=NOON + 2 * HOUR)
    assert end_reservation(world.day.front_end, request).finish()
    assert world.send("SELECT id FROM request") == []
    assert world.send("SELECT id FROM reservation") == []


@pytest.mark.parametrize(
    ("state", "last", "becomes"),
    [
        (states.NEW, states.NEW, states.RESERVED),
        (states.PENDING, states.NEW, states.RESERVED),
        (states.PENDING, states.RESERVED, states.RESERVED),
        (states.INUSE, states.RESERVED, states.INUSE),
        (states.PENDING, states.INUSE, states.INUSE),
    ],
)
def test_a_reservation_that_has_begun_is_left_to_the_back_end(state: int, last: int, becomes: int) -> None:
    world = World()
    request = world.stage.user(C0, start=NOON - HOUR, end=NOON + HOUR, state=state, last=last)
    assert end_reservation(world.day.front_end, request).finish()
    assert world.stage.states(request) == (states.DELETED, becomes)


def test_what_is_over_cannot_be_ended() -> None:
    world = World()
    request = world.stage.user(C0, start=NOON - HOUR, end=NOON + HOUR, state=states.COMPLETE, last=states.TIMEOUT)
    assert not end_reservation(world.day.front_end, request).finish()
    assert not end_reservation(world.day.front_end, request + 1).finish()
    assert world.stage.states(request) == (states.COMPLETE, states.TIMEOUT)


# --- staff ----------------------------------------------------------------------------------------


def test_maintenance_is_tried_again_while_somebody_has_the_semaphore() -> None:
    world = World()
    staff = Staff(world.day, NODE)
    row = {"computerid": C0, "imageid": IMAGE, "imagerevisionid": IMAGE, "managementnodeid": NODE, "procid": "other"}
    tables.insert("semaphore", [{**row, "expires": local(NOON + 90)}], ZONE)
    staff.maintain([C0, C1])
    assert (world.stage.state(C0), world.stage.state(C1)) == (states.AVAILABLE, states.MAINTENANCE)
    world.day.run(NOON + 3 * MINUTE)
    assert world.stage.state(C0) == states.MAINTENANCE
    assert staff.not_now == 2


def test_a_failed_computer_is_put_right() -> None:
    world = World(loads=Loads(broken=frozenset({OTHER_IMAGE})))
    Staff(world.day, NODE, repair_after=HOUR)
    world.users.expect(Arrival(NOON + MINUTE, OTHER_IMAGE, 60))
    world.day.run(NOON + 30 * MINUTE)
    (failed,) = [computer for computer in COMPUTERS if world.stage.state(computer) == states.FAILED]
    assert world.send("SELECT ending FROM log") == [("failed",)]
    world.day.run(NOON + 90 * MINUTE)
    assert world.stage.state(failed) == states.AVAILABLE


def test_computers_of_a_class_go_into_maintenance_are_loaded_and_skipped() -> None:
    world = World()
    staff = Staff(world.day, NODE)
    world.stage.block_time(BLOCK, NOON + 5 * HOUR, NOON + 6 * HOUR)
    world.stage.add_block_computers(BLOCK, C0, C1)
    staff.maintain_some_of(BLOCK, 1)
    assert world.stage.state(C0) == states.MAINTENANCE
    staff.reload([C1], OTHER_IMAGE, OTHER_IMAGE)
    world.day.run(NOON + 20 * MINUTE)
    assert world.stage.loaded(C1) == (OTHER_IMAGE, OTHER_IMAGE)
    staff.skip(BLOCK)
    assert world.stage.block_computers(BLOCK) == []


def test_people_take_turns_and_unknown_ones_are_an_error() -> None:
    World()
    people = People(DjangoConnection(), [USER, USER + 1])
    assert [people.next().id for _ in range(3)] == [USER, USER + 1, USER]
    with pytest.raises(LookupError, match="999"):
        People(DjangoConnection(), [999])
