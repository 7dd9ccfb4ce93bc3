"""The places between the SQL statements of a call: where others may step in, and where a process may die."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connection


@dataclass(frozen=True, slots=True)
class Boundary:
    """A place beside a statement: `number` counts statements from 1, COMMITs and ROLLBACKs among them."""

    number: int
    after: bool  # the statement is done; otherwise it has not been sent yet
    sql: str


@contextmanager
def at_boundaries(visit: Callable[[Boundary], None]) -> Iterator[None]:
    """Call `visit` before and after every statement that this thread sends to the database.

    On MariaDB BEGIN does not count: others do not see it. Statements that `visit` sends on Django's connection
    would be counted too: it has to use one of its own.
    """
    count = 0

    def around(sql: str, send: Callable[[], Any]) -> Any:
        nonlocal count
        count += 1
        number = count
        visit(Boundary(number, after=False, sql=sql))
        result = send()
        visit(Boundary(number, after=True, sql=sql))
        return result

    def statement(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        return around(sql, lambda: execute(sql, params, many, context))

    ends = {"_commit": "COMMIT", "_rollback": "ROLLBACK"}
    usual = {name: getattr(connection, name) for name in ends}
    for name, sql in ends.items():
        setattr(connection, name, lambda name=name, sql=sql: around(sql, usual[name]))
    try:
        with connection.execute_wrapper(statement):
            yield
    finally:
        for name in ends:
            delattr(connection, name)
