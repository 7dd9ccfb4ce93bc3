"""What goes wrong on the day beside loads: each is a context manager, and over at its end."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from tests.support.servers.front_end_server import FrontEndServer, Received
from tests.support.servers.mail_server import MailServer


@contextmanager
def database_says(error: Exception, about: str = "") -> Iterator[None]:
    """Each statement of the service fails that has these words in it."""

    def refuse(execute: Callable[..., object], sql: str, *others: object) -> object:
        if about in sql:
            raise error
        return execute(sql, *others)

    def join(connection: BaseDatabaseWrapper, **_signal: object) -> None:
        connection.execute_wrappers.append(refuse)

    connection_created.connect(join)  # those of other threads
    try:
        with connection.execute_wrapper(refuse):
            yield
    finally:
        connection_created.disconnect(join)


@contextmanager
def front_end_breaks_off(server: FrontEndServer) -> Iterator[None]:
    """VCL's front end breaks off what it is asked."""

    def break_off(_server: FrontEndServer, _call: Received) -> bytes:
        raise ConnectionResetError

    as_before, server.behave = server.behave, break_off
    try:
        yield
    finally:
        server.behave = as_before


@contextmanager
def mail_server_says(server: MailServer, answer: str) -> Iterator[None]:
    """The mail server refuses all recipients: for now (4xx) or for good (5xx)."""
    as_before, server.recipient = server.recipient, lambda _address: answer
    try:
        yield
    finally:
        server.recipient = as_before
