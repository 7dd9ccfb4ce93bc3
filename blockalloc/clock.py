"""The current time. Read through Python, so that freezing a process's clock freezes the service's time."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_simulated: Callable[[], float] | None = None  # the source of the time in place of the process's clock


def now() -> int:
    """The current time, Unix seconds."""
    return int(_simulated() if _simulated else time.time())


@contextmanager
def simulated(source: Callable[[], float]) -> Iterator[None]:
    """Let `now()` return the time of `source` (Unix seconds), in all threads of this process.

    Nothing of the service uses it: it is for programs that simulate a site. Other clocks go on (the database's, those
    of waits and of Django's own tables).
    """
    global _simulated
    before, _simulated = _simulated, source
    try:
        yield
    finally:
        _simulated = before
