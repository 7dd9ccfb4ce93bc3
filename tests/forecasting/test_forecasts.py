"""The forecast is made from the rows, kept, and made anew when something has changed."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext, override_settings

from blockalloc.allocation import service
from blockalloc.allocation.block_time_actions import release_block_time
from blockalloc.contract.messages import FillCall
from blockalloc.forecasting import forecasts as forecasting
from blockalloc.forecasting.forecasts import refresh, until
from blockalloc.forecasting.freshness import in_words, is_current
from blockalloc.models import ForecastRun, Heartbeat
from blockalloc.models.scope import Scope
from blockalloc.reports.forecasts import Forecasts
from blockalloc.store import forecast_facts, forecasts, rows
from blockalloc.store.times import to_utc
from scheduling.facts import Block
from scheduling.forecast.engine import beside
from scheduling.forecast.facts import ClassAsked
from scheduling.windows import DAY, HOUR, MINUTE
from tests.golden import tables
from tests.support.sites import class_site
from tests.support.sites.class_site import CALLER, END, START, ZONE
from tests.support.sites.rows import USER_GROUP, insert_request

pytestmark = [pytest.mark.django_db(transaction=True)]

NOW = START - 6 * HOUR
BLOCK, NEXT = 10, 11


@pytest.fixture(autouse=True)
def _site() -> Iterator[None]:
    """Six computers, and two classes of four at the same hours; tomorrow morning they will be asked for."""
    with class_site.class_site(computers=6, machines=4, blocks=2), time_machine.travel(NOW - HOUR, tick=False):
        yield


def change(sql: str, *params: Any) -> None:
    """Change rows as VCL does."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params)


def nodes_check_in(at: int) -> None:
    """All management nodes are alive."""
    change("UPDATE managementnode SET lastcheckin = %s", to_utc(at))


class TestRefresh:
    NOW = NOW - HOUR

    def test_it_says_what_each_class_will_get_and_why(self) -> None:
        made = refresh(self.NOW)
        kept = forecasts.of_block_times([BLOCK, NEXT])
        assert (made.changed, made.run.classes, made.run.short, made.run.made) == (True, 2, 1, self.NOW)
        assert made.run == forecasts.last_run()
        assert [(kept[id_].wanted, kept[id_].machines, kept[id_].fit) for id_ in (BLOCK, NEXT)] == [
            (4, 4, 6), (4, 2, 6),
        ]  # fmt: skip
        assert (kept[BLOCK].rule, kept[BLOCK].why, kept[BLOCK].in_the_way) == ("", "", [])
        assert (kept[NEXT].rule, kept[NEXT].missing) == ("no_computer", 2)
        assert kept[NEXT].why == "block 10 has 4 of the computers"
        assert [(each.name, each.computers) for each in kept[NEXT].in_the_way] == [("block 10", 4)]
        assert kept[NEXT].lost == {"other_block": 4}

    def test_nothing_of_vcl_is_written(self) -> None:
        before = tables.read(leave_out=())
        refresh(self.NOW)
        assert tables.read(leave_out=()) == before

    def test_it_is_only_checked_while_nothing_changes(self) -> None:
        made = refresh(self.NOW).run
        again = refresh(self.NOW + 60)
        assert (again.changed, again.run) == (False, made._replace(checked=self.NOW + 60))
        assert forecasts.last_run() == again.run

    @pytest.mark.parametrize(
        "sql",
        [
            "UPDATE computer SET stateid = 10 WHERE id = 12",  # maintenance
            "UPDATE blockTimes SET skip = 1 WHERE id = 10",
            "UPDATE blockRequest SET numMachines = 3 WHERE id = 10",
            "UPDATE blockRequest SET name = 'exam' WHERE id = 10",
            "UPDATE managementnode SET stateid = 10",
            "DELETE FROM resourcemap",
            "DELETE FROM usergroupmembers",
        ],
    )
    def test_it_is_made_anew_when_something_has_changed(self, sql: str) -> None:
        refresh(self.NOW)
        change(sql)
        assert refresh(self.NOW + 60).changed
        assert not refresh(self.NOW + 120).changed

    def test_a_reservation_changes_it(self) -> None:
        refresh(self.NOW)
        row = {
            "stateid": 13,
            "laststateid": 13,
            "userid": 1,
            "start": "2026-03-02 13:00:00",
            "end": "2026-03-02 17:00:00",
        }
        insert_request(row, [10], {"imageid": 10, "imagerevisionid": 10, "managementnodeid": 10}, ZONE)
        assert refresh(self.NOW + 60).changed
        assert [each.machines for _, each in sorted(forecasts.of_block_times([BLOCK, NEXT]).items())] == [4, 1]

    @pytest.mark.parametrize(
        "sql",
        [
            "UPDATE managementnode SET lastcheckin = '2026-03-02 12:01:00'",
            "UPDATE computer SET stateid = 8 WHERE id = 12",  # in use
            "UPDATE computer SET imagerevisionid = 10, currentimageid = 10 WHERE id = 12",
        ],
    )
    def test_what_passes_does_not_change_it(self, sql: str) -> None:
        refresh(self.NOW)
        change(sql)
        assert not refresh(self.NOW + 60).changed

    def test_it_is_made_anew_once_a_class_has_been_asked_for(self) -> None:
        refresh(NOW - 60)
        nodes_check_in(NOW)
        assert not refresh(NOW - 1).changed
        assert refresh(NOW).changed
        assert not refresh(NOW + 60).changed

    def test_it_is_made_anew_after_an_hour_and_when_it_is_asked_for(self) -> None:
        begun = NOW - 3 * HOUR
        nodes_check_in(begun + HOUR)
        refresh(begun)
        assert not refresh(begun + HOUR - 1).changed
        assert refresh(begun + HOUR).changed
        assert refresh(begun + HOUR + 1, force=True).changed

    def test_a_failure_is_noted_and_raised_and_tried_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        refresh(self.NOW)

        def fail(_facts: object) -> None:
            raise ValueError("no such image")

        with monkeypatch.context() as patch:
            patch.setattr(forecasting, "forecast", fail)
            with pytest.raises(ValueError, match="no such image"):
                refresh(self.NOW + 60, force=True)
        noted = forecasts.last_run()
        assert noted is not None
        assert (noted.problem, noted.checked) == ("ValueError: no such image", self.NOW)
        assert refresh(self.NOW + 120).run.problem == ""

    def test_one_of_a_clock_that_was_ahead_does_not_count_and_is_replaced(self) -> None:
        for ahead in (3 * MINUTE, 50 * MINUTE):
            refresh(self.NOW + ahead, force=True)
            assert not is_current(forecasts.last_run(), self.NOW)
            assert in_words(forecasts.last_run(), self.NOW) == (
                f"not checked: the forecast was checked by a clock that was {ahead // MINUTE} min ahead"
            )
            assert Forecasts(self.NOW, Scope()).problem
        assert refresh(self.NOW).changed
        assert is_current(forecasts.last_run(), self.NOW)
        assert is_current(forecasts.last_run(), self.NOW - MINUTE)  # seen from a host whose clock is behind
        assert not Forecasts(self.NOW, Scope()).problem

    def test_a_failure_of_the_first_run_is_noted(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(forecasting, "forecast", lambda _facts: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            refresh(self.NOW)
        assert ForecastRun.objects.get().problem == "ZeroDivisionError: division by zero"

    def test_days_are_whole(self) -> None:
        with override_settings(VCL_FORECAST_DAYS=8, TIME_ZONE=ZONE):
            end = until(NOW)
            assert datetime.fromtimestamp(end, class_site.NOW.tzinfo).strftime("%d %H:%M") == "11 00:00"
            assert until(NOW + 10 * HOUR) == end


class TestStatements:
    def test_their_number_does_not_grow_with_the_classes(self) -> None:
        two = self._statements(NOW - HOUR)
        with class_site.class_site(computers=6, machines=4, blocks=12):
            class_site.give_to_others(range(BLOCK + 2, BLOCK + 12))
            assert self._statements(NOW - HOUR) == two

    @staticmethod
    def _statements(now: int) -> int:
        """Of a look that finds nothing changed."""
        refresh(now)
        with CaptureQueriesContext(connection) as queries:
            assert not refresh(now + 60).changed
        return len(queries)


class TestWhoAsks:
    def test_a_class_that_has_been_asked_for_gets_no_more_without_keep_ready(self) -> None:
        change("UPDATE blockTimes SET processed = 1 WHERE id = 10")
        refresh(NOW - HOUR)
        kept = forecasts.of_block_times([BLOCK, NEXT])
        assert (kept[BLOCK].machines, kept[BLOCK].rule) == (0, "not_asked")
        assert kept[BLOCK].why == "it has been allocated, and keep_ready does not run"
        assert kept[NEXT].machines == 4

    def test_keep_ready_gets_what_it_lacks(self) -> None:
        change("UPDATE blockTimes SET processed = 1 WHERE id = 10")
        Heartbeat.objects.create(id=1, at=datetime.fromtimestamp(NOW - HOUR - 60, UTC), host="vcl1", milliseconds=9)
        refresh(NOW - HOUR)
        assert forecasts.of_block_times([BLOCK])[BLOCK].machines == 4

    def test_a_class_that_staff_released_lacks_nothing(self) -> None:
        with time_machine.travel(NOW, tick=False):
            nodes_check_in(NOW)
            service.allocate(FillCall(BLOCK, ignore_privileges=True), CALLER)
            release_block_time(BLOCK, CALLER)
            refresh(NOW)
        kept = forecasts.of_block_times([BLOCK, NEXT])
        assert [(each.wanted, each.machines, each.requested) for _, each in sorted(kept.items())] == [
            (0, 0, 4), (4, 4, 4),
        ]  # fmt: skip

    def test_an_image_that_is_deleted_is_said(self) -> None:
        change("UPDATE image SET deleted = 1")
        refresh(NOW - HOUR)
        kept = forecasts.of_block_times([BLOCK])[BLOCK]
        assert (kept.machines, kept.why) == (0, "its image is deleted or has no production revision")


def test_a_class_that_is_not_there_yet_can_be_planned_beside_the_others() -> None:
    change("UPDATE blockTimes SET skip = 1")
    image = rows.images(10)[0].image
    further = ClassAsked(Block(0, START, END, USER_GROUP, [image], 7), 0, "", NOW)
    known = forecast_facts.read(NOW - HOUR, until(NOW), further=[further])
    assert (known.classes, len(known.members[USER_GROUP])) == ([], 2)
    assert beside(known, [], further.block, ignore_privileges=True).machines == 6
    without = forecast_facts.read(NOW - HOUR, until(NOW))
    assert beside(without, [], further.block, ignore_privileges=True).machines == 0


def test_only_what_matters_from_a_day_on() -> None:
    change("UPDATE blockTimes SET start = '2026-03-06 14:00:00', `end` = '2026-03-06 16:00:00' WHERE id = 11")
    assert [each.id for each in forecast_facts.read(NOW, until(NOW)).classes] == [BLOCK, NEXT]
    assert [each.id for each in forecast_facts.read(NOW, until(NOW), first=START + 3 * DAY).classes] == [NEXT]


@pytest.mark.parametrize("policy", ["vcl", "ready"])
def test_the_classes_get_what_was_said(policy: str) -> None:
    """Asked for one after another, each at its time, with nodes that are alive."""
    change("UPDATE blockTimes SET start = '2026-03-02 15:30:00', `end` = '2026-03-02 17:00:00' WHERE id = 11")
    change("UPDATE blockRequest SET numMachines = 5 WHERE id = 11")
    with override_settings(VCL_RELOAD_POLICY=policy):
        refresh(NOW - HOUR)
        said = forecasts.of_block_times([BLOCK, NEXT])
        for id_, start in ((BLOCK, START), (NEXT, START + 90 * MINUTE)):
            with time_machine.travel(start - 6 * HOUR, tick=False):
                nodes_check_in(start - 6 * HOUR)
                answer = service.allocate(FillCall(id_, ignore_privileges=True), CALLER)
            assert said[id_].machines == answer.outcome.allocated
    assert [said[id_].machines for id_ in (BLOCK, NEXT)] == [4, 2]
