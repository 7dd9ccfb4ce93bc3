"""The holds of keep_ready on the database: the front end keeps off computers that are loading (SPEC 9.4)."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import OperationalError

from blockalloc.models import Decision
from blockalloc.store.times import to_utc
from blockalloc.upkeep import staff
from tests.support.sites.back_end_stage import C0, HOUR, MINUTE, OTHER_IMAGE
from tests.support.sites.class_site import IMAGE
from tests.support.sites.morning import BACK_END, END, START
from tests.support.sites.still_morning import CLASS, MAINTENANCE, StillMorning, still_morning
from tests.support.statements import Send, at_the_guard

# On MariaDB, to load a site commits.
pytestmark = [pytest.mark.django_db(transaction=True)]

OURS = "blockalloc-held:keep_ready"
FIRST = C0 + 3  # its reload begins first, at 13:37; those of the others a minute after the other


@pytest.fixture
def site() -> Iterator[StillMorning]:
    """The class has its four computers; the holds of its allocation have expired."""
    with still_morning() as stage:
        stage.allocate()
        stage.send("DELETE FROM semaphore")
        yield stage


def ours(site: StillMorning) -> list[int]:
    """The computers that keep_ready holds."""
    return [computer for computer, whose in site.semaphores() if whose == OURS]


def before(work: Callable[[], object]) -> Callable[[Send], Any]:
    """Do something, and then send the statement."""

    def act(send: Send) -> Any:
        work()
        return send()

    return act


def test_from_two_minutes_before_the_reload(site: StillMorning) -> None:
    assert site.look_at("13:34:59").held == 0
    assert site.look_at("13:35").held == 1
    assert ours(site) == [FIRST]


def test_for_seventy_five_seconds_from_each_look(site: StillMorning) -> None:
    for clock in ("13:35", "13:35:30", "13:35:59"):
        site.look_at(clock)
        (row,) = site.send("SELECT computerid, expires FROM semaphore")
        assert str(row[1])[:19] == to_utc(site.now + 75)[:19]


def test_all_expired_rows_of_the_computer_go_and_no_others(site: StillMorning) -> None:
    site.semaphore(FIRST, seconds=-60)
    site.semaphore(FIRST, seconds=-1, procid="blockalloc-held:7.call")
    site.semaphore(C0 + 7, seconds=-60)
    site.look_at("13:35")
    assert site.semaphores() == [(FIRST, OURS), (C0 + 7, "front end")]


@pytest.mark.parametrize("procid", ["front end", "blockalloc:7.call"])
def test_not_beside_the_live_row_of_somebody_else(site: StillMorning, procid: str) -> None:
    site.go("13:35")
    site.semaphore(FIRST, seconds=1, procid=procid)
    assert site.look().held == 0
    assert len(site.semaphores()) == 1


def test_a_live_row_that_came_since_the_look(site: StillMorning) -> None:
    site.go("13:35")
    with at_the_guard(before(lambda: site.semaphore(FIRST, seconds=45))):
        assert site.look().held == 0
    assert ours(site) == []


@pytest.mark.parametrize(("seconds", "until"), [(45, 75), (75, 75), (76, 76)])
def test_a_hold_of_a_call_is_made_longer_and_never_shorter(site: StillMorning, seconds: int, until: int) -> None:
    site.go("13:35")
    site.semaphore(FIRST, seconds=seconds, procid="blockalloc-held:7.call")
    site.look()
    rows = site.send("SELECT computerid, expires FROM semaphore")
    assert [(computer, str(expires)[:19]) for computer, expires in rows] == [(FIRST, to_utc(site.now + until)[:19])]


def test_a_user_on_it_is_not_held(site: StillMorning) -> None:
    site.user(FIRST, start=START - HOUR, end=START - 10 * MINUTE, image=OTHER_IMAGE, user=1)
    assert site.look_at("13:35").held == 0


def test_the_look_that_sees_it_loaded_removes_the_hold(site: StillMorning) -> None:
    site.look_at("13:35")
    site.set(FIRST, currentimageid=IMAGE, imagerevisionid=IMAGE)
    site.look_at("13:35:30")
    assert ours(site) == []


def test_what_is_loaded_since_the_look_is_not_held(site: StillMorning) -> None:
    site.go("13:35")
    with at_the_guard(before(lambda: site.set(FIRST, currentimageid=IMAGE))):
        assert site.look().held == 0


def test_a_reload_that_the_look_wrote_and_that_begins_now_is_held_at_once(site: StillMorning) -> None:
    site.send("DELETE FROM blockComputers")
    site.send("DELETE FROM reservation")
    site.send("DELETE FROM request")
    site.send("UPDATE blockTimes SET processed = 1")
    assert site.look_at("13:50").held == 4
    assert {computer for computer, _ in site.semaphores()} == set(ours(site)) == set(site.block_computers(CLASS))


def test_what_is_given_up_is_not_held_any_more(site: StillMorning) -> None:
    site.look_at("13:35")
    site.set(FIRST, stateid=MAINTENANCE)
    site.look_at("13:35:30")
    assert FIRST not in ours(site)


class TestStaff:
    """They can stop the holds of a block time: VCL's pages refuse to change a held computer."""

    def test_stopped(self, site: StillMorning) -> None:
        site.look_at("13:35")
        assert staff.stop_holding(CLASS, BACK_END) == "its computers are no longer held while they load"
        assert ours(site) == []
        assert site.look_at("13:36").held == 0
        assert Decision.objects.filter(action=Decision.HOLDING).count() == 1

    @pytest.mark.parametrize("sql", ["UPDATE blockalloc_watch SET holds_stopped = %s", "DELETE FROM blockComputers"])
    def test_stopped_or_released_during_a_look(self, site: StillMorning, sql: str) -> None:
        site.look_at("13:30")
        params = [to_utc(site.now)] if "%s" in sql else []
        with at_the_guard(before(lambda: site.send(sql, *params))):
            site.look_at("13:36")
        assert ours(site) == []

    def test_again(self, site: StillMorning) -> None:
        staff.stop_holding(CLASS, BACK_END)
        assert staff.hold_again(CLASS, BACK_END) == "its computers are held again while they load"
        assert site.look_at("13:35").held == 1

    def test_twice_changes_nothing(self, site: StillMorning) -> None:
        staff.stop_holding(CLASS, BACK_END)
        assert staff.stop_holding(CLASS, BACK_END) == "its holds were stopped already"
        staff.hold_again(CLASS, BACK_END)
        assert staff.hold_again(CLASS, BACK_END) == "its holds were not stopped"

    def test_only_those_of_that_class(self, site: StillMorning) -> None:
        site.block_time(20, START, END, numMachines=2)
        site.allocate(block_time=20)
        site.send("DELETE FROM semaphore")
        staff.stop_holding(CLASS, BACK_END)
        assert site.look_at("13:39").held == 2


def test_holds_that_can_not_be_written_are_left_to_the_next_look(
    site: StillMorning, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(_send: object) -> None:
        raise OperationalError(1020, "no")

    site.go("13:35")
    with at_the_guard(refuse), caplog.at_level(logging.WARNING):
        assert site.look().held == 0
    assert "could not be held in this look" in caplog.text
    assert site.look().held == 1


def test_a_hold_stops_none_of_our_own_calls(site: StillMorning) -> None:
    site.look_at("13:39")
    site.send("DELETE FROM blockComputers WHERE computerid = %s", C0)
    assert C0 in ours(site)
    site.send("DELETE FROM reservation WHERE computerid = %s", C0)
    assert site.allocate() == 4
    assert C0 in site.block_computers(CLASS)
