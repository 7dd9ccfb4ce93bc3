"""How commands that run until they are stopped hear of it."""

import os
import select
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Stop:
    """Whether the command is to stop. Set by a signal, at any moment.

    Not a threading.Event: a handler runs between two steps of the thread that waits, and an event that this thread has
    locked just then would wait for itself for ever.
    """

    def __init__(self) -> None:
        self._is_set = False
        self._reading, self._writing = os.pipe()

    def is_set(self) -> bool:
        """Whether a signal came."""
        return self._is_set

    def set(self) -> None:
        """End the waits, this one and those to come."""
        if not self._is_set:
            self._is_set = True
            os.write(self._writing, b".")

    def wait(self, seconds: float) -> bool:
        """Wait so long, or until a signal comes; whether one came."""
        select.select([self._reading], [], [], seconds)
        return self._is_set

    def close(self) -> None:
        """Give back what it needed."""
        os.close(self._reading)
        os.close(self._writing)


@contextmanager
def stopped_by_signals() -> Iterator[Stop]:
    """Set by SIGTERM and Ctrl-C: what the command is doing is finished first."""
    stop = Stop()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        stop.close()
