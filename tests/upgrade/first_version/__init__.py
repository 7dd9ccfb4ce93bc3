"""The database of a site on which the first version ran (migrations up to 0002), as it left it.

Made with the code of that version, on its demo site: calls by XML-RPC (for a block time, for new blocks with an
idempotency key, one of them twice, for a cluster), and staff who signed in and added a group and a user. Of VCL's `log`
only the last rows were kept. `own-tables.*.sql` are its tables as that version made them on each database.

The times in VCL's rows are moved on by whole weeks, so that the classes are as far ahead as they were then.
"""

import json
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.empty_site import Site

_FOLDER = Path(__file__).parent
_FIRST_CLASS = datetime(2026, 11, 30, 9)  # site time, as VCL's rows have it
_TIME = re.compile(r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d")


@pytest.fixture
def first_version(site: Site) -> Site:
    """The site, on a database of the run's kind."""
    return load(site)


def load(site: Site) -> Site:
    """Fill an empty database."""
    site.operate()
    site.sql("SET FOREIGN_KEY_CHECKS = 0" if site.server else "PRAGMA foreign_keys = OFF")
    for statement in (_FOLDER / f"own-tables.{'mariadb' if site.server else 'sqlite'}.sql").read_text().split(";\n"):
        if statement.strip() and "sqlite_sequence" not in statement:
            site.sql(statement)
    for name in ("vcl-rows.json", "own-rows.json"):
        for table, content in json.loads((_FOLDER / name).read_text(encoding="utf-8")).items():
            rows = content["rows"] if name == "own-rows.json" else _moved_on(content["rows"])
            _replace(site, table, content["columns"], rows)
    site.sql("SET FOREIGN_KEY_CHECKS = 1" if site.server else "PRAGMA foreign_keys = ON")
    return site


def _moved_on(rows: list[list[Any]]) -> list[list[Any]]:
    """The rows with their times moved on by as many weeks as put the first class a day or more ahead."""
    late = datetime.now() + timedelta(days=1) - _FIRST_CLASS  # noqa: DTZ005
    weeks = timedelta(weeks=max(-(-late // timedelta(weeks=1)), 0))

    def moved(value: Any) -> Any:
        if isinstance(value, str) and _TIME.fullmatch(value):
            return str(datetime.fromisoformat(value) + weeks)
        return value

    return [[moved(value) for value in row] for row in rows]


def _replace(site: Site, table: str, columns: list[str], rows: list[list[Any]]) -> None:
    names = ", ".join(f"`{column}`" for column in columns)
    with site.connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM `{table}`")  # noqa: S608 - names are our own
        places = ", ".join(["%s"] * len(columns))
        cursor.executemany(f"INSERT INTO `{table}` ({names}) VALUES ({places})", rows)  # noqa: S608
