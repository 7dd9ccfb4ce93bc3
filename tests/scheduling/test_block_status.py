"""May a block time be filled, and is it to take place? To the second, and in the order of SPEC 2.2."""

import pytest

from scheduling.block_status import BlockStatus, is_expired, is_scheduled
from scheduling.vcl_names import RELOAD_USER, SYSTEM_USER

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="sqlite")]

NOW = 1_000_000
OPEN = BlockStatus(skip=False, status="accepted", end=NOW + 1, expires=NOW)


class TestOneBlockTime:
    def test_it_may_be_filled_until_the_second_of_its_expiry(self) -> None:
        assert OPEN.obstacle_to_filling(NOW) is None
        assert OPEN.obstacle_to_filling(NOW + 1) == "expired"

    def test_one_that_is_over_may_be_filled_but_is_not_to_take_place(self) -> None:
        over = OPEN._replace(end=NOW)
        assert over.obstacle_to_filling(NOW) is None
        assert over.obstacle_to_taking_place(NOW) == "over"
        assert not over.is_current_or_upcoming(NOW)

    def test_one_that_expires_this_second_is_current(self) -> None:
        assert OPEN.is_current_or_upcoming(NOW)
        assert OPEN._replace(end=NOW + 9).obstacle_to_taking_place(NOW + 1) == "expired"

    def test_the_order_of_obstacles(self) -> None:
        everything = BlockStatus(skip=True, status="deleted", end=NOW, expires=NOW - 1)
        assert everything.obstacle_to_taking_place(NOW) == everything.obstacle_to_filling(NOW) == "skipped"
        refused = everything._replace(skip=False)
        assert refused.obstacle_to_taking_place(NOW) == refused.obstacle_to_filling(NOW) == "not accepted"
        accepted = refused._replace(status="accepted")
        assert (accepted.obstacle_to_taking_place(NOW), accepted.obstacle_to_filling(NOW)) == ("over", "expired")

    def test_whatever_the_time(self) -> None:
        assert is_scheduled(skip=False, status="accepted")
        assert not is_scheduled(skip=True, status="accepted")
        assert not is_scheduled(skip=False, status="requested")

    def test_an_expiry_is_past_one_second_later(self) -> None:
        assert [is_expired(NOW, moment) for moment in (NOW - 1, NOW, NOW + 1)] == [False, False, True]


def test_users_are_named_as_vcl_names_them() -> None:
    assert (str(RELOAD_USER), str(SYSTEM_USER)) == ("vclreload@Local", "vclsystem@Local")
