"""The database of a site on which the first version ran (migrations up to 0002), as it left it.

Made with the code of that version, on its demo site: calls by XML-RPC (for a block time, for new blocks with an
idempotency key, one of them twice, for a cluster), and staff who signed in and added a group and a user. Of VCL's `log`
only the last rows were kept. `own-tables.*.sql` are its tables as that version made them on each database.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.empty_site import Site

_FOLDER = Path(__file__).parent


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
            _replace(site, table, content["columns"], content["rows"])
    site.sql("SET FOREIGN_KEY_CHECKS = 1" if site.server else "PRAGMA foreign_keys = ON")
    return site


def _replace(site: Site, table: str, columns: list[str], rows: list[list[Any]]) -> None:
    names = ", ".join(f"`{column}`" for column in columns)
    with site.connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM `{table}`")  # noqa: S608 - names are our own
        places = ", ".join(["%s"] * len(columns))
        cursor.executemany(f"INSERT INTO `{table}` ({names}) VALUES ({places})", rows)  # noqa: S608
