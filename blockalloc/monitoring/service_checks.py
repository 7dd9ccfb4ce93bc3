"""What /readyz checks: whether this process could answer a call now, and whether the loops beside it are alive.

A check has failed when calls would fail, or be answered wrongly. A warning is for people alone: a loop that has died
must not take the calls down with it.
"""

import platform
import time
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import NamedTuple

from django.conf import settings
from django.db import Error, connection

from blockalloc import clock
from blockalloc.models import Heartbeat
from blockalloc.models.decisions import NAME
from blockalloc.reports.upkeep import NEVER, SILENT
from blockalloc.schema.applied import unapplied
from blockalloc.site_time import site_zone
from blockalloc.store import columns, forecasts, guard, loops, site_clock
from blockalloc.store.sql import fetch, waiting_at_most
from scheduling.site_clock import CLOCK_SECONDS
from scheduling.wording import plural, span
from vclsite import environment

DATABASE = "database"  # the check without which there are no others of it
NOTIFY = "notify"  # the loop that sends notifications
FORECAST = "forecast"  # the loop that plans the classes to come
_LONGEST_WAIT = 1.0  # seconds that a statement waits for somebody's lock
_TRIES, _PAUSE = 5, 0.1  # looks at a guard that is busy, and seconds between two of them


class State(StrEnum):
    """What a check has shown."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


class Check(NamedTuple):
    """A check, and in words what it has shown."""

    name: str
    state: State
    text: str


Result = tuple[State, str]  # the text says why when the state is not OK


class ServiceChecks:
    """All checks. From one run to the next it remembers since when the guard has been busy."""

    def __init__(self) -> None:
        self._busy: tuple[int, float] | None = None  # transactions before, and since when (monotonic seconds)

    def run(self) -> list[Check]:
        """Check now, in about ten statements. When the database does not answer, nothing else is asked of it."""
        with waiting_at_most(lambda: _LONGEST_WAIT):
            return list(self._run())

    def _run(self) -> Iterator[Check]:
        database = _checked(DATABASE, _database)
        yield database
        if database.state is State.OK:
            yield _checked("schema", _schema)
            yield _checked("guard", self._guard)
            yield _checked("clock", _clock)
        yield _checked("settings", _settings)
        if database.state is State.OK:
            yield _checked("keep_ready", _keep_ready, otherwise=State.WARNING)
            if settings.VCL_SMTP_URL or settings.VCL_WEBHOOK_URL:
                yield _checked(NOTIFY, _notify, otherwise=State.WARNING)
            yield _checked(FORECAST, _forecast, otherwise=State.WARNING)

    def _guard(self) -> Result:
        """A guard that is busy is no failure: it is one when calls that wait for it give up."""
        before = guard.transactions()
        for number in range(_TRIES):
            if number:
                time.sleep(_PAUSE)
            if guard.is_free():
                self._busy = None
                return State.OK, "free" if number == 0 else f"free after {number * _PAUSE:.1f} s"
        now = time.monotonic()
        if self._busy is None or self._busy[0] != before:
            self._busy = before, now
        busy = now - self._busy[1]
        if busy > settings.VCL_GUARD_WAIT_SECONDS:
            return State.FAILED, f"one transaction has had it for {span(int(busy))}: calls give up waiting (fault 205)"
        return State.OK, "busy with a call"


def _checked(name: str, check: Callable[[], Result], otherwise: State = State.FAILED) -> Check:
    try:
        state, text = check()
    except Error as error:
        state, text = otherwise, f"the database says: {error}"
    return Check(name, state, " ".join(text.split()))


def _database() -> Result:
    begun = time.monotonic()
    connection.close_if_unusable_or_obsolete()
    fetch("SELECT 1")
    return State.OK, f"answers in {(time.monotonic() - begun) * 1000:.0f} ms"


def _schema() -> Result:
    lacking = unapplied(connection)
    if lacking:
        more = f" and {len(lacking) - 1} more" if lacking[1:] else ""
        return State.FAILED, f"migrations are not applied ({lacking[0]}{more}): run manage.py migrate"
    columns.try_to_read()
    return State.OK, "all migrations are applied, all tables can be read"


def _clock() -> Result:
    """This host's clock beside the database's, and what keep_ready makes of the times in VCL's rows."""
    ahead = site_clock.database_ahead()
    if abs(ahead) > CLOCK_SECONDS:
        how = "behind" if ahead > 0 else "ahead of"
        return State.FAILED, f"this host's clock is {plural(abs(ahead), 'second')} {how} the database's"
    if doubt := _doubt():
        return State.FAILED, f"keep_ready doubts it: {doubt}"
    return State.OK, f"{plural(abs(ahead), 'second')} off the database's" if ahead else "as the database's"


def _doubt() -> str:
    """What the last look of keep_ready doubts, if it holds here: it was on this host, or doubts this host's zone."""
    last = Heartbeat.objects.filter(pk=1).first()
    if last is None or last.at.timestamp() < clock.now() - SILENT:
        return ""
    is_about_zone = last.doubted is not None and last.zone == str(site_zone())
    return last.doubt if is_about_zone or last.host == platform.node()[:NAME] else ""


def _settings() -> Result:
    """Those in force, and the file that the next start would read."""
    if found := environment.problems():
        return State.FAILED, "; ".join(text for _name, text in found)
    file = environment.file_as_it_is()
    if file.problems:
        return State.WARNING, f"in force, but the next start would fail: {'; '.join(file.problems)}"
    if file.values != environment.file().values:
        return State.WARNING, f"{file.path} has changed since this process began: systemctl reload blockalloc"
    return State.OK, "in force"


def _keep_ready() -> Result:
    at = Heartbeat.objects.filter(pk=1).values_list("at", flat=True).first()
    return _seen("keep_ready", int(at.timestamp()) if at else None)


def _notify() -> Result:
    return _loop_seen(NOTIFY)


def _forecast() -> Result:
    """Whether the loop runs, and whether it can make a forecast."""
    state, text = _loop_seen(FORECAST)
    run = forecasts.last_run() if state is State.OK else None
    if run and run.problem:
        return State.WARNING, f"{text}, but no forecast can be made: {run.problem}"
    return state, text


def _loop_seen(loop: str) -> Result:
    last = loops.last_seen().get(loop)
    return _seen(loop, last.at if last else None)


def _seen(loop: str, at: int | None) -> Result:
    if at is None:
        return State.WARNING, f"{loop} has never run" if loop != "keep_ready" else NEVER.text
    ago = max(clock.now() - at, 0)
    if ago > SILENT:
        return State.WARNING, f"not seen for {span(ago)}"
    return State.OK, f"seen {span(ago)} ago"
