"""The benchmark of readiness: days are played, counted and printed. How good the figures are is not tested."""

import datetime
import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
import time_machine
from django.db import connection

from bench.readiness import __main__ as command
from bench.readiness import calibration, options, past, plot, report, site
from bench.readiness.calibration import Pair
from bench.readiness.cells import Cell, Past, Records, Rows, Trouble
from bench.readiness.figures import Figures, shortcomings
from bench.readiness.grid import PLAIN, grid, matching
from bench.readiness.passes import new_keeper, said_at_allocation, said_last
from bench.readiness.play import Clock, play, stage
from bench.readiness.played import ClassPlayed, Played, Said
from bench.readiness.shares import Share
from bench.readiness.watch import Watch
from blockalloc import clock
from blockalloc.allocation import look
from blockalloc.models import Decision, SeenLoad
from blockalloc.models import Watch as WatchRow
from blockalloc.store import loads as log_loads
from scheduling.plan import Plan
from scheduling.reloads.outlook import Outlook
from simulation.back_end.events import Event, What
from simulation.days.day import Day
from simulation.days.load_laws import LogNormal, Uniform
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
    return play(cell, seed, rows, DjangoConnection(), new_keeper())


# --- days -----------------------------------------------------------------------------------------


@committing
@pytest.mark.once(on="sqlite")
def test_with_vcl_s_rows_computers_are_loaded_earlier() -> None:
    vcls, ours = played(SMALL, Rows.VCL), played(SMALL, Rows.OURS)
    assert vcls.users == ours.users > 0
    assert ours.ready == 4
    assert vcls.taken > ours.taken + 4 * 20
    assert ours.taken > 4 * 8
    assert ours.classes[0].members_refused == 0
    assert len(ours.calls) == 1


@committing
def test_a_day_that_is_kept_ready() -> None:
    kept = played(replace(SMALL, users=0.0, minutes_before=45, trouble=Trouble.AWAY), Rows.KEPT)
    assert kept.ready == 4
    assert kept.wrong == {}


@committing
@pytest.mark.once(on="sqlite")
@pytest.mark.parametrize(
    ("rows", "mended"), [(Rows.VCL, {None}), (Rows.OURS, {False}), (Rows.KEPT, {True})], ids=lambda each: str(each)
)
def test_plans_count_on_passes_where_there_are_any(
    rows: Rows, mended: set[bool | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In each plan of the day: users seated in the morning don't make a pass doubt the site's clock."""
    outlooks: list[Outlook | None] = []

    def noted(*args: Any, **more: Any) -> Plan:
        plan = make_plan(*args, **more)
        outlooks.append(plan.outlook)
        return plan

    make_plan = look.make_plan
    monkeypatch.setattr(look, "make_plan", noted)
    assert played(SMALL, rows).users > 0
    assert {each.mended if each else None for each in outlooks} == mended


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
    assert (day.classes[0].failed, day.ready, day.wrong) == (4, 0, {"no computer": 4})


@committing
@pytest.mark.once(on="sqlite")
@pytest.mark.parametrize("own_images", [False, True])
def test_three_classes_at_the_same_hour(own_images: bool) -> None:
    cell = replace(SMALL, users=0.0, seats=2, classes=3, own_images=own_images)
    day = played(cell, Rows.OURS)
    assert [each.ready for each in day.classes] == [2, 2, 2]
    assert [each.members_refused for each in day.classes] == [0, 0, 0]
    assert day.free == 10
    images = DjangoConnection().send("SELECT blockTimeid, imageid FROM blockComputers GROUP BY blockTimeid, imageid")
    assert {row[1] for row in images.rows} == ({10, 11, 12} if own_images else {10})


@committing
@pytest.mark.once(on="sqlite")
def test_loads_wait_for_a_place() -> None:
    (only,) = played(replace(SMALL, users=0.0, limit=1), Rows.VCL).classes
    assert only.longest_wait >= 8 * 60
    assert only.no_turn > 0


# --- the past -------------------------------------------------------------------------------------


def past_of(cell: Cell) -> list[past.PastLoad]:
    """Past loads of image 10."""
    return past.past_loads(cell, 10, site.computers(cell), site.begin(cell), Random(1))


@pytest.mark.no_database
@pytest.mark.once(on="sqlite")
@pytest.mark.parametrize(("kind", "number"), [(Past.MANY, 200), (Past.FEW, 6), (Past.NONE, 0), (Past.FASTER, 220)])
def test_past_loads_of_each_kind(kind: Past, number: int) -> None:
    loads = past_of(replace(SMALL, past=kind, failing=0.05))
    assert len(loads) == number
    assert all(load.begin < site.START - 14 * 86_400 for load in loads)


@pytest.mark.no_database
@pytest.mark.once(on="sqlite")
def test_loads_of_a_faster_past_take_longer_of_late() -> None:
    loads = past_of(replace(SMALL, past=Past.FASTER))
    assert max(load.seconds for load in loads[:200]) <= 0.7 * 720
    assert min(load.seconds for load in loads[200:]) >= 480


@committing
@pytest.mark.parametrize(("records", "in_log", "seen"), [(Records.LOG, 200, 0), (Records.BOTH, 200, 200)])
def test_where_past_loads_are_on_record(records: Records, in_log: int, seen: int) -> None:
    site.load(replace(SMALL, records=records), 1)
    with time_machine.travel(site.START, tick=False):
        lengths = log_loads.lengths([10], site.START)[10]
    assert sum(number for _, number in lengths) == in_log
    assert 480 <= lengths[0][0] < lengths[-1][0] <= 720 + 17
    rows = SeenLoad.objects.filter(image_id=10, outcome=SeenLoad.LOADED)
    assert rows.count() == seen
    assert all(480 <= (row.over - row.begun).total_seconds() <= 780 for row in rows if row.over)


# --- what was said --------------------------------------------------------------------------------


@committing
@pytest.mark.once(on="sqlite")
def test_what_was_said_is_read_from_the_records_of_the_service() -> None:
    site.load(SMALL, 1)
    assert (said_at_allocation(10), said_last(10)) == (None, None)
    now = datetime.datetime.fromtimestamp(site.START, datetime.UTC)
    for ready, action in ((0.9, "allocate"), (0.97, "allocate"), (None, "allocate"), (0.5, "keep ready")):
        more = {"ready": ready, "late": 0.1, "minutes": 40} if ready else {}
        Decision.objects.create(started=now, duration=1, block_time_id=10, action=action, **more)
    WatchRow.objects.create(block_time_id=10, first_seen=now, ready=0.99, late=0.01, minutes=42)
    assert said_at_allocation(10) == Said(0.97, 0.1, 40)
    assert said_last(10) == Said(0.99, 0.01, 42)


@pytest.mark.no_database
@pytest.mark.once(on="sqlite")
def test_what_was_said_beside_what_came() -> None:
    said = [Pair(0.97, number >= 20) for number in range(200)] + [Pair(1.0, True)] * 3
    low, high = calibration.bins(said)
    assert (low.low, low.high, low.came, low.is_off) == (0.95, 0.98, Share(180, 200), True)
    assert (high.low, high.said, high.came, high.is_off) == (0.98, 1.0, Share(3, 3), False)
    assert calibration.overall(said).is_off
    assert not calibration.overall([Pair(0.9, number < 91) for number in range(100)]).is_off


# --- what is measured -----------------------------------------------------------------------------


@pytest.fixture
def day() -> Day:
    """It begins with a class with one computer, 100, that holds its image and is available."""
    site.load(SMALL, 1)
    site.insert_classes(SMALL)
    run("UPDATE computer SET currentimageid = 10, imagerevisionid = 10 WHERE id = 100")
    run("INSERT INTO blockComputers (blockTimeid, computerid, imageid, reloadrequestid) VALUES (10, 100, 10, 50)")
    return Day(DjangoConnection(), site.ZONE, site.START, [10], lambda _time, _ignore: {})


@pytest.fixture
def watch(day: Day) -> Watch:
    """Of the class."""
    return Watch(day, [10])


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
    seats = watch.seats(10, 1)
    assert (seats.ready, dict(seats.wrong)) == ((0, {wrong: 1}) if wrong else (1, {}))


@committing
@pytest.mark.once(on="sqlite")
def test_a_reservation_to_come_or_over_is_nobody_on_the_computer(watch: Watch) -> None:
    reserve(site.FIRST_USER, site.START + 60)
    reserve(site.FIRST_USER, site.START - 3600)
    reserve(site.FIRST_USER, site.START - 600, state=12, last=11)
    assert watch.seats(10, 1).ready == 1


@committing
@pytest.mark.once(on="sqlite")
def test_a_class_without_its_computer(watch: Watch) -> None:
    run("DELETE FROM blockComputers")
    assert dict(watch.seats(10, 1).wrong) == {"no computer": 1}


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
    counts = watch.counts[10]
    assert (counts.dropped, counts.failed, counts.begins) == (1, 1, {RELOAD: site.START - 60 * RELOAD})


@committing
@pytest.mark.once(on="sqlite")
def test_loads_ended_by_users_not_by_other_reloads_and_not_before_they_begin(day: Day, watch: Watch) -> None:
    user, reload = reserve(site.FIRST_USER, site.START), reserve(2, site.START, state=19, last=19)
    for by, state in ((user, 14), (reload, 14), (user, 19)):
        happens(day, What.COMPETITOR_COMPLETED, site.START, state=state, detail=f"for request {by}")
    assert watch.counts[10].ended_by_users == 1


@committing
@pytest.mark.once(on="sqlite")
def test_waits_for_a_place_are_counted_by_whose_they_are(day: Day, watch: Watch) -> None:
    for what, seconds, request in (
        (What.TURN_CAME, "900", RELOAD), (What.TURN_CAME, "30", RELOAD), (What.NO_TURN, "1800", RELOAD + 1),
    ):  # fmt: skip
        happens(day, what, site.START, request=request, detail=seconds)
    assert (watch.counts[10].longest_wait, watch.counts[10].no_turn, watch.others_no_turn) == (900, 0, 1)
    happens(day, What.NO_TURN, site.START, detail="1800")
    assert (watch.counts[10].longest_wait, watch.counts[10].no_turn, watch.others_no_turn) == (1800, 1, 1)


@committing
@pytest.mark.once(on="sqlite")
def test_a_computer_is_taken_from_the_hold_that_leads_to_its_load(day: Day, watch: Watch) -> None:
    sql = "INSERT INTO semaphore (computerid, imageid, imagerevisionid, managementnodeid, expires, procid)"
    run(f"{sql} VALUES (100, 10, 10, 10, %s, 'blockalloc-held:test')", day.front_end.utc(site.START + 150))
    for minute in range(1, 3):
        day.run(site.START + 60 * minute)
        watch.look_at_holds()
    happens(day, What.LOAD_BEGAN, site.START + 170)
    assert watch.counts[10].begins == {100: site.START + 60}
    day.run(site.START + 240)
    watch.look_at_holds()
    watch.counts[10].begins.clear()
    happens(day, What.LOAD_BEGAN, site.START + 250)
    assert watch.counts[10].begins == {100: site.START + 250}
    watch.counts[10].begins[100] = site.START - 20 * 60
    assert watch.counts[10].minutes_taken() == 20.0


# --- figures --------------------------------------------------------------------------------------

A_CLASS = ClassPlayed(30, 29, 30, {"loading": 1}, dropped=3, failed=1, taken=600.0)
A_DAY = Played(Rows.OURS, 1, [A_CLASS], free=40, users=100, refused=2)


@pytest.mark.no_database
@pytest.mark.once(on="sqlite")
def test_each_bound_holds_with_99_percent() -> None:
    assert Share(20, 40).bounds == pytest.approx((0.328, 0.672), abs=0.001)
    assert Share(40, 40).bounds == pytest.approx((0.881, 1.0), abs=0.001)
    assert Share(0, 0).bounds == (0.0, 1.0)


@pytest.mark.no_database
@pytest.mark.once(on="sqlite")
def test_the_figures_of_two_days() -> None:
    other = replace(A_CLASS, ready=30, wrong={}, taken=300.0)
    figures = Figures([A_DAY, replace(A_DAY, classes=[other])])
    assert (figures.classes_ready.value, figures.seats_ready.count, figures.refused.value) == (0.5, 59, 0.02)
    assert (figures.mean("dropped"), figures.minutes_per_seat, figures.wrong) == (3, 15.0, {"loading": 0.5})
    assert figures.days_with_enough_free.value == 1.0
    assert json.loads(json.dumps(figures.as_json()))["classes_ready"]["share"] == 0.5


def figures_of(ready: int, days: int, **more: Any) -> Figures:
    """Of days on which so many classes of 30 seats were all ready, and the others lacked one seat."""
    classes = [replace(A_CLASS, ready=30 if number < ready else 29, **more) for number in range(days)]
    return Figures([replace(A_DAY, classes=[each]) for each in classes])


@pytest.mark.no_database
@pytest.mark.once(on="sqlite")
@pytest.mark.parametrize(
    ("kept", "vcl", "texts"),
    [
        (figures_of(200, 200), figures_of(200, 200), []),
        (figures_of(188, 200), figures_of(200, 200), []),
        (figures_of(170, 200), figures_of(200, 200), ["classes all ready"]),
        (figures_of(0, 10), figures_of(0, 10), ["classes all ready", "seats ready 0.9667"]),
        (figures_of(200, 200, no_turn=1), figures_of(200, 200), ["200 loads failed by the limit"]),
        (figures_of(200, 200, taken=900.0), figures_of(190, 200), ["30.0 minutes a seat: more than 20.0"]),
        (figures_of(200, 200, taken=900.0), figures_of(180, 200), []),
    ],
)
def test_what_is_not_good_enough(kept: Figures, vcl: Figures, texts: list[str]) -> None:
    """Minutes count only where VCL's own rows are ready, too."""
    problems = shortcomings({Rows.VCL: vcl, Rows.OURS: figures_of(0, 200), Rows.KEPT: kept})
    assert len(problems) == len(texts)
    assert all(each.startswith(text) for each, text in zip(problems, texts, strict=True))


@pytest.mark.no_database
@pytest.mark.once(on="sqlite")
def test_the_table_has_a_column_for_each_kind_of_rows() -> None:
    lines = report.table(Cell(), {Rows.VCL: Figures([A_DAY]), Rows.OURS: Figures([A_DAY])}).splitlines()
    assert lines[0].startswith("30 seats of 80 computers, users on 30%, one load in 50 fails, 1 node")
    assert lines[1].split() == ["VCL's", "own", "ours,", "not", "kept"]
    assert "20.0" in next(line for line in lines if line.startswith("minutes from load or hold"))


@pytest.mark.no_database
@pytest.mark.once(on="sqlite")
def test_the_picture_has_every_cell(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is in requirements-bench.txt")
    said = replace(A_CLASS, at_allocation=Said(0.9, 0.1, 300))
    cells = {cell: {Rows.KEPT: Figures([replace(A_DAY, classes=[said])])} for cell in (PLAIN, Cell())}
    written = tmp_path / "figures.json"
    written.write_text(json.dumps(report.as_json(cells, {}, range(1, 2))))
    assert plot.main([str(written), str(tmp_path / "figures.svg")]) == 0
    assert "<svg" in (tmp_path / "figures.svg").read_text()


# --- the grid -------------------------------------------------------------------------------------


@pytest.mark.no_database
@pytest.mark.once(on="sqlite")
def test_the_grid_is_the_same_each_time_and_its_kinds_differ() -> None:
    cells = grid(sample=5)
    assert cells == grid(sample=5)
    assert len({each.name for each in cells}) == len({str(each) for each in cells}) == len(cells)
    assert len(cells) == len(grid(sample=0)) + 5
    assert matching(cells, "dead-node") == [each for each in cells if each.trouble is Trouble.DEAD_NODE]


@pytest.mark.no_database
@pytest.mark.once(on="sqlite")
@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (PLAIN, ""),
        (replace(PLAIN, computers=50), "only about 35 computers are free for 30 seats"),
        (replace(PLAIN, limit=2, minutes_before=180), "don't fit into half"),
        (replace(PLAIN, nodes=2, limit=5, trouble=Trouble.DEAD_NODE), "don't fit into half"),
        (replace(PLAIN, nodes=2, limit=10, trouble=Trouble.DEAD_NODE), ""),
        (replace(PLAIN, nodes=2, trouble=Trouble.DEAD_NODE, minutes_before=60), "dies before it asks"),
    ],
)
def test_which_kinds_are_left_out(cell: Cell, text: str) -> None:
    why = cell.why_left_out()
    assert text in why
    assert bool(text) is bool(why)


@pytest.mark.no_database
@pytest.mark.once(on="sqlite")
def test_computers_for_the_seats() -> None:
    assert replace(SMALL, seats=100, users=0.0).fitted().computers == 126
    assert replace(SMALL, seats=30, users=0.5).fitted().computers == 75 + 13 + 1


# --- the command ----------------------------------------------------------------------------------


@pytest.mark.no_database
@pytest.mark.once(on="sqlite")
@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("--users 1.5", "--users 1.5: a share"),
        ("--days 0", "--days 0: a whole number"),
        ("--seats 90 --computers 80", "--seats 90: more than the 80 computers"),
        ("--vm-hosts 81 --computers 80", "--vm-hosts 81: from 0"),
        ("--minutes-before 5", "--minutes-before 5"),
        ("--trouble dead-node", "--nodes 2"),
        ("--classes 6 --own-images", "1 to 5 classes"),
        ("--law gauss", "'gauss': one of uniform"),
        ("--law lognormal:-1", "cv -1.0"),
        ("--law lognormal:0.1,2", "too many numbers"),
        ("--load-times no-such-file", "--load-times no-such-file"),
        ("--grid --cells nothing-like-it", "--list shows the names"),
    ],
)
def test_wrong_options(words: str, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.main(words.split())
    assert text in capsys.readouterr().err


@pytest.mark.once(on="sqlite")
@pytest.mark.no_database
def test_the_command_plays_in_processes_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    words = "--days 1 --seats 3 --computers 6 --users 0 --minutes-before 30 --rows vcl ours --processes 1 --json"
    assert command.main(words.split()) == 0
    (cell,) = json.loads(capsys.readouterr().out)["cells"]
    assert set(cell["rows"]) == {"VCL's own", "ours, not kept"}
    assert len(cell["rows"]["VCL's own"]["days"]) == 1


@pytest.mark.once(on="sqlite")
@pytest.mark.no_database
def test_the_command_lists_the_kinds(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--grid", "--list", "--cells", "dead-node", "--sample", "0"]) == 0
    assert capsys.readouterr().out.split() == [each.name for each in matching(grid(0), "dead-node")]


@pytest.mark.once(on="sqlite")
@pytest.mark.no_database
def test_loads_resampled_from_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "lengths.txt"
    file.write_text("300\n600\n900\n")
    assert command.main(["--load-times", str(file), "--list"]) == 0
    assert "resampled-from-lengths" in capsys.readouterr().out
    file.write_text("300\nlong\n")
    with pytest.raises(SystemExit):
        command.main(["--load-times", str(file), "--list"])
    assert "'long' is no whole number of seconds" in capsys.readouterr().err


@pytest.mark.no_database
@pytest.mark.once(on="sqlite")
def test_the_laws_of_the_command_line() -> None:
    assert options.law("lognormal:0.4") == LogNormal(0.4)
    assert options.law("uniform") == Uniform()
    assert options.law("heavy-tailed:0.1,2,5").share == 0.1  # type: ignore[attr-defined]
