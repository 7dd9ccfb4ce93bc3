"""Closing rows: what is known of a class when VCL's rows are gone."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from blockalloc.models import ClassHeld, Decision, Watch
from blockalloc.upkeep.classes import ClassLook, note_classes
from tests.golden import tables
from tests.support.sites.back_end_stage import C0, C1, C2, HOUR, IMAGE, MINUTE, USER, Stage, local
from tests.support.sites.class_site import END, START, ZONE
from tests.support.sites.looks import CLASS, LookedAt, looked_at

# On MariaDB, to load a site commits.
pytestmark = [pytest.mark.django_db(transaction=True)]

STRANGER = 1  # no member of the class


@pytest.fixture
def site() -> Iterator[LookedAt]:
    with looked_at() as stage:
        stage.add_block_computers(CLASS, C0, C1)
        yield stage


def look(now: int, ready: int = 4, block_time: int = CLASS, **more: int) -> None:
    """A look at the class while it is there, with so many machines ready of four."""
    values = {"start": START, "end": END, "wanted": 4, "had": 4, "ready": ready, **more}
    note_classes([ClassLook(block_time, **values)], now)


def row() -> ClassHeld:
    return ClassHeld.objects.get()


def clear(site: Stage) -> None:
    """As the back end does a minute after the end."""
    site.send("DELETE FROM blockComputers WHERE blockTimeid = %s", CLASS)
    site.send("DELETE FROM blockTimes WHERE id = %s", CLASS)
    site.send("UPDATE blockRequest SET status = 'completed'")


# --- the start ----------------------------------------------------------------------------------


def test_nothing_is_noted_before_the_start(site: LookedAt) -> None:
    look(START - 1)
    assert not ClassHeld.objects.exists()


def test_the_first_look_after_the_start_counts_what_is_ready(site: LookedAt) -> None:
    look(START + 20, ready=3)
    look(START + 80, ready=4)
    closing_row = row()
    assert (closing_row.wanted, closing_row.had, closing_row.ready_at_start, closing_row.ready_after_five) == (
        4,
        4,
        3,
        None,
    )
    assert (closing_row.block_name, closing_row.image_name, closing_row.image_id) == (
        "block 10",
        f"Image {IMAGE}",
        IMAGE,
    )
    assert (closing_row.start, closing_row.end) == (
        datetime.fromtimestamp(START, UTC),
        datetime.fromtimestamp(END, UTC),
    )
    assert (closing_row.user_group, closing_row.owner, closing_row.affiliation_id) == (
        "class 10@Local",
        "admin@Local",
        1,
    )
    assert not closing_row.closed


@pytest.mark.parametrize(
    ("seconds", "at_start", "after_five"),
    [
        (0, 4, None),
        (2 * MINUTE, 4, None),
        (2 * MINUTE + 1, None, None),
        (5 * MINUTE - 1, None, None),
        (5 * MINUTE, None, 4),
        (7 * MINUTE, None, 4),
        (7 * MINUTE + 1, None, None),
    ],
)
def test_a_look_that_comes_too_late_says_nothing_about_the_moment(
    site: LookedAt, seconds: int, at_start: int | None, after_five: int | None
) -> None:
    look(START + seconds)
    assert (row().ready_at_start, row().ready_after_five) == (at_start, after_five)


def test_what_is_ready_five_minutes_later_is_counted_once(site: LookedAt) -> None:
    for minute, ready in ((0, 2), (4, 3), (5, 4), (6, 1), (7, 1), (20, 0)):
        look(START + minute * MINUTE, ready)
    assert (row().ready_at_start, row().ready_after_five) == (2, 4)


def test_what_keep_ready_did_and_who_asked(site: LookedAt) -> None:
    Watch.objects.create(block_time_id=CLASS, first_seen=row_time(), replaced=2, loaded_again=1, added=3)
    decision: dict[str, Any] = {"started": row_time(), "duration": 1, "block_time_id": CLASS, "caller": "vcl@Local"}
    for action, outcome, door, person in (
        ("allocate", "success", "XMLRPCprocessBlockTime", ""),
        ("allocate", "warning", "admin", "jane"),
        ("allocate", "refused", "admin", "joe"),
        ("dry run", "success", "admin", "joe"),
    ):
        Decision.objects.create(action=action, outcome=outcome, door=door, person=person, **decision)
    look(START)
    closing_row = row()
    assert (closing_row.replaced, closing_row.loaded_again, closing_row.added, closing_row.asked_by) == (
        2,
        1,
        3,
        "admin, jane",
    )
    Watch.objects.update(replaced=5)
    note_classes([], END)
    assert row().replaced == 5


def row_time() -> datetime:
    return datetime.fromtimestamp(START - HOUR, UTC)


def test_a_block_time_that_is_gone_leaves_no_row(site: LookedAt) -> None:
    look(START, block_time=77)
    assert not ClassHeld.objects.exists()


# --- the end ------------------------------------------------------------------------------------


def used(computer: int, start: int, end: int, **more: Any) -> None:
    """A reservation of a computer of the class, in VCL's log."""
    log: dict[str, Any] = {
        "userid": USER,
        "start": local(start),
        "initialend": local(end),
        "finalend": local(end),
        "imageid": IMAGE,
    }
    log |= {"wasavailable": 1, "ending": "released", "loaded": local(start), **more.get("log", {})}
    tables.insert("log", [log], ZONE)
    sublog: dict[str, Any] = {
        "logid": tables.newest_id("log"),
        "imageid": IMAGE,
        "imagerevisionid": IMAGE,
        "computerid": computer,
    }
    sublog |= {"managementnodeid": 10, "blockRequestid": 10, "blockStart": local(START), "blockEnd": local(END)}
    tables.insert("sublog", [{**sublog, **more.get("sublog", {})}], ZONE)


def usage() -> tuple[int | None, float | None]:
    """The class ends; what is on record then."""
    look(START)
    note_classes([], END + 30)
    assert row().closed
    return row().used_at_peak, row().used_in_the_mean


def test_use_by_the_log(site: LookedAt) -> None:
    half = (START + END) // 2
    used(C0, START - 5 * MINUTE, half)
    used(C1, START, END + HOUR)  # somebody who stays
    used(C2, half, END)
    used(C2, half, END, log={"ending": "failed"})
    used(C2, START, half, log={"ending": "deleted", "loaded": None})  # before it began
    used(C2, START, half, sublog={"blockStart": local(START - HOUR)})  # of another class of the series
    used(C2, START, half, sublog={"blockRequestid": None, "blockStart": None, "blockEnd": None})
    assert usage() == (2, 2.0)


def test_use_by_reservations_that_are_still_there(site: LookedAt) -> None:
    site.use(C0, START, END + HOUR)  # by a member, of a computer that was perhaps reserved before it was the class's
    site.user(C1, start=START, end=END, user=STRANGER)
    site.user(C2, start=START, end=END)  # none of the class's computers
    site.request(C1, start=END - 10 * MINUTE)
    assert usage() == (1, 1.0)


def test_nobody_came(site: LookedAt) -> None:
    assert usage() == (0, 0.0)


def test_it_is_closed_when_the_rows_of_vcl_are_gone(site: LookedAt) -> None:
    used(C0, START, END)
    look(START)
    clear(site)
    note_classes([], END - 1)
    assert not row().closed
    note_classes([], END + 3 * HOUR)
    assert (row().closed, row().used_at_peak) == (True, 1)


def test_what_is_closed_stays_as_it_is(site: LookedAt) -> None:
    look(START)
    note_classes([], END)
    used(C0, START, END)
    look(END + 30, ready=0)
    note_classes([], END + MINUTE)
    assert (row().used_at_peak, row().ready_at_start) == (0, 4)


def test_a_class_in_the_hour_that_comes_twice(site: LookedAt, settings: Any) -> None:
    """The clock goes back at two on 1 November: from half past one to half past two it is two hours."""
    first = int(datetime(2026, 11, 1, 5, 30, tzinfo=UTC).timestamp())
    site.send("UPDATE blockTimes SET start = '2026-11-01 01:30:00', `end` = '2026-11-01 02:30:00'")
    hours = {"blockStart": "2026-11-01 01:30:00", "blockEnd": "2026-11-01 02:30:00"}
    used(C0, first, first + 2 * HOUR, sublog=hours)
    look(first, start=first, end=first + 2 * HOUR)
    note_classes([], first + 2 * HOUR)
    assert (row().used_at_peak, row().used_in_the_mean) == (1, 1.0)


# --- several looks, cost, age -------------------------------------------------------------------


def test_several_looks_at_once_make_one_row(site: LookedAt, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each reads before the others write."""
    with monkeypatch.context() as patch:
        patch.setattr("blockalloc.store.closing_rows.rows", lambda _ids, _now: [])
        for ready in (4, 1, 0):
            look(START + 5, ready)
    assert (row().ready_at_start, ClassHeld.objects.count()) == (4, 1)


def test_a_look_takes_one_statement_unless_something_changes(site: LookedAt) -> None:
    def statements(now: int, *looks: ClassLook) -> int:
        with CaptureQueriesContext(connection) as queries:
            note_classes(looks, now)
        return len(queries)

    this = ClassLook(CLASS, START, END, 4, 4, 4)
    assert statements(START - 1, this) == 1
    assert statements(START, this) > 1
    assert statements(START + MINUTE, this) == 1
    assert statements(START + 5 * MINUTE, this) > 1
    assert statements(START + 6 * MINUTE, this) == 1
    assert statements(START + HOUR) == 1
    assert statements(END, this) > 1
    assert statements(END + MINUTE, this) == 1


def test_old_rows_are_removed(site: LookedAt, settings: Any) -> None:
    settings.VCL_DECISION_DAYS = 30
    end = datetime.fromtimestamp(END, UTC)
    for number, days in ((1, 29), (2, 31)):
        old = end - timedelta(days=days)
        values: dict[str, Any] = {"block_request_id": 1, "image_id": IMAGE, "wanted": 1, "had": 1, "closed": True}
        ClassHeld.objects.create(block_time_id=number, start=old, end=old, **values)
    look(START)
    assert sorted(ClassHeld.objects.values_list("pk", flat=True)) == [1, CLASS]
