"""Loads that were seen: noted once, with their begins and outcomes, beside the double of the back end."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from blockalloc.models import ClassHeld, ImageTrust, SeenLoad
from blockalloc.store import seen_loads as store
from blockalloc.store.times import to_utc
from blockalloc.upkeep.loads import image_stops, note_loads, reasons, trust
from simulation.back_end.conditions import Result
from tests.support.sites.back_end_stage import (
    C0,
    C1,
    C2,
    HOUR,
    IMAGE,
    MINUTE,
    NODE,
    OLD_REVISION,
    OTHER_IMAGE,
    at,
    seconds,
)
from tests.support.sites.looks import CLASS, LookedAt, looked_at

# On MariaDB, to load a site commits.
pytestmark = [pytest.mark.django_db(transaction=True)]

START = at("13:00")
TARGETS = {CLASS: 4}


@pytest.fixture
def site() -> Iterator[LookedAt]:
    with looked_at() as stage:
        yield stage


def moment(clock: str) -> datetime:
    return datetime.fromtimestamp(at(clock), UTC)


# --- outcomes -----------------------------------------------------------------------------------


def test_a_load_is_noted_while_it_is_at_work_and_when_it_is_over(site: LookedAt) -> None:
    request = site.reload_for_class(C0, start=START, revision=OLD_REVISION)
    site.until("13:04", since="12:59")
    row = SeenLoad.objects.get()
    assert (row.request_id, row.computer_id, row.hostname, row.node_id) == (request, C0, f"c{C0}", NODE)
    assert (row.image_id, row.revision_id, row.block_time_id) == (IMAGE, IMAGE, CLASS)  # the production revision
    assert (row.outcome, row.over, row.begun_is_exact) == (SeenLoad.AT_WORK, None, True)
    assert moment("12:59:30") <= row.begun <= moment("13:01")
    assert row.at_work == moment("13:04")
    site.until("13:15")
    row.refresh_from_db()
    assert row.outcome == SeenLoad.LOADED
    assert row.over is not None
    assert row.over - row.at_work == timedelta(minutes=1)
    assert moment("13:10") <= row.over <= moment("13:12")


@pytest.mark.parametrize("result", [Result.FAILED, Result.NOT_FETCHED])
@pytest.mark.parametrize("offset", range(0, MINUTE, 12))
def test_loads_that_fail(site: LookedAt, result: Result, offset: int) -> None:
    site.results[C0] = result
    site.reload_for_class(C0, start=START + offset)
    site.until("13:15", since="12:59")
    assert C0 not in site.block_computers(CLASS)
    # An image that could not be fetched within a moment leaves nothing behind but a computer less.
    assert site.seen() == [(C0, "failed")] or (result is Result.NOT_FETCHED and site.seen() == [])


def test_a_load_that_fails_at_once_is_seen_by_its_computer(site: LookedAt) -> None:
    site.back_ends.site.conditions.load_seconds = seconds({C0: 1})
    site.results[C0] = Result.FAILED
    site.reload_for_class(C0, start=START + 12)
    site.until("13:05", since="12:59", every=5 * MINUTE)
    assert site.seen() == [(C0, "failed")]
    row = SeenLoad.objects.get()
    assert (row.image_id, row.revision_id, row.block_time_id, row.begun_is_exact) == (IMAGE, IMAGE, CLASS, False)


def test_a_reload_that_finds_a_user_is_dropped(site: LookedAt) -> None:
    site.reload_for_class(C0, start=START)
    site.use(C0, START - HOUR, START + HOUR, image=OTHER_IMAGE)
    site.until("13:10", since="12:59")
    assert site.seen() == [(C0, "dropped")]
    assert C0 in site.block_computers(CLASS)


def test_a_reload_that_finds_its_image_is_no_load(site: LookedAt) -> None:
    site.set(C0, currentimageid=IMAGE, imagerevisionid=IMAGE)
    site.reload_for_class(C0, start=START)
    site.until("13:10", since="12:59")
    assert site.seen() == []


def test_a_user_who_takes_a_loading_computer_ends_the_load(site: LookedAt) -> None:
    site.reload_for_class(C0, start=START)
    site.until("13:04", since="12:59")
    site.user(C0, start=START + 4 * MINUTE, end=START + HOUR, image=OTHER_IMAGE)
    site.until("13:20")
    outcomes = dict(site.seen())
    assert outcomes[C0] in ("dropped", "unknown")


def test_a_load_after_a_users_end_is_for_the_class_that_has_the_computer(site: LookedAt) -> None:
    site.add_block_computers(CLASS, C0)
    site.request(C0, start=START, last=8)  # as reclaim inserts it
    site.until("13:15", since="12:59")
    assert site.seen() == [(C0, "loaded")]
    assert SeenLoad.objects.get().block_time_id == CLASS


def test_a_load_of_another_image_is_for_no_class(site: LookedAt) -> None:
    site.add_block_computers(CLASS, C0)
    site.set(C0, currentimageid=IMAGE, imagerevisionid=IMAGE)
    site.request(C0, start=START, image=OTHER_IMAGE)
    site.until("13:15", since="12:59")
    assert site.seen() == [(C0, "loaded")]
    row = SeenLoad.objects.get()
    assert (row.image_id, row.block_time_id) == (OTHER_IMAGE, None)


def test_of_a_cluster_each_computer_has_a_load(site: LookedAt) -> None:
    site.results[C1] = Result.FAILED
    site.reload_for_class(C0, C1, start=START)
    site.until("13:15", since="12:59")
    outcomes = dict(site.seen())
    assert outcomes[C1] == "failed"
    assert outcomes[C0] != "failed"


def test_a_preload_that_fails_and_is_tried_again_are_two_loads(site: LookedAt) -> None:
    """As the rows are in vcld: both states put back, `preload` set, the steps of the first try still in the log."""
    request = site.reload_for_class(C0, start=START, preload=0)
    reservation = site.send("SELECT id FROM reservation WHERE requestid = %s", request)[0][0]

    def step(number: int, clock: str) -> None:
        sql = "INSERT INTO computerloadlog (reservationid, computerid, loadstateid, timestamp) VALUES (%s, %s, %s, %s)"
        site.send(sql, reservation, C0, number, f"2026-03-02 {clock}")

    def look(clock: str, state: int, computer: int) -> None:
        site.send("UPDATE request SET stateid = %s WHERE id = %s", state, request)
        site.set(C0, stateid=computer)
        note_loads(at(clock))

    step(2, "12:26:00")  # loadimageblade
    look("12:27", 14, 6)
    step(7, "12:30:00")  # loadimagefailed
    look("12:31", 19, 2)
    look("13:00", 14, 6)
    assert site.seen() == [(C0, "failed")]
    step(2, "13:00:30")
    look("13:01", 14, 6)
    look("13:02", 14, 6)
    assert site.seen() == [(C0, "failed"), (C0, "at work")]


# --- looks in any order, and several at once ----------------------------------------------------


@pytest.mark.parametrize("every", [12, 24, MINUTE, 2 * MINUTE, 5 * MINUTE])
def test_however_often_somebody_looks_each_load_is_noted_once(site: LookedAt, every: int) -> None:
    site.results[C1] = Result.FAILED
    for number, computer in enumerate((C0, C1, C2)):
        site.reload_for_class(computer, start=START + number * MINUTE)
    site.until("13:20", since="12:59", every=every)
    assert site.seen() == [(C0, "loaded"), (C1, "failed"), (C2, "loaded")]


def test_several_looks_with_the_same_rows_in_mind_note_a_load_once(
    site: LookedAt, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each reads before the others write: what they have in mind is then old."""
    site.results[C1] = Result.FAILED
    site.reload_for_class(C0, start=START)
    site.reload_for_class(C1, start=START)
    for clock in ("13:02", "13:15"):
        site.until(clock, since="12:59" if clock == "13:02" else None, every=HOUR)
        rows = store.read(at(clock))
        with monkeypatch.context() as patch:
            patch.setattr("blockalloc.store.seen_loads.read", lambda _now, rows=rows: rows)
            for late in (0, 1, 2):
                note_loads(at(clock) + late)
    assert sorted(site.seen()) == [(C0, "loaded"), (C1, "failed")]
    assert {row.over for row in SeenLoad.objects.all()} == {moment("13:15")}


# --- cost, age ----------------------------------------------------------------------------------


def test_a_look_takes_three_statements_at_most_and_writes_nothing_without_loads(site: LookedAt) -> None:
    def statements(clock: str) -> list[str]:
        site.until(clock, every=100 * HOUR)
        with CaptureQueriesContext(connection) as queries:
            note_loads(at(clock))
        verbs = [re.sub(r"SET STATEMENT .*? FOR ", "", query["sql"]).split()[0] for query in queries]
        return [verb for verb in verbs if verb in ("SELECT", "INSERT", "UPDATE", "DELETE")]

    site.now = at("12:58")
    site.reload_for_class(C0, start=START)
    site.reload_for_class(C1, start=START)
    site.reload_for_class(C2, start=START + 6 * MINUTE)
    assert statements("12:59") == ["SELECT"]
    assert statements("13:02") == ["SELECT", "INSERT"]
    assert len(statements("13:04")) == 2
    assert len(statements("13:08")) == 3
    assert len(statements("13:13")) == 2
    assert len(statements("13:20")) == 2
    assert statements("13:22") == ["SELECT"]


def test_old_loads_are_removed_now_and_then(site: LookedAt, settings: Any) -> None:
    settings.VCL_SEEN_LOAD_DAYS = 10
    row: dict[str, Any] = {"computer_id": C2, "hostname": "pc", "image_id": IMAGE, "revision_id": IMAGE}
    row |= {"at_work": moment("12:00"), "outcome": SeenLoad.LOADED, "over": moment("12:00")}
    for number, days in enumerate((9, 11, 400)):
        SeenLoad.objects.create(request_id=number, begun=moment("12:00") - timedelta(days=days), **row)
    site.until("12:59", since="12:58")
    assert SeenLoad.objects.count() == 3
    while site.request(C1, start=START + HOUR) % 101 != 100:
        pass
    site.reload_for_class(C0, start=START)  # after each 101st load
    site.until("13:02")
    assert sorted(SeenLoad.objects.filter(computer_id=C2).values_list("request_id", flat=True)) == [0]


# --- images that fail ---------------------------------------------------------------------------


def test_an_image_that_fails_three_times_for_a_class_is_stopped_until_staff_trust_it(site: LookedAt) -> None:
    """Every load of it fails after two minutes; one begins each minute."""
    site.back_ends.site.conditions.load_seconds = lambda *_: 2 * MINUTE
    site.results = dict.fromkeys((C0, C1, C2), Result.FAILED)
    for number, computer in enumerate((C0, C1, C2)):
        site.reload_for_class(computer, start=START + number * MINUTE)
    site.until("13:01", since="12:59")
    assert image_stops(TARGETS, site.now) == {}
    site.until("13:02")
    assert [(each.failures, each.stopped) for each in image_stops(TARGETS, site.now).values()] == [(1, False)]
    site.until("13:10")
    stops = image_stops(TARGETS, site.now)
    assert [(each.failures, each.stopped) for each in stops.values()] == [(3, True)]
    assert str(reasons([*stops.values()])[IMAGE]).startswith(f"3 loads of Image {IMAGE} (revision 0) have failed")
    assert image_stops({CLASS: 30}, site.now) == {}
    trust([IMAGE], site.now)
    assert image_stops(TARGETS, site.now) == {}
    trust([IMAGE], site.now + 5)
    assert ImageTrust.objects.count() == 1


def add(outcome: str, number: int, clock: str, **more: Any) -> None:
    """A load of the class's image, two minutes long."""
    at_work = moment(clock) - timedelta(minutes=1)
    values = {"computer_id": C0, "hostname": "pc", "image_id": IMAGE, "revision_id": IMAGE, "block_time_id": CLASS}
    values |= {"begun": at_work - timedelta(minutes=1), "at_work": at_work, "over": moment(clock), "outcome": outcome}
    SeenLoad.objects.create(request_id=number, **{**values, **more})


def test_a_success_lifts_a_stop_and_old_failures_are_forgotten(site: LookedAt) -> None:
    for number in range(3):
        add("failed", number, "12:00")
    assert image_stops(TARGETS, at("12:30"))[IMAGE].stopped
    assert image_stops(TARGETS, at("12:30") + 29 * 24 * HOUR)[IMAGE].stopped
    assert image_stops(TARGETS, at("12:30") + 31 * 24 * HOUR) == {}
    add("loaded", 4, "12:20", block_time_id=None)
    assert image_stops(TARGETS, at("12:30")) == {}


def test_a_load_that_hangs_says_nothing_about_its_image(site: LookedAt) -> None:
    """It has been at work for hours, its node is silent, or the class does not have its computer any more."""
    add("failed", 1, "12:00")
    for number in (2, 3):
        add("at work", number, "12:00", over=None, node_id=NODE)
    site.send("DELETE FROM blockComputers")
    site.add_block_computers(CLASS, C0)
    site.send("UPDATE managementnode SET lastcheckin = %s", to_utc(at("12:30")))
    assert not image_stops(TARGETS, at("12:30"))[IMAGE].stopped
    assert image_stops(TARGETS, at("12:35")) == {}
    site.send("UPDATE managementnode SET lastcheckin = %s", to_utc(at("14:30")))
    assert image_stops(TARGETS, at("14:30")) == {}
    site.send("DELETE FROM blockComputers")
    assert image_stops(TARGETS, at("12:30")) == {}


def test_what_becomes_of_a_computer_that_was_given_up_says_nothing_about_its_image(site: LookedAt) -> None:
    add("at work", 1, "12:00", over=None)
    store.disown(CLASS, [C0], at("12:10"))
    assert SeenLoad.objects.get().outcome == "unknown"


def test_a_class_that_is_over_had_so_many_machines_as_is_on_record(site: LookedAt) -> None:
    for number in range(3):
        add("failed", number, "12:00", block_time_id=99)
    assert image_stops(TARGETS, at("12:30"))[IMAGE].block_time_id == 99
    ClassHeld.objects.create(
        block_time_id=99,
        block_request_id=1,
        image_id=IMAGE,
        start=moment("09:00"),
        end=moment("11:00"),
        wanted=12,
        had=12,
    )
    assert image_stops(TARGETS, at("12:30")) == {}


def test_names_are_read_for_stops_only(site: LookedAt) -> None:
    with CaptureQueriesContext(connection) as queries:
        assert image_stops(TARGETS, at("12:30")) == {}
        assert reasons([]) == {}
    assert len(queries) == 1
