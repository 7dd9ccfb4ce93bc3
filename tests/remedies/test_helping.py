"""What would help a class: each remedy brings what it says, and none is offered that brings nothing."""

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from blockalloc.allocation import block_time_actions
from blockalloc.contract.messages import Caller
from blockalloc.models import BlockComputer, Decision
from blockalloc.remedies import helping
from blockalloc.remedies.kinds import Help, Kind, Remedy
from blockalloc.upkeep import releasing, staff
from tests.golden import tables
from tests.support.sites.back_end_stage import HOUR, IMAGE, MINUTE
from tests.support.sites.morning import END, START
from tests.support.sites.still_morning import (
    CLASS,
    FAILED_STATE,
    MAINTENANCE,
    StillMorning,
    past_loads,
    still_morning,
)

pytestmark = [pytest.mark.django_db(transaction=True)]

ANNA = Caller(3, "vclsystem@Local", "10.0.0.7", "admin", "anna@Local")
EXAM, AVAILABLE = 40, 2


def help_for(site: StillMorning, block_time: int = CLASS, *, seconds: float = 60, is_thorough: bool = False) -> Help:
    found = helping.of_class(block_time, ANNA, site.now, seconds=seconds, is_thorough=is_thorough)
    assert found is not None
    return found


def remedies(site: StillMorning, *, is_thorough: bool = False) -> list[tuple[Kind, int]]:
    return [(each.kind, each.machines) for each in help_for(site, is_thorough=is_thorough).remedies]


def the(site: StillMorning, kind: Kind) -> Remedy:
    (remedy,) = (each for each in help_for(site).remedies if each.kind is kind)
    return remedy


def machines() -> int:
    return BlockComputer.objects.filter(blockTime=CLASS).count()


def exam(site: StillMorning, *computers: int, begins: int, ends: int = END, wanted: int | None = None) -> None:
    """An exam with these computers, all loaded."""
    site.block_time(EXAM, begins, ends, name="CS420 exam", numMachines=len(computers) if wanted is None else wanted)
    site.add_block_computers(EXAM, *computers)
    for computer in computers:
        site.set(computer, currentimageid=IMAGE, imagerevisionid=IMAGE)


@pytest.fixture
def site() -> Iterator[StillMorning]:
    """Eight computers, 10 to 17; the class wants four."""
    with still_morning("13:00") as stage:
        yield stage


class TestAtOnce:
    def test_a_class_that_has_all_needs_no_help(self, site: StillMorning) -> None:
        site.allocate()
        assert help_for(site) == Help(wanted=4, has=4)

    def test_what_failed_is_replaced(self, site: StillMorning) -> None:
        site.allocate()
        site.set(10, stateid=MAINTENANCE)
        found = help_for(site)
        (remedy,) = found.remedies
        assert (found.has, remedy.kind, remedy.machines) == (3, Kind.PUT_RIGHT, 1)
        assert remedy.words == "replace 1 computer that will not be ready"
        staff.put_right(CLASS, ANNA)
        assert help_for(site) == Help(wanted=4, has=4)

    def test_what_is_missing_is_taken(self, site: StillMorning) -> None:
        site.allocate()
        site.send("DELETE FROM blockComputers WHERE computerid IN (10, 11)")
        site.send("DELETE FROM reservation WHERE computerid IN (10, 11)")
        (remedy,) = help_for(site).remedies
        assert (remedy.kind, remedy.machines, remedy.words) == (
            Kind.PUT_RIGHT,
            2,
            "take 2 more computers that are free now",
        )

    def test_days_ahead_it_says_who_has_to_stand_back(self, site: StillMorning) -> None:
        site.send("UPDATE blockTimes SET start = '2026-12-04 09:00:00', `end` = '2026-12-04 11:00:00', processed = 0")
        (remedy,) = help_for(site).remedies
        assert (remedy.kind, remedy.machines) == (Kind.PUT_RIGHT, 4)
        ahead = "ahead of its turn: classes that are asked for later get what is left"
        assert remedy.words == f"take 4 computers that are free now, {ahead}"

    def test_both_are_one_remedy(self, site: StillMorning) -> None:
        site.allocate()
        site.set(12, stateid=MAINTENANCE)
        site.send("DELETE FROM blockComputers WHERE computerid = 10")
        site.send("DELETE FROM reservation WHERE computerid = 10")
        (remedy,) = help_for(site).remedies
        assert remedy.words == "replace 1 computer that will not be ready and take 1 more computer that is free now"
        assert remedy.machines == 2

    @pytest.mark.parametrize("is_all", [True, False])
    def test_what_was_released_is_allocated_again(self, site: StillMorning, is_all: bool) -> None:
        site.allocate()
        if is_all:
            block_time_actions.release_block_time(CLASS, ANNA, "closed")
        else:
            releasing.release_some(CLASS, {10}, (), ANNA, "closed")
        (remedy,) = help_for(site).remedies
        assert (remedy.kind, remedy.machines) == (Kind.ALLOCATE, 4 if is_all else 1)
        assert site.allocate() == 4

    def test_nothing_is_written(self, site: StillMorning) -> None:
        site.allocate()
        site.set(10, stateid=MAINTENANCE)
        before, records = tables.read(), Decision.objects.count()
        help_for(site, is_thorough=True)
        assert (tables.read(), Decision.objects.count()) == (before, records)


class TestBackInService:
    def test_no_more_computers_than_are_needed(self, site: StillMorning) -> None:
        for computer in range(12, 18):
            site.set(computer, stateid=MAINTENANCE)
        assert site.allocate() == 2
        remedy = the(site, Kind.SERVICE)
        assert (remedy.machines, len(remedy.computers)) == (2, 2)
        for each in remedy.computers:
            site.set(each.id, stateid=AVAILABLE)
        assert site.allocate() == 4

    def test_its_own_computers_count(self, site: StillMorning) -> None:
        site.allocate()
        for computer in range(10, 18):
            site.set(computer, stateid=FAILED_STATE if computer == 10 else MAINTENANCE)
        remedy = the(site, Kind.SERVICE)
        assert remedy.machines == 4
        assert [each.state for each in remedy.computers] == ["failed", *["maintenance"] * 3]

    def test_one_that_would_not_fit_is_not_named(self, site: StillMorning) -> None:
        for computer in range(13, 18):
            site.set(computer, stateid=MAINTENANCE, RAM=1)
        site.allocate()
        assert remedies(site) == [(Kind.FEWER, 0)]


class TestOtherClasses:
    def test_one_that_is_on_and_not_used_can_spare_some(self, site: StillMorning) -> None:
        exam(site, *range(11, 18), begins=site.now - 40 * MINUTE)
        assert site.allocate() == 1
        remedy = the(site, Kind.IDLE)
        assert remedy.other == (EXAM, "CS420 exam", 7, 0, site.now - 40 * MINUTE)
        assert (remedy.machines, len(remedy.computers)) == (3, 3)
        releasing.release_some(EXAM, {each.id for each in remedy.computers}, (), ANNA, "not used")
        assert site.allocate() == 4
        assert len(site.block_computers(EXAM)) == 4

    def test_computers_in_use_stay(self, site: StillMorning) -> None:
        exam(site, *range(11, 18), begins=site.now - 40 * MINUTE)
        for computer in range(11, 17):
            site.use(computer, site.now - 30 * MINUTE, END)
        site.allocate()
        remedy = the(site, Kind.IDLE)
        assert (remedy.machines, [each.hostname for each in remedy.computers]) == (1, ["c17"])
        assert remedy.other is not None
        assert remedy.other.in_use == 6

    @pytest.mark.parametrize("begins", [-10 * MINUTE, 10 * MINUTE])
    def test_one_that_has_hardly_begun_or_is_to_come_keeps_all(self, site: StillMorning, begins: int) -> None:
        exam(site, *range(11, 18), begins=site.now + begins)
        site.allocate()
        assert remedies(site) == [(Kind.FEWER, 0)]

    def test_the_rows_of_one_that_does_not_take_place_are_of_no_use_to_it(self, site: StillMorning) -> None:
        exam(site, *range(11, 18), begins=START)
        site.send("UPDATE blockTimes SET skip = 1 WHERE id = %s", EXAM)
        site.allocate()
        assert (machines(), remedies(site)) == (1, [(Kind.LEFT_OVER, 3), (Kind.FEWER, 0)])
        block_time_actions.release_block_time(EXAM, ANNA, "left over")
        assert site.allocate() == 4

    def test_what_the_class_gets_without_a_release_is_no_gain(self, settings: Settings) -> None:
        """Under policy `ready` computers that are free five minutes before the start are taken, if only as the last."""
        settings.VCL_RELOAD_POLICY = "ready"
        with still_morning("13:00") as site:
            site.send("UPDATE blockRequest SET numMachines = 9")
            exam(site, *range(11, 18), begins=site.now - 40 * MINUTE, ends=START - 5 * MINUTE)
            assert remedies(site) == [(Kind.PUT_RIGHT, 8), (Kind.FEWER, 0)]
            assert site.allocate() == 8

    def test_one_of_other_hours_is_not_in_the_way(self, site: StillMorning) -> None:
        exam(site, *range(11, 18), begins=site.now - 3 * HOUR, ends=site.now - HOUR)
        assert site.allocate() == 4


class TestLeftBehind:
    def test_reloads_of_an_edited_class(self, site: StillMorning) -> None:
        """VCL's edit of a series deletes the computers of its classes, and leaves the reloads."""
        site.block_time(EXAM, START, END, numMachines=7)
        assert site.allocate(block_time=EXAM) == 7
        site.send("DELETE FROM blockComputers WHERE blockTimeid = %s", EXAM)
        site.allocate()
        remedy = the(site, Kind.RELOADS)
        assert (machines(), remedy.machines) == (1, 3)
        assert remedy.words == "withdraw 3 reloads that an edited class has left behind"

    def test_spares_of_a_class_that_has_all(self, settings: Settings) -> None:
        settings.VCL_RELOAD_POLICY, settings.VCL_SPARES = "ready", "auto"
        with still_morning(computers=10) as site:
            past_loads(loaded=42, failed=6)
            assert site.allocate() == 4
            site.block_time(EXAM, START, END, numMachines=6)
            assert site.allocate(block_time=EXAM) == 4
            (remedy,) = (each for each in help_for(site, EXAM).remedies if each.kind is Kind.SPARES)
            assert remedy.other is not None
            assert (remedy.machines, remedy.other.block_time_id) == (2, CLASS)
            releasing.release_some(CLASS, {each.id for each in remedy.computers}, (), ANNA, "needed elsewhere")
            assert Decision.objects.latest("pk").spares == -2
            assert Decision.objects.latest("pk").wanted == 4
            assert site.allocate(block_time=EXAM) == 6


class TestMore:
    def test_privileges(self, site: StillMorning) -> None:
        assert site.allocate(ignore=False) == 0
        assert (Kind.PRIVILEGES, 4) in remedies(site)
        assert site.allocate(ignore=True) == 4

    def test_a_later_start(self, site: StillMorning) -> None:
        exam(site, *range(11, 18), begins=site.now + MINUTE, ends=END - HOUR)
        site.allocate()
        found = help_for(site, is_thorough=True).remedies
        (later,) = (each for each in found if each.kind is Kind.LATER)
        assert (later.machines, later.words, later.start > START) == (3, "all 4 machines", True)
        assert [each.kind for each in found] == [Kind.LATER, Kind.FEWER]

    def test_a_later_start_takes_nothing_from_a_class_that_has_no_computers_yet(self, site: StillMorning) -> None:
        exam(site, *range(11, 18), begins=site.now + MINUTE, ends=END - HOUR)
        site.allocate()
        site.block_time(41, END - 20 * MINUTE, END + 6 * HOUR, numMachines=8)
        found = help_for(site, is_thorough=True).remedies
        assert [each.kind for each in found] == [Kind.FEWER]

    def test_a_class_that_is_on_begins_no_later(self, site: StillMorning) -> None:
        exam(site, *range(11, 18), begins=START)
        site.allocate()
        site.go("14:05")
        assert not {Kind.LATER, Kind.FEWER} & {kind for kind, _ in remedies(site, is_thorough=True)}

    def test_without_time_nothing_dear_is_tried(self, site: StillMorning) -> None:
        for computer in range(12, 18):
            site.set(computer, stateid=MAINTENANCE)
        site.allocate()
        found = help_for(site, seconds=0, is_thorough=True)
        assert [each.kind for each in found.remedies] == [Kind.FEWER]
        assert not found.is_complete

    def test_the_least_harmful_comes_first(self, site: StillMorning) -> None:
        site.allocate()
        site.set(10, stateid=MAINTENANCE)
        exam(site, *range(14, 17), begins=site.now - 40 * MINUTE)
        site.set(11, stateid=MAINTENANCE)
        kinds = [kind for kind, _ in remedies(site)]
        assert kinds == [Kind.PUT_RIGHT, Kind.IDLE, Kind.SERVICE, Kind.FEWER], "a button before a way to the machine"


class TestNothingCanBeDone:
    def test_a_class_that_is_gone_over_or_skipped(self, site: StillMorning) -> None:
        assert helping.of_class(99, ANNA, site.now, seconds=1) is None
        site.send("UPDATE blockTimes SET skip = 1 WHERE id = %s", CLASS)
        assert helping.of_class(CLASS, ANNA, site.now, seconds=1) is None

    def test_in_its_second_half_it_is_too_late(self, site: StillMorning) -> None:
        site.allocate()
        site.go("15:10")
        found = help_for(site)
        assert "after the middle of the class" in found.obstacle
        assert found.remedies == ()

    def test_a_refusal_is_the_obstacle(self, site: StillMorning) -> None:
        site.send("UPDATE imagerevision SET production = 0")
        found = help_for(site)
        assert "no production revision" in found.obstacle
