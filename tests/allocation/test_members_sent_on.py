"""A member whose own computers are held is never sent on to another class, whatever happens (SPEC 8.7).

Class 10 is allocated last, beside the classes 11 and 12. See verification/front_end/classes_beside.py.
"""

from collections.abc import Iterator

import pytest
from django.db import connection

from blockalloc import clock
from blockalloc.allocation import service
from blockalloc.contract.messages import BlockAllocationCall
from blockalloc.store import beside
from blockalloc.store.times import to_utc
from tests.golden import tables
from tests.support.sites.class_site import (
    BLOCK_TIME,
    CALLER,
    END,
    GROUP,
    IMAGE,
    START,
    ZONE,
    class_site,
    computers_of,
    load,
)
from verification.front_end.classes_beside import HOURS, Classes, classes

pytestmark = pytest.mark.django_db(transaction=True)
EVENING = (END + 3600, END + 7200)
NO_IMAGE, RELOADING, AVAILABLE = 1, 6, 2


def semaphore(computer: int, seconds: int, procid: str) -> None:
    """Somebody's semaphore row, which expires so many seconds from now."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO semaphore (computerid, imageid, imagerevisionid, managementnodeid, expires, procid) "
            "VALUES (%s, 10, 10, 10, %s, %s)",
            [computer, to_utc(clock.now() + seconds), procid],
        )


def give_back(procid: str) -> None:
    """Delete the semaphore rows of somebody who is done."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM semaphore WHERE procid = %s", [procid])


def allocate_evening(machines: int) -> None:
    """A class in the evening, on the computers of the classes in the afternoon."""
    service.allocate_block(BlockAllocationCall(IMAGE, *EVENING, machines, GROUP, True, 0, None), CALLER)


def evening_computers() -> list[int]:
    """The computers of the class in the evening."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT computerid FROM blockComputers WHERE blockTimeid = (SELECT MAX(id) FROM blockTimes)")
        return [computer for (computer,) in cursor.fetchall()]


def two_others(site: Classes) -> list[int]:
    """Allocate classes 11 and 12, then let a minute pass; their computers."""
    site.allocate(11)
    site.allocate(12)
    site.clock.shift(60)
    return computers_of(11) + computers_of(12)


def a_member_comes(site: Classes, start: int = 0) -> list[int]:
    """Let a member of class 10 sign in a second later; the computers of other classes that members then have."""
    site.clock.shift(1)
    (site.member(start) if start else site.member()).finish()
    return list(site.in_other_classes())


def test_while_somebody_extends_their_reservation_in_the_class_beside() -> None:
    """Their semaphore row is gone before ours would be."""
    with classes() as site:
        for computer in two_others(site):
            semaphore(computer, 45, "somebody")
        site.allocate(BLOCK_TIME)
        give_back("somebody")
        assert a_member_comes(site) == []


def test_while_another_call_of_ours_has_claimed_computers_of_the_class_beside_and_gives_them_up() -> None:
    with classes() as site:
        for computer in two_others(site):
            semaphore(computer, 45, "blockalloc:99.other")
        site.allocate(BLOCK_TIME)
        give_back("blockalloc:99.other")
        assert a_member_comes(site) == []


def test_near_the_start_while_an_earlier_call_still_holds_the_computers() -> None:
    with classes(START - 300) as site:
        two_others(site)
        for computer in (14, 15):
            semaphore(computer, 30, "blockalloc-held:99.evening")
        site.allocate(BLOCK_TIME)
        assert computers_of() == [14, 15]
        assert a_member_comes(site, START) == []


def test_when_a_class_that_begins_now_is_allocated_a_second_later() -> None:
    with classes(HOURS[11][0] - 180) as site:
        site.allocate(12)
        site.clock.shift(60)
        site.allocate(BLOCK_TIME)
        site.clock.shift(1)
        site.allocate(11)
        assert a_member_comes(site, START) == []


def test_when_the_load_ends_of_a_computer_that_is_allocated_for_the_evening() -> None:
    with classes() as site:
        site.allocate(BLOCK_TIME)
        two_others(site)
        own = computers_of()
        load(own, NO_IMAGE, NO_IMAGE)
        tables.change({"update": {"computer": [{"id": id_, "stateid": RELOADING} for id_ in own]}}, ZONE)
        allocate_evening(6)
        site.clock.shift(10)
        load(own)
        tables.change({"update": {"computer": [{"id": id_, "stateid": AVAILABLE} for id_ in own]}}, ZONE)
        assert a_member_comes(site) == []


def test_when_the_evening_gets_a_computer_that_keep_ready_held_until_its_load_ended() -> None:
    """The call shortens no hold; so all that it takes of classes at the same hours is held as long."""
    with classes() as site:
        site.allocate(BLOCK_TIME)
        others = two_others(site)
        own, *lost = computers_of()
        load(lost, NO_IMAGE, NO_IMAGE)
        semaphore(own, 15, "blockalloc-held:keep_ready.1")
        allocate_evening(6)
        assert {own, *others} <= {*evening_computers()}
        site.clock.shift(10)
        assert a_member_comes(site) == []


@pytest.fixture
def _spring() -> Iterator[None]:
    with class_site(blocks=2):
        yield


@pytest.mark.usefixtures("_spring")
def test_a_class_that_ends_at_a_skipped_time_is_on_until_an_hour_later() -> None:
    hours = {"start": "2026-03-08 01:00:00", "end": "2026-03-08 02:30:00"}
    tables.change({"update": {"blockTimes": [{"id": BLOCK_TIME, **hours}]}}, ZONE)
    row = {"blockTimeid": BLOCK_TIME, "computerid": 10, "imageid": IMAGE, "reloadrequestid": 0}
    tables.insert("blockComputers", [row], ZONE)
    ten_past_three, half_past_three = 1772953800, 1772955000
    assert [block.id for block in beside.read(ten_past_three).blocks] == [BLOCK_TIME]
    assert beside.read(half_past_three).blocks == []
