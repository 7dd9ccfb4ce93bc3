"""The benchmark of readiness: days are played, counted and printed. How good the figures are is not tested."""

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import time_machine
from django.db import connection

from bench.readiness import __main__ as command
from bench.readiness import passes, report, site
from bench.readiness.cells import STANDARD, Cell, Rows, Trouble
from bench.readiness.figures import Figures, Share
from bench.readiness.play import Clock, play, stage
from bench.readiness.played import Played
from bench.readiness.watch import Watch
from blockalloc import clock
from simulation.back_end.events import Event, What
from simulation.days.day import Day
from tests.support.connections import DjangoConnection

SMALL = Cell(seats=4, computers=10, users=0.2, failing=0.0, loaded=0.0, minutes_before=75)
committing = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _as_on_the_days() -> Iterator[None]:
    """Refusals are a part of them, and of no interest."""
    logging.disable(logging.ERROR)
    with stage():
        yield
    logging.disable(logging.NOTSET)


def played(cell: Cell, rows: Rows, seed: int = 1) -> Played:
    """A day."""
    return play(cell, seed, rows, DjangoConnection(), passes.run_pass())


# --- days -----------------------------------------------------------------------------------------


@committing
@pytest.mark.once(on="sqlite")
def test_with_vcl_s_rows_computers_are_loaded_earlier() -> None:
    vcls, ours = played(SMALL, Rows.VCL), played(SMALL, Rows.OURS)
    assert vcls.users == ours.users > 0
    assert ours.ready == 4
    assert vcls.taken > ours.taken + 4 * 20 > 4 * 20 + 4 * 15
    assert ours.members_refused == 0


@committing
def test_a_day_that_is_kept_ready() -> None:
    kept = played(replace(SMALL, users=0.0, minutes_before=45, trouble=Trouble.AWAY), Rows.KEPT)
    assert kept.ready == 4
    assert kept.wrong == {}


@committing
@pytest.mark.once(on="sqlite")
def test_a_day_is_the_same_each_time() -> None:
    cell = replace(SMALL, failing=0.3)
    assert played(cell, Rows.OURS) == played(cell, Rows.OURS)


@committing
@pytest.mark.once(on="sqlite")
@pytest.mark.parametrize(
    ("trouble", "nodes", "ready", "wrong"),
    [
        (Trouble.AWAY, 1, 0, {"no computer": 4}),
        (Trouble.LATE, 1, 0, {"loading": 4}),
        (Trouble.MAINTENANCE, 1, 2, {"in maintenance": 2}),
        (Trouble.DEAD_NODE, 2, 2, {"not loaded": 2}),
    ],
)
def test_what_goes_wrong_costs_seats(trouble: Trouble, nodes: int, ready: int, wrong: dict[str, int]) -> None:
    day = played(replace(SMALL, users=0.0, load_minutes=15, trouble=trouble, nodes=nodes), Rows.OURS)
    assert (day.ready, day.wrong) == (ready, wrong)


@committing
@pytest.mark.once(on="sqlite")
def test_virtual_machines_on_hosts() -> None:
    day = played(replace(SMALL, users=0.0, vm_hosts=2), Rows.OURS)
    assert day.ready == 4


@committing
@pytest.mark.once(on="sqlite")
def test_a_load_that_always_fails_leaves_no_computer() -> None:
    day = played(replace(SMALL, users=0.0, failing=0.999), Rows.OURS)
    assert (day.failed, day.ready, day.wrong) == (4, 0, {"no computer": 4})


# --- what is measured -----------------------------------------------------------------------------


@pytest.fixture
def day() -> Day:
    """It begins with a class with one computer, 100, that holds its image and is available."""
    site.load(SMALL, 1)
    site.insert_class(SMALL)
    run("UPDATE computer SET currentimageid = 10, imagerevisionid = 10 WHERE id = 100")
    run("INSERT INTO blockComputers (blockTimeid, computerid, imageid, reloadrequestid) VALUES (10, 100, 10, 50)")
    return Day(DjangoConnection(), site.ZONE, site.START, [10], lambda _time, _ignore: {})


@pytest.fixture
def watch(day: Day) -> Watch:
    """Of the class."""
    return Watch(day, 1)


def run(sql: str, *params: Any) -> int:
    """Run a statement; the id of a new row."""
    return DjangoConnection().send(sql, params).new_id


def reserve(user: int, start: int, state: int = 8, last: int = 3) -> int:
    """A reservation of computer 100; its request."""
    hours = [site.local(start), site.local(start + 3600)]
    sql = "INSERT INTO request (stateid, laststateid, userid, start, `end`, daterequested) VALUES (%s,%s,%s,%s,%s,%s)"
    request = run(sql, state, last, user, *hours, hours[0])
    sql = "INSERT INTO reservation (requestid, computerid, imageid, imagerevisionid, managementnodeid)"
    run(f"{sql} VALUES (%s, 100, 10, 10, 10)", request)
    return request


RELOAD = 50  # the request of the reload of the class's computer


def happens(day: Day, what: What, at: int, **more: Any) -> None:
    """Something that the back end does."""
    for watcher in day.watchers:
        watcher(Event(at, what, 10, **{"computer": 100, "request": RELOAD, **more}))


@committing
@pytest.mark.once(on="sqlite")
@pytest.mark.parametrize(
    ("state", "image", "revision", "user", "wrong"),
    [
        (2, 10, 10, None, ""),
        (8, 10, 10, site.FIRST_MEMBER, ""),
        (3, 10, 10, site.FIRST_MEMBER, ""),
        (8, 11, 11, site.FIRST_MEMBER, "not loaded"),
        (2, 10, 11, None, "not loaded"),
        (2, 11, 11, None, "not loaded"),
        (8, 10, 10, site.FIRST_USER, "a user"),
        (2, 10, 10, site.FIRST_USER, "a user"),
        (8, 10, 10, None, "a user"),
        (6, 10, 10, None, "loading"),
        (5, 10, 10, None, "failed or timed out"),
        (10, 10, 10, None, "in maintenance"),
    ],
)
def test_when_a_seat_is_ready(
    watch: Watch, state: int, image: int, revision: int, user: int | None, wrong: str
) -> None:
    run(
        "UPDATE computer SET stateid = %s, currentimageid = %s, imagerevisionid = %s WHERE id = 100",
        state,
        image,
        revision,
    )
    if user is not None:
        reserve(user, site.START - 600)
    seats = watch.seats()
    assert (seats.ready, dict(seats.wrong)) == ((0, {wrong: 1}) if wrong else (1, {}))


@committing
@pytest.mark.once(on="sqlite")
def test_a_reservation_to_come_or_over_is_nobody_on_the_computer(watch: Watch) -> None:
    reserve(site.FIRST_USER, site.START + 60)
    reserve(site.FIRST_USER, site.START - 3600)
    reserve(site.FIRST_USER, site.START - 600, state=12, last=11)
    assert watch.seats().ready == 1


@committing
@pytest.mark.once(on="sqlite")
def test_a_class_without_its_computer(watch: Watch) -> None:
    run("DELETE FROM blockComputers")
    assert dict(watch.seats().wrong) == {"no computer": 1}


@committing
def test_the_service_s_clock_follows_the_day() -> None:
    with time_machine.travel(site.START, tick=False) as traveller:
        its = Clock(traveller)
        with its.for_new_sessions():
            its.go_to(site.START + 100)
            assert clock.now() == site.START + 100
            assert _database_now() == site.START + 100
            its.go_to(site.START + 200)
            connection.close()  # the next statement opens a new session
            assert _database_now() == site.START + 200


def _database_now() -> int:
    """The database's clock; SQLite has none of its own."""
    if connection.vendor != "mysql":
        return clock.now()
    return int(DjangoConnection().send("SELECT UNIX_TIMESTAMP()").rows[0][0])


@committing
@pytest.mark.once(on="sqlite")
def test_only_reloads_of_the_class_are_counted(day: Day, watch: Watch) -> None:
    for request in (RELOAD, RELOAD + 1):
        happens(day, What.RELOAD_DROPPED, site.START, request=request)
        happens(day, What.RESERVATION_FAILED, site.START, request=request)
        happens(day, What.LOAD_BEGAN, site.START - 60 * request, request=request, computer=request)
    assert (watch.dropped, watch.failed, watch.begins) == (1, 1, {RELOAD: site.START - 60 * RELOAD})


@committing
@pytest.mark.once(on="sqlite")
def test_loads_ended_by_users_not_by_other_reloads_and_not_before_they_begin(day: Day, watch: Watch) -> None:
    user, reload = reserve(site.FIRST_USER, site.START), reserve(2, site.START, state=19, last=19)
    for by, state in ((user, 14), (reload, 14), (user, 19)):
        happens(day, What.COMPETITOR_COMPLETED, site.START, state=state, detail=f"for request {by}")
    assert watch.ended_by_users == 1


@committing
@pytest.mark.once(on="sqlite")
def test_a_computer_is_taken_from_the_hold_that_leads_to_its_load(day: Day, watch: Watch) -> None:
    sql = "INSERT INTO semaphore (computerid, imageid, imagerevisionid, managementnodeid, expires, procid)"
    run(f"{sql} VALUES (100, 10, 10, 10, %s, 'blockalloc-held:test')", day.front_end.utc(site.START + 150))
    for minute in range(1, 3):
        day.run(site.START + 60 * minute)
        watch.look_at_holds()
    happens(day, What.LOAD_BEGAN, site.START + 170)
    assert watch.begins == {100: site.START + 60}
    day.run(site.START + 240)
    watch.look_at_holds()
    watch.begins.clear()
    happens(day, What.LOAD_BEGAN, site.START + 250)
    assert watch.begins == {100: site.START + 250}
    watch.begins[100] = site.START - 20 * 60
    assert watch.minutes_taken() == 20.0


# --- figures --------------------------------------------------------------------------------------

A_DAY = Played(Rows.OURS, 1, 30, 29, 30, {"loading": 1}, 3, 0, 1, 600.0, 100, 2, 0, 1.0)


@pytest.mark.no_database
@pytest.mark.once(on="sqlite")
def test_intervals_are_wilson_s() -> None:
    assert Share(20, 40).interval == pytest.approx((0.352, 0.648), abs=0.001)
    assert Share(40, 40).interval == pytest.approx((0.912, 1.0), abs=0.001)
    assert Share(0, 0).interval == (0.0, 1.0)


@pytest.mark.no_database
@pytest.mark.once(on="sqlite")
def test_the_figures_of_two_days() -> None:
    figures = Figures([A_DAY, replace(A_DAY, ready=30, wrong={}, taken=300.0)])
    assert (figures.classes_ready.value, figures.seats_ready.count, figures.refused.value) == (0.5, 59, 0.02)
    assert (figures.mean("dropped"), figures.minutes_per_seat, figures.wrong) == (3, 15.0, {"loading": 0.5})
    assert json.loads(json.dumps(figures.as_json()))["classes_ready"]["share"] == 0.5


@pytest.mark.no_database
@pytest.mark.once(on="sqlite")
def test_the_table_has_a_column_for_each_kind_of_rows() -> None:
    lines = report.table(Cell(), {Rows.VCL: Figures([A_DAY]), Rows.OURS: Figures([A_DAY])}).splitlines()
    assert lines[0].startswith("30 seats of 80 computers, users on 30%, one load in 50 fails, 1 node")
    assert lines[1].split() == ["VCL's", "own", "ours,", "not", "kept"]
    assert "20.0" in next(line for line in lines if line.startswith("minutes from load or hold"))


@pytest.mark.no_database
@pytest.mark.once(on="sqlite")
def test_the_standard_kinds_of_days_differ() -> None:
    assert len({str(cell) for cell in STANDARD}) == len(STANDARD)


# --- the command ----------------------------------------------------------------------------------


@pytest.mark.no_database
@pytest.mark.once(on="sqlite")
@pytest.mark.parametrize(
    ("options", "text"),
    [
        ("--users 1.5", "--users 1.5: a share"),
        ("--days 0", "--days 0: a whole number"),
        ("--seats 90", "--seats 90: more than the 80 computers"),
        ("--vm-hosts 81", "--vm-hosts 81: from 0"),
        ("--minutes-before 5", "--minutes-before 5"),
        ("--trouble dead-node", "--nodes 2"),
    ],
)
def test_wrong_options(options: str, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.main(options.split())
    assert text in capsys.readouterr().err


@pytest.mark.once(on="sqlite")
@pytest.mark.no_database
def test_the_command_plays_in_processes_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    options = "--days 1 --seats 3 --computers 6 --users 0 --minutes-before 30 --no-keep --processes 1 --json"
    assert command.main(options.split()) == 0
    answer = json.loads(capsys.readouterr().out)
    assert set(answer["figures"]) == {"VCL's own", "ours, not kept"}
    assert answer["figures"]["VCL's own"]["days"] == 1
