"""The morning of the CS101 class in fast motion: a throw-away copy of the demo site, a simulated clock, a story.

The double of the back end works through the days before, then loads the class's computers. One of the loads fails, and
`keep_ready` sees to it that the class is complete all the same.
"""

import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from random import Random

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Min, QuerySet

from blockalloc import clock
from blockalloc.demo.back_end import DemoBackEnd
from blockalloc.demo.database import require_mark
from blockalloc.demo.images import CENTOS
from blockalloc.demo.rows import FIRST_ID
from blockalloc.demo.safeguard import NotTheDemo
from blockalloc.models import BlockComputer, BlockTime, Computer, ImageRevision, Request
from blockalloc.reports import readiness
from blockalloc.site_time import site_zone
from blockalloc.upkeep import passes
from scheduling.readiness import ASKED_AHEAD, Readiness
from simulation.back_end.conditions import Result
from simulation.back_end.events import Event, What

_MINUTE = 60
_STRIDE = 15 * _MINUTE  # between two rounds of the back end while nobody watches
_ROUND = 12  # seconds between two rounds while the class loads, as in a back end as shipped
_BEFORE_FIRST_LOAD = 2 * _MINUTE
_TO_LOAD = 9  # computers of the class that do not have its image, at least
_FAILING_LOAD = 3  # the third load of the class fails, each time
_PROGRESS = 5 * _MINUTE  # between two lines that say how far the class is
_MOST_ACTIONS = 5  # lines of keep_ready


def play(write: Callable[[str], object], look: Callable[[int], object] | None = None) -> bool:
    """Play the morning and write its story, line by line; whether the class had all its machines at its start.

    `look` is called with the time (Unix seconds) at each minute from the first load on: it sees the copy on which the
    morning is played, at that time. The demo's own database stays as it is. Raises NotTheDemo.
    """
    require_mark()
    with tempfile.TemporaryDirectory() as directory, _on_a_copy(Path(directory) / "morning.sqlite3"):
        return _Morning(write, look).run()


@contextmanager
def _on_a_copy(path: Path) -> Iterator[None]:
    """Let this thread's database be a copy of the demo's SQLite file, at `path`."""
    original = connections[DEFAULT_DB_ALIAS]
    if original.vendor != "sqlite":
        raise NotTheDemo("this database is on a server: the morning is played on a copy of the demo's file")
    original.ensure_connection()
    with closing(sqlite3.connect(path)) as target:
        original.connection.backup(target)
    copy = original.copy()
    copy.settings_dict["NAME"] = str(path)
    # Nothing of it has to survive: waiting for the disk would take most of the time.
    copy.settings_dict["OPTIONS"]["init_command"] += "PRAGMA synchronous = OFF;"
    connections[DEFAULT_DB_ALIAS] = copy
    try:
        require_mark()
        yield
    finally:
        copy.close()
        connections[DEFAULT_DB_ALIAS] = original


class _Morning:
    """The class of next Monday, from now to its start."""

    def __init__(self, write: Callable[[str], object], look: Callable[[int], object] | None) -> None:
        self._write = write
        self._look = look
        self._back_end = DemoBackEnd(self._result)
        self._back_end.site.log.watch = self._on_event
        self._start = int(BlockTime.objects.get(pk=FIRST_ID).start.timestamp())
        self._watched = False  # the class loads; nothing before is part of the story
        self._loads = 0  # of the class
        self._actions: set[str] = set()  # of keep_ready, written so far
        self._progress = ""  # as written last

    def run(self) -> bool:
        """Play it; whether the class is complete."""
        with clock.simulated(lambda: self._back_end.now):
            self._pass_time(self._start - ASKED_AHEAD + _STRIDE, _STRIDE)  # now the class has computers at the latest
            self._pass_time(self._first_load() - _BEFORE_FIRST_LOAD, _STRIDE)
            _leave_other_images(_TO_LOAD)
            self._watched = True
            first = -(-self._back_end.now // _MINUTE) * _MINUTE  # the next whole minute: the last one is the start
            for now in range(first, self._start + 1, _MINUTE):
                self._pass_time(now, _ROUND)
                self._keep_ready()
                self._write_progress(now)
                if self._look:
                    self._look(now)
            return self._write_result()

    def _first_load(self) -> int:
        """When the first reload of the class begins, Unix seconds; its start if it has none."""
        first = _reloads().aggregate(first=Min("start"))["first"]
        return int(first.timestamp()) if first else self._start

    def _pass_time(self, until: int, stride: int) -> None:
        """Let the back end work until then (Unix seconds), a round at each multiple of `stride` seconds."""
        now = self._back_end.now
        for at in range(now - now % stride + stride, until, stride):
            self._back_end.round(at)
        if until > now:
            self._back_end.round(until)

    def _keep_ready(self) -> None:
        """A pass of `keep_ready`; what it does for the class is part of the story."""
        for action in passes.run_pass().actions:
            if action.block_time_id == FIRST_ID and action.text not in self._actions:
                self._actions.add(action.text)
                if len(self._actions) <= _MOST_ACTIONS:
                    self._write_line(f"keep_ready: {action.text}")

    # --- The load that fails --------------------------------------------------------------------

    def _result(self, computer: int, _image: int, _chance: Random) -> Result:
        if not self._watched or not BlockComputer.objects.filter(blockTime=FIRST_ID, computer=computer).exists():
            return Result.LOADED
        self._loads += 1
        return Result.FAILED if self._loads == _FAILING_LOAD else Result.LOADED

    def _on_event(self, event: Event) -> None:
        if event.what is What.REMOVED_FROM_BLOCKS and event.block_time == FIRST_ID:
            name = Computer.objects.get(pk=event.computer).hostname.partition(".")[0]
            self._write_line(f"{name}: load failed; the back end removed it from the class")

    # --- The story ------------------------------------------------------------------------------

    def _write_line(self, text: str) -> None:
        self._write(f"{_time_of_day(clock.now())}  {text}")

    def _write_progress(self, now: int) -> None:
        if (now % _PROGRESS < _MINUTE or not self._progress) and now < self._start:
            state = self._readiness()
            loading = state.count("loading")
            text = f"{state.ready} of {state.wanted} ready" + (f", {loading} loading" if loading else "")
            if text != self._progress:
                self._progress = text
                self._write_line(text)

    def _write_result(self) -> bool:
        state = self._readiness()
        self._write(f"{state.ready} of {state.wanted} ready at {_time_of_day(self._start)}")
        return state.ready >= state.wanted

    def _readiness(self) -> Readiness:
        (block_time,) = readiness.read(BlockTime.objects.filter(pk=FIRST_ID), clock.now())
        return block_time.readiness


def _time_of_day(at: int) -> str:
    """Site time at the instant (Unix seconds)."""
    return f"{datetime.fromtimestamp(at, site_zone()):%H:%M}"


def _reloads() -> QuerySet[Request]:
    """The reload reservations of the class."""
    ids = BlockComputer.objects.filter(blockTime=FIRST_ID).values("reloadrequestid")
    return Request.objects.filter(pk__in=ids)


def _leave_other_images(number: int) -> None:
    """Let the `number` computers of the class that are loaded first have the image of the users before."""
    revision = ImageRevision.objects.get(image__prettyname=CENTOS, production=1)
    first = _reloads().order_by("start", "pk")[:number].values_list("pk", flat=True)
    computers = Computer.objects.filter(reservation__request__in=list(first), state__name="available")
    computers.update(currentimage=revision.image_id, imagerevision=revision.pk)
