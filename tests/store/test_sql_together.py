"""SELECTs that are sent together: each gets its rows, and the connection stays usable after an error."""

import pytest
from django.db import DatabaseError, connection

from blockalloc.store.sql import Select, fetch, fetch_together
from vclsite.database import _LONGEST_LIST, _moment

pytestmark = pytest.mark.django_db(transaction=True)
ONE, TWO = Select("SELECT 1, %s", ["a"]), Select("SELECT 2 UNION ALL SELECT %s", [3])


def test_each_has_its_rows() -> None:
    rows = fetch_together([(ONE, list), (TWO, len), (ONE, list)])
    assert rows == [[(1, "a")], 2, [(1, "a")]]


@pytest.mark.parametrize("place", [0, 1, 2])
def test_after_one_that_fails_the_connection_goes_on(place: int) -> None:
    selects = [ONE, TWO]
    selects.insert(place, Select("SELECT nothing FROM nowhere"))
    with pytest.raises(DatabaseError):
        fetch_together([(select, list) for select in selects])
    assert fetch("SELECT 7") == [(7,)]


def test_after_an_error_of_our_own_between_two_the_connection_goes_on() -> None:
    with pytest.raises(ZeroDivisionError):
        fetch_together([(ONE, lambda rows: len(rows) // 0), (TWO, list), (TWO, list)])
    assert fetch("SELECT 7") == [(7,)]


def test_lists_are_as_long_as_the_server_allows_and_a_strict_server_takes_the_setting() -> None:
    if connection.vendor != "mysql":
        pytest.skip("a setting of MariaDB's")
    assert fetch("SELECT @@group_concat_max_len") == [(_LONGEST_LIST,)]
    with connection.cursor() as cursor:
        cursor.execute("SET STATEMENT sql_mode = 'STRICT_ALL_TABLES' FOR SELECT 1")
        cursor.execute("SET sql_mode = 'STRICT_ALL_TABLES'")
        try:
            cursor.execute(f"SET group_concat_max_len = {_LONGEST_LIST}")
        finally:
            connection.close()


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("2026-03-02 08:00:00", True),
        ("2026-03-02 08:00:00.250000", True),
        ("0000-00-00 00:00:00", False),
        ("2026-00-00 00:00:00", False),
    ],
)
def test_times_of_the_database(text: str, known: bool) -> None:
    moment = _moment(text)
    assert (moment is not None) == known
    assert moment is None or str(moment) == text
