"""Kills a scenario at one place, judges the rows that are left, and makes the call again as its caller would."""

import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Protocol

import time_machine
from django.db import Error, connection
from django.test import override_settings

from blockalloc import clock, inspection
from blockalloc.contract.messages import Refusal
from blockalloc.models import Decision, IdempotencyKey, News, Roster, Standing
from tests.support.boundaries import Boundary
from tests.support.invariants import Rows
from tests.support.servers.mariadb_server import PrivateMariaDB
from tests.support.sites.class_site import NOW, class_site
from verification.kills.judge import added, rows, verdict
from verification.kills.scenarios import Scenario, Visit

CLAIM_SECONDS = 46  # after this long the claims of a dead call have expired
_BUSY = 205
JUDGED = (*inspection.TAKEN_TWICE, "orphaned_reload", "abandoned_reload", "no_reload", "partial_call")


@dataclass(frozen=True, slots=True)
class Place:
    """Beside a statement of a call; `during`, that many seconds after the statement was sent."""

    number: int
    after: bool
    sql: str
    during: float | None = None

    def is_at(self, boundary: Boundary) -> bool:
        """Whether a call is there now."""
        return (boundary.number, boundary.after) == (self.number, self.after)

    def __str__(self) -> str:
        where = "after" if self.after else "before"
        if self.during is not None:
            where = f"{self.during * 1000:.2f} ms into"
        return f"{where} statement {self.number}, {' '.join(self.sql.split())[:60]}"


@dataclass(frozen=True, slots=True)
class Run:
    """A scenario that is not killed: its places, and the rows that it writes."""

    places: list[Place]
    whole: Counter[str]


class Killable(Protocol):
    """A call or a look of keep_ready; `run` sends its statements past `visit`."""

    def run(self, visit: Visit) -> int:
        """Do it."""


Killer = Callable[[Killable, Place], int | None]  # gives the answer, if the call still gave one


def undisturbed(scenario: Scenario) -> Run:
    """Make the call and record its places and its rows."""
    places: list[Place] = []
    with _site(scenario):
        before = rows()
        answer = scenario.run(lambda at: places.append(Place(at.number, at.after, at.sql)))
        assert answer == scenario.machines, f"{scenario.name}: {answer} machines, {scenario.machines} are right"
        return Run(places, added(before, rows()))


def broken_promises(scenario: Scenario, place: Place, run: Run, kill: Killer) -> tuple[str, list[str]]:
    """Kill the call at `place`. Gives "all" or "none", the rows that are left, and what is wrong."""
    with _site(scenario), override_settings(VCL_GUARD_WAIT_SECONDS=1):
        before, successes = rows(), _records_of_success()
        answer = kill(scenario, place)
        left = verdict(before, rows(), run.whole)
        wrong = [left] if left not in ("all", "none") else []
        if (new := _records_of_success() - successes) != (left == "all"):
            wrong.append(f"{new} records of success, and the rows are {left}")
        last = run.places[-1].number
        if answer is not None and (answer, left) != (scenario.machines, "all"):
            wrong.append(f"the answer was {answer}, the rows are {left}")
        # In the middle of a COMMIT the call may be further when the server dies.
        if left == "all" and place.number < last and place.during is None:
            wrong.append("rows were there before the last COMMIT")
        if left == "none" and place.number == last and place.after:
            wrong.append("rows are lost that were committed")
        wrong += [finding.text for finding in inspection.inspect(clock.now()) if finding.kind in JUDGED]
        if scenario.repeatable:
            wrong += _wrong_in_repetition(scenario, before, run)
        return left, wrong


@contextmanager
def _site(scenario: Scenario) -> Iterator[None]:
    """The scenario's site as it is before the call."""
    with class_site(**scenario.site):
        for model in (IdempotencyKey, Decision, Roster, Standing, News):
            model.objects.all().delete()
        scenario.prepare()
        yield


def _records_of_success() -> int:
    """Such records belong to the transaction that writes: they exist exactly when its rows do."""
    return Decision.objects.filter(outcome="success").count()


def _wrong_in_repetition(scenario: Scenario, before: Rows, run: Run) -> list[str]:
    """Make the call again, at once and when the claims of the dead one have expired."""
    answers = [_again(scenario)]
    with time_machine.travel(NOW.timestamp() + CLAIM_SECONDS, tick=False):
        answers.append(_again(scenario))
    wrong = []
    if answers[0] not in (scenario.machines, -_BUSY) or answers[1] != scenario.machines:
        wrong.append(f"called again it answers {answers}, {scenario.machines} is right")
    if (final := verdict(before, rows(), run.whole)) != "all":
        wrong.append(f"called again: {final}")
    return wrong


def _again(scenario: Scenario) -> int:
    """The answer, or the code of the refusal with a minus."""
    connection.close_if_unusable_or_obsolete()
    try:
        return scenario.call()
    except Refusal as refusal:
        return -refusal.code


# --- what is killed ---------------------------------------------------------------------------
def kill_process(scenario: Killable, place: Place) -> None:
    """Make the call in a process of its own, which ends by SIGKILL at `place`."""
    connection.close()  # the child must not share it
    child = os.fork()
    if child == 0:
        try:
            connection.ensure_connection()  # or its first statements would be counted
            scenario.run(lambda at: os.kill(os.getpid(), signal.SIGKILL) if place.is_at(at) else None)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), f"{place}: the call did not come there"


def kill_server(server: PrivateMariaDB) -> Killer:
    """A way to kill the server that the call works on; it is started again when the call has ended."""

    def kill(scenario: Killable, place: Place) -> int | None:
        killers: list[threading.Timer] = []

        def visit(at: Boundary) -> None:
            if not place.is_at(at):
                return
            if place.during is None:
                server.kill()
                return
            killers.append(threading.Timer(place.during, server.kill))
            killers[-1].start()

        answer = None
        with suppress(Error):  # the connection is lost
            answer = scenario.run(visit)
        for killer in killers:
            killer.join()
        connection.close()
        server.relaunch()
        return answer

    return kill
