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

    `name` is for the log and the thread. What was read counts for `kept` seconds from the beginning of the reading. If
    that began less than `usable` seconds ago it is told while a new reading is on its way, which begins `pause` seconds
    later, so that it takes no time from whoever asks. Else a reading is waited for `wait` seconds: a database that
    hangs keeps that thread, and no other.
    """

    def __init__(
        self, name: str, read: Callable[[], T], *, kept: float, wait: float, usable: float = 0.0, pause: float = 0.0
    ) -> None:
        self._name, self._read = name, read
        self._kept, self._wait, self._usable, self._pause = kept, wait, usable, pause
        self._lock = threading.Lock()
        self._coming: Future[T] | None = None
        self._begun = 0.0
        self._last: tuple[T, float] | None = None  # what was read, and when that began; None after a failure

    def get(self) -> T | None:
        """What was read in the last seconds, or is read now; None when it can't be read, or takes too long."""
        coming, begun = self.begin()
        last = self._usable_one()
        if last and not coming.done():
            return last[0]
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
                arguments = (self._coming, self._pause if self._usable_one() else 0.0)
                try:
                    threading.Thread(target=self._run, args=arguments, name=self._name, daemon=True).start()
                except RuntimeError as error:  # the system gives no thread now; nobody is to wait for this one for ever
                    self._coming.set_exception(error)
            return self._coming, self._begun

    def _usable_one(self) -> tuple[T, float] | None:
        last = self._last
        return last if last and time.monotonic() < last[1] + self._usable else None

    def forget(self) -> None:
        """Read anew when somebody asks next."""
        with self._lock:
            self._coming = self._last = None

    def _run(self, coming: Future[T], pause: float) -> None:
        try:
            time.sleep(pause)
            begun = time.monotonic()
            found = self._read()
            self._last = found, begun
            coming.set_result(found)
        except Exception as error:
            self._last = None
            coming.set_exception(error)
        finally:
            connection.close()
