"""Something that is read from the database for programs that ask again and again."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

from django.db import connection

log = logging.getLogger(__name__)

T = TypeVar("T")


class Latest(Generic[T]):
    """What was read last: one reading at a time, in a thread of its own, whoever asks and however often.

    `name` is for the log and the thread. What was read counts for `kept` seconds from the beginning of the reading. A
    new reading is waited for `patience` seconds where an old one began less than `usable` seconds ago, and else `wait`
    seconds: a database that hangs keeps that thread, and no other.
    """

    def __init__(
        self, name: str, read: Callable[[], T], *, kept: float, wait: float, usable: float = 0.0, patience: float = 0.0
    ) -> None:
        self._name, self._read = name, read
        self._kept, self._usable, self._patience, self._wait = kept, usable, patience, wait
        self._lock = threading.Lock()
        self._coming: Future[T] | None = None
        self._begun = 0.0
        self._last: tuple[T, float] | None = None  # what was read, and when that began

    def get(self) -> T | None:
        """What was read in the last seconds, or is read now; None when it can't be read, or takes too long."""
        coming, begun = self.begin()
        last = self._last if self._last and time.monotonic() < self._last[1] + self._usable else None
        until = time.monotonic() + self._patience if last else begun + self._wait
        try:
            return coming.result(timeout=max(until - time.monotonic(), 0.0))
        except TimeoutError:
            if last:
                return last[0]
            log.warning("%s: no answer of the database in %.0f s", self._name, time.monotonic() - begun)
        except Exception as error:
            log.warning("%s: nothing could be read: %s", self._name, error)
        return None

    def begin(self) -> tuple[Future[T], float]:
        """Begin to read, if what was read is too old; the reading, and when it began (monotonic seconds)."""
        with self._lock:
            if self._coming is None or (self._coming.done() and time.monotonic() > self._begun + self._kept):
                self._coming, self._begun = Future(), time.monotonic()
                arguments = [self._coming, self._begun]
                threading.Thread(target=self._run, args=arguments, name=self._name, daemon=True).start()
            return self._coming, self._begun

    def forget(self) -> None:
        """Read anew when somebody asks next."""
        with self._lock:
            self._coming = self._last = None

    def _run(self, coming: Future[T], begun: float) -> None:
        try:
            found = self._read()
            self._last = found, begun
            coming.set_result(found)
        except Exception as error:
            coming.set_exception(error)
        finally:
            connection.close()
