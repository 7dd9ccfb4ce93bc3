"""Which computers of a class are released first."""

from typing import Any

import pytest

from scheduling.ready_computer import BlockFacts, ComputerFacts
from scheduling.state_ids import PENDING, RELOAD
from scheduling.upkeep.condition import Condition, condition
from scheduling.upkeep.facts import BlockTimeFacts, Booking, WatchedComputer
from scheduling.upkeep.releasing import is_free, is_in_use, least_missed
from scheduling.upkeep.target import Target
from scheduling.windows import HOUR, MINUTE

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="sqlite")]

START = 100 * HOUR
NOW = START - 30 * MINUTE
BLOCK = BlockFacts(START, START + 2 * HOUR, True, False, "accepted", START + 9 * HOUR, 4, (1,), 8 * MINUTE)
CLASS = BlockTimeFacts(10, "CS101", BLOCK, Target(4, ignore_privileges=True), 20 * MINUTE, ())
LOADED: dict[str, Any] = {"current_image_id": 1, "revision_id": 12}


def judged(name: str, *, member: bool = False, semaphore: bool = False, **facts: Any) -> Condition:
    """The condition of a computer half an hour before the start."""
    base = ComputerFacts(int(name[1:]), name, 1, 12, "available", False, 2, 22)
    booking = Booking(500, 3, 3, NOW - HOUR, START + HOUR, 1, is_member=True)
    computer = WatchedComputer(
        base._replace(**facts), 7, 1, "n1", NOW, [booking] if member else [], live_semaphore=semaphore
    )
    return condition(computer, CLASS, NOW)


def waiting(name: str, begins: int, **more: Any) -> Condition:
    return judged(name, reload_state=RELOAD, reload_last_state=RELOAD, reload_start=begins, **more)


def test_the_ones_to_be_loaded_last_go_first_and_those_in_use_at_the_end() -> None:
    used = judged("c1", member=True, **LOADED)
    reserved = judged("c2", semaphore=True, **LOADED)
    failed = judged("c3", state="failed")
    loaded = judged("c4", **LOADED)
    loading = judged("c5", state="reloading", reload_state=PENDING, reload_last_state=RELOAD, reload_start=NOW - 60)
    soon, late = waiting("c6", NOW + 5 * MINUTE), waiting("c7", NOW + 20 * MINUTE)
    found = least_missed([used, reserved, failed, loaded, loading, soon, late])
    assert [each.hostname for each in found] == ["c7", "c6", "c5", "c4", "c3", "c2", "c1"]
    assert [is_free(each) for each in found] == [True] * 5 + [False] * 2


def test_in_use_is_what_somebody_uses_now() -> None:
    assert is_in_use(judged("c1", state="inuse", has_user=True, **LOADED))
    assert not is_in_use(waiting("c1", NOW + MINUTE, member=True))


def test_a_member_who_is_to_come_keeps_the_computer() -> None:
    assert not is_free(waiting("c1", NOW + MINUTE, member=True))
