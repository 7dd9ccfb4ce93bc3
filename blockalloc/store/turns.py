"""Allocations of one process take turns.

The guard lets only one transaction through, of all processes. Calls that wait for it in the database between their two
transactions would stand behind all that have not begun, each with its facts in memory.
"""

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from blockalloc.contract import refusals
from blockalloc.store.guard import Deadline

# Seconds after which the others no longer wait for a call: it hangs, on a database node that does not answer, say.
# A turn takes about 80 ms. Where eight processes contend for the guard on two busy cores, half take 0.2 s and the
# longest 0.9 s; of sixteen on a machine with five times the work it can do, half take 1.1 s and one of a hundred 3.8 s.
# Nobody is to go in beside those. Of a guard wait of 20 s enough is left behind a call that hangs, and behind two or
# three. In a process as many are at work at most as the guard wait has such limits, and one.
HUNG = 5.0


class Turns:
    """A queue: first come, first served; one at a time, but for calls whose turn has taken longer than `hung`.

    A call that hangs is passed by: the next one goes in beside it and has a turn like any other.
    """

    def __init__(self, hung: float = HUNG) -> None:
        self._hung = hung
        self._lock = threading.Lock()
        self._waiting: deque[threading.Condition] = deque()
        self._at_work: threading.Condition | None = None  # who came in last, until they are done
        self._since = 0.0  # when they came in
        self._of_thread = threading.local()

    @contextmanager
    def turn(self, deadline: Deadline) -> Iterator[None]:
        """A turn of this thread, or the one that it has. Raises Refusal 205 when the deadline passes first."""
        if getattr(self._of_thread, "inside", False):
            yield
            return
        with deadline.waiting():
            me = self._enter(deadline)
        self._of_thread.inside = True
        try:
            yield
        finally:
            self._of_thread.inside = False
            self._leave(me)

    def _enter(self, deadline: Deadline) -> threading.Condition:
        with self._lock:
            me = threading.Condition(self._lock)
            self._waiting.append(me)
            try:
                while (seconds := self._seconds_until_turn_of(me)) > 0:
                    left = deadline.left()
                    if left <= 0:
                        raise refusals.busy()
                    me.wait(min(seconds, left))
                self._at_work, self._since = me, time.monotonic()
            finally:
                self._waiting.remove(me)
                self._call_next()
        return me

    def _leave(self, me: threading.Condition) -> None:
        with self._lock:
            if self._at_work is me:  # else it was passed by, and others are at work
                self._at_work = None
                self._call_next()

    def _seconds_until_turn_of(self, waiter: threading.Condition) -> float:
        """0 when it may go in; only the first in the queue ever may."""
        if self._waiting[0] is not waiter:
            return float("inf")
        if self._at_work is None:
            return 0
        return max(self._since + self._hung - time.monotonic(), 0)

    def _call_next(self) -> None:
        """Wake the first in the queue: to go in, or to look how long it has to wait."""
        if self._waiting:
            self._waiting[0].notify()


turn = Turns().turn
