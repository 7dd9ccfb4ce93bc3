"""keep_ready and spares: what it gives back, and when; what it does not exchange."""

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from blockalloc.models import BlockTime, ClassHeld, Decision, Watch
from blockalloc.reports.readiness import read
from tests.support.sites.back_end_stage import IMAGE, at
from tests.support.sites.morning import END, START
from tests.support.sites.still_morning import CLASS, StillMorning, past_loads, still_morning

pytestmark = [pytest.mark.django_db(transaction=True)]
OTHER = 20  # another class at the same hours


@pytest.fixture
def site(settings: Settings) -> Iterator[StillMorning]:
    """At nine the class of four has got its computers 10 to 13, and the spares 14 and 15; 16 to 19 are free.

    One load in eight has failed, and keep_ready has not run lately: nothing would have made up for it.
    """
    settings.VCL_RELOAD_POLICY, settings.VCL_SPARES = "ready", "auto"
    with still_morning(computers=10) as stage:
        past_loads(loaded=42, failed=6)
        assert stage.allocate() == 4
        assert sorted(stage.named_reloads()) == [10, 11, 12, 13, 14, 15]
        yield stage


def load(site: StillMorning, *computers: int) -> None:
    """Their loads are done: the back end has deleted the reloads."""
    for computer in computers:
        site.set(computer, currentimageid=IMAGE, imagerevisionid=IMAGE)
        request = site.named_reloads()[computer]
        site.send("DELETE FROM reservation WHERE requestid = %s", request)
        site.send("DELETE FROM request WHERE id = %s", request)


def looks(site: StillMorning, since: str, until: str) -> list[str]:
    """A look each minute; what was done."""
    before = len(site.done)
    for minute in range(at(since) // 60, at(until) // 60 + 1):
        site.go(_clock(minute))
        site.look()
    return site.done[before:]


def _clock(minute: int) -> str:
    hours, minutes = divmod(minute - at("00:00") // 60, 60)
    return f"{hours:02}:{minutes:02}"


class TestGivenBack:
    def test_when_the_class_has_been_complete_for_fifteen_minutes(self, site: StillMorning) -> None:
        load(site, 10, 11, 12, 13)
        waiting = {site.named_reloads()[computer] for computer in (14, 15)}
        assert looks(site, "09:10", "09:24") == []
        assert len(site.named_reloads()) == 6
        (done,) = looks(site, "09:25", "09:25")
        assert done.startswith("2 spares given back, because the class has been complete for 15 minutes: ")
        assert sorted(site.named_reloads()) == [10, 11, 12, 13]
        assert not waiting & set(site.reloads().values()), "their reloads are withdrawn"
        assert Watch.objects.get(pk=CLASS).complete_since is not None

    def test_it_is_on_record(self, site: StillMorning) -> None:
        load(site, 10, 11, 12, 13)
        looks(site, "09:10", "09:25")
        record = Decision.objects.filter(action=Decision.KEEP_READY).latest("pk")
        assert (record.outcome, record.spares, record.block_time_id) == (Decision.DONE, -2, CLASS)
        assert (record.wanted, record.allocated) == (4, 4)

    def test_a_class_that_loses_a_computer_later_is_not_said_to_be_held_back(self, site: StillMorning) -> None:
        load(site, 10, 11, 12, 13)
        looks(site, "09:10", "09:25")
        site.send("DELETE FROM blockComputers WHERE computerid = 10")
        (row,) = read(BlockTime.objects.filter(pk=CLASS), site.now)
        assert "1 of 4 machines missing" in str(row.readiness.signal)
        assert "given back" not in str(row.readiness.signal)

    def test_then_nothing_more_is_done(self, site: StillMorning) -> None:
        load(site, 10, 11, 12, 13)
        looks(site, "09:10", "09:25")
        assert looks(site, "09:26", "09:50") == []
        assert Watch.objects.get(pk=CLASS).complete_since is None

    def test_not_fifteen_minutes_after_a_computer_failed_in_between(self, site: StillMorning) -> None:
        load(site, 10, 11, 12, 13)
        looks(site, "09:10", "09:20")
        site.fail(12)
        (done,) = looks(site, "09:21", "09:21")
        assert "given up: " in done
        assert "taken: " not in done, "a spare makes up for it"
        load(site, 14)
        assert looks(site, "09:22", "09:36") == []
        assert sorted(site.named_reloads()) == [10, 11, 13, 14, 15]
        (done,) = looks(site, "09:37", "09:37")
        assert done.startswith("1 spare given back")
        assert sorted(site.named_reloads()) == [10, 11, 13, 14]

    def test_not_fifteen_minutes_after_a_time_without_looks(self, site: StillMorning) -> None:
        load(site, 10, 11, 12, 13)
        looks(site, "09:10", "09:12")
        assert looks(site, "09:40", "09:54") == []
        assert len(looks(site, "09:55", "09:55")) == 1

    def test_of_spares_that_are_loaded_those_chosen_last_go(self, site: StillMorning) -> None:
        load(site, *range(10, 16))
        assert len(looks(site, "09:10", "09:25")) == 1
        assert sorted(site.named_reloads()) == [10, 11, 12, 13]

    def test_after_the_start_too(self, site: StillMorning) -> None:
        load(site, *range(10, 16))
        for computer in range(10, 14):
            site.user(computer, start=at("13:55"), end=END, state=8)
            site.set(computer, stateid=8)
        (done,) = looks(site, "13:50", "14:10")
        assert done.startswith("2 spares given back")
        assert sorted(site.named_reloads()) == [10, 11, 12, 13]

    def test_a_spare_whose_load_is_at_work_is_held_no_longer(self, site: StillMorning) -> None:
        load(site, 10, 11, 12, 13)
        for computer in (14, 15):
            request = site.named_reloads()[computer]
            site.send("UPDATE request SET stateid = 14, start = '2026-03-02 09:10:00' WHERE id = %s", request)
            site.set(computer, stateid=7)
        looks(site, "09:11", "09:20")
        held = {computer for computer, owner in site.semaphores() if "keep" in owner or "held" in owner}
        assert {14, 15} <= held
        looks(site, "09:21", "09:26")
        assert sorted(site.named_reloads()) == [10, 11, 12, 13]
        assert not {computer for computer, _ in site.semaphores()} & {14, 15}

    def test_nothing_is_given_back_that_nobody_took_as_a_spare(self, site: StillMorning) -> None:
        """Somebody asks for fewer machines than the class has."""
        Decision.objects.all().delete()
        assert site.allocate(machines=2) == 2
        load(site, *range(10, 16))
        assert looks(site, "09:10", "09:40") == []
        assert len(site.named_reloads()) == 6


class TestForAnotherClass:
    def test_spares_go_to_a_class_that_is_short(self, site: StillMorning) -> None:
        site.block_time(OTHER, START, END)
        site.send("UPDATE blockRequest SET numMachines = 6, expireTime = '2026-03-02 23:59:59' WHERE id <> 10")
        assert site.allocate(block_time=OTHER) == 4
        done = looks(site, "09:10", "09:20")
        assert any("given back, because block time 20 has too few computers" in text for text in done)
        assert len(site.named_reloads()) == 4
        assert len(site.named_reloads(OTHER)) == 6


class TestWhatIsSaid:
    def test_pages_count_no_spares(self, site: StillMorning) -> None:
        load(site, *range(10, 16))
        site.look_at("09:10")
        (row,) = read(BlockTime.objects.filter(pk=CLASS), site.now)
        ready = row.readiness
        assert (ready.allocated, ready.wanted, ready.ready, ready.numbers.spares) == (4, 4, 4, 2)
        assert str(ready.signal) == "all 4 machines ready"

    def test_a_spare_that_failed_is_no_alarm(self, site: StillMorning) -> None:
        load(site, *range(10, 15))
        site.fail(15)
        (row,) = read(BlockTime.objects.filter(pk=CLASS), site.now)
        assert row.readiness.signal.level == "watch"
        assert "usable" not in str(row.readiness.signal)

    def test_a_spare_that_will_be_late_is_no_alarm(self, site: StillMorning) -> None:
        load(site, *range(10, 14))
        site.go("13:58")
        (row,) = read(BlockTime.objects.filter(pk=CLASS), site.now)
        assert "after the start" not in str(row.readiness.signal)

    def test_a_look_says_how_sure_it_is_that_the_machines_wanted_are_ready(self, site: StillMorning) -> None:
        site.look_at("09:10")
        (row,) = read(BlockTime.objects.filter(pk=CLASS), site.now)
        assert "sure that all 4 are ready at" in str(row.readiness.signal)
        load(site, *range(10, 14))
        site.look_at("09:12")
        assert Watch.objects.get(pk=CLASS).ready == 1.0

    def test_the_closing_row_has_the_machines_of_the_class_alone(self, site: StillMorning) -> None:
        load(site, *range(10, 16))
        site.look_at("14:00")
        row = ClassHeld.objects.get()
        assert (row.wanted, row.had, row.ready_at_start) == (4, 4, 4)


def test_what_keep_ready_takes_in_exchange_may_come_with_spares(site: StillMorning) -> None:
    for computer in (10, 11, 12):
        site.fail(computer)
    site.go("09:05")
    site.look()
    record = Decision.objects.filter(action=Decision.KEEP_READY).latest("pk")
    assert (record.wanted, record.allocated) == (4, 4)
    watch = Watch.objects.get(pk=CLASS)
    assert (watch.replaced, watch.added) == (1, 0)
    assert len(site.named_reloads()) == 4 + (record.spares or 0)
