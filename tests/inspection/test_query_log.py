"""The query log of VCL's front end: named when it is on and written by prepared statements, and only then."""

from collections.abc import Iterator

import pytest
from django.db import connection

from blockalloc import inspection
from blockalloc.inspection import Finding
from tests.golden import tables
from tests.support.sites.disorder import now
from tests.support.sites.rows import IMAGE, SiteRows

pytestmark = pytest.mark.django_db(transaction=True)
ANN, BOB = 2, 3
# A continuation with somebody's name, as the front end stores it before each form.
QUOTED = r"INSERT INTO continuations (id, data) VALUES ('a', 's:7:\"O\'Brien\";')"
# A value that ends in a backslash: a release logs that quote as a backslash and an apostrophe too.
ENDS_IN_BACKSLASH = r"UPDATE vmprofile SET datastorepath = 'C:\', name = 'x'"


@pytest.fixture(autouse=True)
def _query_log() -> Iterator[None]:
    site = SiteRows()
    site["log"] = [_reservation(1, BOB), _reservation(2, ANN)]
    tables.load(site, "UTC")
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE querylog (userid INTEGER NOT NULL DEFAULT 0, timestamp datetime NOT NULL, "
            "mode varchar(30) NOT NULL DEFAULT '', query text NOT NULL)"
        )
        cursor.execute("CREATE INDEX userid ON querylog (userid)")
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE querylog")


def _reservation(id_: int, user: int, available: int = 1) -> tables.Row:
    return {"id": id_, "userid": user, "imageid": IMAGE, "nowfuture": "now", "wasavailable": available}


def log(user: int, *queries: str, at: str = "2026-03-02 07:00:00") -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO querylog (userid, timestamp, query) VALUES (%s, %s, %s)",
            [(user, at, text) for text in queries],
        )


def reserved(id_: int) -> str:
    """What is logged of a reservation."""
    return f"UPDATE log SET requestid = 4711 WHERE id = {id_}"  # noqa: S608 - a text, never run


def found() -> list[Finding]:
    return [finding for finding in inspection.inspect(now()) if finding.kind == "query_log"]


def test_a_log_that_is_on_and_written_by_prepared_statements() -> None:
    log(ANN, QUOTED, at="2026-03-01 12:00:00")
    log(ANN, QUOTED, at="2026-03-01 13:00:00")
    log(ANN, reserved(2))
    (finding,) = found()
    assert finding.subject == {"table": "querylog", "log": 2, "logged_at": "2026-03-01 13:00:00"}
    assert not finding.repairable


def test_the_apostrophe_may_be_another_users() -> None:
    log(BOB, QUOTED, reserved(1))
    log(ANN, reserved(2))
    assert len(found()) == 1


def test_an_empty_log() -> None:
    assert found() == []


@pytest.mark.parametrize("text", [ENDS_IN_BACKSLASH, QUOTED.replace(r"\'", "'"), r"UPDATE a SET b = 'C:\new'"])
def test_what_a_release_can_have_logged(text: str) -> None:
    log(ANN, text, reserved(2))
    assert found() == []


def test_a_log_that_was_switched_off_before_the_last_reservation() -> None:
    log(ANN, QUOTED)
    log(BOB, QUOTED, reserved(1))
    assert found() == []


def test_reservations_that_could_not_be_had_are_not_waited_for() -> None:
    tables.insert("log", [_reservation(3, BOB, available=0)], "UTC")
    log(ANN, QUOTED, reserved(2))
    assert len(found()) == 1


def test_a_reservation_of_a_longer_number_is_another_one() -> None:
    log(ANN, QUOTED, reserved(12))
    assert found() == []


def test_the_newest_rows_of_a_user_are_read() -> None:
    log(ANN, *["UPDATE user SET lastupdated = NOW()"] * 600, at="2026-02-01 12:00:00")
    log(ANN + 100, *["DELETE FROM shibauth"] * 600)
    log(ANN, QUOTED, reserved(2))
    assert len(found()) == 1


def test_a_user_with_more_new_rows_than_are_read_says_nothing() -> None:
    log(ANN, QUOTED, reserved(2), *["UPDATE user SET lastupdated = NOW()"] * 600)
    assert found() == []
    log(BOB, QUOTED, reserved(1))
    assert len(found()) == 1


def test_without_the_table_nothing_is_asked() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE querylog RENAME TO elsewhere")
    try:
        assert found() == []
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE elsewhere RENAME TO querylog")
