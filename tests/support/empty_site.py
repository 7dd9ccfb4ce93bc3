"""Databases of their own for tests of the schema: empty, or as VCL leaves them. conftest.py names the fixtures."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.state import ProjectState
from django.db.utils import ConnectionHandler

from blockalloc.schema import tables
from blockalloc.schema.operations import CreateOrAdoptTables
from tests.support.servers.mariadb_server import PrivateMariaDB
from tests.support.servers.own_process import ROOT
from vclsite.database import database


class Site:
    """A database of its own, empty at first, of the kind that the run is on."""

    def __init__(self, url: str, server: PrivateMariaDB | None) -> None:
        self.url = url
        self.server = server
        self.connection: BaseDatabaseWrapper = ConnectionHandler({"default": database(url)})["default"]

    def migrate(self) -> subprocess.CompletedProcess[str]:
        """What the operator does."""
        return subprocess.run(
            [sys.executable, "manage.py", "migrate"],
            cwd=ROOT,
            env={**os.environ, "DATABASE_URL": self.url},
            capture_output=True,
            text=True,
            check=False,
        )

    def operate(self) -> None:
        """The migration's operation alone."""
        state = ProjectState()
        with self.connection.schema_editor() as schema_editor:
            CreateOrAdoptTables().database_forwards("blockalloc", schema_editor, state, state)

    def sql(self, statement: str) -> list[Any]:
        with self.connection.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []

    def contents(self) -> str:
        """VCL's tables, definitions and rows, as the database itself dumps them."""
        if self.server is not None:
            return self.server.dump(str(self.connection.settings_dict["NAME"]), *self._present())
        self.connection.ensure_connection()
        names = "|".join(tables())
        mine = re.compile(rf'(CREATE TABLE|INSERT INTO) "({names})"|CREATE (UNIQUE )?INDEX .* ON "({names})"')
        return "\n".join(line for line in self.connection.connection.iterdump() if mine.match(line))

    def all_contents(self) -> str:
        """All tables, ours and Django's included, as the database itself dumps them."""
        if self.server is not None:
            return self.server.dump(str(self.connection.settings_dict["NAME"]))
        self.connection.ensure_connection()
        return "\n".join(self.connection.connection.iterdump())

    def _present(self) -> list[str]:
        return sorted(set(self.connection.introspection.table_names()) & set(tables()))


@pytest.fixture
def site(request: pytest.FixtureRequest, tmp_path: Path, django_db_blocker: Any) -> Iterator[Site]:
    """An empty database; away after the test."""
    if request.config.getoption("--mariadb"):
        yield request.getfixturevalue("mariadb_site")
        return
    with django_db_blocker.unblock():
        site = Site(f"sqlite:///{tmp_path / 'site.sqlite3'}", None)
        yield site
        site.connection.close()


@pytest.fixture
def mariadb_site(mariadb_server: PrivateMariaDB, django_db_blocker: Any) -> Iterator[Site]:
    """The same on MariaDB, whatever the run is on."""
    with django_db_blocker.unblock():
        yield from site_on(mariadb_server)


def site_on(server: PrivateMariaDB, name: str = "site") -> Iterator[Site]:
    """An empty database of that name on the server; dropped afterwards."""
    server.execute(f"CREATE DATABASE {name} DEFAULT CHARSET latin1")
    site = Site(server.url(name), server)
    yield site
    site.connection.close()
    server.execute(f"DROP DATABASE {name}")


@pytest.fixture
def vcl(site: Site) -> Site:
    """A database as VCL leaves it: no table of ours or of Django's, and somebody's block in it."""
    site.operate()
    site.sql("INSERT INTO image (id, name, prettyname, OSid) VALUES (10, 'café', 'Café', 36)")
    site.sql(
        "INSERT INTO blockRequest (id, name, imageid, numMachines, ownerid, expireTime, processing) "
        "VALUES (10, 'a block', 10, 20, 3, '2026-11-30 11:00:00', 0)"
    )
    return site
