"""An inspection reads the rows of one moment, in a fixed number of statements, and writes nothing."""

import sqlite3
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext

from blockalloc.allocation import service
from blockalloc.allocation.block_time_actions import release_block_time
from blockalloc.inspection import inspect, words
from blockalloc.store import times
from blockalloc.store.inspection_rows import one_moment
from tests.golden import tables
from tests.support.sites.class_site import CALLER, a_call, class_site
from tests.support.sites.disorder import (
    C,
    add_block_computer,
    add_with_reload,
    findings_at,
    kinds,
    now,
    planned,
    reload,
    request,
    short_classes,
)
from tests.support.statements import Send, around_statements

pytestmark = pytest.mark.django_db(transaction=True)
STATEMENTS = 30


@pytest.fixture(autouse=True)
def site() -> Iterator[None]:
    """Forty computers, twelve block times at the same hours. It is 8:00."""
    with class_site(computers=40, machines=3, blocks=12):
        yield


def statements() -> int:
    """How many an inspection takes, ten minutes after the back end should have asked."""
    with CaptureQueriesContext(connection) as queries:
        inspect(now("08:10"))
    return len(queries)


def disorder(blocks: range, computers: int) -> None:
    """Something of many kinds, of these block times and so many computers; the last call has a decision record."""
    for block in blocks:
        for computer in range(C, C + computers):
            planned(block, computer, add_with_reload(block, computer))
        add_block_computer(block, C + computers, 999)
        planned(block, C + 39, reload("13:40", "14:00", C + 39))
    release_block_time(21, CALLER)
    service.allocate_block(a_call(1, block_time=blocks[-1] + 1), CALLER)
    request("14:00", "16:00", *range(C, C + computers))


def test_the_number_of_statements_does_not_grow() -> None:
    disorder(range(10, 11), 1)
    few = statements()
    disorder(range(12, 20), 12)
    assert len(findings_at()) > 500
    assert len(short_classes("08:10")) > 1
    assert statements() == few < STATEMENTS


@pytest.mark.skipif(connection.vendor != "sqlite", reason="for SQLite; the test below is MariaDB's")
def test_nobody_writes_meanwhile_on_sqlite() -> None:
    other = sqlite3.connect(str(connection.settings_dict["NAME"]), timeout=0)
    try:
        with one_moment(), pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("DELETE FROM blockComputers")
        other.execute("DELETE FROM blockComputers")
        other.rollback()
    finally:
        other.close()


@pytest.mark.skipif(connection.vendor != "mysql", reason="for MariaDB; the test above is SQLite's")
class TestMariaDB:
    """Others go on writing while an inspection reads."""

    def test_rows_of_one_moment(self) -> None:
        """Between two of its statements another process allocates: its reload would look like an orphan."""

        def others() -> None:
            add_with_reload(10, C)
            connection.close()

        def after_others(send: Send) -> Any:
            thread = threading.Thread(target=others)
            thread.start()
            thread.join()
            return send()

        with around_statements("AND v.computerid IN (SELECT computerid FROM blockComputers)", after_others):
            assert kinds() == []
        assert len(tables.read()["blockComputers"]) == 1

    def test_nothing_can_be_written(self) -> None:
        add_block_computer(10, C)
        with pytest.raises(DatabaseError, match="READ ONLY"), one_moment():
            add_block_computer(10, C + 1)
        add_block_computer(10, C + 2)  # the next transaction is an ordinary one again


def test_a_waiting_reload_is_seen_once_however_many_computers_it_has() -> None:
    reload("13:00", "13:20", C, C + 1, C + 2)
    assert kinds() == ["orphaned_reload"]


def test_a_value_that_cannot_be_vcls_is_a_finding_beside_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """A column of another type can hold a text where a time should be."""
    add_block_computer(10, C)

    def unreadable(_: object) -> int:
        raise ValueError("Invalid isoformat string: 'garbage'")

    monkeypatch.setattr(times, "from_local", unreadable)
    last = inspect(now())[-1]
    assert (last.kind, last.repairable) == ("schema_drift", False)
    assert "garbage" in last.text
    assert last.subject["not_checked"]


def test_names_cannot_move_the_operators_cursor() -> None:
    assert words.plain("CS101\n\x1b[31m – Übung") == "CS101\\n\\x1b[31m – Übung"
