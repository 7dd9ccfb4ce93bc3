"""How many machines a block time is to have, by the calls on record (SPEC 9.1)."""

import pytest

from scheduling.upkeep.target import RecordedCall, Target, target

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="sqlite")]

RELEASE, SKIP, UNSKIP = RecordedCall("release"), RecordedCall("skip"), RecordedCall("unskip")
NOTHING = Target(0, ignore_privileges=True, is_released=True)


def allocation(machines: int, *, ignore: bool = True) -> RecordedCall:
    """An allocation of so many machines."""
    return RecordedCall("allocate", machines, ignore)


def test_without_a_record_all_machines_of_the_request_and_any_computer() -> None:
    assert target([], 20) == Target(20, ignore_privileges=True)


def test_the_last_allocation_counts() -> None:
    assert target([allocation(20), allocation(15, ignore=False)], 20) == Target(15, ignore_privileges=False)
    assert target([allocation(15, ignore=False), allocation(20)], 20) == Target(20, ignore_privileges=True)


def test_fifteen_of_twenty_stay_fifteen() -> None:
    assert target([allocation(15)], 20).machines == 15


def test_never_more_than_the_request_wants_now() -> None:
    assert target([allocation(20)], 15).machines == 15


def test_released_stays_released_until_somebody_allocates() -> None:
    assert target([allocation(20), RELEASE], 20) == NOTHING
    assert target([allocation(20), RELEASE, allocation(3)], 20) == Target(3, ignore_privileges=True)


def test_a_release_without_an_allocation_on_record() -> None:
    assert target([RELEASE], 20) == NOTHING


def test_what_takes_place_after_all_is_to_have_all_again() -> None:
    assert target([allocation(15, ignore=False), SKIP], 20) == NOTHING
    assert target([allocation(15, ignore=False), SKIP, UNSKIP], 20) == Target(20, ignore_privileges=True)
    assert target([RELEASE, SKIP, UNSKIP, RELEASE], 20) == NOTHING


def some(left: int, spares: int = 0) -> RecordedCall:
    """A release that left so many machines."""
    return RecordedCall("release some", left, spares=spares)


def test_after_a_release_of_some_it_is_to_have_what_is_left() -> None:
    assert target([some(17)], 20) == Target(17, ignore_privileges=True)
    assert target([allocation(20, ignore=False), some(17)], 20) == Target(17, ignore_privileges=False)
    assert target([allocation(20), some(17), some(12)], 20).machines == 12
    assert target([allocation(15), some(17)], 20).machines == 15, "it never raises the number"


def test_after_that_an_allocation_or_an_unskip_counts() -> None:
    assert target([some(17), allocation(20)], 20).machines == 20
    assert target([some(17), RELEASE], 20) == NOTHING
    assert target([some(17), SKIP, UNSKIP], 20).machines == 20


def test_a_release_of_some_that_leaves_none_is_a_release() -> None:
    assert target([allocation(20), some(0)], 20) == NOTHING


def test_a_release_of_some_may_take_spares() -> None:
    assert target([RecordedCall("allocate", 20, spares=3), some(20, spares=-2)], 20).spares == 1
    assert target([RecordedCall("allocate", 20, spares=3), some(18, spares=-3)], 20).spares == 0


def test_other_records_say_nothing() -> None:
    assert target([allocation(15), RecordedCall("keep_ready", 4)], 20).machines == 15
