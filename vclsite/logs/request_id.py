"""The id of the request, the command or the look that this thread works for. Each of its log lines carries it."""

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

HEADER = "X-Request-Id"
LONGEST = 64  # characters, as in the decision records

# What the middleware leaves in the WSGI environment for the access line, which is written when it has returned.
ID_KEY, ADDRESS_KEY = "blockalloc.request_id", "blockalloc.client_address"

_WELL_FORMED = re.compile(rf"[A-Za-z0-9._-]{{1,{LONGEST}}}", re.ASCII)
_current: ContextVar[str] = ContextVar("request_id", default="")


def current() -> str:
    """The id of what this thread works for; "" when it has none."""
    return _current.get()


def new() -> str:
    """An id that nothing else has: 32 hexadecimal digits, like nginx's $request_id."""
    return uuid.uuid4().hex


def is_well_formed(text: str) -> bool:
    """Whether `text` can be an id: 1 to 64 ASCII letters, digits, "-", "_" and "."."""
    return _WELL_FORMED.fullmatch(text) is not None


def begin(id_: str) -> None:
    """From now on this thread works for `id_`."""
    _current.set(id_)


def end() -> None:
    """This thread is done with what it worked for."""
    _current.set("")


@contextmanager
def within(id_: str) -> Iterator[None]:
    """Work for `id_` while the block runs, and then again for what came before."""
    token = _current.set(id_)
    try:
        yield
    finally:
        _current.reset(token)
