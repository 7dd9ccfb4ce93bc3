"""How long images take to load, kept by a process that is asked for its metrics again and again.

To learn it from a year of VCL's log takes longer than a scrape may. What is kept is used for a while; before it is too
old, it is learned anew beside the scrapes.
"""

import logging
import threading
from collections.abc import Mapping

from django.db import connection

from blockalloc import clock
from blockalloc.store import loads
from scheduling.windows import MINUTE

log = logging.getLogger(__name__)

_FRESH, _USABLE = 10 * MINUTE, 30 * MINUTE


class KeptLoadTimes:
    """An `Estimates` of reports.readiness: that of images whose load time is kept costs no statement."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[int, tuple[int, int, int]] = {}  # image -> reloadtime, seconds, when they were learned
        self._is_learning = False

    def __call__(self, reload_minutes: Mapping[int, int], now: int) -> dict[int, int]:
        """Image -> seconds, for images with their `reloadtime` in minutes at `now` (Unix seconds)."""
        missing = {id_: each for id_, each in reload_minutes.items() if not self._is_kept(id_, each, now, _USABLE)}
        if missing:
            self._learn(missing, now)
        old = {id_: each for id_, each in reload_minutes.items() if not self._is_kept(id_, each, now, _FRESH)}
        if old:
            self._learn_beside(old)
        return {id_: self._kept[id_][1] for id_ in reload_minutes}

    def _is_kept(self, image: int, minutes: int, now: int, seconds: int) -> bool:
        kept = self._kept.get(image)
        return kept is not None and kept[0] == minutes and 0 <= now - kept[2] < seconds

    def _learn(self, reload_minutes: Mapping[int, int], now: int) -> None:
        for image, seconds in loads.estimates(reload_minutes, now).items():
            self._kept[image] = reload_minutes[image], seconds, now

    def _learn_beside(self, reload_minutes: Mapping[int, int]) -> None:
        """In a thread, one at a time."""
        with self._lock:
            if self._is_learning:
                return
            self._is_learning = True
        threading.Thread(target=self._run, args=[reload_minutes], name="load times", daemon=True).start()

    def _run(self, reload_minutes: Mapping[int, int]) -> None:
        try:
            self._learn(reload_minutes, clock.now())
        except Exception as error:
            log.warning("load times for the metrics could not be read: %s", error)
        finally:
            self._is_learning = False
            connection.close()
