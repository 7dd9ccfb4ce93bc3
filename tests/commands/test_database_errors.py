"""A database that refuses a command: one line that says what to do, and no traceback."""

from pathlib import Path

import pytest
from django.db import DatabaseError, OperationalError, ProgrammingError
from django.db.migrations.exceptions import MigrationSchemaMissing

from tests.support.servers.own_process import run
from vclsite.database_errors import description

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="mariadb")]


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (OperationalError(1045, "Access denied"), "the database does not answer: (1045, 'Access denied'); "),
        (
            OperationalError(2005, "Unknown server host"),
            "the database does not answer: (2005, 'Unknown server host'); ",
        ),
        (OperationalError(1142, "DELETE command denied"), "the database account lacks a right: (1142, "),
        (ProgrammingError(1146, "Table doesn't exist"), "the database lacks a table: (1146, "),
    ],
)
def test_what_is_told(error: DatabaseError, text: str) -> None:
    assert description(error).startswith(text)


def test_a_right_that_the_first_migration_lacks() -> None:
    error = MigrationSchemaMissing("Unable to create the django_migrations table (…)")
    error.__context__ = OperationalError(1142, "CREATE command denied")
    assert description(error, "migrate") == (
        "the database account lacks a right: (1142, 'CREATE command denied'); "
        "manage.py print_grants migrating prints it"
    )


@pytest.mark.parametrize(
    "error", [OperationalError(1213, "Deadlock"), OperationalError("disk I/O error"), DatabaseError()]
)
def test_what_may_be_a_fault_of_the_program_keeps_its_traceback(error: DatabaseError) -> None:
    assert description(error) == ""


@pytest.mark.parametrize(
    ("command", "place", "said"),
    [
        (("migrate",), "nowhere/site.sqlite3", "error: the database does not answer: unable to open database file; "),
        (
            ("createsuperuser", "--noinput", "--username=a", "--email=a@b.c"),
            "site.sqlite3",
            "error: the database lacks ",
        ),
    ],
)
def test_a_command_of_djangos(command: tuple[str, ...], place: str, said: str, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/{place}"
    done = run("manage.py", *command, DATABASE_URL=url)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert done.stderr.startswith(said)
    assert "Traceback" in run("manage.py", *command, "--traceback", DATABASE_URL=url).stderr
