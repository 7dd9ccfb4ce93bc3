"""Whether the database answers, and has the tables of this version."""

import os
from collections.abc import Iterator

from django.db import DatabaseError, connection

from blockalloc.schema.applied import unapplied
from blockalloc.settings_check.problems import Problem, error


def check_connection() -> Iterator[Problem]:
    """A database that cannot be reached. One that is a file is not created here."""
    name = str(connection.settings_dict["NAME"])
    is_file = connection.vendor == "sqlite" and name != ":memory:" and not name.startswith("file:")
    if is_file and not os.path.lexists(name):
        yield error("DATABASE_URL", f"there is no database {name} yet: manage.py migrate creates it")
        return
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as problem:
        yield error("DATABASE_URL", f"the database does not answer: {problem}")
    except (TypeError, ValueError):  # of the driver; its text may repeat a value
        yield error(
            "DATABASE_URL", "DATABASE_URL: an option after the ? is not one of the database's driver: remove it"
        )


def check_migrations() -> Iterator[Problem]:
    """Tables of ours or of Django's that are not created yet."""
    try:
        names = unapplied(connection)
    except DatabaseError as problem:
        yield error("DATABASE_URL", f"the database's migrations cannot be read: {problem}")
        return
    if names:
        more = f" and {len(names) - 1} more" if names[1:] else ""
        yield error("", f"migrations are not applied ({names[0]}{more}): run manage.py migrate")
