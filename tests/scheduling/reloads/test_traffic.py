"""The loads of others that take places until a class begins: NOW is 8:00, the class begins at 14:00."""

import math
import time
from collections.abc import Sequence
from typing import Any

import pytest

from scheduling.facts import BlockComputer, Computer, Reservation, Site
from scheduling.load_time.model import LoadModel, Source
from scheduling.reloads.places import Capacity, OtherLoad, Places
from scheduling.reloads.traffic import places, traffic
from scheduling.state_ids import COMPLETE, DELETED, FAILED, IMAGE, PENDING, RELOAD, TIMEOUT
from tests.support.sites import facts
from tests.support.sites.facts import (
    HOUR,
    IN_USE,
    MINUTE,
    NEW,
    NOW,
    RELOAD_USER,
    START,
    STRANGER,
    VM_ENGINE,
    block_computer,
    computer,
    member,
    own_block_computer,
    reservation,
    vm,
)

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="mariadb")]

OTHER_IMAGE = 99
DAY = 24 * HOUR
LATE = START + HOUR  # the end of a reservation that takes no place before the class
MODEL = LoadModel([(0, 400), (1, 800)], failing=0, source=Source.IMAGE)
BLOCK = facts.block()


def reload(computer_id: int = 1, start: int = NOW + HOUR, **changes: Any) -> Reservation:
    """A reload request that waits."""
    waiting = {"user_id": RELOAD_USER, "state_id": RELOAD, "last_state_id": RELOAD}
    return reservation(computer_id, start, start + 20 * MINUTE, **waiting | changes)


def pending(last_state: int) -> dict[str, int]:
    """The back end works on the request."""
    return {"state_id": PENDING, "last_state_id": last_state}


def site(reservations: Sequence[Reservation], computers: Sequence[Computer] | None = None, **changes: Any) -> Site:
    """A site with these reservations."""
    return facts.site(computers, reservations=reservations, **changes)


def found(at: Site, capacity: Capacity | None = None) -> Places:
    """What takes places."""
    return places(at, BLOCK, capacity or Capacity(), MODEL)


def others(row: Reservation, *, state: str = "available", **changes: Any) -> Sequence[OtherLoad]:
    """The loads of one reservation."""
    return found(site([row], [computer(row.computer_id, state=state)], **changes)).others


def begins(row: Reservation, *, state: str = "available") -> list[tuple[int, int]]:
    """When the loads of one reservation begin, in minutes from now, and how long they take, seconds."""
    return [((load.begin - NOW) // MINUTE, load.seconds) for load in others(row, state=state)]


class TestReloads:
    def test_one_that_waits_begins_at_its_start(self) -> None:
        assert others(reload(reload_minutes=12)) == [OtherLoad(1, 1, None, NOW + HOUR, 720, at_work=False)]

    def test_one_that_is_late_begins_now(self) -> None:
        assert begins(reload(start=NOW - 5 * MINUTE)) == [(0, 600)]

    def test_one_that_begins_with_the_class_takes_no_place_before(self) -> None:
        assert begins(reload(start=START)) == []
        assert len(begins(reload(start=START - 1))) == 1

    def test_one_of_the_image_of_the_class_takes_as_long_as_the_model_says(self) -> None:
        assert begins(reload(image_id=facts.IMAGE)) == [(60, 600)]
        slower = LoadModel([(0, 800), (1, 1000)], failing=0, source=Source.IMAGE)
        at = site([reload(image_id=facts.IMAGE), reload(2)], [computer(1), computer(2)])
        assert [load.seconds for load in places(at, BLOCK, Capacity(), slower).others] == [900, 600]

    def test_one_at_work_has_begun(self) -> None:
        row = reload(start=NOW - 4 * MINUTE, **pending(RELOAD))
        assert others(row, state="reloading") == [OtherLoad(1, 1, None, NOW - 4 * MINUTE, 600, at_work=True)]

    def test_one_at_work_that_should_be_over_takes_a_little_longer(self) -> None:
        row = reload(start=NOW - 12 * MINUTE, **pending(RELOAD))
        assert begins(row, state="reloading") == [(-12, 12 * 60 + 150)]

    def test_a_stuck_one_goes_on(self) -> None:
        row = reload(start=NOW - 26 * MINUTE, **pending(RELOAD))
        assert begins(row, state="reloading") == [(-26, 26 * 60 + DAY)]

    def test_one_that_found_its_image_or_a_user_is_none(self) -> None:
        assert begins(reload(start=NOW - 3 * MINUTE, **pending(RELOAD))) == []
        assert begins(reload(start=NOW - MINUTE, **pending(RELOAD))) == [(-1, 600)]

    def test_one_with_preload_0_has_begun_long_before_its_start(self) -> None:
        row = reload(start=NOW + 30 * MINUTE, **pending(RELOAD))
        assert begins(row, state="reloading") == [(-5, 600)]

    def test_those_of_the_class_itself_are_left_out(self) -> None:
        rows = [reload(1), reload(2)]
        there = [computer(1), computer(2)]
        held: list[BlockComputer] = [own_block_computer(1), block_computer(2)]
        assert [load.computer_id for load in found(site(rows, there, block_computers=held)).others] == [2]


class TestUsers:
    """Each reservation ends after the class has begun, but for those of its end."""

    def user(self, start: int, end: int = LATE, **changes: Any) -> Reservation:
        """A user's reservation that has not begun."""
        return reservation(1, start, end, **{"state_id": NEW, "last_state_id": NEW, **changes})

    @pytest.mark.parametrize(
        ("start", "begin"),
        [(-5, [0]), (0, [0]), (10, []), (24, []), (25, [0]), (35, [0]), (60, [25]), (6 * 60 + 30, [355])],
    )
    def test_the_computer_is_loaded_35_minutes_before(self, start: int, begin: list[int]) -> None:
        assert begins(self.user(NOW + start * MINUTE)) == [(minute, 600) for minute in begin]

    def test_a_load_at_work_began_within_the_quarter_of_an_hour_after_the_start(self) -> None:
        for minutes, began in [(0, 0), (10, -5), (20, -13)]:
            row = self.user(NOW - minutes * MINUTE, **pending(NEW))
            loads = others(row, state="reloading")
            assert [((load.begin - NOW) // MINUTE, load.at_work) for load in loads] == [(began, True)]

    def test_a_preload_at_work(self) -> None:
        assert begins(self.user(NOW + 30 * MINUTE, **pending(NEW)), state="reloading") == [(-5, 600)]

    def test_a_stuck_load_goes_on(self) -> None:
        (load,) = others(self.user(NOW - HOUR, **pending(NEW)), state="reloading")
        assert load.begin + load.seconds > START

    def test_one_that_found_the_image_loaded_causes_none(self) -> None:
        assert begins(self.user(NOW - MINUTE, **pending(NEW)), state="reserved") == []

    @pytest.mark.parametrize("state", [IN_USE, NEW, 3])
    def test_the_computer_is_loaded_again_at_the_end(self, state: int) -> None:
        row = self.user(NOW - 2 * HOUR, NOW + 50 * MINUTE, state_id=state, reload_minutes=7)
        assert (50, 420) in begins(row)

    def test_one_that_overruns_is_about_to_end(self) -> None:
        assert begins(reservation(1, NOW - HOUR, NOW - 5 * MINUTE)) == [(0, 600)]

    def test_one_whose_node_is_dead_does_not_end(self) -> None:
        assert begins(reservation(1, NOW - HOUR, NOW - 31 * MINUTE)) == []

    @pytest.mark.parametrize("state", [TIMEOUT, DELETED])
    def test_one_given_back_is_loaded_again_at_once(self, state: int) -> None:
        assert begins(reservation(1, NOW - HOUR, LATE, state_id=state)) == [(0, 600)]
        assert begins(reservation(1, NOW - HOUR, LATE, **pending(state))) == [(0, 600)]

    @pytest.mark.parametrize("state", [COMPLETE, FAILED, IMAGE])
    def test_one_that_is_over_or_no_users_causes_none(self, state: int) -> None:
        assert begins(reservation(1, NOW - HOUR, NOW + HOUR, state_id=state)) == []

    @pytest.mark.parametrize("state", ["maintenance", "vmhostinuse", "hpc"])
    def test_computers_that_leave_the_pool_are_not_loaded_again(self, state: str) -> None:
        assert begins(reservation(1, NOW - HOUR, NOW + HOUR), state=state) == []

    def test_computers_of_labs_are_never_loaded(self) -> None:
        rows = [self.user(NOW), reservation(1, NOW - HOUR, NOW + HOUR)]
        lab = found(site(rows, [computer(1, type="lab")]))
        assert (lab.others, lab.arrivals) == ([], {})

    def test_a_computer_that_is_gone_takes_no_place(self) -> None:
        gone = found(site([reservation(77, NOW - HOUR, NOW + HOUR)]))
        assert (gone.others, gone.arrivals) == ([], {})

    def test_on_computers_of_the_class_only_their_own_loads_count(self) -> None:
        rows = [reservation(1, NOW - HOUR, NOW + HOUR), self.user(NOW + 2 * HOUR)._replace(computer_id=2)]
        held = [own_block_computer(1), own_block_computer(2)]
        at = site(rows, [computer(1), computer(2)], block_computers=held)
        assert [load.computer_id for load in found(at).others] == [2]


class TestPlaces:
    def test_a_virtual_machine_takes_a_place_of_its_host(self) -> None:
        at = site([reload(5)], [vm(5, host_id=40), facts.host(40)])
        (load,) = found(at, Capacity({1: 10}, limited_engines=frozenset({1}))).others
        assert (load.host_id, load.is_limited) == (40, False)
        (load,) = found(at, Capacity({1: 10}, limited_engines=frozenset({VM_ENGINE}))).others
        assert load.is_limited

    def test_several_classes_share_one_reading(self) -> None:
        held = [own_block_computer(1), block_computer(2)]
        of_site = traffic(
            site([reload(1), reload(2)], [computer(1), computer(2)], block_computers=held), Capacity(), {}
        )
        assert [load.computer_id for load in of_site.places(START, {1}).others] == [2]
        assert [load.computer_id for load in of_site.places(START, {2}).others] == [1]
        assert of_site.places(NOW + HOUR, ()).others == []


class TestArrivals:
    """Visitors whose reservations end after the class has begun: no other load is known."""

    def visitors(self, number: int, minutes: int, **changes: Any) -> list[Reservation]:
        """Users who have had computers for so many minutes, the rounding of the start aside."""
        begin = NOW - minutes * MINUTE - 450
        return [reservation(id_, begin, LATE, **{"user_id": STRANGER + id_, **changes}) for id_ in range(1, number + 1)]

    def arrivals(self, rows: Sequence[Reservation], **changes: Any) -> dict[int, float]:
        """Loads a minute on each node."""
        there = [computer(id_) for id_ in range(1, 100)]
        return dict(found(site(rows, there, **changes)).arrivals)

    def test_nobody_is_there(self) -> None:
        assert self.arrivals([]) == {}

    @pytest.mark.parametrize("stay", [60, 120, 240])
    def test_as_many_come_as_came_lately(self, stay: int) -> None:
        rows = [self.visitors(1, age, user_id=STRANGER + age)[0] for age in range(1, stay, 2)]
        leaving = 1 - (stay / 2 / 360) * (1 - math.exp(-360 / (stay / 2)))  # before the class in six hours
        assert self.arrivals(rows)[1] / (0.8 + leaving) == pytest.approx(0.5, rel=0.15)

    def test_few_who_came_lately_say_less_than_all_who_are_there(self) -> None:
        long_ago = self.visitors(30, 120)
        assert 0 < self.arrivals(long_ago)[1] < 30 / 120

    def test_each_node_has_its_share(self) -> None:
        rows = self.visitors(30, 60)
        rows[:10] = [row._replace(management_node_id=2) for row in rows[:10]]
        arrivals = self.arrivals(rows)
        assert arrivals[1] == pytest.approx(2 * arrivals[2])

    def test_a_rush_does_not_last(self) -> None:
        assert self.arrivals(self.visitors(30, 1)) == self.arrivals(self.visitors(30, 30))

    def test_servers_do_not_hide_that_others_come(self) -> None:
        servers = [reservation(50 + id_, NOW - 90 * DAY, LATE) for id_ in range(10)]
        assert self.arrivals([*self.visitors(30, 60), *servers]) == self.arrivals(self.visitors(30, 60))

    def test_members_who_wait_for_the_class_do_not_count(self) -> None:
        people = [member(STRANGER + id_) for id_ in range(1, 31)]
        assert self.arrivals(self.visitors(30, 60, image_id=facts.IMAGE), members=people) == {}
        assert self.arrivals(self.visitors(30, 60, image_id=OTHER_IMAGE), members=people) != {}

    def test_those_who_came_for_another_class_do_not_count(self) -> None:
        running = [block_computer(id_, NOW - HOUR, NOW + HOUR) for id_ in range(1, 31)]
        to_come = [block_computer(id_, NOW + HOUR, NOW + 2 * HOUR) for id_ in range(1, 31)]
        assert self.arrivals(self.visitors(30, 60), block_computers=running) == {}
        assert self.arrivals(self.visitors(30, 60), block_computers=to_come) != {}

    def test_only_loads_with_a_limit_count(self) -> None:
        at = site(self.visitors(9, 60), [computer(id_) for id_ in range(1, 10)])
        assert found(at, Capacity({1: 10}, limited_engines=frozenset())).arrivals == {}

    def test_a_load_takes_as_long_as_those_of_the_visitors_images(self) -> None:
        rows = self.visitors(2, 60)
        rows[0] = rows[0]._replace(reload_minutes=20)
        assert found(site(rows, [computer(1), computer(2)])).arrival_seconds == 900

    def test_how_many_computers_users_leave_too_late(self) -> None:
        """Of 99 computers ten are left in an hour, by six in ten at the end; a load and the look take 12 minutes."""
        there = [computer(id_) for id_ in range(1, 100)]
        leaving = [row._replace(end=NOW + HOUR) for row in self.visitors(10, 60)]
        assert found(site(leaving, there)).taken == pytest.approx(0.6 * 10 / 60 * 12 / 99)
        assert found(site(self.visitors(10, 60), there)).taken == 0

    def test_a_class_that_has_begun(self) -> None:
        assert self.arrivals(self.visitors(30, 60), now=START + 60) == {}


def test_three_hundred_reservations_cost_next_to_nothing() -> None:
    rows = [reload(id_, NOW + id_ * MINUTE) for id_ in range(1, 151)]
    rows += [reservation(id_, NOW - HOUR, NOW + id_ * MINUTE) for id_ in range(151, 301)]
    at = site(rows, [computer(id_) for id_ in range(1, 2001)], block_computers=[own_block_computer(1)])
    found(at)  # which makes what the rules make as well
    durations = []
    for _ in range(9):
        begun = time.perf_counter()
        found(at)
        durations.append(time.perf_counter() - begun)
    assert min(durations) < 0.002  # a millisecond on a machine that does nothing else
