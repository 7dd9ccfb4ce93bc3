"""When a machine's reload begins and ends (SPEC 5 and 6)."""

import pytest

from scheduling.planner import make_plan
from scheduling.reload_plan import Window, adopted, is_late, stagger, staggered
from tests.support.sites.facts import MINUTE, START, block, computer, site

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="mariadb")]


def test_a_reload_begins_load_time_and_ten_minutes_before_the_block() -> None:
    assert staggered(START, 300, 0) == Window(START - 300 - 10 * MINUTE, START)


@pytest.mark.parametrize(("load", "seconds"), [(0, 60), (839, 60), (840, 60), (841, 120), (1799, 120)])
def test_the_step_is_a_minute_and_two_for_loads_above_fourteen_minutes(load: int, seconds: int) -> None:
    assert stagger(load) == seconds
    begins = [staggered(START, load, allocated).start for allocated in range(3)]
    assert [begins[0] - begin for begin in begins] == [0, seconds, 2 * seconds]


def test_every_reload_ends_when_the_block_starts() -> None:
    assert {staggered(START, 900, allocated).end for allocated in range(5)} == {START}


@pytest.mark.parametrize(
    ("reservation_start", "end"), [(START - 60, START - 60), (START, START), (START + 3600, START)]
)
def test_an_adopted_reload_ends_at_the_earlier_start_and_has_five_minutes(reservation_start: int, end: int) -> None:
    assert adopted(START, reservation_start, 300) == Window(end - 300 - 5 * MINUTE, end)


def test_it_is_late_when_the_loads_one_by_one_do_not_end_before_the_start() -> None:
    load, machines = 600, 3
    now = START - (load + 10 * MINUTE + 3 * MINUTE)
    assert not is_late(now, START, load, machines)
    assert is_late(now + 1, START, load, machines)
    assert is_late(now, START, load, machines + 1)


def test_the_plan_staggers_the_reloads() -> None:
    result = make_plan(site([computer(id_) for id_ in range(1, 5)], load_seconds=900), block(3), ignore_privileges=True)
    assert [START - machine.reload.start for machine in result.machines] == [1500, 1620, 1740]
    assert {machine.reload.end for machine in result.machines} == {START}


def test_late_counts_the_machines_that_are_missing_when_the_call_begins() -> None:
    """Two machines are wanted, one is available: both count."""
    close = START - (600 + 10 * MINUTE + 2 * MINUTE)
    assert not make_plan(site([computer(1)], now=close), block(2), ignore_privileges=True).late
    assert make_plan(site([computer(1)], now=close + 1), block(2), ignore_privileges=True).late


def test_a_block_that_has_begun_is_still_served_and_late() -> None:
    result = make_plan(site([computer(1)], now=START + 60), block(1), ignore_privileges=True)
    assert result.late
    assert result.machines[0].reload == Window(START - 20 * MINUTE, START)
