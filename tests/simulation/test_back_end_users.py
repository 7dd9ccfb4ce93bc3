"""The double of the back end: users' reservations, and what is loaded after them."""

from collections.abc import Callable

import pytest

from simulation.back_end import states
from simulation.back_end.conditions import Result, Visit
from simulation.back_end.events import What
from tests.support.sites.back_end_stage import (
    C0,
    C1,
    HOUR,
    IMAGE,
    LOADED_AFTER,
    MINUTE,
    OTHER_IMAGE,
    OTHER_NODE,
    USER,
    Stage,
    at,
    seconds,
)

# On MariaDB, to load a site commits.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once(on="sqlite")]
START, END = at("13:00"), at("15:00")


def stays_away(_request: int, _user: int) -> Visit:
    """A user who does not connect."""
    return Visit(connects_after=None)


# --- a user comes ---------------------------------------------------------------------------------


def test_a_user_from_the_reservation_to_the_connection() -> None:
    stage = Stage(visit=lambda _request, user: Visit(5 * MINUTE if user == USER else None))
    request = stage.user(C0, start=START, end=END)
    stage.rounds(START + MINUTE, since=START)
    assert stage.states(request) == (states.PENDING, states.NEW)
    assert stage.state(C0) == states.RELOADING
    stage.rounds(START + LOADED_AFTER)
    assert stage.states(request) == (states.PENDING, states.RESERVED)
    assert stage.state(C0) == states.RESERVED
    assert stage.loaded(C0) == (IMAGE, IMAGE)
    stage.rounds(START + LOADED_AFTER + 5 * MINUTE)
    assert stage.states(request) == (states.INUSE, states.RESERVED)
    assert stage.state(C0) == states.INUSE
    assert C0 in stage.site.tainted


def test_a_loaded_computer_is_the_users_at_once() -> None:
    stage = Stage()
    stage.set(C0, currentimageid=IMAGE, imagerevisionid=IMAGE)
    request = stage.user(C0, start=START, end=END)
    stage.rounds(START + MINUTE, since=START)
    assert stage.loads() == []
    assert stage.states(request) == (states.PENDING, states.RESERVED)


def test_a_future_reservation_is_preloaded_and_is_new_again_until_it_starts() -> None:
    stage = Stage()
    request = stage.user(C0, start=START, end=END)
    stage.rounds(START - 5 * MINUTE, since=START - 35 * MINUTE)
    assert stage.states(request) == (states.NEW, states.NEW)
    assert stage.state(C0) == states.AVAILABLE
    assert stage.loaded(C0) == (IMAGE, IMAGE)
    assert len(stage.loads()) == 1
    assert len(stage.events(What.PROCESS_FORKED)) == 1  # it is not preloaded again and again
    stage.rounds(START)
    assert len(stage.loads()) == 1
    assert stage.states(request) == (states.PENDING, states.RESERVED)


def test_a_preload_that_finds_somebody_on_the_computer_is_tried_again_at_the_start() -> None:
    stage = Stage()
    stage.use(C0, start=START - HOUR, end=START - 15 * MINUTE, image=OTHER_IMAGE)
    stage.send("UPDATE request SET stateid = 14, laststateid = 8")  # a countdown that nobody here sees
    request = stage.user(C0, start=START, end=END)
    stage.rounds(START - 32 * MINUTE, since=START - 35 * MINUTE)
    assert stage.states(request) == (states.NEW, states.NEW)
    assert stage.state(C0) == states.INUSE
    stage.rounds(START + LOADED_AFTER)
    assert stage.loaded(C0) == (IMAGE, IMAGE)


def test_a_users_reservation_ends_a_reload_under_way_and_loads_the_wanted_image() -> None:
    stage = Stage()
    reload = stage.request(C0, start=START)
    stage.add_block_computers(10, C0, reload=reload)
    stage.rounds(START + 5 * MINUTE, since=START)
    request = stage.user(C0, start=START + 5 * MINUTE, end=END, image=OTHER_IMAGE)
    stage.rounds(START + 30 * MINUTE)
    assert [event.request for event in stage.events(What.PROCESS_KILLED)] == [reload]
    assert stage.loads(What.LOAD_ENDED) == [(C0, request)]
    assert stage.states(reload) is None
    assert stage.loaded(C0) == (OTHER_IMAGE, OTHER_IMAGE)
    assert stage.block_computers(10) == [C0]


def test_a_user_waits_for_a_reload_of_the_same_revision() -> None:
    stage = Stage(load_seconds=seconds({C0: 8 * MINUTE}))
    stage.request(C0, start=START)
    stage.rounds(START + MINUTE, since=START)
    request = stage.user(C0, start=START + MINUTE, end=END)
    stage.rounds(START + 11 * MINUTE)
    assert len(stage.loads()) == 1
    assert stage.states(request) is not None
    assert stage.state(C0) in (states.RESERVED, states.INUSE)


@pytest.mark.parametrize("busy", [False, True])
def test_a_users_reservation_that_fails_takes_the_computer_out_of_all_blocks(busy: bool) -> None:
    stage = Stage(result=lambda *_load: Result.FAILED)
    stage.block_time(20, at("18:00"), at("20:00"))
    stage.add_block_computers(10, C0)
    stage.add_block_computers(20, C0)
    if busy:
        stage.user(C0, start=START - HOUR, end=END, state=states.RESERVED, last=states.NEW, node=OTHER_NODE)
    request = stage.user(C0, start=START, end=END)
    stage.rounds(START + LOADED_AFTER, since=START)
    assert bool(stage.loads()) is not busy
    assert stage.state(C0) == states.FAILED
    assert stage.states(request) == (states.FAILED, states.NEW)  # until its end, for the user to see
    assert stage.block_computers(10) == stage.block_computers(20) == []
    stage.rounds(END + MINUTE)
    assert stage.states(request) is None


def test_a_reservation_that_is_given_back_while_it_loads() -> None:
    stage = Stage()
    request = stage.user(C0, start=START, end=END)
    stage.rounds(START + MINUTE, since=START)
    stage.send("UPDATE request SET stateid = 1, laststateid = 13 WHERE id = %s", request)
    stage.rounds(START + LOADED_AFTER)
    assert stage.state(C0) == states.AVAILABLE
    stage.rounds(START + LOADED_AFTER + MINUTE)
    assert stage.states(request) is None
    assert stage.events(What.RELOAD_INSERTED) == []


# --- a user goes ----------------------------------------------------------------------------------


def test_the_countdown_the_timeout_and_the_reload_afterwards() -> None:
    stage = Stage()
    request = stage.use(C0, start=START, end=END)
    stage.rounds(END - 11 * MINUTE, since=START, every=MINUTE)
    assert stage.states(request) == (states.INUSE, states.RESERVED)
    stage.rounds(END - 10 * MINUTE)
    assert stage.states(request) == (states.PENDING, states.INUSE)
    stage.site.processes.run(END + 5)
    assert stage.states(request) == (states.TIMEOUT, states.INUSE)
    assert stage.state(C0) == states.TIMEOUT
    stage.rounds(END + 10, since=END + 10)
    assert stage.states(request) == (states.COMPLETE, states.TIMEOUT)
    assert stage.state(C0) == states.RELOAD
    row = "SELECT stateid, laststateid, preload, start, `end`, userid FROM request WHERE id > %s"
    (reload,) = stage.send(row, request)
    assert reload[:3] == (states.RELOAD, states.INUSE, 0)
    assert [str(time) for time in reload[3:5]] == ["2026-03-02 15:00:10", "2026-03-02 15:30:10"]
    assert reload[5] == 2
    reservation = stage.send("SELECT computerid, managementnodeid FROM reservation WHERE requestid > %s", request)
    assert reservation == [(C0, 10)]
    stage.rounds(END + MINUTE)
    assert stage.states(request) is None
    stage.rounds(END + MINUTE + LOADED_AFTER)
    assert len(stage.loads(What.LOAD_ENDED)) == 1  # though the image was there
    assert stage.state(C0) == states.AVAILABLE
    assert stage.send("SELECT COUNT(*) FROM request") == [(0,)]


def test_a_countdown_that_begins_late_takes_its_ten_minutes_all_the_same() -> None:
    stage = Stage()
    request = stage.use(C0, start=START, end=END)
    stage.rounds(END - 2 * MINUTE, since=END - 2 * MINUTE)
    stage.rounds(END + 7 * MINUTE)
    assert stage.states(request) == (states.PENDING, states.INUSE)
    stage.site.processes.run(END + 8 * MINUTE)
    assert stage.states(request) == (states.TIMEOUT, states.INUSE)


def test_a_user_who_has_overrun_gives_way_to_a_reload() -> None:
    stage = Stage()
    user = stage.use(C0, start=START, end=END)
    stage.rounds(END - 2 * MINUTE, since=END - 2 * MINUTE)
    reload = stage.request(C0, start=END, image=OTHER_IMAGE)
    stage.rounds(END + MINUTE)
    assert [event.request for event in stage.events(What.PROCESS_KILLED)] == [user]
    assert stage.loads() == [(C0, reload)]


def test_a_user_who_extends_during_the_countdown_stays() -> None:
    stage = Stage()
    request = stage.use(C0, start=START, end=END)
    stage.rounds(END - 5 * MINUTE, since=END - 10 * MINUTE)
    stage.send("UPDATE request SET `end` = '2026-03-02 16:00:00' WHERE id = %s", request)
    stage.rounds(END + MINUTE)
    assert stage.states(request) == (states.INUSE, states.INUSE)
    assert stage.state(C0) == states.INUSE


def test_a_user_who_never_connects_leaves_a_clean_computer_that_is_not_reloaded() -> None:
    stage = Stage(visit=stays_away)
    stage.set(C0, currentimageid=IMAGE, imagerevisionid=IMAGE)
    request = stage.user(C0, start=START, end=END)
    stage.rounds(START + 10 * MINUTE, since=START)
    assert stage.state(C0) == states.RESERVED
    stage.rounds(START + 17 * MINUTE)
    assert stage.states(request) == (states.COMPLETE, states.TIMEOUT)
    assert stage.state(C0) == states.AVAILABLE
    assert stage.events(What.RELOAD_INSERTED) == []
    stage.rounds(END + MINUTE)
    assert stage.states(request) is None


def reclaimed(stage: Stage, computer: int, last: int, state: int = states.DELETED) -> None:
    """A user's reservation on the computer is over or given back, and seen by the back end."""
    stage.user(computer, start=START - HOUR, end=END, state=state, last=last)
    stage.rounds(START, since=START)


@pytest.mark.parametrize(
    ("last", "tainted", "values", "becomes"),
    [
        (states.INUSE, True, {}, states.RELOAD),
        (states.RESERVED, False, {}, states.AVAILABLE),
        (states.RESERVED, True, {}, states.RELOAD),
        (states.NEW, False, {}, states.AVAILABLE),
        (states.INUSE, True, {"type": "lab"}, states.AVAILABLE),
        (states.INUSE, True, {"stateid": states.MAINTENANCE}, states.MAINTENANCE),
        (states.INUSE, True, {"stateid": states.RELOADING}, states.RELOADING),
    ],
)
def test_which_computers_are_reloaded_after_a_user(
    last: int, tainted: bool, values: dict[str, object], becomes: int
) -> None:
    stage = Stage()
    stage.set(C0, **{"stateid": states.INUSE, **values})
    if tainted:
        stage.site.tainted.add(C0)
    reclaimed(stage, C0, last)
    assert stage.state(C0) == becomes
    assert bool(stage.events(What.RELOAD_INSERTED)) is (becomes == states.RELOAD)
    assert stage.send("SELECT stateid, laststateid FROM request WHERE userid = %s", USER) == [
        (states.COMPLETE, states.DELETED)
    ]


def test_a_computer_on_which_a_load_was_cut_off_is_not_clean() -> None:
    stage = Stage()
    stage.set(C0, stateid=states.RESERVED)
    stage.site.half_loaded.add(C0)
    reclaimed(stage, C0, states.RESERVED)
    assert stage.state(C0) == states.RELOAD


def test_a_second_reload_after_users_is_not_inserted_but_a_failure() -> None:
    stage = Stage()
    stage.set(C0, stateid=states.RELOAD)
    reclaimed(stage, C0, states.INUSE, state=states.TIMEOUT)
    assert stage.state(C0) == states.FAILED
    assert stage.events(What.RELOAD_INSERTED) == []
    assert stage.send("SELECT stateid, laststateid FROM request") == [(states.FAILED, states.TIMEOUT)]


@pytest.mark.parametrize("state", [states.RESERVED, states.INUSE])
def test_a_computer_that_is_given_back_early_is_reclaimed_soon(state: int) -> None:
    stage = Stage(visit=stays_away)
    request = stage.user(C0, start=START, end=END, state=state, last=states.NEW)
    begun = START if state == states.RESERVED else END - 10 * MINUTE
    stage.rounds(begun + MINUTE, since=begun)
    assert stage.states(request) == (states.PENDING, state)
    stage.send("UPDATE request SET stateid = 1, laststateid = %s WHERE id = %s", state, request)
    stage.rounds(begun + 3 * MINUTE)
    assert stage.states(request) is None


def test_after_the_reload_the_computer_is_no_longer_the_users() -> None:
    stage = Stage()
    stage.use(C0, start=START, end=END)
    stage.rounds(END + 15 * MINUTE, since=END - 10 * MINUTE, every=MINUTE)
    stage.request(C0, start=END + 15 * MINUTE)
    stage.rounds(END + 17 * MINUTE)
    assert len(stage.loads()) == len(stage.events(What.NOTHING_TO_LOAD)) == 1


def test_the_image_that_is_loaded_after_a_user() -> None:
    """The image of the earliest block time that the computer is in, however long ago; else what it holds."""
    stage = Stage()
    for computer in (C0, C1):
        stage.set(computer, stateid=states.INUSE, currentimageid=OTHER_IMAGE, imagerevisionid=OTHER_IMAGE)
        stage.site.tainted.add(computer)
    stage.block_time(20, at("10:00", "2026-02-01"), at("12:00", "2026-02-01"), request=10)
    stage.block_time(30, at("18:00"), at("20:00"), request=10)
    stage.add_block_computers(30, C0, image=OTHER_IMAGE)
    stage.add_block_computers(20, C0, image=IMAGE)
    reclaimed(stage, C0, states.INUSE)
    reclaimed(stage, C1, states.INUSE)
    images = {event.computer: event.image for event in stage.events(What.RELOAD_INSERTED)}
    assert images == {C0: IMAGE, C1: OTHER_IMAGE}


def test_the_reload_after_a_user_begins_in_the_next_round() -> None:
    stage = Stage()
    stage.use(C0, start=START, end=END)
    stage.rounds(END + 5 * MINUTE, since=END - 10 * MINUTE, every=MINUTE)
    (inserted,) = stage.events(What.RELOAD_INSERTED)
    (began,) = stage.events(What.LOAD_BEGAN)
    assert began.request == inserted.request
    assert inserted.at < began.at <= inserted.at + MINUTE + 10


def test_a_node_that_dies_during_a_countdown_leaves_the_user_pending() -> None:
    stage = Stage()
    request = stage.use(C0, start=START, end=END)
    stage.rounds(END - 5 * MINUTE, since=END - 10 * MINUTE)
    stage.back_ends.of[10].stop()
    stage.back_ends.of[10].start()
    stage.rounds(END + HOUR)
    assert stage.states(request) == (states.PENDING, states.INUSE)


def test_a_cluster_of_a_user() -> None:
    stage = Stage()
    request = stage.user(C0, C1, start=START, end=END)
    stage.rounds(START + 20 * MINUTE, since=START)
    assert stage.states(request) == (states.INUSE, states.RESERVED)
    assert stage.state(C0) == stage.state(C1) == states.INUSE
    stage.rounds(END + 2 * MINUTE, every=MINUTE)
    assert sorted(event.computer for event in stage.events(What.RELOAD_INSERTED)) == [C0, C1]


# --- a user leaves without ending the reservation -------------------------------------------------


def leaves(after: int) -> Callable[[int, int], Visit]:
    """A user who connects at once and is gone so many seconds later."""
    return lambda _request, _user: Visit(connects_after=15, leaves_after=after)


def test_a_user_who_has_left_is_timed_out_after_a_quarter_of_an_hour() -> None:
    stage = Stage(visit=leaves(20 * MINUTE))
    stage.set(C0, currentimageid=IMAGE, imagerevisionid=IMAGE)
    request = stage.user(C0, start=START, end=END)
    stage.rounds(START + 2 * MINUTE, since=START)
    (connected,) = stage.events(What.USER_CONNECTED)
    stage.rounds(connected.at + 34 * MINUTE)
    assert stage.states(request) == (states.PENDING, states.INUSE)
    stage.rounds(connected.at + 36 * MINUTE)
    (timed_out,) = stage.events(What.USER_TIMED_OUT)
    assert timed_out.detail == "left"
    stage.rounds(connected.at + 36 * MINUTE + LOADED_AFTER + 5 * MINUTE)
    assert stage.state(C0) == states.AVAILABLE
    assert [event.computer for event in stage.events(What.RELOAD_INSERTED)] == [C0]


def test_users_are_looked_for_every_five_minutes() -> None:
    stage = Stage(visit=leaves(21 * MINUTE))
    stage.set(C0, currentimageid=IMAGE, imagerevisionid=IMAGE)
    request = stage.user(C0, start=START, end=END)
    stage.rounds(START + 30 * MINUTE, since=START)
    (connected,) = stage.events(What.USER_CONNECTED)
    assert stage.begun(request) in range(connected.at + 25 * MINUTE, connected.at + 25 * MINUTE + 12)


def test_nobody_is_timed_out_early_in_the_last_minutes() -> None:
    stage = Stage(visit=leaves(5 * MINUTE))
    stage.set(C0, currentimageid=IMAGE, imagerevisionid=IMAGE)
    end = START + 28 * MINUTE
    stage.user(C0, start=START, end=end)
    stage.rounds(end + 5 * MINUTE, since=START)
    (timed_out,) = stage.events(What.USER_TIMED_OUT)
    assert timed_out.detail == "end reached"


def test_a_user_who_ends_the_reservation_while_vcl_waits_for_them() -> None:
    stage = Stage(visit=leaves(5 * MINUTE))
    stage.set(C0, currentimageid=IMAGE, imagerevisionid=IMAGE)
    request = stage.user(C0, start=START, end=END)
    stage.rounds(START + 10 * MINUTE, since=START)
    stage.send("UPDATE request SET stateid = 1, laststateid = 8 WHERE id = %s", request)
    stage.rounds(START + 30 * MINUTE)
    assert stage.events(What.USER_TIMED_OUT) == []
    assert len(stage.events(What.RELOAD_INSERTED)) == 1
