"""Load models that are kept for some hours (VCL_LOAD_TIME_HOURS), or by keep_ready for some minutes."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from blockalloc.allocation import service
from blockalloc.models import KeptLoadModel, Log
from blockalloc.store import kept_models, load_models
from blockalloc.store.guard import Deadline, guarded
from blockalloc.store.kept_models import Wanted
from scheduling.load_time.model import LoadModel
from tests.support.sites.class_site import CALLER, IMAGE, NOW, a_call, class_site

pytestmark = pytest.mark.django_db(transaction=True)

AT = int(NOW.timestamp())
HOUR, MINUTE = 3600, 60
WANTED = Wanted(101, 10)


@pytest.fixture(autouse=True)
def site() -> Iterator[None]:
    """A class at 14:00; it is 8:00. No load is in the log, and models are kept for a day."""
    ready = override_settings(VCL_LOAD_TIME_HOURS=24, VCL_RELOAD_POLICY="ready")
    with class_site(computers=6, machines=4), ready:
        Log.objects.all().delete()
        yield


def log(*seconds: int) -> None:
    """Loads that took so long."""
    start = NOW - timedelta(days=30)
    for took in seconds:
        Log.objects.create(
            user_id=1, image_id=IMAGE, start=start, loaded=start + timedelta(seconds=took), initialend=start,
            finalend=start, wasavailable=1, ending="released",
        )  # fmt: skip


def on_a_page(now: int = AT, wanted: Wanted = WANTED) -> LoadModel:
    return load_models.model(IMAGE, wanted, now)


def in_a_call(now: int = AT, wanted: Wanted = WANTED) -> LoadModel:
    return guarded(lambda: on_a_page(now, wanted), Deadline())


def statements(read: Any, *arguments: Any) -> list[str]:
    """Verb and table of each statement of a read, without those of the guard."""
    with CaptureQueriesContext(connection) as queries:
        read(*arguments)
    sent = [query["sql"].rpartition(" FOR ")[2] for query in queries]
    kinds = {"blockalloc_load_model": "kept", "blockalloc_seen_load": "loads"}
    return [f"{sql.split()[0]} {kind}" for sql in sent for table, kind in kinds.items() if table in sql]


def test_it_is_written_once_learned_and_used_even_if_the_log_changes() -> None:
    log(*[500] * 20)
    assert statements(in_a_call) == ["SELECT kept", "SELECT loads", "REPLACE kept"]
    first = in_a_call()
    log(*[900] * 20)
    for read in (in_a_call, on_a_page):
        assert statements(read, AT + 24 * HOUR - 1) == ["SELECT kept"]
        assert read(AT + 24 * HOUR - 1) == first
    assert in_a_call(AT + 24 * HOUR).loads == 40


@pytest.mark.parametrize(("now", "wanted"), [(AT, Wanted(102, 10)), (AT, Wanted(101, 20)), (AT - 1, WANTED)])
def test_never_for_another_revision_or_reload_time_or_after_the_clock_was_set_back(now: int, wanted: Wanted) -> None:
    in_a_call()
    assert statements(in_a_call, now, wanted) == ["SELECT kept", "SELECT loads", "REPLACE kept"]
    row = KeptLoadModel.objects.get()
    assert (row.image_id, row.revision_id, row.reload_minutes) == (IMAGE, *wanted)


def test_pages_and_dry_runs_write_nothing() -> None:
    assert statements(on_a_page) == ["SELECT kept", "SELECT loads"]
    service.dry_run(a_call(), CALLER, explain=False)
    assert not KeptLoadModel.objects.exists()


@pytest.mark.parametrize("knots", ["", "[[0.5]]", "[1, 2]", "null"])
def test_a_damaged_model_is_learned_anew(knots: str) -> None:
    model = in_a_call()
    KeptLoadModel.objects.update(knots=knots)
    assert on_a_page() == model
    assert in_a_call() == model
    assert statements(in_a_call) == ["SELECT kept"]


def test_nothing_is_kept_with_0(settings: Any) -> None:
    settings.VCL_LOAD_TIME_HOURS = 0
    assert statements(in_a_call) == ["SELECT loads"]
    assert not KeptLoadModel.objects.exists()


def test_a_call_plans_with_the_kept_model() -> None:
    service.allocate_block(a_call(), CALLER)
    assert KeptLoadModel.objects.get().image_id == IMAGE
    assert "SELECT loads" not in statements(service.dry_run, a_call(), CALLER)


class TestByAProcess:
    """What keep_ready keeps from one look to the next."""

    def test_for_ten_minutes(self, settings: Any) -> None:
        settings.VCL_LOAD_TIME_HOURS = 0
        models: kept_models.Models = {}
        with kept_models.keeping(models):
            assert statements(on_a_page) == ["SELECT loads"]
            assert statements(on_a_page, AT + 10 * MINUTE - 1) == []
            assert statements(on_a_page, AT + 10 * MINUTE) == ["SELECT loads"]
            assert statements(on_a_page, AT + 10 * MINUTE, Wanted(102, 10)) == ["SELECT loads"]
        assert statements(on_a_page, AT + 10 * MINUTE) == ["SELECT loads"]

    def test_a_model_that_the_database_keeps_is_read_once(self) -> None:
        in_a_call()
        with kept_models.keeping({}):
            assert statements(on_a_page) == ["SELECT kept"]
            assert statements(on_a_page) == []
