"""Rows of the forecast: what is read back, what is written, and who comes first when two processes keep one."""

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from blockalloc.models import Forecast, ForecastRun
from blockalloc.store import forecasts
from blockalloc.store.forecasts import InTheWayKept, Kept, Run
from scheduling.windows import HOUR, MINUTE

pytestmark = [pytest.mark.django_db]

NOW = 1_772_478_000
START = NOW + 24 * HOUR
EXAM = InTheWayKept("block time", 7, "CS420 midterm exam", START - HOUR, START + HOUR, 49)
SHORT = Kept(
    11, 5, START, START + HOUR, wanted=20, machines=19, fit=68, is_late=True, rule="no_computer",
    why="CS420 midterm exam has 49 of the computers", in_the_way=[EXAM], lost={"other_block": 49, "platform": 3},
    requested=22,
)  # fmt: skip
WHOLE = Kept(10, 4, START, START + HOUR, wanted=50, machines=50, fit=68, in_the_way=[])
RUN = Run(made=NOW, until=NOW + 99 * HOUR, checked=NOW, classes=2, short=1, milliseconds=1200, host="vcl1", facts="abc")


_WRITES = re.compile(r"\b(INSERT|UPDATE|DELETE)(?: INTO| FROM)? `?blockalloc_forecast`? ")


def keep(rows: Sequence[Kept] = (SHORT, WHOLE), made: int = NOW) -> bool:
    """Keep these rows."""
    return forecasts.keep(rows, RUN._replace(made=made))


def writes(rows: Sequence[Kept]) -> list[str]:
    """The first words of the statements that change rows of classes when these are kept."""
    with CaptureQueriesContext(connection) as queries:
        keep(rows, NOW + 60)
    written = (_WRITES.search(query["sql"]) for query in queries)
    return [found[1] for found in written if found]


def test_what_was_kept_is_read_back() -> None:
    assert forecasts.last_run() is None
    assert keep()
    assert forecasts.of_block_times([10, 11, 12]) == {10: WHOLE, 11: SHORT}
    assert forecasts.of_block_times([]) == {}
    assert forecasts.last_run() == RUN
    assert SHORT.missing == 1


def test_those_that_lack_machines_by_start() -> None:
    later = SHORT._replace(block_time_id=9, start=START + 60)
    keep([later, SHORT, WHOLE])
    assert forecasts.short_between(START, START + 61) == [SHORT, later]
    assert forecasts.short_between(START + 1, START + 61) == [later]
    assert forecasts.short_between(START, START + 60) == [SHORT]


@pytest.mark.parametrize("ids", [[], [10, 11]])
def test_each_is_one_statement(ids: list[int]) -> None:
    with CaptureQueriesContext(connection) as queries:
        forecasts.of_block_times(ids)
    assert len(queries) == bool(ids)
    with CaptureQueriesContext(connection) as queries:
        forecasts.short_between(NOW, START)
        forecasts.last_run()
    assert len(queries) == 2


class TestKeeping:
    def test_only_what_differs_is_written(self) -> None:
        keep()
        assert writes([SHORT, WHOLE]) == []
        assert writes([SHORT._replace(machines=18), WHOLE]) == ["UPDATE"]
        assert writes([WHOLE]) == ["DELETE"]
        assert writes([SHORT, WHOLE]) == ["INSERT"]

    def test_what_people_were_told_stays(self) -> None:
        keep()
        Forecast.objects.filter(pk=11).update(told=1)
        keep([SHORT._replace(machines=15, told=None), WHOLE], NOW + 60)
        kept = forecasts.of_block_times([11])[11]
        assert (kept.machines, kept.told) == (15, 1)
        assert writes([SHORT._replace(machines=15), WHOLE]) == []

    def test_an_older_forecast_does_not_replace_a_newer_one(self) -> None:
        keep(made=NOW)
        assert not keep([WHOLE], NOW - 1)
        assert forecasts.of_block_times([11]) == {11: SHORT}
        assert keep([WHOLE], NOW)

    def test_one_of_a_clock_that_was_wrong_is_replaced(self) -> None:
        keep(made=NOW + 15 * MINUTE + 1)
        assert keep([WHOLE], NOW)

    @pytest.mark.django_db(transaction=True)
    def test_of_two_at_once_one_counts_as_a_whole(self) -> None:
        keep()
        forecasts_of_both = [[SHORT._replace(machines=number), WHOLE._replace(machines=number)] for number in range(8)]

        def keep_in_a_thread(rows: Sequence[Kept]) -> bool:
            try:
                return keep(rows, NOW + 60)
            finally:
                connection.close()

        with ThreadPoolExecutor(4) as threads:
            assert all(threads.map(keep_in_a_thread, forecasts_of_both))
        assert len({kept.machines for kept in forecasts.of_block_times([10, 11]).values()}) == 1

    def test_many_rows(self) -> None:
        many = [WHOLE._replace(block_time_id=id_) for id_ in range(1, 1202)]
        keep(many)
        assert len(forecasts.of_block_times(range(1, 2000))) == 1201
        keep([], NOW + 1)
        assert not Forecast.objects.exists()


class TestRuns:
    def test_checked_while_the_facts_are_the_same(self) -> None:
        keep()
        forecasts.note_problem("the disk is full")
        assert forecasts.note_checked("abc", NOW + 60)
        assert forecasts.last_run() == RUN._replace(checked=NOW + 60)

    def test_not_checked_when_they_are_others_by_now(self) -> None:
        keep()
        assert not forecasts.note_checked("xyz", NOW + 60)
        assert forecasts.last_run() == RUN

    def test_a_problem_leaves_the_last_forecast(self) -> None:
        keep()
        forecasts.note_problem("the disk is full")
        assert forecasts.last_run() == RUN._replace(problem="the disk is full")

    def test_a_problem_before_the_first(self) -> None:
        forecasts.note_problem("the disk is full")
        assert forecasts.last_run() == Run(problem="the disk is full")
        assert ForecastRun.objects.get().made is None
        assert keep()
