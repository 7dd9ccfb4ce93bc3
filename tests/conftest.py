"""What tests of all subjects share."""

import random
import shutil
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.core.cache import cache
from django.db import connection, transaction
from django.test import Client

from blockalloc.models import Guard
from blockalloc.pages import labs, short_names
from blockalloc.schema import base_rows
from blockalloc.store import page_loads
from tests.golden.tables import replace
from tests.support import properties  # noqa: F401 - before all tests, those that say nothing of how they are tried included
from tests.support.emptying import quick_emptying
from tests.support.https_client import Browser
from tests.support.servers.in_memory import folder_in_memory

_COMMITTING_FIXTURES = {"transactional_db", "django_db_reset_sequences", "django_db_serialized_rollback", "live_server"}


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> Iterator[None]:
    """Let SQLite's test database be a file: the real thing, and other processes can reach it."""
    if connection.vendor != "sqlite":
        yield
        return
    folder = folder_in_memory("sqlite-")
    connection.settings_dict["TEST"]["NAME"] = str(folder / "test.sqlite3")
    yield
    shutil.rmtree(folder)


@pytest.fixture(autouse=True)
def _seeded(request: pytest.FixtureRequest) -> None:
    """What the service draws while a test runs (waits, when the cache is purged) is the same each time."""
    random.seed(request.node.nodeid)


@pytest.fixture(autouse=True)
def _settings_are_put_back() -> Iterator[None]:
    """No test leaves its settings to the next one: overrides that overlap would, if the outer one ended first."""
    before = vars(settings)["_wrapped"]
    yield
    after = vars(settings)["_wrapped"]
    assert after is before, "overrides of settings must end in the reverse order of their beginnings"


@pytest.fixture(autouse=True)
def _clocks_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests stop the clock of their own process; that of a database server goes on. Here they are taken for one."""
    monkeypatch.setattr("blockalloc.store.site_clock.database_ahead", lambda: 0)


@pytest.fixture(scope="session", autouse=True)
def _emptied_quickly() -> Iterator[None]:
    """What Django does after each test that commits would be most of its time."""
    with quick_emptying():
        yield


@pytest.fixture(scope="session", autouse=True)
def _passwords_are_hashed_quickly() -> Iterator[None]:
    """As Django hashes them, in fewer rounds: a million take a third of a second, for each demo site that is loaded."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PBKDF2PasswordHasher, "iterations", 1000)
        yield


@pytest.fixture
def client() -> Client:
    """As people use the pages."""
    return Browser()


@pytest.fixture(autouse=True)
def _nothing_of_other_sites() -> None:
    """The process remembers the domain of a site, and how long images take to load; each test has a site of its own."""
    short_names.forget()
    labs.forget()
    page_loads.forget()


@pytest.fixture
def no_purge(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests that count statements: the cache throws away what is past with none of its entries."""
    monkeypatch.setattr("random.randrange", lambda _stop: 1)


@pytest.fixture(autouse=True)
def _rows_as_migrated(request: pytest.FixtureRequest) -> None:
    """Begin each test that commits with the rows that a new site has.

    Django empties its own managed tables after such a test, the guard's row included, and leaves VCL's alone.
    Other tests roll back and need nothing.
    """
    marker = request.node.get_closest_marker("django_db")
    commits = marker is not None and (marker.kwargs.get("transaction") or bool(marker.args and marker.args[0]))
    if not commits and _COMMITTING_FIXTURES.isdisjoint(request.fixturenames):
        return
    request.getfixturevalue("transactional_db")
    with connection.constraint_checks_disabled(), transaction.atomic():
        replace(base_rows(), "UTC")
        Guard.objects.all().delete()
        Guard.objects.bulk_create([Guard(id=Guard.ROW, n=0)])
    cache.clear()  # its table has no model, and is not emptied with the others
