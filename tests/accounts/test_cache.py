"""The cache that all workers share: its table, and what `add` promises."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.core.management import call_command
from django.db import DatabaseError, OperationalError, connection, connections
from django.db.backends.utils import CursorWrapper
from django.test import override_settings

from blockalloc.store.cache import PlainValueCache

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db(transaction=True)


def shape(table: str) -> tuple[object, object]:
    """Columns (name, type, size, may be NULL) and indexes (columns, unique or not)."""
    with connection.cursor() as cursor:
        described = connection.introspection.get_table_description(cursor, table)
        found = connection.introspection.get_constraints(cursor, table)
    columns = [(column.name, column.type_code, column.display_size, column.null_ok) for column in described]
    indexes = {(tuple(index["columns"]), bool(index["unique"])) for index in found.values() if index["columns"]}
    return columns, indexes


def test_it_has_the_shape_that_djangos_command_gives_it() -> None:
    """(Making a test database runs the command too, but it leaves a table that exists alone. That `migrate` is
    enough shows the server of test_lockout.)"""
    other = {"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "other_cache"}}
    with override_settings(CACHES=other):
        call_command("createcachetable", stdout=StringIO())
    try:
        assert shape("blockalloc_cache") == shape("other_cache")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE other_cache")


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """The clock, stopped; a test moves it."""
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def rows() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM blockalloc_cache")
        return int(cursor.fetchone()[0])


@pytest.mark.parametrize("value", [7, "☃", None, {"a": [1, 2.5, True]}])
def test_plain_values_come_back(value: object) -> None:
    assert cache.add("key", value)
    assert cache.get_many(["key", "other"]) == {"key": value}
    cache.set("key", [value])
    assert cache.get("key") == [value]
    cache.delete_many(["key"])
    assert cache.get("key", "gone") == "gone"


def test_an_entry_is_added_once_until_it_is_past(clock: time_machine.Traveller) -> None:
    assert cache.add("key", 1, timeout=300)
    assert not cache.add("key", 2, timeout=300)
    clock.shift(300)
    assert not cache.add("key", 2, timeout=300)
    assert cache.get("key") == 1
    clock.shift(1)
    assert cache.get("key") is None
    assert cache.add("key", 2, timeout=300)
    assert cache.get("key") == 2


def test_an_entry_without_an_end_has_none(clock: time_machine.Traveller) -> None:
    assert cache.add("key", 1, timeout=None)
    clock.shift(10**9)
    assert cache.get("key") == 1


@pytest.mark.parametrize("past", [False, True])
def test_of_many_at_the_same_moment_one_gets_it(past: bool) -> None:
    if past:
        cache.add("key", "past", timeout=-10)
    start = threading.Barrier(8)
    got: list[bool] = []

    def add(number: int) -> None:
        try:
            start.wait()
            got.append(cache.add("key", number))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=add, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == [False] * 7 + [True]


def test_only_what_is_past_makes_room(clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.randrange", lambda _stop: 1)
    for number in range(10):
        cache.add(f"short{number}", number, timeout=10)
        cache.add(f"long{number}", number, timeout=1000)
    clock.shift(11)
    cache.add("more", 1)
    assert rows() == 21
    monkeypatch.setattr("random.randrange", lambda _stop: 0)
    cache.add("more-still", 1)
    assert rows() == 12
    assert len(cache.get_many([f"long{number}" for number in range(10)])) == 10


def test_an_error_is_no_answer() -> None:
    broken = PlainValueCache("no_such_table", {})
    with pytest.raises(DatabaseError):
        broken.add("key", 1)
    with pytest.raises(DatabaseError):
        broken.get("key")


def _failing(monkeypatch: pytest.MonkeyPatch, verb: str, times: int, code: int = 1213) -> list[str]:
    """Let statements that begin with `verb` fail so many times; the list of those that did."""
    failed: list[str] = []
    usual = CursorWrapper.execute

    def execute(self: CursorWrapper, sql: str, params: Any = None) -> object:
        if sql.startswith(verb) and len(failed) < times:
            failed.append(sql)
            raise OperationalError(code, "not now")
        return usual(self, sql, params)

    monkeypatch.setattr(CursorWrapper, "execute", execute)
    return failed


def test_an_add_that_is_lost_to_a_deadlock_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    failed = _failing(monkeypatch, "INSERT", 3)
    assert cache.add("key", 1, timeout=60)
    assert len(failed) == 3
    assert cache.get("key") == 1


@pytest.mark.parametrize(("times", "code"), [(4, 1213), (1, 1205)])
def test_other_errors_and_endless_deadlocks_are_raised(times: int, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    _failing(monkeypatch, "INSERT", times, code)
    with pytest.raises(OperationalError):
        cache.add("key", 1, timeout=60)


def test_a_purge_that_fails_costs_no_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.randrange", lambda _: 0)
    failed = _failing(monkeypatch, "DELETE", 1)
    assert cache.add("key", 1, timeout=60)
    assert len(failed) == 1
    assert cache.get("key") == 1
