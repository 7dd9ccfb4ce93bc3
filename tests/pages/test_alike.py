"""Computers to which the same happens are one line."""

import pytest

from blockalloc.pages.alike import changes, effects
from blockalloc.upkeep.proposals import Proposal

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="sqlite")]

HOUR = 3600


def take(computer: int, clock: str, begins: int) -> Proposal:
    return Proposal(computer, f"c{computer}", "take", f"its load begins at {clock}", begins)


def test_loads_are_by_instant_and_not_by_the_clock() -> None:
    """From before midnight to after it."""
    (change,) = changes([take(1, "00:10", 24 * HOUR + 600), take(2, "23:50", 24 * HOUR - 600)])
    assert change.why == "their loads begin from 23:50 to 00:10"
    assert [each.computer_id for each in change.computers] == [1, 2]


def test_loads_that_begin_at_the_same_time() -> None:
    (change,) = changes([take(1, "09:00", HOUR), take(2, "09:00", HOUR + 30)])
    assert change.why == "their loads begin at 09:00"


def test_what_differs_is_not_one_line() -> None:
    found = changes([take(1, "09:00", HOUR), Proposal(2, "c2", "take", "it has the image already")])
    assert [each.why for each in found] == ["its load begins at 09:00", "it has the image already"]


@pytest.mark.parametrize(("number", "said"), [(1, "its load continues"), (2, "their loads continue")])
def test_an_effect_is_said_of_as_many_as_there_are(number: int, said: str) -> None:
    ((what, hostnames),) = effects((f"c{each}", "its load continues") for each in range(number))
    assert (what, len(hostnames)) == (said, number)
