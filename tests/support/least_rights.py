"""On MariaDB, the service's own statements are sent with the rights of `print_grants running`, and with no others.

Tests send statements too, to make sites and to play VCL's programs, often on the same connection. So the run's account
has two roles: all rights, and those of the service. Before each statement the role is set that is due to the code which
sends it. What the server refuses is kept, as the service may go on without it: the test fails at its end.
"""

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from io import StringIO
from types import FrameType
from typing import Any
from weakref import WeakKeyDictionary

from django.core.management import call_command
from django.db import DatabaseError, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from blockalloc.schema import tables
from blockalloc.schema.rights import own_tables
from tests.support.servers.mariadb_server import PrivateMariaDB
from tests.support.servers.own_process import ROOT

ACCOUNT, ALL, RUNNING = "tester", "all_rights", "running"
_LACKS_RIGHT = {1044, 1142, 1143, 1227}
_SERVICE = f"{ROOT}/blockalloc/"
# Not the service: what fills demo sites. And what has rights of its own, for migrating and for indexes.
_OTHERS = tuple(
    f"{_SERVICE}{name}" for name in ("demo/", "migrations/", "schema/operations.py", "inspection/indexes.py")
)
# Tests send statements by this module too.
_BY = f"{_SERVICE}store/sql.py"


def prepare(server: PrivateMariaDB) -> None:
    """Make the account of the run and its two roles."""
    server.execute(
        f"CREATE ROLE {ALL}; GRANT ALL ON *.* TO {ALL} WITH GRANT OPTION; CREATE ROLE {RUNNING}; "
        f"CREATE USER {ACCOUNT}@localhost; GRANT {ALL} TO {ACCOUNT}@localhost; GRANT {RUNNING} TO {ACCOUNT}@localhost; "
        f"SET DEFAULT ROLE {ALL} FOR {ACCOUNT}@localhost"
    )


def for_account(url: str) -> str:
    """The DATABASE_URL of the server's root, for the account."""
    return url.replace("root@", f"{ACCOUNT}@", 1)


class LeastRights:
    """Sets the roles on all connections of the account. `refused` are the statements that lacked a right."""

    def __init__(self) -> None:
        self.refused: list[str] = []
        self._roles: WeakKeyDictionary[BaseDatabaseWrapper, str] = WeakKeyDictionary()

    def watch(self, connection: BaseDatabaseWrapper, **_: Any) -> None:
        """Begin with a connection that was just made, again after each loss of it."""
        if connection.settings_dict["USER"] == ACCOUNT:
            # The service may have sent a statement already, when it was told of the connection.
            with connection.connection.cursor() as cursor:
                cursor.execute(f"SET ROLE {ALL}")
            self._roles[connection] = ALL
            if self._send not in connection.execute_wrappers:
                connection.execute_wrappers.insert(0, self._send)  # tests add theirs at the end, and remove the last

    def _send(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        sender, used = context["connection"], context["cursor"]
        by_service = _is_by_service(sys._getframe(1))
        role = RUNNING if by_service else ALL
        if self._roles[sender] != role:
            used.cursor.execute(f"SET ROLE {role}")
            self._roles[sender] = role
        try:
            return execute(sql, params, many, context)
        except DatabaseError as error:
            if by_service and error.args and error.args[0] in _LACKS_RIGHT and _is_there(str(error)):
                self.refused.append(f"{error}: {sql[:300]}")
            raise


@contextmanager
def least_rights() -> Iterator[LeastRights]:
    """From now on. The tables have to be there."""
    database = str(connection.settings_dict["NAME"])
    printed = StringIO()
    call_command("print_grants", "running", "--database", database, stdout=printed)
    with connection.cursor() as cursor:
        for line in printed.getvalue().splitlines():
            if line.startswith("GRANT "):
                cursor.execute(line.partition(" TO ")[0].rstrip(";") + f" TO {RUNNING}")
    rights = LeastRights()
    connection_created.connect(rights.watch)
    for made in connections.all(initialized_only=True):
        if made.connection is not None:
            rights.watch(made)
    try:
        yield rights
    finally:
        connection_created.disconnect(rights.watch)
        for made in connections.all(initialized_only=True):
            made.execute_wrappers[:] = [each for each in made.execute_wrappers if each != rights._send]


def _is_there(refusal: str) -> bool:
    """Whether a table exists at all: a server does not say so to an account without a right on it."""
    named = re.search(r"for table (?:`?\w+`?\.)?`?(\w+)`?", refusal)
    return named is None or named[1].lower() in {name.lower() for name in (*tables(), *own_tables())}


def _is_by_service(frame: FrameType | None) -> bool:
    """Whether the innermost code of this project that led here is the service's."""
    while frame is not None:
        sent_by = _whose(frame.f_code.co_filename)
        if sent_by is not None:
            return sent_by
        frame = frame.f_back
    return False


@cache
def _whose(file: str) -> bool | None:
    """Whether a file is the service's; None for those that say nothing, as those of packages."""
    if not file.startswith(f"{ROOT}/") or file.startswith(f"{ROOT}/.venv/") or file in (_BY, __file__):
        return None
    return file.startswith(_SERVICE) and not file.startswith(_OTHERS)
