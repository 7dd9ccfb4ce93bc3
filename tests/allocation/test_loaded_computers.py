"""Holds of a call whose computers have the image loaded already, or are loaded for another class (SPEC 8.7)."""

import datetime
from collections.abc import Iterator

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from blockalloc import clock
from blockalloc.allocation import service
from blockalloc.store import claims
from blockalloc.store.times import from_utc, to_utc
from tests.golden import tables
from tests.support.claim_and_confirm import Between
from tests.support.sites.class_site import BLOCK_TIME, CALLER, IMAGE, NODE, NOW, ZONE, a_call, class_site, computers_of

pytestmark = pytest.mark.django_db(transaction=True)
OTHER = BLOCK_TIME + 1
BRIEF, LONG = 5, 45  # VCL_LISTING_SECONDS, VCL_SEMAPHORE_SECONDS


@pytest.fixture(autouse=True)
def _site() -> Iterator[None]:
    """Two classes of two machines at the same hours; computers 10 and 11 are chosen first."""
    with class_site(computers=8, machines=2, blocks=2):
        yield


def load(*computers: int, image: int = IMAGE) -> None:
    """Load the image on these computers, in a revision that is not the production one any more."""
    changes = [{"id": id_, "currentimageid": image, "imagerevisionid": 0} for id_ in computers]
    tables.change({"update": {"computer": changes}}, ZONE)


def add_hold(computer: int, seconds: int, procid: str = "blockalloc-held:9.earlier") -> None:
    """A semaphore row that expires so many seconds from now."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO semaphore (computerid, imageid, imagerevisionid, managementnodeid, expires, procid) "
            "VALUES (%s, %s, 10, %s, %s, %s)",
            [computer, IMAGE, NODE, to_utc(clock.now() + seconds), procid],
        )


def holds() -> dict[int, list[int]]:
    """Computer -> the seconds until each of its semaphore rows expires."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT computerid, expires FROM semaphore ORDER BY computerid, expires")
        seconds: dict[int, list[int]] = {}
        for computer, expires in cursor.fetchall():
            seconds.setdefault(computer, []).append((from_utc(expires) or 0) - clock.now())
    return seconds


def test_a_computer_that_is_not_loaded_is_held_for_long() -> None:
    service.allocate_block(a_call(2), CALLER)
    assert holds() == {10: [LONG], 11: [LONG]}


def test_a_loaded_computer_is_held_briefly() -> None:
    load(10)
    service.allocate_block(a_call(2), CALLER)
    assert holds() == {10: [BRIEF], 11: [LONG]}


def test_computers_of_overlapping_classes_are_held_in_one_more_statement() -> None:
    service.allocate_block(a_call(2, block_time=OTHER), CALLER)
    load(12, 13)
    with time_machine.travel(NOW + datetime.timedelta(seconds=LONG + 1), tick=False):
        with CaptureQueriesContext(connection) as captured:
            service.allocate_block(a_call(2), CALLER)
        assert computers_of(OTHER) == [10, 11]
        assert holds() == {10: [BRIEF], 11: [BRIEF], 12: [BRIEF], 13: [BRIEF]}
    inserts = [query["sql"] for query in captured if "INTO `semaphore`" in query["sql"]]
    assert len(inserts) == 2  # the claims, and the computers beside


def test_no_further_statement_when_nothing_is_loaded_or_nothing_is_beside() -> None:
    def statements() -> list[str]:
        with CaptureQueriesContext(connection) as captured:
            service.allocate_block(a_call(2), CALLER)
        return [query["sql"] for query in captured if "INTO `semaphore`" in query["sql"]]

    load(10, 11)
    assert len(statements()) == 1


def test_a_hold_of_an_earlier_call_is_not_shortened() -> None:
    load(10)
    add_hold(10, 30)
    service.allocate_block(a_call(2), CALLER)
    assert set(holds()[10]) == {30}


def test_computers_beside_are_held_as_long_as_loaded_ones() -> None:
    """A computer of ours is held for longer by an earlier call: until then members could be sent to the others."""
    service.allocate_block(a_call(2, block_time=OTHER), CALLER)
    with time_machine.travel(NOW + datetime.timedelta(seconds=LONG + 1), tick=False):
        load(12)
        add_hold(12, 30)
        service.allocate_block(a_call(2), CALLER)
        assert holds() == {10: [30], 11: [30], 12: [30, 30], 13: [LONG]}


def test_no_shorter_row_is_added_to_a_longer_one() -> None:
    """When it is past, the front end would take the computer in spite of the other row."""
    service.allocate_block(a_call(2, block_time=OTHER), CALLER)  # held for long
    load(12)
    service.allocate_block(a_call(2), CALLER)
    assert holds() == {10: [LONG], 11: [LONG], 12: [BRIEF], 13: [LONG]}


def test_past_and_shorter_rows_do_not_stay_beside_a_hold() -> None:
    service.allocate_block(a_call(2, block_time=OTHER), CALLER)
    with time_machine.travel(NOW + datetime.timedelta(seconds=LONG + 1), tick=False):
        load(12)
        add_hold(10, -1, "a front end that died")
        add_hold(11, 2)
        service.allocate_block(a_call(2), CALLER)
        assert holds() == {10: [BRIEF], 11: [BRIEF], 12: [BRIEF], 13: [LONG]}


@pytest.mark.parametrize("minutes", [-5, 0, 15])
def test_around_the_start_loaded_computers_are_not_held(minutes: int) -> None:
    start = NOW.replace(hour=14)
    with time_machine.travel(start + datetime.timedelta(minutes=minutes), tick=False):
        tables.change({"update": {"managementnode": [{"id": NODE, "lastcheckin": clock_text()}]}}, ZONE)
        service.allocate_block(a_call(2, block_time=OTHER), CALLER)
        tables.change({"delete": {"semaphore": [{"computerid": id_} for id_ in (10, 11)]}}, ZONE)
        load(12)
        service.allocate_block(a_call(2), CALLER)
        assert computers_of() == [12, 13]
        assert holds() == {13: [LONG]}


def clock_text() -> str:
    """The site time now."""
    return f"{datetime.datetime.now(NOW.tzinfo):%Y-%m-%d %H:%M:%S}"


def test_a_call_that_fails_leaves_an_earlier_hold_as_it_was(between_claim_and_confirm: Between) -> None:
    load(10)
    add_hold(10, 3)

    def fail() -> None:
        assert set(holds()[10]) == {LONG}  # as long as the claim: past a row's end the front end takes the computer
        raise RuntimeError("on purpose")

    between_claim_and_confirm(fail)
    with pytest.raises(RuntimeError):
        service.allocate_block(a_call(2), CALLER)
    assert holds() == {10: [3]}


def test_a_computer_loaded_for_another_class_is_held_briefly_and_so_are_those_of_classes_that_overlap_it() -> None:
    """Its members come now, and would be given the computers of a third class."""
    times = {"start": "2026-03-02 08:00:00", "end": "2026-03-02 10:00:00"}
    service.allocate_block(a_call(2, block_time=OTHER), CALLER)  # computers 10, 11
    morning = {"id": OTHER, **times}
    tables.change({"update": {"blockTimes": [morning]}}, ZONE)
    third = {"id": 30, "blockRequestid": OTHER, "processed": 1, "skip": 0, **times}
    tables.insert("blockTimes", [third], ZONE)
    tables.insert(
        "blockComputers", [{"blockTimeid": 30, "computerid": 15, "imageid": IMAGE, "reloadrequestid": 0}], ZONE
    )
    tables.change(
        {"update": {"request": [{"id": id_, "end": times["start"], "start": times["start"]} for id_ in (1, 2)]}}, ZONE
    )
    load(10, 11)
    with time_machine.travel(NOW + datetime.timedelta(minutes=20), tick=False):
        tables.change({"update": {"managementnode": [{"id": NODE, "lastcheckin": clock_text()}]}}, ZONE)
        service.allocate_block(a_call(2), CALLER)
        assert computers_of() == [10, 11]
        assert holds() == {10: [BRIEF], 11: [BRIEF], 15: [BRIEF]}


def test_holds_are_marked_as_holds() -> None:
    load(10, 11)
    service.allocate_block(a_call(2), CALLER)
    assert all(row["procid"].startswith(claims.HELD) for row in _semaphores())


def _semaphores() -> list[dict[str, str]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT procid FROM semaphore")
        return [{"procid": procid} for (procid,) in cursor.fetchall()]
