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

    `name` is for the log and the thread. What was read counts for `kept` seconds from the beginning of the reading, and
    is waited for so long as `wait` says: a database that hangs keeps that thread, and no other.
    """

    def __init__(self, name: str, read: Callable[[], T], *, kept: float, wait: float) -> None:
        self._name, self._read, self._kept, self._wait = name, read, kept, wait
        self._lock = threading.Lock()
        self._coming: Future[T] | None = None
        self._begun = 0.0

    def get(self) -> T | None:
        """What was read in the last seconds, or is read now; None when it can't be read, or takes too long."""
        coming, begun = self.begin()
        try:
            return coming.result(timeout=max(begun + self._wait - time.monotonic(), 0.0))
        except TimeoutError:
            log.warning("%s: no answer of the database in %.0f s", self._name, time.monotonic() - begun)
        except Exception as error:
            log.warning("%s: nothing could be read: %s", self._name, error)
        return None

    def begin(self) -> tuple[Future[T], float]:
        """Begin to read, if what was read is too old; the reading, and when it began (monotonic seconds)."""
        with self._lock:
            if self._coming is None or (self._coming.done() and time.monotonic() > self._begun + self._kept):
                self._coming, self._begun = Future(), time.monotonic()
                threading.Thread(target=self._run, args=[self._coming], name=self._name, daemon=True).start()
            return self._coming, self._begun

    def forget(self) -> None:
        """Read anew when somebody asks next."""
        with self._lock:
            if self._coming is not None and self._coming.done():
                self._coming = None

    def _run(self, coming: Future[T]) -> None:
        try:
            coming.set_result(self._read())
        except Exception as error:
            coming.set_exception(error)
        finally:
            connection.close()
