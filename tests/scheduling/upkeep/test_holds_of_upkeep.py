"""Which computers keep_ready holds, and which holds it removes (SPEC 9.4)."""

from typing import Any

import pytest

from scheduling.state_ids import COMPLETE, RELOAD
from scheduling.upkeep.facts import BlockTimeFacts, WatchedComputer
from scheduling.upkeep.needs import holding, needs
from tests.support.sites.upkeep_facts import (
    IMAGE,
    LOAD,
    MINUTE,
    NOW,
    OLD_REVISION,
    OTHER_IMAGE,
    RELOAD_START,
    START,
    block_time,
    booking,
    computer,
    loaded,
    loading,
    reload,
    waiting,
)

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="sqlite")]

HOLD_FROM = RELOAD_START - 2 * MINUTE


def held_at(now: int, *block_times: BlockTimeFacts) -> tuple[set[int], set[int]]:
    """The computers that are held at `now`, and those whose hold is removed."""
    result = holding([(each, needs(each, now)) for each in block_times], now)
    return set(result.hold), set(result.remove)


def held(computer: WatchedComputer, now: int, **changes: Any) -> bool:
    """Whether the only computer of a class is held at `now`."""
    hold, remove = held_at(now, block_time(computer, **changes))
    assert not hold & remove
    return bool(hold)


def test_from_two_minutes_before_its_reload_begins() -> None:
    assert not held(waiting(), HOLD_FROM - 1)
    assert held(waiting(), HOLD_FROM)
    assert held(waiting(), RELOAD_START + MINUTE)


def test_until_the_load_ends() -> None:
    assert held(loading(), RELOAD_START + LOAD + 5 * MINUTE)
    assert held_at(START, block_time(loaded(1, held=True))) == (set(), {1})


@pytest.mark.parametrize("revision", [10, OLD_REVISION])
def test_never_with_the_image_loaded_in_any_revision(revision: int) -> None:
    """VCL's front end would send the members of the class to other classes."""
    assert not held(waiting(current_image_id=IMAGE, revision_id=revision), RELOAD_START)
    assert held_at(RELOAD_START, block_time(waiting(1, current_image_id=IMAGE, held=True))) == (set(), {1})


def test_while_it_loads_after_a_user() -> None:
    assert held(computer(state="reloading", bookings=[reload(NOW)]), NOW + MINUTE)


def test_never_while_it_is_somebodys() -> None:
    theirs = booking(RELOAD_START - MINUTE, RELOAD_START + MINUTE)
    assert held(waiting(bookings=[theirs]), RELOAD_START - MINUTE - 1)
    assert not held(waiting(bookings=[theirs]), RELOAD_START - MINUTE)
    assert not held(waiting(bookings=[theirs]), RELOAD_START + MINUTE - 1)
    assert held(waiting(bookings=[theirs]), RELOAD_START + MINUTE)


@pytest.mark.parametrize("state_id", [RELOAD, COMPLETE])
def test_what_occupies_nobody_is_nobody(state_id: int) -> None:
    theirs = booking(NOW, START, state_id=state_id, last_state_id=RELOAD, image_id=IMAGE)
    assert held(waiting(bookings=[theirs]), RELOAD_START)


def test_never_beside_the_live_row_of_somebody_else() -> None:
    assert not held(waiting(live_semaphore=True), RELOAD_START)


def test_never_what_is_lost() -> None:
    assert held_at(RELOAD_START, block_time(waiting(1, state="maintenance", held=True))) == (set(), {1})


def test_not_when_staff_have_stopped_it() -> None:
    assert held_at(RELOAD_START, block_time(waiting(1, held=True), holds_stopped=True)) == (set(), {1})
    assert held_at(RELOAD_START, block_time(waiting(1), holds_stopped=True)) == (set(), set())


def test_not_when_nothing_will_load_it() -> None:
    assert not held(computer(), RELOAD_START)


def test_a_computer_that_one_class_has_loaded_and_another_waits_for() -> None:
    """It is held for the one that waits, and its hold does not go because of the other."""
    ours = block_time(waiting(1, held=True))
    others = block_time(loaded(1, held=True, image_id=OTHER_IMAGE, current_image_id=OTHER_IMAGE))
    assert held_at(RELOAD_START, ours, others) == ({1}, set())
    assert held_at(RELOAD_START, others, ours) == ({1}, set())


def test_a_hold_that_is_not_there_is_not_removed() -> None:
    assert held_at(START, block_time(loaded(1))) == (set(), set())


def test_the_best_hope_is_held_while_it_loads() -> None:
    """Its node is silent, and it may have been given up: as long as the class has it, nobody may end its load."""
    assert held(loading(begun=NOW, node_seen=NOW - 1), START - LOAD)


def test_what_a_class_has_given_up_is_held_no_longer() -> None:
    now = RELOAD_START
    left = block_time(waiting(2))
    result = holding([(left, needs(left, now))], now, held_before={1, 2})
    assert (set(result.hold), set(result.remove)) == ({2}, {1})
