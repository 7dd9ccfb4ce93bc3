"""Indexes that `manage.py check_vcl` suggests and, with an option, creates on VCL's tables."""

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from blockalloc.inspection import KINDS, indexes
from blockalloc.schema import columns, tables
from blockalloc.schema.present import present_tables
from blockalloc.schema.suggested import SUGGESTED
from blockalloc.store import loads
from blockalloc.store.sql import fetch, insert
from tests.support.commands import check_vcl
from tests.support.sites.class_site import IMAGE, NOW, class_site
from tests.support.sites.disorder import C, reload

pytestmark = pytest.mark.django_db(transaction=True)
NAMES = [index.name for index in SUGGESTED]
LOG, REQUEST = SUGGESTED
AT = int(NOW.timestamp())


@pytest.fixture(autouse=True)
def site() -> Iterator[None]:
    """A site in order, without an index of ours; those that a test creates are dropped."""
    with class_site(machines=1):
        yield
    for table, names in present().items():
        for name in names:
            if name.startswith("blockalloc_") and table in tables():
                drop(name, table)


def sql(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def drop(name: str, table: str) -> None:
    sql(f"DROP INDEX `{name}`" + (f" ON `{table}`" if connection.vendor == "mysql" else ""))


def present() -> dict[str, dict[str, tuple[str, ...]]]:
    """The indexes of VCL's tables: their names, with their columns."""
    actual = present_tables(connection)
    return {
        table: {index.name: index.columns for index in actual[table].indexes} for table in tables() if table in actual
    }


def with_ours(before: dict[str, dict[str, tuple[str, ...]]]) -> dict[str, dict[str, tuple[str, ...]]]:
    """These indexes, and all that are suggested."""
    for index in SUGGESTED:
        before[index.table][index.name] = index.columns
    return before


class TestSuggested:
    """What is suggested."""

    def test_none_is_a_problem(self) -> None:
        status, text = check_vcl()
        assert status == 0
        assert "Everything is in order." in text
        assert [line.split()[1] for line in text.splitlines() if line.startswith("- ")] == NAMES

    def test_with_this_databases_own_numbers(self) -> None:
        fill_log(40, of_the_image=25)
        reload("13:00", "13:20", C)
        _, text = check_vcl()
        assert "log has 40 rows; an image's mean load time is computed from all rows of the image, up to 25." in text
        assert "request has 1 rows" in text

    def test_empty_tables(self) -> None:
        sql("DELETE FROM log")
        assert "log has 0 rows" in check_vcl()[1]

    def test_for_programs(self) -> None:
        fill_log(1200, of_the_image=1100)
        status, text = check_vcl("--json")
        assert status == 0
        answer = json.loads(text)
        assert answer["created_indexes"] == []
        first, _ = answer["suggested_indexes"]
        assert (first["table"], first["name"], first["columns"]) == ("log", LOG.name, list(LOG.columns))
        assert "log has 1,200 rows" in first["wins"]
        assert first["statement"].startswith(f"CREATE INDEX IF NOT EXISTS `{LOG.name}` ON `log` (`imageid`, `start`, ")
        assert first.keys() == {"table", "name", "columns", "wins", "statement"}

    def test_not_when_only_some_kinds_are_asked_for(self) -> None:
        assert "blockalloc_" not in check_vcl("--kind", "double_booking")[1]
        assert "blockalloc_" in check_vcl("--kind", *KINDS)[1]

    def test_an_index_that_begins_with_the_same_columns_will_do(self) -> None:
        sql("CREATE INDEX blockalloc_theirs ON log (imageid, start, loaded, wasavailable, nowfuture, ending, userid)")
        assert [each.index for each in indexes.missing()] == [REQUEST]
        sql("CREATE INDEX blockalloc_more ON request (start, `end`, stateid, laststateid)")  # one is missing
        assert [each.index for each in indexes.missing()] == [REQUEST]
        drop("blockalloc_more", "request")
        sql("CREATE INDEX blockalloc_more ON request (start, `end`, stateid, laststateid, userid)")
        assert indexes.missing() == []
        assert "Indexes that would" not in check_vcl()[1]

    def test_a_table_without_all_of_the_columns(self) -> None:
        sql("ALTER TABLE log RENAME COLUMN nowfuture TO another")
        try:
            assert [each.index for each in indexes.missing()] == [REQUEST]
        finally:
            sql("ALTER TABLE log RENAME COLUMN another TO nowfuture")

    def test_they_are_about_vcls_tables(self) -> None:
        for index in SUGGESTED:
            assert index.name.startswith("blockalloc_")
            assert set(index.columns) <= {name.lower() for name in columns(index.table)} & set(columns(index.table))
            listed = [other.columns[: len(index.columns)] for other in tables()[index.table].indexes]
            assert index.columns not in listed


class TestCreated:
    """--create-indexes."""

    def test_all_that_are_missing(self) -> None:
        before = present()
        status, text = check_vcl("--create-indexes")
        assert status == 0
        assert sum(line.startswith("done: CREATE INDEX") for line in text.splitlines()) == len(SUGGESTED)
        assert present() == with_ours(before)
        assert "Indexes that would" not in check_vcl()[1]

    def test_again(self) -> None:
        check_vcl("--create-indexes")
        before = present()
        status, text = check_vcl("--create-indexes")
        assert status == 0
        assert "done" not in text
        assert "None of the suggested indexes is missing" in text
        assert present() == before

    def test_somebody_else_made_it_meanwhile(self) -> None:
        first = indexes.missing()[0]
        assert indexes.create(first)
        assert indexes.create(first)

    def test_others_work_meanwhile_on_mariadb(self) -> None:
        statements = [each.statement for each in indexes.missing()]
        online = connection.vendor == "mysql"
        assert all(statement.endswith(" ALGORITHM=INPLACE LOCK=NONE") is online for statement in statements)

    @pytest.mark.parametrize("options", [["--dry-run"], ["--dry-run", "--json"]])
    def test_a_dry_run(self, options: list[str]) -> None:
        before = present()
        status, text = check_vcl("--create-indexes", *options)
        assert status == 0
        assert present() == before
        statements = [each.statement for each in indexes.missing()]
        if "--json" in options:
            created = json.loads(text)["created_indexes"]
            assert [each["statement"] for each in created] == statements
            assert {each["result"] for each in created} == {"would be done"}
        else:
            lines = text.splitlines()
            assert lines[-3:] == [*(f"would be done: {each}" for each in statements), "Dry run: nothing was written."]

    def test_findings_and_repairs_are_printed_as_usual(self) -> None:
        reload("13:00", "13:20", C + 1)
        status, text = check_vcl("--create-indexes", "--kind", "orphaned_reload")
        assert status == 1
        assert "* reload request" in text
        status, text = check_vcl("--create-indexes", "--repair")
        assert status == 0
        assert "done: delete reload request" in text

    def test_a_name_that_is_taken_is_left_alone(self) -> None:
        sql(f"CREATE INDEX {LOG.name} ON log (userid, size)")
        status, text = check_vcl("--create-indexes")
        assert status == 0
        assert "not created, an index of this name exists on other columns: drop that one first: CREATE INDEX" in text
        assert present()["log"][LOG.name] == ("userid", "size")
        assert present()["request"][REQUEST.name] == REQUEST.columns
        assert "not created, an index of this name" in check_vcl("--create-indexes", "--dry-run")[1]

    @pytest.mark.skipif(connection.vendor != "mysql", reason="SQLite locks all of the database, or nothing")
    def test_a_table_that_is_not_free_is_not_waited_for_long(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(indexes, "LONGEST_WAIT", 1.0)
        reading, done = threading.Event(), threading.Event()

        def somebody_reads() -> None:
            with transaction.atomic():
                fetch("SELECT COUNT(*) FROM log")
                reading.set()
                done.wait(20)
            connection.close()

        thread = threading.Thread(target=somebody_reads)
        thread.start()
        reading.wait(20)
        began = time.monotonic()
        try:
            status, text = check_vcl("--create-indexes")
        finally:
            done.set()
            thread.join()
        assert time.monotonic() - began < 10
        assert status == 2
        assert f"{LOG.name} was not created (CREATE INDEX" in text
        assert "Lock wait timeout" in text
        assert LOG.name not in present()["log"]
        assert check_vcl("--create-indexes")[0] == 0


# --- Their effect -------------------------------------------------------------------------------


def fill_log(rows: int, of_the_image: int) -> None:
    """So many loads over two years, of this image and of another one."""
    sql("DELETE FROM log")
    begun = [NOW.replace(tzinfo=None) - timedelta(hours=17_000 * number // rows) for number in range(rows)]
    lines: list[list[Any]] = [
        [1, IMAGE if number * of_the_image // rows != (number + 1) * of_the_image // rows else 1, f"{start}",
         f"{start + timedelta(seconds=200 + number % 300)}", f"{start}", f"{start}", number % 20 > 0, "released"]
        for number, start in enumerate(begun)
    ]  # fmt: skip
    names = ["userid", "imageid", "start", "loaded", "initialend", "finalend", "wasavailable", "ending"]
    insert("log", names, lines)


def plan(statement: str, params: Any) -> str:
    """How the database would find the rows of a statement."""
    word = "EXPLAIN" if connection.vendor == "mysql" else "EXPLAIN QUERY PLAN"
    return str(fetch(f"{word} {statement}", params))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """The statements that load times are read by."""
    statements: list[tuple[str, Any]] = []

    def fetched(statement: str, params: Any) -> list[tuple[Any, ...]]:
        statements.append((statement, params))
        return fetch(statement, params)

    monkeypatch.setattr(loads, "fetch", fetched)
    return statements


def test_loads_are_read_by_the_index_alone(asked: list[tuple[str, Any]]) -> None:
    fill_log(4000, of_the_image=400)
    sql("ANALYZE TABLE log" if connection.vendor == "mysql" else "ANALYZE")
    without = loads.estimates({IMAGE: 10}, AT)
    before = plan(*asked[-1])
    # VCL's index of `wasavailable`, which all rows have, is of no use.
    assert "wasavailable" not in before.replace("wasavailable + 0", "")
    assert "imageid" in before or "start" in before
    check_vcl("--create-indexes")
    assert loads.estimates({IMAGE: 10}, AT) == without
    assert 200 < without[IMAGE] < 500
    after = plan(*asked[-1])
    assert LOG.name in after
    if connection.vendor == "mysql":
        assert "Using index'" in after
        assert "'range'" in after  # not all years of the image
    else:
        assert "COVERING INDEX" in after
        assert "start>" in after


def test_bookings_are_found_by_the_index_alone() -> None:
    insert(
        "request",
        ["id", "stateid", "laststateid", "userid", "start", "end", "daterequested"],
        [
            [100 + number, 13, 13, 1, f"{start}", f"{start + timedelta(hours=2)}", f"{start}"]
            for number in range(2000)
            for start in [datetime.fromtimestamp(AT + 900 * number, UTC).replace(tzinfo=None)]
        ],
    )
    check_vcl("--create-indexes")
    sql("ANALYZE TABLE request" if connection.vendor == "mysql" else "ANALYZE")
    steps = plan(
        "SELECT id, stateid, laststateid, userid, start, `end` FROM request WHERE start < %s AND `end` > %s",
        ["2026-03-02 22:00:00", "2026-03-02 12:00:00"],
    )
    assert REQUEST.name in steps
    assert ("Using index'" if connection.vendor == "mysql" else "COVERING INDEX") in steps
