"""What is to be let go of a block time, by its rows and by how far the clock may be trusted (SPEC 9.5)."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from scheduling.upkeep.leftovers import LeftBlockTime, Leftover, LeftReload, leftovers, orphaned_reloads
from scheduling.upkeep.trust import Trust
from scheduling.windows import HOUR, MINUTE

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="sqlite")]

END = 1_800_000_000
NINE = datetime(2026, 3, 2, 9, 0)
SURE = Trust(evidence=True, ended=True)
UNPROVED = Trust(evidence=True)
NO_EVIDENCE = Trust()
DOUBT = Trust("the zone is wrong")


def block_time(**more: Any) -> LeftBlockTime:
    """An accepted class of two hours to nine o'clock, with four computers."""
    usual = LeftBlockTime(7, END - 2 * HOUR, END, END, NINE, skip=False, status="accepted", processed=True, computers=4)
    return usual._replace(**more)


def reload(start: int, preload: int = 1, **more: Any) -> LeftReload:
    return LeftReload(7, 70, 700, "c1", start, preload, **more)


def left(time: LeftBlockTime, now: int, trust: Trust = SURE) -> Leftover | None:
    return next(iter(leftovers([time], [], now, trust)), None)


@pytest.mark.parametrize("trust", [SURE, UNPROVED, NO_EVIDENCE, DOUBT])
def test_a_class_that_takes_place_is_left_alone(trust: Trust) -> None:
    for now in (END - 30 * HOUR, END - HOUR, END - 1):
        assert left(block_time(), now, trust) is None


class TestOver:
    """A block time whose end has come."""

    def test_its_computers_go_in_the_first_look_after_its_end(self) -> None:
        assert left(block_time(), END) == Leftover(7, why="it is over", is_over=True)
        assert left(block_time(computers=0), END) is None

    def test_the_block_time_itself_goes_a_quarter_of_an_hour_later(self) -> None:
        for computers in (0, 4):
            early, late = (left(block_time(computers=computers), END + 15 * MINUTE + each) for each in (0, 1))
            assert early is None or not early.deletes
            assert late is not None
            assert late.deletes

    def test_a_skipped_one_goes_too(self) -> None:
        gone = left(block_time(skip=True, computers=0), END + HOUR)
        assert gone is not None
        assert gone.deletes

    @pytest.mark.parametrize("trust", [UNPROVED, NO_EVIDENCE, DOUBT])
    def test_not_while_that_is_uncertain(self, trust: Trust) -> None:
        assert left(block_time(), END + HOUR, trust) is None

    @pytest.mark.parametrize(("after", "gone"), [(-1, False), (0, True), (60, True)])
    def test_by_a_row_that_vcl_has_written_since(self, after: int, gone: bool) -> None:
        trust = UNPROVED._replace(newest=NINE + timedelta(seconds=after))
        assert (left(block_time(), END + 20 * MINUTE, trust) is not None) == gone

    def test_not_by_such_a_row_without_evidence(self) -> None:
        assert left(block_time(), END + 20 * MINUTE, Trust(newest=NINE + timedelta(hours=1))) is None

    def test_the_later_end_counts_in_an_hour_that_comes_twice(self) -> None:
        twice = block_time(over=END + HOUR)
        assert left(twice, END + HOUR - 1) is None
        assert left(twice, END + HOUR) is not None

    def test_times_that_cannot_be_say_nothing(self) -> None:
        assert left(block_time(end=0, over=0, wall_end=None), END) is None
        assert left(block_time(start=END + 1), END + HOUR) is None


class TestNotToTakePlace:
    """A block time that is skipped, or whose request is not accepted."""

    @pytest.mark.parametrize(
        ("time", "why"),
        [
            (block_time(skip=True), "it is skipped"),
            (block_time(status="deleted"), "its block request is deleted"),
            (block_time(status="rejected"), "its block request is rejected"),
            (block_time(status="completed"), "its block request is completed"),
        ],
    )
    @pytest.mark.parametrize("trust", [SURE, UNPROVED])
    def test_its_computers_go_whatever_the_clock_shows(self, time: LeftBlockTime, why: str, trust: Trust) -> None:
        assert left(time, END - 30 * HOUR, trust) == Leftover(7, why=why)
        assert left(time._replace(computers=0), END - 30 * HOUR, trust) is None

    @pytest.mark.parametrize("trust", [NO_EVIDENCE, DOUBT])
    def test_not_without_evidence(self, trust: Trust) -> None:
        assert left(block_time(skip=True), END - 30 * HOUR, trust) is None

    def test_nothing_is_taken_from_a_running_class_whose_request_has_expired(self) -> None:
        assert left(block_time(status="completed"), END - HOUR) is None
        assert left(block_time(status="completed"), END) is not None
        assert left(block_time(status="deleted"), END - HOUR) is not None

    @pytest.mark.parametrize("trust", [SURE, UNPROVED, NO_EVIDENCE])
    @pytest.mark.parametrize("time", [block_time(skip=True), block_time(status="deleted")])
    def test_it_is_marked_from_two_minutes_before_its_end(self, time: LeftBlockTime, trust: Trust) -> None:
        open_ = time._replace(processed=False, computers=0)
        assert left(open_, END - 121, trust) is None
        for now in (END - 120, END, END + 30):
            assert left(open_, now, trust) in (Leftover(7, marks=True), Leftover(7, marks=True, is_over=True))
        assert left(open_._replace(processed=True), END - 120, trust) is None

    def test_it_is_not_marked_in_doubt(self) -> None:
        assert left(block_time(skip=True, processed=False), END, DOUBT) is None


class TestReloads:
    """Reloads that wait."""

    @pytest.mark.parametrize(("preload", "ahead", "gone"), [(1, 60, False), (1, 61, True), (0, 2160, False),
                                                             (0, 2161, True)])  # fmt: skip
    def test_ours_without_a_block_computer_go_while_nobody_can_have_read_them(
        self, preload: int, ahead: int, gone: bool
    ) -> None:
        orphan = reload(END + ahead, preload, is_orphaned=True)
        assert bool(orphaned_reloads([orphan], END, UNPROVED)) == gone
        assert orphaned_reloads([orphan], END, NO_EVIDENCE) == orphaned_reloads([orphan], END, DOUBT) == []
        assert leftovers([], [orphan], END, SURE) == []

    @pytest.mark.parametrize("trust", [SURE, NO_EVIDENCE])
    def test_those_with_preload_0_are_kept_until_their_start(self, trust: Trust) -> None:
        soon, later = reload(END + 36 * MINUTE, preload=0), reload(END + HOUR, preload=0)
        assert leftovers([], [soon, later], END, trust) == [Leftover(7, early=[later])]
        assert leftovers([], [soon], END, trust) == leftovers([], [later], END, DOUBT) == []
        assert orphaned_reloads([soon, later], END, trust) == []


def test_all_that_is_to_be_done_about_a_block_time_comes_together() -> None:
    skipped = block_time(id=3, skip=True, processed=False)
    both = leftovers([block_time(), skipped], [reload(END + HOUR, preload=0)], END, SURE)
    assert [each.block_time_id for each in both] == [3, 7]
    assert (both[0].why, both[0].marks) == ("it is over", True)
    assert (both[1].why, len(both[1].early)) == ("it is over", 1)
