"""A value of a metric: in memory, and in the slot of this process if it has one.

It is for the class that prometheus_client makes its values of, and like the library's own for several processes, but
that no write can fail: what cannot be kept in the directory counts for this process alone, until it can be.
"""

import logging
import os
import threading
import time
from pathlib import Path

from django.conf import settings
from prometheus_client import values
from prometheus_client.mmap_dict import mmap_key

from blockalloc.measures.slot import NoSlot, Slot
from vclsite.monitoring import METRICS_DIR

log = logging.getLogger(__name__)

_PAUSE = 60.0  # seconds after which a directory that could not be used is tried again


class Value:
    """A number under a key: what prometheus_client calls a value class, as values.MultiProcessValue."""

    _multiprocess = True

    def __init__(
        self,
        typ: str,
        metric_name: str,
        name: str,
        labelnames: list[str],
        labelvalues: list[str],
        help_text: str,
        **_of_gauges: object,
    ) -> None:
        self.kind = typ
        self.key = mmap_key(metric_name, name, labelnames, labelvalues, help_text)
        self.number = 0.0
        _store.add(self)

    def inc(self, amount: float) -> None:
        """Count."""
        _store.increase(self, amount)

    def get(self) -> float:
        """The value in this process."""
        return self.number

    def get_exemplar(self) -> None:
        """There are none."""


class _Store:
    """All values of this process, and its slot."""

    def __init__(self) -> None:
        self._values: list[Value] = []
        self.begin()

    def begin(self) -> None:
        """Begin at zero; also in a process that was forked: its parent goes on with the slot and the counts."""
        self._lock = threading.Lock()
        self._slot: Slot | None = None
        self._next_try = 0.0
        self._problem = ""
        for value in self._values:
            value.number = 0.0

    def add(self, value: Value) -> None:
        with self._lock:
            self._values.append(value)
            if self._slot:
                self._keep(self._slot, value)

    def increase(self, value: Value, amount: float) -> None:
        with self._lock:
            value.number += amount
            if slot := self._slot or self._taken():
                slot.write(value.kind, value.key, value.number)

    def directory(self) -> Path | None:
        """The directory in which the counts of this process are, with those of others; None: they are nowhere."""
        with self._lock:
            if self._slot and not self._slot.is_in_place:
                self._slot.close()
                self._slot, self._next_try = None, 0.0
            return Path(settings.VCL_METRICS_DIR) if self._slot or self._taken() else None

    def _taken(self) -> Slot | None:
        """A slot, taken now and then tried again; what was counted until now is kept in it."""
        now = time.monotonic()
        if not settings.VCL_METRICS_DIR or now < self._next_try:
            return None
        self._next_try = now + _PAUSE
        try:
            slot = Slot(Path(settings.VCL_METRICS_DIR))
        except (NoSlot, OSError) as problem:
            self._note(problem)
            return None
        for value in self._values:
            self._keep(slot, value)
        self._slot, self._problem = slot, ""
        return slot

    def _note(self, problem: Exception) -> None:
        """Log why there is no slot, once; not that the standard directory is not there: this is no unit of systemd."""
        if str(problem) != self._problem and Path(settings.VCL_METRICS_DIR) != Path(METRICS_DIR):
            log.warning("VCL_METRICS_DIR: %s; this process counts for itself alone", problem)
        self._problem = str(problem)

    @staticmethod
    def _keep(slot: Slot, value: Value) -> None:
        value.number += slot.read(value.kind, value.key)
        slot.write(value.kind, value.key, value.number)


_store = _Store()
os.register_at_fork(after_in_child=_store.begin)
values.ValueClass = Value  # before any metric is made (registry)

directory = _store.directory
