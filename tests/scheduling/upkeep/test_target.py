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


def test_other_records_say_nothing() -> None:
    assert target([allocation(15), RecordedCall("keep_ready", 4)], 20).machines == 15
