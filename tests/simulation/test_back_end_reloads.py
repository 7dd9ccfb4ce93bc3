"""The double of the back end: when reloads begin, what gives way to them, what becomes of them."""

from zoneinfo import ZoneInfo

import pytest

from simulation.back_end import states
from simulation.back_end.conditions import Result
from simulation.back_end.events import What
from simulation.back_end.loop import check_time
from simulation.back_end.rows import Due
from simulation.back_end.times import SiteTimes, minutes, whole_minutes
from tests.golden import tables
from tests.support.sites.back_end_stage import (
    BARE,
    C0,
    C1,
    C2,
    HOUR,
    IMAGE,
    LIBVIRT,
    LOAD,
    LOADED_AFTER,
    MINUTE,
    OLD_REVISION,
    OTHER_IMAGE,
    OTHER_NODE,
    VMWARE,
    Stage,
    at,
    seconds,
)
from tests.support.sites.class_site import NODE, ZONE

# On MariaDB, to load a site commits.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once(on="sqlite")]
START = at("13:00")


def failing(*computers: int, result: Result = Result.FAILED) -> object:
    """Loads of these computers go wrong."""
    return lambda computer, _image, _chance: result if computer in computers else Result.LOADED


# --- when it begins -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("preload", "before", "begins"),
    [
        (0, 35 * 60 + 30, False),
        (0, 35 * 60 + 29, True),
        (0, 24 * 60 + 30, True),
        (0, 24 * 60 + 29, False),
        (0, 30, False),
        (0, 29, True),
        (1, 35 * 60, False),
        (1, 25 * 60, False),
        (1, 30, False),
        (1, 29, True),
        (0, -5 * HOUR, True),
        (1, -5 * HOUR, True),  # however late, and long after its end
    ],
)
@pytest.mark.parametrize("state", [states.RELOAD, states.NEW])
def test_when_a_request_begins(preload: int, before: int, begins: bool, state: int) -> None:
    stage = Stage()
    request = stage.request(C0, start=START, preload=preload, state=state)
    stage.rounds(START - before, since=START - before)
    assert (stage.begun(request) is not None) is begins


@pytest.mark.parametrize("preload", [0, 1])
@pytest.mark.parametrize("state", [states.RELOAD, states.NEW, states.INUSE, states.RESERVED, states.TIMEOUT])
def test_a_round_overlooks_nothing_that_is_due(state: int, preload: int) -> None:
    due = Due(1, 1, state, state, preload, START, START)
    for now in range(START - HOUR, START + MINUTE, 7):
        check = check_time(due, now)
        if check and not (check == "preload" and preload):
            assert due.quiet_until <= now


def test_a_preload_of_a_reload_is_a_whole_reload_even_of_a_running_classs_computer() -> None:
    stage = Stage()
    stage.block_time(20, at("11:00"), at("12:55"))
    stage.add_block_computers(20, C0, image=OTHER_IMAGE)
    request = stage.request(C0, start=START, preload=0)
    stage.rounds(START - 24 * MINUTE, since=START - 40 * MINUTE, every=MINUTE)
    assert stage.begun(request) == START - 35 * MINUTE
    assert stage.loads() == [(C0, request)]
    stage.rounds(START - 20 * MINUTE)
    assert stage.loaded(C0) == (IMAGE, IMAGE)
    assert stage.states(request) is None
    assert stage.block_computers(20) == [C0]


@pytest.mark.parametrize("every", [5, 12, 60, 600])
def test_nothing_depends_on_how_far_apart_the_rounds_are(every: int) -> None:
    stage = Stage()
    request = stage.request(C0, start=START)
    stage.rounds(START + HOUR, since=START, every=every)
    (ended,) = stage.events(What.LOAD_ENDED)
    assert START + LOAD <= ended.at <= START + LOAD + 15
    assert stage.states(request) is None


def test_a_failing_preload_is_tried_again_at_the_start_and_fails_for_good_then() -> None:
    stage = Stage(result=failing(C0))
    request = stage.request(C0, start=START, preload=0)
    stage.add_block_computers(10, C0)
    stage.rounds(START - 20 * MINUTE, since=START - 35 * MINUTE)
    assert stage.states(request) == (states.RELOAD, states.RELOAD)
    assert stage.send("SELECT preload FROM request WHERE id = %s", request) == [(1,)]
    assert stage.state(C0) == states.AVAILABLE
    assert stage.block_computers(10) == [C0]
    stage.rounds(START + LOADED_AFTER)
    assert stage.loads() == [(C0, request), (C0, request)]
    assert stage.state(C0) == states.FAILED
    assert stage.block_computers(10) == []


# --- what it does ---------------------------------------------------------------------------------


def test_a_reload_step_by_step() -> None:
    stage = Stage()
    request = stage.request(C0, start=START)
    stage.rounds(START, since=START - MINUTE, every=MINUTE)
    assert stage.states(request) == (states.PENDING, states.RELOAD)
    stage.rounds(START + MINUTE)
    assert stage.state(C0) == states.RELOADING
    assert stage.send("SELECT COUNT(*) FROM computerloadlog WHERE computerid = %s", C0)[0][0] >= 4
    stage.site.processes.run(START + LOADED_AFTER)
    assert stage.state(C0) == states.AVAILABLE
    assert stage.loaded(C0) == (IMAGE, IMAGE)
    assert stage.states(request) == (states.COMPLETE, states.RELOAD)
    stage.rounds(START + LOADED_AFTER)
    assert stage.states(request) is None
    assert stage.send("SELECT COUNT(*) FROM reservation")[0][0] == 0
    assert stage.send("SELECT COUNT(*) FROM computerloadlog")[0][0] == 0


def test_the_row_in_a_block_names_the_request_that_is_gone() -> None:
    stage = Stage()
    request = stage.request(C0, start=START)
    stage.add_block_computers(10, C0, reload=request)
    stage.rounds(START + LOADED_AFTER, since=START)
    assert stage.states(request) is None
    assert stage.send("SELECT reloadrequestid FROM blockComputers") == [(request,)]


@pytest.mark.parametrize(("in_a_block", "loaded"), [(True, IMAGE), (False, OLD_REVISION)])
def test_the_production_revision_is_loaded_when_the_computer_is_in_any_block(in_a_block: bool, loaded: int) -> None:
    stage = Stage()
    request = stage.request(C0, start=START, revision=OLD_REVISION)
    if in_a_block:
        stage.add_block_computers(10, C0, image=OTHER_IMAGE)
    stage.rounds(START + MINUTE, since=START)
    assert stage.send("SELECT imagerevisionid FROM reservation WHERE requestid = %s", request) == [(OLD_REVISION,)]
    stage.rounds(START + LOADED_AFTER)
    assert stage.loaded(C0) == (IMAGE, loaded)


@pytest.mark.parametrize(
    ("state", "revision", "tainted", "loads"),
    [
        (states.AVAILABLE, IMAGE, False, False),
        (states.RELOAD, IMAGE, False, True),
        (states.AVAILABLE, OLD_REVISION, False, True),
        (states.AVAILABLE, IMAGE, True, True),
    ],
)
def test_a_computer_that_is_ready_is_not_loaded(state: int, revision: int, tainted: bool, loads: bool) -> None:
    stage = Stage()
    stage.set(C0, stateid=state, currentimageid=IMAGE, imagerevisionid=revision)
    if tainted:
        stage.site.tainted.add(C0)
    request = stage.request(C0, start=START)
    stage.rounds(START + MINUTE, since=START)
    assert bool(stage.loads()) is loads
    assert (stage.states(request) is None) is not loads


def test_after_a_load_that_was_cut_off_the_computer_is_not_ready() -> None:
    stage = Stage()
    stage.set(C0, currentimageid=OTHER_IMAGE, imagerevisionid=OTHER_IMAGE)
    stage.request(C0, start=START)
    stage.rounds(START + MINUTE, since=START)
    second = stage.request(C0, start=START + MINUTE, image=OTHER_IMAGE)
    stage.rounds(START + MINUTE + LOADED_AFTER)
    assert (C0, second) in stage.loads()


def test_a_failed_load_takes_the_computer_out_of_all_blocks_and_leaves_their_reloads() -> None:
    stage = Stage(result=failing(C0))
    stage.block_time(20, at("18:00"), at("20:00"))
    stage.add_block_computers(10, C0, C1)
    later = stage.request(C0, start=at("17:30"))
    stage.add_block_computers(20, C0, C1, reload=later)
    request = stage.request(C0, start=START)
    stage.site.processes.run(START)
    stage.rounds(START, since=START)
    stage.site.processes.run(START + LOADED_AFTER)
    assert stage.states(request) == (states.FAILED, states.RELOAD)
    stage.rounds(START + LOADED_AFTER)
    assert stage.state(C0) == states.FAILED
    assert stage.states(request) is None
    assert stage.block_computers(10) == stage.block_computers(20) == [C1]
    assert stage.states(later) == (states.RELOAD, states.RELOAD)
    assert [event.block_time for event in stage.events(What.REMOVED_FROM_BLOCKS)] == [10, 20]
    assert stage.loaded(C0) != (IMAGE, IMAGE)


def test_a_computer_whose_image_cannot_be_fetched_stays_available_but_in_no_block() -> None:
    stage = Stage(result=failing(C0, result=Result.NOT_FETCHED))
    stage.add_block_computers(10, C0)
    stage.request(C0, start=START)
    stage.rounds(START + MINUTE, since=START)
    assert stage.state(C0) == states.AVAILABLE
    assert stage.block_computers(10) == []


# --- competitors ----------------------------------------------------------------------------------


def test_a_user_who_is_not_over_makes_the_reload_drop_after_110_seconds_for_good() -> None:
    stage = Stage()
    user = stage.use(C0, start=at("12:00"), end=at("15:00"))
    request = stage.request(C0, start=START, image=OTHER_IMAGE)
    stage.add_block_computers(10, C0, reload=request)
    stage.rounds(START + 3 * MINUTE, since=START)
    (dropped,) = stage.events(What.RELOAD_DROPPED)
    assert dropped.request == request
    assert dropped.at - START == 110
    assert stage.states(request) is None
    assert stage.block_computers(10) == [C0]
    assert stage.states(user) == (states.INUSE, states.RESERVED)
    stage.rounds(at("16:00"), every=MINUTE)
    assert request not in [event.request for event in stage.events(What.LOAD_BEGAN)]


def test_a_user_who_ends_while_the_reload_looks_is_completed() -> None:
    stage = Stage()
    user = stage.use(C0, start=at("12:00"), end=START + MINUTE)
    stage.send("UPDATE request SET stateid = 14, laststateid = 8 WHERE id = %s", user)
    request = stage.request(C0, start=START)
    stage.rounds(START + 2 * MINUTE, since=START)
    assert (C0, request) in stage.loads()
    assert [event.request for event in stage.events(What.COMPETITOR_COMPLETED)] == [user]


@pytest.mark.parametrize("state", [states.MAINTENANCE, states.DELETED, states.VMHOSTINUSE])
def test_a_computer_in_maintenance_is_not_loaded(state: int) -> None:
    stage = Stage()
    stage.set(C0, stateid=state)
    request = stage.request(C0, start=START)
    stage.rounds(START, since=START)
    assert stage.states(request) == (states.COMPLETE, states.RELOAD)
    assert stage.state(C0) == state
    assert stage.loads() == []


@pytest.mark.parametrize(
    ("state", "last", "hours", "seconds_to_drop"),
    [
        (states.MAINTENANCE, states.INUSE, 0, 0),
        (states.IMAGE, states.INUSE, 0, 110),
        (states.IMAGE, states.INUSE, 2, 110),  # still to come
        (states.COMPLETE, states.IMAGE, 0, 110),
        (states.COMPLETE, states.INUSE, 0, None),
        (states.FAILED, states.NEW, 0, None),
        (states.NEW, states.NEW, 2, None),
        (states.PENDING, states.NEW, 0, 110),
        (states.RESERVED, states.NEW, 0, 110),
    ],
)
def test_which_competitors_stop_a_reload(state: int, last: int, hours: int, seconds_to_drop: int | None) -> None:
    stage = Stage()
    start = START - MINUTE + hours * HOUR
    stage.user(C0, start=start, end=start + HOUR, state=state, last=last, node=OTHER_NODE)
    stage.request(C0, start=START)
    stage.rounds(START + 3 * MINUTE, since=START)
    assert [event.at - START for event in stage.events(What.RELOAD_DROPPED)] == (
        [] if seconds_to_drop is None else [seconds_to_drop]
    )
    assert bool(stage.loads()) is (seconds_to_drop is None)


@pytest.mark.parametrize(
    ("state", "last"),
    [
        (states.RELOAD, states.INUSE),
        (states.TIMEOUT, states.INUSE),
        (states.DELETED, states.INUSE),
        (states.PENDING, states.TIMEOUT),
        (states.PENDING, states.DELETED),
        (states.PENDING, states.RELOAD),
    ],
)
def test_competitors_that_give_way(state: int, last: int) -> None:
    stage = Stage()
    other = stage.user(
        C0, start=START - HOUR, end=START + HOUR, state=state, last=last, node=OTHER_NODE, image=OTHER_IMAGE
    )
    request = stage.request(C0, start=START)
    stage.rounds(START + MINUTE, since=START)
    assert stage.states(other) == (states.COMPLETE, last if state == states.PENDING else state)
    assert stage.loads() == [(C0, request)]


def test_a_reload_of_another_revision_under_way_on_this_node_is_killed() -> None:
    stage = Stage()
    first = stage.request(C0, start=START, image=OTHER_IMAGE)
    stage.rounds(START + MINUTE, since=START)
    second = stage.request(C0, start=START + MINUTE)
    stage.rounds(START + HOUR)
    assert [event.request for event in stage.events(What.PROCESS_KILLED)] == [first]
    assert stage.loads() == [(C0, first), (C0, second)]
    assert stage.loads(What.LOAD_ENDED) == [(C0, second)]
    assert stage.loaded(C0) == (IMAGE, IMAGE)


def test_of_two_reloads_in_one_round_the_first_completes_the_second() -> None:
    stage = Stage()
    first = stage.request(C0, start=START)
    stage.request(C0, start=START, image=OTHER_IMAGE)
    stage.rounds(START + LOADED_AFTER, since=START)
    assert stage.loads() == [(C0, first)]


def test_a_process_on_another_node_is_not_killed_and_both_load() -> None:
    stage = Stage(nodes=(NODE, OTHER_NODE))
    first = stage.request(C0, start=START, image=OTHER_IMAGE, node=OTHER_NODE)
    stage.rounds(START + MINUTE, since=START)
    second = stage.request(C0, start=START + MINUTE)
    stage.rounds(START + 20 * MINUTE)
    assert stage.events(What.PROCESS_KILLED) == []
    assert stage.loads(What.LOAD_ENDED) == [(C0, first), (C0, second)]


def test_a_reload_of_the_same_revision_under_way_is_waited_for() -> None:
    stage = Stage(load_seconds=seconds({C0: 8 * MINUTE}))
    first = stage.request(C0, start=START)
    stage.rounds(START + MINUTE, since=START)
    second = stage.request(C0, start=START + MINUTE)
    stage.rounds(START + 10 * MINUTE)
    assert stage.loads(What.LOAD_ENDED) == [(C0, first)]
    assert stage.events(What.COMPETITOR_COMPLETED) == []
    assert stage.loads(What.NOTHING_TO_LOAD) == [(C0, second)]


def test_nor_for_one_that_was_left_pending_by_a_node_that_died() -> None:
    stage = Stage()
    left = stage.request(C0, start=START - HOUR, state=states.PENDING, last=states.RELOAD)
    request = stage.request(C0, start=START)
    stage.rounds(START + MINUTE, since=START)
    assert stage.states(left) is None
    assert stage.loads() == [(C0, request)]


@pytest.mark.parametrize(("reload_minutes", "waited"), [(12, 12), (9, 5)])
def test_but_not_for_ever(reload_minutes: int, waited: int) -> None:
    stage = Stage(load_seconds=seconds({C0: HOUR}))
    stage.send("UPDATE image SET reloadtime = %s WHERE id = %s", reload_minutes, IMAGE)
    first = stage.request(C0, start=START)
    stage.rounds(START + MINUTE, since=START)
    second = stage.request(C0, start=START + MINUTE)
    stage.rounds(START + 20 * MINUTE)
    (killed,) = stage.events(What.PROCESS_KILLED)
    assert killed.request == first
    assert killed.at - (stage.begun(second) or 0) == waited * MINUTE


def test_blocks_are_not_looked_at() -> None:
    stage = Stage()
    stage.block_time(20, START - HOUR, START + HOUR)
    stage.add_block_computers(20, C0, image=OTHER_IMAGE)
    request = stage.request(C0, start=START)
    stage.rounds(START + MINUTE, since=START)
    assert stage.loads() == [(C0, request)]


# --- how many at once -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variables", "at_once"),
    [
        ({}, 10),
        ({"xcat|throttle": "2"}, 2),
        ({"xcat|throttle": "2", "mn10.example.org|xcat|throttle": "3"}, 3),
        ({"mn10.example.org|xcat|throttle": "3", "xcat|throttle|mn10.example.org": "4"}, 4),
        ({"xcat|throttle": "many"}, 10),
    ],
)
def test_xcat_loads_so_many_at_once(variables: dict[str, str], at_once: int) -> None:
    stage = Stage(computers=12)
    for name, value in variables.items():
        row = {"name": name, "value": value, "timestamp": "2026-03-01 00:00:00"}
        tables.insert("variable", [row], ZONE)
    for computer in range(C0, C0 + 12):
        stage.request(computer, start=START)
    stage.rounds(START + MINUTE, since=START)
    assert len(stage.site.installing) == at_once
    assert len(stage.loads()) == 12  # those who wait are in state `reloading` too
    assert {stage.state(computer) for computer in range(C0, C0 + 12)} == {states.RELOADING}
    stage.rounds(START + LOAD + MINUTE)
    assert len(stage.loads(What.LOAD_ENDED)) == at_once
    assert len(stage.site.installing) == min(at_once, 12 - at_once)


def test_each_node_has_a_limit_of_its_own() -> None:
    stage = Stage(nodes=(NODE, OTHER_NODE))
    tables.insert("variable", [{"name": "xcat|throttle", "value": "1", "timestamp": "2026-03-01 00:00:00"}], ZONE)
    stage.request(C0, start=START)
    stage.request(C1, start=START, node=OTHER_NODE)
    stage.rounds(START + MINUTE, since=START)
    assert len(stage.site.installing) == 2


def test_a_load_that_gets_no_turn_for_half_an_hour_fails() -> None:
    stage = Stage(load_seconds=seconds({C0: 2 * HOUR}))
    tables.insert("variable", [{"name": "xcat|throttle", "value": "1", "timestamp": "2026-03-01 00:00:00"}], ZONE)
    stage.request(C0, start=START)
    stage.request(C1, start=START)
    stage.rounds(START + 29 * MINUTE, since=START)
    assert stage.state(C1) == states.RELOADING
    stage.rounds(START + 31 * MINUTE)
    assert stage.state(C1) == states.FAILED
    assert stage.state(C0) == states.RELOADING
    assert [(event.computer, event.detail) for event in stage.events(What.NO_TURN)] == [(C1, "1800")]


def test_how_long_a_load_waits_for_its_turn_is_noted() -> None:
    stage = Stage()
    tables.insert("variable", [{"name": "xcat|throttle", "value": "1", "timestamp": "2026-03-01 00:00:00"}], ZONE)
    stage.request(C0, start=START)
    stage.request(C1, start=START)
    stage.rounds(START + LOAD + 2 * MINUTE, since=START)
    assert [(event.computer, event.detail) for event in stage.events(What.TURN_CAME)] == [(C1, str(LOAD))]
    assert stage.events(What.NO_TURN) == []


def test_a_killed_load_gives_its_turn_back() -> None:
    stage = Stage(load_seconds=lambda _computer, image, _chance: HOUR if image == IMAGE else LOAD)
    tables.insert("variable", [{"name": "xcat|throttle", "value": "1", "timestamp": "2026-03-01 00:00:00"}], ZONE)
    stage.request(C0, start=START)
    stage.rounds(START + MINUTE, since=START)
    second = stage.request(C0, start=START + MINUTE, image=OTHER_IMAGE)
    stage.rounds(START + 13 * MINUTE)
    assert stage.loads(What.LOAD_ENDED) == [(C0, second)]


def test_others_than_xcat_have_no_limit() -> None:
    stage = Stage(computers=12)
    stage.send("UPDATE computer SET provisioningid = %s", BARE)
    for computer in range(C0, C0 + 12):
        stage.request(computer, start=START)
    stage.rounds(START + LOADED_AFTER, since=START)
    assert len(stage.loads(What.LOAD_ENDED)) == 12


@pytest.mark.parametrize("provisioning", [VMWARE, LIBVIRT])
def test_loads_of_one_image_on_one_vm_host_wait_for_one_anothers_copy(provisioning: int) -> None:
    stage = Stage(copy_seconds=lambda _host, _image, _chance: 4 * MINUTE)
    stage.send("UPDATE computer SET provisioningid = %s, vmhostid = 7", provisioning)
    stage.set(C2, vmhostid=8)
    stage.request(C0, start=START)
    stage.request(C1, start=START)
    stage.request(C2, start=START)
    stage.rounds(START + 20 * MINUTE, since=START)
    ended = {event.computer: event.at for event in stage.events(What.LOAD_ENDED)}
    assert ended[C0] == ended[C2]
    assert 4 * MINUTE <= ended[C1] - ended[C0] <= 4 * MINUTE + 5


@pytest.mark.parametrize(("provisioning", "after"), [(VMWARE, states.FAILED), (LIBVIRT, states.AVAILABLE)])
def test_on_vmware_they_wait_half_an_hour_at_most(provisioning: int, after: int) -> None:
    stage = Stage(copy_seconds=lambda _host, _image, _chance: 40 * MINUTE, load_seconds=lambda *_load: 50 * MINUTE)
    stage.send("UPDATE computer SET provisioningid = %s, vmhostid = 7", provisioning)
    stage.request(C0, start=START)
    stage.request(C1, start=START)
    stage.rounds(START + 2 * HOUR, since=START, every=MINUTE)
    assert stage.state(C0) == states.AVAILABLE
    assert stage.state(C1) == after


def test_a_reload_is_dropped_when_its_competitor_is_copying_an_image() -> None:
    stage = Stage(copy_seconds=lambda _host, _image, _chance: 4 * MINUTE)
    stage.send("UPDATE computer SET provisioningid = %s, vmhostid = 7", VMWARE)
    first = stage.request(C0, start=START)
    stage.rounds(START + MINUTE, since=START)
    second = stage.request(C0, start=START + MINUTE, image=OTHER_IMAGE)
    stage.rounds(START + LOADED_AFTER)
    assert [event.request for event in stage.events(What.RELOAD_DROPPED)] == [second]
    assert stage.events(What.PROCESS_KILLED) == []
    assert stage.loads(What.LOAD_ENDED) == [(C0, first)]


# --- clusters -------------------------------------------------------------------------------------


def test_a_cluster_is_done_when_all_its_parts_are() -> None:
    stage = Stage(load_seconds=seconds({C1: 15 * MINUTE}))
    request = stage.request(C0, C1, C2, start=START)
    stage.rounds(START + 14 * MINUTE, since=START)
    assert stage.states(request) == (states.PENDING, states.RELOAD)
    stage.rounds(START + 16 * MINUTE)
    assert stage.states(request) is None
    assert [stage.state(computer) for computer in (C0, C1, C2)] == [states.AVAILABLE] * 3
    assert stage.loaded(C1) == (IMAGE, IMAGE)


def test_one_busy_computer_completes_the_request_of_the_whole_cluster() -> None:
    stage = Stage()
    stage.use(C1, start=at("12:00"), end=at("15:00"))
    request = stage.request(C0, C1, start=START, image=OTHER_IMAGE)
    stage.rounds(START + 3 * MINUTE, since=START)
    assert stage.states(request) is None
    stage.rounds(START + LOADED_AFTER)
    assert stage.state(C0) == states.AVAILABLE


def test_a_part_that_fails_fails_the_request_and_leaves_the_blocks_alone() -> None:
    stage = Stage(result=failing(C1))
    stage.add_block_computers(10, C0, C1, C2)
    request = stage.request(C0, C1, C2, start=START)
    stage.rounds(START, since=START)
    stage.site.processes.run(START + 12 * MINUTE)
    assert stage.states(request) == (states.FAILED, states.RELOAD)
    stage.rounds(START + 12 * MINUTE)
    assert stage.states(request) is None
    assert stage.block_computers(10) == [C0, C2]
    assert [stage.state(computer) for computer in (C0, C1, C2)] == [
        states.AVAILABLE,
        states.FAILED,
        states.AVAILABLE,
    ]


def test_a_part_that_never_begins_leaves_the_others_available_and_in_no_block() -> None:
    stage = Stage()  # nothing runs on the other node
    stage.add_block_computers(10, C0, C1)
    request = stage.request(C0, C1, start=START, nodes=[NODE, OTHER_NODE])
    stage.rounds(START + 4 * MINUTE, since=START)
    assert stage.states(request) == (states.RELOAD, states.RELOAD)
    stage.rounds(START + 6 * MINUTE)
    assert stage.states(request) is None
    assert stage.state(C0) == states.AVAILABLE
    assert stage.block_computers(10) == [C1]


def test_a_cluster_on_two_nodes() -> None:
    stage = Stage(nodes=(NODE, OTHER_NODE))
    request = stage.request(C0, C1, start=START, nodes=[OTHER_NODE, NODE])
    stage.rounds(START + LOADED_AFTER, since=START)
    assert stage.states(request) is None
    assert stage.loaded(C0) == stage.loaded(C1) == (IMAGE, IMAGE)


# --- nodes ----------------------------------------------------------------------------------------


def test_a_node_checks_in_while_it_runs_and_works_on_its_own_requests() -> None:
    stage = Stage()
    request = stage.request(C0, start=START, node=OTHER_NODE)
    stage.rounds(START, since=START)
    (checked_in,) = stage.send("SELECT lastcheckin FROM managementnode WHERE id = %s", NODE)
    assert str(checked_in[0])[:19] == "2026-03-02 18:00:00"  # UTC
    assert stage.begun(request) is None
    stage.back_ends.of[NODE].stop()
    stage.rounds(START + HOUR)
    assert stage.send("SELECT lastcheckin FROM managementnode WHERE id = %s", NODE) == [checked_in]


def test_requests_of_a_node_that_died_are_left_alone() -> None:
    stage = Stage()
    request = stage.request(C0, start=START)
    waiting = stage.request(C1, start=START + HOUR)
    stage.rounds(START + MINUTE, since=START)
    stage.back_ends.of[NODE].stop()
    stage.rounds(START + 2 * HOUR, every=MINUTE)
    assert stage.states(waiting) == (states.RELOAD, states.RELOAD)
    stage.back_ends.of[NODE].start()
    stage.rounds(START + 3 * HOUR, every=MINUTE)
    assert stage.states(request) == (states.PENDING, states.RELOAD)
    assert stage.state(C0) == states.RELOADING
    assert stage.states(waiting) is None
    assert stage.site.installing == {}


def test_events_are_shown_while_the_rows_are_as_they_are() -> None:
    stage = Stage()
    seen = []
    stage.site.log.watch = lambda event: seen.append((event.what, stage.state(C0)))
    stage.request(C0, start=START)
    stage.rounds(START + LOADED_AFTER, since=START)
    assert (What.LOAD_BEGAN, states.RELOADING) in seen


# --- times ----------------------------------------------------------------------------------------


def test_minutes_are_rounded_for_requests_and_cut_off_for_blocks() -> None:
    assert [minutes(number) for number in (-90, -31, -30, -29, 0, 29, 30, 90)] == [-2, -1, -1, 0, 0, 0, 1, 2]
    assert [whole_minutes(number) for number in (-61, -60, -59, 59, 60)] == [-1, -1, 0, 0, 1]


def test_local_times_that_the_clock_shows_twice_or_never() -> None:
    times = SiteTimes(ZoneInfo(ZONE))
    assert times.instant("2026-11-01 01:30:00") == at("01:30", "2026-11-01")
    assert times.local(times.instant("2026-03-08 02:30:00")) == "2026-03-08 03:30:00"
    second = times.instant("2026-11-01 01:30:00") + HOUR
    assert times.local(second) == "2026-11-01 01:30:00"
