"""pytest plugin: `pytest --mariadb` runs the tests on a MariaDB server of their own instead of SQLite."""

import os
import signal
from collections.abc import Generator, Iterator

import pytest

from tests.mariadb_server import SECRET_KEY, MariaDBUnavailable, PrivateMariaDB

_SERVER = pytest.StashKey[PrivateMariaDB]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --mariadb."""
    parser.addoption(
        "--mariadb",
        action="store_true",
        help="run on a private MariaDB server, started for the run (default: SQLite, or DATABASE_URL)",
    )


# A wrapper runs before all other hooks of the name, and so before Django's settings read DATABASE_URL.
@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, object, object]:
    """Start the server that the settings are to find."""
    os.environ.setdefault("DJANGO_SECRET_KEY", SECRET_KEY)
    if early_config.known_args_namespace.mariadb:
        server = PrivateMariaDB()
        try:
            server.start()
        except MariaDBUnavailable as error:
            raise pytest.UsageError(f"--mariadb: {error}") from error
        early_config.stash[_SERVER] = server
        # A run that is told to stop must stop its server too: SIGTERM ends it as Ctrl-C does.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        os.environ["DATABASE_URL"] = server.url("vcl")
    return (yield)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the server, after Ctrl-C too."""
    server = config.stash.get(_SERVER, None)
    if server is not None:
        server.stop()


@pytest.fixture(scope="session")
def mariadb_server(request: pytest.FixtureRequest) -> Iterator[PrivateMariaDB]:
    """A server for tests of what only MariaDB has: that of the run, or one that is started for them."""
    server = request.config.stash.get(_SERVER, None)
    if server is not None:
        yield server
        return
    with PrivateMariaDB() as server:
        yield server
