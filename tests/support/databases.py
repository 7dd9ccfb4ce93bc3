"""pytest plugin: `pytest --mariadb` runs the tests on a MariaDB server of their own instead of SQLite.

`pytest --galera` runs them on the first node of a Galera cluster of their own. Those in verification/galera are about
all of its nodes, and run with it alone.
"""

import gc
import os
import signal
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
import pytest_django

from tests.support import least_rights
from tests.support.servers.galera_cluster import GaleraCluster
from tests.support.servers.kinds import add_options, kind_of
from tests.support.servers.mariadb_server import SECRET_KEY, MariaDBUnavailable, PrivateMariaDB

_SERVER = pytest.StashKey[PrivateMariaDB]()
_CLUSTER = pytest.StashKey[GaleraCluster]()
_GARBAGE = 10_000  # objects more than before, until the collector looks for garbage among them
_CLUSTER_TESTS = Path(__file__).parents[2] / "verification" / "galera"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --mariadb and --galera."""
    parser.addoption(
        "--mariadb",
        action="store_true",
        help="run on a private MariaDB server, started for the run (default: SQLite, or DATABASE_URL)",
    )
    parser.addoption(
        "--galera",
        action="store_true",
        help="run on a private Galera cluster of three nodes, started for the run; verification/galera needs it",
    )
    add_options(parser.addoption)


# A wrapper runs before all other hooks of the name, and so before Django's settings read DATABASE_URL.
@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, object, object]:
    """Start the server or the cluster that the settings will use."""
    os.environ.setdefault("DJANGO_SECRET_KEY", SECRET_KEY)
    # The recorded cases, and all tests that name the times of reloads by the minute, are of this policy (SPEC 6). Tests
    # of policy `ready` say so.
    os.environ.setdefault("VCL_RELOAD_POLICY", "vcl")
    # Django makes a database of the run's own beside it; a process that is started without one gets an empty database.
    os.environ.setdefault("DATABASE_URL", "sqlite://:memory:")
    options = early_config.known_args_namespace
    if options.mariadb or options.galera:
        # When a run is stopped its servers must stop too: SIGTERM ends it as Ctrl-C does.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if options.galera:
            early_config.stash[_CLUSTER] = GaleraCluster().start()
            os.environ["DATABASE_URL"] = early_config.stash[_CLUSTER].url(0, "vcl")
        elif options.mariadb:
            kind = kind_of(options)
            early_config.stash[_SERVER] = server = kind.server().start(kind.arguments())
            least_rights.prepare(server)
            os.environ["DATABASE_URL"] = least_rights.for_account(kind.url(server, "vcl"))
            kind.prepare()
    except MariaDBUnavailable as error:
        raise pytest.UsageError(f"{'--galera' if options.galera else '--mariadb'}: {error}") from error
    return (yield)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave the tests of a cluster to runs that have one."""
    return True if collection_path == _CLUSTER_TESTS and not config.getoption("--galera") else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Check the markers. Raises UsageError when one is wrong."""
    for item in items:
        once = item.get_closest_marker("once")
        if once is not None and once.kwargs.get("on") not in ("sqlite", "mariadb"):
            raise pytest.UsageError(f'{item.nodeid}: the marker has to be once(on="sqlite") or once(on="mariadb")')
        if item.get_closest_marker("no_database") and item.get_closest_marker("django_db"):
            raise pytest.UsageError(f"{item.nodeid}: it is marked no_database and django_db")


def pytest_collection_finish() -> None:
    """Keep the collector of garbage away from thousands of tests and all modules: they stay until the end."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_GARBAGE)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop what was started, after Ctrl-C too."""
    for started in (config.stash.get(_SERVER, None), config.stash.get(_CLUSTER, None)):
        if started is not None:
            started.stop()


@pytest.fixture(scope="session")
def galera_cluster(request: pytest.FixtureRequest) -> GaleraCluster:
    """The cluster of the run."""
    return request.config.stash[_CLUSTER]


@pytest.fixture(scope="session")
def _service_with_least_rights(
    django_db_setup: None, django_db_blocker: pytest_django.DjangoDbBlocker
) -> Iterator[least_rights.LeastRights]:
    with django_db_blocker.unblock(), least_rights.least_rights() as rights:
        yield rights


@pytest.fixture(autouse=True)
def _service_needs_no_other_rights(request: pytest.FixtureRequest) -> Iterator[None]:
    """Tests on the run's MariaDB server fail when the service lacks a right, even if it goes on without it."""
    if not request.config.getoption("--mariadb") or not request.node.get_closest_marker("django_db"):
        yield
        return
    rights = request.getfixturevalue("_service_with_least_rights")
    rights.refused.clear()
    yield
    assert rights.refused == [], "blockalloc/schema/rights.py does not have the rights for these"


@pytest.fixture(scope="session")
def mariadb_server(request: pytest.FixtureRequest) -> Iterator[PrivateMariaDB]:
    """A server for tests of what only MariaDB has: that of the run, or one that is started for them."""
    server = request.config.stash.get(_SERVER, None)
    if server is not None:
        yield server
        return
    with PrivateMariaDB() as server:
        yield server
