"""Kills a look of keep_ready at one place, judges the rows that are left, and looks again as the next minute does.

A look has several transactions. Killed, it has to leave what was committed by then in a look that is not killed, and
nothing else. The next look has to do what is left: then the block times, their reloads and the records are those of a
look that was never killed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from unittest.mock import patch

import time_machine
from django.db import connection
from django.test import override_settings

from blockalloc import inspection
from blockalloc.models import ClassHeld, Decision, Heartbeat, ImageTrust, News, Roster, SeenLoad, Standing, Watch
from blockalloc.store import decisions, site_clock
from blockalloc.upkeep.passes import Keeper
from tests.support.boundaries import Boundary
from tests.support.sites.class_site import class_site
from verification.kills.killing import CLAIM_SECONDS, JUDGED, Killer, Place
from verification.kills.passes import PassScenario
from verification.kills.pictures import Picture, differences, picture

_NEXT = 60  # seconds from a look to the next
# What depends on when the last look was, and not on what was done.
_OF_THE_MINUTE = ("semaphores", "watches", "standings", "news")


@dataclass(frozen=True, slots=True)
class PassRun:
    """A look that is not killed: its places, what was committed before the first and after each statement.

    `ends`: what is there after the next look; of a scenario in which something happens meanwhile also without that, for
    kills that come first. `findings`: of check_vcl, then.
    """

    places: list[Place]
    committed: list[Picture]
    ends: list[Picture]
    findings: frozenset[str]


def undisturbed_pass(scenario: PassScenario) -> PassRun:
    """Look twice, a minute apart, and record the first one's places and what it commits."""
    places: list[Place] = []
    with _site(scenario):
        others = connection.copy(alias="others")
        try:
            committed = [picture(others)]

            def visit(at: Boundary) -> None:
                places.append(Place(at.number, at.after, at.sql))
                if at.after:
                    committed.append(picture(others))

            scenario.run(visit)
        finally:
            others.close()
        assert differences(committed[0], committed[-1], "watches"), f"{scenario.name}: the look changes nothing"
        _next_look(scenario)
        ends, findings = [picture(connection)], _findings(scenario)
    if scenario.meanwhile is not None:
        with _site(scenario):
            _next_look(scenario)
            ends.append(picture(connection))
    return PassRun(places, committed, ends, findings)


def broken_promises_of_pass(scenario: PassScenario, place: Place, run: PassRun, kill: Killer) -> tuple[str, list[str]]:
    """Kill the look at `place`. Gives "all", "none" or "some" of what it commits, and what is wrong."""
    with _site(scenario), override_settings(VCL_GUARD_WAIT_SECONDS=1):
        kill(scenario, place)
        connection.close_if_unusable_or_obsolete()
        left = picture(connection)
        before, after = run.committed[place.number - 1], run.committed[place.number]
        expected = [before, after] if place.during is not None else [after if place.after else before]
        wrong = [] if left in expected else [f"half done: {differences(expected[-1], left)}"]
        wrong += _wrong_next(scenario, run)
        return _share(left, run), wrong


def _share(left: Picture, run: PassRun) -> str:
    """How much of what the look commits is there."""
    if left == run.committed[-1]:
        return "all"
    return "none" if left == run.committed[0] else "some"


def _wrong_next(scenario: PassScenario, run: PassRun) -> list[str]:
    """Look again in the next minute: everything is as if no look had been killed."""
    _next_look(scenario)
    end = picture(connection)
    possible = [differences(each, end, *_OF_THE_MINUTE) for each in run.ends]
    wrong = [f"after the next look: {text}" for text in min(possible, key=len)]
    wrong += [f"a claim is left: {row}" for row in end["semaphores"] if row[2] == "claim"]
    return wrong + [f"check_vcl: {text}" for text in _findings(scenario) - run.findings]


def _findings(scenario: PassScenario) -> frozenset[str]:
    """What check_vcl says after the next look."""
    with time_machine.travel(scenario.now + _NEXT, tick=False):
        findings = inspection.inspect(scenario.now + _NEXT)
    return frozenset(finding.text for finding in findings if finding.kind in JUDGED)


def _next_look(scenario: PassScenario) -> None:
    """By then the claims of a dead look have expired."""
    assert _NEXT > CLAIM_SECONDS, "the next look comes when claims have expired"
    with time_machine.travel(scenario.now + _NEXT, tick=False):
        Keeper().look()


@contextmanager
def _site(scenario: PassScenario) -> Iterator[None]:
    """The scenario's site as it is before the look."""
    # Which looks prune old records depends on their ids, and these go on from run to run.
    # The database server's clock is the real one, the scenario's is not.
    no_pruning = patch.object(decisions, "PRUNE_EVERY", 10**9)
    same_clock = patch.object(site_clock, "database_ahead", lambda: 0)
    with class_site(**scenario.site), no_pruning, same_clock:
        for model in (Decision, Roster, Watch, SeenLoad, ClassHeld, Heartbeat, ImageTrust, Standing, News):
            model.objects.all().delete()
        scenario.prepare()
        scenario.check_in()
        yield
