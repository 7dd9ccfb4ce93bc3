"""Load times that are kept for some hours (VCL_LOAD_TIME_HOURS): when they are used, counted anew, and written."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from blockalloc.allocation import service
from blockalloc.contract.messages import Refusal
from blockalloc.models import Image, LoadTime, Log
from blockalloc.store import loads
from blockalloc.store.guard import Deadline, guarded, is_held
from tests.golden import tables
from tests.support.servers.own_process import run_on_sqlite, start
from tests.support.sites.class_site import CALLER, IMAGE, NOW, a_call, class_site

pytestmark = pytest.mark.django_db(transaction=True)

AT = int(NOW.timestamp())
HOUR = 3600
OTHER = 11  # an image that was never loaded
MINUTES = {IMAGE: 10, OTHER: 20}  # reloadtime


@pytest.fixture(autouse=True)
def site() -> Iterator[None]:
    """A class at 14:00; it is 8:00. No load is in the log, and load times are kept for a day."""
    with class_site(computers=6, machines=4), override_settings(VCL_LOAD_TIME_HOURS=24):
        tables.insert("image", [_other()], "America/New_York")
        Log.objects.all().delete()
        yield


def _other() -> dict[str, Any]:
    (row,) = (row for row in tables.read()["image"] if row["id"] == IMAGE)
    return {**row, "id": OTHER, "name": "other", "prettyname": "Other"}


def log(*seconds: int, image: int = IMAGE) -> None:
    """Loads that took so long."""
    start = NOW - timedelta(days=30)
    for took in seconds:
        Log.objects.create(
            user_id=1, image_id=image, start=start, loaded=start + timedelta(seconds=took), initialend=start,
            finalend=start, wasavailable=1, ending="released",
        )  # fmt: skip


def in_a_call(now: int = AT, images: tuple[int, ...] = (IMAGE,)) -> list[int]:
    """The load times in seconds, read as allocations read them."""
    estimates = guarded(lambda: loads.estimates({image: MINUTES[image] for image in images}, now), Deadline())
    return [estimates[image] for image in images]


def on_a_page(now: int = AT, images: tuple[int, ...] = (IMAGE,)) -> list[int]:
    """The same without the guard."""
    estimates = loads.estimates({image: MINUTES[image] for image in images}, now)
    return [estimates[image] for image in images]


def kept() -> list[tuple[int, int, int, datetime]]:
    """All load times that are kept."""
    return list(LoadTime.objects.order_by("image_id").values_list("image_id", "seconds", "loads", "counted"))


def at(instant: int) -> datetime:
    return datetime.fromtimestamp(instant, UTC)


def statements(read: Any, *arguments: Any) -> list[str]:
    """Verb and table of each statement of a read, without those of the guard."""
    with CaptureQueriesContext(connection) as queries:
        read(*arguments)
    sent = [query["sql"].rpartition(" FOR ")[2] for query in queries]
    verbs = [f"{sql.split()[0]} {'kept' if 'blockalloc_load_time' in sql else 'log'}" for sql in sent]
    return [verb for verb, sql in zip(verbs, sent, strict=True) if "load_time" in sql or "FROM log" in sql]


class TestKept:
    """A value that is fresh."""

    def test_it_is_written_once_counted_and_used_even_if_the_log_changes(self) -> None:
        log(300, 401)
        assert in_a_call() == [350]
        assert kept() == [(IMAGE, 701, 2, at(AT))]
        log(1000)
        assert in_a_call(AT + 24 * HOUR - 1) == [350]
        assert on_a_page(AT + 24 * HOUR - 1) == [350]
        assert kept() == [(IMAGE, 701, 2, at(AT))]

    @pytest.mark.parametrize("read", [in_a_call, on_a_page])
    def test_it_costs_one_statement_as_the_log_does(self, read: Any, settings: Any) -> None:
        log(300)
        in_a_call()
        assert statements(read) == ["SELECT kept"]
        settings.VCL_LOAD_TIME_HOURS = 0
        assert statements(read) == ["SELECT log"]

    def test_only_so_many_hours(self, settings: Any) -> None:
        settings.VCL_LOAD_TIME_HOURS = 2
        log(300)
        in_a_call()
        log(401)
        assert in_a_call(AT + 2 * HOUR - 1) == [300]
        assert in_a_call(AT + 2 * HOUR) == [350]

    def test_an_image_without_loads_has_the_reload_time_of_now(self) -> None:
        assert in_a_call() == [600]
        assert kept() == [(IMAGE, 0, 0, at(AT))]
        assert statements(in_a_call) == ["SELECT kept"]
        assert loads.estimates({IMAGE: 17}, AT + HOUR) == {IMAGE: 17 * 60}


class TestCountedAnew:
    """A value that is too old, or none."""

    def test_too_old(self) -> None:
        log(300)
        in_a_call()
        log(401)
        later = AT + 24 * HOUR
        assert statements(in_a_call, later) == ["SELECT kept", "SELECT log", "REPLACE kept"]
        assert kept() == [(IMAGE, 701, 2, at(later))]
        assert in_a_call(later) == [350]

    def test_a_clock_that_was_set_back(self) -> None:
        log(300)
        in_a_call(AT + 1)
        log(401)
        assert in_a_call(AT) == [350]
        assert kept() == [(IMAGE, 701, 2, at(AT))]

    def test_two_images_of_which_one_is_kept(self) -> None:
        log(300)
        in_a_call()
        log(500)
        log(700, image=OTHER)
        both = (IMAGE, OTHER)
        with CaptureQueriesContext(connection) as queries:
            assert in_a_call(AT + HOUR, both) == [300, 700]
        (read,) = [query["sql"] for query in queries if "FROM log" in query["sql"]]
        assert f"imageid IN ({OTHER})" in read
        assert kept() == [(IMAGE, 300, 1, at(AT)), (OTHER, 700, 1, at(AT + HOUR))]
        assert statements(in_a_call, AT + HOUR, both) == ["SELECT kept"]

    def test_all_that_are_missing_take_one_statement_each_way(self) -> None:
        both = (IMAGE, OTHER)
        log(300)
        assert statements(in_a_call, AT, both) == ["SELECT kept", "SELECT log", "REPLACE kept"]
        assert kept() == [(IMAGE, 300, 1, at(AT)), (OTHER, 0, 0, at(AT))]
        assert in_a_call(AT, both) == [300, 1200]

    def test_no_image_no_statement(self) -> None:
        assert statements(loads.estimates, {}, AT) == []


class TestNotWritten:
    """Reads leave nothing behind."""

    def test_not_on_pages(self) -> None:
        log(300)
        assert statements(on_a_page) == ["SELECT kept", "SELECT log"]
        with transaction.atomic():
            assert on_a_page() == [300]
        assert kept() == []
        in_a_call()
        log(401)
        assert on_a_page(AT + 24 * HOUR) == [350]
        assert kept() == [(IMAGE, 300, 1, at(AT))]

    def test_not_by_dry_runs(self) -> None:
        service.dry_run(a_call(), CALLER, explain=False)
        assert kept() == []

    def test_not_with_0(self, settings: Any) -> None:
        log(300)
        in_a_call()
        log(401)
        settings.VCL_LOAD_TIME_HOURS = 0
        assert in_a_call() == on_a_page() == [350]
        assert kept() == [(IMAGE, 300, 1, at(AT))]
        assert statements(in_a_call) == ["SELECT log"]

    def test_not_by_a_call_that_is_given_up(self) -> None:
        def refused() -> None:
            loads.estimates(MINUTES, AT)
            raise Refusal(1, "no")

        with pytest.raises(Refusal):
            guarded(refused, Deadline())
        assert kept() == []
        assert not is_held()


class TestAllocations:
    """Whole calls."""

    def test_the_first_writes_and_the_next_one_plans_with_it(self) -> None:
        with class_site(computers=6, machines=2, blocks=2):
            Log.objects.all().delete()
            log(1000, 1002)
            assert service.allocate_block(a_call(2), CALLER) == 2
            assert kept() == [(IMAGE, 2002, 2, at(AT))]
            Log.objects.all().delete()
            before = {row["id"] for row in tables.read()["request"]}
            assert service.allocate_block(a_call(2, block_time=11), CALLER) == 2
            starts = [row["start"] for row in tables.read()["request"] if row["id"] not in before]
        # 14:00 less 1001 seconds and ten minutes; two minutes earlier for the second machine.
        assert sorted(starts) == ["2026-03-02 13:31:19", "2026-03-02 13:33:19"]

    def test_a_site_with_kept_values_takes_the_same_statements(self, settings: Any) -> None:
        def a_call_takes(hours: int) -> int:
            settings.VCL_LOAD_TIME_HOURS = hours
            with class_site(computers=6, machines=4):
                service.dry_run(a_call(), CALLER, explain=False)
                with CaptureQueriesContext(connection) as queries:
                    service.allocate_block(a_call(), CALLER)
            return len(queries)

        exact, counted, fresh = a_call_takes(0), a_call_takes(24), a_call_takes(24)
        assert counted == exact + 2
        assert fresh == exact

    def test_two_calls_at_once_that_both_find_no_kept_value(self) -> None:
        """The guard orders them: the second finds what the first one wrote, and neither fails."""
        log(300)
        first_reads, second_waits = threading.Event(), threading.Event()
        answers: list[int] = []

        def second() -> None:
            first_reads.wait(10)
            second_waits.set()
            answers.extend(in_a_call(AT + 1))
            connection.close()

        def first() -> None:
            answers.append(loads.estimates({IMAGE: 10}, AT)[IMAGE])
            first_reads.set()
            second_waits.wait(10)

        thread = threading.Thread(target=second)
        thread.start()
        guarded(first, Deadline())
        thread.join()
        assert answers == [300, 300]
        assert kept() == [(IMAGE, 300, 1, at(AT))]


def test_the_image_may_go(settings: Any) -> None:
    in_a_call(images=(OTHER,))
    Image.objects.filter(pk=OTHER).delete()
    assert [row[0] for row in kept()] == [OTHER]


@pytest.mark.parametrize(
    ("hours", "starts"), [("0", True), ("168", True), ("169", False), ("-1", False), ("1.5", False)]
)
def test_the_setting(hours: str, starts: bool) -> None:
    started = start(VCL_LOAD_TIME_HOURS=hours)
    assert (started.returncode == 0) is starts
    assert ("VCL_LOAD_TIME_HOURS" in started.stderr and "from 0 to 168" in started.stderr) is not starts


def test_nothing_is_kept_by_default() -> None:
    assert run_on_sqlite("-c", "from vclsite import settings; print(settings.VCL_LOAD_TIME_HOURS)").stdout == "0\n"
