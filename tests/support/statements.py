"""Hooks around SQL statements of this thread, without a change to the code that sends them."""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from django.db import connection

Send = Callable[[], Any]


@contextmanager
def around_statements(about: str, act: Callable[[Send], Any]) -> Iterator[None]:
    """Call `act` in place of each statement that contains the text `about`; its argument sends the statement."""

    def wrapper(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        def send() -> Any:
            return execute(sql, params, many, context)

        return act(send) if about in sql else send()

    with connection.execute_wrapper(wrapper):
        yield


def at_the_guard(act: Callable[[Send], Any]) -> AbstractContextManager[None]:
    """Call `act` in place of each statement that takes the guard (blockalloc/store/guard.py)."""
    return around_statements("UPDATE blockalloc_guard SET n", act)


@contextmanager
def without_table(name: str) -> Iterator[None]:
    """Let the database answer as if it had no table of this name."""

    def wrapper(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        return execute(re.sub(rf"\b{name}\b", "no_such_table", sql), params, many, context)

    with connection.execute_wrapper(wrapper):
        yield
